"""Checks of the exercises in the chapter on asking a network, and its black boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import random_weights
from convac_lib.modular import large_prime
from convac_lib.partitions import blocks

from ._feedback import Feedback, not_yet, right

_BOXES = ((5, 7, 3), (9, 4, 6), (4, 2, 5), (6, 11, 8), (3, 10, 2))
_SITES = 8


def nearly_a_sum(
    share: Any, mean_a: float = 2, mean_b: float = 3, sd_a: float = 1, sd_b: float = 2
) -> Feedback:
    """Check the interaction share of a product of two independent sides.

    Examples
    --------
    >>> nearly_a_sum(1)
    Not yet: the means are not zero, so part of the product is a sum.
    """
    try:
        share = float(share)
    except (TypeError, ValueError):
        return not_yet(f"a number is asked for, got {share!r}")
    together = (sd_a * sd_b) ** 2
    alone = (mean_b * sd_a) ** 2 + (mean_a * sd_b) ** 2
    if abs(share - together / (together + alone)) < 2e-6:
        return right(f"a share of {share:.4f}")
    if share == 1:
        return not_yet("the means are not zero, so part of the product is a sum")
    if abs(share - together / (together + alone + (mean_a * mean_b) ** 2)) < 2e-6:
        return not_yet("the mean of the product is no variance")
    crossed = (mean_a * sd_a) ** 2 + (mean_b * sd_b) ** 2
    if abs(share - together / (together + crossed)) < 2e-6:
        return not_yet("each side is multiplied by the mean of the other")
    if not 0 <= share <= 1:
        return not_yet("a share lies between 0 and 1")
    off = "small" if share < together / (together + alone) else "large"
    return not_yet(f"the share is too {off}")


def three_variances(
    parts: Any, answers: Sequence[Sequence[float]] = ((3, 1, 4, 1), (5, 9, 2, 6), (5, 3, 5, 8))
) -> Feedback:
    """Check unbiased estimates (var_f, var_g, var_e) of a matrix of answers.

    Examples
    --------
    >>> three_variances((0, 0, 0))
    Not yet: the variance of e is another; start with it.
    """
    try:
        found = np.array([float(part) for part in parts])
    except (TypeError, ValueError):
        return not_yet(f"three numbers (var_f, var_g, var_e) are asked for, got {parts!r}")
    if found.shape != (3,):
        return not_yet(f"three numbers are asked for, got {len(found)}")
    table = np.array(answers, dtype=float)
    rows, columns = table.shape
    f = table.mean(axis=1, keepdims=True) - table.mean()
    g = table.mean(axis=0, keepdims=True) - table.mean()
    rest = ((table - table.mean() - f - g) ** 2).sum()
    var_e = rest / ((rows - 1) * (columns - 1))
    plain = (f**2).sum() / (rows - 1), (g**2).sum() / (columns - 1)
    wanted = np.array([plain[0] - var_e / columns, plain[1] - var_e / rows, var_e])
    if np.allclose(found, wanted, rtol=0, atol=1e-5):
        return right("all three are unbiased")
    if np.allclose(found, wanted[[1, 0, 2]], rtol=0, atol=1e-5):
        return not_yet("f belongs to the rows, side A, and g to the columns")
    if not np.isclose(found[2], var_e, rtol=0, atol=1e-5):
        if np.isclose(found[2], rest / table.size, rtol=0, atol=1e-5):
            return not_yet("divided by the number of answers, the variance of e is too small")
        return not_yet("the variance of e is another; start with it")
    if np.allclose(found[:2], plain, rtol=0, atol=1e-5):
        return not_yet("the means of rows and columns have something of e in them")
    return not_yet("the variance of e is right; of f and g one at least is not")


def box(number: int, x: ArrayLike) -> np.ndarray:
    """Answer questions to a black box, modulo 16777213: x of shape (questions, 8), integers.

    Examples
    --------
    >>> box(0, [[0] * 8, [1] * 8]).shape
    (2,)
    """
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != _SITES or x.dtype.kind not in "iu":
        raise ValueError(f"x must hold integers of shape (questions, 8), got {x.dtype}, {x.shape}")
    prime = large_prime(0)
    network = Architecture.line(3, box_channels(number))
    *layers, dense = random_weights(network, seed=(77, number), integers=prime // 2)
    x = x.astype(np.int64) % prime
    v = np.stack([np.ones_like(x), x, x * x % prime], axis=-1).transpose(1, 0, 2)
    for layer in layers:
        terms = v[:, :, None] * layer[:, None] % prime  # (place, question, out, in)
        z = terms.sum(axis=-1) % prime
        v = z[0::2] * z[1::2] % prime
    return (v[0] * dense[0] % prime).sum(axis=1) % prime


def box_channels(number: int) -> tuple[int, ...]:
    """Return the widths in a black box; asking is more fun."""
    if not 0 <= number < len(_BOXES):
        raise ValueError(f"number must be from 0 to {len(_BOXES) - 1}, got {number!r}")
    return _BOXES[number]


def black_box(ranks: Any, number: int = 0) -> Feedback:
    """Check the three ranks of a black box: interleaved, blocks of two, halves.

    Examples
    --------
    >>> black_box((81, 9))
    Not yet: three integers are asked for, got (81, 9).
    """
    try:
        found = [int(rank) for rank in ranks]
        whole = [int(rank) == rank for rank in ranks]
    except (TypeError, ValueError):
        found, whole = [], []
    if len(found) != 3 or not all(whole):
        return not_yet(f"three integers are asked for, got {ranks!r}")
    network = Architecture.line(3, box_channels(number))
    cuts = [min_cut_weight(network, blocks(_SITES, 2**k)) for k in range(3)]
    if found == cuts:
        return right("the box has these ranks")
    if found == cuts[::-1]:
        return not_yet("the order is interleaved, blocks of two, halves")
    names = ("interleaved", "blocks of two", "the halves")
    for name, got, cut in zip(names, found, cuts, strict=True):
        if got > cut:
            return not_yet(f"{name}: the rank is too large; are all products reduced?")
        if got < cut:
            return not_yet(f"{name}: the rank is too small; are there images enough, and generic?")
    raise AssertionError("equal ranks were found above")
