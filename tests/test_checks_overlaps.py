"""The checks of the chapter on overlaps and recurrence, and its prose that no cell runs."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest

from convac_book.checks import overlaps as check

BLOCKS = [
    (16, 2, 3, 2, 3, 5, 10), (20, 3, 2, 2, 4, 6, 12), (24, 2, 3, 3, 6, 8, 15),
    (30, 2, 2, 4, 3, 10, 19), (18, 3, 3, 2, 2, 5, 11),
]  # fmt: skip


@pytest.mark.parametrize("given", BLOCKS)
def test_two_boundaries(given):
    n_sites, m, depth, window, channels, first, last = given
    reach, size = depth * (window - 1), last - first + 1
    straddling = 0
    for j in range(n_sites - reach):
        sides = {first <= site <= last for site in range(j, j + reach + 1)}
        straddling += len(sides) == 2
    bound = min(m**size, m ** (n_sites - size), channels * m ** (2 * reach))
    assert check.two_boundaries((straddling, bound), *given)
    assert check.two_boundaries(np.array([straddling, bound]), *given)
    assert not check.two_boundaries((straddling, bound + 1), *given)
    assert "two boundaries" in check.two_boundaries((straddling / 2, bound), *given).sentence
    assert "count those" in check.two_boundaries((straddling + 1, bound), *given).sentence
    for nonsense in (straddling, (1.5, bound), "ab", (straddling, float("inf"))):
        assert not check.two_boundaries(nonsense, *given)


def test_two_boundaries_names_the_sides():
    assert "smaller side" in check.two_boundaries((6, 3 * 2**6)).sentence


LINES = [(20, 2, 2, 6), (24, 2, 2, 4), (18, 3, 2, 5), (32, 2, 3, 3), (40, 4, 4, 20)]


@pytest.mark.parametrize("given", LINES)
def test_enough_layers(given):
    n_sites, m, window, channels = given
    ranks = [min(m ** (n_sites // 2), channels * m ** (depth * (window - 1)))
             for depth in range(n_sites // 2 // (window - 1) + 1)]  # fmt: skip
    depth = ranks.index(m ** (n_sites // 2))  # found within the hypotheses of the law
    assert check.enough_layers((depth, ranks[depth - 1]), *given)
    assert "fewer" in check.enough_layers((depth + 1, ranks[depth]), *given).sentence
    assert "more" in check.enough_layers((depth - 1, 1), *given).sentence
    assert "not full" in check.enough_layers((depth, ranks[depth]), *given).sentence
    assert "another" in check.enough_layers((depth, 7), *given).sentence
    assert not check.enough_layers(depth, *given)


def forms(variables, degree):
    return sum(1 for _ in combinations_with_replacement(range(variables), degree))


@pytest.mark.parametrize("m, width", [(2, 5), (2, 3), (3, 3), (3, 5), (4, 6)])
def test_where_depth_two_ends(m, width):
    n = 1
    while True:
        bound = width * (forms(width, n) - (forms(width - m, n) if width > m else 0))
        if bound < m**n:
            break
        n += 1
    assert check.where_depth_two_ends((2 * n, bound), m, width)
    assert "still allows" in check.where_depth_two_ends((2 * n - 2, bound), m, width).sentence
    assert "already" in check.where_depth_two_ends((2 * n + 2, bound), m, width).sentence
    assert not check.where_depth_two_ends((2 * n, bound + 1), m, width)
    if width > m:
        verdict = check.where_depth_two_ends((2 * n, width * forms(width, n)), m, width)
        assert "smaller bound" in verdict.sentence
    assert "even" in check.where_depth_two_ends((2 * n + 1, bound), m, width).sentence
    assert not check.where_depth_two_ends(bound, m, width)


ROOTS = [
    (31, 6, (0, 1, 0, 0, 5, 2)), (13, 5, (1, 0, 0, 2)), (29, 12, (3, 1, 4, 2)),
    (37, 7, (0, 1, 0, 2, 0, 3, 0, 4, 5)), (101, 95, (1, 2, 3, 4, 5)),
]  # fmt: skip


@pytest.mark.parametrize("p, root, theta", ROOTS)
def test_any_function(p, root, theta):
    m = len(theta)
    assert len({pow(root, k, p) for k in range(m)}) == m and pow(root, m, p) == 1
    if p**m < 10**5:  # by trying all vectors
        values = np.array(list(product(range(p), repeat=m)))
        powers = np.array([[pow(root, c * k, p) for c in range(m)] for k in range(m)])
        fits = values[((values @ powers.T - np.array(theta)) % p == 0).all(1)]
        assert len(fits) == 1
        assert check.any_function(fits[0], p, root, theta)
    vector = [
        pow(m, -1, p) * sum(t * pow(root, -c * k % m, p) for k, t in enumerate(theta)) % p
        for c in range(m)
    ]
    assert check.any_function(vector, p, root, theta)
    assert "Fourier" in check.any_function(theta, p, root, theta).sentence
    assert "M times" in check.any_function([m * b % p for b in vector], p, root, theta).sentence
    flipped = [vector[-c % m] for c in range(m)]
    assert "minus" in check.any_function(flipped, p, root, theta).sentence
    assert "residues" in check.any_function([b + p for b in vector], p, root, theta).sentence
    for nonsense in (3, vector[:-1], [0.5] * m, ["a"] * m, [float("nan")] * m):
        assert not check.any_function(nonsense, p, root, theta)
