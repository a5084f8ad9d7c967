"""Checks of the exercises in the chapter on the two tasks."""

from math import sqrt
from typing import Any

import numpy as np

from convac_book.answers import near, number

from ._feedback import Feedback, check, not_yet, right


@check
def pattern_on_a_ring(
    correlated: Any, pattern: tuple[int, ...] = (1, 1, 0, 1), n_sites: int = 10, distance: int = 2
) -> Feedback:
    """Check the connected correlation of two pixels of a pattern at a random place on a ring.

    Examples
    --------
    >>> pattern_on_a_ring(0.1)
    Not yet: two independent pixels would both be lit sometimes, which is to be subtracted.
    """
    found = number(correlated)
    lit = sum(pattern)
    meetings = sum(a * b for a, b in zip(pattern, pattern[distance:], strict=False))
    both, mean = meetings / n_sites, lit / n_sites
    if _equal(0.0001, found, both - mean**2):
        return right(f"{meetings} of {n_sites} places light both, less ({lit}/{n_sites})²")
    if _equal(0.0001, found, both):
        return not_yet(
            "two independent pixels would both be lit sometimes, which is to be subtracted"
        )
    if _equal(0.0001, found, both - mean):
        return not_yet("both of two independent pixels are lit with the square of one's chance")
    if _equal(0.0001, found, mean**2 - both):
        return not_yet("the size is right, the sign is not")
    if _equal(0.0001, found, meetings / lit - mean**2):
        return not_yet("the meetings are counted among all places, not among the lit pixels")
    if _equal(0.0001, found, (both - mean**2) / (mean - mean**2)):
        return not_yet("that is the correlation as a part of the variance; do not divide by it")
    return not_yet(f"{found:.4g} is too {'large' if found > both - mean**2 else 'small'}")


@check
def windows_touched(touched: Any, size: int = 8, side: int = 64, k: int = 3) -> Feedback:
    """Check how many windows of 2^k a square at a random place touches on average.

    Examples
    --------
    >>> windows_touched(106 / 57)
    Not yet: that is the mean in one direction, and an image has two.
    """
    found = number(touched)
    window, places = 2**k, side - size + 1
    one_way = [(a + size - 1) // window - a // window + 1 for a in range(places)]
    mean = sum(one_way) / places
    if _equal(0.001, found, mean**2):
        return right(f"{mean**2:.4f} windows of {window} × {window} pixels")
    if _equal(0.001, found, mean):
        return not_yet("that is the mean in one direction, and an image has two")
    if _equal(0.001, found, (1 + (size - 1) / window) ** 2):
        return not_yet(
            "that holds if the square begins equally often at every pixel of a window; "
            f"there are {places} places in a row"
        )
    if _equal(0.001, found, sum(n * n for n in one_way) / places):
        return not_yet("row and column are independent: it is no mean of squares")
    if found < 1 or found > max(one_way) ** 2:
        return not_yet(f"a square touches between 1 and {max(one_way) ** 2} windows")
    return not_yet(f"{found:.4f} is too {'large' if found > mean**2 else 'small'}")


@check
def best_with_k(
    best: Any, pairs: tuple[Any, ...] = ((0, 4), (0, 5), (1, 6), (2, 7), (2, 3)), k: int = 2
) -> Feedback:
    """Check the largest R² with k Schmidt values between sites 0 to 3 and sites 4 to 7.

    Examples
    --------
    >>> best_with_k(0.4)
    Not yet: one Schmidt value can hold several pairs: look for pairs that share a site, or a side.
    """
    found = number(best)
    squares, n = _squared_schmidt_values(pairs), len(pairs)
    ceiling = squares[:k].sum() / n
    if _equal(0.001, found, ceiling):
        return right(f"R² is at most {ceiling:.4f} with {k} of {len(squares)} Schmidt values")
    if not 0 <= found <= 1:
        return not_yet(f"R² lies between 0 and 1, got {found:.4g}")
    if _equal(0.001, found, k / n):
        return not_yet(
            "one Schmidt value can hold several pairs: look for pairs that share a site, or a side"
        )
    roots = np.sqrt(squares)
    if _equal(0.001, found, roots[:k].sum() / roots.sum()):
        return not_yet("the variance is a sum of squared Schmidt values")
    if _equal(0.001, found, sqrt(ceiling)):
        return not_yet("that is the root of it")
    return not_yet(f"{found:.4g} is too {'large' if found > ceiling else 'small'}")


def _squared_schmidt_values(pairs: Any) -> Any:
    """Return the squared Schmidt values of a sum of products of two signs, largest first."""
    across, in_a, in_b = np.zeros((4, 4)), 0, 0
    for i, j in pairs:
        if i < 4 <= j:
            across[i, j - 4] = 1
        elif j < 4:
            in_a += 1
        else:
            in_b += 1
    squares = np.array([*np.linalg.svd(across, compute_uv=False) ** 2, in_a, in_b])
    return np.sort(squares[squares > 1e-9])[::-1]


def _equal(within: float, found: float, value: float) -> bool:
    return near(found, value, within=within)
