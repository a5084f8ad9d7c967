"""Black windows once: most of a small digit's image is the same empty sub-tree.

With shared weights every window that sees only zeros gives the same vector, at every
layer. So the rows of a batch become a list: row 0 is the empty window, the others are
the windows with something in them, and a table says which rows of the layer below each
window joins. Nothing is approximated.

:func:`find_tree` makes the list of one batch. A :class:`WindowLists` makes them for a whole
set of samples before the training, every sample with as many rows as the fullest one: so
a batch, a `ListedTree`, has the same shapes whatever is in it. Several models can then be
computed together, each on a batch of its own, and a step can be recorded as a CUDA graph.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from . import fused
from .derivatives import is_differentiated, pulled_back
from .equal_windows import EqualWindows
from .representations import SiteReader
from .trees import FoundTree

SAMPLES_AT_ONCE = 1000
ROWS_TOGETHER = 8  # more are rounded up to a multiple, so that `products.parts` can cut them


# --- found in a batch ---------------------------------------------------------------------


def find_tree(reader: SiteReader, x: Tensor, by_position: bool = True) -> FoundTree:
    """Return the windows with something in them of one batch.

    On a CPU with Numba equal ones are one row; with `by_position`, if they have the same
    position in the windows above them.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> reader = SiteReader(Architecture(4, 2, 1, (1, 1)))
    >>> tree = find_tree(reader, torch.tensor([[0.0, 0, 0, 7], [0, 0, 0, 0]]))
    >>> tree.numbers.flatten().tolist(), [table.tolist() for table in tree.tables]
    ([0.0, 7.0], [[[0, 0], [0, 1]], [[0, 0], [0, 1]], [[1, 0]]])
    """
    if fused.applies(x):
        return EqualWindows(reader, x, by_position)[torch.arange(len(x))]
    entries, table = reader.look_up(x)
    return FoundTree(*_window_tables(entries, table, reader.window))


def _window_tables(entries: Tensor, table: Tensor, window: int) -> tuple[Tensor, list[Tensor]]:
    """Return the numbers and the tables of a `FoundTree`, of what `look_up` gives."""
    n_sites, batch = table.shape[1], entries.shape[1]
    not_black = entries != 0
    active = not_black[table[0]]
    for tap in table[1:]:
        active |= not_black[tap]
    active = active.flatten().nonzero().squeeze(1)  # site * batch + sample
    kept = entries[table[:, active // batch], active % batch]
    kept = F.pad(kept, (1, 0)).unsqueeze(-1)
    tables, places = [], n_sites * batch
    while places > batch:
        places //= window
        # Window first: the place of a site's window is its own place, modulo.
        parent = active % places
        number = _number(parent, places)
        row_below = torch.arange(1, len(active) + 1, device=active.device)
        position = active // places
        active = number.nonzero().squeeze(1)
        table = active.new_zeros(window, 1 + len(active))
        table[position, number[parent]] = row_below
        tables.append(table)
    return kept, [*tables, number.unsqueeze(0)]


def _number(parent: Tensor, places: int) -> Tensor:
    """Return numbers, from 1 in order, for the places that occur in `parent`; else 0."""
    occurs = parent.new_zeros(places)
    occurs[parent] = 1
    return occurs.cumsum(0) * occurs


# --- listed beforehand --------------------------------------------------------------------


class Level(NamedTuple):
    """How many rows a sample has below and above a layer, and the size of its windows."""

    below: int
    window: int
    above: int


class Levels:
    """All levels from the sites up; last, with a window of one, a sample's row at the top.

    Made from the rows of a sample, at the sites and after each layer.

    Attributes
    ----------
    children, parents
        How many of them each of the `levels` has in the tables of :class:`ListedTree`.
    below, above
        The rows below for each of the children, and the rows above for each of the parents.
    """

    below: Tensor
    above: Tensor

    def __init__(self, rows: list[int], window: int, device: torch.device):
        layers = [Level(below, window, above) for below, above in pairwise(rows)]
        self.levels = (*layers, Level(rows[-1], 1, 1))
        self.children = [level.window * level.above for level in self.levels]
        self.parents = [level.below for level in self.levels]
        for name, times in (("below", self.children), ("above", self.parents)):
            values = torch.tensor([getattr(level, name) for level in self.levels])
            setattr(self, name, values.repeat_interleave(torch.tensor(times)).to(device))


@dataclass(frozen=True)
class ListedTree:
    """Some samples of a :class:`WindowLists`.

    The tables of all levels lie side by side, so that they are looked up in one piece.

    Attributes
    ----------
    seen
        Shape (samples, rows, taps): what the sites see that see anything but zero, after an
        empty row 0.
    children
        Shape (samples, sum of window * above): the rows below that each window joins.
    parents
        Shape (samples, sum of below), the same turned round: at which of its level's children
        each row is read, or -1.
    """

    seen: Tensor
    children: Tensor
    parents: Tensor
    levels: Levels

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors, each with an axis of samples in front."""
        return self.seen, self.children, self.parents

    def with_tensors(self, tensors: Iterable[Tensor]) -> "ListedTree":
        """Return the tree of other samples, with their `tensors` in the place of these."""
        seen, children, parents = tensors
        return ListedTree(seen, children, parents, self.levels)

    def split(self, size: int) -> "list[ListedTree]":
        """Return so many samples at a time, as `torch.Tensor.split` does."""
        columns = (tensor.split(size) for tensor in self.tensors)
        return [self.with_tensors(tensors) for tensors in zip(*columns, strict=True)]

    @property
    def numbers(self) -> Tensor:
        """What the rows of the whole batch see, shape (taps, rows, 1)."""
        return self.seen.flatten(0, 1).T.unsqueeze(-1)

    def join(self, layer: int, rows: Tensor) -> Tensor:
        """Return the rows that a layer's windows join; see `trees.Tree`."""
        return join(rows, *self.tables[layer])

    @cached_property
    def tables(self) -> list[tuple[Tensor, Tensor]]:
        """Every level's tables with the rows of the whole batch numbered through.

        (children, parents) of each: shapes (window * samples * above,), window first, and
        (samples * below,), places in those children. As `join` takes them.
        """
        n_samples, levels = len(self.seen), self.levels
        sample = torch.arange(n_samples, device=self.seen.device).unsqueeze(1)
        # All that is empty is row 0 of the batch.
        children = (self.children + sample * levels.below) * (self.children > 0)
        position = self.parents.div(levels.above, rounding_mode="floor")
        parents = self.parents + (position * (n_samples - 1) + sample) * levels.above
        parents = parents.masked_fill(self.parents < 0, -1)
        flat = []
        for level, ours, turned in zip(
            levels.levels,
            children.split(levels.children, 1),
            parents.split(levels.parents, 1),
            strict=True,
        ):
            ours = ours.unflatten(1, (level.window, level.above)).transpose(0, 1)
            flat.append((ours.flatten(), turned.flatten()))
        return flat


