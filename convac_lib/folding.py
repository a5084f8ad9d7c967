"""Fold a network, from the leaves to the top, into one small matrix for a partition.

The matricization of a network of N sites has M^|A| rows: far too many to write
down. But it comes from a tree, and a sub-tree meets the rest of the network only
through its one open bond. So all that matters of a sub-tree are r matrices
X_1, ..., X_r, one for each value of that bond: their rows are the settings of
the sub-tree's sites in A, their columns those in B. A layer does two things to them.

- The convolution W mixes the matrices:     X'_k = Σ_g W_kg X_g.
- The pooling joins children, channel by channel:     X_k ⊗ Y_k.

Kronecker products grow, but most of the rows they give are combinations of the
others. How many are not? The rows of a sub-tree are told apart only through the
bonds on a cut that parts its A-sites from everything else: its B-sites *and* the
open bond. With g(s) the least weight of a cut whose outside lies on side s, the
recursion of the minimal cut (:mod:`convac_lib.cuts`) says how many to keep:

    rows ≤ g(B),  columns ≤ g(A),   g(s) = min( ∏_c g_c(s), r · ∏_c min_t g_c(t) ).

What "keep" means is the choice of an arithmetic. Over the integers modulo a
prime, a random projection keeps the rank (:mod:`convac_lib.ranks`); over the
floats, an orthonormal basis keeps the singular values (:mod:`convac_lib.spectra`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from ._arrays import Array, refuse_beyond_memory
from .architecture import Architecture
from .cuts import delta_costs
from .partitions import PartitionLike, as_partition


class Arithmetic(Protocol):
    """What is done to the matrices of a sub-tree, stacked as (bond, rows, columns)."""

    def convolve(self, kernel: Array, matrices: Array) -> Array:
        """Mix the channels: Σ_g W_kg X_g for all k."""
        ...

    def join(self, x: Array, y: Array, row_bound: int, column_bound: int) -> Array:
        """Return x_g ⊗ y_g for all g, compressed to the bounds."""
        ...

    def join_top(self, x: Array, y: Array, top: Array) -> Array:
        """Return Σ_g top_g x_g ⊗ y_g, one matrix, compressed."""
        ...


class Subtree(NamedTuple):
    """A sub-tree seen by a partition: one matrix for each value of its open bond.

    `matrices` has shape (bond, rows, columns); `costs` are the numbers g(A) and g(B)
    above (Python integers, for they can be huge).
    """

    matrices: Array
    costs: tuple[int, int]


def fold(
    architecture: Architecture,
    partition: PartitionLike,
    weights: Sequence[Array],
    arithmetic: Arithmetic,
    output: int = 0,
) -> Array:
    """Return a matrix with the rank, or the singular values, of the matricization.

    Of the dense layer, the last of the weights, row `output` is read.
    """
    sides = as_partition(partition, architecture.n_sites)
    *kernels, dense = weights
    window = architecture.window
    subtrees = [_leaf(architecture.local_dim, in_a) for in_a in sides]
    for layer_kernels, bond in zip(kernels[:-1], architecture.channels[:-1], strict=True):
        subtrees = [
            _pool(subtrees[k : k + window], _at(layer_kernels, k, window), bond, arithmetic)
            for k in range(0, len(subtrees), window)
        ]
    # The last pooling is summed over its channels at once: its matrices are the
    # largest of all, and one is enough.
    *others, last = subtrees
    *other_kernels, last_kernel = _at(kernels[-1], 0, window)
    pooled = _pool(others, other_kernels, architecture.channels[-1], arithmetic)
    factor = arithmetic.convolve(last_kernel, last.matrices)
    return arithmetic.join_top(pooled.matrices, factor, dense[output])


def _leaf(local_dim: int, in_a: bool) -> Subtree:
    """Return one site: feature d is row d if the site is in A, column d if it is in B."""
    if in_a:
        return Subtree(np.eye(local_dim)[:, :, None], (1, local_dim))
    return Subtree(np.eye(local_dim)[:, None, :], (local_dim, 1))


def _at(layer_kernels: Array, first: int, window: int) -> list[Array]:
    """Return the kernels of `window` neighbouring locations; location j has number j mod G."""
    return [layer_kernels[j % len(layer_kernels)] for j in range(first, first + window)]


def _pool(
    children: Sequence[Subtree], kernels: Sequence[Array], bond: int, arithmetic: Arithmetic
) -> Subtree:
    """Convolve each child and join them one after the other, compressing after each."""
    matrices, joined = np.ones((bond, 1, 1)), []
    for child, kernel in zip(children, kernels, strict=True):
        joined.append(child.costs)
        costs = on_a, on_b = delta_costs(joined, bond)
        factor = arithmetic.convolve(kernel, child.matrices)
        matrices = arithmetic.join(matrices, factor, row_bound=on_b, column_bound=on_a)
    return Subtree(matrices, costs)


def refuse_large(shape: tuple[int, ...], dtype: DTypeLike) -> None:
    """Raise a ValueError if matrices of this shape are beyond memory."""
    refuse_beyond_memory(
        "partition (with a minimal cut so large)",
        shape,
        dtype,
        "take a partition or channels with a smaller one",
    )
