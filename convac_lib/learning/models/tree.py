"""What both models share: from samples through the layers of a tree to what is read off its top."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from ..._arrays import as_array
from ..._validation import as_instance, as_int
from ...architecture import Architecture
from . import fused
from .black_windows import ListedTree, find_tree
from .derivatives import in_transform
from .equal_windows import EqualWindows
from .products import matmul_in_parts
from .representations import build
from .trees import FoundTree, Tree, WholeTree

DTYPES = (torch.float32, torch.float64)
Samples: TypeAlias = Tensor | ListedTree | FoundTree
"""A batch. Sequences or images, or what was listed of them beforehand."""


class TreeModel(nn.Module):
    """A network in the shape of an Architecture; a model says how a layer pools.

    Rows are (site, batch) pairs, window first (see :mod:`.representations`), so that
    one layer is: blocks of rows times matrices, then a pooling over the first axis.

    With ``share_background=True`` the windows of one batch that see only zeros are
    computed once (see :mod:`.black_windows`), and on a CPU with Numba all others that see
    the same, too (:mod:`.equal_windows`): the same function, several times faster on
    digits on a black ground. A batch may also be a tree that was made beforehand.
    """

    dense: nn.Parameter
    options: dict[str, Any]
    """What the function depends on beside the weights, as plain values."""
    by_position = False
    """Whether a layer has a matrix for each position in its windows."""

    def __init__(
        self,
        architecture: Architecture,
        representation: str | nn.Module,
        site_size: int,
        generator: torch.Generator,
        share_background: bool,
        start: str,
    ):
        as_instance("architecture", architecture, Architecture)
        super().__init__()
        self.architecture = architecture
        self.share_background = share_background
        self.reader, self.representation = build(
            representation, architecture, site_size, generator, start
        )
        named = isinstance(representation, str)
        self.options = {
            "architecture": asdict(architecture),
            "representation": representation if named else repr(representation),
            "site_size": self.reader.site_size,
        }

    def forward(self, x: Samples) -> Tensor:
        """Return the scores of a batch, shape (batch, Y)."""
        tree = self.tree(x)
        rows = self.start(tree)
        for layer, kernel in enumerate(self.kernels()):
            rows = self.climb(tree, layer, rows, kernel)
        return self.read(tree.join(self.architecture.depth, rows))

    def tree(self, x: Samples) -> Tree:
        """Return the tree of a batch of samples; what is listed already is one."""
        if isinstance(x, (ListedTree, FoundTree)):
            return x
        x = self._as_samples(x)
        # Found windows of zeros are constants: derivatives by the samples want them all.
        found = self.share_background and not x.requires_grad and not in_transform()
        if found:
            return find_tree(self.reader, x, self.by_position)
        return WholeTree(self.reader, x)

    def prepare(self, samples: Tensor) -> Tensor | EqualWindows:
        """Return a set of samples as a training reads it soonest, a batch at a time.

        As one graph of their different windows, where that may be and is worth it.
        """
        if not self.share_background or not fused.is_there() or samples.device.type != "cpu":
            return samples
        return EqualWindows.worth_it(self.reader, samples, self.by_position)

    def _as_samples(self, x: Any) -> Tensor:
        """Return samples as a tensor where the weights are, or raise a ValueError."""
        if not isinstance(x, Tensor):
            array = as_array("x", x)
            if array.dtype.kind not in "biuf":
                raise ValueError(f"x must hold real numbers, got dtype {array.dtype}")
            # Some kinds of integers torch does not know.
            array = array if array.dtype.kind == "f" else array.astype(float)
            x = torch.tensor(array)
        if x.is_complex():
            raise ValueError(f"x must hold real numbers, got dtype {x.dtype}")
        if x.dim() < 2:
            raise ValueError(self.reader.complaint(tuple(x.shape[1:]), x.dim()))
        return x.to(self.dense)

    def start(self, tree: Tree) -> Tensor:
        """Return the features of a tree's sites as rows, (rows, M)."""
        return self.representation(tree.numbers.to(self.dense)).flatten(0, 1)

    def climb(self, tree: Tree, layer: int, rows: Tensor, kernel: Tensor) -> Tensor:
        """Return the rows above a layer; a model may have a quicker way to the same."""
        values = convolve(tree.join(layer, rows), kernel, self.architecture.window)
        return self.pool(layer, values)

    @abstractmethod
    def kernels(self) -> Iterable[Tensor]:
        """Return the layers' matrices, (G, r_out, r_in) each."""

    @abstractmethod
    def pool(self, layer: int, values: Tensor) -> Tensor:
        """Return the vectors of a layer's windows: (window, rows, r) -> (rows, r)."""

    @abstractmethod
    def read(self, top: Tensor) -> Tensor:
        """Return the scores that are read off the vectors at the top, (batch, Y)."""

    def features(self, x: Tensor) -> Tensor:
        """Return the representation of a batch, shape (batch, N, M), sites in order."""
        x = self._as_samples(x)
        features = self.representation(self.reader(x))
        ordered = torch.empty_like(features)
        ordered[torch.from_numpy(self.reader.order)] = features
        return ordered.transpose(0, 1)


def seeded(seed: int | None) -> torch.Generator:
    """Return a generator of random numbers; torch's own if `seed` is None."""
    if seed is None:
        return torch.default_generator
    return torch.Generator().manual_seed(as_int("seed", seed, 0, 2**63 - 1))


def convolve(rows: Tensor, weight: Tensor, window: int) -> Tensor:
    """Apply a layer's matrices: (sites * batch, r_in) -> (window, windows * batch, r_out).

    The rows are window first, so a layer with G different matrices is one batched
    product of G blocks, whether G is 1, `window` or the number of sites.
    """
    return matmul_in_parts(rows, weight.transpose(1, 2)).view(window, -1, weight.shape[1])
