"""When the bound is met."""

from itertools import combinations

import flint
import networkx as nx
import numpy as np

from .by_hand import copy_tensor, cut, draw, matrix, network_rank, power_below, rank, tensor, words
from .frame import statement


def symmetric(x, y):
    return [[x, y], [y, x]]


def outer(x, y):
    return [[x * x, x * y], [x * y, y * y]]


def cubic(x, y):
    return [[x**3, y, 0], [y, x, y], [0, y, x * y]]


@statement(
    "thm-one-point",
    inside=[(symmetric, (1, 0)), (outer, (1, 2)), (cubic, (1, 1)), (cubic, (2, 5))],
    outside={"polynomials": (lambda x, y: [[max(x, 0.0)]], (1, 0))},
)
def rank_at_a_point_is_reached_nearly_everywhere(entries, point):
    there = np.linalg.matrix_rank(np.array(entries(*point), dtype=float))
    rng = np.random.default_rng(0)
    others = [np.linalg.matrix_rank(np.array(entries(*p))) for p in rng.normal(size=(200, 2))]
    return bool(min(others) >= there)


@statement(
    "prop-digits",
    inside=[(2, 2, 3), (2, 3, 3), (3, 2, 3), (2, 2, 4)],
    nothing_to_drop="the trials have several p, n and numbers of legs",
)
def a_copy_tensor_of_digits(p, n, order):
    digits = [np.indices((p,) * n).reshape(n, -1)[d] for d in range(n)]
    product = np.ones((p**n,) * order, dtype=int)
    small = copy_tensor(order, p).astype(int)
    for digit in digits:
        product *= small[np.ix_(*[digit] * order)]
    return bool(np.array_equal(product, copy_tensor(order, p**n).astype(int)))


@statement(
    "thm-menger",
    inside=[(seed,) for seed in range(8)],
    nothing_to_drop="it holds in every finite graph",
)
def disjoint_paths_and_separators(seed):
    graph = nx.gnp_random_graph(8, 0.35, seed=seed)
    A, B = {0, 1, 2}, {5, 6, 7}
    least = next(
        size
        for size in range(9)
        for chosen in combinations(range(8), size)
        if not any(
            nx.has_path(graph.subgraph(set(range(8)) - set(chosen)), a, b)
            for a in A - set(chosen)
            for b in B - set(chosen)
        )
    )
    split = nx.DiGraph()  # each vertex an edge of capacity 1
    for v in graph:
        split.add_edge((v, "in"), (v, "out"), capacity=1)
        for u in graph[v]:
            split.add_edge((v, "out"), (u, "in"), capacity=9)
    for side, end in ((A, "s"), (B, "t")):
        for v in side:
            edge = ("s", (v, "in")) if end == "s" else ((v, "out"), "t")
            split.add_edge(*edge, capacity=9)
    return nx.maximum_flow_value(split, "s", "t") == least


def meets(widths, window, word, share="none", seed=0):
    return network_rank(widths, window, word, seed, share) == cut(widths, window, word)


statement(
    "thm-powers",
    inside=[
        (widths, 2, word)
        for seed, widths in enumerate([(2, 4, 4, 2), (2, 8, 2, 4), (4, 2, 8, 2), (3, 3, 9, 3)])
        for word in words(8, 4, seed)
    ],
    outside={
        "weights at every place are free": ((2, 4, 4), 2, "AABB", "all"),
        "powers of one integer": ((2, 3, 5, 7, 2), 2, "BBBBBAAABBBAAAAA"),
    },
)(meets)

statement(
    "rem-every-window",
    inside=[
        *[((2, 4, 2), 4, word) for word in words(16, 3)],
        *[((2, 2, 8), 4, word) for word in words(16, 3, seed=1)],
        *[((3, 9, 3), 3, word) for word in words(9, 4)],
        *[((2, 4, 2), 3, word) for word in words(9, 4, seed=1)],
    ],
    outside={
        "powers of one integer": ((2, 3, 2), 4, "BBBBBBBBBAAABAAA"),
        "powers of one integer, windows of three": ((2, 3, 2), 3, "BBBBAABAA"),
        "weights at every place are free": ((2, 8, 8), 3, "AAABBBBBB", "all"),
    },
)(meets)


@statement(
    "prop-certificate",
    inside=[(seed, q) for seed in range(3) for q in (2, 3, 5, 7, 101)],
    nothing_to_drop="modulo a number that is no prime there is no elimination, and no rank",
)
def rank_modulo_never_exceeds(seed, q):
    widths, word = (2, 4, 8, 4), "AABABABB"
    weights = draw(widths, 2, 8, seed, high=10)
    X = matrix(tensor(weights, 2), word)
    exact = flint.fmpz_mat(X.tolist()).rank()
    modulo = flint.nmod_mat([[int(x) % q for x in row] for row in X], q).rank()
    generic = max(network_rank(widths, 2, word, s) for s in range(2))
    return modulo <= exact <= generic <= cut(widths, 2, word)


@statement(
    "thm-rounding",
    inside=[
        (widths, word, "none")
        for seed, widths in enumerate([(3, 5, 6, 2), (4, 2, 5, 6), (2, 7, 3, 3), (3, 7, 7, 2)])
        for word in words(8, 3, seed)
    ],
    outside={
        "weights at every place are free": ((2, 4, 5), "AABB", "all"),
        "almost all weights": ((2, 4, 5), "AABB", "zero"),
    },
)
def between_rounded_and_full_cut(widths, word, share):
    lower = max(cut([power_below(c, p) for c in widths], 2, word) for p in range(2, 8))
    if share == "zero":
        *layers, dense = draw(widths, 2, len(word))
        found = rank(matrix(tensor([*layers, 0 * dense], 2), word))
    else:
        found = network_rank(widths, 2, word, share=share)
    return lower <= found <= cut(widths, 2, word)
