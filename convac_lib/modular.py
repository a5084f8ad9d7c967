"""Exact arithmetic modulo a prime, at the speed of floating-point matrix products.

Floats never decide a rank: whether a tiny singular value is zero or only small,
no tolerance can tell. Integers modulo a prime p have no such doubt. They form a
field, so elimination works as it does with fractions, and no number grows.

The speed comes from *centred residues*: every number is kept as the float64
with value from -(p-1)/2 to (p-1)/2. For p < 2^24 a product of two is below 2^46
in magnitude, and a sum of 127 such products below 2^53, up to where float64
holds every integer exactly. So 127 terms of a matrix product at a time go
through the ordinary BLAS, and no rounding ever happens.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from flint import fmpz, nmod_mat
from numpy.typing import ArrayLike

from ._arrays import Array, as_numbers
from ._validation import as_int

LIMIT = 2**24  # primes stay below it
MOST_PRIMES = 200  # to choose from; each is found from the one before
EXACT = 2**53 - LIMIT  # sums of products stay below it, with room for one more residue


def large_prime(index: int) -> int:
    """Return the largest prime below 2^24, or for `index` = 1, 2, ... the next smaller ones.

    Examples
    --------
    >>> large_prime(0), large_prime(1)
    (16777213, 16777199)
    """
    return _large_prime(as_int("index", index, 0, MOST_PRIMES))


@cache
def _large_prime(index: int) -> int:
    candidate = LIMIT if index == 0 else _large_prime(index - 1)
    candidate -= 1
    while not fmpz(candidate).is_prime():
        candidate -= 1
    return candidate


def as_prime(name: str, value: int) -> int:
    """Return `value` if it is a prime below 2^24, or raise a ValueError that names it."""
    value = as_int(name, value, minimum=2, maximum=LIMIT)
    if not fmpz(value).is_prime():
        raise ValueError(f"{name} must be a prime such as {large_prime(0)}, got {value}")
    return value


def centre(values: Array, prime: int) -> Array:
    """Return the centred residues of a float64 array of integers below 2^53 in magnitude.

    The quotient is rounded twice, so a residue next to p/2 may come out as its
    neighbour a little beyond p/2, by 2 at most: still exact.

    Examples
    --------
    >>> centre(np.array([3.0, 4.0, 14.0]), 7)
    array([ 3., -3.,  0.])
    """
    multiples = values * (1 / prime)
    np.rint(multiples, out=multiples)
    multiples *= prime
    return np.subtract(values, multiples, out=multiples)


def random_residues(rng: np.random.Generator, shape: tuple[int, ...], prime: int) -> Array:
    """Return centred residues drawn uniformly, float64, from a NumPy Generator."""
    return rng.integers(0, prime, size=shape).astype(float) - (prime - 1) // 2


def entrywise(x: Array, y: Array, prime: int) -> Array:
    """Return the products of centred residues, entry by entry (broadcast)."""
    return centre(x * y, prime)


def matmul(x: Array, y: Array, prime: int) -> Array:
    """Return the matrix product x @ y (broadcast over leading axes) of centred residues.

    Examples
    --------
    >>> matmul(np.array([[2.0, 3.0]]), np.array([[3.0], [2.0]]), 7)  # 12 = 2 * 7 - 2
    array([[-2.]])
    """
    terms = EXACT // (prime // 2 + 2) ** 2
    total: Array = np.zeros(())
    for start in range(0, x.shape[-1], terms):
        chunk = slice(start, start + terms)
        total = centre(total + x[..., chunk] @ y[..., chunk, :], prime)
    return total


def rank(matrix: ArrayLike, prime: int) -> int:
    """Return the rank over the integers mod `prime` of a matrix of integers.

    Takes any integers, as an integer array, as float64 or as Python integers in
    an object array. Their rank mod p is at most their rank over the rationals.

    Examples
    --------
    >>> matrix = np.array([[1, 2], [3, 1]])  # determinant -5
    >>> rank(matrix, 7), rank(matrix, 5)
    (2, 1)
    """
    prime, entries = as_prime("prime", prime), as_numbers("matrix", matrix)
    if entries.ndim != 2:
        raise ValueError(f"matrix must have two axes, got shape {entries.shape}")
    if np.iscomplexobj(entries) or (entries % 1 != 0).any():
        raise ValueError("matrix must hold integers, got fractions or complex numbers")
    entries = (entries % prime).astype(np.int64)
    rows, columns = entries.shape
    return nmod_mat(rows, columns, entries.ravel().tolist(), prime).rank()
