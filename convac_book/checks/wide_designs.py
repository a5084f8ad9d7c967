"""Checks of the exercises in the chapter on wide-base and wide-tip networks."""

from math import sqrt
from typing import Any

import numpy as np
from scipy import stats

from convac_book.answers import count, counts, near, numbers
from convac_lib.architecture import Architecture
from convac_lib.cuts import block_cuts

from ._feedback import Feedback, check, not_yet, right

SIDE = 64  # of the paper's images
BASE, TIP = (24, 24, 3, 12, 6, 6), (3, 6, 9, 16, 24, 24)


@check
def count_the_weights(
    weights: Any, r: int = 5, local_dim: int = 10, n_outputs: int = 4
) -> Feedback:
    """Check (base, tip), the weights of the two designs with shared matrices.

    Examples
    --------
    >>> count_the_weights((1025, 1025))
    Not yet: 31 r^2 + 50 r is the count for M = 10 features and 10 classes.
    """
    base, tip = counts(weights, 2, "a pair of integers (base, tip)")
    designs = Architecture.wide_base, Architecture.wide_tip
    wanted = [make(r, local_dim, n_outputs).parameter_count("all") for make in designs]
    if [base, tip] == wanted:
        return right(f"the {'base' if base > tip else 'tip'} design has more weights")
    if base == tip == 31 * r**2 + 50 * r:
        return not_yet("31 r^2 + 50 r is the count for M = 10 features and 10 classes")
    if [tip, base] == wanted:
        return not_yet("the two are exchanged")
    if [base, tip] == [wanted[0] - n_outputs * r, wanted[1] - 4 * n_outputs * r]:
        return not_yet("the dense layer that gives the classes has weights too")
    if [base, tip] == [wanted[0] - 4 * local_dim * r, wanted[1] - local_dim * r]:
        return not_yet("the first layer has weights too: it reads the M features")
    off = " and ".join(
        name
        for name, number, count in zip(("base", "tip"), (base, tip), wanted, strict=True)
        if number != count
    )
    return not_yet(f"{off}: each layer has r_l times r_(l-1) weights, and the classes come last")


@check
def paired_interval(
    interval: Any,
    base: tuple[float, ...] = (0.7, 0.74, 0.72, 0.73),
    tip: tuple[float, ...] = (0.66, 0.71, 0.67, 0.71),
) -> Feedback:
    """Check the 95 % interval (low, high) of the mean of base - tip, paired by seed.

    Examples
    --------
    >>> paired_interval((0.0219, 0.0481))
    Not yet: the centre is right; the half width is not.
    """
    low, high = numbers(interval, 2, "a pair of numbers (low, high)")
    gaps = np.subtract(base, tip)
    n, centre, spread = len(gaps), gaps.mean(), gaps.std(ddof=1)
    half = stats.t.ppf(0.975, n - 1) * spread / sqrt(n)
    if _close(low, centre - half) and _close(high, centre + half):
        zero = "inside" if low <= 0 <= high else "outside"
        return right(f"zero is {zero} of the interval")
    if low > high:
        return not_yet("low is above high")
    if _close(-high, centre - half) and _close(-low, centre + half):
        return not_yet("that is the interval of tip - base")
    if not _close((low + high) / 2, centre):
        return not_yet("the centre of an interval is the mean of base - tip, and yours is not")
    mistakes = {
        "that is 1.96 standard errors: with so few seeds the factor is Student's":
            1.96 * spread / sqrt(n),
        "the spread of a sample divides by n - 1, not by n": half * sqrt((n - 1) / n),
        "one-sided: a 95 % interval leaves 2.5 % out on either side":
            stats.t.ppf(0.95, n - 1) * spread / sqrt(n),
        "the degrees of freedom of n differences are n - 1":
            stats.t.ppf(0.975, n) * spread / sqrt(n),
        "that is the spread of one difference; a mean of n has it divided by sqrt(n)":
            half * sqrt(n),
        "that does not pair: take the differences seed by seed first": _unpaired(base, tip),
    }  # fmt: skip
    for sentence, width in mistakes.items():
        if _close((high - low) / 2, width):
            return not_yet(sentence)
    return not_yet("the centre is right; the half width is not")


@check
def enough_seeds(n: int, gap: float = 0.02, spread: float = 0.015) -> Feedback:
    """Check the least number of seeds whose 95 % interval is expected to leave out zero.

    Examples
    --------
    >>> enough_seeds(3)
    Not yet: with so few seeds the half width is 1.9 times the gap.
    """
    n = count(n)
    if n < 2:
        return not_yet("the spread of fewer than 2 seeds is unknown")
    if not _half_width(n, spread) < gap:
        times = _half_width(n, spread) / gap
        return not_yet(f"with so few seeds the half width is {times:.1f} times the gap")
    if n > 2 and _half_width(n - 1, spread) < gap:
        return not_yet("that is enough, and fewer are too")
    return right(f"with {n} seeds the half width is {_half_width(n, spread) / gap:.2f} of the gap")


@check
def where_they_cross(
    cuts: Any, crossing: Any, base: Any = BASE, tip: Any = TIP, local_dim: int = 3
) -> Feedback:
    """Check both profiles' cuts of one window, by block side, and where the tip leads first.

    Examples
    --------
    >>> flat = {"base": [24, 24, 3, 12, 6, 6], "tip": [3, 6, 9, 16, 24, 24]}
    >>> where_they_cross(flat, 8)
    Not yet: base, squares of 1: the cheapest way is lighter.
    """
    wanted = {
        name: block_cuts(Architecture.for_image(SIDE, local_dim, channels))
        for name, channels in (("base", base), ("tip", tip))
    }
    if not isinstance(cuts, dict) or set(cuts) != set(wanted):
        return not_yet(f'cuts must be a dict with "base" and "tip", got {cuts!r}')
    for name, numbers_ in wanted.items():
        answered = counts(cuts[name], len(numbers_), f"{name}: a list of six integers")
        for k, (mine, number) in enumerate(zip(answered, numbers_, strict=True)):
            if mine != number:
                word = "lighter" if mine > number else "heavier"
                return not_yet(f"{name}, squares of {2**k}: the cheapest way is {word}")
    pairs = zip(wanted["base"], wanted["tip"], strict=True)
    first = next(2**k for k, (b, t) in enumerate(pairs) if t > b)
    if count(crossing) != first:
        return not_yet("the cuts are right; the tip does not take the lead at that side")
    return right(f"squares of {first} are the smallest for which the tip's cut is larger")


def _half_width(n: int, spread: float) -> float:
    return stats.t.ppf(0.975, n - 1) * spread / sqrt(n)


def _unpaired(base: Any, tip: Any) -> float:
    """Return the half width of the pooled two-sample interval."""
    n = len(base)
    pooled = sqrt((np.var(base, ddof=1) + np.var(tip, ddof=1)) / n)
    return stats.t.ppf(0.975, 2 * n - 2) * pooled


def _close(value: float, wanted: float) -> bool:
    return near(value, wanted, within=0.0002)
