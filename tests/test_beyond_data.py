"""Part 6, Data that suit a tree: each boxed statement tried inside its hypotheses, and outside."""

from itertools import product

import numpy as np
import pytest
from beyond_nets import rank

from convac_book.random_hierarchy import counts, draw_rules, sample
from convac_lib import Architecture
from convac_lib.decompositions import coefficients_tensor

CASES = [(3, 4, 2, seed) for seed in range(6)] + [(3, 3, 3, 0), (2, 5, 4, 1), (3, 2, 2, 2)]


def across(tensor, sites):
    """Return the rank of a tensor, the sites listed against the others."""
    others = [j for j in range(tensor.ndim) if j not in sites]
    rows = tensor.shape[0] ** len(sites)
    return rank(tensor.transpose([*sites, *others]).reshape(rows, -1))


def tree_blocks(n_sites):
    """Yield the blocks of a tree with windows of two, below the whole."""
    size = n_sites // 2
    while size >= 1:
        for start in range(0, n_sites, size):
            yield list(range(start, start + size))
        size //= 2


# --- prop-canonical: tree tensor networks and canonical ranks ------------------------------


def random_tree(n_sites, dim, bond, rng):
    parts = [np.eye(dim, dtype=np.int64)] * n_sites
    while len(parts) > 1:
        up = 1 if len(parts) == 2 else bond
        parts = [
            np.array([
                sum(m[a, b] * np.multiply.outer(left[a], right[b])
                    for a in range(len(left)) for b in range(len(right)))
                for m in rng.integers(-3, 4, (up, len(left), len(right)))
            ]).reshape(up, -1)
            for left, right in zip(parts[::2], parts[1::2], strict=True)
        ]  # fmt: skip
    return parts[0].reshape((dim,) * n_sites)


@pytest.mark.parametrize("bond", [1, 2, 3])
def test_a_tree_has_canonical_ranks_of_at_most_its_bond(bond):
    tensor = random_tree(8, 3, bond, np.random.default_rng(bond))
    for block in tree_blocks(8):
        assert across(tensor, block) <= max(bond, 1) or len(block) == 1
    assert across(tensor, [0, 2, 4, 6]) > bond or bond == 1


def test_a_tensor_with_small_canonical_ranks_is_a_tree():
    # Truncated to its canonical ranks, block by block, nothing is lost.
    tensor = random_tree(8, 3, 2, np.random.default_rng(0)).astype(float)
    projected = tensor.copy()
    for block in tree_blocks(8):
        others = [j for j in range(8) if j not in block]
        matrix = projected.transpose([*block, *others]).reshape(3 ** len(block), -1)
        keep = min(2, 3 ** len(block)) if len(block) > 1 else 3
        basis = np.linalg.svd(matrix, full_matrices=False)[0][:, :keep]
        matrix = basis @ (basis.T @ matrix)
        projected = matrix.reshape((3,) * 8).transpose(np.argsort([*block, *others]))
    assert np.allclose(projected, tensor)


# --- thm-hierarchy ------------------------------------------------------------------------


@pytest.mark.parametrize("levels, symbols, productions, seed", CASES)
def test_hierarchy_ranks(levels, symbols, productions, seed):
    tensors = counts(draw_rules(np.random.default_rng(seed), levels, symbols, productions))
    half = list(range(2**levels // 2))
    for tensor in tensors:
        assert across(tensor, half) <= min(productions, symbols)
        for block in tree_blocks(2**levels):
            assert across(tensor, block) <= symbols


def grammar_weights(rules):
    """Return integer weights of an unshared ConvAC of width v m that counts derivations."""
    levels, symbols, productions, _ = rules.shape
    weights, below = [], None
    for depth, rule in enumerate(rules[::-1]):
        places = 2 ** (levels - depth)
        layer = np.zeros((places, symbols * productions, below or symbols), dtype=int)
        for place, s, i in product(range(places), range(symbols), range(productions)):
            child = rule[s, i, place % 2]
            row = s * productions + i
            if below is None:
                layer[place, row, child] = 1
            else:
                layer[place, row, child * productions : (child + 1) * productions] = 1
        weights.append(layer)
        below = symbols * productions
    dense = np.kron(np.eye(symbols, dtype=int), np.ones(productions, dtype=int))
    return [*weights, dense]


@pytest.mark.parametrize("levels, symbols, productions, seed", CASES)
def test_a_convac_of_width_v_m_is_the_hierarchy(levels, symbols, productions, seed):
    rules = draw_rules(np.random.default_rng(seed), levels, symbols, productions)
    net = Architecture.line(symbols, (symbols * productions,) * levels, n_outputs=symbols)
    assert (coefficients_tensor(net, grammar_weights(rules)) == counts(rules)).all()


def test_hierarchy_ranks_need_one_class():
    # The root is one more symbol to be known: the sum over classes has a larger rank.
    found = [across(counts(draw_rules(np.random.default_rng(s), 3, 4, 2)).sum(0), [0, 1, 2, 3])
             for s in range(4)]  # fmt: skip
    assert max(found) > 2
    assert max(found) <= 4


def test_hierarchy_ranks_need_the_exact_distribution():
    rng = np.random.default_rng(0)
    rules = draw_rules(rng, 3, 4, 2)
    leaves, roots = sample(rules, rng, 400)
    seen = np.zeros((4,) * 8, dtype=int)
    np.add.at(seen, tuple(leaves[roots == 0][:50].T), 1)
    assert across(seen, [0, 1, 2, 3]) > 4


def test_hierarchy_ranks_need_the_own_order_and_a_shuffle_need_not_raise_them():
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        tensor = counts(draw_rules(rng, 3, 4, 2))[0]
        found.append(across(tensor, rng.permutation(8)[:4].tolist()))
    assert max(found) > 10
    assert min(found) <= 3


def test_hierarchy_ranks_need_blocks_of_the_tree():
    tensor = counts(draw_rules(np.random.default_rng(0), 3, 4, 2))[0]
    assert across(tensor, [1, 2]) > 4  # two neighbours of different pairs


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
