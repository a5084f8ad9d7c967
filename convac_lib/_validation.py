"""Checks of arguments: each error names the argument, what came and what is allowed."""

from numbers import Integral

import numpy as np


def as_int(name, value, minimum=None, maximum=None):
    """Return `value` as a Python int, or raise a ValueError that names it."""
    allowed = "an integer"
    if minimum is not None and maximum is not None:
        allowed += f" from {minimum} to {maximum}"
    elif minimum is not None:
        allowed += f" of at least {minimum}"
    ok = isinstance(value, Integral) and not isinstance(value, bool | np.bool_)
    if (
        not ok
        or (minimum is not None and value < minimum)
        or (maximum is not None and value > maximum)
    ):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return int(value)


def as_choice(name, value, choices):
    """Return `value` if it is one of `choices`, or raise a ValueError that lists them."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {listed}, got {value!r}")
    return value


def integer_log(name, value, base):
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
