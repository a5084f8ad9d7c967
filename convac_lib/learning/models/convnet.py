"""The ConvNet of the paper's experiments: the same tree, with ReLU and max pooling."""

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn

from ..._validation import as_choice, as_instance
from ...architecture import Architecture
from . import fused
from .pooling import average_pool, max_pool
from .tree import DTYPES, TreeModel, seeded
from .trees import FoundTree, Tree, WholeTree

POOLINGS = ("max", "average")
INITS = ("he", "pytorch")


class ConvNet(TreeModel):
    """The network of section 8: 3x3 representation, [1x1, ReLU, pool] per layer, dense.

    Convolutions are shared by all locations and have biases, as usual.

    Parameters
    ----------
    architecture, representation, site_size, seed, share_background, dtype
        As for :class:`ConvAC`.
    pooling
        ``"max"`` or ``"average"``, over the windows of the architecture.
    init
        Of the starting weights, in every layer. ``"he"``: independent normals of variance
        2 / fan_in and biases of zero, which keep the size of the signal through any
        number of ReLU layers (He et al. 2015). ``"pytorch"``: uniform from -1 to 1 over the
        root of fan_in, biases too, as `torch.nn.Conv2d` starts, which divide it by the root
        of 6 in each.

    Raises
    ------
    ValueError
        If an option is unknown, or the representation does not have `local_dim` features.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> model = ConvNet(Architecture.for_image(8, 10, (8, 8, 8), n_outputs=10), seed=0)
    >>> model(torch.rand(5, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        architecture: Architecture,
        pooling: str = "max",
        representation: str | nn.Module = "conv3x3",
        site_size: int = 1,
        init: str = "he",
        seed: int | None = None,
        share_background: bool = False,
        dtype: torch.dtype = torch.float32,
    ):
        as_instance("share_background", share_background, bool)
        as_choice("dtype", dtype, DTYPES)
        as_choice("pooling", pooling, POOLINGS)
        as_choice("init", init, INITS)
        generator = seeded(seed)
        super().__init__(
            architecture, representation, site_size, generator, share_background, start=init
        )
        self.pooling = pooling
        self.options |= {"pooling": pooling}
        *layers, dense = architecture.weight_shapes("all")
        start = partial(_start, init, generator)
        self.layers = nn.ParameterList(start(shape, shape[2]) for shape in layers)
        self.biases = nn.ParameterList(start(shape[1:2], shape[2]) for shape in layers)
        self.dense = nn.Parameter(start(dense, dense[1]))
        self.dense_bias = nn.Parameter(start(dense[:1], dense[1]))
        self.to(dtype)

    def kernels(self) -> Iterable[Tensor]:
        """Return the layers' matrices, one for all locations, (1, r_out, r_in) each."""
        return self.layers

    def climb(self, tree: Tree, layer: int, rows: Tensor, kernel: Tensor) -> Tensor:
        """Return the rows above a layer, fused where that is possible."""
        window, bias = self.architecture.window, self.biases[layer]
        if self.pooling == "max" and isinstance(tree, FoundTree) and fused.applies(rows):
            return fused.max_layer(rows, kernel[0], bias, tree.tables[layer])
        if self.pooling == "max" and isinstance(tree, WholeTree):
            if fused.covers(rows, kernel, window):
                return fused.whole_max_layer(rows, kernel, bias, window)
        return super().climb(tree, layer, rows, kernel)

    def pool(self, layer: int, values: Tensor) -> Tensor:
        """Return the maximum, or the mean, over a layer's windows, with bias and ReLU."""
        bias = self.biases[layer]
        if self.pooling == "average":
            return average_pool(torch.relu(values + bias))
        # Adding a bias and ReLU are monotone: after the maximum they give the same
        # numbers, with a fraction of the work.
        return torch.relu(max_pool(values) + bias)

    def read(self, top: Tensor) -> Tensor:
        """Return the scores, affine in the vectors at the top."""
        return torch.addmm(self.dense_bias, top, self.dense.T)


def _start(init: str, generator: torch.Generator, shape: tuple[int, ...], fan_in: int) -> Tensor:
    """Return starting weights, or with one axis biases, in double precision."""
    if init == "pytorch":
        uniform = torch.rand(shape, generator=generator, dtype=torch.float64)
        return (2 * uniform - 1) * fan_in**-0.5
    if len(shape) == 1:
        return torch.zeros(shape, dtype=torch.float64)
    normal = torch.randn(shape, generator=generator, dtype=torch.float64)
    return normal * (2 / fan_in) ** 0.5
