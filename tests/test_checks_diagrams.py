"""The checks of the chapter on diagrams, and what its prose states without a cell."""

from itertools import product

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from convac_book.checks import diagrams as check

SIZES = [[40, 5, 60, 8], [6, 50, 4, 30], [9, 7, 80, 3], [20, 30, 2, 25], [5, 90, 10, 40]]


@pytest.mark.parametrize("sizes", SIZES)
def test_fewest_multiplications_is_right_for_one_number_only(sizes):
    # Counted by NumPy: its optimal order, and one multiplication and addition a setting.
    matrices = [np.ones((sizes[j], sizes[j + 1])) for j in range(3)]
    _, first, _ = np.einsum_path("ab,bc,cd->ad", *matrices, optimize="optimal")[0]
    p, q, r, s = sizes
    costs = {(0, 1): p * q * r + p * r * s, (1, 2): q * r * s + p * q * s}
    assert check.fewest_multiplications(costs[tuple(first)], sizes)
    assert check.fewest_multiplications(np.int64(min(costs.values())), sizes)
    accepted = [n for n in range(max(costs.values()) + 2) if check.fewest_multiplications(n, sizes)]
    assert accepted == [min(costs.values())]


@pytest.mark.parametrize("wrong", [None, "4000", 4000.5, [4000], 0, -4000])
def test_fewest_multiplications_refuses_what_is_not_the_integer(wrong):
    assert not check.fewest_multiplications(wrong)


def test_fewest_multiplications_says_what_was_counted():
    assert "the other is cheaper" in check.fewest_multiplications(31_200).sentence
    assert "two nodes at a time" in check.fewest_multiplications(192_000).sentence
    assert "each order has two" in check.fewest_multiplications(2_400).sentence
    assert "4000" not in check.fewest_multiplications(123).sentence


SUMS = [([2, -1, 3, 5, -4], 7), ([1, 3, -2, 6], -2), ([-4, 2, 2, 1, 7, -3], 4), ([5, -6, 1], 9)]


def counting_chain(slopes, constant):
    """The sum as an automaton: state 0 has added nothing yet, state 1 has added its term."""
    nodes = []
    for j, slope in enumerate(slopes):
        node = np.zeros((2, 2, 2))
        node[0, 0, 0] = node[1, 0, 1] = 1
        node[0, 1, 1] = slope
        if j == 0:
            node[0, 0, 1] = constant
        nodes.append(node)
    return [nodes[0][:1], *nodes[1:-1], nodes[-1][:, :, 1:]]


@pytest.mark.parametrize("slopes, constant", SUMS)
def test_sum_as_chain_knows_a_chain(slopes, constant):
    chain = counting_chain(slopes, constant)
    assert check.sum_as_chain(chain, slopes, constant)
    assert check.sum_as_chain([node.tolist() for node in chain], slopes, constant)
    other_gauge = np.array([[2.0, 1], [0, 4]])
    turned = [chain[0] @ other_gauge, np.tensordot(np.linalg.inv(other_gauge), chain[1], 1)]
    assert check.sum_as_chain([*turned, *chain[2:]], slopes, constant)


@pytest.mark.parametrize("slopes, constant", SUMS)
def test_sum_as_chain_finds_a_wrong_entry(slopes, constant):
    right = counting_chain(slopes, constant)
    assert "constant" in check.sum_as_chain(right, slopes, constant + 1).sentence
    changed = [*slopes[:-1], slopes[-1] + 1]
    wrong = check.sum_as_chain(right, changed, constant)
    assert not wrong and f"site {len(slopes) - 1}" in wrong.sentence
    products = [node.copy() for node in right]
    products[0][0, 1, 0] = 1
    assert "product of pixels" in check.sum_as_chain(products, slopes, constant).sentence


def test_sum_as_chain_refuses_what_is_no_chain():
    right = counting_chain([1, 2, 3], 0)
    assert "3 nodes" in check.sum_as_chain(right[:2], [1, 2, 3], 0).sentence
    assert "right dimension 1" in check.sum_as_chain([*right[:2], right[1]], [1, 2, 3], 0).sentence
    assert "left dimension" in check.sum_as_chain([right[1], *right[1:]], [1, 2, 3], 0).sentence
    assert "finite" in check.sum_as_chain([right[0] * np.nan, *right[1:]], [1, 2, 3], 0).sentence
    wide = [np.pad(right[0], ((0, 0), (0, 0), (0, 1))), np.pad(right[1], ((0, 1), (0, 0), (0, 0)))]
    assert "dimension 3" in check.sum_as_chain([*wide, right[2]], [1, 2, 3], 0).sentence
    for wrong in (None, 5, "chain", [None] * 3):
        assert not check.sum_as_chain(wrong, [1, 2, 3], 0)


