"""Widths and what they hold."""

import numpy as np

from .by_hand import cut, words
from .frame import statement


def alternating(n_sites, length, offset=0):
    return "".join("AB"[(j - offset) // length % 2] for j in range(n_sites))


CASES = [
    (tuple(int(c) for c in np.random.default_rng(seed).integers(1, 12, depth + 1)), window, k)
    for seed, (window, depth) in enumerate([(2, 4), (2, 4), (2, 5), (4, 2), (4, 3), (4, 3)])
    for k in range(depth)
]


@statement(
    "thm-aligned-blocks",
    inside=[(widths, window, k, None) for widths, window, k in CASES],
    outside={
        "blocks are aligned": ((2, 9, 3, 2), 2, 1, "ABBAABBA"),
        "half of each window": ((2, 9, 3), 4, 0, "ABBB" * 4),
    },
)
def narrowest_level(widths, window, k, word):
    n_sites = window ** (len(widths) - 1)
    if word is None:
        half = window // 2
        block = window**k
        word = ("A" * (half * block) + "B" * (half * block)) * (n_sites // (window * block))
    pure = widths[0]
    for r in widths[1 : k + 1]:
        pure = min(r, pure**window)
    formula = min(widths[k + 1], pure ** (window // 2)) ** (n_sites // window ** (k + 1))
    return cut(widths, window, word) == formula


def changes_with(word, layer, M=2, window=2, others=None):
    """Whether the cut changes with one layer's width while the others are out of reach."""
    depth = next(d for d in range(1, 20) if window**d == len(word))
    wide = [others or 2 ** len(word)] * depth
    weights = set()
    for r in (1, 2 ** len(word)):
        wide[layer] = r
        weights.add(cut((M, *wide), window, word))
    return len(weights) == 2


@statement(
    "prop-block-rule",
    inside=[(k, offset) for k in (0, 1, 2) for offset in range(0, 2**k * 2)],
    outside={"a power of two": (None, 5)},
)
def no_layer_above_enters(k, offset):
    length = 3 if k is None else 2**k
    rule = (length - 1).bit_length()
    word = alternating(32, length, offset)
    rng = np.random.default_rng(offset)
    for layer in range(rule + 1, 5):
        if changes_with(word, layer):
            return False
        widths = [2, *(int(c) for c in rng.integers(1, 9, 5))]
        found = set()
        for r in (1, 3, 9):
            widths[layer + 1] = r
            found.add(cut(widths, 2, word))
        if len(found) > 1:
            return False
    return True


def opposite_majorities(word, layer):
    size = 2**layer
    leans = [2 * word[k : k + size].count("A") - size for k in range(0, len(word), size)]
    return min(leans) < 0 < max(leans)


LEANING = [
    (word, layer, 2)
    for word in words(16, 40)
    for layer in (1, 2, 3)
    if opposite_majorities(word, layer)
]


@statement(
    "prop-majorities",
    inside=LEANING[:30],
    outside={
        "M is at least 2": (*LEANING[0][:2], 1),
        "some other has fewer": ("AAABAABAAAABAAAA", 2, 2),
    },
)
def the_layer_enters(word, layer, M):
    return changes_with(word, layer, M)
