"""Part 6, Data that suit a tree: what the prose says beside its boxes."""

from itertools import product

import numpy as np
from beyond_nets import rank

from convac_book.random_hierarchy import counts, draw_rules


def across(tensor, sites):
    """Return the rank of a tensor, the sites listed against the others."""
    others = [j for j in range(tensor.ndim) if j not in sites]
    rows = tensor.shape[0] ** len(sites)
    return rank(tensor.transpose([*sites, *others]).reshape(rows, -1))


# --- prop-canonical: tree tensor networks and canonical ranks ------------------------------


def test_a_shuffle_often_raises_the_ranks_of_a_hierarchy_and_need_not():
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        tensor = counts(draw_rules(rng, 3, 4, 2))[0]
        found.append(across(tensor, rng.permutation(8)[:4].tolist()))
    assert max(found) > 10
    assert min(found) <= 3


# --- the data whose tree no correlation shows -----------------------------------------------


def parity_pairs():
    """Eight bits, all four pairs of one parity: all such words once."""
    tensor = np.zeros((2,) * 8, dtype=int)
    for s, *coins in product((0, 1), repeat=5):
        tensor[tuple(bit for c in coins for bit in (c, c ^ s))] += 1
    return tensor


def test_pairs_of_one_parity_have_a_tree_that_no_pairwise_correlation_shows():
    tensor = parity_pairs()
    assert across(tensor, [0, 1, 2, 3]) == across(tensor, [0, 1]) == 2
    assert across(tensor, [0, 2]) == 4 and across(tensor, [0, 2, 4, 6]) == 8
    words = np.argwhere(tensor) * 2 - 1
    assert (words.T @ words == 16 * 2 * np.eye(8)).all()  # no two bits are correlated
    triples = np.einsum("ni,nj,nk->ijk", words, words, words)
    assert not triples[0, 1, 2:].any()
