"""A regression with a dial from short to long correlations, and a known best score.

Eight sites hold four numbers each, all +1 or -1. The local target adds the inner
products of neighbours; the global one adds four products of a number in the left
half with one in the right half. A network that can pass only k of the four
products through a bond explains at most k quarters of the variance: truncating a
Schmidt decomposition with equal values (Eckart and Young).
"""

import numpy as np

from .._validation import as_int
from . import Task

N_SITES, SITE_SIZE = 8, 4


def pairs(seed=0, mix=0.0, n_train=20_000, n_test=4_000):
    """Return sequences (samples, 8, 4) of signs and a target of mean 0 and variance 1.

    Parameters
    ----------
    mix : float
        The part of the variance that is global: 0 is the local task, 1 the global one.
    """
    if not 0 <= mix <= 1:
        raise ValueError(f"mix must be a number from 0 (local) to 1 (global), got {mix!r}")
    n_train = as_int("n_train", n_train, minimum=1)
    n_samples = n_train + as_int("n_test", n_test, minimum=1)
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1, 1], dtype=np.int8), (n_samples, N_SITES, SITE_SIZE))
    target = np.sqrt(1 - mix) * local_target(signs) + np.sqrt(mix) * global_target(signs)
    target = target.astype(np.float32)
    return Task(
        "pairs", signs[:n_train], target[:n_train], signs[n_train:], target[n_train:], None
    )


def local_target(signs):
    """Return the sum of the inner products of sites 2i and 2i+1, over its standard deviation."""
    x = signs.astype(np.float32)
    return np.einsum("nis,nis->n", x[:, ::2], x[:, 1::2]) / 4


def global_target(signs):
    """Return the sum over i of x_i[i] x_{i+4}[i], over its standard deviation."""
    x = signs.astype(np.float32)
    return np.einsum("nii,nii->n", x[:, :4], x[:, 4:]) / 2
