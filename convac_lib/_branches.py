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
    kinds = partitions.astype(np.uint8)
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
    return costs if divisor == 1 else tuple(cost // divisor for cost in costs)


def _bundle(kinds, costs, window):
    """Multiply the costs of the `window` neighbours of each window, by halves."""
    kinds = kinds.reshape(len(kinds), -1, window)
    while kinds.shape[-1] > 1:
        half = kinds.shape[-1] // 2
        if kinds.shape[-1] % 2:
            costs = [*costs, EMPTY]
            filler = np.full((*kinds.shape[:-1], 1), len(costs) - 1)
            kinds = np.concatenate([kinds, filler], axis=-1)
            half += 1
        kinds, costs = _pair(kinds[..., :half], kinds[..., half:], costs)
    return kinds[..., 0], costs


def _pair(left, right, costs):
    """Multiply bundles in pairs; each pair of kinds that occurs is worked out once."""
    codes = left.astype(np.intp)
    codes *= len(costs)
    codes += right
    occurring, codes = _distinct(codes, len(costs) ** 2)
    products = []
    for code in occurring:
        on_a, on_b, free = costs[code // len(costs)]
        more_on_a, more_on_b, more_free = costs[code % len(costs)]
        products.append(_reduced(on_a * more_on_a, on_b * more_on_b, free * more_free))
    return relabel(codes, products)


def _distinct(codes, size):
    """Return the list of codes that occur below `size`, and each code's place in that list."""
    if size > 4 * codes.size:
        occurring, places = np.unique(codes, return_inverse=True)
        return occurring.tolist(), places.reshape(codes.shape)
    seen = np.zeros(size, dtype=bool)
    seen[codes] = True
    return np.flatnonzero(seen).tolist(), (np.cumsum(seen) - 1)[codes]


def relabel(kinds, costs):
    """Give kinds of equal cost one number, in the smallest integer type that holds it."""
    numbers = {}
    new = [numbers.setdefault(cost, len(numbers)) for cost in costs]
    lookup = np.array(new, dtype=np.min_scalar_type(len(numbers)))
    return lookup[kinds], list(numbers)


def _descend(architecture, partitions, layers):
    """From the top to the inputs: give every branch its side, and count what is cut."""
    window = architecture.window
    likes = [partitions]  # of two sides that cost the same, the one where the delta is whole
    for bundles, deltas in layers:
        likes_a = [(a, cut_on_a) <= (b, cut_on_b) for (a, b, _), cut_on_a, cut_on_b in deltas]
        likes.append(np.array(likes_a)[bundles])
    sides = [likes[-1]]
    parted = []
    for (bundles, deltas), liked in zip(reversed(layers), likes[-2::-1], strict=True):
        parts = np.array([on_a for _, on_a, _ in deltas] + [on_b for *_, on_b in deltas])
        cut = np.where(sides[-1], parts[: len(deltas)][bundles], parts[len(deltas) :][bundles])
        below = np.where(cut.repeat(window, -1), liked, sides[-1].repeat(window, -1))
        parted.append(cut)
        sides.append(below)
    counts = [(sides[-1] != partitions).sum(-1), *(cut.sum(-1) for cut in parted[::-1])]
    return np.stack(counts, axis=-1), sides[::-1], parted[::-1]
