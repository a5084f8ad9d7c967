"""The checks of the chapter on missed cuts, and the mathematics that its proofs rest on."""

from fractions import Fraction

import numpy as np
import pytest
from oracles import generic_rank

from convac_book.checks import bound_not_met as check
from convac_lib import Architecture, modular
from convac_lib.ranks import certify_rank

PRIME = modular.large_prime(3)
MISSING = "BBBBBAAA BBBAAAAA"


@pytest.mark.parametrize("local_dim, r0", [(2, 3), (3, 4), (3, 5), (4, 5), (4, 6), (5, 7)])
def test_spaces_that_meet(local_dim, r0):
    found = certify_rank(Architecture(16, 4, local_dim, (r0, 2)), "BBBBBBBBBAAABAAA", seed=5)
    assert found.rank < found.cut
    assert check.spaces_that_meet((found.rank, found.cut), local_dim, r0)
    assert check.spaces_that_meet(np.array([found.rank, found.cut]), local_dim, r0)
    assert not check.spaces_that_meet((found.cut, found.cut), local_dim, r0)
    assert not check.spaces_that_meet((found.rank - 1, found.cut), local_dim, r0)
    assert "cut" in str(check.spaces_that_meet((found.rank, found.cut + 1), local_dim, r0))
    assert "exchanged" in str(check.spaces_that_meet((found.cut, found.rank), local_dim, r0))
    assert not check.spaces_that_meet(found.rank, local_dim, r0)


def test_spaces_that_meet_names_the_slip():
    assert "not of the product" in str(check.spaces_that_meet((16, 16), 3, 4))
    assert "not of the product" in str(check.spaces_that_meet((30, 32), 4, 6))


def generic_join(m, n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, PRIME, size=(2, m, n)).astype(object)
    y = rng.integers(0, PRIME, size=(2, n, m)).astype(object)
    return modular.rank(np.kron(x[0], y[0]) + np.kron(x[1], y[1]), PRIME)


@pytest.mark.parametrize(
    "m, n, blocks",
    [
        (9, 14, {1: 1, 2: 4}),
        (7, 10, {2: 2, 3: 1}),
        (8, 13, {1: 2, 2: 3}),
        (11, 15, {2: 1, 3: 3}),
        (10, 17, {1: 4, 2: 3}),
    ],
)
def test_tiles_of_a_join(m, n, blocks):
    rank = generic_join(m, n)
    assert check.tiles_of_a_join(blocks, rank, m, n)
    assert check.tiles_of_a_join({**blocks, 7: 0}, np.int64(rank), m, n)
    assert "lose something" in str(check.tiles_of_a_join(blocks, m * n, m, n))
    assert "not both" in str(check.tiles_of_a_join(blocks, 2 * rank - m * n, m, n))
    assert not check.tiles_of_a_join(blocks, rank + 1, m, n)
    assert "are needed" in str(check.tiles_of_a_join({m: 1}, rank, m, n))
    assert "add up" in str(check.tiles_of_a_join({1: n - m}, rank, m, n))
    assert "at most one" in str(check.tiles_of_a_join({0: n - m - 1, m: 1}, rank, m, n))
    assert not check.tiles_of_a_join([1, 2], rank, m, n)


def test_worst_pencil():
    assert check.worst_pencil(Fraction(15, 209))
    assert not check.worst_pencil("15/209")
    assert check.worst_pencil(Fraction(1, 14), 9)
    assert check.worst_pencil(Fraction(14, 195), 30)
    assert "exact fraction" in str(check.worst_pencil(15 / 209))
    assert "kept" in str(check.worst_pencil(Fraction(194, 209)))
    assert "larger fraction" in str(check.worst_pencil(Fraction(1, 14)))
    assert "so much" in str(check.worst_pencil(Fraction(1, 4)))
    assert not check.worst_pencil("many")


# --- what the page proves, by other routes --------------------------------------------------


