"""The way from samples to the top of their trees: which rows each window joins.

A model owns the loop over its layers. What it asks of a tree is only this: the `numbers`
that the sites see, and, before layer l, the rows that its windows join, window first::

    rows = representation(tree.numbers).flatten(0, 1)
    for layer, weight in enumerate(layers):
        rows = pool(convolve(tree.join(layer, rows), weight, window))
    top = tree.join(depth, rows)

A tree is whole, or its rows are those windows only that were found to be needed (both in
this module), or they were listed beforehand (:mod:`.black_windows`).
"""

from dataclasses import dataclass
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from .representations import SiteReader


class Tree(Protocol):
    """What a model asks of a batch of samples."""

    @property
    def numbers(self) -> Tensor:
        """What the sites see, shape (taps, sites, batch) or (taps, rows, 1)."""
        ...

    def join(self, layer: int, rows: Tensor) -> Tensor:
        """Return the rows (..., channels) that the windows of a layer join, window first.

        For `layer` = depth, the row at the top of every sample, shape (batch, channels).
        """
        ...


class WholeTree:
    """Every window of every sample, in order: rows are (site, sample), sites window first."""

    def __init__(self, reader: SiteReader, x: Tensor):
        self.numbers = reader(x)

    def join(self, layer: int, rows: Tensor) -> Tensor:
        """Return the rows: all of them, in the order they have."""
        return rows


@dataclass(frozen=True)
class FoundTree:
    """The windows that are needed of a batch; see `find_tree` and `EqualWindows`.

    Attributes
    ----------
    numbers
        Shape (taps, rows, 1). Row 0 is an empty site, the others are sites that see anything
        but zero.
    tables
        For each layer, shape (window, rows), the rows of the layer below that each of its
        rows joins; last, shape (1, batch), each sample's row at the top.
    """

    numbers: Tensor
    tables: list[Tensor]

    def join(self, layer: int, rows: Tensor) -> Tensor:
        """Return the rows that a layer's windows join; see `Tree`."""
        return F.embedding(self.tables[layer].flatten(), rows)
