"""Exact arithmetic modulo a prime, at the speed of floating-point matrix products.

Floats never decide a rank: whether a tiny singular value is zero or only small,
no tolerance can tell. Integers modulo a prime p have no such doubt. They form a
field, so elimination works as it does with fractions, and no number grows.

The speed comes from *centred residues*: every number is kept as the float64
with value from -(p-1)/2 to (p-1)/2. For p < 2^24 a product of two is below 2^46
in magnitude, and a sum of 127 such products below 2^53, up to where float64
holds every integer exactly. So 127 terms of a matrix product at a time go
through the ordinary BLAS, and no rounding ever happens. Elimination is made of such
products too: as many columns at a time as a product has terms (:func:`rank_of_residues`).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from flint import fmpz
from numpy.typing import ArrayLike, NDArray

from ._arrays import Array, as_numbers
from ._validation import as_int

LIMIT = 2**24  # primes stay below it
MOST_PRIMES = 200  # to choose from; each is found from the one before
EXACT = 2**53 - LIMIT  # sums of products stay below it, with room for one more residue
PANEL = 127  # columns eliminated at a time, at most: the terms of a product modulo a large prime
STRIPE, PIECE = 2**22, 2**16  # numbers multiplied at a time, and numbers that fit in the cache


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
    if x.ndim == 2 and len(x) > 1 and len(x) * y.shape[-1] > STRIPE:
        half = len(x) // 2  # by halves, to be sparing with memory
        product = np.empty((len(x), y.shape[-1]))
        product[:half], product[half:] = matmul(x[:half], y, prime), matmul(x[half:], y, prime)
        return product
    total: Array = np.zeros(())
    for start in range(0, x.shape[-1], _terms(prime)):
        chunk = slice(start, start + _terms(prime))
        total = centre(total + x[..., chunk] @ y[..., chunk, :], prime)
    return total


def _terms(prime: int) -> int:
    """Return how many products of two residues can be added up exactly."""
    return EXACT // (prime // 2 + 2) ** 2


# --- elimination --------------------------------------------------------------------------


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
    prime, numbers = as_prime("prime", prime), as_numbers("matrix", matrix)
    if numbers.ndim != 2:
        raise ValueError(f"matrix must have two axes, got shape {numbers.shape}")
    if np.iscomplexobj(numbers) or (numbers % 1 != 0).any():
        raise ValueError("matrix must hold integers, got fractions or complex numbers")
    entries = (numbers % prime).astype(float)
    return rank_of_residues(centre(entries, prime), prime)


def rank_of_residues(matrix: Array, prime: int) -> int:
    """Return the rank of a matrix of centred residues, float64; what it held is lost.

    Panels of columns are eliminated one after the other. All rows are combinations X of
    the panel's pivot rows (:func:`_row_basis`); the same combinations are taken away from
    the columns that follow, which leaves nothing of the pivot rows: S = A - X A[pivots].

    Examples
    --------
    >>> rank_of_residues(np.array([[1.0, 2.0], [3.0, 1.0]]), 5)
    1
    """
    found, width = 0, min(PANEL, _terms(prime))
    while matrix.size:
        pivots, x = _row_basis(matrix[:, :width], prime)
        found += len(pivots)
        matrix = matrix[:, width:]
        basis = matrix[pivots]
        # The rows at the top make way for those that are done with.
        late = pivots[pivots >= len(pivots)]
        early = np.setdiff1d(np.arange(len(pivots)), pivots)
        matrix[late], x[late] = matrix[early], x[early]
        matrix = matrix[len(pivots) :]
        _subtract_product(matrix, x[len(pivots) :], basis, prime)
    return found


def _row_basis(panel: Array, prime: int) -> tuple[NDArray[np.int64], Array]:
    """Return independent rows of a panel, and all rows as combinations of them.

    That is, numbers `pivots` and a matrix X with panel = X panel[pivots] modulo the prime.
    The pivots come from the left half, then from what they leave of the right one.
    """
    half = panel.shape[1] // 2
    if half == 0:
        pivots = np.flatnonzero(panel)[:1]
        inverses = [float(pow(int(pivot), -1, prime)) for pivot in panel[pivots, 0]]
        return pivots, entrywise(panel, centre(np.array([inverses]), prime), prime)
    left, x = _row_basis(panel[:, :half], prime)
    rest = centre(panel[:, half:] - x @ panel[left, half:], prime)
    right, y = _row_basis(rest, prime)
    return np.concatenate([left, right]), np.hstack([centre(x - y @ x[right], prime), y])


def _subtract_product(matrix: Array, x: Array, y: Array, prime: int) -> None:
    """Subtract x @ y, of no more terms than are exact, from a matrix, in place."""
    high, low = (1 + size // max(1, matrix.shape[1]) for size in (STRIPE, PIECE))
    for top in range(0, len(matrix), high):
        stripe, product = matrix[top : top + high], x[top : top + high] @ y
        for start in range(0, len(stripe), low):
            piece = slice(start, start + low)
            stripe[piece] = centre(stripe[piece] - product[piece], prime)
