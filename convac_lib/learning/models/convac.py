"""The ConvAC as a torch module: the model a reader trains is the tensor a reader analyses."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..._arrays import Array, as_inexact, as_numbers
from ..._validation import as_choice, as_instance, as_list, as_number
from ...architecture import Architecture
from ...decompositions import Weights
from . import fused
from .derivatives import is_eager
from .pooling import in_range, is_ordinary, largest_magnitude, product_pool, rescaled
from .representations import window_first
from .tree import DTYPES, Samples, TreeModel, convolve, seeded
from .trees import FoundTree, Tree, WholeTree

INITS = ("averaging", "normal", "positive")
HEADS = ("scores", "normalized")


class ConvAC(TreeModel):
    """A convolutional arithmetic circuit (Levine et al., section 2.2).

    Parameters
    ----------
    architecture
        The tree and its widths.
    share
        Which locations of a layer use one matrix: ``"window-position"``; ``"none"``, the
        theory's network; or ``"all"``, which cannot tell a pooling window's members apart.
    representation, site_size
        The M functions of a site, by name or as a module, and how many numbers are at a
        site; see :mod:`convac_lib.learning.models.representations`.
    head
        What `forward` returns: ``"normalized"``, a learned factor times h_y divided by the
        root mean square over y, which has the same largest entry, stays in range at any
        depth, and is what cross-entropy is trained on: the default for several outputs. Or
        ``"scores"``, the h_y: the default for one.
    init, noise
        Weights start as averages with noise, of this standard deviation in a sum over all
        channels (``"averaging"``, these train best); as independent normals (``"normal"``);
        or as positive numbers that sum to one (``"positive"``).
    seed
        Of the starting weights; without it torch's own random state is used.
    rescale
        False multiplies without rescaling: deep networks then overflow. For teaching.
    share_background
        Compute windows that see only zeros once; needs shared weights.
    neutral_background
        Keep the weights such that a window that sees only zeros multiplies by one. See
        `neutral_layers`: without it, ConvACs do not learn small digits on black.
    dtype
        float32 or float64.

    Raises
    ------
    ValueError
        If an option is unknown, or the representation does not have `local_dim` features.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> model = ConvAC(Architecture.for_image(8, 2, (4, 4, 4), n_outputs=10), seed=0)
    >>> model(torch.rand(5, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        architecture: Architecture,
        share: str = "window-position",
        representation: str | nn.Module = "affine-relu",
        site_size: int = 1,
        head: str | None = None,
        init: str = "averaging",
        seed: int | None = None,
        rescale: bool = True,
        noise: float = 0.3,
        share_background: bool = False,
        neutral_background: bool = False,
        dtype: torch.dtype = torch.float32,
    ):
        as_instance("architecture", architecture, Architecture)
        as_instance("share_background", share_background, bool)
        as_instance("neutral_background", neutral_background, bool)
        as_instance("rescale", rescale, bool)
        as_number("noise", noise, minimum=0)
        as_choice("dtype", dtype, DTYPES)
        if head is None:
            head = "scores" if architecture.n_outputs == 1 else "normalized"
        as_choice("head", head, HEADS)
        as_choice("init", init, INITS)
        if head == "normalized" and architecture.n_outputs == 1:
            raise ValueError(
                "head must be 'scores' when the architecture has one output: "
                "a single score divided by its own size is only a sign"
            )
        if share_background and share == "none":
            raise ValueError(
                "share_background must be False for share='none': "
                "empty windows differ where the weights do"
            )
        generator = seeded(seed)
        super().__init__(
            architecture, representation, site_size, generator, share_background, start="positive"
        )
        self.share, self.head, self.rescale = share, head, rescale
        self.by_position = share == "window-position"
        self.neutral_background = neutral_background
        self.options |= {
            "share": share,
            "head": head,
            "rescale": rescale,
            "neutral_background": neutral_background,
        }
        # Drawn in double and then rounded, so that a model is the same at either precision.
        # An unshared layer keeps its matrices window first, as the rows are.
        *layers, dense = architecture.weight_shapes(share)
        self.layers = nn.ParameterList(_start(shape, init, noise, generator) for shape in layers)
        self.dense = nn.Parameter(_start(dense, "normal", noise, generator))
        if head == "normalized":
            self.log_factor = nn.Parameter(torch.zeros((), dtype=torch.float64))
        self.to(dtype)

    def forward(self, x: Samples) -> Tensor:
        """Return the scores of a batch, shape (batch, Y), in the sense of `head`."""
        return self.scores(x) if self.head == "scores" else super().forward(x)

    def scores(self, x: Samples) -> Tensor:
        """Return the true scores h_y (eq. 2), shape (batch, Y).

        Raises
        ------
        ValueError
            On a CPU, if some are beyond the range of the dtype or vanish below it; see
            :meth:`log_scores`. Elsewhere, and where gradients of the samples are batched, they
            are infinite or zero.
        """
        reduced, log_scale = self.scaled_scores(x)
        # In two halves, each in range, so that 0 times the scale is 0 and not NaN.
        limit = torch.finfo(reduced.dtype).max
        half = (log_scale / 2).exp().clamp_max(limit).to(reduced.dtype)[:, None]
        scores = reduced * half * half
        if self.rescale and is_eager(scores):
            _refuse_out_of_range(reduced, scores)
        return scores

    def log_scores(self, x: Samples) -> tuple[Tensor, Tensor]:
        """Return the signs and ``ln |h_y|``, each (batch, Y): in range at any depth.

        The sign is 1, -1 or, with a logarithm of minus infinity, 0.

        Examples
        --------
        >>> model = ConvAC(Architecture.line(2, (2,) * 12), init="normal", seed=0)
        >>> signs, logs = model.log_scores(torch.rand(1, 4096))
        >>> bool(logs < -1000)  # below every float
        True
        """
        reduced, log_scale = self.scaled_scores(x)
        return reduced.sign(), reduced.double().abs().log() + log_scale[:, None]

    def scaled_scores(self, x: Samples) -> tuple[Tensor, Tensor]:
        """Return (scores, log_scale) with h_y = scores * exp(log_scale): in range at any depth.

        Shapes (batch, Y) and (batch,). The log is a constant to autograd, which keeps the
        gradient of any function of h_y exact.
        """
        tree, window = self.tree(x), self.architecture.window
        rows, scales = self._start_in_range(tree)
        logs = rows.new_zeros(rows.shape[0], 1, dtype=torch.float64)  # of every row so far
        if scales is not None:
            logs = scales.double().log()
        for layer, kernel in enumerate(self.kernels()):
            kernel, divisor = self._in_range(kernel)
            rows, scale = product_pool(
                convolve(tree.join(layer, rows), kernel, window), self.rescale
            )
            if scale is not None:
                below = tree.join(layer, logs).view(window, -1).sum(0)
                logs = (scale + below).unsqueeze(1)
                if divisor is not None:
                    logs = logs + window * divisor.double().log()
            else:
                logs = logs.new_zeros(rows.shape[0], 1)
        depth = self.architecture.depth
        return tree.join(depth, rows) @ self.dense.T, tree.join(depth, logs).squeeze(1)

    def kernels(self) -> Iterable[Tensor]:
        """Return the layers' matrices, (G, r_out, r_in) each, as they are multiplied with."""
        return self.neutral_layers() if self.neutral_background else self.layers

    def climb(self, tree: Tree, layer: int, rows: Tensor, kernel: Tensor) -> Tensor:
        """Return the rows above a layer, fused where that is possible."""
        kernel, _ = self._in_range(kernel)
        smallest, window = torch.finfo(rows.dtype).tiny, self.architecture.window
        if self.rescale and isinstance(tree, FoundTree) and fused.applies(rows):
            pooled, scale = fused.product_layer(rows, kernel, tree.tables[layer], smallest)
        elif self.rescale and isinstance(tree, WholeTree) and fused.covers(rows, kernel, window):
            pooled, scale = fused.whole_layer(rows, kernel, window, smallest)
        else:
            return super().climb(tree, layer, rows, kernel)
        # Where a product left the range of its dtype, the plain layer rescales the factors.
        return pooled if in_range(scale) else super().climb(tree, layer, rows, kernel)

    def start(self, tree: Tree) -> Tensor:
        """Return the features of a tree's sites as rows, (rows, M), in range."""
        return self._start_in_range(tree)[0]

    def _start_in_range(self, tree: Tree) -> tuple[Tensor, Tensor | None]:
        """Return the rows of `start`, and what they were divided by.

        Where numbers may be looked at, the pooling does that, and nothing is done here.
        """
        rows = super().start(tree)
        if not self.rescale or is_eager(rows):
            return rows, None
        return rescaled(rows)

    def _in_range(self, kernel: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return a layer's matrices, and what they were divided by, where this was needed."""
        if not self.rescale or (is_eager(kernel) and is_ordinary(kernel)):
            return kernel, None
        flat, scale = rescaled(kernel.reshape(1, -1))
        return flat.view_as(kernel), scale.squeeze()

    def pool(self, layer: int, values: Tensor) -> Tensor:
        """Return the products over a layer's windows, up to a factor for each row."""
        return product_pool(values, self.rescale, scale_free=True)[0]

    def read(self, top: Tensor) -> Tensor:
        """Return the learned factor times the scores over their root mean square."""
        scores = top @ self.dense.T
        # Any constant divisor will do first: it keeps the squares in range. A norm is then
        # at least 1, unless all scores are zero, which stay zero.
        unit = F.normalize(scores / largest_magnitude(scores.detach()), dim=-1, eps=1.0)
        return self.log_factor.exp() * scores.shape[-1] ** 0.5 * unit

    def neutral_layers(self) -> list[Tensor]:
        """Return the layers' weights, shifted so that empty windows are vectors of ones.

        The product over an image's empty sites is a factor common to all of its scores,
        but one that a small step of the shared weights changes thousands of times over:
        one channel soon dwarfs the others, whatever the digit is. So keep it at one: with
        the vector f of an empty site each row of the first layer keeps ``w . f = 1``, and
        each row of the others sums to one. Dividing every channel by what it is on an empty
        image brings almost any network to this form without changing its scores.
        """
        numbers = self.dense.new_zeros(self.reader.n_taps, 1, 1)
        empty = self.representation(numbers).flatten()
        layers = []
        for weight in self.layers:
            missing = 1 - weight @ empty
            layers.append(weight + missing.unsqueeze(-1) * (empty / empty.dot(empty)))
            empty = weight.new_ones(weight.shape[1])
        return layers

    # --- out to `decompositions` and back ---------------------------------------------

    def to_weights(self) -> list[Array]:
        """Return [W_0, ..., W_{L-1}, dense] as NumPy arrays, as `decompositions` takes them.

        Shapes as in ``architecture.weight_shapes(share)``; copies.
        """
        weights = [weight.detach().cpu().numpy() for weight in [*self.kernels(), self.dense]]
        # Reversing the digits of a number twice gives it back.
        return [*map(self._window_first, weights[:-1]), weights[-1].copy()]

    def load_weights(self, weights: Weights) -> None:
        """Take [W_0, ..., W_{L-1}, dense], array-likes shaped as `to_weights` gives them."""
        arrays = [as_numbers("weights", array) for array in as_list("weights", weights)]
        given, shapes = [a.shape for a in arrays], self.architecture.weight_shapes(self.share)
        if given != shapes:
            raise ValueError(
                f"weights must have the shapes {shapes} for share={self.share!r}, got {given}"
            )
        if any(np.iscomplexobj(array) for array in arrays):
            raise ValueError("weights must be real, got complex numbers")
        if self.neutral_background:
            raise ValueError(
                "neutral_background must be False to load weights: it would shift them"
            )
        arrays[:-1] = map(self._window_first, arrays[:-1])
        with torch.no_grad():
            for parameter, array in zip([*self.layers, self.dense], arrays, strict=True):
                parameter.copy_(torch.tensor(as_inexact("weights", array)))

    def _window_first(self, array: Array) -> Array:
        """Return a copy of a layer's matrices in the order in which the model keeps them."""
        if self.share != "none":
            return array.copy()
        return array[window_first(len(array), self.architecture.window)]


def _refuse_out_of_range(reduced: Tensor, scores: Tensor) -> None:
    """Raise a ValueError if scores are infinite, NaN, or zero where the reduced ones are not."""
    fine = scores.isfinite() & ((scores != 0) | (reduced == 0))
    if not fine.all():
        raise ValueError(
            f"scores must be in the range of {scores.dtype} to be returned as they are, got "
            f"{(~fine).sum()} of {fine.numel()} beyond it; use log_scores(x), or the head "
            "'normalized'"
        )


def _start(shape: tuple[int, ...], init: str, noise: float, generator: torch.Generator) -> Tensor:
    """Return starting weights of shape (..., r_out, r_in), in double precision."""
    fan_in = shape[-1]
    normal = torch.randn(shape, generator=generator, dtype=torch.float64)
    if init == "averaging":
        return (1 + noise * fan_in**0.5 * normal) / fan_in
    if init == "positive":
        return normal.softmax(-1)
    return normal / fan_in**0.5
