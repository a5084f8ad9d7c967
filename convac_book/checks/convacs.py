"""Checks of the exercises in the chapter on convolutional arithmetic circuits."""

from itertools import permutations
from math import exp, isfinite
from typing import Any

import numpy as np

from convac_lib._validation import integer_log
from convac_lib.architecture import Architecture
from convac_lib.decompositions import coefficients_tensor, log_scores

from ._feedback import Feedback, not_yet, right


def one_amplitude(
    amplitude: Any, seed: int = 3, choice: tuple[int, ...] = (1, 0, 2, 0)
) -> Feedback:
    """Check the amplitude of the page's four-site network at a choice of features.

    Examples
    --------
    >>> one_amplitude([1.0, 2.0])
    Not yet: one number is asked for, got [1.0, 2.0].
    """
    network = Architecture.line(local_dim=3, channels=(4, 2))
    generator = np.random.default_rng(seed)
    weights = [generator.integers(1, 9, shape) for shape in network.weight_shapes()]
    tensor = coefficients_tensor(network, weights)[0]
    answer, choice = _as_number(amplitude), tuple(int(d) for d in choice)
    if answer is None:
        return not_yet(f"one number is asked for, got {amplitude!r}")
    if _close(answer, int(tensor[choice])):
        return right("the network's score on these unit vectors is this amplitude")
    shuffled = {order for order in permutations(choice) if order != choice}
    if any(_close(answer, int(tensor[order])) for order in shuffled):
        return not_yet("that is the amplitude of these features at other sites: mind the order")
    if all(choice) and _close(answer, int(tensor[tuple(d - 1 for d in choice)])):
        return not_yet("that is the amplitude one feature lower: choice numbers them from 0")
    return not_yet("the network has another amplitude at this choice")


def how_scores_grow(powers: Any, n_sites: int = 64, window: int = 4) -> Feedback:
    """Check the powers of t by which a score grows, one for each layer, the dense one last.

    Examples
    --------
    >>> how_scores_grow([64, 16, 4])
    Not yet: 3 hidden layers and a dense one need 4 exponents, got 3.
    """
    try:
        given = [float(power) for power in powers]
    except (TypeError, ValueError):
        return not_yet(f"a list of numbers is asked for, got {powers!r}")
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


def log_score(log_size: Any, sign: Any, seed: int = 11) -> Feedback:
    """Check the natural logarithm of the page's score on 4,096 sites, and its sign.

    Examples
    --------
    >>> log_score(float("inf"), 1)
    Not yet: log_size must be a finite number, got inf.
    """
    size, side = _as_number(log_size), _as_number(sign)
    if size is None or not isfinite(size):
        return not_yet(f"log_size must be a finite number, got {log_size!r}")
    if side not in (-1, 1):
        return not_yet(f"sign must be 1 or -1, got {sign!r}")
    network = Architecture.for_image(64, local_dim=2, channels=(3,) * 6)
    generator = np.random.default_rng(seed)
    shapes = network.weight_shapes("window-position")
    weights = [generator.normal(size=shape) for shape in shapes]
    features = generator.normal(size=(1, 4096, 2))
    true_sign, true_size = (x.item() for x in log_scores(network, weights, features))
    if not _close(size, true_size, 1e-6):
        for base in (2, 10):
            if _close(size, true_size / np.log(base), 1e-6):
                return not_yet(f"that is the logarithm to base {base}, not the natural one")
        difference = size - true_size
        bound = 3 * np.log(10) if abs(difference) > 20 else abs(difference)
        if abs(difference) <= bound:
            return not_yet(f"off by a factor of {exp(abs(difference)):.2g}: is one scale missing?")
        return not_yet("log_size is off by far: every window of every layer adds its scale")
    if side != true_sign:
        return not_yet("the size is right and the sign is not: a positive scale changes no sign")
    return right(f"the score is {'minus ' * (side < 0)}e to the {size:.1f}")


def symmetric_halves(largest_rank: Any, local_dim: int = 3) -> Feedback:
    """Check the largest rank across AABB of a fully shared network on four sites.

    Examples
    --------
    >>> symmetric_halves(9)
    Not yet: 9 is the rank without sharing; here each half is more special than any matrix.
    """
    answer = _as_number(largest_rank)
    if answer is None or answer != int(answer):
        return not_yet(f"one whole number is asked for, got {largest_rank!r}")
    answer, true = int(answer), local_dim * (local_dim + 1) // 2
    if answer == true:
        return right(f"each half spans a space of {true} dimensions and no more")
    if answer == local_dim**2:
        return not_yet(
            f"{answer} is the rank without sharing; here each half is more special than any matrix"
        )
    if answer == local_dim * (local_dim - 1) // 2:
        return not_yet(f"{answer} counts the pairs of different features; equal ones count too")
    return not_yet(f"{answer} is too {'large' if answer > true else 'small'}")


def _as_number(value: Any) -> Any:
    """Return a number, or an array or tensor of one entry, as a float; None for all else."""
    try:
        return float(np.asarray(value).item())
    except (TypeError, ValueError):
        return None


def _close(a: Any, b: Any, tolerance: float = 1e-09) -> bool:
    return abs(a - b) <= tolerance * max(1.0, abs(b))
