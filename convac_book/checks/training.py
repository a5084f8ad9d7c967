"""Checks of the exercises in the chapter on training."""

from fractions import Fraction
from math import prod
from typing import Any

from convac_book.answers import count, near, numbers

from ._feedback import Feedback, check, not_yet, right

LARGEST = Fraction(2**24 - 1) * 2**104  # of the float32 numbers
SMALLEST = Fraction(1, 2**126)  # of the normal ones


@check
def gradient_by_hand(
    gradient: Any, z: tuple[int, ...] = (3, 1), z_other: tuple[int, ...] = (2, 4)
) -> Feedback:
    """Check the gradient of u2 / u1, with u = z z_other / c and c a constant, by z.

    Examples
    --------
    >>> gradient_by_hand((1, -3))
    Not yet: the sign of both numbers is the opposite.
    """
    found = numbers(gradient, 2, "a pair of numbers (g1, g2)")
    slope = z_other[1] / z_other[0]
    wanted = (-slope * z[1] / z[0] ** 2, slope / z[0])
    if near(found, wanted, within=0.001):
        return right("it is orthogonal to z, as the loss does not change along z")
    if near(found[::-1], wanted, within=0.001):
        return not_yet("the two numbers have changed places")
    if found[0] * wanted[0] < 0 and found[1] * wanted[1] < 0:
        return not_yet("the sign of both numbers is the opposite")
    if abs(found[0] * z[0] + found[1] * z[1]) > 1e-3 * abs(found[0] * z[0]):
        return not_yet("the loss would change if z were multiplied by a number")
    return not_yet("it is orthogonal to z, but its length is another")


@check
def rounds_in_range(rounds: Any, values: tuple[float, ...] = (0.5, 3.0, 0.75)) -> Feedback:
    """Check after how many rounds the product of `values` leaves the range of float32.

    Examples
    --------
    >>> rounds_in_range(2.5)
    Not yet: a whole number is asked for, got 2.5.
    """
    found = count(rounds)
    if found < 1:
        return not_yet(f"at least one round is asked for, got {found}")
    one_round = prod(map(Fraction, values))
    if found > 100_000:
        return not_yet("the product has left the range long before")
    if SMALLEST <= one_round**found <= LARGEST:
        return not_yet("after so many rounds the product is still in range")
    if not SMALLEST <= one_round ** (found - 1) <= LARGEST:
        return not_yet("it had left the range a round earlier, at least")
    end = "large" if one_round > 1 else "small"
    return right(f"one round fewer, and the product is not too {end}")