def test_join_theorem_where_the_count_can_be_larger_than_the_bound():
    # Special matrices may have more kernel than a * b, never less.
    for s, m, n in [(2, 3, 5), (2, 4, 7), (3, 8, 22), (2, 5, 7)]:
        a, b = max(0, s * n - (s * s - 1) * m), max(0, s * m - n)
        rng = np.random.default_rng(s * n)
        for sparse in (False, True):
            x = rng.integers(-9, 10, size=(s, m, n))
            y = rng.integers(-9, 10, size=(s, n, m))
            if sparse:
                x *= rng.integers(0, 2, size=x.shape)
                y *= rng.integers(0, 2, size=y.shape)
            joined = sum(np.kron(x[g], y[g]) for g in range(s))
            assert modular.rank(joined, PRIME) <= m * n - a * b


def test_generic_triple_of_8_by_22_splits_into_two_kinds_of_blocks():
    # The orbit of two 1x3 and two 3x8 blocks is open: (S, T) -> S X_g - X_g T is onto.
    x = np.zeros((3, 8, 22), dtype=int)
    rng = np.random.default_rng(0)
    row = column = 0
    for height, width in [(1, 3), (1, 3), (3, 8), (3, 8)]:
        block = rng.integers(-9, 10, size=(3, height, width))
        if height == 1:
            block = np.eye(3, dtype=int)[:, None, :]
        x[:, row : row + height, column : column + width] = block
        row, column = row + height, column + width
    left = [np.kron(np.eye(8, dtype=int), x[g].T) for g in range(3)]
    right = [np.kron(x[g], np.eye(22, dtype=int)) for g in range(3)]
    tangent = np.hstack([np.vstack(left), np.vstack(right)])
    assert tangent.shape == (3 * 8 * 22, 8 * 8 + 22 * 22)
    assert modular.rank(tangent, PRIME) == 3 * 8 * 22


def test_tiles_have_full_rank():
    for eps in range(1, 6):
        for eta in range(1, 6):
            x = np.eye(eps, eps + 1, dtype=int), np.eye(eps, eps + 1, k=1, dtype=int)
            y = np.eye(eta, eta + 1, dtype=int), np.eye(eta, eta + 1, k=1, dtype=int)
            tile = np.kron(x[0], y[0].T) + np.kron(x[1], y[1].T)
            assert tile.shape == (eps * (eta + 1), (eps + 1) * eta)
            assert modular.rank(tile, PRIME) == min(tile.shape)


def test_symmetric_windows_have_the_dimension_of_symmetric_tensors():
    # Two windows of four, all weights shared, against each other: min(r0, binomial).
    for local_dim, binomial in [(2, 5), (3, 15)]:
        network = Architecture(16, 4, local_dim, (20, 20))
        word = "AAAA BBBB BBBB BBBB"
        assert generic_rank(network, word, share="all") == binomial
        assert generic_rank(network, word) == min(20, local_dim**4)


def test_a_product_of_branches_multiplies_its_losses():
    word = 2 * "BBBBBBBBBAAABAAA" + 16 * "A" + 16 * "B"
    found = certify_rank(Architecture(64, 4, 2, (3, 2, 1)), word, seed=9)
    assert (found.rank, found.cut) == (49, 64)


@pytest.mark.parametrize(
    "channels, in_a, in_b", [((3, 5, 7, 2), 6, 10), ((5, 7, 11, 2), 8, 14), ((5, 11, 13, 3), 8, 22)]
)
def test_the_halves_have_the_sizes_that_the_page_counts(channels, in_a, in_b):
    # With a free leg at the top the left half has exactly in_a x in_b dimensions: a root
    # bond as wide as it likes changes neither.
    network = Architecture.line(2, (*channels[:3], in_a * in_b))
    for word, size in [("BBBBBAAA" + 8 * "B", in_a), ("BBBBBAAA" + 8 * "A", in_b)]:
        found = certify_rank(network, word)
        assert found.certified
        assert found.rank == size


@pytest.mark.parametrize("channels, rank", [((3, 5, 7, 2), 56), ((5, 11, 13, 3), 172)])
def test_the_exact_draws_of_the_page_come_out_with_other_primes(channels, rank):
    assert generic_rank(Architecture.line(2, channels), MISSING, seed=40) == rank
