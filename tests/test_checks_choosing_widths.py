"""The checks of the chapter on choosing widths, and what the page says without a cell."""

from itertools import pairwise, product

import numpy as np
import pytest

from convac_book.checks import choosing_widths as check
from convac_lib import Architecture
from convac_workbench.advice import tail_sum
from convac_workbench.bonds import BondSpectrum

MOMENTS = [
    (([[1, 1], [1, 3]], [[4, -1], [-1, 1]]), (3, 2)),
    (([[1, 1], [1, 2]], [[8, -2], [-2, 2]]), (6, 2)),
    (([[1, 1], [1, 2]], [[10, -9], [-9, 9]]), (9, 1)),
    (([[1, 2], [2, 5]], [[11, -2], [-2, 1]]), (7, 1)),
    (([[4, 2], [2, 2]], [[2, -3], [-3, 6]]), (6, 2)),
]


@pytest.mark.parametrize("given, squares", MOMENTS)
def test_two_moments(given, squares):
    p, q = np.array(squares) / sum(squares)
    # By the definition: the two-by-two table of v and u with these moments.
    factors = [np.linalg.cholesky(np.array(c, dtype=float)) for c in given]
    singular = np.linalg.svd(factors[0].T @ factors[1], compute_uv=False)
    np.testing.assert_allclose(singular**2, squares, atol=1e-9)
    assert check.two_moments((p, q), *given)
    assert check.two_moments(np.array([p, q]), *given)
    assert "larger" in str(check.two_moments((q, p), *given))
    assert "add up" in str(check.two_moments(squares, *given))
    root = np.sqrt(squares) / np.sqrt(squares).sum()
    assert "not of their squares" in str(check.two_moments(root, *given))
    for name, c in zip(("C_v", "C_u"), given, strict=True):
        values = np.linalg.eigvalsh(c)[::-1] / np.trace(c)
        assert f"{name} alone" in str(check.two_moments(values, *given))
    assert not check.two_moments((0.99, 0.01), *given)
    assert not check.two_moments(p, *given)


SPECTRA = [
    (
        [[0.7, 0.2, 0.1], [0.6, 0.2, 0.1, 0.0996, 0.0004], [0.8, 0.2], [0.5, 0.3, 0.2]],
        1e-3, (3, 5, 2), (4, 4, 3), {0, 2},
    ),
    (
        [[0.5, 0.496, 0.004], [0.8, 0.19, 0.006, 0.004], [0.5, 0.496, 0.004], [0.3, 0.3, 0.2, 0.2]],
        5e-3, (2, 3, 3), (3, 3, 4), {0, 2},
    ),
]  # fmt: skip


@pytest.mark.parametrize("shares, noise, channels, demands, narrow", SPECTRA)
def test_what_is_in_demand(shares, noise, channels, demands, narrow):
    given = shares, noise, channels
    assert check.what_is_in_demand(demands, narrow, *given)
    assert check.what_is_in_demand(np.array(demands), sorted(narrow), *given)
    assert "missing" in str(check.what_is_in_demand(demands, set(), *given))
    assert "wide enough" in str(check.what_is_in_demand(demands, {0, 1, 2}, *given))
    assert "two bonds" in str(check.what_is_in_demand((9, 9, 9), narrow, *given))
    assert "of them" in str(check.what_is_in_demand((*demands, 1), narrow, *given))
    everything = [max(map(len, pair)) for pair in pairwise(shares)]
    assert "noise" in str(check.what_is_in_demand(everything, narrow, *given))
    assert not check.what_is_in_demand(4, narrow, *given)


BUDGETS = [
    (3, [[0.6, 0.3, 0.1], [0.4, 0.25, 0.2, 0.15], [1.0]], 50),
    (3, [[0.9, 0.08, 0.02], [0.3, 0.25, 0.25, 0.2], [1.0]], 60),
    (4, [[0.4, 0.3, 0.2, 0.1], [0.95, 0.05], [1.0]], 75),
    (4, [[0.5, 0.25, 0.15, 0.1], [0.5, 0.3, 0.2], [1.0]], 70),
    (3, [[0.7, 0.2, 0.1], [0.5, 0.2, 0.15, 0.1, 0.05], [1.0]], 75),
]


@pytest.mark.parametrize("local_dim, shares, budget", BUDGETS)
def test_tiny_budget(local_dim, shares, budget):
    """The library's tail sum is the second route; the best profile is one of a kind."""
    line = Architecture.line(local_dim, (9, 9))
    padded = [
        np.pad(level, (0, cap - len(level)))
        for level, cap in zip(shares, (local_dim, 9, 1), strict=True)
    ]
    nodes = [np.tile(p, (n, 1)) for p, n in zip(padded, (4, 2, 1), strict=True)]
    spectrum = BondSpectrum(line, tuple(nodes), (), 100)
    allowed = [
        (round(tail_sum(spectrum, net), 9), net.parameter_count(), net.channels)
        for net in (line.with_channels(c) for c in product(range(1, 9), repeat=2))
        if net.parameter_count() <= budget
    ]
    (lost, weights, best), second = sorted(allowed)[:2]
    assert (lost, weights) < second[:2]
    assert check.tiny_budget(best, lost, local_dim, shares, budget)
    given = local_dim, shares, budget
    assert "tail sum of this profile is another" in str(check.tiny_budget(best, lost + 1, *given))
    assert "more than the budget" in str(check.tiny_budget((9, 9), 0, *given))
    tail = 4 * sum(shares[0][1:]) + 2 * sum(shares[1][1:])
    assert "loses less" in str(check.tiny_budget((1, 1), tail, *given))
    one_each = sum(shares[0][1:]) + sum(shares[1][1:])
    assert "each of its nodes" in str(check.tiny_budget((1, 1), one_each, *given))
    assert not check.tiny_budget((0, 3), 1, *given)
    assert not check.tiny_budget(best[0], lost, *given)


def test_as_little_with_fewer_weights():
    shares = [[1.0], [1.0], [1.0]]
    assert "with fewer weights" in str(check.tiny_budget((1, 2), 0, 2, shares, 30))
    assert check.tiny_budget((1, 1), 0, 2, shares, 30)


def test_four_channels_on_near_pairs_lose_a_quarter_of_the_variance():
    """The page: four channels pass the constant and three of the four products of a site."""
    rng = np.random.default_rng(0)
    left, right = rng.choice([-1.0, 1.0], size=(2, 4000, 4))
    whole, kept = (left * right).sum(1), (left * right)[:, :3].sum(1)
    assert np.mean((whole - kept) ** 2) / whole.var() == pytest.approx(0.25, abs=0.02)
