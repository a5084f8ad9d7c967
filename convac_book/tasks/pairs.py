"""A regression with a dial from short to long correlations, and a known best score.

Eight sites hold four numbers each, all +1 or -1. The local target adds the inner
products of neighbours; the global one adds four products of a number in the left
half with one in the right half; an option sets the distance in between. A network
that can pass only k of the four products through a bond explains at most k quarters
of the variance: truncating a Schmidt decomposition with equal values (Eckart and Young).
"""

import numpy as np
from numpy.typing import NDArray

from convac_lib._validation import as_choice, as_int
from convac_lib.learning.tasks import Task

N_SITES, SITE_SIZE = 8, 4
Signs = NDArray[np.int8]  # shape (samples, 8, 4)


def pairs(
    seed: int = 0,
    mix: float = 0.0,
    n_train: int = 20_000,
    n_test: int = 4_000,
    distance: int = 1,
) -> Task:
    """Return sequences (samples, 8, 4) of signs and a target of mean 0 and variance 1.

    Parameters
    ----------
    mix : float
        The part of the variance that is global: 0 is the local task, 1 the global one.
    distance : {1, 2, 4}
        How far apart the two sites of a local pair are. Then 4 is the global task, and
        between any two blocks of `distance` sites that meet there are four products.
    """
    if not 0 <= mix <= 1:
        raise ValueError(f"mix must be a number from 0 (local) to 1 (global), got {mix!r}")
    as_choice("distance", distance, (1, 2, 4))
    n_train = as_int("n_train", n_train, minimum=1)
    n_samples = n_train + as_int("n_test", n_test, minimum=1)
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1, 1], dtype=np.int8), (n_samples, N_SITES, SITE_SIZE))
    target = np.sqrt(1 - mix) * paired_target(signs, distance) + np.sqrt(mix) * global_target(signs)
    target = target.astype(np.float32)
    parts = signs[:n_train], target[:n_train], signs[n_train:], target[n_train:]
    return Task("pairs", *parts, n_classes=None, kind="sequences")


def paired_target(signs: Signs, distance: int) -> NDArray[np.float32]:
    """Return the sum of products of sites `distance` apart, over its standard deviation.

    Site p of a block of `distance` sites meets site p of the next block, in the p-th part
    of its four numbers: all four for neighbours, one each at distance 4.

    Examples
    --------
    >>> signs = np.random.default_rng(0).choice([-1, 1], (2, 8, 4))
    >>> bool((paired_target(signs, 4) == global_target(signs)).all())
    True
    """
    size = SITE_SIZE // distance
    x = signs.astype(np.float32).reshape(len(signs), -1, 2, distance, distance, size)
    # Axes: sample, pair of blocks, block, site of the block, part of its numbers, number.
    products = np.einsum("nbppk,nbppk->n", x[:, :, 0], x[:, :, 1])
    return products / np.float32(np.sqrt(N_SITES // 2 * size))


def local_target(signs: Signs) -> NDArray[np.float32]:
    """Return the sum of the inner products of sites 2i and 2i+1, over its standard deviation."""
    return paired_target(signs, 1)


def global_target(signs: Signs) -> NDArray[np.float32]:
    """Return the sum over i of x_i[i] x_{i+4}[i], over its standard deviation."""
    return paired_target(signs, 4)
