"""How an answer to an exercise is read, by the readers' checks and by the hidden tests alike.

An answer is a count, a number, a fraction, an array, or a list, set or dict of these. Whoever
made it does not matter: Python, NumPy, PyTorch or flint; a single entry may come in an array
of any shape. What is no such thing is refused with what is asked for. A check and a hidden test
that read an answer here and compare it within one tolerance cannot disagree about its form.
"""

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from operator import index
from typing import Any

import numpy as np


class NotAnAnswer(AssertionError):
    """What was handed in is not of the form that is asked for.

    In a hidden test it is a failed assertion; a check shows it as its sentence.
    """


def count(value: Any, what: str = "a whole number") -> int:
    """Return a whole number of any kind as an int.

    Parameters
    ----------
    value : object
        An integer, or a fraction or float that is whole, in an array or tensor of one entry too.
    what : str
        What is asked for, in words.

    Raises
    ------
    NotAnAnswer
        If it is none; a truth value and text are none.

    Examples
    --------
    >>> count(np.int64(3)), count(3.0), count(Fraction(6, 2))
    (3, 3, 3)
    """
    found = _scalar(value)
    if isinstance(found, float) and math.isfinite(found) and found == int(found):
        return int(found)
    if isinstance(found, Fraction) and found.denominator == 1:
        return found.numerator
    if isinstance(found, int):
        return found
    raise _refused(what, value)


def number(value: Any, what: str = "a number") -> float:
    """Return a finite real number of any kind as a float.

    Examples
    --------
    >>> number(np.array([[0.5]])), number(Fraction(1, 4))
    (0.5, 0.25)
    >>> number("0.5")
    Traceback (most recent call last):
        ...
    convac_book.answers.NotAnAnswer: a number is asked for, got '0.5'
    """
    found = _scalar(value)
    try:
        found = float(found)
    except (TypeError, OverflowError):
        raise _refused(what, value) from None
    if not math.isfinite(found):
        raise _refused(what, value)
    return found


def fraction(value: Any, what: str = "an exact fraction") -> Fraction:
    """Return a fraction or an integer as a Fraction; a float is not exact.

    Examples
    --------
    >>> fraction(Fraction(1, 3)), fraction(2)
    (Fraction(1, 3), Fraction(2, 1))
    """
    found = _scalar(value)
    if isinstance(found, (int, Fraction)):
        return Fraction(found)
    raise _refused(what, value)


def listed(value: Any, length: int | None = None, what: str = "a list") -> list[Any]:
    """Return the items of a list, a tuple or an array, which must be so many.

    Examples
    --------
    >>> listed((3, 5), 2)
    [3, 5]
    """
    items = _plain(value)
    if isinstance(items, np.ndarray):
        items = items.tolist()
    if not isinstance(items, (list, tuple, range)):
        raise _refused(what, value)
    if length is not None and len(items) != length:
        raise NotAnAnswer(f"{what} is asked for, got {len(items)} of them")
    return list(items)


def counts(value: Any, length: int | None = None, what: str = "a list of integers") -> list[int]:
    """Return a list of whole numbers.

    Examples
    --------
    >>> counts(np.array([2.0, 4.0]), 2)
    [2, 4]
    """
    return [count(item, what) for item in listed(value, length, what)]


def numbers(value: Any, length: int, what: str = "numbers") -> list[float]:
    """Return a list of finite numbers.

    Examples
    --------
    >>> numbers((1, Fraction(1, 2)), 2)
    [1.0, 0.5]
    """
    return [number(item, what) for item in listed(value, length, what)]


def count_set(value: Any, what: str = "a set of integers") -> set[int]:
    """Return the whole numbers in a set, a list or an array.

    Examples
    --------
    >>> count_set({1, 2.0, np.int64(2)})
    {1, 2}
    """
    items = value if isinstance(value, (set, frozenset)) else listed(value, what=what)
    return {count(item, what) for item in items}


def count_table(value: Any, what: str = "a dictionary of integers") -> dict[int, int]:
    """Return a dictionary from whole numbers to whole numbers.

    Examples
    --------
    >>> count_table({1.0: 4})
    {1: 4}
    """
    if not isinstance(value, Mapping):
        raise _refused(what, value)
    return {count(key, what): count(entry, what) for key, entry in value.items()}