class WindowLists:
    """A set of samples as lists of windows; it is read like a tensor of samples.

    The reader is that of the networks that will read the samples.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> line = Architecture(4, 2, 1, (1, 1), 1)
    >>> samples = torch.tensor([[0.0, 0, 0, 0], [0, 0, 0, 7]])
    >>> lists = WindowLists(SiteReader(line), samples)
    >>> batch = lists[torch.tensor([1])]
    >>> batch.seen.tolist()
    [[[0.0], [7.0]]]
    >>> [children.tolist() for children, _ in batch.tables]
    [[0, 0, 0, 1], [0, 0, 0, 1], [1]]
    """

    def __init__(self, reader: SiteReader, samples: Tensor):
        chunks = samples.split(SAMPLES_AT_ONCE)
        counts = torch.stack([_counts(reader, chunk) for chunk in chunks])
        rows = [_rounded_up(1 + count) for count in counts.amax(0).tolist()]
        levels = Levels(rows, reader.window, samples.device)
        listed = [_list_windows(reader, chunk, levels.levels) for chunk in chunks]
        seen, children, parents = map(torch.cat, zip(*listed, strict=True))
        self.listed = ListedTree(seen, children, parents, levels)

    def __len__(self) -> int:
        return len(self.listed.seen)

    def __getitem__(self, chosen: Tensor) -> ListedTree:
        """Return the `ListedTree` of some samples."""
        return self.listed.with_tensors(tensor[chosen] for tensor in self.listed.tensors)

    def split(self, size: int) -> list[ListedTree]:
        """Return the `ListedTree` of so many samples at a time, as `torch.Tensor.split` does."""
        return self.listed.split(size)


def join(rows: Tensor, children: Tensor, parents: Tensor) -> Tensor:
    """Return the rows that `children` names, shape (children, channels).

    In `children`, (children,), row 0 may occur any number of times, every other one at most
    once; `parents`, (rows,), says where each occurs, and -1 for those that do not, and row 0.

    Examples
    --------
    >>> rows = torch.tensor([[0.5], [2.0], [3.0]], requires_grad=True)
    >>> joined = join(rows, torch.tensor([0, 2, 0, 0]), torch.tensor([-1, -1, 1]))
    >>> joined.flatten().tolist()
    [0.5, 3.0, 0.5, 0.5]
    >>> joined.backward(torch.tensor([[1.0], [10], [100], [1000]]))
    >>> rows.grad.flatten().tolist()
    [1101.0, 0.0, 10.0]
    """
    return _Join.apply(rows, children, parents)


