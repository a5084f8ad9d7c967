"""From weights to function: the coefficients tensor, and the scores without it.

A ConvAC computes h_y(x) = Σ A^y_{d_1...d_N} f_{d_1}(x_1) ... f_{d_N}(x_N)
(Levine et al. 2018, eq. 2). Its coefficients tensor A^y is decomposed into the
weights: CP for the shallow network (eq. 11), hierarchical Tucker for the deep
one (eq. 12). One code serves both, for the shallow network is the deep one with
a single window over all the sites.

Weights are real, complex or exact: integers and fractions are computed with exactly,
however large they grow. Location j of layer l uses the matrix ``W_l[j % len(W_l)]``, so
the leading lengths tell how the weights are shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import (
    Array,
    as_generator,
    as_inexact,
    as_numbers,
    exact_dtype,
    is_exact,
    largest_magnitude,
    refuse_beyond_memory,
    refuse_overflow,
)
from ._validation import as_choice, as_instance, as_int, as_list
from .architecture import Architecture

Weights: TypeAlias = Sequence[ArrayLike]
"""[W_0, ..., W_{L-1}, dense], with the shapes of :meth:`.Architecture.weight_shapes`."""

OF_WEIGHTS = "weights and features: every number made of them"

# --- weights --------------------------------------------------------------------------


def random_weights(
    architecture: Architecture,
    seed: Any,
    share: str = "none",
    integers: int | None = None,
    dtype: type = float,
) -> list[Array]:
    """Draw random weights, shaped as ``architecture.weight_shapes(share)``.

    Standard normal, real or with ``dtype=complex`` complex of the same variance; with
    `integers` instead int64 from -integers to integers. The seed is anything that
    ``numpy.random.default_rng`` takes.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> line = Architecture.line(local_dim=2, channels=(3, 4))
    >>> [layer.shape for layer in random_weights(line, seed=0)]
    [(4, 3, 2), (2, 4, 3), (1, 4)]
    """
    as_instance("architecture", architecture, Architecture)
    as_choice("dtype", dtype, (float, complex))
    rng = as_generator("seed", seed)
    shapes = architecture.weight_shapes(share)
    refuse_beyond_memory("architecture", (sum(map(prod, shapes)),), dtype, "share weights")
    if integers is not None:
        high = as_int("integers", integers, minimum=1, maximum=2**62)
        return [rng.integers(-high, high, shape, endpoint=True) for shape in shapes]
    if dtype is float:
        return [rng.standard_normal(shape) for shape in shapes]
    parts = [rng.standard_normal((2, *shape)) / np.sqrt(2) for shape in shapes]
    return [real + 1j * imaginary for real, imaginary in parts]


def as_weights(architecture: Architecture, weights: Weights) -> list[Array]:
    """Return `weights` as arrays of finite numbers that fit the architecture, or a ValueError.

    A layer may have the shape that any kind of sharing gives it.
    """
    as_instance("architecture", architecture, Architecture)
    shapes = architecture.weight_shapes("none")
    arrays = [
        as_numbers(f"weights[{i}]", layer) for i, layer in enumerate(as_list("weights", weights))
    ]
    if len(arrays) != len(shapes):
        raise ValueError(
            f"weights must be a list of {len(shapes)} arrays, one for each of the "
            f"{architecture.depth} hidden layers and the dense layer, got {len(arrays)}"
        )
    allowed = [
        [(copies, *shape[1:]) for copies in sorted({1, architecture.window, shape[0]})]
        for shape in shapes[:-1]
    ]
    for i, (layer, options) in enumerate(zip(arrays, [*allowed, shapes[-1:]], strict=True)):
        if layer.shape not in options:
            listed = " or ".join(map(str, options))
            raise ValueError(f"weights[{i}] must have shape {listed}, got {layer.shape}")
    return arrays


def as_features(architecture: Architecture, features: ArrayLike) -> Array:
    """Return `features` as an array (..., n_sites, local_dim), or raise a ValueError."""
    features = as_numbers("features", features)
    expected = (architecture.n_sites, architecture.local_dim)
    if features.shape[-2:] != expected:
        raise ValueError(
            f"features must have shape (..., n_sites, local_dim) = (..., {expected[0]}, "
            f"{expected[1]}), got {features.shape}"
        )
    return features


# --- the function ---------------------------------------------------------------------


@np.errstate(over="ignore", invalid="ignore")  # refused at the end
def coefficients_tensor(architecture: Architecture, weights: Weights) -> Array:
    """Return the coefficients tensor A^y of every class (eq. 11 and 12).

    Shape (n_outputs, local_dim, ..., local_dim): one axis for the class, then one for each
    site.

    Raises
    ------
    ValueError
        If the weights do not fit, or the tensor is beyond memory.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> two_sites = Architecture.line(local_dim=2, channels=(2,))
    >>> weights = [[[[1, 2], [3, 4]], [[1, 0], [0, 1]]], [[1, 1]]]
    >>> coefficients_tensor(two_sites, weights)  # [1, 2]⊗[1, 0] + [3, 4]⊗[0, 1]
    array([[[1, 3],
            [2, 4]]])
    """
    first, *deeper, dense = in_one_dtype(architecture, as_weights(architecture, weights))
    n_sites, window = architecture.n_sites, architecture.window
    shape = (architecture.n_outputs, *[architecture.local_dim] * n_sites)
    refuse_beyond_memory(
        f"architecture with n_sites={n_sites} and local_dim={architecture.local_dim}",
        shape,
        dense.dtype,
        "decompositions.scores, cuts.min_cut and spectra.schmidt_spectrum never form it",
    )
    # Row γ of branches[j] is the vector, and of phi[j] the tensor φ^{l,j,γ}, flattened.
    branches = [first[j % len(first)] for j in range(n_sites)]
    for layer in deeper:
        windows = [branches[j : j + window] for j in range(0, len(branches), window)]
        phi = [reduce(_row_products, branches_of_window) for branches_of_window in windows]
        branches = [layer[j % len(layer)] @ tensors for j, tensors in enumerate(phi)]
    # The last window is joined for all channels at once, Σ_α a^{L,y}_α left_α ⊗ right_α,
    # so that no channel needs a tensor of the full size.
    left = reduce(_row_products, branches[: window // 2])
    right = reduce(_row_products, branches[window // 2 :])
    tensor = ((dense[:, None, :] * left.T) @ right).reshape(shape)
    return refuse_overflow(tensor, OF_WEIGHTS, "scale the weights down")


@np.errstate(over="ignore")  # refused at the end
def scores(architecture: Architecture, weights: Weights, features: ArrayLike) -> Array:
    """Return the scores h_y of a batch by the recursion of eq. 18-21, forming no tensor.

    The features (..., n_sites, local_dim) are the values f_d(x_j) of the representation
    functions at each site, the scores (..., n_outputs): in double precision, or exact if
    weights and features are.

    Raises
    ------
    ValueError
        If shapes do not fit, or a score is beyond the range of a float; then
        :func:`log_scores` gives it.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> two_sites = Architecture.line(local_dim=2, channels=(2,))
    >>> weights = [[[[1, 2], [3, 4]], [[1, 0], [0, 1]]], [[1, 1]]]
    >>> scores(two_sites, weights, [[1, 1], [1, -1]])  # 3·1 + 7·(−1)
    array([-4])
    """
    weights = as_weights(architecture, weights)
    features = as_features(architecture, features)
    reduced, exponent = _scaled_scores(architecture, weights, features)
    if is_exact(reduced):
        return reduced
    # A complex number is two real ones, side by side.
    true = np.ldexp(reduced.view(float), exponent).view(reduced.dtype)
    return refuse_overflow(true, OF_WEIGHTS, "use decompositions.log_scores")


def log_scores(
    architecture: Architecture, weights: Weights, features: ArrayLike
) -> tuple[Array, Array]:
    """Return the sign and the logarithm of the magnitude of each score, as slogdet does.

    For networks of many sites, whose scores are products of very many numbers. The sign is
    ``score / |score|`` or 0, the logarithm ``ln |score|`` or -inf. Both have the shape of `scores`.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> deep = Architecture.line(local_dim=1, channels=(1,) * 10)  # 1024 sites
    >>> ones = [np.ones(shape) for shape in deep.weight_shapes("all")]
    >>> sign, logarithm = log_scores(deep, ones, np.full((1024, 1), 10.0))
    >>> (sign * logarithm / np.log(10)).round(6)  # 10^1024
    array([1024.])
    """
    weights = as_weights(architecture, weights)
    features = as_inexact("features", as_features(architecture, features))
    reduced, exponent = _scaled_scores(architecture, weights, features)
    magnitude = abs(reduced)
    zero = magnitude == 0
    sign = reduced / np.where(zero, 1, magnitude)
    logarithm = np.log(np.where(zero, 1, magnitude)) + exponent * np.log(2)
    return sign, np.where(zero, -np.inf, logarithm)


# --- the recursion, and what it computes in -------------------------------------------


@np.errstate(over="ignore", invalid="ignore")  # refused at the end
def _scaled_scores(
    architecture: Architecture, weights: list[Array], features: Array
) -> tuple[Array, Array]:
    """Return scores (..., Y) and exponents (..., 1): the true ones are scores * 2**exponents.

    Every vector is kept near 1 by a power of two, which rounds nothing. In a
    multilinear network a factor of one vector is a factor of the scores.
    """
    *layers, dense, features = in_one_dtype(architecture, weights, features)
    window = architecture.window
    batch_shape, (n_sites, local_dim) = features.shape[:-2], features.shape[-2:]
    batch = prod(batch_shape)
    # Sites first, so that every location is one product of matrices for the whole batch.
    v = np.moveaxis(features.reshape(batch, n_sites, local_dim), 1, 0)
    exponent = np.zeros((n_sites, batch, 1), dtype=np.int32)
    for layer in layers:
        (matrices, width, fan_in), locations = layer.shape, len(v)
        v = v.reshape(locations // matrices, matrices, batch, fan_in) @ layer.transpose(0, 2, 1)
        v, exponent = _rescaled(v.reshape(locations, batch, width), exponent)
        # One product pooling: child by child, over all windows and the whole batch.
        children = v.reshape(locations // window, window, batch, width).swapaxes(0, 1)
        exponents = exponent.reshape(locations // window, window, batch, 1).swapaxes(0, 1)
        v, exponent = children[0], exponents[0]
        for child, its_exponent in zip(children[1:], exponents[1:], strict=True):
            v, exponent = _rescaled(v * child, exponent + its_exponent)
    reduced = refuse_overflow(v[0] @ dense.T, OF_WEIGHTS, "scale the weights down")
    return reduced.reshape(*batch_shape, len(dense)), exponent[0].reshape(*batch_shape, 1)


def _rescaled(vectors: Array, exponent: Array) -> tuple[Array, Array]:
    """Return the vectors over a power of two each, and the exponents with it added."""
    if vectors.dtype.kind not in "fc":
        return vectors, exponent
    _, power = np.frexp(abs(vectors).max(axis=-1, keepdims=True))
    power = np.clip(power, -1000, 1000)  # so that 2**-power is a float too
    return vectors * np.ldexp(1.0, -power), exponent + power


def in_one_dtype(
    architecture: Architecture, weights: list[Array], features: Array | None = None
) -> list[Array]:
    """Return weights (and features) in one dtype: exact without overflow, or double."""
    arrays = weights if features is None else [*weights, features]
    if not is_exact(*arrays):
        dtype = complex if any(array.dtype.kind == "c" for array in arrays) else float
        return [as_inexact("weights and features", array).astype(dtype) for array in arrays]
    # No entry of the network, in whatever order it is contracted, is larger than this. (A
    # coefficient is the score of a one-hot input.)
    bound = 1 if features is None else max(1, largest_magnitude(features))
    for layer in weights[:-1]:
        bound = (_largest_row_sum(layer) * bound) ** architecture.window
    dtype = exact_dtype(arrays, _largest_row_sum(weights[-1]) * bound)
    return [array.astype(dtype) for array in arrays]


def _largest_row_sum(layer: Array) -> Any:
    """Return the largest sum of magnitudes in a row of the layer's matrices, at least 1."""
    rows = layer.reshape(-1, layer.shape[-1]).tolist()
    return max(1, max(sum(map(abs, row)) for row in rows))


def _row_products(left: Array, right: Array) -> Array:
    """Return the tensor product of row γ of `left` with row γ of `right`, for every γ."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
