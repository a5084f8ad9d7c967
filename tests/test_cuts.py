"""Minimal cuts: against every cut there is, against maximal flows, and against the laws."""

from collections import Counter
from functools import cache
from itertools import product
from math import prod

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import interleaved_cut, left_right_cut, multiplicative_min_cut, shallow_cut

from convac_book.symmetry_classes import symmetry_classes
from convac_lib import cuts
from convac_lib.architecture import Architecture
from convac_lib.cuts import (
    block_cuts,
    min_cut,
    min_cut_weight,
    min_cut_weights,
    theorem2_bound,
)
from convac_lib.fast import cuts as fast_cuts
from convac_lib.partitions import (
    as_partition,
    checkerboard,
    from_sites,
    halves,
    interleaved,
    left_right,
    prefix,
    random_balanced,
)

# Two witnesses by enumeration. Both return count vectors (n_M, n_0, ..., n_{L-1}) of cuts.


@cache
def delta_counts_by_side(n_sites):
    """For windows of 2: for each sides of layer 0's matrices, the (n_0, ...) of all cuts.

    All sides of all matrices and all deltas are tried. A delta is cut if one of its
    legs leads to the other side (eq. 34: however many do).
    """
    sizes = []  # matrices, deltas of layer 0, matrices, deltas of layer 1, ...
    size = n_sites
    while size > 1:
        sizes += [size, size // 2]
        size //= 2
    assignments = np.arange(2 ** sum(sizes))
    sides, shift = [], 0
    for size in sizes:
        sides.append([assignments >> shift + j & 1 for j in range(size)])
        shift += size
    counts = []
    for layer in range(len(sizes) // 2):
        matrices, deltas = sides[2 * layer], sides[2 * layer + 1]
        above = sides[2 * layer + 2] if 2 * layer + 2 < len(sides) else deltas
        cut = [
            (delta != matrices[2 * k]) | (delta != matrices[2 * k + 1]) | (delta != above[k])
            for k, delta in enumerate(deltas)
        ]
        counts.append(sum(map(np.int64, cut)))
    code = assignments & (2**n_sites - 1)  # the sides of layer 0's matrices, and 3 bits a count
    for layer, count in enumerate(counts):
        code |= count << n_sites + 3 * layer
    found = [set() for _ in range(2**n_sites)]
    for one in np.flatnonzero(np.bincount(code)).tolist():
        bottom, rest = one & (2**n_sites - 1), one >> n_sites
        found[bottom].add(tuple(rest >> 3 * layer & 7 for layer in range(len(counts))))
    return found


def cuts_by_sides(partition):
    word = sum(1 << site for site in np.flatnonzero(partition).tolist())
    found = set()
    for bottom, vectors in enumerate(delta_counts_by_side(partition.size)):
        found |= {((bottom ^ word).bit_count(), *vector) for vector in vectors}
    return np.array(sorted(found))


def cuts_by_nets(partition, window):
    """Try every set of nets (inputs and deltas): it is a cut if what is left parts A from B."""
    n_sites = partition.size
    word = sum(1 << site for site in np.flatnonzero(partition).tolist())
    kept = np.arange(2**n_sites)  # the inputs that are not cut, as bits
    inputs_cut = n_sites - np.bitwise_count(kept).astype(int)
    sizes = []
    while n_sites > 1:
        n_sites //= window
        sizes.append(n_sites)
    found = set()
    for deltas in product(*(product((False, True), repeat=size) for size in sizes)):
        components, closed = [1 << site for site in range(partition.size)], []
        for layer in deltas:
            joined = []
            for k, cut in enumerate(layer):
                children = components[k * window : (k + 1) * window]
                if cut:
                    closed += children
                joined.append(0 if cut else sum(children))
            components = joined
        parts = np.ones(kept.shape, dtype=bool)
        for component in closed + components:
            parts &= (kept & component & word == 0) | (kept & component & ~word == 0)
        counts = tuple(map(sum, deltas))
        found |= {(n, *counts) for n in np.unique(inputs_cut[parts]).tolist()}
    return np.array(sorted(found))


def smallest(vectors, widths):
    """The smallest product of widths over the cuts, for many widths at once; exact in int64."""
    weights = np.prod(widths[:, None, :] ** vectors, axis=-1)
    return weights.min(axis=1)


@pytest.mark.parametrize("n_sites", [2, 4, 8])
def test_every_network_up_to_8_sites_against_every_cut(n_sites):
    depth = n_sites.bit_length() - 1
    widths = np.array(list(product(range(1, 5), repeat=depth + 1)))
    partitions = [partition for partition, _ in symmetry_classes(n_sites, 2)]
    expected = []
    for partition in partitions:
        by_sides, by_nets = cuts_by_sides(partition), cuts_by_nets(partition, 2)
        expected.append(smallest(by_sides, widths))
        np.testing.assert_array_equal(expected[-1], smallest(by_nets, widths))
    for number, (local_dim, *channels) in enumerate(widths.tolist()):
        line = Architecture.line(local_dim, channels)
        assert min_cut_weights(line, partitions) == [w[number] for w in expected]
        assert [min_cut_weight(line, p) for p in partitions] == [w[number] for w in expected]


def test_a_sample_of_2x2_windows_against_every_cut():
    rng = np.random.default_rng(3)
    classes = [partition for partition, _ in symmetry_classes(16, 4)]
    assert len(classes) == 68  # 70, less the two with an empty side
    widths = rng.integers(1, 8, size=(60, 3))
    for choice in rng.choice(len(classes), size=12, replace=False):
        expected = smallest(cuts_by_nets(classes[choice], 4), widths)
        for row, weight in zip(widths.tolist(), expected.tolist(), strict=True):
            network = Architecture(16, 4, row[0], tuple(row[1:]))
            assert min_cut(network, classes[choice]).weight == weight


def test_worked_by_hand():
    line = Architecture.line(local_dim=2, channels=(3, 4, 5))
    cut = min_cut(line, "AABB AABB")  # windows AA and BB; each half parted by one r_0 = 3
    assert cut.counts == (0, 2, 0, 0)
    assert cut.weight == 9
    assert cut.as_product() == "r0² = 9"
    assert min_cut_weight(line, "AAAA BBBB") == 4  # r_1, beside r_2 = 5, r_0^2 = 9, M^4 = 16
    assert min_cut_weight(line, "ABBB BBBB") == 2  # the one input


def test_legs_of_one_delta_count_once():
    # Two of the window's four sites are in A. One delta of 3 severs all four legs at once;
    # leg by leg it would be 3 * 3, more than the two inputs.
    network = Architecture(4, 4, 3, (3,))
    assert min_cut_weight(network, "AABB") == 3


# --- exact for any integers ---------------------------------------------------------------


def random_networks(rng, number, largest=9, sizes=((2, 6), (3, 3), (4, 3), (6, 2), (5, 2))):
    for _ in range(number):
        window, deepest = sizes[rng.integers(len(sizes))]
        depth = int(rng.integers(1, deepest + 1))
        local_dim, *channels = rng.integers(1, largest + 1, depth + 1).tolist()
        network = Architecture(window**depth, window, local_dim, tuple(channels))
        partition = rng.random(network.n_sites) < rng.choice([0.2, 0.5])
        partition[0], partition[-1] = True, False
        rng.shuffle(partition)
        yield network, partition


@pytest.mark.parametrize("largest", [3, 12, 10**3, 10**25])
def test_fast_sweep_equals_the_recursion(largest):
    rng = np.random.default_rng(largest % 1000)
    for network, partition in random_networks(rng, 60, largest=min(largest, 10**6)):
        lift = max(1, largest // 10**6)
        local_dim, *channels = (width * lift + 1 for width in network.widths)
        network = Architecture(network.n_sites, network.window, local_dim, tuple(channels))
        assert min_cut(network, partition).weight == min_cut_weight(network, partition)


@pytest.mark.parametrize("digits", [6, 9, 15, 40])
@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_products_that_a_float_cannot_tell_apart(digits, sign):
    # Cutting the left half from the right one costs r_1, or r_0^2 = (10^k)^2. They differ
    # by one part in 10^2k, which the logarithms in double precision do not show for k >= 8.
    base = 10**digits
    line = Architecture.line(base**3, (base, base**2 + sign, base**9))
    cut = min_cut(line, "AAAABBBB")
    assert cut.weight == min(base**2, base**2 + sign) == min_cut_weight(line, "AAAABBBB")
    assert cut.counts == ((0, 0, 1, 0) if sign < 0 else (0, 2, 0, 0))


@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_near_ties_far_up_the_tree(sign):
    # r_0^2 = 9 q^2 and r_1 = 9 q^2 + sign, one part in 10^41 apart, under two more layers.
    q = 10**20 + 39
    line = Architecture.line(10**60, (3 * q, q * q * 9 + sign, 10**90, 10**90))
    for partition in symmetry_classes(16, 2)[::5]:
        assert min_cut(line, partition[0]).weight == min_cut_weight(line, partition[0])
    assert min_cut(line, prefix(16, 4)).weight == min(9 * q * q, 9 * q * q + sign)


def test_ties_keep_the_deltas_whole():
    # 2^4 inputs, 4^2 deltas of layer 0, one of 16 in layer 1, the top: all weigh the same.
    cut = min_cut(Architecture.line(2, (4, 16, 16)), "AAAABBBB")
    assert cut.counts == (4, 0, 0, 0)


def test_many_partitions_in_one_call():
    rng = np.random.default_rng(5)
    for network, _ in random_networks(rng, 20):
        partitions = rng.random((50, network.n_sites)) < 0.5
        partitions[:, 0], partitions[:, -1] = True, False
        weights = min_cut_weights(network, partitions)
        assert weights == [min_cut_weight(network, partition) for partition in partitions]
        assert all(type(weight) is int for weight in weights)


def test_large_networks():
    n_sites = 2**16
    line = Architecture.line(3, (5, 7, 4, 9) * 4)
    assert min_cut(line, interleaved(n_sites)).weight == 3 ** (n_sites // 2)
    partition = random_balanced(n_sites, seed=0)
    cut = min_cut(line, partition)
    assert cut.weight == min_cut_weight(line, partition)
    assert "≈ 10^" in cut.as_product()
    shallow = Architecture.shallow(n_sites, 2, 10**30)
    assert min_cut(shallow, prefix(n_sites, 77)).weight == 2**77


@st.composite
def networks_of_blocks(draw):
    """Draw a network whose windows make blocks of 8 sites or fewer, and some partitions."""
    window, depth = draw(st.sampled_from([(2, 4), (2, 5), (2, 7), (4, 2), (4, 3), (8, 2)]))
    largest = draw(st.sampled_from([2, 9, 2**31, 2**62, 2**63 - 1, 2**64, 10**40]))
    widths = draw(st.lists(st.integers(1, largest), min_size=depth + 1, max_size=depth + 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    partitions = rng.random((draw(st.integers(1, 5)), window**depth)) < draw(
        st.sampled_from([0.05, 0.5])
    )
    partitions[:, 0], partitions[:, -1] = True, False
    return Architecture(window**depth, window, widths[0], tuple(widths[1:])), partitions


@settings(max_examples=100, deadline=None)
@given(networks_of_blocks())
def test_blocks_of_sites_are_looked_up_to_the_same_effect(drawn):
    architecture, partitions = drawn
    found = []
    for many in (1, 2**60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fast_cuts, "MANY", many)
            found.append(fast_cuts.minimal_sides(architecture, partitions))
    (counts, sides, parted), (counts_too, sides_too, parted_too) = found
    np.testing.assert_array_equal(counts, counts_too)
    for mine, its in zip([*sides, *parted], [*sides_too, *parted_too], strict=True):
        assert mine.dtype == its.dtype == bool and mine.shape == its.shape
        np.testing.assert_array_equal(mine, its)
    widths = architecture.widths
    weights = [prod(w**n for w, n in zip(widths, row, strict=True)) for row in counts.tolist()]
    assert weights == [min_cut_weight(architecture, partition) for partition in partitions]


@pytest.mark.parametrize("base", [2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 + 1])
@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_products_next_to_the_end_of_64_bits(base, sign):
    line = Architecture.line(base, (base, base**2 + sign, base**2))
    for partition in symmetry_classes(8, 2)[::3]:
        assert min_cut(line, partition[0]).weight == min_cut_weight(line, partition[0])
    assert min_cut(line, "AAAABBBB").weight == min(base**2, base**2 + sign)


# --- where the cut runs -------------------------------------------------------------------


def network_graph(architecture):
    """The tensor network as a graph, written out anew (eq. 12 and Fig. 5)."""
    graph = nx.Graph()
    for site in range(architecture.n_sites):
        graph.add_edge(("input", site), ("weight", 0, site), bond=architecture.local_dim)
    for layer, bond in enumerate(architecture.channels):
        for j in range(architecture.locations(layer)):
            delta = ("delta", layer, j // architecture.window)
            graph.add_node(delta, kind="delta")
            graph.add_edge(("weight", layer, j), delta, bond=bond)
        for k in range(architecture.locations(layer) // architecture.window):
            last = layer == architecture.depth - 1
            above = ("output",) if last else ("weight", layer + 1, k)
            graph.add_edge(("delta", layer, k), above, bond=bond)
    return graph


def check_edges_and_sides(architecture, partition, cut):
    graph = network_graph(architecture)
    assert set(cut.sides) == set(graph)
    assert [cut.sides["input", j] for j in range(partition.size)] == partition.tolist()
    severed = {frozenset(e) for e in graph.edges if cut.sides[e[0]] != cut.sides[e[1]]}
    assert {frozenset(edge) for edge in cut.edges} == severed
    assert len(cut.edges) == len(severed)
    groups = {next((v for v in edge if v[0] == "delta"), tuple(edge)) for edge in cut.edges}
    bonds = {
        next((v for v in edge if v[0] == "delta"), tuple(edge)): graph.edges[edge]["bond"]
        for edge in cut.edges
    }
    assert prod(bonds.values()) == cut.weight
    assert len(groups) == sum(cut.counts)
    if architecture.window == 2:  # every cut delta loses one leg: the edge cut of eq. 15
        assert len(cut.edges) == sum(cut.counts)
    lost = Counter(node for edge in cut.edges for node in edge if node[0] == "delta")
    assert all(2 * legs <= architecture.window + 1 for legs in lost.values())
    graph.remove_edges_from(cut.edges)
    for piece in nx.connected_components(graph):
        assert len({partition[node[1]] for node in piece if node[0] == "input"}) <= 1


def test_edges_and_sides_part_the_sites_and_give_the_weight():
    rng = np.random.default_rng(7)
    for network, partition in random_networks(rng, 120):
        check_edges_and_sides(network, partition, min_cut(network, partition))


def test_a_cut_does_not_follow_later_changes_of_the_partition():
    partition = left_right(4)
    cut = min_cut(Architecture.line(2, (4, 4)), partition)
    partition[:] = True
    assert cut.edges == [(("input", 2), ("weight", 0, 2)), (("input", 3), ("weight", 0, 3))]


# --- graphs -------------------------------------------------------------------------------

FIGURE_7 = [
    ("A", "a", 2), ("A", "b", 6), ("A", "b", 6), ("a", "b", 6), ("a", "c", 2), ("a", "d", 10),
    ("b", "e", 6), ("c", "B", 10), ("c", "f", 10), ("d", "f", 2), ("d", "g", 2), ("e", "g", 2),
    ("f", "B", 10), ("g", "B", 10),
]  # fmt: skip


def figure_7():
    graph = nx.MultiGraph()
    graph.add_edges_from((u, v, {"bond": bond}) for u, v, bond in FIGURE_7)
    return graph


def test_figure_7():
    cut = multiplicative_min_cut(figure_7(), ["A"], ["B"])
    assert cut.weight == 16
    assert {"".join(sorted(edge)) for edge in cut.edges} == {"ac", "df", "dg", "eg"}
    assert cut.sides["A"] and not cut.sides["B"]
    inner = "abcdefg"  # the second witness: all sides of the seven tensors
    weights = []
    for sides in product((True, False), repeat=len(inner)):
        side = {"A": True, "B": False, **dict(zip(inner, sides, strict=True))}
        weights.append(prod(bond for u, v, bond in FIGURE_7 if side[u] != side[v]))
    assert min(weights) == 16


def test_figure_15_one_tensor_becomes_a_delta():
    graph = figure_7()
    graph.nodes["b"]["kind"] = "delta"
    cut = multiplicative_min_cut(graph, ["A"], ["B"])
    assert cut.weight == 12  # its legs of 6 once, and A-a
    graph.remove_edges_from(list(cut.edges))
    assert not nx.has_path(graph, "A", "B")


def test_against_maximal_flow():
    rng = np.random.default_rng(8)
    for network, partition in random_networks(rng, 250):
        inputs = [("input", site) for site in range(network.n_sites)]
        in_a = [node for node, side in zip(inputs, partition, strict=True) if side]
        in_b = [node for node, side in zip(inputs, partition, strict=True) if not side]
        cut = multiplicative_min_cut(network_graph(network), in_a, in_b)
        assert cut.weight == min_cut(network, partition).weight


def test_maximal_flow_is_exact_too():
    for sign in (-1, 1):
        base = 10**12
        line = Architecture.line(base**3, (base, base**2 + sign, base**9))
        graph = network_graph(line)
        inputs = [("input", site) for site in range(8)]
        cut = multiplicative_min_cut(graph, inputs[:4], inputs[4:])
        assert cut.weight == min(base**2, base**2 + sign)


# --- Theorem 2 ----------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**60), st.integers(1, 200))
def test_roots_are_rounded_down(number, exponent):
    root = cuts._root(number, exponent)
    assert root**exponent <= number < (root + 1) ** exponent
    assert cuts._root(root**exponent, exponent) == root


def theorem2_by_trying_every_p(architecture, partition):
    bounds = {}
    for p in range(2, max(*architecture.widths, 2) + 1):
        powers = [p**n for n in range(12)]
        local_dim, *channels = (
            max(power for power in powers if power <= width) for width in architecture.widths
        )
        bounds[p] = min_cut_weight(
            Architecture(architecture.n_sites, architecture.window, local_dim, tuple(channels)),
            partition,
        )
    return max((bound, -p) for p, bound in bounds.items())


def test_theorem_2_bound_is_the_largest_over_every_p():
    rng = np.random.default_rng(9)
    for network, partition in random_networks(rng, 80, largest=40, sizes=((2, 4), (4, 2))):
        bound, minus_p = theorem2_by_trying_every_p(network, partition)
        assert theorem2_bound(network, partition) == (bound, -minus_p)
        assert bound <= min_cut_weight(network, partition)


def test_theorem_2_on_the_known_failures():
    line = Architecture.line(2, (3, 11, 5, 2))
    sites = from_sites(16, (0, 1, 3, 8, 12, 13, 14, 15))
    assert (min_cut_weight(line, sites), theorem2_bound(line, sites)) == (60, (32, 2))
    image = Architecture.for_image(4, 2, (3, 2))
    word = "BBBB BBBB BAAA BAAA"
    assert (min_cut_weight(image, word), theorem2_bound(image, word)) == (8, (4, 2))


def test_powers_of_one_integer_need_no_rounding():
    for p in (2, 3, 6):
        network = Architecture.line(p, (p**2, p, p**3))
        for partition, _ in symmetry_classes(8, 2):
            assert theorem2_bound(network, partition)[0] == min_cut_weight(network, partition)


# --- laws ---------------------------------------------------------------------------------


@st.composite
def networks_and_partitions(draw):
    window, depth = draw(st.sampled_from([(2, 1), (2, 2), (2, 4), (3, 2), (4, 2), (8, 1)]))
    widths = draw(st.lists(st.integers(1, 12), min_size=depth + 1, max_size=depth + 1))
    n_sites = window**depth
    bits = draw(st.integers(1, 2**n_sites - 2))
    network = Architecture(n_sites, window, widths[0], tuple(widths[1:]))
    return network, (bits >> np.arange(n_sites) & 1).astype(bool)


def shuffled_windows(partition, window, random):
    """Exchange the branches below every delta at random: an automorphism of the tree."""
    if partition.size == 1:
        return partition
    branches = np.split(partition, window)
    random.shuffle(branches)
    return np.concatenate([shuffled_windows(branch, window, random) for branch in branches])


law = settings(max_examples=150, deadline=None)


@law
@given(networks_and_partitions())
def test_symmetric_in_a_and_b(case):
    network, partition = case
    assert min_cut(network, partition).weight == min_cut(network, ~partition).weight


@law
@given(networks_and_partitions(), st.integers(0, 4), st.integers(1, 5))
def test_monotone_in_every_width(case, position, more):
    network, partition = case
    widths = list(network.widths)
    widths[position % len(widths)] += more
    wider = Architecture(network.n_sites, network.window, widths[0], tuple(widths[1:]))
    assert min_cut(network, partition).weight <= min_cut(wider, partition).weight


@law
@given(networks_and_partitions())
def test_never_above_the_smaller_side(case):
    network, partition = case
    smaller = min(partition.sum(), (~partition).sum())
    assert min_cut(network, partition).weight <= network.local_dim ** int(smaller)


@law
@given(networks_and_partitions(), st.randoms(use_true_random=False))
def test_unchanged_by_automorphisms_of_the_tree(case, random):
    network, partition = case
    moved = shuffled_windows(partition, network.window, random)
    assert min_cut(network, moved).weight == min_cut(network, partition).weight


# --- closed forms -------------------------------------------------------------------------


def some_widths(rng, number, depth):
    return rng.integers(1, 10, size=(number, depth + 1)).tolist()


@pytest.mark.parametrize("window, depth", [(2, 1), (2, 2), (2, 5), (4, 1), (4, 3), (6, 2)])
def test_left_right_and_interleaved_formulas(window, depth):
    rng = np.random.default_rng(window * depth)
    for local_dim, *channels in some_widths(rng, 80, depth):
        network = Architecture(window**depth, window, local_dim, tuple(channels))
        n_sites = network.n_sites
        assert left_right_cut(network) == min_cut_weight(network, left_right(n_sites))
        assert interleaved_cut(network) == min_cut_weight(network, interleaved(n_sites))


def test_equation_16_as_printed_and_its_top_term():
    # min(r_3, r_2, r_1^2, r_0^4, M^8) for N = 16; each term in turn is the smallest.
    for widths in ("99995", "99959", "99299", "91999", "19999"):
        m, r0, r1, r2, r3 = map(int, widths)
        line = Architecture.line(m, (r0, r1, r2, r3))
        assert left_right_cut(line) == min(r3, r2, r1**2, r0**4, m**8)
        assert left_right_cut(line) == min_cut_weight(line, left_right(16))


def test_equation_17_as_it_should_read():
    # Ranks 16 and 81 were found for windows of 2, 81 and 256 for windows of 4.
    assert interleaved_cut(Architecture.line(2, (2, 2, 2))) == 16
    assert interleaved_cut(Architecture.line(3, (3, 3, 3))) == 81
    for r0, expected in ((3, 81), (5, 256)):
        image = Architecture.for_image(4, 2, (r0, 9))
        assert interleaved_cut(image) == expected == min_cut_weight(image, checkerboard(4))
        # As printed, r_0^(N/4) for windows of 2 would be too small.
        line = Architecture.line(2, (r0, 9, 9, 9))
        assert interleaved_cut(line) == min(r0, 2) ** 8 == min_cut_weight(line, interleaved(16))


def test_left_right_of_an_image_is_the_same_formula():
    rng = np.random.default_rng(10)
    for local_dim, *channels in some_widths(rng, 30, 3):
        image = Architecture.for_image(8, local_dim, channels)
        for axis in ("left-right", "top-bottom"):
            assert left_right_cut(image) == min_cut_weight(image, halves(8, axis))


def test_shallow_formula():
    for channels, local_dim in product((1, 2, 5, 20, 300), (1, 2, 3)):
        network = Architecture.shallow(8, local_dim, channels)
        for partition, _ in symmetry_classes(8, 8):
            assert shallow_cut(network, partition) == min_cut_weight(network, partition)


@given(
    window=st.sampled_from([2, 4]), local_dim=st.integers(1, 6),
    channels=st.lists(st.integers(1, 12), min_size=1, max_size=3),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_block_cuts_are_minimal_cuts(window, local_dim, channels):
    network = Architecture(window ** len(channels), window, local_dim, channels)
    for level, cut in enumerate(block_cuts(network)):
        blocks = np.arange(network.n_sites) // window**level % 2 == 0
        assert cut ** (network.n_sites // window ** (level + 1)) == min_cut_weight(network, blocks)


# --- bad input ----------------------------------------------------------------------------

LINE = Architecture.line(2, (3, 4))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: min_cut(LINE, "ABA"), "partition must have one entry for each of the 4 sites"),
        (lambda: min_cut(LINE, "AAAA"), "must have a site on each side, but B is empty"),
        (lambda: min_cut_weight(LINE, [0, 1, 2, 0]), "partition must hold booleans"),
        (lambda: min_cut_weights(LINE, []), "partitions must hold at least one partition"),
        (lambda: min_cut_weights(LINE, "AABB"), "partitions must be a list"),
        (lambda: min_cut_weights(LINE, np.ones((3, 4), dtype=bool)), "but B is empty"),
        (lambda: min_cut_weights(LINE, ["AABB", "AB"]), "each of the 4 sites, got 2"),
        (lambda: block_cuts(Architecture(9, 3, 2, (2, 2))), "even window, got window=3"),
        (lambda: theorem2_bound(LINE, "BBBB"), "partition must have a site on each side"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_partitions_in_every_form():
    word = "ABBA"
    forms = [word, as_partition(word), [1, 0, 0, 1], [True, False, False, True]]
    assert {min_cut(LINE, form).weight for form in forms} == {min_cut_weight(LINE, word)}
    assert min_cut_weights(LINE, np.array([[1, 0, 0, 1]])) == [min_cut_weight(LINE, word)]


def test_a_cut_shows_its_product():
    assert repr(cuts.min_cut(Architecture.line(4, (4, 2, 2)), "ABABABAB")) == "Cut(M⁴ = 256)"
