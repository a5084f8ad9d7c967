"""Checks of the exercises in the chapter on choosing widths for your data."""

from itertools import pairwise, product
from typing import Any

import numpy as np

from convac_book.answers import count_set, counts, near, number, numbers
from convac_lib.architecture import Architecture

from ._feedback import Feedback, check, not_yet, right


@check
def two_moments(
    shares: Any, c_v: tuple[Any, ...] = ((1, 1), (1, 3)), c_u: tuple[Any, ...] = ((4, -1), (-1, 1))
) -> Feedback:
    """Check the shares of the two squared Schmidt values, the larger first.

    Examples
    --------
    >>> two_moments((3, 2))
    Not yet: shares add up to 1; these add up to 5.
    """
    first, second = numbers(shares, 2, "a pair of numbers (p1, p2)")
    if not near(first + second, 1, within=0.002):
        return not_yet(f"shares add up to 1; these add up to {first + second:.4g}")
    c_v, c_u = np.array(c_v, dtype=float), np.array(c_u, dtype=float)
    squares = np.sort(np.linalg.eigvals(c_v @ c_u).real)[::-1]
    wanted = squares / squares.sum()
    if _close((first, second), wanted):
        return right("these are the shares, in every gauge")
    if _close((second, first), wanted):
        return not_yet("the larger share comes first")
    if _close((first, second), np.sqrt(squares) / np.sqrt(squares).sum()):
        return not_yet("these are shares of the Schmidt values, not of their squares")
    for name, alone in (("C_v", c_v), ("C_u", c_u)):
        values = np.linalg.eigvalsh(alone)[::-1]
        if _close((first, second), values / values.sum()):
            return not_yet(f"these follow from {name} alone, and change with the gauge")
    return not_yet("trace and determinant of C_v C_u give another pair")


@check
def what_is_in_demand(
    demands: Any,
    too_narrow: Any,
    shares: tuple[Any, ...] = (
        (0.7, 0.2, 0.1),
        (0.6, 0.2, 0.1, 0.0996, 0.0004),
        (0.8, 0.2),
        (0.5, 0.3, 0.2),
    ),
    noise: float = 0.001,
    channels: tuple[int, ...] = (3, 5, 2),
) -> Feedback:
    """Check the widths that a spectrum demands, and the layers that are narrower.

    Examples
    --------
    >>> what_is_in_demand((3, 4, 2), {1})
    Not yet: the demand of layers 0, 2 is another; two bonds end at each copy tensor.
    """
    demands = counts(demands, len(shares) - 1, f"a tuple of {len(shares) - 1} widths")
    too_narrow = count_set(too_narrow)
    depth = len(shares) - 1
    numbers_of = [sum(share > noise for share in level) for level in shares]
    wanted = [max(numbers_of[layer : layer + 2]) for layer in range(depth)]
    if demands == [max(len(a), len(b)) for a, b in pairwise(shares)] != wanted:
        return not_yet("some of these values are noise and do not count")
    off = [layer for layer in range(depth) if demands[layer] != wanted[layer]]
    if off:
        named = ", ".join(map(str, off))
        return not_yet(
            f"the demand of layers {named} is another; two bonds end at each copy tensor"
        )
    narrow = {layer for layer in range(depth) if channels[layer] < wanted[layer]}
    if too_narrow != narrow:
        wrong, missing = len(too_narrow - narrow), len(narrow - too_narrow)
        return not_yet(
            f"the demands are right; of the layers {wrong} are wide enough, and {missing} missing"
        )
    return right("each layer passes the larger of its two bonds, or is named")


@check
def tiny_budget(
    best: Any,
    lost: Any,
    local_dim: int = 3,
    shares: tuple[Any, ...] = ((0.6, 0.3, 0.1), (0.4, 0.25, 0.2, 0.15), (1.0,)),
    budget: int = 50,
) -> Feedback:
    """Check the profile (r0, r1) of four sites with the smallest tail sum, and that sum.

    Examples
    --------
    >>> tiny_budget((3, 4), 0.0)
    Not yet: this profile has 64 weights, more than the budget of 50.
    """
    r0, r1 = counts(best, 2, "a pair of integers (r0, r1)")
    lost = number(lost)
    if min(r0, r1) < 1:
        return not_yet(f"a layer has at least one channel, got {(r0, r1)}")
    weights, tail = _judged(local_dim, shares, r0, r1)
    if weights > budget:
        return not_yet(f"this profile has {weights} weights, more than the budget of {budget}")
    if not near(lost, tail, within=0.001):
        one_each = sum(shares[0][min(local_dim, r0) :]) + sum(shares[1][min(r0, r1) :])
        if near(lost, one_each, within=0.001):
            return not_yet("the tail of a level is lost at each of its nodes")
        return not_yet("the tail sum of this profile is another")
    others = [_judged(local_dim, shares, *widths) for widths in product(range(1, budget), repeat=2)]
    allowed = [(round(t, 6), w) for w, t in others if w <= budget]
    if round(tail, 6) > min(allowed)[0]:
        return not_yet("another profile within the budget loses less")
    if weights > min(allowed)[1]:
        return not_yet("another profile loses as little with fewer weights")
    return right(f"{weights} of {budget} weights, and nothing within the budget loses less")


def _judged(local_dim: int, shares: Any, r0: Any, r1: Any) -> Any:
    """Return the weights and the tail sum of a profile of four sites."""
    network = Architecture.line(local_dim, (r0, r1))
    tail = 4 * sum(shares[0][min(local_dim, r0) :]) + 2 * sum(shares[1][min(r0, r1) :])
    return network.parameter_count(), tail


def _close(given: Any, wanted: Any) -> bool:
    return near(given, wanted, within=0.001)
