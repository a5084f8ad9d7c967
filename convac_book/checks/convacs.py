"""Checks of the exercises in the chapter on convolutional arithmetic circuits."""

from itertools import permutations
from math import exp
from typing import Any

import numpy as np

from convac_book.answers import count, counts, near, number
from convac_lib._validation import integer_log
from convac_lib.architecture import Architecture
from convac_lib.decompositions import coefficients_tensor, log_scores

from ._feedback import Feedback, check, not_yet, right


@check
def one_amplitude(
    amplitude: Any, seed: int = 3, choice: tuple[int, ...] = (1, 0, 2, 0)
) -> Feedback:
    """Check the amplitude of the page's four-site network at a choice of features.

    Examples
    --------
    >>> one_amplitude([1.0, 2.0])
    Not yet: a whole number is asked for, got [1.0, 2.0].
    """
    network = Architecture.line(local_dim=3, channels=(4, 2))
    generator = np.random.default_rng(seed)
    weights = [generator.integers(1, 9, shape) for shape in network.weight_shapes()]
    tensor = coefficients_tensor(network, weights)[0]
    answer = count(amplitude)
    choice = tuple(int(d) for d in choice)
    if answer == int(tensor[choice]):
        return right("the network's score on these unit vectors is this amplitude")
    shuffled = {order for order in permutations(choice) if order != choice}
    if any(answer == int(tensor[order]) for order in shuffled):
        return not_yet("that is the amplitude of these features at other sites: mind the order")
    if all(choice) and answer == int(tensor[tuple(d - 1 for d in choice)]):
        return not_yet("that is the amplitude one feature lower: choice numbers them from 0")
    return not_yet("the network has another amplitude at this choice")


@check
def how_scores_grow(powers: Any, n_sites: int = 64, window: int = 4) -> Feedback:
    """Check the powers of t by which a score grows, one for each layer, the dense one last.

    Examples
    --------
    >>> how_scores_grow([64, 16, 4])
    Not yet: 3 hidden layers and a dense one need 4 exponents, got 3.
    """
    given = counts(powers)
    depth = integer_log("n_sites", n_sites, window)
    if len(given) != depth + 1:
        return not_yet(
            f"{depth} hidden layers and a dense one need {depth + 1} exponents, got {len(given)}"
        )
    true = [n_sites // window**layer for layer in range(depth)] + [1]
    if given == true:
        return right("a layer's exponent is the number of its places, and the dense layer has one")
    if given == true[::-1]:
        return not_yet("the order is turned round: layer 0 comes first, the dense layer last")
    if given[-1] != 1:
        return not_yet("the score is linear in the dense layer, which stands last in the list")
    layer = next(layer for layer in range(depth) if given[layer] != true[layer])
    size = "large" if given[layer] > true[layer] else "small"
    return not_yet(f"the exponent of layer {layer} is too {size}")


@check
def log_score(log_size: Any, sign: Any, seed: int = 11) -> Feedback:
    """Check the natural logarithm of the page's score on 4,096 sites, and its sign.

    Examples
    --------
    >>> log_score(float("inf"), 1)
    Not yet: a finite number log_size is asked for, got inf.
    """
    size = number(log_size, "a finite number log_size")
    side = count(sign, "a sign, 1 or -1,")
    if side not in (-1, 1):
        return not_yet(f"sign must be 1 or -1, got {sign!r}")
    network = Architecture.for_image(64, local_dim=2, channels=(3,) * 6)
    generator = np.random.default_rng(seed)
    shapes = network.weight_shapes("window-position")
    weights = [generator.normal(size=shape) for shape in shapes]
    features = generator.normal(size=(1, 4096, 2))
    true_sign, true_size = (x.item() for x in log_scores(network, weights, features))
    if not near(size, true_size, within=0.001):
        for base in (2, 10):
            if near(size, true_size / np.log(base), within=0.001):
                return not_yet(f"that is the logarithm to base {base}, not the natural one")
        difference = abs(size - true_size)
        if 0.1 < difference < 20:
            return not_yet(f"off by a factor of {exp(difference):.2g}: is one scale missing?")
        if difference <= 0.1:
            return not_yet("near, but not to within 0.001: keep more digits")
        return not_yet("log_size is off by far: every window of every layer adds its scale")
    if side != true_sign:
        return not_yet("the size is right and the sign is not: a positive scale changes no sign")
    return right(f"the score is {'minus ' * (side < 0)}e to the {size:.1f}")


@check
def symmetric_halves(largest_rank: Any, local_dim: int = 3) -> Feedback:
    """Check the largest rank across AABB of a fully shared network on four sites.

    Examples
    --------
    >>> symmetric_halves(9)
    Not yet: 9 is the rank without sharing; here each half is more special than any matrix.
    """
    answer, true = count(largest_rank), local_dim * (local_dim + 1) // 2
    if answer == true:
        return right(f"each half spans a space of {true} dimensions and no more")
    if answer == local_dim**2:
        return not_yet(
            f"{answer} is the rank without sharing; here each half is more special than any matrix"
        )
    if answer == local_dim * (local_dim - 1) // 2:
        return not_yet(f"{answer} counts the pairs of different features; equal ones count too")
    return not_yet(f"{answer} is too {'large' if answer > true else 'small'}")
