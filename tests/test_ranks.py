"""Certified ranks, against the explicit coefficients tensor and the paper's theorem.

The independent route to every rank is the long one: all M^N coefficients as exact
integers, arranged as a matrix, ranked by elimination.
"""

import tracemalloc
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import generic_rank

from convac_book.symmetry_classes import symmetry_classes
from convac_lib import folding, modular, ranks
from convac_lib.architecture import SHARING, Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import coefficients_tensor, random_weights
from convac_lib.partitions import as_word, blocks, from_sites, halves, interleaved, left_right
from convac_lib.ranks import certify_rank
from convac_lib.states import matricization, schmidt_number

PRIME = modular.large_prime(0)


def explicit_matrix(architecture, partition, seed=0, share="none", high=PRIME // 2):
    """Return the matricization of random integer weights, every entry a Python integer."""
    weights = random_weights(architecture, seed, share, integers=high)
    return matricization(coefficients_tensor(architecture, weights)[0], partition)


@st.composite
def networks(draw):
    """Draw a small network of any window and a partition of its sites."""
    window, depth = draw(st.sampled_from([(2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1), (8, 1)]))
    n_sites = window**depth
    local_dim = draw(st.integers(1, 3 if n_sites < 8 else 2))
    channels = draw(st.lists(st.integers(1, 6), min_size=depth, max_size=depth))
    sides = draw(st.lists(st.booleans(), min_size=n_sites, max_size=n_sites))
    sides[draw(st.integers(0, n_sites - 1))] ^= len(set(sides)) == 1
    return Architecture(n_sites, window, local_dim, tuple(channels)), np.array(sides)


# --- against the explicit tensor --------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(0, 10**6), st.sampled_from(SHARING))
def test_rank_is_that_of_the_explicit_tensor(network, seed, share):
    architecture, partition = network
    found = certify_rank(architecture, partition, seed, share)
    matrix = explicit_matrix(architecture, partition, seed, share)
    assert found.rank == modular.rank(matrix, PRIME)
    assert found.rank <= found.cut == min_cut_weight(architecture, partition)


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(0, 10**6))
def test_rational_rank_is_between_the_rank_and_the_cut(network, seed):
    # The chain of inequalities of a certificate, with weights so small that the
    # draw is often unlucky: rank mod p <= rank over the rationals <= cut.
    architecture, partition = network
    matrix = explicit_matrix(architecture, partition, seed, high=1)
    assert modular.rank(matrix, 3) <= schmidt_number(matrix, "AB")
    assert schmidt_number(matrix, "AB") <= min_cut_weight(architecture, partition)


@pytest.mark.parametrize(
    ("architecture", "word"),
    [
        # Kronecker products of these children exceed the cut: probes at the top
        (Architecture(16, 4, 2, (4, 2)), "BBAA BBAA BBAA BAAA"),
        (Architecture(16, 4, 2, (4, 4)), "BBBA BBAA BBAA BBAA"),
        (Architecture.line(2, (5, 4, 3, 5)), "BBAA BABA BBAA BAAA"),
        (Architecture(9, 3, 4, (5, 2)), "AAB ABB ABB"),
    ],
)
def test_random_probes_lose_no_rank(monkeypatch, architecture, word):
    tops = []

    class Watched(ranks.RandomProbes):
        def join_top(self, x, y, top):
            tops.append(max(x.shape[1] * y.shape[1], x.shape[2] * y.shape[2]))
            return super().join_top(x, y, top)

    monkeypatch.setattr(ranks, "RandomProbes", Watched)
    found = certify_rank(architecture, word)
    assert tops[0] > found.cut  # more rows or columns than are kept
    assert found.rank == modular.rank(explicit_matrix(architecture, word), PRIME)


def test_a_fold_keeps_only_as_many_rows_as_it_is_asked_for():
    # Fewer rows than the rank hide the rest of it, and no more.
    architecture, partition = Architecture.line(3, (9, 9, 9)), interleaved(8)  # rank 81
    weights = [layer.astype(float) for layer in random_weights(architecture, 0, integers=1000)]
    for most in (40, 81, 95):
        probes = ranks.RandomProbes(PRIME, np.random.default_rng(0), most)
        matrix = folding.fold(architecture, partition, weights, probes)
        assert max(matrix.shape) <= most
        assert modular.rank(matrix, PRIME) == min(most, 81)


