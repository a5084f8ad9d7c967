"""Checks of arguments: each error names the argument, what came and what is allowed."""

from collections.abc import Collection
from math import inf
from numbers import Integral
from typing import TypeVar

T = TypeVar("T")


def as_int(name: str, value: object, minimum: int | None = None, maximum: int | None = None) -> int:
    """Return `value` as a Python int, or raise a ValueError that names it."""
    low, high = -inf if minimum is None else minimum, inf if maximum is None else maximum
    if isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high:
        return int(value)
    allowed = "an integer"
    if maximum is not None:
        allowed += f" from {minimum} to {maximum}"
    elif minimum is not None:
        allowed += f" of at least {minimum}"
    raise ValueError(f"{name} must be {allowed}, got {value!r}")


def as_choice(name: str, value: T, choices: Collection[T]) -> T:
    """Return `value` if it is one of `choices`, or raise a ValueError that lists them."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {listed}, got {value!r}")
    return value


def integer_log(name: str, value: int, base: int) -> int:
    """Return L with base**L == value, or raise a ValueError: L must be at least 1."""
    level, reached = 0, 1
    while reached < value:
        reached *= base
        level += 1
    if reached != value or level == 0:
        below = max(base, reached // base)
        raise ValueError(
            f"{name} must be a power of {base} (such as {below} or {below * base}), got {value}"
        )
    return level
