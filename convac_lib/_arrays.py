"""Arrays of numbers: checked, exact where that is possible, refused where they would not fit.

Exact means that nothing overflows and nothing is rounded: an integer array
becomes one of Python's own integers as soon as 64 bits might not do.
"""

import os
from collections.abc import Iterable, Sequence
from functools import cache
from math import lcm, log10, prod
from numbers import Rational
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ._validation import shown, unboxed

Array: TypeAlias = NDArray[Any]

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
MAX_AXES = 64  # of a NumPy array
CONTAINER_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def as_numbers(name: str, values: ArrayLike) -> Array:
    """Return `values` as an array of finite numbers, or raise a ValueError that names it."""
    array = as_array(name, values)
    if array.dtype.kind in "fc":
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got NaN or infinite entries")
    elif not is_exact(array):
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array


def as_array(name: str, values: Any) -> Array:
    """Return an array, of a tensor of torch too, or raise a ValueError that names it."""
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{name} must have no mask, got a masked array; fill it first")
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    elif isinstance(values, list | tuple):
        values = [as_array(name, v) if hasattr(v, "detach") else v for v in values]
    try:
        return np.asarray(values)
    except Exception:
        raise ValueError(
            f"{name} must be an array or lists of numbers of equal lengths, got {shown(values)}"
        ) from None


def refuse_overflow(result: Any, what: str, instead: str) -> Any:
    """Return the result, or raise a ValueError if it is beyond the range of a float."""
    if np.asarray(result).dtype.kind in "fc" and not np.isfinite(result).all():
        raise ValueError(f"{what} must stay in the range of a float, got an overflow; {instead}")
    return result


def as_generator(name: str, seed: Any) -> np.random.Generator:
    """Return a generator of random numbers made of a seed, or raise a ValueError that names it."""
    try:
        return np.random.default_rng(unboxed(seed))  # type: ignore[arg-type]
    except Exception:
        raise ValueError(f"{name} must be an integer of at least 0, got {shown(seed)}") from None


def as_inexact(name: str, array: Array) -> Array:
    """Return the array in a precision that LAPACK computes in, double unless it is single."""
    if array.dtype.char in "fdFD":
        return array
    try:
        return array.astype(complex if array.dtype.kind == "c" else float)
    except OverflowError:
        raise ValueError(f"{name} must be in the range of a float, got more") from None


def is_exact(*arrays: Array) -> bool:
    """Return whether every array holds integers (NumPy's or Python's) or fractions."""
    return all(
        array.dtype.kind in "iub"
        or (array.dtype.kind == "O" and all(isinstance(x, Rational) for x in array.flat))
        for array in arrays
    )


def exact_dtype(arrays: Iterable[Array], bound: Any) -> np.dtype[Any]:
    """Return int64 if the arrays hold integers and `bound` fits, else object: Python's numbers.

    `bound` is a magnitude that the computation to come never exceeds.
    """
    bounded = bound < 2**63 and all(array.dtype.kind in "iub" for array in arrays)
    return np.dtype(np.int64 if bounded else object)


def largest_magnitude(array: Array) -> Any:
    """Return the largest magnitude in an exact array, as a Python number."""
    return max((abs(entry) for entry in array.ravel().tolist()), default=0)


def exact_rank(matrix: Array) -> int:
    """Return the rank over the rationals of a matrix that `is_exact`.

    Examples
    --------
    >>> exact_rank(np.array([[1, 2], [2, 4]]))
    1
    """
    from flint import fmpz_mat  # a fifth of the start-up of whoever needs no rank

    # A row times its common denominator is a row of integers: the rank stays.
    rows = [(row, lcm(*(entry.denominator for entry in row))) for row in matrix.tolist()]
    return fmpz_mat([[int(entry * common) for entry in row] for row, common in rows]).rank()


# --- the size of what is about to be formed -------------------------------------------


def human_size(n_bytes: int) -> str:
    """Return a number of bytes in the units people read.

    Examples
    --------
    >>> human_size(2**64), human_size(10**60)
    ('16.0 EiB', '10^60 bytes')
    """
    for power, unit in enumerate(UNITS):
        if n_bytes < 1024 ** (power + 1):
            return f"{n_bytes / 1024**power:.1f} {unit}" if power else f"{n_bytes} bytes"
    return f"10^{log10(n_bytes):.0f} bytes"


def human_integer(number: int) -> str:
    """Return an integer in full while it is readable, else its power of ten."""
    return str(number) if number < 10**30 else f"about 10^{log10(number):.0f}"


@cache
def machine_memory() -> int:
    """Return the bytes of memory of this machine, or of the container it runs in."""
    try:
        sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, OSError, ValueError):  # not on Windows
        sizes = [8 * 2**30]
    for path in CONTAINER_LIMITS:
        try:
            sizes.append(int(Path(path).read_text()))
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
    return min(sizes)


def refuse_beyond_memory(what: str, shape: Sequence[int], dtype: DTypeLike, instead: str) -> None:
    """Raise a ValueError if a tensor of this shape takes over a quarter of the memory.

    A quarter, because forming a tensor and then studying it takes a few copies.
    The message says `what` would need it, its size, and what to use `instead`.
    """
    allowed = machine_memory() // 4
    needed = prod(shape) * np.dtype(dtype).itemsize
    if needed > allowed:
        raise ValueError(
            f"{what} would need a tensor of {human_size(needed)}, and at most "
            f"{human_size(allowed)} is formed on this machine; {instead}"
        )
    if len(shape) > MAX_AXES:
        raise ValueError(
            f"{what} would need a tensor with {len(shape)} axes, and NumPy has at most "
            f"{MAX_AXES}; {instead}"
        )
