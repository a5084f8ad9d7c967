"""Partitions of the sites into two sides, A and B: a boolean array, True = in A.

Which correlations a network can hold is asked one partition at a time
(Levine et al. 2018, section 4). The sites of an image are its pixels in Morton (Z)
order, so that every 2x2 window is four neighbours and an image needs no code of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isqrt
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arrays import as_array
from ._validation import as_choice, as_int, as_list, integer_log

Sides: TypeAlias = NDArray[np.bool_]
"""What is computed with as a partition, one boolean a site, True = in A."""

PartitionLike: TypeAlias = ArrayLike
"""What is taken for a partition. Booleans, zeros and ones, or a word such as ``"AABB"``."""

MOST_SITES = 2**24

T = TypeVar("T")  # an array of NumPy or of torch


def as_partition(
    partition: PartitionLike, n_sites: int | None = None, name: str = "partition"
) -> Sides:
    """Return `partition` as a boolean array, or raise a ValueError that says why not.

    Both sides must have a site. In a word spaces and ``|`` are ignored.

    Examples
    --------
    >>> as_partition("AB|BA")
    array([ True, False, False,  True])
    """
    if isinstance(partition, str):
        letters = [c for c in partition.upper() if c not in " |"]
        if set(letters) - {"A", "B"}:
            raise ValueError(f"{name} must be a word in the letters A, B, got {partition!r}")
        partition = [c == "A" for c in letters]
    sides = as_array(name, partition)
    if sides.ndim != 1 or sides.size == 0:
        raise ValueError(
            f"{name} must be one-dimensional with one entry for each site, got shape {sides.shape}"
        )
    if sides.dtype != bool:
        if not (np.issubdtype(sides.dtype, np.number) and np.isin(sides, (0, 1)).all()):
            raise ValueError(
                f"{name} must hold booleans (True = in A) or zeros and ones, got "
                f"dtype {sides.dtype}; for a list of the sites in A use "
                "partitions.from_sites(n_sites, sites)"
            )
        sides = sides.astype(bool)
    if n_sites is not None and sides.size != as_int("n_sites", n_sites):
        raise ValueError(
            f"{name} must have one entry for each of the {n_sites} sites, got {sides.size}"
        )
    if sides.all() or not sides.any():
        side = "B" if sides.all() else "A"
        raise ValueError(f"{name} must have a site on each side, but {side} is empty")
    return sides


def as_word(partition: PartitionLike) -> str:
    """Return a partition as a word of A and B, one letter a site.

    Examples
    --------
    >>> as_word(left_right(4))
    'AABB'
    """
    return "".join("A" if side else "B" for side in as_partition(partition))


def from_sites(n_sites: int, sites: Iterable[int]) -> Sides:
    """Return the partition whose side A is the given site numbers (from 0)."""
    n_sites = as_int("n_sites", n_sites, 2, MOST_SITES)
    partition = np.zeros(n_sites, dtype=bool)
    for site in as_list("sites", sites):
        partition[as_int("sites", site, minimum=0, maximum=n_sites - 1)] = True
    return as_partition(partition, name="sites: their partition")


def prefix(n_sites: int, length: int) -> Sides:
    """Return the partition whose side A is the first `length` sites."""
    n_sites = as_int("n_sites", n_sites, 2, MOST_SITES)
    length = as_int("length", length, minimum=1, maximum=n_sites - 1)
    return np.arange(n_sites) < length


def left_right(n_sites: int) -> Sides:
    """Return the partition of a line into its first and its second half."""
    n_sites = _even("n_sites", n_sites)
    return prefix(n_sites, n_sites // 2)


def interleaved(n_sites: int) -> Sides:
    """Return the partition A B A B ...: neighbours are always apart."""
    n_sites = _even("n_sites", n_sites)
    return np.arange(n_sites) % 2 == 0


def blocks(n_sites: int, length: int, offset: int = 0) -> Sides:
    """Return alternating blocks of `length` sites; the first one in A starts at `offset`.

    Examples
    --------
    >>> as_word(blocks(8, 2)), as_word(blocks(8, 2, offset=1))
    ('AABBAABB', 'BAABBAAB')
    """
    n_sites = as_int("n_sites", n_sites, 2, MOST_SITES)
    length = as_int("length", length, 1, MOST_SITES)
    offset = as_int("offset", offset, -MOST_SITES, MOST_SITES)
    in_a = (np.arange(n_sites) - offset) // length % 2 == 0
    return as_partition(in_a, name="blocks of this length, n_sites and offset")


def checkerboard(side: int) -> Sides:
    """Return the partition of a side x side image like a chess board, in Morton order."""
    side = _power_of_two_side(side)
    rows, columns = np.indices((side, side))
    return to_sites((rows + columns) % 2 == 0)


def halves(side: int, axis: str = "left-right") -> Sides:
    """Return the ``"left-right"`` or ``"top-bottom"`` halves of an image, in Morton order."""
    side = _power_of_two_side(side)
    as_choice("axis", axis, ("left-right", "top-bottom"))
    rows, columns = np.indices((side, side))
    return to_sites((columns if axis == "left-right" else rows) < side // 2)


def image_blocks(side: int, length: int, offset: tuple[int, int] = (0, 0)) -> Sides:
    """Return a chess board with squares of `length` pixels, moved down and right by `offset`."""
    side = _power_of_two_side(side)
    length = as_int("length", length, 1, MOST_SITES)
    shifts = as_list("offset", offset, 2)
    down, right = (as_int("offset", shift, -MOST_SITES, MOST_SITES) for shift in shifts)
    rows, columns = np.indices((side, side))
    square = (rows - down) // length + (columns - right) // length
    return as_partition(to_sites(square % 2 == 0))


def random_balanced(n_sites: int, seed: int) -> Sides:
    """Return half of the sites, drawn at random with the given seed."""
    n_sites = _even("n_sites", n_sites)
    partition = left_right(n_sites)
    np.random.default_rng(as_int("seed", seed, minimum=0)).shuffle(partition)
    return partition


def _even(name: str, value: int) -> int:
    value = as_int(name, value, 2, MOST_SITES)
    if value % 2:
        raise ValueError(f"{name} must be even, got {value}")
    return value


def _power_of_two_side(side: int) -> int:
    side = as_int("side", side, 2, isqrt(MOST_SITES))
    integer_log("side", side, 2)
    return side


# --- images as sites ----------------------------------------------------------------------


def morton_order(side: int) -> NDArray[np.int64]:
    """Return the row-major pixel number of each site, shape (side * side,).

    Site s belongs to the pixel whose row has the odd bits of s and whose column
    has the even bits, so sites 4k..4k+3 are one 2x2 window (upper left, upper
    right, lower left, lower right).

    Examples
    --------
    >>> morton_order(4).reshape(4, 4)
    array([[ 0,  1,  4,  5],
           [ 2,  3,  6,  7],
           [ 8,  9, 12, 13],
           [10, 11, 14, 15]])
    """
    side = as_int("side", side, 1, isqrt(MOST_SITES))
    level = 0 if side == 1 else integer_log("side", side, 2)
    bits = np.arange(side * side)[:, None] >> np.arange(2 * level) & 1
    place = 1 << np.arange(level)
    return (bits[:, 1::2] @ place) * side + bits[:, ::2] @ place


def to_sites(images: T) -> T:
    """Reorder images (..., side, side) into sites (..., side * side). NumPy or torch.

    Examples
    --------
    >>> to_sites(np.arange(4).reshape(2, 2))
    array([0, 1, 2, 3])
    """
    pixels: Any = images if hasattr(images, "ndim") else as_array("images", images)
    if pixels.ndim < 2 or pixels.shape[-1] != pixels.shape[-2]:
        raise ValueError(
            "images must be square in their last two axes, got shape "
            f"{tuple(pixels.shape)}; pad or resize them first"
        )
    side = pixels.shape[-1]
    return pixels.reshape(*pixels.shape[:-2], side * side)[..., morton_order(side)]


def to_image(sites: T) -> T:
    """Reorder sites (..., side * side) into images (..., side, side); undoes `to_sites`."""
    numbers: Any = sites if hasattr(sites, "ndim") else as_array("sites", sites)
    n_sites = numbers.shape[-1] if numbers.ndim else 0
    side = round(n_sites**0.5)
    if side * side != n_sites or side == 0:
        raise ValueError(
            f"sites must have a square number of entries in the last axis, got {n_sites}"
        )
    inverse = np.argsort(morton_order(side))
    return numbers[..., inverse].reshape(*numbers.shape[:-1], side, side)
