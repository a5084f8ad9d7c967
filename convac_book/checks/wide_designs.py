"""Checks of the exercises in the chapter on wide-base and wide-tip networks."""

from math import sqrt
from typing import Any

import numpy as np
from scipy import stats

from convac_book.answers import count, counts, near, number, numbers
from convac_lib.architecture import Architecture

from ._feedback import Feedback, check, not_yet, right


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
def signal_left(
    left: float, keeps: float, a: float = 2.0, widths: tuple[int, ...] = (10, 48, 24, 12, 10)
) -> Feedback:
    """Check how the signal changes through ReLU layers with weights uniform in +-a / sqrt(n).

    Examples
    --------
    >>> signal_left(0.4444, 6)
    Not yet: keeps: each layer multiplies the mean square by a^2 / 6, so a^2 must be 6.
    """
    left, keeps = number(left), number(keeps)
    layers = len(widths) - 1
    factor = a / sqrt(6)
    if near(left, factor**layers, percent=0.1):
        if near(keeps, sqrt(6), percent=0.1):
            return right(f"{layers} layers, and a = 2.449 would keep the signal")
        return not_yet("keeps: each layer multiplies the mean square by a^2 / 6, so a^2 must be 6")
    mistakes = {
        "that is the change of the mean square; the signal is its root": factor ** (2 * layers),
        "a list of k + 1 widths has k layers": factor ** (layers + 1),
        "ReLU leaves half of the mean square": (a / sqrt(3)) ** layers,
        "a uniform number between -b and b has the variance b^2 / 3": (a / sqrt(2)) ** layers,
        "that is one layer": factor,
    }
    for sentence, wrong in mistakes.items():
        if near(left, wrong, percent=0.1):
            return not_yet(sentence)
    return not_yet("left: multiply the mean square once for each layer, and take the root")


@check
def gap_interval(
    interval: Any,
    base: tuple[float, ...] = (0.7, 0.74, 0.72, 0.73, 0.71),
    tip: tuple[float, ...] = (0.66, 0.71, 0.67),
) -> Feedback:
    """Check Welch's 95 % interval (low, high) for the mean of base less that of tip.

    Examples
    --------
    >>> gap_interval((0.0, 0.08))
    Not yet: the centre is right; the half width is not.
    """
    low, high = numbers(interval, 2, "a pair of numbers (low, high)")
    centre, half = float(np.mean(base) - np.mean(tip)), _welch(base, tip)
    if _close(low, centre - half) and _close(high, centre + half):
        zero = "inside" if low <= 0 <= high else "outside"
        return right(f"zero is {zero} of the interval")
    if low > high:
        return not_yet("low is above high")
    if _close(-high, centre - half) and _close(-low, centre + half):
        return not_yet("that is the interval of tip less base")
    if not _close((low + high) / 2, centre):
        return not_yet("the centre is the mean of base less the mean of tip, and yours is not")
    error = _standard_error(base, tip)
    free, fewest = len(base) + len(tip) - 2, min(len(base), len(tip)) - 1
    mistakes = {
        "that is 1.96 standard errors: with so few seeds the factor is Student's": 1.96 * error,
        "the spread of a sample divides by n - 1, not by n": _welch(base, tip, ddof=0),
        "one-sided: a 95 % interval leaves 2.5 % out on either side": half
        * stats.t.ppf(0.95, _free(base, tip))
        / stats.t.ppf(0.975, _free(base, tip)),
        "the degrees of freedom are Welch's, not n1 + n2 - 2": stats.t.ppf(0.975, free) * error,
        "the degrees of freedom are Welch's, not those of the shorter list": stats.t.ppf(
            0.975, fewest
        )
        * error,
    }
    for sentence, width in mistakes.items():
        if _close((high - low) / 2, width):
            return not_yet(sentence)
    return not_yet("the centre is right; the half width is not")


@check
def enough_seeds(n: int, expected: float = 0.02, spread: float = 0.015) -> Feedback:
    """Check the least number of seeds a design whose 95 % interval is to leave out zero.

    Examples
    --------
    >>> enough_seeds(3)
    Not yet: with so few seeds the half width is 1.7 times the gap.
    """
    n = count(n)
    if n < 2:
        return not_yet("the spread of fewer than 2 seeds is unknown")
    if not _half_width(n, spread) < expected:
        times = _half_width(n, spread) / expected
        return not_yet(f"with so few seeds the half width is {times:.1f} times the gap")
    if n > 2 and _half_width(n - 1, spread) < expected:
        return not_yet("that is enough, and fewer are too")
    part = _half_width(n, spread) / expected
    return right(f"with {n} seeds the half width is {part:.2f} of the gap")


def _half_width(n: int, spread: float) -> float:
    return stats.t.ppf(0.975, 2 * n - 2) * spread * sqrt(2 / n)


def _parts(base: Any, tip: Any, ddof: int = 1) -> list[float]:
    return [np.var(x, ddof=ddof) / len(x) for x in (base, tip)]


def _standard_error(base: Any, tip: Any) -> float:
    return sqrt(sum(_parts(base, tip)))


def _free(base: Any, tip: Any) -> float:
    """Return Welch's degrees of freedom."""
    one, other = _parts(base, tip)
    return (one + other) ** 2 / (one**2 / (len(base) - 1) + other**2 / (len(tip) - 1))


def _welch(base: Any, tip: Any, ddof: int = 1) -> float:
    """Return the half width of Welch's interval."""
    return stats.t.ppf(0.975, _free(base, tip)) * sqrt(sum(_parts(base, tip, ddof)))


def _close(value: float, wanted: float) -> bool:
    return near(value, wanted, within=0.0002)
