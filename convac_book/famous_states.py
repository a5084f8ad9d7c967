"""The states that everyone meets first: Bell, GHZ, W, one drawn at random; and Page's average."""

from math import log
from typing import Any

import numpy as np
from scipy.special import digamma

from convac_lib._arrays import Array
from convac_lib._validation import as_choice, as_int
from convac_lib.states import normalized, refuse_big_state


def random_state(n_sites: int, local_dim: int = 2, seed: int = 0, dtype: Any = float) -> Array:
    """Return a state drawn uniformly from the unit sphere, shape (local_dim,) * n_sites.

    `dtype` is ``float`` for a real state and ``complex`` for a complex one.

    Examples
    --------
    >>> float(np.linalg.norm(random_state(3, seed=1, dtype=complex)).round(12))
    1.0
    """
    shape = _state_shape(n_sites, local_dim)
    as_choice("dtype", dtype, (float, complex))
    refuse_big_state(shape, dtype)
    rng = np.random.default_rng(seed)
    state = rng.standard_normal(shape)
    if dtype is complex:
        state = state + 1j * rng.standard_normal(shape)
    return normalized(state)


def bell(normalize: bool = True) -> Array:
    """Return the Bell state (|00⟩ + |11⟩) / √2 of two qubits.

    Examples
    --------
    >>> bell(normalize=False)
    array([[1, 0],
           [0, 1]])
    """
    return ghz(2, normalize=normalize)


def ghz(n_sites: int, local_dim: int = 2, normalize: bool = True) -> Array:
    """Return the GHZ state Σ_d |d d ... d⟩ / √local_dim; unnormalised it is a delta (eq. 13).

    Examples
    --------
    >>> ghz(3)[1, 1, 1].round(4), ghz(3)[0, 1, 1]
    (np.float64(0.7071), np.float64(0.0))
    """
    shape = _state_shape(n_sites, local_dim)
    refuse_big_state(shape, int)
    state = np.zeros(shape, dtype=int)
    state[(np.arange(local_dim),) * n_sites] = 1
    return normalized(state) if normalize else state


def w_state(n_sites: int, normalize: bool = True) -> Array:
    """Return the W state of qubits: one of them is 1, with equal amplitudes.

    Examples
    --------
    >>> w_state(2, normalize=False)
    array([[0, 1],
           [1, 0]])
    """
    shape = _state_shape(n_sites, local_dim=2)
    refuse_big_state(shape, int)
    state = np.zeros(shape, dtype=int)
    for site in range(n_sites):
        state[tuple(int(other == site) for other in range(n_sites))] = 1
    return normalized(state) if normalize else state


def page_entropy(dim_a: int, dim_b: int) -> float:
    """Return Page's average entanglement entropy of a random complex state, in nats.

    For sides of dimension m ≤ n it is Σ_{k=n+1}^{mn} 1/k − (m−1)/(2n)
    (Page 1993; proved by Sen 1996). The order of the two sides does not matter.

    Examples
    --------
    >>> round(page_entropy(2, 2), 4)  # 1/3 + 1/4 − 1/4
    0.3333
    """
    m, n = sorted((as_int("dim_a", dim_a, minimum=1), as_int("dim_b", dim_b, minimum=1)))
    if n > 10**8:  # H_mn − H_n = ln m + 1/(2mn) − 1/(2n), the next term is below 1/n²
        return log(m) - (m * m - 1) / (2 * m * n)
    return float(digamma(m * n + 1) - digamma(n + 1)) - (m - 1) / (2 * n)


def _state_shape(n_sites: int, local_dim: int) -> tuple[int, ...]:
    n_sites = as_int("n_sites", n_sites, minimum=1)
    return (as_int("local_dim", local_dim, minimum=1),) * n_sites
