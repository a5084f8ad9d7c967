"""Checks of the exercises in the chapter on many-body states."""

from collections.abc import Callable
from typing import Any

import numpy as np

from convac_book.answers import array, count, near

from ._feedback import Feedback, check, not_yet, right

TOLERANCE = 1e-6  # of an entry


@check
def largest_state(most_sites: Any, memory: int = 17179869184, local_dim: int = 3) -> Feedback:
    """Check the largest number of sites whose state fits in `memory` bytes, 8 an amplitude.

    Examples
    --------
    >>> largest_state(3, memory=100, local_dim=3)
    Not yet: a state of 3 sites takes 216 bytes, and there are 100.
    """
    most_sites = count(most_sites)
    if most_sites < 1:
        return not_yet(f"a number of sites of at least 1 is asked for, got {most_sites}")
    if most_sites > memory.bit_length():  # too many by far: do not write the power out
        return not_yet(f"a state of {most_sites} sites does not fit")
    needed = 8 * local_dim**most_sites
    if needed > memory:
        return not_yet(
            f"a state of {most_sites} sites takes {needed:,} bytes, and there are {memory:,}"
        )
    if needed * local_dim <= memory:
        return not_yet(f"{most_sites} sites fit, and so does one more")
    return right(f"{most_sites} sites take {needed:,} bytes, and one more does not fit")


@check
def sum_of_pixels(
    sum_tensor: Any, slopes: tuple[int, ...] = (2, -1, 3), constant: int = 5
) -> Feedback:
    """Check the tensor that scores constant + Σ slopes_j x_j with the features 1 and x.

    Examples
    --------
    >>> sum_of_pixels([[5, 2], [-1, 1]], slopes=[-1, 2], constant=5)
    Not yet: at pixels (1, 1) the tensor scores 7, and the sum is 6.
    """
    shape = (2,) * len(slopes)
    tensor = array(sum_tensor, shape)
    wanted = np.zeros(shape)
    wanted[(0,) * len(slopes)] = constant
    for site, slope in enumerate(slopes):
        wanted[tuple(int(j == site) for j in range(len(slopes)))] = slope
    if near(tensor, wanted, within=TOLERANCE):
        return right("the tensor scores the sum at every corner, and so everywhere")
    for pixels in np.ndindex(shape):  # 0 or 1 at every site: enough to know a tensor of 1 and x
        features = [(1, x) for x in pixels]
        scored = _score(tensor, features)
        meant = constant + sum(s * x for s, x in zip(slopes, pixels, strict=True))
        if not near(scored, meant, within=TOLERANCE):
            return not_yet(
                f"at pixels {pixels} the tensor scores {scored:g}, and the sum is {meant:g}"
            )
    return not_yet("the entries are off by more than rounding")


def black_box(seed: int) -> Callable[[Any], Any]:
    """Return a score of three pixels, with features 1, x, x² and a hidden tensor of integers.

    Examples
    --------
    >>> box = black_box(seed=3)
    >>> box([0, 0, 0]) == box([0.0, 0.0, 0.0])
    True
    """
    tensor = _hidden_tensor(seed)

    def box(pixels: Any) -> Any:
        if np.shape(pixels) != (3,):
            raise ValueError(f"pixels must be three numbers, got shape {np.shape(pixels)}")
        return float(_score(tensor, [(1, x, x * x) for x in pixels]))

    return box


@check
def recover_tensor(recovered: Any, seed: int = 3) -> Feedback:
    """Check the tensor found in the box of `seed`.

    Examples
    --------
    >>> recover_tensor([[1, 2], [3, 4]], seed=3)
    Not yet: an array of shape (3, 3, 3) is asked for, got shape (2, 2).
    """
    tensor = array(recovered, (3, 3, 3))
    wrong = int(np.sum(abs(tensor - _hidden_tensor(seed)) > TOLERANCE))
    if wrong == 0:
        return right("all 27 entries are those in the box")
    transposed = tensor.transpose(2, 1, 0)
    if near(transposed, _hidden_tensor(seed), within=TOLERANCE):
        return not_yet("the entries are there, with the sites in the opposite order")
    return not_yet(f"{wrong} of the 27 entries are not those in the box")


def _hidden_tensor(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-9, 10, size=(3, 3, 3))


def _score(tensor: Any, features: Any) -> Any:
    for vector in features:
        tensor = np.tensordot(vector, tensor, axes=1)
    return tensor
