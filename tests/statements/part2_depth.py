"""Depth."""

from itertools import product

import numpy as np

from .by_hand import PRIME, draw, matrix, network_rank, rank, tensor, words
from .frame import statement


def cp(v, a):
    """Sum of K products, modulo the prime: v (K,), a (K, N, M)."""
    K, n_sites, M = a.shape
    t = v[:, None].astype(object)
    for j in range(n_sites):
        t = (t[:, :, None] * a[:, j, None] % PRIME).reshape(K, -1)
    return (t.sum(axis=0) % PRIME).reshape([M] * n_sites)


@statement(
    "prop-depth-flatten",
    inside=[((2, 3, 4), 4), ((3, 2, 2), 4), ((2, 2, 3, 2), 8)],
    outside={"all of the r_0^(N/2) channels": ((2, 2, 2), 4, 1)},
)
def flattened(widths, n_sites, left_out=0):
    *layers, dense = draw(widths, 2, n_sites)
    r0, windows = widths[1], n_sites // 2
    chosen = list(product(range(r0), repeat=windows))
    numbers = []
    for alphas in chosen:  # what stands above: the network on unit vectors of layer 1's inputs
        nodes = [np.eye(r0, dtype=object)[a] for a in alphas]
        for layer in layers[1:]:
            mixed = [W @ node % PRIME for W, node in zip(layer, nodes, strict=True)]
            nodes = [mixed[k] * mixed[k + 1] % PRIME for k in range(0, len(mixed), 2)]
        numbers.append(dense @ nodes[0] % PRIME)
    vectors = [[layers[0][j][alphas[j // 2]] for j in range(n_sites)] for alphas in chosen]
    keep = len(chosen) - left_out
    shallow = cp(np.array(numbers[:keep], dtype=object), np.array(vectors[:keep]))
    return bool(np.all(shallow == tensor([*layers, dense], 2)))


@statement(
    "thm-depth",
    inside=[
        (widths, "ABABABAB", share, PRIME)
        for widths in ((2, 2, 2, 2), (3, 2, 2, 2), (2, 3, 2, 1), (3, 3, 2, 1))
        for share in ("none", "all")
    ],
    outside={
        "the interleaved partition": ((2, 2, 2, 2), "AAAABBBB", "none", PRIME),
        "almost all weights": ((2, 2, 2, 2), "ABABABAB", "none", 2),
    },
)
def rank_of_a_deep_network(widths, word, share, high):
    wanted = min(widths[0], widths[1]) ** (len(word) // 2)
    return network_rank(widths, 2, word, share=share, high=high) == wanted


@statement(
    "prop-depth-shallow",
    inside=[
        (M, K, word, "own")
        for M, K in ((2, 3), (2, 10), (2, 20), (3, 5))
        for word in ["AAAABBBB", *words(8, 2, seed=K)]
    ],
    outside={
        "every site has vectors of its own": (2, 10, "AAAABBBB", "one for all"),
        "own vectors, K = 20": (2, 20, "AAAABBBB", "one for all"),
        "almost all weights": (2, 3, "AAAABBBB", "zero"),
    },
)
def rank_of_a_shallow_network(M, K, word, vectors):
    rng = np.random.default_rng(0)
    v, a = rng.integers(1, PRIME, K), rng.integers(1, PRIME, (K, len(word), M)).astype(object)
    if vectors == "one for all":
        a = np.broadcast_to(a[:, :1], a.shape)
    if vectors == "zero":
        v = 0 * v
    smaller = min(word.count("A"), word.count("B"))
    return rank(matrix(cp(v, a), word)) == min(M**smaller, K)
