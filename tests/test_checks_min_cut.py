"""The checks of the chapter on the min-cut bound, and what its prose states without a cell."""

from itertools import product
from math import log, prod

import networkx as nx
import numpy as np
import pytest
from oracles import multiplicative_min_cut

from convac_book.checks import min_cut as check
from convac_book.symmetry_classes import symmetry_classes
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut, min_cut_weights
from convac_lib.partitions import random_balanced

SIDES = [["a", "b"], ["b", "e"], ["a", "b", "c"], ["a", "d", "g"], ["b", "d"], ["a", "b", "d"]]


def boundary(with_a):
    graph = nx.MultiGraph()
    graph.add_edges_from((u, v, {"bond": bond}) for u, v, bond in check.FIGURE_7)
    return [bond for _, _, bond in nx.edge_boundary(graph, {"A", *with_a}, data="bond")]


@pytest.mark.parametrize("with_a", SIDES)
def test_which_side(with_a):
    bonds = boundary(with_a)
    weight = prod(bonds)
    assert check.which_side(np.int64(weight), with_a)
    assert "multiplied" in check.which_side(sum(bonds), with_a).sentence
    for wrong in (weight + 1, 2 * weight, 0, weight + 0.5, None, "weight"):
        verdict = check.which_side(wrong, with_a)
        assert not verdict and str(weight) not in verdict.sentence.replace(repr(wrong), "")
    if "b" not in with_a:
        assert "two bonds" in check.which_side(weight // 6, with_a).sentence


@pytest.mark.parametrize("n_sites, M, r0", [(16, 3, 4), (8, 2, 2), (32, 4, 3), (64, 5, 6)])
def test_most_entangled(n_sites, M, r0):
    most = min(M, r0) ** (n_sites // 2)
    assert check.most_entangled(most, n_sites, M, r0)
    assert "lighter" in check.most_entangled(most + 1, n_sites, M, r0).sentence
    assert "larger" in check.most_entangled(most - 1, n_sites, M, r0).sentence
    for wrong in (most + 0.5, None, "most", most**2):
        assert not check.most_entangled(wrong, n_sites, M, r0)


def test_no_partition_of_eight_sites_is_above_the_interleaved_one():
    partitions = [partition for partition, _ in symmetry_classes(8, 2)]
    for widths in product((2, 3, 5), (2, 3, 4), (1, 3, 9), (1, 7)):
        line = Architecture.line(widths[0], widths[1:])
        assert max(min_cut_weights(line, partitions)) == min(widths[:2]) ** 4


WORDS = ["ABBBAAAABBABBBAA", "AAAABBAABABBBBBB", "AABAABBBAAABBBBA", "AAABBBAAABBBAAAB"]
WIDTHS = [[2, 3, 7, 4, 12], [3, 2, 4, 5, 6], [4, 3, 3, 9, 5], [5, 4, 6, 8, 8]]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("widths", WIDTHS)
def test_worth_widening(word, widths):
    def flow(widths):  # the second witness: a maximal flow in the tree of copy tensors
        tree = nx.Graph()
        for layer, width in enumerate(widths[1:]):
            for k in range(16 >> layer):
                tree.add_edge((layer, k), (layer + 1, k // 2), bond=min(widths[layer], width))
        sites = [[(0, k) for k, side in enumerate(word) if side == s] for s in "AB"]
        return multiplicative_min_cut(tree, *sites).weight

    raised = [[w + (n == place) for n, w in enumerate(widths)] for place in range(5)]
    worth = [place for place, wider in enumerate(raised) if flow(wider) > flow(widths)]
    assert check.worth_widening(worth, widths, word)
    assert check.worth_widening(np.array(worth), widths, word)
    assert "one more" in check.worth_widening(worth[:-1], widths, word).sentence
    idle = next(place for place in range(5) if place not in worth)
    assert f"widths[{idle}]" in check.worth_widening(sorted([*worth, idle]), widths, word).sentence
    assert not check.worth_widening([*worth, worth[0]], widths, word)
    assert "0 to 4" in check.worth_widening([5], widths, word).sentence
    for wrong in (None, 3, "M", [0.5]):
        assert not check.worth_widening(wrong, widths, word)


def test_where_two_cuts_tie_no_width_is_worth_raising():
    # M² = r0² ... = r1 = 4 for AABB: some minimal cut avoids each width.
    assert check.worth_widening([], (2, 4, 4), "AABB")


def in_units_of_the_largest(architecture, partition):
    counts = min_cut(architecture, partition).counts
    weight = sum(n * log(width) for n, width in zip(counts, architecture.widths, strict=True))
    return weight / (architecture.n_sites / 2 * log(min(architecture.widths[:2])))


def test_a_typical_partition_has_two_thirds_of_the_largest_cut():
    q, fraction = 0.5, 0.0
    for layer in range(60):
        fraction += 2**-layer * 2 * q**2
        q = q**2 + 2 * q * (1 - 2 * q)
    assert fraction == pytest.approx(2 / 3)

    def mean(first, top, n_sites=1024):
        channels = [4] * (n_sites.bit_length() - 1)
        channels[0], channels[-1] = first, top
        line = Architecture.line(4, channels)
        drawn = [random_balanced(n_sites, seed) for seed in range(60)]
        return np.mean([in_units_of_the_largest(line, partition) for partition in drawn])

    assert mean(4, 4) == pytest.approx(2 / 3, abs=0.01)
    assert mean(4, 2) == pytest.approx(2 / 3, abs=0.01)
    assert mean(2, 4) == pytest.approx(0.7, abs=0.02)
