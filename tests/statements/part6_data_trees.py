"""Data that suit a tree: tensors in exact integers, hierarchies by listing what they can say."""

from collections import Counter

import flint
import numpy as np

from .by_hand import PRIME, rank, tensor
from .frame import statement


def across(array, block):
    """Rank of the sites of a block against the others."""
    return flint.nmod_mat((unfolded(array, block) % PRIME).tolist(), PRIME).rank()


def unfolded(array, block):
    others = [j for j in range(array.ndim) if j not in block]
    return array.transpose([*block, *others]).reshape(len(array) ** len(block), -1)


def branches(n_sites, smallest=1):
    """Blocks of a tree with windows of two, below the whole, the largest first."""
    size = n_sites // 2
    while size >= smallest:
        yield from (list(range(k, k + size)) for k in range(0, n_sites, size))
        size //= 2


# --- trees --------------------------------------------------------------------------------


def tree(n_sites, dim, bond, seed):
    """A tree of general joints with two legs down and one up."""
    rng, parts = np.random.default_rng(seed), [np.eye(dim, dtype=int)] * n_sites
    while len(parts) > 1:
        up = 1 if len(parts) == 2 else bond
        parts = [
            np.einsum(
                "uab,ax,by->uxy", rng.integers(-3, 4, (up, len(left), len(right))), left, right
            ).reshape(up, -1)
            for left, right in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0].reshape((dim,) * n_sites)


