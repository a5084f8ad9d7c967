"""Diagrams."""

import itertools
from math import prod

import numpy as np

from .by_hand import matrix, rank
from .frame import statement


@statement(
    "prop-contraction-cost",
    inside=[
        ("ij,j", dict(i=3, j=4)),
        ("abx,xcd", dict(a=2, b=3, x=4, c=1, d=5)),
        ("i,j", dict(i=3, j=2)),
    ],
    nothing_to_drop="two nodes are any two nodes; the shared legs are counted once in the trials",
)
def one_multiplication_a_setting(words, size):
    first, second = words.split(",")
    legs = sorted(set(first) | set(second))
    left, right = (
        np.arange(prod(size[leg] for leg in word)).reshape([size[leg] for leg in word])
        for word in (first, second)
    )
    stays = [leg for leg in legs if (leg in first) != (leg in second)]
    result, done = np.zeros([size[leg] for leg in stays]), 0
    for setting in np.ndindex(*(size[leg] for leg in legs)):
        at = dict(zip(legs, setting, strict=True))
        term = left[tuple(at[x] for x in first)] * right[tuple(at[x] for x in second)]
        result[tuple(at[x] for x in stays)] += term
        done += 1
    right_answer = np.einsum(f"{first},{second}->{''.join(stays)}", left, right)
    counted_twice = prod(size[leg] for leg in first) * prod(size[leg] for leg in second)
    shared = prod(size[leg] for leg in legs if leg in first and leg in second)
    return bool(np.allclose(result, right_answer)) and done == counted_twice // shared


@statement(
    "thm-eckart-young",
    inside=[(seed, k) for seed in range(3) for k in (1, 2)],
    nothing_to_drop="it holds for every state, partition and k",
)
def nothing_of_lower_rank_is_nearer(seed, k):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(4, 5))
    tail = np.sort(np.linalg.eigvalsh(X @ X.T))[: 4 - k].sum()
    best = np.inf
    for _ in range(20):  # alternating least squares from many starts
        b = rng.normal(size=(5, k))
        for _ in range(200):
            a = np.linalg.lstsq(b, X.T, rcond=None)[0].T
            b = np.linalg.lstsq(a, X, rcond=None)[0].T
        best = min(best, np.sum((X - a @ b.T) ** 2))
    return bool(np.isclose(best, tail, rtol=1e-6))


def as_mps(state, most=None):
    """A chain by SVDs from the left, and what was left out on the way."""
    M, rest, nodes, lost = state.shape[0], state.reshape(1, -1), [], 0.0
    for _ in range(state.ndim - 1):
        bond = len(rest)
        u, s, v = np.linalg.svd(rest.reshape(bond * M, -1), full_matrices=False)
        k = min(int(np.sum(s > 1e-10 * s[0])), most or len(s))
        lost += np.sum(s[k:] ** 2)
        nodes.append(u[:, :k].reshape(bond, M, k))
        rest = s[:k, None] * v[:k]
    return [*nodes, rest.reshape(-1, M, 1)], lost


def contract(nodes):
    state = nodes[0]
    for node in nodes[1:]:
        state = np.tensordot(state, node, axes=1)
    return state[0, ..., 0]


@statement(
    "thm-mps",
    inside=[(seed, terms) for seed in range(2) for terms in (1, 2, 9)],
    nothing_to_drop="it holds for every state",
)
def bonds_are_schmidt_numbers(seed, terms):
    rng = np.random.default_rng(seed)
    state = sum(np.einsum("a,b,c,d,e", *rng.integers(-3, 4, size=(5, 2))) for _ in range(terms))
    if not state.any():
        return True
    nodes, _ = as_mps(state.astype(float))
    exact = [rank(matrix(state, "A" * j + "B" * (5 - j))) for j in range(1, 5)]
    bonds = [node.shape[2] for node in nodes[:-1]]
    return bool(np.allclose(contract(nodes), state)) and bonds == exact


@statement(
    "thm-bond-rank",
    inside=[("AABBBB", 3, None), ("AAABBB", 2, None), ("ABBBBA", 2, None), ("AABBAA", 3, None)],
    outside={"the cut separates": ("AABBAA", 3, 1)},
)
def cut_bonds_bound_the_rank(word, chi, bonds_counted):
    rng = np.random.default_rng(0)
    dims = [1, *[chi] * 5, 1]
    chain = [rng.integers(-5, 6, size=(dims[j], 2, dims[j + 1])) for j in range(6)]
    severed = sum(a != b for a, b in itertools.pairwise(word))
    severed = severed if bonds_counted is None else bonds_counted
    return rank(matrix(contract(chain), word)) <= chi**severed


@statement(
    "prop-mps-error",
    inside=[(seed, k) for seed in range(3) for k in (1, 2, 3)],
    nothing_to_drop="it holds for every state and every number of kept values",
)
def errors_add_and_are_bounded(seed, k):
    state = np.random.default_rng(seed).normal(size=(2,) * 6)
    nodes, lost = as_mps(state, k)
    tails = 0.0
    for j in range(1, 6):
        squares = np.linalg.eigvalsh((X := matrix(state, "A" * j + "B" * (6 - j))) @ X.T)[::-1]
        tails += squares[k:].sum()
    error = np.sum((state - contract(nodes)) ** 2)
    return bool(np.isclose(error, lost)) and error <= tails + 1e-9
