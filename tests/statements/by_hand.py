"""Small slow routes of the register's own: nothing here is taken from the library.

Weights are a list of arrays (places, r_l, r_{l-1}) and a dense row, all of integers modulo
`PRIME`; a partition is a word of A and B.
"""

from itertools import product
from math import prod

import flint
import numpy as np

PRIME = 2**31 - 1


def rank(matrix):
    """Rank of a matrix of integers modulo the prime; one that equals a bound proves it."""
    rows = [[int(x) % PRIME for x in row] for row in np.asarray(matrix, dtype=object)]
    return flint.nmod_mat(rows, PRIME).rank()


def shapes(widths, window, n_sites):
    """Shapes of the weights of a network with widths M, r_0, r_1, ..."""
    pairs = zip(widths[1:], widths[:-1], strict=True)
    return [(n_sites // window**layer, r, s) for layer, (r, s) in enumerate(pairs)]


def draw(widths, window, n_sites, seed=0, share="none", high=PRIME):
    """Random weights; `share` repeats one matrix (all) or one for each place of a window."""
    rng = np.random.default_rng(seed)
    layers = []
    for places, *matrix in shapes(widths, window, n_sites):
        different = {"none": places, "all": 1, "window-position": min(window, places)}[share]
        some = rng.integers(1, high, (different, *matrix)).astype(object)
        layers.append(np.concatenate([some] * (places // different)))
    return [*layers, rng.integers(1, high, widths[-1]).astype(object)]


def tensor(weights, window):
    """All amplitudes: the forward pass with every index left open, modulo the prime."""
    *layers, dense = weights
    n_sites, M = len(layers[0]), layers[0].shape[2]
    nodes = [np.eye(M, dtype=object)] * n_sites  # (channels, open indices)
    for layer in layers:
        mixed = [W @ node % PRIME for W, node in zip(layer, nodes, strict=True)]
        nodes = []
        for k in range(0, len(mixed), window):
            pooled = mixed[k]
            for other in mixed[k + 1 : k + window]:
                pooled = pooled[:, :, None] * other[:, None, :] % PRIME
                pooled = pooled.reshape(len(pooled), -1)
            nodes.append(pooled)
    return (dense @ nodes[0] % PRIME).reshape([M] * n_sites)


def matrix(array, word):
    """The matricization: the sites of A give the row."""
    order = sorted(range(len(word)), key=lambda j: (word[j], j))
    rows = array.shape[0] ** word.count("A")
    return array.transpose(order).reshape(rows, -1)


def network_rank(widths, window, word, seed=0, share="none", high=PRIME):
    """Rank of a drawn network for a partition."""
    weights = draw(widths, window, len(word), seed, share, high)
    return rank(matrix(tensor(weights, window), word))


def cut(widths, window, word):
    """Least weight over all ways to give every copy tensor a side, legs counted once."""
    sides = [letter == "A" for letter in word]
    prices = [((1, widths[0]) if in_a else (widths[0], 1)) for in_a in sides]
    for r in widths[1:]:
        prices = [
            tuple(
                min(
                    prod(pair[side] for pair in window_prices),
                    r * prod(map(min, window_prices)),
                )
                for side in (0, 1)
            )
            for window_prices in (prices[k : k + window] for k in range(0, len(prices), window))
        ]
    return min(prices[0])


def cut_of_graph(edges, inner, copies=(), once=True):
    """Least weight of a cut of any small graph between A and B, by trying every one."""
    best = None
    for chosen in product((True, False), repeat=len(inner)):
        in_a = {"A"} | {node for node, side in zip(inner, chosen, strict=True) if side}
        groups, total = set(), 1
        for u, v, bond in edges:
            if (u in in_a) != (v in in_a):
                copy = next((n for n in (u, v) if n in copies), None) if once else None
                if copy is None or copy not in groups:
                    total *= bond
                groups.add(copy)
        best = total if best is None else min(best, total)
    return best


def copy_tensor(order, bond):
    """1 where all indices agree."""
    array = np.zeros((bond,) * order, dtype=object)
    array[(np.arange(bond),) * order] = 1
    return array


def words(n_sites, count, seed=0):
    """Random partitions, neither side empty."""
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        word = "".join(rng.choice(["A", "B"], n_sites))
        if len(set(word)) == 2:
            found.append(word)
    return found


def power_below(width, p):
    """The largest power of p that is not above a width."""
    power = 1
    while power * p <= width:
        power *= p
    return power