def from_the_right(first, second):
    column = np.ones(1)
    for upper, lower in zip(first[::-1], second[::-1], strict=True):
        column = sum(np.kron(upper[:, d], lower[:, d]) for d in range(2)) @ column
    return column[0]


@pytest.mark.parametrize("seed", range(1, 7))
def test_ladder_knows_the_inner_product(seed):
    first, second = check.two_chains(seed)
    true = from_the_right(first, second)
    assert check.ladder(true, seed)
    assert "sign" in check.ladder(-true, seed).sentence
    assert "with itself" in check.ladder(from_the_right(first, first), seed).sentence
    for wrong in (true * (1 + 1e-5), 2 * true, 0.0, None, "x", np.inf, first):
        assert not check.ladder(wrong, seed)


def test_a_short_ladder_is_the_sum_over_amplitudes():
    chains = [[chain[0], *chain[1:4], chain[-1]] for chain in check.two_chains(seed=3)]
    total = 0
    for d in product(range(2), repeat=5):
        amplitudes = [
            np.linalg.multi_dot([t[:, k] for t, k in zip(c, d, strict=True)]) for c in chains
        ]
        total += amplitudes[0].item() * amplitudes[1].item()
    assert np.isclose(total, from_the_right(*chains))
    assert np.isclose(total, check._inner_product(*chains))


def truncation_error(state, max_bond):
    """The relative error of a chain made by SVDs, from its own last tensor."""
    rest, kept = state.reshape(1, -1), np.linalg.norm(state)
    for _ in range(state.ndim - 1):
        U, _, _ = np.linalg.svd(rest.reshape(2 * len(rest), -1), full_matrices=False)
        rest = U[:, :max_bond].T @ rest.reshape(U.shape[0], -1)
    return np.sqrt(1 - (np.linalg.norm(rest) / kept) ** 2)


def test_the_open_exercise_compares_orders_truly():
    photo = load_sample_image("china.jpg").mean(axis=2)[60:316, :256] / 255
    rows_first = photo.reshape([2] * 16)
    in_turn = rows_first.transpose([axis for j in range(8) for axis in (j, 8 + j)])
    for chi in (8, 32):
        a, b = truncation_error(rows_first, chi), truncation_error(in_turn, chi)
        assert abs(a - b) < 0.1 * min(a, b)
    diagonal = np.eye(256).reshape([2] * 16)
    assert np.linalg.matrix_rank(diagonal.reshape(256, 256)) == 256
    turned = diagonal.transpose([axis for j in range(8) for axis in (j, 8 + j)])
    ranks = [np.linalg.matrix_rank(turned.reshape(2**j, -1)) for j in range(1, 16)]
    assert max(ranks) == 2
    gradient = np.add.outer(np.arange(256.0), 3 * np.arange(256.0)).reshape([2] * 16)
    assert max(np.linalg.matrix_rank(gradient.reshape(2**j, -1)) for j in range(1, 16)) == 2


def ladder_cost(n_sites, order):
    """Multiplications of two chains with bonds of 4 and sites of 2, tensor by tensor."""
    bonds = [(f"{row}{j}", f"{row}{j + 1}", 4) for row in "ab" for j in range(n_sites - 1)]
    bonds += [(f"a{j}", f"b{j}", 2) for j in range(n_sites)]
    taken, total = {order[0]}, 0
    for tensor in order[1:]:
        seen = [size for *ends, size in bonds if len(taken & set(ends)) == 1 or tensor in ends]
        taken.add(tensor)
        total += int(np.prod(seen))
    return total


def test_left_to_right_wins_from_five_sites_on():
    def by_rows(n):
        return ladder_cost(n, [f"{row}{j}" for row in "ab" for j in range(n)])

    def in_turn(n):
        return ladder_cost(n, [f"{row}{j}" for j in range(n) for row in "ab"])

    assert (by_rows(4), in_turn(4)) == (520, 584)
    assert all(in_turn(n) < by_rows(n) for n in range(5, 10))
    assert {in_turn(n + 1) - in_turn(n) for n in range(2, 10)} == {256}
