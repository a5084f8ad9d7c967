"""Checks of arguments: each error names the argument, what came and what is allowed."""

from collections.abc import Collection, Iterable
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any, TypeVar

T = TypeVar("T")


def as_int(name: str, value: object, minimum: int | None = None, maximum: int | None = None) -> int:
    """Return `value` as a Python int, or raise a ValueError that names it.

    An integer is one whoever made it: Python, NumPy (an array of one number without axes,
    too) or torch. A bool and a float are none, a whole float neither.

    Examples
    --------
    >>> import numpy as np
    >>> as_int("n", np.int64(3)), as_int("n", np.array(3))
    (3, 3)
    """
    low, high = -inf if minimum is None else minimum, inf if maximum is None else maximum
    number = unboxed(value)
    if isinstance(number, Integral) and not isinstance(number, bool) and low <= int(number) <= high:
        return int(number)
    allowed = "an integer"
    if maximum is not None:
        allowed += f" from {minimum} to {maximum}"
    elif minimum is not None:
        allowed += f" of at least {minimum}"
    raise ValueError(f"{name} must be {allowed}, got {shown(value)}")


def as_number(name: str, value: object, minimum: float = -inf, below: float = inf) -> float:
    """Return `value` as a finite float, or raise a ValueError that names it."""
    number = unboxed(value)
    if isinstance(number, Real) and not isinstance(number, bool):
        try:
            converted = float(number)
        except OverflowError:
            converted = inf
        if minimum <= converted < below and isfinite(converted):
            return converted
    allowed = "a number" if minimum == -inf else f"a number of at least {minimum:g}"
    allowed += "" if below == inf else f" and below {below:g}"
    raise ValueError(f"{name} must be {allowed}, got {shown(value)}")


def as_bool(name: str, value: object) -> bool:
    """Return `value` as a bool, or raise a ValueError that names it."""
    value = unboxed(value)
    if isinstance(value, bool):
        return value
    raise ValueError(f"{name} must be True or False, got {shown(value)}")


def as_instance(name: str, value: T, kind: type[Any]) -> T:
    """Return `value` if it is of this class, or raise a TypeError that names it."""
    if isinstance(value, kind):
        return value
    raise TypeError(f"{name} must be of the class {kind.__name__}, got {shown(value)}")


def as_list(name: str, values: Iterable[T], length: int | None = None) -> list[T]:
    """Return `values` as a list, or raise a ValueError that names it; a word is no list."""
    allowed = "a list" if length is None else f"a list of {length}"
    if not isinstance(values, str | bytes | dict | set):
        try:
            listed = list(values)
        except Exception:
            listed = None
        if listed is not None and length in (None, len(listed)):
            return listed
    raise ValueError(f"{name} must be {allowed}, got {shown(values)}")


def unboxed(value: object) -> object:
    """Return the Python number in an array or tensor without axes; anything else as it is."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    return value


def shown(value: object) -> str:
    """Return what came, as an error shows it: short, and whatever its `repr` does."""
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


def as_choice(name: str, value: T, choices: Collection[T]) -> T:
    """Return `value` if it is one of `choices`, or raise a ValueError that lists them."""
    for choice in choices:  # no array or tensor is compared entry by entry
        if type(value) is type(choice) and value == choice:
            return choice
    listed = ", ".join(repr(choice) for choice in choices)
    raise ValueError(f"{name} must be one of {listed}, got {shown(value)}")


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
