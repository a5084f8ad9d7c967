"""Checks of arguments: each error names the argument, what came and what is allowed."""

from collections.abc import Collection, Iterable
from math import inf
from numbers import Integral, Real
from pathlib import Path
from sys import float_info
from typing import Any, TypeVar

T = TypeVar("T")


def as_int(name: str, value: object, minimum: int | None = None, maximum: int | None = None) -> int:
    """Return `value` as a Python int, or raise a ValueError that names it.

    NumPy's and torch's are integers too; a bool is none, and a whole float neither.
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
    number: Any = unboxed(value)
    is_real = isinstance(number, Real) and not isinstance(number, bool)
    if is_real and abs(number) <= float_info.max and minimum <= float(number) < below:
        return float(number)
    allowed = "a number" if minimum == -inf else f"a number of at least {minimum:g}"
    allowed += "" if below == inf else f" and below {below:g}"
    raise ValueError(f"{name} must be {allowed}, got {shown(value)}")


def as_instance(name: str, value: T, kind: type[Any]) -> T:
    """Return `value` if it is of this class, or raise a TypeError that names it."""
    if isinstance(unboxed(value), kind):
        return value
    raise TypeError(f"{name} must be of the class {kind.__name__}, got {shown(value)}")


def as_path(name: str, value: object) -> Path:
    """Return the Path, or raise a TypeError that names it; ``~`` means home."""
    if isinstance(value, str | Path) and value != "":
        return Path(value).expanduser()
    raise TypeError(f"{name} must be the path of a file, got {shown(value)}")


def as_list(name: str, values: Iterable[T], length: int | None = None) -> list[T]:
    """Return `values` as a list, or raise a ValueError that names it; a word is no list."""
    try:
        listed = None if isinstance(values, str | bytes | dict | set) else list(values)
    except Exception:
        listed = None
    if listed is None or length not in (None, len(listed)):
        allowed = "a list" if length is None else f"a list of {length}"
        raise ValueError(f"{name} must be {allowed}, got {shown(values)}")
    return listed


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


def reason_of(error: BaseException) -> str:
    """Return why something failed, in one line, as a command or a row of results says it."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        text = (f"cannot use {error.filename}: " if error.filename else "") + error.strerror
    words = ("allocate memory", "out of memory")  # torch raises a RuntimeError
    if isinstance(error, MemoryError) or any(word in text for word in words):
        text = f"there is not enough memory ({text})"
    return text


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