@pytest.mark.parametrize("most", [3, 100])
def test_channels_that_the_top_does_not_read_add_no_rank(most):
    # Left against right, each channel adds 1. With at most 3 rows the top is probed.
    architecture, partition = Architecture.line(2, (4, 4, 4)), left_right(8)
    *kernels, _ = (layer.astype(float) for layer in random_weights(architecture, 0, integers=1000))
    for top in ([1, 1, 1, 1], [0, 3, 0, 5], [0, 0, 0, 0]):
        weights = [*kernels, np.array([top], dtype=float)]
        probes = ranks.RandomProbes(PRIME, np.random.default_rng(0), most)
        matrix = folding.fold(architecture, partition, weights, probes)
        assert modular.rank(matrix, PRIME) == min(np.count_nonzero(top), most)


def test_the_bounds_are_those_of_a_cut_above_each_sub_tree():
    # By hand, rows on B's side and columns on A's. (A B): 2 and 2, its own inputs. (A A):
    # 4 inputs, but a bond of 3 above. Both together: 3 * 2 rows, fewer than the bond 5
    # times the 2 of the crossing; 1 * 2 columns.
    asked = []

    class Recorder:
        def convolve(self, kernel, matrices):
            return kernel

        def join(self, x, y, row_bound, column_bound):
            asked.append((row_bound, column_bound))
            return x

        def join_top(self, x, y, top):
            return x

    line = Architecture.line(2, (3, 5, 2))
    weights = [np.ones(shape) for shape in line.weight_shapes()]
    folding.fold(line, "ABAA BBBB", weights, Recorder())
    pair_ab, pair_aa, pair_bb = [(2, 1), (2, 2)], [(2, 1), (3, 1)], [(1, 2), (1, 3)]
    assert asked[:8] == pair_ab + pair_aa + pair_bb + pair_bb
    # [A B][A A], then [B B][B B]: 9 columns, but a bond of 5 above; then the left half at the top.
    assert asked[8:] == [(2, 2), (6, 2), (1, 3), (1, 5), (4, 2)]


# --- against the theorem ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_sites", "window", "powers", "stride"),
    [
        (8, 2, (1, 2, 4), 7),
        (8, 2, (2, 4, 8), 19),
        (8, 2, (1, 3, 9), 19),
        (16, 4, (1, 2, 4), 29),
    ],
)
def test_powers_of_one_p_always_meet_the_cut(n_sites, window, powers, stride):
    # Theorem 2, whose proof carries over to every window (chapter bound-met).
    classes = symmetry_classes(n_sites, window)
    depth = {(8, 2): 3, (16, 4): 2}[n_sites, window]
    cases = list(product(powers[:2], *[powers] * depth, classes))
    for *widths, (partition, _) in cases[::stride]:
        found = certify_rank(Architecture(n_sites, window, widths[0], tuple(widths[1:])), partition)
        assert found.certified, (widths, as_word(partition), found)


@pytest.mark.parametrize(
    ("architecture", "partition", "share", "rank", "cut"),
    [
        (Architecture(16, 4, 2, (3, 2)), "BBBB BBBB BAAA BAAA", "none", 7, 8),
        (
            Architecture.line(2, (3, 11, 5, 2)),
            from_sites(16, (0, 1, 3, 8, 12, 13, 14, 15)),
            "none",
            56,
            60,
        ),
        (Architecture.line(2, (3, 5, 5, 2)), "AAABBBBB|BBBAAAAA", "none", 56, 60),
        (Architecture.line(2, (4, 4)), "BBAA", "all", 3, 4),  # symmetric tensors of two qubits
        (Architecture.line(2, (2, 4, 4)), left_right(8), "all", 3, 4),
    ],
)
def test_the_known_networks_below_the_cut(architecture, partition, share, rank, cut):
    assert min_cut_weight(architecture, partition) == cut
    for draw in range(3):
        prime = modular.large_prime(draw)
        found = certify_rank(architecture, partition, draw, share, prime)
        assert (found.rank, found.cut, found.certified) == (rank, cut, False)
    assert generic_rank(architecture, partition, share=share) == rank
    matrix = explicit_matrix(architecture, partition, seed=5, share=share, high=1000)
    assert modular.rank(matrix, modular.large_prime(3)) == rank


