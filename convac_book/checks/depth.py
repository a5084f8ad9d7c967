"""Checks of the exercises in the chapter on depth."""

from typing import Any

import numpy as np

from convac_book.answers import array, count, near
from convac_lib.architecture import Architecture
from convac_lib.decompositions import coefficients_tensor
from convac_lib.partitions import interleaved
from convac_lib.states import schmidt_values

from ._feedback import Feedback, check, not_yet, right


@check
def channels_needed(
    channels: Any, weights: Any, n_sites: int = 32, local_dim: int = 3, r0: int = 5
) -> Feedback:
    """Check the channels and the weights that a shallow network needs at least.

    Examples
    --------
    >>> channels_needed(3**32, 3**32 * 97)
    Not yet: the first layer has half as many windows as there are sites, and each counts once.
    """
    answer, spent = count(channels), count(weights)
    r, pairs = min(r0, local_dim), n_sites // 2
    if answer == r**n_sites:
        return not_yet(
            "the first layer has half as many windows as there are sites, and each counts once"
        )
    if r0 != local_dim and answer == max(r0, local_dim) ** pairs:
        return not_yet("of r0 and local_dim the other one limits what a window carries")
    if answer == r * pairs:
        return not_yet("the windows multiply, they do not add")
    if answer != r**pairs:
        return not_yet(f"channels_needed is too {'large' if answer > r**pairs else 'small'}")
    if spent == answer * n_sites * local_dim:
        return not_yet("each channel has one weight more, its number v_k")
    if spent != answer * (n_sites * local_dim + 1):
        return not_yet("channels_needed is right; count the weights of one channel again")
    return right(f"{answer:.1e} channels and {spent:.1e} weights, for {n_sites} sites")


@check
def flatten_it(v: Any, a: Any, seed: int = 2, r0: int = 3, r1: int = 4) -> Feedback:
    """Check a shallow network (v, a) for the page's deep one on four sites.

    Examples
    --------
    >>> flatten_it([1, 1], [[[1, 0]] * 4])
    Not yet: v and a must have one length K, got 2 and 1.
    """
    v, a = array(v, (None,)), array(a, (None, 4, 2))
    if len(v) != len(a):
        return not_yet(f"v and a must have one length K, got {len(v)} and {len(a)}")
    network = Architecture.line(2, (r0, r1))
    generator = np.random.default_rng(seed)
    prescribed = [generator.integers(0, 9, shape) for shape in network.weight_shapes()]
    target = coefficients_tensor(network, prescribed)[0]
    tensor = np.einsum("k,ka,kb,kc,kd->abcd", v, *a.transpose(1, 0, 2))
    if not near(tensor, target, within=1e-6):
        return not_yet(_what_is_off(tensor, target))
    if len(v) > r0**2:
        return not_yet(
            f"the tensor is right with {len(v)} channels, and {r0**2} are enough: "
            "channels with equal vectors can be added up"
        )
    return right(f"the same tensor, with {len(v)} channels in one layer")


def _what_is_off(tensor: Any, target: Any) -> str:
    """Say in which way a tensor of four sites differs from the one asked for."""
    for order in ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1), (0, 2, 1, 3), (3, 2, 1, 0)):
        if np.allclose(tensor.transpose(order), target, rtol=1e-9):
            return f"the tensor is right after its sites are put in the order {order}"
    size = np.linalg.norm(tensor)
    if size > 0 and np.allclose(tensor / size, target / np.linalg.norm(target), rtol=1e-9):
        return "the tensor is a multiple of the right one"
    wrong = int(np.count_nonzero(~np.isclose(tensor, target, rtol=1e-9)))
    return f"{wrong} of the 16 entries are off"


@check
def windows_of_four(rank: Any, local_dim: int = 2, r0: int = 3) -> Feedback:
    """Check the rank of a 4 x 4 image's network for the checkerboard.

    Examples
    --------
    >>> windows_of_four(3**8)
    Not yet: there are four windows in the first layer, not eight.
    """
    answer, r = count(rank), min(r0, local_dim**2)
    if answer == r**4:
        return right(f"four windows, and each carries {r} dimensions")
    if answer == r**8:
        return not_yet("there are four windows in the first layer, not eight")
    if answer == r0**4:
        return not_yet("a window has more channels than its two sites in B have dimensions")
    if answer == min(r0, local_dim) ** 4:
        return not_yet("a window has two sites in B, which together have more dimensions")
    return not_yet(f"{answer} is too {'large' if answer > r**4 else 'small'}")


@check
def channels_for_most(channels: Any, seed: int = 30, tolerance: float = 0.05) -> Feedback:
    """Check the least number of channels that the bound allows an error below `tolerance`.

    Examples
    --------
    >>> channels_for_most(81)
    Not yet: fewer than 81 channels leave an error below 0.05 possible.
    """
    answer = count(channels)
    network = Architecture.line(3, (4, 6, 3))
    generator = np.random.default_rng(seed)
    weights = [generator.normal(size=shape) for shape in network.weight_shapes()]
    squares = schmidt_values(coefficients_tensor(network, weights)[0], interleaved(8)) ** 2
    errors = [float(np.sqrt(squares[k:].sum() / squares.sum())) for k in range(82)]
    least = next(k for k, error in enumerate(errors) if error < tolerance)
    if answer == least:
        return right(f"with {least} channels the bound is {errors[least]:.3f}")
    if answer > least:
        return not_yet(f"fewer than {answer} channels leave an error below {tolerance} possible")
    if answer < 0:
        return not_yet(f"a number of channels is not negative, got {answer}")
    return not_yet(f"with {answer} channels no error is below {errors[answer]:.3f}")
