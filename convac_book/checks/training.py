"""Checks of the exercises in the chapter on training."""

from fractions import Fraction
from math import prod
from typing import Any

from convac_lib.cuts import delta_costs

from ._feedback import Feedback, not_yet, right

LARGEST = Fraction(2**24 - 1) * 2**104  # of the float32 numbers
SMALLEST = Fraction(1, 2**126)  # of the normal ones


def gradient_by_hand(
    gradient: Any, z: tuple[int, ...] = (3, 1), z_other: tuple[int, ...] = (2, 4)
) -> Feedback:
    """Check the gradient of u2 / u1, with u = z z_other / c and c a constant, by z.

    Examples
    --------
    >>> gradient_by_hand((1, -3))
    Not yet: the sign of both numbers is the opposite.
    """
    found = _as_numbers(gradient, 2)
    if found is None:
        return not_yet(f"two numbers (g1, g2) are asked for, got {gradient!r}")
    slope = z_other[1] / z_other[0]
    wanted = (-slope * z[1] / z[0] ** 2, slope / z[0])
    if _all_close(found, wanted):
        return right("it is orthogonal to z, as the loss does not change along z")
    if _all_close(found[::-1], wanted):
        return not_yet("the two numbers have changed places")
    if found[0] * wanted[0] < 0 and found[1] * wanted[1] < 0:
        return not_yet("the sign of both numbers is the opposite")
    if abs(found[0] * z[0] + found[1] * z[1]) > 1e-3 * abs(found[0] * z[0]):
        return not_yet("the loss would change if z were multiplied by a number")
    return not_yet("it is orthogonal to z, but its length is another")


def rounds_in_range(rounds: Any, values: tuple[float, ...] = (0.5, 3.0, 0.75)) -> Feedback:
    """Check after how many rounds the product of `values` leaves the range of float32.

    Examples
    --------
    >>> rounds_in_range(2.5)
    Not yet: a whole number is asked for, got 2.5.
    """
    found = _as_integer(rounds)
    if found is None or found < 1:
        return not_yet(f"a whole number is asked for, got {rounds!r}")
    one_round = prod(map(Fraction, values))
    if found > 100_000:
        return not_yet("the product has left the range long before")
    if SMALLEST <= one_round**found <= LARGEST:
        return not_yet("after so many rounds the product is still in range")
    if not SMALLEST <= one_round ** (found - 1) <= LARGEST:
        return not_yet("it had left the range a round earlier, at least")
    end = "large" if one_round > 1 else "small"
    return right(f"one round fewer, and the product is not too {end}")


def score_dimension(
    dimension: Any,
    local_dim: int = 2,
    window: int = 2,
    channels: tuple[int, ...] = (2, 3, 12),
    n_outputs: int = 10,
) -> Feedback:
    """Check the dimension of the space that the score functions span.

    Examples
    --------
    >>> score_dimension(11)
    Not yet: so few scores cannot span so many dimensions.
    """
    found = _as_integer(dimension)
    if found is None:
        return not_yet(f"an integer is asked for, got {dimension!r}")
    branch = (1, local_dim)  # all of its sites in A: what it costs to cut it off
    for width in channels:
        branch = delta_costs([branch] * window, width)
    independent = branch[1]
    if found == min(n_outputs, independent):
        narrow = "the classes" if n_outputs <= independent else "a layer"
        return right(f"what limits it is {narrow}")
    if found > n_outputs:
        return not_yet("so few scores cannot span so many dimensions")
    if found > channels[-1]:
        return not_yet("the scores are combinations of the last channels, and those are fewer")
    if found > independent:
        return not_yet("a narrow layer further down allows fewer independent channels")
    return not_yet("there are more: a window multiplies, so few functions make many products")


def new_ceilings(
    ceilings: Any, n_products: int = 3, channels: tuple[int, ...] = (3, 2, 3)
) -> Feedback:
    """Check the ceilings (local, global) of R^2 for `n_products` in each couple of sites.

    Examples
    --------
    >>> new_ceilings((2, 0.5))
    Not yet: local: R^2 is at most 1.
    """
    found = _as_numbers(ceilings, 2)
    if found is None:
        return not_yet(f"two numbers (local, global) are asked for, got {ceilings!r}")
    r0, r1, r2 = channels
    at_site, at_pair, at_half = min(n_products + 1, r0), min(r0, r1), min(r1, r2)
    said = _ceiling_is_off("local", found[0], at_site, n_products, 1.0)
    said = said or _ceiling_is_off("global", found[1], at_pair, 2, at_half / 4)
    return not_yet(said) if said else right("both are ceilings, and none is a promise")


def _ceiling_is_off(
    name: str, found: Any, width: float, n_products: Any, elsewhere: Any
) -> str | None:
    """Say what is wrong with a ceiling, or return None."""
    here = (width - 1) / n_products
    wanted = min(1.0, here, elsewhere)
    if _close(found, wanted):
        return None
    if found > 1:
        return f"{name}: R^2 is at most 1"
    if found < 0:
        return f"{name}: R^2 of a best approximation is not negative"
    if _close(found, min(1.0, width / n_products, elsewhere)) and here < elsewhere:
        return f"{name}: the blocks must keep one more function than their products"
    if _close(found, min(1.0, here)) or _close(found, elsewhere):
        return f"{name}: that is the bound of one level, and another level allows less"
    return f"{name}: that is too {'high' if found > wanted else 'low'}"


def _as_numbers(values: Any, count: Any) -> Any:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count else None


def _as_integer(value: Any) -> Any:
    try:
        return int(value) if int(value) == value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _close(found: Any, wanted: Any) -> bool:
    return abs(found - wanted) < 1e-3 * max(abs(wanted), 1e-9)


def _all_close(found: Any, wanted: Any) -> bool:
    return all(_close(a, b) for a, b in zip(found, wanted, strict=True))
