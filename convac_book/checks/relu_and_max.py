"""Checks of the exercises in the chapter on ReLU and max."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from convac_book.answers import array, count, counts
from convac_lib.modular import large_prime, rank
from convac_lib.partitions import as_partition

from ._feedback import Feedback, check, not_yet, right


@check
def interlace(values: Any, word: str = "AABABBAA", n_templates: int = 3) -> Feedback:
    """Check the first layer of a one-channel network that is to reach the ceiling.

    Examples
    --------
    >>> interlace([[1, 2, 3]] * 8)
    Not yet: the rank is 3, and the ceiling is higher.
    """
    table = array(values, (len(word), n_templates))
    if (table != np.floor(table)).any():
        return not_yet("integers are asked for")
    if table.min() < 0:
        return not_yet("ReLU turns a negative value into 0: take none")
    if table.max() > 10**6:
        return not_yet("small integers are enough: take none above a million")
    table = table.astype(int)
    sides = as_partition(word)
    shown = []
    for mine in (sides, ~sides):
        most = np.zeros(1, dtype=int)
        for row in table[mine]:
            most = np.unique(np.maximum.outer(most, row))
        shown.append(most)
    reached = rank(np.maximum.outer(*shown), large_prime(0))
    if reached < min(sides.sum(), (~sides).sum()) * (n_templates - 1) + 1:
        return not_yet(f"the rank is {reached}, and the ceiling is higher")
    return right(f"the rank is {reached}, the ceiling")


@check
def sum_bound(answer: Any, word: str = "ABABBBBB AAAABABB", n_templates: int = 3) -> Feedback:
    """Check (bound, room) for ReLU with average pooling over sixteen sites.

    Examples
    --------
    >>> sum_bound((2, 2187))
    Not yet: 2 is the bound between the left and the right half; this partition is another.
    """
    bound, room = counts(answer, 2, "a pair (bound, room) of integers")
    halves = [as_partition(half) for half in word.split()]
    in_a = [int(half.sum()) for half in halves]
    in_b = [len(half) - here for half, here in zip(halves, in_a, strict=True)]
    limits = {
        "of A's settings alone": sum(n_templates**n for n in in_a) - 1,
        "of B's settings alone": sum(n_templates**n for n in in_b) - 1,
        "of the two halves' ranks": sum(
            n_templates ** min(pair) for pair in zip(in_a, in_b, strict=True)
        ),
    }
    if room != n_templates ** min(sum(in_a), sum(in_b)):
        return not_yet("the room is the smaller side of the matrix, and that is another number")
    if bound == min(limits.values()):
        return right(f"{bound} of {room}")
    for what, limit in limits.items():
        if bound == limit:
            return not_yet(f"that is the bound {what}; another of the three is smaller")
    if bound == 2:
        return not_yet(
            "2 is the bound between the left and the right half; this partition is another"
        )
    off = "small" if bound < min(limits.values()) else "large"
    return not_yet(f"the room is right, the bound is too {off}")


@check
def price_of_a_pooling(
    price: Any,
    poolings: Sequence[str] = ("s + t", "max(s, t)", "(s + t)**2", "s*t + s + t"),
) -> Feedback:
    """Check the separation rank of each pooling: a dictionary from formula to number or None.

    Examples
    --------
    >>> price_of_a_pooling({"s + t": 2, "max(s, t)": 2, "(s + t)**2": 3, "s*t + s + t": 2})
    Not yet: max(s, t): no finite number of products is enough.
    """
    if not isinstance(price, dict):
        return not_yet(f"a dictionary from formula to price is asked for, got {price!r}")
    for formula in poolings:
        if formula not in price:
            return not_yet(f"{formula} is missing")
        given, needed = price[formula], _separation_rank(formula)
        given = None if given is None else count(given, f"{formula}: an integer or None")
        if given == needed:
            continue
        if needed is None:
            return not_yet(f"{formula}: no finite number of products is enough")
        if given is None:
            return not_yet(f"{formula}: finitely many products are enough")
        return not_yet(f"{formula}: {'more' if given < needed else 'fewer'} products are needed")
    return right(f"all {len(poolings)} prices")


def _separation_rank(formula: str) -> int | None:
    """Return the rank on eight points, or None if it is still full there."""
    prime = large_prime(0)
    table = [
        [_residue(eval(formula, {"s": Fraction(s), "t": Fraction(t)}), prime) for t in range(1, 9)]
        for s in range(1, 9)
    ]
    found = rank(np.array(table), prime)
    return None if found == len(table) else found


def _residue(fraction: Fraction, prime: int) -> int:
    return fraction.numerator * pow(fraction.denominator, -1, prime) % prime
