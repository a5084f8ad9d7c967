"""The recursion of `cuts.min_cut_weight` for a million sites, exact for any widths.

Most branches of a large tree look alike. So the arrays hold only *kinds*, small
integers that say which branches are alike, and a table holds what each kind costs,
in exact integers; NumPy finds which kinds occur and looks results up. No logarithm
and no rounding is involved: two costs are equal or they are not.

A kind is a triple (on_a, on_b, free): the cost of a bundle of branches with all
legs on A's side, with all on B's, and with each leg where it is cheapest. Only
ratios matter for where a cut runs, so each triple is divided by its greatest common
divisor; that keeps numbers small and makes more branches alike.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..architecture import Architecture
from ..partitions import Sides

Kinds: TypeAlias = NDArray[Any]  # of small integers, (P, branches)
Costs: TypeAlias = NDArray[Any]  # (3, kinds): on_a, on_b, free; int64, or object if beyond

BLOCKS = {2: 3, 4: 1, 8: 1}  # for windows of 2, 4 and 8, how many layers 8 sites or fewer have
MANY = 2**13  # sites: from there on it pays to look up what blocks of them can look like


def minimal_sides(
    architecture: Architecture, partitions: Sides
) -> tuple[NDArray[np.int64], list[Sides], list[Sides]]:
    """Return where the minimal cuts run, for boolean partitions of shape (P, N).

    Returns
    -------
    counts : ndarray of int, shape (P, L + 1)
        How many inputs, and how many deltas of each layer, are cut.
    weight_sides : list of ndarray of bool
        Layer l's has shape (P, N / window^l): the side of each matrix, True = A. The
        last one, of shape (P, 1), is the side of the top.
    parted : list of ndarray of bool
        Layer l's has shape (P, N / window^(l+1)): which deltas are cut.
    """
    window, channels = architecture.window, architecture.channels
    costs = np.array([[architecture.local_dim, 1], [1, architecture.local_dim], [1, 1]], object)
    levels = BLOCKS.get(window, 0)
    if partitions.size < MANY or not 0 < levels < len(channels):
        choices, _, _ = _climb(partitions.view(np.uint8), costs, channels, window)
        sides, parted = _descend(choices[-1][2], choices, partitions, window)
        counts = [(sides[0] != partitions).sum(-1), *(cut.sum(-1) for cut in parted)]
        return np.array(counts).T, sides, parted
    patterns, codes = _blocks(partitions, window**levels)
    low, kinds, costs = _climb(patterns.view(np.uint8), costs, channels[:levels], window)
    high, _, _ = _climb(kinds.take(codes), costs, channels[levels:], window)
    sides, parted = _descend(high[-1][2], high, low[-1][2].take(codes), window)
    # What is in a block follows from its pattern and from the side on which its top stands.
    either = np.arange(2).astype(bool).repeat(len(patterns))[:, None]
    patterns, low = np.tile(patterns, (2, 1)), [np.tile(choice, (1, 2, 1)) for choice in low]
    below, cut_below = _descend(either, low, patterns, window)
    places = codes + len(patterns) // 2 * sides[0].astype(np.intp)
    counts = [(below[0] != patterns).sum(-1), *(cut.sum(-1) for cut in cut_below)]
    counts = [count.astype(np.uint8).take(places).sum(-1, dtype=int) for count in counts]
    counts += [cut.sum(-1) for cut in parted]
    sides = [*(_look_up(table, places) for table in below[:-1]), *sides]
    return np.array(counts).T, sides, [*(_look_up(cut, places) for cut in cut_below), *parted]


def _blocks(partitions: Sides, size: int) -> tuple[Sides, NDArray[np.intp]]:
    """Return all patterns of 2, 4 or 8 sites, and which of them each block of sites has."""
    patterns = np.unpackbits(np.arange(2**size, dtype=np.uint8)[:, None], axis=1)[:, -size:]
    packed = np.packbits(partitions).astype(np.intp)  # bytes of 8 sites
    if size < 8:
        packed = packed[:, None] >> np.arange(8 - size, -1, -size) & 2**size - 1
    return patterns.view(bool), packed.reshape(len(partitions), -1)


def _look_up(table: Sides, places: NDArray[np.intp]) -> Sides:
    """Return rows of a table of 1, 2, 4 or 8 columns, one after the other; shape (P, sites)."""
    rows = np.ascontiguousarray(table).view(f"u{table.shape[1]}")[:, 0]
    return rows.take(places).view(bool)


def _climb(
    kinds: Kinds, costs: Costs, channels: Sequence[int], window: int
) -> tuple[list[Sides], Kinds, Costs]:
    """From branches of these kinds upwards: the choices of each layer, and the kinds at its top.

    Choices, (3, P, deltas), are whether a delta is cut on A's side, and on B's, and whether
    its branch likes A: of two sides that cost the same it likes the one on which the delta
    is whole.
    """
    layers = []
    for width in channels:
        bundles, costs = _bundle(kinds, costs, window)
        costs = _times(costs, np.array([[1], [1], [width]], object))
        whole, parted = costs[:2], costs[2]
        cut = whole > parted
        a, b = np.minimum(whole, parted, out=whole)
        choices = np.vstack([cut, (a < b) | ((a == b) & (cut[0] <= cut[1]))])
        layers.append(choices.take(bundles, axis=1))
        np.minimum(a, b, out=parted)
        kinds, costs = _relabel(bundles, costs)
    return layers, kinds, costs


def _bundle(kinds: Kinds, costs: Costs, window: int) -> tuple[Kinds, Costs]:
    """Multiply the costs of the `window` neighbours of each window, by halves."""
    kinds = kinds.reshape(len(kinds), -1, window)
    while kinds.shape[-1] > 1:
        half = kinds.shape[-1] // 2
        if kinds.shape[-1] % 2:
            costs = np.hstack([costs, np.ones_like(costs[:, :1])])  # a bundle of no branches
            filler = np.full_like(kinds[..., :1], costs.shape[1] - 1)
            kinds = np.concatenate([kinds, filler], axis=-1)
            half += 1
        kinds, costs = _pair(kinds[..., :half], kinds[..., half:], costs)
    return kinds[..., 0], costs


def _pair(left: Kinds, right: Kinds, costs: Costs) -> tuple[Kinds, Costs]:
    """Multiply bundles in pairs; each pair of kinds that occurs is worked out once."""
    size = costs.shape[1]
    codes = np.multiply(left, size, dtype=np.min_scalar_type(size * size))
    codes += right
    occurring, codes = _occurring(codes, size * size)
    first, second = np.divmod(occurring, size)
    return _relabel(codes, _times(costs[:, first], costs[:, second]))


def _times(costs: Costs, more: Costs) -> Costs:
    """Multiply two tables, in Python's integers where 64 bits might not do."""
    dtype = np.int64 if int(costs.max()) * int(more.max()) < 2**63 else object
    return costs.astype(dtype, copy=False) * more.astype(dtype, copy=False)


