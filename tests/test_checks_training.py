"""The checks of the chapter on training."""

from fractions import Fraction

import numpy as np
import pytest

from convac_book.checks import training as check


def test_gradient_by_hand():
    assert check.gradient_by_hand((Fraction(-2, 9), Fraction(2, 3)))
    assert check.gradient_by_hand(np.array([-2 / 3 * 5, 2 / 3]), (1, 5), (3, 2))
    assert "opposite" in str(check.gradient_by_hand((2 / 9, -2 / 3)))
    assert "places" in str(check.gradient_by_hand((2 / 3, -2 / 9)))
    assert "multiplied" in str(check.gradient_by_hand((-2 / 9, 1)))
    assert "length" in str(check.gradient_by_hand((-4 / 9, 4 / 3)))
    assert "pair of numbers" in str(check.gradient_by_hand(3))
    assert "pair of numbers" in str(check.gradient_by_hand((1, 2, 3)))


@pytest.mark.parametrize("values", [(0.5, 3.0, 0.75), (0.5, 1.75), (1.25, 0.9375)])
def test_rounds_in_range(values):
    right = [n for n in range(1, 1000) if check.rounds_in_range(n, values)]
    with np.errstate(over="ignore", under="ignore"):
        product, n = np.float32(1), 0
        while np.finfo(np.float32).tiny <= product < np.inf:
            product, n = product * np.float32(np.prod(values)), n + 1
    assert right == [n]
    assert "still in range" in str(check.rounds_in_range(n - 1, values))
    assert "earlier" in str(check.rounds_in_range(n + 1, values))
    assert "long before" in str(check.rounds_in_range(10**9, values))
    assert not check.rounds_in_range("many", values)
    assert not check.rounds_in_range(0, values)