def test_sharing_between_windows_only_keeps_the_rank():
    architecture = Architecture.line(2, (4, 4))
    assert certify_rank(architecture, "BBAA", share="window-position").certified
    assert certify_rank(architecture, "BBAA", share="none").certified


@pytest.mark.parametrize(
    ("architecture", "partition", "rank", "printed"),
    [
        # Windows of 2: min(r_0, M)^(N/2), where eq. 17 as printed has min(r_0^(N/4), M^(N/2)).
        (Architecture.line(2, (2, 2, 2)), interleaved(8), 16, 4),
        (Architecture.line(3, (3, 3, 3)), interleaved(8), 81, 9),
        # Windows of 4, two sites of each in A: the printed formula is right.
        (Architecture(16, 4, 2, (3, 30)), interleaved(16), 81, 81),
        (Architecture(16, 4, 2, (5, 30)), interleaved(16), 256, 256),
    ],
)
def test_interleaved_partitions_and_equation_17(architecture, partition, rank, printed):
    local_dim, r_0, n_sites = architecture.local_dim, architecture.channels[0], partition.size
    assert printed == min(r_0 ** (n_sites // 4), local_dim ** (n_sites // 2))
    if architecture.window == 2:
        assert rank == min(r_0, local_dim) ** (n_sites // 2)
    found = certify_rank(architecture, partition)
    assert (found.rank, found.certified) == (rank, True)


def test_left_right_partitions_and_equation_16():
    for channels in [(3, 5, 4, 6), (2, 2, 9, 9), (9, 2, 9, 9), (9, 9, 9, 50)]:
        architecture = Architecture.line(2, channels)
        # r_3, r_2, r_1^2, r_0^4, M^8
        powers = (8, 4, 2, 1, 1)
        closed = min(
            prod([width] * n) for width, n in zip(architecture.widths, powers, strict=True)
        )
        found = certify_rank(architecture, left_right(16))
        assert (found.rank, found.certified) == (closed, True)


def test_the_top_matters_for_shifted_blocks_of_three():
    # Not covered by the paper's rule ceil(log2 3) = 2: r_3 decides the rank.
    partition = blocks(16, 3, offset=-1)
    assert np.flatnonzero(partition).tolist() == [0, 1, 5, 6, 7, 11, 12, 13]
    found = [certify_rank(Architecture.line(2, (4, 8, 8, top)), partition) for top in (1, 2, 4, 16)]
    assert [(one.rank, one.certified) for one in found] == [
        (rank, True) for rank in (64, 128, 256, 256)
    ]


def test_a_shallow_network_is_capped_by_its_channels():
    for channels, rank in [(3, 3), (8, 8), (20, 16)]:
        shallow = Architecture.shallow(8, 2, channels)
        found = certify_rank(shallow, interleaved(8))
        assert (found.rank, found.certified) == (rank, True)


def test_an_image_of_64_by_64_and_a_line_of_1024():
    image = Architecture.for_image(64, 3, (16,) * 6)
    found = certify_rank(image, halves(64))
    assert (found.rank, found.certified) == (16, True)
    line = Architecture.line(4, (16,) * 10)
    found = certify_rank(line, blocks(1024, 512, offset=256))
    assert (found.rank, found.certified) == (256, True)


# --- the certificate --------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(networks(), st.integers(0, 10**6), st.sampled_from([2, 3, 5]))
def test_a_bad_prime_only_under_reports(network, seed, prime):
    architecture, partition = network
    unlucky = certify_rank(architecture, partition, seed, prime=prime)
    assert unlucky.rank <= generic_rank(architecture, partition) <= unlucky.cut


def test_a_draw_modulo_2_is_unlucky_and_generic_rank_is_not():
    architecture, partition = Architecture.line(3, (3, 3, 3)), interleaved(8)
    assert certify_rank(architecture, partition, prime=2).rank < 81
    assert generic_rank(architecture, partition) == 81


def test_same_seed_and_prime_give_the_same_certificate():
    architecture = Architecture(16, 4, 2, (3, 2))
    first = certify_rank(architecture, "BBBBBBBBBAAABAAA", seed=3)
    assert first == certify_rank(architecture, "BBBBBBBBBAAABAAA", seed=3)
    assert str(first) == "rank 7 < minimal cut 8: a lower bound (integers modulo 16777213, seed 3)"
    met = certify_rank(Architecture.line(2, (2,)), "AB", prime=8191)
    assert str(met) == "rank 2 = minimal cut: certified (integers modulo 8191, seed 0)"
    with pytest.raises(AttributeError):
        first.rank = 8


@settings(max_examples=30, deadline=None)
@given(networks())
def test_sides_can_be_exchanged(network):
    architecture, partition = network
    assert generic_rank(architecture, partition) == generic_rank(architecture, ~partition)


# --- bad input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"partition": "AAB"}, "partition must have one entry for each of the 4 sites, got 3"),
        ({"partition": "AAAA"}, "partition must have a site on each side, but B is empty"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
        ({"seed": None}, "seed must be an integer"),
        (
            {"share": "some"},
            "share must be one of 'none', 'window-position', 'all', got 'some'",
        ),
        ({"prime": 15}, "prime must be a prime such as 16777213, got 15"),
        ({"prime": 2**31 - 1}, "prime must be an integer from 2 to 16777216, got 2147483647"),
    ],
)
def test_bad_input_is_named(arguments, message):
    call = {"architecture": Architecture.line(2, (2, 2)), "partition": "AABB", **arguments}
    with pytest.raises(ValueError) as error:
        certify_rank(**call)
    assert message in str(error.value)


def test_a_cut_too_large_for_the_memory_is_refused_with_the_size_of_its_matrix(monkeypatch):
    line = Architecture.line(2, (2,) * 12)
    with pytest.raises(ValueError, match=r"tensor of 10\^1234 bytes, and at most .* a smaller one"):
        certify_rank(line, interleaved(4096))
    monkeypatch.setattr("convac_lib._arrays.machine_memory", lambda: 4 * 8 * 81**2)
    assert certify_rank(Architecture.line(3, (9, 9, 9)), interleaved(8)).rank == 81
    monkeypatch.setattr("convac_lib._arrays.machine_memory", lambda: 4 * 8 * 81**2 - 1)
    with pytest.raises(ValueError, match=r"partition .* would need a tensor of 51.3 KiB"):
        certify_rank(Architecture.line(3, (9, 9, 9)), interleaved(8))


@pytest.mark.parametrize(
    ("architecture", "word"),
    [
        (Architecture.line(5, (99, 99, 99)), "ABABABAB"),  # the top takes all pairs of rows
        (Architecture.line(8, (36, 14, 8)), "BAAAABAB"),  # its rows are probed
        (Architecture.line(8, (36, 14, 8)), "ABBBBABA"),  # its columns are
    ],
)
def test_no_more_memory_is_taken_than_is_announced(monkeypatch, architecture, word):
    # Up to four matrices of the size that is asked for, and what is small at work.
    monkeypatch.setattr(modular, "STRIPE", 2**14)
    monkeypatch.setattr(ranks, "ROWS_AT_A_TIME", 64)
    announced = []

    def note(shape, dtype):
        announced.append(prod(shape) * np.dtype(dtype).itemsize)

    monkeypatch.setattr(ranks, "refuse_large", note)
    modular.large_prime(0)
    tracemalloc.start()
    found = certify_rank(architecture, word)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.certified
    assert announced[0] == 8 * found.cut**2 > 10**6
    assert peak < 4 * max(announced) + 2**20