def array(
    value: Any, shape: Sequence[int | None] | None = None, what: str = "an array of numbers"
) -> np.ndarray:
    """Return an array of finite numbers as floats.

    Parameters
    ----------
    value : object
        An array, a tensor, or lists of numbers.
    shape : sequence of int or None, optional
        The shape that is asked for; None stands for any length.
    what : str
        What is asked for, in words.

    Raises
    ------
    NotAnAnswer
        If it holds anything but finite real numbers, or has another shape.

    Examples
    --------
    >>> array([[1, 2], [3, 4]], (2, None)).shape
    (2, 2)
    """
    try:
        found = np.asarray(_plain(value))
        if found.dtype == object:  # fractions, or integers too long for a machine
            found = np.reshape([number(item) for item in found.ravel()], found.shape)
        elif found.dtype.kind not in "iuf":
            raise _refused(what, value)
        found = found.astype(float)
    except (ValueError, TypeError):
        raise _refused(what, value) from None
    if shape is not None and not _fits(found.shape, shape):
        asked = "(" + ", ".join("K" if n is None else str(n) for n in shape) + ")"
        raise NotAnAnswer(f"an array of shape {asked} is asked for, got shape {found.shape}")
    if not np.isfinite(found).all():
        raise NotAnAnswer("every entry must be a finite number")
    return found


def einsum_words(value: Any, length: int) -> str:
    """Return an einsum formula of letters with so many words before its arrow.

    Examples
    --------
    >>> einsum_words("ij, jk -> ik", 2)
    'ij,jk->ik'
    """
    if not isinstance(value, str) or value.count("->") != 1:
        raise _refused("a string with one arrow ->", value)
    formula = value.replace(" ", "")
    words = formula.split("->")[0].split(",")
    if len(words) != length:
        raise NotAnAnswer(f"{length} words are asked for before the arrow, got {len(words)}")
    if not re.fullmatch(r"[A-Za-z,]+->[A-Za-z]*", formula):
        raise NotAnAnswer("a formula of letters, commas and one arrow is asked for")
    return formula


def near(
    found: Any, wanted: Any, *, within: float | None = None, percent: float | None = None
) -> bool:
    """Tell whether all numbers are near those wanted, by an absolute or a relative measure.

    Parameters
    ----------
    found, wanted : float or array
        Of one shape.
    within : float, optional
        The largest distance allowed.
    percent : float, optional
        The same, in per cent of the size of what is wanted.

    Examples
    --------
    >>> near(0.6109, 0.61086, within=0.001), near(101, 100, percent=0.5)
    (True, False)
    """
    found, wanted = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    if found.shape != wanted.shape:
        return False
    allowed = within if percent is None else percent / 100 * abs(wanted)
    return bool(np.all(abs(found - wanted) <= allowed))


def _scalar(value: Any) -> Any:
    """Return an int, a float or a Fraction as such, out of an array of one entry; else as it is."""
    value = _plain(value)
    if isinstance(value, np.ndarray):
        if value.size != 1 or value.dtype.kind not in "iuf":
            return None
        value = value.reshape(-1)[0].item()
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        if isinstance(value, (float, Fraction)):
            return value
        if type(value).__module__.startswith("flint") and hasattr(value, "q"):
            return Fraction(int(value.p), int(value.q))
        return None
    return index(value)


def _plain(value: Any) -> Any:
    """Return a value with its NumPy scalars and PyTorch tensors as arrays, within lists too.

    An array of Python objects is none: a grader lets no objects through.
    """
    if isinstance(value, np.ndarray) and value.dtype == object:
        raise NotAnAnswer("an array of numbers is asked for, got one of Python objects")
    if isinstance(value, np.generic):
        return np.asarray(value)
    if type(value).__module__.startswith("torch") and hasattr(value, "detach"):
        return value.detach().cpu().resolve_conj().numpy()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _fits(shape: tuple[int, ...], asked: Sequence[int | None]) -> bool:
    return len(shape) == len(asked) and all(
        b in (None, a) for a, b in zip(shape, asked, strict=True)
    )


def _refused(what: str, value: Any) -> NotAnAnswer:
    shown = repr(value)
    got = shown if len(shown) < 80 else f"a {type(value).__name__}"
    return NotAnAnswer(f"{what} is asked for, got {got}")
