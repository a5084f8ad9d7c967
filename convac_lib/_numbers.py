"""Arrays of numbers: checked, exact where they are integers or fractions, inexact where asked.

Exact means that nothing overflows and nothing is rounded: an integer array
becomes one of Python's own integers as soon as 64 bits might not do.
"""

from math import lcm
from numbers import Rational

import numpy as np
from flint import fmpz_mat


def as_numbers(name, values):
    """Return `values` as an array of finite numbers, or raise a ValueError that names it."""
    array = np.asarray(values)
    if array.dtype.kind in "fc":
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got NaN or infinite entries")
    elif not is_exact(array):
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array


def as_inexact(name, array):
    """Return the array in a precision that LAPACK computes in, double unless it is single."""
    if array.dtype.char in "fdFD":
        return array
    try:
        return array.astype(complex if array.dtype.kind == "c" else float)
    except OverflowError:
        raise ValueError(f"{name} must be in the range of a float, got more") from None


def is_exact(*arrays):
    """Return whether every array holds integers (NumPy's or Python's) or fractions."""
    return all(
        array.dtype.kind in "iub"
        or (array.dtype.kind == "O" and all(isinstance(x, Rational) for x in array.flat))
        for array in arrays
    )


def exact_dtype(arrays, bound):
    """Return int64 if the arrays hold integers and `bound` fits, else object: Python's numbers.

    `bound` is a magnitude that the computation to come never exceeds.
    """
    bounded = bound < 2**63 and all(array.dtype.kind in "iub" for array in arrays)
    return np.dtype(np.int64 if bounded else object)


def largest_magnitude(array):
    """Return the largest magnitude in an exact array, as a Python number."""
    return max((abs(entry) for entry in array.ravel().tolist()), default=0)


def exact_rank(matrix):
    """Return the rank over the rationals of a matrix that `is_exact`.

    Examples
    --------
    >>> exact_rank(np.array([[1, 2], [2, 4]]))
    1
    """
    return fmpz_mat([_cleared_denominators(row) for row in matrix.tolist()]).rank()


def _cleared_denominators(row):
    """Return a row of rationals times their common denominator: the rank stays."""
    common = lcm(*(entry.denominator for entry in row))
    return [int(entry * common) for entry in row]
