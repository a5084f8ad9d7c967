"""States of many sites, and how entangled their two sides are.

A state of N sites is its coefficients tensor (Levine et al. 2018, eq. 5): an
array with one axis a site, real or complex. Every measure below looks at one
partition (A, B) through the singular values of the matricization, the Schmidt
values (eq. 10), and gives the same answer for a state and for a multiple of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import starmap
from math import log, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ._arrays import (
    Array,
    as_inexact,
    as_numbers,
    exact_dtype,
    exact_rank,
    is_exact,
    largest_magnitude,
    refuse_beyond_memory,
    refuse_overflow,
)
from ._validation import as_instance, as_list, as_number
from .partitions import PartitionLike, as_partition

DIVIDE = "divide by the largest first, as states.normalized does"

# --- states ---------------------------------------------------------------------------


def product_state(vectors: Iterable[ArrayLike], normalize: bool = True) -> Array:
    """Return the product state v_0 ⊗ v_1 ⊗ ... of local vectors (eq. 7).

    Shape (len(v_0), len(v_1), ...), of norm 1. With ``normalize=False`` it is the plain
    outer product, and integer vectors give exact integers.

    Raises
    ------
    ValueError
        If a vector is not a vector, is zero, or the state is beyond memory.

    Examples
    --------
    >>> product_state([[1, 2], [3, 4, 5]], normalize=False)
    array([[ 3,  4,  5],
           [ 6,  8, 10]])
    """
    arrays = list(starmap(_as_local_vector, enumerate(as_list("vectors", vectors))))
    if not arrays:
        raise ValueError("vectors must have one vector for each site, got none")
    refuse_big_state(
        [len(vector) for vector in arrays],
        np.result_type(*arrays),
        "keep the list of vectors: decompositions.scores reads a network's value from it",
    )
    if as_instance("normalize", normalize, bool):  # site by site: no norm of the whole overflows
        for site, vector in enumerate(arrays):
            if not vector.any():
                raise ValueError(f"vectors[{site}] must not be zero, got {vector}")
        arrays = [normalized(vector) for vector in arrays]
    elif is_exact(*arrays):
        dtype = exact_dtype(arrays, prod(largest_magnitude(vector) for vector in arrays))
        arrays = [vector.astype(dtype) for vector in arrays]
    with np.errstate(over="ignore", invalid="ignore"):  # refused at once
        return refuse_overflow(reduce(np.multiply.outer, arrays), "vectors: their product", DIVIDE)


def normalized(state: ArrayLike) -> Array:
    """Return the state divided by its norm; a ValueError if it is zero.

    Examples
    --------
    >>> normalized([3, 4])
    array([0.6, 0.8])
    """
    state = as_inexact("state", _as_tensor("state", state))
    largest = abs(state).max()
    if largest == 0:
        raise ValueError("state must not be zero: every entry is 0")
    state = state / largest  # so that no square overflows or vanishes
    state /= np.linalg.norm(state)
    return state


def inner_product(phi: ArrayLike, psi: ArrayLike) -> Any:
    """Return ⟨φ|ψ⟩ = Σ conj(φ) ψ over all entries of two states of one shape.

    With φ the product state of a real input, it is the network's score (eq. 8).

    Examples
    --------
    >>> inner_product([1, 2j], [1, 1])
    np.complex128(1-2j)
    """
    phi, psi = _as_tensor("phi", phi), _as_tensor("psi", psi)
    if phi.shape != psi.shape:
        raise ValueError(f"phi and psi must have one shape, got {phi.shape} and {psi.shape}")
    if is_exact(phi, psi):
        bound = phi.size * largest_magnitude(phi) * largest_magnitude(psi)
        dtype = exact_dtype((phi, psi), bound)
        phi, psi = phi.astype(dtype), psi.astype(dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # refused at once
        return refuse_overflow(np.vdot(phi, psi), "phi and psi: their product", DIVIDE)


# --- one partition --------------------------------------------------------------------


def matricization(tensor: ArrayLike, partition: PartitionLike) -> Array:
    """Return the tensor as a matrix: the sites of A are its rows, those of B its columns.

    Shape (product of A's dimensions, product of B's); in row-major order, the last site
    fastest (section 2.1). Of a coefficients tensor take one class, ``tensor[y]``.

    Raises
    ------
    ValueError
        If the partition does not fit the tensor or has an empty side.

    Examples
    --------
    >>> matricization(np.arange(8).reshape(2, 2, 2), "ABA")
    array([[0, 2],
           [1, 3],
           [4, 6],
           [5, 7]])
    """
    tensor = _as_tensor("tensor", tensor)
    in_a = as_partition(partition)
    if in_a.size != tensor.ndim:
        hint = "; take one class, tensor[y]" if tensor.ndim == in_a.size + 1 else ""
        raise ValueError(
            f"partition must have one entry for each axis of the tensor, got {in_a.size} "
            f"entries for shape {tensor.shape}{hint}"
        )
    sites_a, sites_b = np.flatnonzero(in_a), np.flatnonzero(~in_a)
    rows = prod(tensor.shape[site] for site in sites_a)
    return tensor.transpose(*sites_a, *sites_b).reshape(rows, -1)


def schmidt_values(tensor: ArrayLike, partition: PartitionLike) -> Array:
    """Return the Schmidt values λ_1 ≥ λ_2 ≥ ...: singular values of the matricization (eq. 10).

    There are min(dim A, dim B) of them, of the state as it is given: the sum of
    their squares is its squared norm.

    Examples
    --------
    >>> schmidt_values(np.eye(2), "AB")  # |00⟩ + |11⟩
    array([1., 1.])
    """
    values, largest = _scaled_schmidt_values(matricization(tensor, partition))
    with np.errstate(over="ignore"):  # refused at once
        return refuse_overflow(values * largest, "tensor: its values", DIVIDE)


def schmidt_number(
    tensor: ArrayLike, partition: PartitionLike, tolerance: float | None = None
) -> int:
    """Return the Schmidt number: the rank of the matricization (section 4.1).

    Integers and fractions (an integer array, or Python integers and
    :class:`fractions.Fraction` in an object array) are counted by exact
    arithmetic. Floats have no exact rank to find: for them this is a numerical
    rank, the number of Schmidt values above `tolerance` times the largest one,
    and never a proof. :func:`convac_lib.ranks.certify_rank` proves a rank. Left out, the
    tolerance is the longer side of the matrix times the dtype's epsilon.

    Raises
    ------
    ValueError
        If `tolerance` is not from 0 up to 1, or is given for an exact tensor.

    Examples
    --------
    >>> schmidt_number(np.eye(3, dtype=int), "AB")
    3
    """
    matrix = matricization(tensor, partition)
    if is_exact(matrix):
        if tolerance is not None:
            raise ValueError(f"tolerance must be left out for an exact tensor, got {tolerance!r}")
        return exact_rank(matrix)
    values, _ = _scaled_schmidt_values(matrix)
    if tolerance is None:
        tolerance = max(matrix.shape) * np.finfo(values.dtype).eps
    else:
        tolerance = as_number("tolerance", tolerance, minimum=0, below=1)
    return int(np.count_nonzero(values > tolerance * values[0]))


def entanglement_entropy(
    tensor: ArrayLike, partition: PartitionLike, base: float | None = None
) -> float:
    """Return the entanglement entropy −Σ p ln p, p = λ² / Σ λ², in nats (section 4.1).

    0 for a state that is separable under the partition, at most the logarithm
    of the Schmidt number. With ``base=2`` it is in bits.

    Examples
    --------
    >>> entanglement_entropy(np.eye(2), "AB", base=2)  # the Bell state
    1.0
    """
    values, _ = _scaled_schmidt_values(matricization(tensor, partition))
    return entropy_of_schmidt_values(values, base)


def geometric_measure(tensor: ArrayLike, partition: PartitionLike) -> float:
    """Return the distance to the nearest separable state, √(1 − λ_1² / Σ λ²) (section 4.1).

    0 for a separable state, below 1 for every state.

    Examples
    --------
    >>> round(geometric_measure([[0, 1], [3**0.5, 0]], "AB"), 4)  # λ² = 3, 1
    0.5
    """
    values, _ = _scaled_schmidt_values(matricization(tensor, partition))
    return geometric_measure_of_schmidt_values(values)


def entropy_of_schmidt_values(values: ArrayLike, base: float | None = None) -> float:
    """Return the entanglement entropy of a spectrum, normalised or not; nats, or in `base`.

    Examples
    --------
    >>> round(entropy_of_schmidt_values([3, 3, 3]), 4)  # ln 3
    1.0986
    """
    if base is not None and as_number("base", base) <= 1:
        raise ValueError(f"base must be above 1, or None for nats, got {base!r}")
    p = _schmidt_probabilities(values)
    p = p[p > 0]  # p ln p -> 0
    nats = abs(float(p @ np.log(p)))
    return nats if base is None else nats / log(base)


def geometric_measure_of_schmidt_values(values: ArrayLike) -> float:
    """Return the geometric measure of a spectrum, normalised or not.

    Examples
    --------
    >>> geometric_measure_of_schmidt_values([4, 3])
    0.6
    """
    p = np.sort(_schmidt_probabilities(values))
    return sqrt(p[:-1].sum())  # 1 − p_1 by its other terms: nothing cancels


# --- checks of arguments --------------------------------------------------------------


def _scaled_schmidt_values(matrix: Array) -> tuple[Array, Any]:
    """Return the singular values over a power of two near the largest entry, and that power."""
    matrix = as_inexact("tensor", matrix)
    with np.errstate(over="ignore"):  # refused at once
        largest = refuse_overflow(abs(matrix).max(), "tensor: its magnitudes", DIVIDE)
    power = np.ldexp(largest.dtype.type(1), np.frexp(largest)[1] - 1)
    return np.linalg.svd(matrix / power, compute_uv=False), power


def _schmidt_probabilities(values: ArrayLike) -> Array:
    """Return λ² / Σ λ², or raise a ValueError if `values` are not Schmidt values."""
    values = as_inexact("values", _as_tensor("values", values))
    if values.ndim != 1 or values.dtype.kind == "c" or values.min() < 0 or values.max() == 0:
        raise ValueError(
            "values (of the tensor) must be a vector of Schmidt values, none negative and not all "
            f"0 (a zero state has no entanglement), got shape {values.shape}, {values.dtype}"
        )
    squares = (values / values.max()) ** 2  # so that no square overflows
    return squares / squares.sum()


def _as_tensor(name: str, tensor: ArrayLike) -> Array:
    tensor = as_numbers(name, tensor)
    if tensor.ndim == 0 or tensor.size == 0:
        raise ValueError(f"{name} must have one axis for each site, got shape {tensor.shape}")
    return tensor


def _as_local_vector(site: int, vector: ArrayLike) -> Array:
    vector = _as_tensor(f"vectors[{site}]", vector)
    if vector.ndim != 1:
        raise ValueError(f"vectors[{site}] must be one vector, got shape {vector.shape}")
    return vector


def refuse_big_state(
    shape: Sequence[int],
    dtype: DTypeLike,
    instead: str = "for a network use spectra.schmidt_spectrum, which forms no tensor",
) -> None:
    """Raise a ValueError if a state of this shape is beyond memory, and say what to use instead."""
    what = f"n_sites={len(shape)} of dimension {max(shape)}"
    refuse_beyond_memory(what, shape, dtype, instead)
