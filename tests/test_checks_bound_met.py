"""The checks of the chapter on when the bound is met, and what its prose states without a cell."""

from itertools import pairwise, product
from math import prod

import networkx as nx
import numpy as np
import pytest

from convac_book.checks import bound_met as check
from convac_book.symmetry_classes import symmetry_classes
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut_weight, theorem2_bound
from convac_lib.decompositions import coefficients_tensor, random_weights
from convac_lib.partitions import as_partition
from convac_lib.ranks import certify_rank
from convac_lib.states import matricization

# --- the proof for every window -----------------------------------------------------------


def strands_between(exponents, window, partition):
    """Tree paths from A to B that share no strand, found as an integral flow in the bare tree.

    The page lets networkx find paths among strands. Here a node of the tree is one vertex
    with a capacity, the flow is taken apart into paths, and strands are dealt out afterwards.
    """
    flow, places = nx.DiGraph(), partition.size
    for level, n in enumerate(exponents):
        for place in range(places):
            node, above = (level, place), (level + 1, place // window)
            flow.add_edge((*node, "in"), (*node, "out"), capacity=n)
            if level + 1 < len(exponents):
                flow.add_edge((*node, "out"), (*above, "in"))
                flow.add_edge((*above, "out"), (*node, "in"))
        places //= window
    for place, in_a in enumerate(partition):
        edge = ("A", (0, place, "in")) if in_a else ((0, place, "out"), "B")
        flow.add_edge(*edge)
    value, found = nx.maximum_flow(flow, "A", "B")
    dealt = {}
    paths = []
    for _ in range(value):
        path, at = [], "A"
        while at != "B":
            following = next(node for node, units in found[at].items() if units)
            found[at][following] -= 1
            at = following
            if at != "B" and at[2] == "in":
                if at[:2] in path:
                    del path[path.index(at[:2]) :]
                path.append(at[:2])
        for node in path:
            dealt[node] = dealt.get(node, -1) + 1
        paths.append([(*node, dealt[node]) for node in path])
    return paths


def built_weights(network, p, exponents, paths):
    """Matrices entry by entry: 1 if every joint of a path finds its two digits equal."""
    weights = [np.ones(shape, dtype=int) for shape in network.weight_shapes()]
    for path in paths:
        for step in pairwise(path):
            (level, place, low), (_, _, high) = sorted(step)
            W = weights[level][place]
            for value_above, value_below in np.ndindex(W.shape):
                W[value_above, value_below] *= (
                    value_above // p**high % p == value_below // p**low % p
                )
    return weights


@pytest.mark.parametrize(
    ("n_sites", "window", "p", "exponents", "stride"),
    [
        (4, 2, 2, (1, 2, 2), 1),
        (4, 2, 3, (2, 1, 3), 2),
        (8, 2, 2, (1, 1, 2, 1), 2),
        (9, 3, 3, (1, 2, 1), 5),
        (16, 4, 2, (1, 1, 1), 15),
        (16, 4, 2, (1, 3, 2), 15),
        (5, 5, 2, (1, 2), 1),
    ],
)
def test_powers_of_one_p_meet_the_cut_for_every_window(n_sites, window, p, exponents, stride):
    network = Architecture(n_sites, window, p ** exponents[0], tuple(p**n for n in exponents[1:]))
    for partition, _ in symmetry_classes(n_sites, window)[::stride]:
        paths = strands_between(exponents, window, partition)
        used = [strand for path in paths for strand in path]
        assert len(set(used)) == len(used)
        assert all(digit < exponents[level] for level, _, digit in used)
        assert p ** len(paths) == min_cut_weight(network, partition)
        weights = built_weights(network, p, exponents, paths)
        matrix = matricization(coefficients_tensor(network, weights)[0], partition)
        # A constant times a projection up to order: identity tensor ones.
        kinds = np.unique(matrix, axis=0)
        assert len(kinds) == p ** len(paths)
        assert ((kinds != 0).sum(axis=0) == 1).all()
        assert len(np.unique(matrix[matrix != 0])) == 1
        values = np.linalg.svd(matrix.astype(float), compute_uv=False)[: len(kinds)]
        np.testing.assert_allclose(values, values[0], rtol=1e-9)  # a flat spectrum


def test_the_wide_tip_of_the_opening_is_settled_by_rounding():
    tip = Architecture.line(4, (2, 5, 6))
    for partition, _ in symmetry_classes(8, 2, size=4):
        assert theorem2_bound(tip, partition)[0] <= min_cut_weight(tip, partition)
    for word in ("AAAABBBB", "ABABABAB"):
        assert theorem2_bound(tip, word)[0] == min_cut_weight(tip, word)


def test_symmetric_tensors_cap_a_shared_network_at_three():
    line = Architecture.line(2, (4, 4))
    for seed in range(3):
        weights = random_weights(line, seed, "all", integers=99)
        A = coefficients_tensor(line, weights)[0]
        np.testing.assert_array_equal(A, A.swapaxes(0, 1))
        assert certify_rank(line, "AABB", seed, "all").rank == 3


def test_how_far_floats_see():
    medians = {}
    for depth in (2, 3, 4):
        line = Architecture.line(2, (2,) * depth)
        ratios = []
        for seed in range(60):
            A = coefficients_tensor(line, random_weights(line, seed))[0]
            word = "AB" * (line.n_sites // 2)
            values = np.linalg.svd(matricization(A, word), compute_uv=False)
            ratios.append(values[-1] / values[0])
        medians[line.n_sites] = np.median(ratios)
    assert medians[4] == pytest.approx(3e-3, rel=0.2)
    assert medians[8] == pytest.approx(4e-6, rel=0.2)
    assert medians[16] == pytest.approx(4e-11, rel=0.2)


# --- the checks ---------------------------------------------------------------------------

BY_HAND = [
    [(0, 0, 0), (1, 0, 0), (2, 0, 0), (1, 1, 0), (0, 2, 0)],
    [(0, 1, 0), (1, 0, 1), (2, 0, 1), (1, 1, 1), (0, 3, 0)],
]
IN_WINDOWS = {
    "ABBA": [[(0, 0, 0), (1, 0, 0), (0, 1, 0)], [(0, 3, 0), (1, 1, 1), (0, 2, 0)]],
    "ABAB": [[(0, 0, 0), (1, 0, 1), (0, 1, 0)], [(0, 2, 0), (1, 1, 1), (0, 3, 0)]],
    "AABB": BY_HAND,
    "BBAA": [path[::-1] for path in BY_HAND],
}


@pytest.mark.parametrize("word", ["ABBA", "ABAB", "BAAB", "BABA", "AABB", "BBAA"])
def test_two_paths_knows_paths(word):
    paths = strands_between((1, 2, 2), 2, as_partition(word))
    assert check.two_paths(paths, word)
    assert check.two_paths(np.array(paths).tolist(), word)
    assert not check.two_paths([path[::-1] for path in paths], word)
    assert "both paths use" in check.two_paths([paths[0], paths[0]], word).sentence
    for other, laid in IN_WINDOWS.items():
        assert bool(check.two_paths(laid, word)) == (other == word)


def test_two_paths_says_what_is_off():
    good = IN_WINDOWS["ABBA"]
    for wrong, said in [
        (good[:1], "got 1"),
        ([good[0], [(0, 3, 0), (1, 1, 2), (0, 2, 0)]], "no strand"),
        ([good[0], [(0, 3, 0), (1, 0, 1), (0, 2, 0)]], "no matrix joins"),
        ([good[0], [(0, 3, 0), (0, 2, 0)]], "no matrix joins"),
        ([good[0], [(0, 3, 0), (1, 1, 0), (2, 0, 0), (1, 1, 1), (0, 2, 0)]], "twice"),
        ([good[0], [(1, 1, 0), (0, 2, 0)]], "begins and ends at a site"),
        ([good[0], []], "begins and ends at a site"),
        (None, "a list of two paths"),
        ("AB", "a list of two paths"),
        ([[(0, 0)], [(0, 1)]], "a strand (level, place, digit)"),
        ([good[0], [(0, 0.5, 0)]], "a strand (level, place, digit)"),
    ]:
        verdict = check.two_paths(wrong)
        assert not verdict and said in verdict.sentence, (wrong, verdict)


@pytest.mark.parametrize("q", [2, 3, 5, 7, 11, 13])
def test_how_lucky(q):
    a, b, c, d = np.indices((q,) * 4)
    site = np.mean((a * d - b * c) % q != 0)
    luck = site**2 * (1 - 1 / q) ** 2
    assert check.how_lucky(luck, q)
    assert "one of the factors" in check.how_lucky(site, q).sentence
    assert "less likely" in check.how_lucky((1 + luck) / 2, q).sentence
    assert "likelier" in check.how_lucky(luck / 2, q).sentence
    for wrong in (None, "likely", 2, -1, np.nan):
        assert not check.how_lucky(wrong, q)


def test_luck_by_every_draw():
    full = 0
    for u in product(range(2), repeat=10):  # modulo 2: all 1,024 settings of ten weights
        U, V, D = np.reshape(u[:4], (2, 2)), np.reshape(u[4:8], (2, 2)), np.diag(u[8:])
        matrix = U.T @ D @ V
        full += (matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]) % 2
    assert check.how_lucky(full / 1024, 2)


CASES = [
    ([6, 6, 12, 3], "BBBAAAAA"),
    ([8, 12, 12, 3], "BBAABBAA"),
    ([9, 6, 3, 12], "BBAABABA"),
    ([12, 12, 6, 8], "BBBBBAAA"),
]


@pytest.mark.parametrize("case", CASES)
def test_two_bases(case):
    widths, word = case

    def cut(factors):
        return min_cut_weight(Architecture.line(factors[0], tuple(factors[1:])), word)

    bound, _ = theorem2_bound(Architecture.line(widths[0], tuple(widths[1:])), word)
    assert bound < cut(widths)  # one base is not enough
    powers = [
        [(2**m, 3**n) for m in range(4) for n in range(3) if 2**m * 3**n <= width]
        for width in widths
    ]
    verdicts = []
    for pairs in product(*powers):
        twos, threes = map(list, zip(*pairs, strict=True))
        verdict = check.two_bases(twos, threes, case)
        assert bool(verdict) == (cut(twos) * cut(threes) == cut(widths))
        verdicts.append(bool(verdict))
    assert 0 < sum(verdicts) < len(verdicts)
    assert certify_rank(Architecture.line(widths[0], tuple(widths[1:])), word).certified


def test_two_bases_says_what_is_off():
    assert "4 factors" in check.two_bases([2], [3]).sentence
    assert "6 is not a power of 2" in check.two_bases([6, 1, 1, 1], [1] * 4).sentence
    assert "0 is not a power of 3" in check.two_bases([1] * 4, [0, 1, 1, 1]).sentence
    assert "does not fit" in check.two_bases([4, 2, 2, 1], [3, 3, 3, 3]).sentence
    for wrong in (None, "twos", [0.5] * 4):
        assert not check.two_bases(wrong, [1] * 4)


def test_a_product_of_two_networks_has_the_product_of_their_ranks():
    # The solution's argument, on weights: Kronecker products node by node.
    word = "AABABBBA"
    first, second = Architecture.line(2, (2, 4, 2)), Architecture.line(3, (3, 3, 1))
    pairs = zip(
        random_weights(first, 0, integers=9), random_weights(second, 1, integers=9), strict=True
    )
    joint = [
        np.einsum("...ab,...cd->...acbd", u, v).reshape(
            *u.shape[:-2], u.shape[-2] * v.shape[-2], u.shape[-1] * v.shape[-1]
        )
        for u, v in pairs
    ]
    widths = [a * b for a, b in zip(first.widths, second.widths, strict=True)]
    both = Architecture.line(widths[0], tuple(widths[1:]))
    rng = np.random.default_rng(0)
    features = [rng.integers(-2, 3, size=(8, size)) for size in (2, 3)]
    paired = np.einsum("ja,jb->jab", *features).reshape(8, 6)

    def score(weights, v):
        *layers, dense = (layer.astype(object) for layer in weights)  # of any length
        for W in layers:
            z = np.einsum("joi,ji->jo", W, v)
            v = z[0::2] * z[1::2]
        return int((dense @ v[0])[0])

    assert [layer.shape for layer in joint] == list(both.weight_shapes())
    alone = [
        score(random_weights(net, seed, integers=9), v)
        for net, seed, v in zip((first, second), (0, 1), features, strict=True)
    ]
    assert score(joint, paired) == prod(alone) != 0
    assert min_cut_weight(first, word) * min_cut_weight(second, word) <= min_cut_weight(both, word)
