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

from math import gcd

import numpy as np

EMPTY = (1, 1, 1)  # a bundle of no branches


def minimal_sides(architecture, partitions):
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


def _climb(architecture, partitions):
    """From the inputs to the top: for each layer the kinds of its bundles, and their deltas."""
    kinds = partitions.view(np.uint8)
    costs = [(architecture.local_dim, 1, 1), (1, architecture.local_dim, 1)]
    layers = []
    for width in architecture.channels:
        bundles, costs = _bundle(kinds, costs, architecture.window)
        deltas = [_delta(*bundle, width) for bundle in costs]
        layers.append((bundles, deltas))
        kinds, costs = relabel(bundles, [delta[0] for delta in deltas])
    return layers


def _delta(on_a, on_b, free, width):
    """Close a bundle by a delta: the new branch, and on which sides the delta is cut."""
    parted = free * width
    branch_a, branch_b = min(on_a, parted), min(on_b, parted)
    branch = _reduced(branch_a, branch_b, min(branch_a, branch_b))
    return branch, on_a > parted, on_b > parted


def _reduced(*costs):
    divisor = gcd(*costs)
    return costs if divisor == 1 else tuple([cost // divisor for cost in costs])


def _bundle(kinds, costs, window):
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


def _pair(left, right, costs):
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


def _occurring(codes, size):
    """Return a list of the codes below `size` that occur, and each one's place in that list."""
    if 64 * size <= codes.size:  # so few that to look which occur would take longer
        return range(size), codes
    if size > 4 * codes.size:
        occurring, places = np.unique(codes, return_inverse=True)
        return occurring.tolist(), places.reshape(codes.shape)
    seen = np.zeros(size, dtype=bool)
    seen[codes] = True
    return np.flatnonzero(seen).tolist(), (np.cumsum(seen) - 1).take(codes)


def relabel(kinds, costs):
    """Give kinds of equal cost one number, in the smallest integer type that holds it."""
    numbers = {}
    new = [numbers.setdefault(cost, len(numbers)) for cost in costs]
    dtype = np.min_scalar_type(len(numbers))  # one number is to spare, for `EMPTY`
    if len(numbers) < len(costs) or kinds.dtype != dtype:
        kinds = np.array(new, dtype=dtype).take(kinds)
    return kinds, list(numbers)


def _descend(architecture, partitions, layers):
    """From the top to the inputs: give every branch its side, and count what is cut."""
    window = architecture.window
    *lower, (cut_on_a, cut_on_b, likes_a) = [_choices(*layer) for layer in layers]
    sides, parted = [likes_a], []
    for below in [*reversed(lower), (None, None, partitions)]:
        cut = _where(sides[-1], cut_on_a, cut_on_b)
        cut_on_a, cut_on_b, likes_a = below
        placed = sides[-1].repeat(window, axis=-1)
        if cut.any():
            placed = _where(cut.repeat(window, axis=-1), likes_a, placed)
        sides.append(placed)
        parted.append(cut)
    counts = [(sides[-1] != partitions).sum(-1), *(cut.sum(-1) for cut in reversed(parted))]
    return np.array(counts).T, sides[::-1], parted[::-1]


def _choices(bundles, deltas):
    """For each delta: is it cut on A's side, is it cut on B's, and does its branch like A?

    Of two sides that cost the same, a branch likes the one on which its delta is whole.
    """
    choices = [
        (cut_on_a, cut_on_b, (a, cut_on_a) <= (b, cut_on_b))
        for (a, b, _), cut_on_a, cut_on_b in deltas
    ]
    return np.array(choices).T.take(bundles, axis=1)


def _where(condition, then, otherwise):
    """numpy.where for booleans, some ten times faster."""
    return otherwise ^ (condition & (then ^ otherwise))
