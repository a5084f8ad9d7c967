"""The recursion of `cuts.min_cut_weight` for a million sites, exact for any widths.

Most branches of a large tree look alike. So the arrays hold only *kinds*, small
integers that say which branches are alike, and a list holds what each kind costs,
in Python's exact integers; NumPy finds which kinds occur and looks results up. No
logarithm and no rounding is involved: two costs are equal or they are not.

A kind is a triple (on_a, on_b, free): the cost of a bundle of branches with all
legs on A's side, with all on B's, and with each leg where it is cheapest. Only
ratios matter for where a cut runs, so each triple is divided by its greatest common
divisor; that keeps numbers small and makes more branches alike.
"""

from collections.abc import Iterable, Sequence
from math import gcd
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .architecture import Architecture
from .partitions import Sides

Kinds: TypeAlias = NDArray[Any]  # of small integers, (P, branches)
Cost: TypeAlias = tuple[int, ...]  # on_a, on_b, free
Delta: TypeAlias = tuple[Cost, bool, bool]  # the new branch; is it cut on A's side, on B's?
Layer: TypeAlias = tuple[Kinds, list[Delta]]

EMPTY: Cost = (1, 1, 1)  # a bundle of no branches


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
    layers = _climb(architecture, partitions)
    return _descend(architecture, partitions, layers)


def _climb(architecture: Architecture, partitions: Sides) -> list[Layer]:
    """From the inputs to the top: for each layer the kinds of its bundles, and their deltas."""
    kinds: Kinds = partitions.view(np.uint8)
    costs: list[Cost] = [(architecture.local_dim, 1, 1), (1, architecture.local_dim, 1)]
    layers = []
    for width in architecture.channels:
        bundles, costs = _bundle(kinds, costs, architecture.window)
        deltas = [_delta(bundle, width) for bundle in costs]
        layers.append((bundles, deltas))
        kinds, costs = relabel(bundles, [delta[0] for delta in deltas])
    return layers


def _delta(bundle: Cost, width: int) -> Delta:
    """Close a bundle by a delta: the new branch, and on which sides the delta is cut."""
    on_a, on_b, free = bundle
    parted = free * width
    branch_a, branch_b = min(on_a, parted), min(on_b, parted)
    branch = _reduced(branch_a, branch_b, min(branch_a, branch_b))
    return branch, on_a > parted, on_b > parted


def _reduced(*costs: int) -> Cost:
    divisor = gcd(*costs)
    return costs if divisor == 1 else tuple([cost // divisor for cost in costs])


def _bundle(kinds: Kinds, costs: list[Cost], window: int) -> tuple[Kinds, list[Cost]]:
    """Multiply the costs of the `window` neighbours of each window, by halves."""
    kinds = kinds.reshape(len(kinds), -1, window)
    while kinds.shape[-1] > 1:
        half = kinds.shape[-1] // 2
        if kinds.shape[-1] % 2:
            costs = [*costs, EMPTY]
            filler = np.full_like(kinds[..., :1], len(costs) - 1)
            kinds = np.concatenate([kinds, filler], axis=-1)
            half += 1
        kinds, costs = _pair(kinds[..., :half], kinds[..., half:], costs)
    return kinds[..., 0], costs


def _pair(left: Kinds, right: Kinds, costs: list[Cost]) -> tuple[Kinds, list[Cost]]:
    """Multiply bundles in pairs; each pair of kinds that occurs is worked out once."""
    size = len(costs)
    codes = np.multiply(left, size, dtype=np.min_scalar_type(size * size))
    codes += right
    occurring, codes = _occurring(codes, size * size)
    products = []
    for code in occurring:
        on_a, on_b, free = costs[code // size]
        more_on_a, more_on_b, more_free = costs[code % size]
        products.append(_reduced(on_a * more_on_a, on_b * more_on_b, free * more_free))
    return relabel(codes, products)


def _occurring(codes: Kinds, size: int) -> tuple[Iterable[int], Kinds]:
    """Return a list of the codes below `size` that occur, and each one's place in that list."""
    if 64 * size <= codes.size:  # so few that to look which occur would take longer
        return range(size), codes
    if size > 4 * codes.size:
        occurring, places = np.unique(codes, return_inverse=True)
        return occurring.tolist(), places.reshape(codes.shape)
    seen = np.zeros(size, dtype=bool)
    seen[codes] = True
    return np.flatnonzero(seen).tolist(), (np.cumsum(seen) - 1).take(codes)


def relabel(kinds: Kinds, costs: Sequence[Cost]) -> tuple[Kinds, list[Cost]]:
    """Give kinds of equal cost one number, in the smallest integer type that holds it."""
    numbers: dict[Cost, int] = {}
    new = [numbers.setdefault(cost, len(numbers)) for cost in costs]
    dtype = np.min_scalar_type(len(numbers))  # one number is to spare, for `EMPTY`
    if len(numbers) < len(costs) or kinds.dtype != dtype:
        kinds = np.array(new, dtype=dtype).take(kinds)
    return kinds, list(numbers)


def _descend(
    architecture: Architecture, partitions: Sides, layers: list[Layer]
) -> tuple[NDArray[np.int64], list[Sides], list[Sides]]:
    """From the top to the inputs: give every branch its side, and count what is cut."""
    window = architecture.window
    choices = [_choices(*layer) for layer in reversed(layers)]
    top, *likings = [*(likes_a for _, _, likes_a in choices), partitions]
    sides, parted = [top], []
    for (cut_on_a, cut_on_b, _), likes_a in zip(choices, likings, strict=True):
        cut = _where(sides[-1], cut_on_a, cut_on_b)
        placed = sides[-1].repeat(window, axis=-1)
        if cut.any():
            placed = _where(cut.repeat(window, axis=-1), likes_a, placed)
        sides.append(placed)
        parted.append(cut)
    counts = [(sides[-1] != partitions).sum(-1), *(cut.sum(-1) for cut in reversed(parted))]
    return np.array(counts).T, sides[::-1], parted[::-1]


def _choices(bundles: Kinds, deltas: list[Delta]) -> Sides:
    """Return for each delta: cut on A's side, cut on B's, and whether its branch likes A.

    Of two sides that cost the same, a branch likes the one on which its delta is whole.
    """
    choices = [
        (cut_on_a, cut_on_b, (a, cut_on_a) <= (b, cut_on_b))
        for (a, b, _), cut_on_a, cut_on_b in deltas
    ]
    table: Sides = np.array(choices).T
    return table.take(bundles, axis=1)


def _where(condition: Sides, then: Sides, otherwise: Sides) -> Sides:
    """numpy.where for booleans, some ten times faster."""
    return otherwise ^ (condition & (then ^ otherwise))