def chain_of_pairs(n_sites):
    """1 where site j and site j + n/2 agree, for all j: rank 1 only if a block has whole pairs."""
    array = np.zeros((2,) * n_sites, dtype=int)
    for word in np.ndindex((2,) * (n_sites // 2)):
        array[word + word] = 1
    return array


def two_strangers():
    """Two halves that have nothing to do with each other, each without structure."""
    halves = np.random.default_rng(0).integers(-3, 4, (2, 3, 3, 3, 3))
    return np.multiply.outer(*halves)


def is_a_tree(array, bond):
    """Whether a tree of these bonds holds a tensor: its leaves, then pairs of these, are bases."""
    dim, n_sites = len(array), array.ndim
    bases, size = [np.eye(dim, dtype=int)] * n_sites, 1
    while size < n_sites // 2:
        size *= 2
        joined = []
        for k in range(0, n_sites, size):
            both = np.kron(bases[2 * k // size], bases[2 * k // size + 1])
            columns = unfolded(array, list(range(k, k + size)))
            basis = independent_rows(columns.T)
            if len(basis) > bond or rank(np.vstack([both, basis])) > len(both):
                return False  # too wide, or not within what the joint below offers
            joined.append(basis)
        bases = joined
    top = np.kron(bases[0], bases[1])  # the last joint has one leg up
    return rank(np.vstack([top, array.reshape(1, -1)])) == rank(top)


def independent_rows(rows):
    """A basis of the rows, exactly, by the pivots of the transposed matrix."""
    reduced, found = flint.fmpq_mat(flint.fmpz_mat(rows.T.tolist())).rref()
    steps = (next(j for j in range(reduced.ncols()) if reduced[i, j] != 0) for i in range(found))
    return rows[list(steps)]


@statement(
    "prop-canonical",
    inside=[
        *[(tree(8, dim, bond, bond), bond) for dim, bond in [(2, 1), (2, 2), (3, 2), (2, 3)]],
        *[(tree(8, 2, 3, seed), 2) for seed in range(3)],  # too wide, and so are its ranks
        (chain_of_pairs(8), 3),
        (chain_of_pairs(4), 4),
    ],
    outside={
        "every canonical partition": (two_strangers(), 4, 4),
        "blocks of the tree": (tree(8, 3, 2, 2), 2, 2, [0, 2]),
    },
)
def trees_are_what_has_small_canonical_ranks(array, bond, smallest=2, other=None):
    blocks = list(branches(8 if array.ndim == 8 else 4, smallest))
    if other:
        blocks.append(other)
    small = all(across(array, block) <= bond for block in blocks)
    return small == is_a_tree(array, bond)


# --- hierarchies --------------------------------------------------------------------------


def draw_rules(seed, levels, M, F):
    """For each level and symbol F pairs of symbols, all pairs of a level different."""
    rng = np.random.default_rng(seed)
    pairs = [
        divmod(int(code), M) for _ in range(levels) for code in rng.permutation(M * M)[: M * F]
    ]
    return np.array(pairs).reshape(levels, M, F, 2)


def sentences(rules, symbol, level=0):
    """In how many ways a symbol gives each word, by listing all its derivations."""
    if level == len(rules):
        return Counter({(symbol,): 1})
    found = Counter()
    for left, right in rules[level, symbol].tolist():
        for word, ways in sentences(rules, left, level + 1).items():
            for other, more in sentences(rules, right, level + 1).items():
                found[word + other] += ways * more
    return found


def sentences_of_one_coin(rules, symbol):
    """As above, but all symbols of a level use the production of one number."""
    found = Counter()
    for coins in np.ndindex((rules.shape[2],) * len(rules)):
        word = (symbol,)
        for level, coin in enumerate(coins):
            word = tuple(x for s in word for x in rules[level, s, coin].tolist())
        found[word] += 1
    return found


def as_tensor(found, M):
    array = np.zeros((M,) * len(next(iter(found))), dtype=int)
    for word, ways in found.items():
        array[word] = ways
    return array


CASES = [(seed, 3, 4, 2) for seed in range(3)]
CASES += [(0, 3, 3, 3), (1, 2, 5, 4), (2, 3, 2, 2), (3, 3, 4, 1), (0, 2, 3, 2)]


@statement(
    "thm-hierarchy",
    inside=CASES,
    outside={
        "one class": (0, 3, 4, 2, "all classes"),
        "independent choices": (2, 3, 4, 2, "one coin"),
        "probabilities, not counts of samples": (0, 3, 4, 2, "50 samples"),
        "the own order": (0, 3, 4, 2, "shuffled"),
        "blocks of the tree": (0, 3, 4, 2, "own", [1, 2]),
    },
)
def a_hierarchy_has_small_ranks(seed, levels, M, F, data="own", block=None):
    rules = draw_rules(seed, levels, M, F)
    rng, n_sites = np.random.default_rng(seed), 2**levels
    arrays = [as_tensor(sentences(rules, symbol), M) for symbol in range(M)]
    if data == "all classes":
        arrays = [sum(arrays)]
    if data == "one coin":
        arrays = [as_tensor(sentences_of_one_coin(rules, symbol), M) for symbol in range(M)]
    if data == "50 samples":
        chances = arrays[0].ravel() / arrays[0].sum()
        arrays = [rng.multinomial(50, chances).reshape(arrays[0].shape)]
    if data == "shuffled":
        arrays = [array.transpose(rng.permutation(n_sites)) for array in arrays]
    half = list(range(n_sites // 2))
    blocks = [block] if block else list(branches(n_sites))
    return all(
        across(array, half) <= min(F, M) and all(across(array, one) <= M for one in blocks)
        for array in arrays
    )


def grammar_network(rules, width=None):
    """The proof's weights: a channel for each production of each symbol, the first `width`."""
    levels, M, F, _ = rules.shape
    below, layers = M, []
    for level in reversed(range(levels)):
        layer = np.zeros((2 ** (level + 1), M * F, below), dtype=object)
        many = below // M  # channels of a symbol below
        for place, s, i in np.ndindex(len(layer), M, F):
            child = rules[level, s, i, place % 2]
            layer[place, s * F + i, child * many : (child + 1) * many] = 1
        layers.append(layer[:, :width, : None if below == M else width])
        below = M * F
    dense = np.repeat(np.eye(M, dtype=object), F, axis=1)[:, :width]
    return [[*layers, row] for row in dense]


@statement(
    "thm-hierarchy",
    inside=[*CASES, (4, 1, 3, 2)],
    outside={
        "a channel for each production": (0, 3, 4, 2, 7),
        "nothing is shared": (0, 2, 4, 2, None, True),
    },
)
def a_convac_of_a_channel_a_production_equals_it(seed, levels, M, F, width=None, shared=False):
    rules = draw_rules(seed, levels, M, F)
    for symbol, weights in enumerate(grammar_network(rules, width)):
        if shared:
            weights = [*(np.repeat(w[:1], len(w), axis=0) for w in weights[:-1]), weights[-1]]
        if (tensor(weights, 2) != as_tensor(sentences(rules, symbol), M)).any():
            return False
    return True
