"""Equal windows once: samples as one graph, in which sub-trees that are the same are shared.

With shared weights, windows that see the same numbers give the same vector. Most windows
of images in black and white do: of all the places where a thick line passes a window of
2 x 2 pixels there are some hundred kinds. So every window is looked up, when it is first
met, by the windows that it joins ("hash consing", as in binary decision diagrams), and is
made only if it is new. A sample is then a number, that of its topmost window; the rows of
a batch are what can be reached from there. Nothing is approximated.

The graph is made once for a whole set of samples, with Numba, and read in each step.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from .compiled import compiled
from .trees import FoundTree

SAMPLES_AT_ONCE = 500
WORTH_IT = 4  # sites that see something for each thing that is seen, at least


class Nodes:
    """The different things of one level, numbered from 1; thing 0 is empty.

    Attributes
    ----------
    keys
        Shape (room, width). What thing k is: the numbers that a site sees, as bits, or the
        things of the level below that a window joins.
    positions
        Its position in the window above, or 0 where all positions are alike.
    count
        How many there are.
    """

    def __init__(self, width: int, kind: Any):
        self.keys = np.zeros((1, width), dtype=kind)
        self.positions = np.zeros(1, dtype=np.int64)
        self.slots = np.zeros(2, dtype=np.int64)
        self.count = 0

    def make_room(self, more: int) -> None:
        """See to it that so many more can be added."""
        wanted = 1 + self.count + more
        if wanted > len(self.keys):
            rows = max(wanted, 2 * len(self.keys))
            self.keys, self.positions = (
                np.concatenate([old, np.empty((rows - len(old), *old.shape[1:]), old.dtype)])
                for old in (self.keys, self.positions)
            )
        if 2 * wanted > len(self.slots):
            self.slots = np.zeros(1 << (4 * wanted - 1).bit_length(), dtype=np.int64)
            _put_back(self.keys, self.positions, self.slots, self.count)

    def close(self) -> None:
        """Give back what is only needed to add more."""
        self.keys = self.keys[: 1 + self.count].copy()
        self.positions = self.slots = self.slots[:0]


class EqualWindows:
    """A set of samples as one graph; it is read like a tensor of samples.

    Parameters
    ----------
    reader
        The `SiteReader` of the networks that will read the samples.
    samples
        As it reads them, on a CPU.
    by_position
        Whether the networks have a matrix for each position in a window. Then windows at
        different positions are different.
    """

    def __init__(self, reader: Any, samples: Tensor, by_position: bool):
        self.window = reader.window
        depth = round(np.log(reader.n_sites) / np.log(reader.window))
        numbers = samples.new_zeros(1).numpy()
        self.kind = numbers.dtype
        self.levels = [Nodes(reader.n_taps, f"u{numbers.itemsize}")]
        self.levels += [Nodes(reader.window, np.int64) for _ in range(depth)]
        tops = [self._add(reader, part, by_position) for part in samples.split(SAMPLES_AT_ONCE)]
        self.tops = np.concatenate(tops) if tops else np.zeros(0, dtype=np.int64)
        for nodes in self.levels:
            nodes.close()
        self.places = [np.zeros(1 + nodes.count, dtype=np.int64) for nodes in self.levels]

    @classmethod
    def worth_it(cls, reader: Any, samples: Tensor, by_position: bool) -> "EqualWindows | Tensor":
        """Return the graph of some samples, or these if their sites see ever new things."""
        some = samples[:SAMPLES_AT_ONCE]
        seen = int((reader(some) != 0).any(0).sum())
        if seen < WORTH_IT * cls(reader, some, by_position).levels[0].count:
            return samples
        return cls(reader, samples, by_position)

    def __len__(self) -> int:
        return len(self.tops)

    @overload
    def __getitem__(self, chosen: Tensor) -> FoundTree: ...

    @overload
    def __getitem__(self, chosen: slice) -> "EqualWindows": ...

    def __getitem__(self, chosen: Tensor | slice) -> "FoundTree | EqualWindows":
        """Return the tree of the samples of these numbers; of a slice, the set of them."""
        if isinstance(chosen, slice):
            some = copy.copy(self)
            some.tops = self.tops[chosen]
            return some
        nodes, parents = self.tops[chosen.numpy()][:, None], np.arange(len(chosen))
        tables = []
        for below, place in zip(self.levels[::-1], self.places[::-1], strict=True):
            table, parents = _reached(nodes, parents, place)
            tables.append(torch.from_numpy(table))
            nodes = below.keys
        numbers = np.ascontiguousarray(nodes[parents].T).view(self.kind)
        return FoundTree(torch.from_numpy(numbers).unsqueeze(-1), tables[::-1])

    def split(self, size: int) -> Iterator[FoundTree]:
        """Yield the trees of so many samples at a time, as `torch.Tensor.split` does."""
        for numbers in torch.arange(len(self)).split(size):
            yield self[numbers]

    def _add(self, reader: Any, samples: Tensor, by_position: bool) -> np.ndarray:
        """Add some samples to the graph, and return the topmost node of each."""
        entries, table = (tensor.contiguous().numpy() for tensor in reader.look_up(samples))
        number = np.zeros((table.shape[1], entries.shape[1]), dtype=np.int64)
        sites, *layers = self.levels
        sites.make_room(int(_fill(entries, *reader.readers(samples), number)))
        bits = entries.view(sites.keys.dtype)  # numbers are equal if all their bits are
        n_positions = self.window if by_position and len(number) > 1 else 1
        sites.count = _merge_sites(bits, table, number, n_positions, *_arrays(sites))
        for nodes in layers:
            above = np.empty((len(number) // self.window, entries.shape[1]), dtype=np.int64)
            nodes.make_room(int(_occupied(number, above)))
            n_positions = self.window if by_position and len(above) > 1 else 1
            nodes.count = _merge_windows(number, above, n_positions, *_arrays(nodes))
            number = above
        return number[0]


def _arrays(nodes: Nodes) -> Sequence[Any]:
    return nodes.keys, nodes.positions, nodes.slots, nodes.count


@compiled
def _fill(entries, starts, sites, number):
    """Write 1 at every site that sees anything but zero, and return how many these are."""
    count = 0
    for entry in range(len(entries)):
        for sample in range(entries.shape[1]):
            if entries[entry, sample] != 0:
                for reader in range(starts[entry], starts[entry + 1]):
                    count += 1 - number[sites[reader], sample]
                    number[sites[reader], sample] = 1
    return count


@compiled
def _occupied(number, above):
    """Write 1 at every window with something in it, and return how many these are."""
    n_above, count = len(above), 0
    above[:] = 0
    for row in range(len(number)):
        place = row % n_above
        for sample in range(above.shape[1]):
            if number[row, sample] and not above[place, sample]:
                above[place, sample] = 1
                count += 1
    return count


@compiled
def _slot(key, position, slots):
    """Return the slot at which the search for a key begins."""
    mixed = np.uint64(position)
    for part in key:
        mixed = (mixed ^ np.uint64(part)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return np.int64(mixed & np.uint64(len(slots) - 1))


@compiled
def _put_back(keys, positions, slots, count):
    """Enter all nodes into an empty hash table."""
    for node in range(1, count + 1):
        slot = _slot(keys[node], positions[node], slots)
        while slots[slot]:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = node


@compiled
def _node(key, position, keys, positions, slots, count):
    """Return the node that is this; it is `count` + 1, and entered, if there was none."""
    slot = _slot(key, position, slots)
    while slots[slot]:
        node = slots[slot]
        same = positions[node] == position
        for k in range(len(key)):
            same &= keys[node, k] == key[k]
        if same:
            return node
        slot = (slot + 1) & (len(slots) - 1)
    slots[slot] = count + 1
    keys[count + 1] = key
    positions[count + 1] = position
    return count + 1


@compiled
def _merge_sites(bits, table, number, n_positions, keys, positions, slots, count):
    """Put the node of what it sees in the place of each 1 in `number`; return the new count."""
    key = np.empty(len(table), dtype=bits.dtype)
    size = len(number) // n_positions
    for site in range(len(number)):
        for sample in range(number.shape[1]):
            if number[site, sample]:
                for tap in range(len(table)):
                    key[tap] = bits[table[tap, site], sample]
                node = _node(key, site // size, keys, positions, slots, count)
                number[site, sample] = node
                count = max(count, node)
    return count


@compiled
def _merge_windows(number, above, n_positions, keys, positions, slots, count):
    """Do the same for windows, by the nodes below that they join."""
    n_above = len(above)
    key = np.empty(len(number) // n_above, dtype=number.dtype)
    size = n_above // n_positions
    for place in range(n_above):
        for sample in range(above.shape[1]):
            if above[place, sample]:
                for position in range(len(key)):
                    key[position] = number[position * n_above + place, sample]
                node = _node(key, place // size, keys, positions, slots, count)
                above[place, sample] = node
                count = max(count, node)
    return count


@compiled
def _reached(nodes, parents, place):
    """Return what `parents` join, (window, parents), as rows; and the node of each row.

    Row 0 is empty. The others are in the order of the positions at which they are first met.
    `place` is zero, one for each node below, and is left so.
    """
    window, count = nodes.shape[1], 0
    table = np.empty((window, len(parents)), dtype=np.int64)
    below = np.empty(1 + window * len(parents), dtype=np.int64)
    below[0] = 0
    for position in range(window):
        for k in range(len(parents)):
            node = nodes[parents[k], position]
            if node and not place[node]:
                count += 1
                place[node] = count
                below[count] = node
            table[position, k] = place[node]
    for row in range(1, count + 1):
        place[below[row]] = 0
    return table, below[: count + 1].copy()
