"""The Schmidt spectrum of a network of many sites, without ever forming its state.

The state of a thousand sites has more coefficients than there are atoms, yet the
singular values of its matricization are few: no more than the minimal cut. The
network is folded from the leaves to the top (:mod:`convac_lib.folding`), and
each sub-tree is written in orthonormal bases of the few directions it can reach.
Orthonormal bases change no singular value, so the small matrix left at the top
has the spectrum of the whole: any weights, random or trained, real or complex.

Floats give the *values*; how many of them are exactly zero is not for floats to
say. The generic rank comes from :func:`convac_lib.ranks.certify_rank`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._arrays import Array
from ._validation import as_instance, as_int
from .architecture import Architecture
from .decompositions import Weights, as_weights, random_weights
from .folding import fold, refuse_large
from .partitions import PartitionLike, as_partition
from .states import entropy_of_schmidt_values, geometric_measure_of_schmidt_values


@dataclass(frozen=True, eq=False)
class SchmidtSpectrum:
    """The Schmidt values of a state under a partition (eq. 10), and the state's norm.

    Attributes
    ----------
    values
        Of the normalised state, largest first: their squares sum to 1. Those of the
        state as the weights give it are ``values * exp(log_norm)``; with many
        sites that is beyond any float, which is why the norm is kept apart.
    log_norm
        The natural logarithm of the norm of the coefficients tensor.
    """

    values: Array
    log_norm: float

    @property
    def entropy(self) -> float:
        """The entanglement entropy −Σ λ² ln λ², in nats (section 4.1)."""
        return entropy_of_schmidt_values(self.values)

    @property
    def geometric_measure(self) -> float:
        """The distance of the normalised state to the nearest separable one (section 4.1)."""
        return geometric_measure_of_schmidt_values(self.values)


def schmidt_spectrum(
    architecture: Architecture,
    partition: PartitionLike,
    weights: Weights | None = None,
    seed: int = 0,
    output: int = 0,
) -> SchmidtSpectrum:
    """Return the Schmidt spectrum of a network's state under a partition.

    There are at most as many values as the minimal cut; the others are zero. They are in
    double precision: absolute errors of about 1e-15.

    Parameters
    ----------
    architecture, partition
        Which network, and which sites are in A.
    weights
        With any kind of sharing, such as those of a trained model. Random normal ones
        drawn with `seed` if left out, none shared.
    output
        Which score's state: row `output` of the dense layer.

    Raises
    ------
    ValueError
        If an argument does not fit, the state is zero, or a step is beyond memory.

    Examples
    --------
    >>> from convac_lib.architecture import Architecture
    >>> line = Architecture.line(local_dim=4, channels=(8,) * 10)  # 1024 sites
    >>> spectrum = schmidt_spectrum(line, "AB" * 2 + "B" * 1020)
    >>> len(spectrum.values), round(float(np.sum(spectrum.values**2)), 12)
    (16, 1.0)
    """
    as_instance("architecture", architecture, Architecture)
    sides = as_partition(partition, architecture.n_sites)
    output = as_int("output", output, minimum=0, maximum=architecture.n_outputs - 1)
    weights = random_weights(architecture, seed) if weights is None else weights
    weights = [_as_double(layer) for layer in as_weights(architecture, weights)]
    bases = OrthonormalBases()
    matrix = fold(architecture, sides, weights, bases, output)
    values = np.linalg.svd(matrix, compute_uv=False)
    norm = np.linalg.norm(values)
    return SchmidtSpectrum(values / norm, bases.log_scale + float(np.log(norm)))


class OrthonormalBases:
    """Float arithmetic for :func:`~convac_lib.folding.fold`: it keeps singular values.

    A stack of matrices is compressed by writing all their columns in one orthonormal
    basis of the space they span, and their rows in another. How many directions are
    kept is never read off the floats: it is the bound from the minimal cut, and in
    exact arithmetic the directions beyond it are zero.

    Every product is divided by its largest entry, and the logarithms of all these
    numbers add up to `log_scale`; so nothing overflows, however many the sites.
    """

    def __init__(self) -> None:
        self.log_scale = 0.0

    def convolve(self, kernel: Array, matrices: Array) -> Array:
        """Return Σ_g W_kg X_g for all k, up to a factor."""
        bond, rows, columns = matrices.shape
        mixed = self._rescaled(kernel) @ matrices.reshape(bond, -1)
        mixed = self._rescaled(mixed).reshape(-1, rows, columns)
        return _compressed(mixed, rows, columns)

    def join(self, x: Array, y: Array, row_bound: int, column_bound: int) -> Array:
        """Return x_g ⊗ y_g for all g, compressed to the bounds and up to a factor."""
        shape = (len(x), x.shape[1] * y.shape[1], x.shape[2] * y.shape[2])
        refuse_large(shape, np.result_type(x, y))
        product = x[:, :, None, :, None] * y[:, None, :, None, :]
        return _compressed(self._rescaled(product.reshape(shape)), row_bound, column_bound)

    def join_top(self, x: Array, y: Array, top: Array) -> Array:
        """Return Σ_g top_g x_g ⊗ y_g, up to a factor."""
        shape = (x.shape[1] * y.shape[1], x.shape[2] * y.shape[2])
        refuse_large(shape, np.result_type(x, y))
        weighted = self._rescaled(top)[:, None, None] * x
        entries = np.tensordot(weighted, y, axes=(0, 0))  # row, column, row, column
        return self._rescaled(entries.transpose(0, 2, 1, 3).reshape(shape))

    def _rescaled(self, numbers: Array) -> Array:
        largest = abs(numbers).max()
        if largest == 0:
            raise ValueError("weights must not give the zero state: it has no Schmidt values")
        self.log_scale += float(np.log(largest))
        return numbers / largest


def _compressed(matrices: Array, row_bound: int, column_bound: int) -> Array:
    """Write rows and columns of a stack of matrices in orthonormal bases."""
    matrices = _fewer_rows(matrices, row_bound)
    return _fewer_rows(matrices.transpose(0, 2, 1), column_bound).transpose(0, 2, 1)


def _fewer_rows(matrices: Array, bound: int) -> Array:
    """Return U* X_g for all g, where the columns of U are a basis of all the X_g's columns."""
    bond, rows, columns = matrices.shape
    if rows <= min(bound, bond * columns):
        return matrices
    side_by_side = matrices.transpose(1, 0, 2).reshape(rows, -1)
    if rows > bond * columns:  # a tall matrix Q R: Q is the basis
        side_by_side = np.asarray(np.linalg.qr(side_by_side, mode="r"))
    if len(side_by_side) > bound:  # U S V*: directions beyond the bound are zero
        _, singular_values, v = np.linalg.svd(side_by_side, full_matrices=False)
        side_by_side = singular_values[:bound, None] * v[:bound]
    return side_by_side.reshape(-1, bond, columns).transpose(1, 0, 2)


def _as_double(layer: Array) -> Array:
    return layer.astype(complex if layer.dtype.kind == "c" else float)