class _Join(torch.autograd.Function):
    """`join`, with an axis of models in front where torch calls `vmap`."""

    @staticmethod
    def forward(rows: Tensor, children: Tensor, parents: Tensor) -> Tensor:
        return _pick(rows, children)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        _, children, parents = inputs
        ctx.save_for_backward(children, parents)
        ctx.save_for_forward(children)
        ctx.n_rows = inputs[0].shape[-2]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        stacked = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(inputs, in_dims, strict=True)
        ]
        return _Join.apply(*stacked), 0

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> Tensor:
        (children,) = ctx.saved_tensors
        return _pick(tangent, children)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        children, parents = ctx.saved_tensors
        if is_differentiated(gradient):
            like = gradient.new_zeros(*gradient.shape[:-2], ctx.n_rows, gradient.shape[-1])
            (below,) = pulled_back(lambda rows: _pick(rows, children), (like,), gradient)
            return below, None, None
        below = _pick(gradient, parents.clamp_min(0)).mul_((parents >= 0).unsqueeze(-1))
        empty = gradient * (children == 0).unsqueeze(-1)
        torch.sum(empty, -2, out=below.select(-2, 0))
        return below, None, None


def _pick(rows: Tensor, numbers: Tensor) -> Tensor:
    """Return the rows of these numbers, (..., numbers, channels), with or without models."""
    if rows.dim() == 2:
        return rows.index_select(0, numbers)
    if rows.is_cuda:
        return _gather(rows, numbers)
    n_models, n_rows, n_channels = rows.shape
    first = n_rows * torch.arange(n_models, device=rows.device).unsqueeze(1)
    picked = rows.reshape(-1, n_channels).index_select(0, (numbers + first).flatten())
    return picked.view(n_models, -1, n_channels)


def _gather(rows: Tensor, numbers: Tensor) -> Tensor:
    """Return the same in one kernel of a GPU; on a CPU it takes twice as long."""
    return rows.gather(1, numbers.unsqueeze(-1).expand(-1, -1, rows.shape[-1]))


# --- making the lists ---------------------------------------------------------------------


def _rounded_up(n_rows: int) -> int:
    if n_rows <= ROWS_TOGETHER:
        return n_rows
    return -(-n_rows // ROWS_TOGETHER) * ROWS_TOGETHER


def _counts(reader: SiteReader, samples: Tensor) -> Tensor:
    """Return, for the sites and then for each layer, the most windows that a sample fills."""
    active = (reader(samples) != 0).any(0)
    counts = [active.sum(0).max()]
    while len(active) > 1:
        active = active.view(reader.window, -1, active.shape[1]).any(0)
        counts.append(active.sum(0).max())
    return torch.stack(counts)


def _list_windows(
    reader: SiteReader, samples: Tensor, levels: Sequence[Level]
) -> tuple[Tensor, ...]:
    """Return the tensors of the `ListedTree` of some samples."""
    seen = reader(samples)
    active = (seen != 0).any(0)
    n_sites, n_samples = active.shape
    number = active.cumsum(0) * active
    site = number.new_full((levels[0].below, n_samples), n_sites)
    sites = torch.arange(n_sites, device=site.device).unsqueeze(1)
    site.scatter_(0, number, sites.expand_as(number))
    site[0] = n_sites  # one more, black
    sample = torch.arange(n_samples, device=site.device)
    numbers = F.pad(seen, (0, 0, 0, 1))[:, site, sample]
    children, parents = [], []
    for level in levels:
        number = number.view(level.window, -1, n_samples)
        if level is levels[-1]:
            above = torch.zeros_like(number)
        else:
            active = (number > 0).any(0)
            above = (active.cumsum(0) * active).expand_as(number)
        table = number.new_zeros(level.window, level.above, n_samples)
        children.append(table.scatter_(1, above, number).flatten(0, 1))
        position = torch.arange(level.window, device=site.device)[:, None, None]
        turned = number.new_full((level.below, n_samples), -1)
        turned.scatter_(0, number.flatten(0, 1), (above + level.above * position).flatten(0, 1))
        turned[0] = -1
        parents.append(turned)
        number = above[0]
    return (
        numbers.permute(2, 1, 0).contiguous(),
        *(torch.cat(tables).T.int().contiguous() for tables in (children, parents)),
    )
