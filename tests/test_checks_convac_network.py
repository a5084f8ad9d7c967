"""The checks of the chapter on the ConvAC's network, and what its prose states without a cell."""

from itertools import product
from math import comb

import networkx as nx
import numpy as np
import pytest

from convac_book.checks import convac_network as check
from convac_book.contraction import delta_tensor
from convac_lib import Architecture, min_cut

ORDERS = [
    [2, 0, 6, 1, 3, 5, 4],
    [6, 4, 5, 0, 1, 2, 3],
    [3, 5, 1, 0, 6, 2, 4],
    [1, 4, 3, 6, 0, 5, 2],
]
WORDS = ["xa", "xb", "zc", "zd", "kx", "kz", "yk"]


def formula(words, order, result="yabcd"):
    return ",".join(words[k] for k in order) + "->" + result


@pytest.mark.parametrize("order", ORDERS)
def test_letters_only_knows_the_formula(order):
    assert check.letters_only(formula(WORDS, order), order)
    assert check.letters_only(formula(WORDS, order).replace(",", ", "), order)
    other_letters = [word.translate(str.maketrans("xzk", "KLM")) for word in WORDS]
    assert check.letters_only(formula(other_letters, order), order)


@pytest.mark.parametrize("order", ORDERS)
def test_letters_only_finds_what_is_wrong(order):
    wrong_axes = check.letters_only(formula(WORDS, order, "abcdy"), order)
    assert not wrong_axes and "must have axes" in wrong_axes.sentence
    turned = [word[::-1] for word in WORDS]
    assert "refuses" in check.letters_only(formula(turned, order), order).sentence
    crossed = ["xa", "zb", "xc", "zd", "kx", "kz", "yk"]  # sites 1, 3 and 2, 4 pooled
    assert "share a letter" in check.letters_only(formula(crossed, order), order).sentence
    apart = ["xa", "wb", "zc", "zd", "kx", "kz", "yk"]  # site 2 is summed on its own
    assert not check.letters_only(formula(apart, order), order)
    assert not check.letters_only(formula(WORDS, order[::-1]), order)


@pytest.mark.parametrize(
    "wrong", [None, 5, "", "ma,mb", "->", "a->b->c", ["ma"], "é,1,?,a,b,c,d->y"]
)
def test_letters_only_refuses_what_is_no_formula(wrong):
    assert not check.letters_only(wrong)


@pytest.mark.parametrize("seed, bond", [(3, 5), (1, 2), (2, 3), (4, 6), (5, 7), (6, 4)])
def test_web_of_copies_knows_the_value(seed, bond):
    graph = nx.MultiGraph(check.web(seed))
    pieces = nx.number_connected_components(graph)
    assert pieces > 1 and min(dict(graph.degree).values()) >= 1
    assert check.web_of_copies(bond**pieces, seed, bond)
    for wrong in (bond, bond * pieces, bond ** (pieces + 1), bond ** len(graph), 0, None, "x", 2.5):
        assert not check.web_of_copies(wrong, seed, bond)
    assert "multiply" in check.web_of_copies(bond * pieces, seed, bond).sentence
    assert "disagree" in check.web_of_copies(bond ** len(graph), seed, bond).sentence


@pytest.mark.parametrize("bonds", [[(0, 1)], [(0, 1), (1, 2), (2, 0)], [(0, 1), (0, 1), (2, 3)]])
def test_a_small_web_is_worth_what_brute_force_says(bonds):
    bond, nodes = 3, sorted({node for pair in bonds for node in pair})
    total = 0
    for values in product(range(bond), repeat=len(bonds)):
        legs = {n: [v for v, pair in zip(values, bonds, strict=True) if n in pair] for n in nodes}
        total += int(np.prod([delta_tensor(len(v), bond)[tuple(v)] for v in legs.values()]))
    pieces = nx.number_connected_components(nx.MultiGraph(bonds))
    assert total == bond**pieces
    assert check._count_pieces(bonds) == pieces


def joint(seed, local_dim):
    return np.random.default_rng(seed).normal(size=(4, local_dim, local_dim))


@pytest.mark.parametrize("seed, local_dim", [(3, 3), (1, 2), (2, 4), (4, 5)])
def test_dense_joint_knows_an_imitation(seed, local_dim):
    T = joint(seed, local_dim)
    pairs = list(product(range(local_dim), repeat=2))[::-1]
    left, right = (np.eye(local_dim)[[pair[side] for pair in pairs]] for side in (0, 1))
    mix = np.stack([T[:, a, b] for a, b in pairs], axis=1)
    assert check.dense_joint((left, right, mix), seed, local_dim)
    assert check.dense_joint([left.tolist(), 2 * right, mix / 2], seed, local_dim)
    assert "exchanged" in check.dense_joint((right, left, mix), seed, local_dim).sentence
    assert "entries" in check.dense_joint((left, right, mix[:, ::-1]), seed, local_dim).sentence
    assert "shape" in check.dense_joint((left, right, mix[:, :-1]), seed, local_dim).sentence
    wide = [np.repeat(m, 2, axis=0) for m in (left, right)]
    too_wide = check.dense_joint((*wide, np.repeat(mix, 2, axis=1) / 2), seed, local_dim)
    assert not too_wide and "more than M^2" in too_wide.sentence


@pytest.mark.parametrize("wrong", [None, 5, (), "abc", ([1], [2], [3]), ([[np.nan]],) * 3])
def test_dense_joint_refuses_what_has_another_form(wrong):
    assert not check.dense_joint(wrong)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_overlapping_windows_need_each_site_binomially_often(depth):
    def score(scales):  # all features are positive, so that logarithms give the degree
        v = np.array(scales, dtype=float)
        while len(v) > 1:
            v = v[:-1] * v[1:]
        return v[0]

    for j in range(depth + 1):
        doubled = np.ones(depth + 1)
        doubled[j] = 2
        assert np.log2(score(doubled)) == comb(depth, j)
    assert sum(comb(depth, j) for j in range(depth + 1)) == 2**depth


def general_tree_cut(architecture, sides):
    """The minimal cut of a tree with full joints: every bond counts by itself."""
    M, *channels = architecture.widths
    # cost[s] of what hangs on a node, with the node on side s.
    level = [[1 if side == s else min(M, channels[0]) for s in (0, 1)] for side in sides]
    for layer in range(len(channels)):
        joints = []
        for left, right in zip(level[::2], level[1::2], strict=True):
            bond = channels[layer]
            best = [[min(c[s], bond * c[1 - s]) for s in (0, 1)] for c in (left, right)]
            joints.append([best[0][s] * best[1][s] for s in (0, 1)])
        level = joints
    return min(level[0])


@pytest.mark.parametrize("local_dim, width", list(product([2, 3, 5], [1, 2, 4, 6])))
def test_with_equal_channels_a_general_tree_has_the_same_cuts(local_dim, width):
    equal = Architecture.line(local_dim, (width,) * 3)
    words = [tuple(word) for word in product([0, 1], repeat=8) if 0 < sum(word) < 8]
    differ = [w for w in words if general_tree_cut(equal, w) != min_cut(equal, w).weight]
    assert differ == []


def test_with_growing_channels_a_general_tree_can_cut_dearer():
    growing = Architecture.line(2, (2, 4))
    assert general_tree_cut(growing, (0, 0, 1, 1)) == 4
    assert min_cut(growing, "AABB").weight == 2
