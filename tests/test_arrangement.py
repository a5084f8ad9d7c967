"""Orders of sites, their costs and entropies, against brute force and written-out tensors."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_book.random_hierarchy import draw_rules, sample
from convac_lib.states import entanglement_entropy, product_state
from convac_workbench import arrangement
from convac_workbench.arrangement import (
    arrange,
    as_sites,
    bisect,
    blocks,
    canonical_entropies,
    canonical_levels,
    correlations,
    site_overlaps,
    tree_cost,
    tree_order,
)


def random_weights(n, seed):
    upper = np.triu(np.random.default_rng(seed).random((n, n)), 1)
    return upper + upper.T


# --- bisection and cost -------------------------------------------------------------------


@given(st.integers(2, 9), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_bisect_finds_a_cut_that_no_swap_improves_and_often_the_least(n, seed):
    weights = random_weights(n, seed)
    left = bisect(weights, 20, np.random.default_rng(seed))
    assert left.sum() == (n + 1) // 2

    def across(chosen):
        side = np.isin(np.arange(n), chosen)
        return weights[np.ix_(side, ~side)].sum()

    least = min(across(list(half)) for half in combinations(range(n), (n + 1) // 2))
    found = across(np.flatnonzero(left))
    assert found >= least - 1e-12
    assert found <= least * 1.1 + 1e-12  # twenty starts on nine sites
    for i in np.flatnonzero(left):
        for j in np.flatnonzero(~left):
            swapped = [*np.flatnonzero(left)[np.flatnonzero(left) != i], j]
            assert across(swapped) >= found - 1e-9


def heights_by_hand(n):
    """The height at which two places part, by going up their blocks."""
    heights = np.zeros((n, n))
    for a, b in permutations(range(n), 2):
        together = sum(block.start <= min(a, b) and max(a, b) < block.stop for block in blocks(n))
        heights[a, b] = len(canonical_levels(n)) + 2 - together
    return heights


@pytest.mark.parametrize("n", [4, 6, 8, 16])
def test_cost_is_the_mean_height_of_a_pair(n):
    heights = heights_by_hand(n)
    if n in (4, 8, 16):
        depth = n.bit_length() - 1
        assert heights[0, 1] == 1 and heights[0, n - 1] == depth
    weights, order = random_weights(n, 1), np.random.default_rng(2).permutation(n)
    pairs = list(permutations(range(n), 2))
    total = sum(weights[order[a], order[b]] * heights[a, b] for a, b in pairs)
    weight = sum(weights[order[a], order[b]] for a, b in pairs)
    mean = np.mean([heights[a, b] for a, b in pairs])
    assert abs(tree_cost(weights, order) - total / weight / mean) < 1e-12


def test_cost_is_one_for_equal_weights_and_without_any():
    equal = 1 - np.eye(8)
    assert abs(tree_cost(equal, np.random.default_rng(0).permutation(8)) - 1) < 1e-12
    assert tree_cost(np.zeros((8, 8)), np.arange(8)) == 1


def test_the_order_of_a_planted_tree_is_found():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        weights = 1 / (1.0 + heights_by_hand(16)) ** 2 + 0.02 * random_weights(16, seed)
        np.fill_diagonal(weights, 0)
        shuffle = rng.permutation(16)
        order = shuffle[tree_order(weights[np.ix_(shuffle, shuffle)], 10, rng)]
        assert block_sets(order) == block_sets(np.arange(16))


def block_sets(order):
    return {frozenset(order[block].tolist()) for level in canonical_levels(len(order))
            for block in level}  # fmt: skip


def test_canonical_levels_of_other_numbers():
    assert [[(b.start, b.stop) for b in level] for level in canonical_levels(6)] == [
        [(0, 3), (3, 6)], [(0, 2), (2, 3), (3, 5), (5, 6)],
    ]  # fmt: skip
    for n in range(4, 30):
        for level in canonical_levels(n):
            sizes = [b.stop - b.start for b in level]
            assert max(sizes) - min(sizes) <= 1 or min(sizes) >= 1


# --- correlations -------------------------------------------------------------------------


def test_correlations_of_vectors_do_not_depend_on_an_orthonormal_basis():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5, 3)) + rng.normal(size=(300, 1, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    np.testing.assert_allclose(correlations(x), correlations(x @ turn), atol=1e-12)
    assert correlations(np.repeat(x[:, :1], 2, axis=1))[0, 1] == pytest.approx(1)


def test_constant_sites_have_no_correlation():
    x = np.random.default_rng(0).normal(size=(50, 6, 1))
    x[:, 2] = 7
    found = correlations(x)
    assert not found[2].any() and found[0, 1] > 0


# --- entropies ----------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [np.pi / 4, 0.3])
def test_entropies_are_those_of_the_written_out_tensor(theta):
    x = np.random.default_rng(0).uniform(size=(30, 8))
    tensor = sum(
        product_state(np.stack([np.cos(theta * row), np.sin(theta * row)], 1), normalize=False)
        for row in x
    )
    order = np.random.default_rng(1).permutation(8)
    found = canonical_entropies(site_overlaps(x, theta), order)
    for level, value in zip(canonical_levels(8), found, strict=True):
        wanted = []
        for block in level:
            partition = np.isin(np.arange(8), order[block])
            wanted.append(entanglement_entropy(tensor, partition))
        assert abs(np.mean(wanted) - value) < 1e-6


def test_entropies_of_symbols():
    x = np.eye(3)[np.random.default_rng(0).integers(0, 3, (40, 6))]
    tensor = sum(product_state(row, normalize=False) for row in x)
    found = canonical_entropies(site_overlaps(x))
    halves = np.arange(6) < 3
    assert abs(found[0] - entanglement_entropy(tensor, halves)) < 1e-6


def test_the_pairing_takes_correlations_away():
    rng = np.random.default_rng(0)
    x = np.repeat(rng.uniform(size=(200, 4)), 2, axis=1)[:, [0, 2, 4, 6, 1, 3, 5, 7]]
    overlaps = site_overlaps(x)
    real = canonical_entropies(overlaps)
    control = canonical_entropies(overlaps, pairing=rng.permutation(200))
    assert control[0] < 0.3 * real[0]


# --- a tree, or none ----------------------------------------------------------------------


def test_a_hierarchy_shuffled_is_mostly_found_again():
    found = 0
    for seed in range(10):
        rng = np.random.default_rng((seed, 7))
        leaves, _ = sample(draw_rules(rng, 4, 4, 2), rng, 4000)
        shuffle = rng.permutation(16)
        result = arrange(np.eye(4)[leaves[:, shuffle]], starts=20)
        assert result.has_tree and result.cost_after < result.cost_before
        found += block_sets(shuffle[result.order]) == block_sets(np.arange(16))
    assert found >= 7


@pytest.mark.parametrize("kind", ["noise", "common factor"])
def test_no_tree_is_seen_where_there_is_none(kind):
    false = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(200, 16))
        if kind == "common factor":
            x += 2 * rng.normal(size=(200, 1))
        false += arrange(x, starts=1, seed=seed).has_tree
    assert false <= 6  # 1 in 21 expected


def test_parity_hides_its_tree_from_correlations():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (2000, 1))
    for _ in range(4):  # 0 -> 00 or 11, 1 -> 01 or 10
        coin = rng.integers(0, 2, bits.shape)
        bits = np.stack([coin, coin ^ bits], -1).reshape(2000, -1)
    assert not arrange(np.eye(2)[bits]).has_tree


def test_arrange_counts_constant_sites():
    x = np.random.default_rng(0).normal(size=(100, 8))
    x[:, [1, 5]] = 3
    found = arrange(x)
    assert found.constant == 2
    assert sorted(found.order) == list(range(8))


@pytest.mark.parametrize("inputs, word", [
    (np.zeros((30, 8)), "must vary"),
    (np.where(np.arange(8) == 3, np.arange(30)[:, None], 1.0), "must vary"),
    (np.ones((30, 3)), "at least 4 sites"),
    (np.ones(30), "shape"),
    (np.random.default_rng(0).normal(size=(10, 8)), "20 samples"),
    (np.full((30, 8), np.nan), "finite"),
    (np.array([["a"] * 8] * 30), "numbers"),
])  # fmt: skip
def test_refusals(inputs, word):
    with pytest.raises(ValueError, match=word):
        arrange(inputs)
    if word != "must vary":
        with pytest.raises(ValueError, match=word):
            as_sites(inputs)


def test_refused_options():
    x = np.random.default_rng(0).normal(size=(30, 8))
    with pytest.raises(ValueError, match="starts"):
        arrange(x, starts=0)
    with pytest.raises(ValueError, match="seed"):
        arrange(x, seed=-1)


@pytest.mark.parametrize(
    "weights, words",
    [(np.zeros((1, 1)), "at least 2 sites"), (np.array([[0, 1], [2, 0]]), "symmetric matrix")],
)
def test_weights_that_cannot_be_parted(weights, words):
    with pytest.raises(ValueError, match=words):
        arrangement.bisect(weights, 1, np.random.default_rng(0))


def test_overlaps_are_of_samples_with_samples():
    with pytest.raises(ValueError, match=r"shape \(N, m, m\), from -1 to 1.*up to 2"):
        arrangement.canonical_entropies(np.full((4, 3, 3), 2.0))
