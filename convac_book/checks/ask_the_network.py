"""Checks of the exercises in the chapter on asking a network, and its black boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convac_book.answers import counts, near, number, numbers
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import random_weights
from convac_lib.modular import large_prime
from convac_lib.partitions import blocks

from ._feedback import Feedback, check, not_yet, right

_BOXES = ((5, 7, 3), (9, 4, 6), (4, 2, 5), (6, 11, 8), (3, 10, 2))
_SITES = 8


@check
def nearly_a_sum(
    share: Any, mean_a: float = 2, mean_b: float = 3, sd_a: float = 1, sd_b: float = 2
) -> Feedback:
    """Check the interaction share of a product of two independent sides.

    Examples
    --------
    >>> nearly_a_sum(1)
    Not yet: the means are not zero, so part of the product is a sum.
    """
    share = number(share)
    together = (sd_a * sd_b) ** 2
    alone = (mean_b * sd_a) ** 2 + (mean_a * sd_b) ** 2
    wanted = together / (together + alone)
    if near(share, wanted, within=0.000001):
        return right(f"a share of {share:.4f}")
    if share == 1:
        return not_yet("the means are not zero, so part of the product is a sum")
    if near(share, together / (together + alone + (mean_a * mean_b) ** 2), within=0.000001):
        return not_yet("the mean of the product is no variance")
    crossed = (mean_a * sd_a) ** 2 + (mean_b * sd_b) ** 2
    if near(share, together / (together + crossed), within=0.000001):
        return not_yet("each side is multiplied by the mean of the other")
    if not 0 <= share <= 1:
        return not_yet("a share lies between 0 and 1")
    off = "small" if share < wanted else "large"
    return not_yet(f"the share is too {off}")


@check
def three_variances(
    parts: Any, answers: Sequence[Sequence[float]] = ((3, 1, 4, 1), (5, 9, 2, 6), (5, 3, 5, 8))
) -> Feedback:
    """Check unbiased estimates (var_f, var_g, var_e) of a matrix of answers.

    Examples
    --------
    >>> three_variances((0, 0, 0))
    Not yet: the variance of e is another; start with it.
    """
    found = numbers(parts, 3, "three numbers (var_f, var_g, var_e)")
    table = np.array(answers, dtype=float)
    rows, columns = table.shape
    f = table.mean(axis=1, keepdims=True) - table.mean()
    g = table.mean(axis=0, keepdims=True) - table.mean()
    rest = ((table - table.mean() - f - g) ** 2).sum()
    var_e = rest / ((rows - 1) * (columns - 1))
    plain = (f**2).sum() / (rows - 1), (g**2).sum() / (columns - 1)
    wanted = np.array([plain[0] - var_e / columns, plain[1] - var_e / rows, var_e])
    if near(found, wanted, within=0.00001):
        return right("all three are unbiased")
    if near(found, wanted[[1, 0, 2]], within=0.00001):
        return not_yet("f belongs to the rows, side A, and g to the columns")
    if not near(found[2], var_e, within=0.00001):
        if near(found[2], rest / table.size, within=0.00001):
            return not_yet("divided by the number of answers, the variance of e is too small")
        return not_yet("the variance of e is another; start with it")
    if near(found[:2], plain, within=0.00001):
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


@check
def black_box(ranks: Any, number: int = 0) -> Feedback:
    """Check the three ranks of a black box: interleaved, blocks of two, halves.

    Examples
    --------
    >>> black_box((81, 9))
    Not yet: a list of three integers is asked for, got 2 of them.
    """
    found = counts(ranks, 3, "a list of three integers")
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