def _occurring(codes: Kinds, size: int) -> tuple[NDArray[np.int64], Kinds]:
    """Return the codes below `size` that occur, and each one's place among them."""
    if 64 * size <= codes.size:  # so few that to look which occur would take longer
        return np.arange(size), codes
    if size > 4 * codes.size:
        occurring, places = np.unique(codes, return_inverse=True)
        return occurring, places.reshape(codes.shape)
    seen = np.zeros(size, dtype=bool)
    seen[codes] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1).take(codes)


def _relabel(kinds: Kinds, costs: Costs) -> tuple[Kinds, Costs]:
    """Give kinds of equal ratios one number, in the smallest integer type that holds it."""
    costs = costs // np.gcd.reduce(costs, axis=0)
    numbers: dict[tuple[int, ...], int] = {}
    new = [numbers.setdefault(cost, len(numbers)) for cost in zip(*costs.tolist(), strict=True)]
    dtype = np.min_scalar_type(len(numbers))  # one number is to spare, for a bundle of none
    if len(numbers) < len(new) or kinds.dtype != dtype:
        kinds = np.array(new, dtype=dtype).take(kinds)
        costs = np.array(list(numbers), dtype=costs.dtype).T
    return kinds, costs


def _descend(
    top: Sides, layers: list[Sides], leaves: Sides, window: int
) -> tuple[list[Sides], list[Sides]]:
    """From the top downwards: give every branch its side, and say what is cut.

    `leaves` are the sides that the branches at the bottom like. Both lists begin there.
    """
    sides, parted = [top], []
    likings = [leaves, *(likes_a for _, _, likes_a in layers[:-1])]
    for (cut_on_a, cut_on_b, _), likes_a in zip(reversed(layers), reversed(likings), strict=True):
        cut = _where(sides[-1], cut_on_a, cut_on_b)
        placed = sides[-1].repeat(window, axis=-1)
        if cut.any():
            placed = _where(cut.repeat(window, axis=-1), likes_a, placed)
        sides.append(placed)
        parted.append(cut)
    return sides[::-1], parted[::-1]


def _where(condition: Sides, then: Sides, otherwise: Sides) -> Sides:
    """numpy.where for booleans, some ten times faster."""
    return otherwise ^ (condition & (then ^ otherwise))
