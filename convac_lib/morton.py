"""Morton (Z) order: an image as a line in which every 2x2 window is four neighbours.

With the pixels listed so, 2x2 pooling at every level multiplies four
consecutive sites, and an image needs no code of its own.
"""

import numpy as np

from ._validation import as_int, integer_log


def morton_order(side):
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
    side = as_int("side", side, minimum=1)
    level = 0 if side == 1 else integer_log("side", side, 2)
    bits = np.arange(side * side)[:, None] >> np.arange(2 * level) & 1
    place = 1 << np.arange(level)
    return (bits[:, 1::2] @ place) * side + bits[:, ::2] @ place


def to_sites(images):
    """Reorder images (..., side, side) into sites (..., side * side). NumPy or torch.

    Examples
    --------
    >>> to_sites(np.arange(4).reshape(2, 2))
    array([0, 1, 2, 3])
    """
    if images.ndim < 2 or images.shape[-1] != images.shape[-2]:
        raise ValueError(
            "images must be square in their last two axes, got shape "
            f"{tuple(images.shape)}; pad or resize them first"
        )
    side = images.shape[-1]
    return images.reshape(*images.shape[:-2], side * side)[..., morton_order(side)]


def to_image(sites):
    """Reorder sites (..., side * side) into images (..., side, side); undoes `to_sites`."""
    n_sites = sites.shape[-1] if sites.ndim else 0
    side = round(n_sites**0.5)
    if side * side != n_sites or side == 0:
        raise ValueError(
            f"sites must have a square number of entries in the last axis, got {n_sites}"
        )
    inverse = np.argsort(morton_order(side))
    return sites[..., inverse].reshape(*sites.shape[:-1], side, side)
