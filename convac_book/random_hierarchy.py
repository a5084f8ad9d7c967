"""Data that are a tree by construction: symbols that expand into pairs of symbols.

A symbol has m productions, pairs of symbols; one is drawn with equal chances, and each of its
two symbols expands in the same way, with other productions on every level, until the leaves.
The root symbol is the class.
"""

import numpy as np

from convac_lib._validation import as_int


def draw_rules(rng: np.random.Generator, levels: int, symbols: int, productions: int) -> np.ndarray:
    """Return the productions of every level, shape (levels, symbols, productions, 2).

    On each level all the pairs are different, so that a pair tells its symbol.

    Examples
    --------
    >>> draw_rules(np.random.default_rng(0), 3, 4, 2).shape
    (3, 4, 2, 2)
    """
    as_int("productions", productions, minimum=1, maximum=symbols)
    rules = []
    for _ in range(levels):
        chosen = rng.permutation(symbols * symbols)[: symbols * productions]
        pairs = np.stack(np.divmod(chosen, symbols), axis=-1)
        rules.append(pairs.reshape(symbols, productions, 2))
    return np.array(rules)


def sample(
    rules: np.ndarray, rng: np.random.Generator, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the leaves of `count` trees, shape (count, 2^levels), and their root symbols.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> leaves, roots = sample(draw_rules(rng, 4, 4, 2), rng, 5)
    >>> leaves.shape, roots.shape
    ((5, 16), (5,))
    """
    _, symbols, productions, _ = rules.shape
    roots = rng.integers(symbols, size=count)
    leaves = roots[:, None]
    for rule in rules:
        chosen = rng.integers(productions, size=leaves.shape)
        leaves = rule[leaves, chosen].reshape(count, -1)
    return leaves, roots


def counts(rules: np.ndarray) -> np.ndarray:
    """Return how many derivations of each root give each word, shape (symbols, words...).

    Divided by their number it is P(leaves | root). Exact integers.

    Examples
    --------
    >>> tensor = counts(draw_rules(np.random.default_rng(0), 2, 3, 2))
    >>> tensor.shape, [int(root.sum()) for root in tensor]  # 2 * 2^2 derivations
    ((3, 3, 3, 3, 3), [8, 8, 8])
    """
    symbols = rules.shape[1]
    below = np.eye(symbols, dtype=np.int64)
    for rule in rules[::-1]:
        left, right = rule[..., 0], rule[..., 1]
        joined = below[left][..., :, None] * below[right][..., None, :]
        below = joined.sum(axis=1).reshape(symbols, -1)
    leaves = 2 ** len(rules)
    return below.reshape(symbols, *[symbols] * leaves)
