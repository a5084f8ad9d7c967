"""Part 6, ReLU and max: what the prose says beside its boxes, which are in the register.

Every network here is evaluated image by image (`beyond_nets`), not by the page's recursion.
"""

from itertools import pairwise
from math import prod

import numpy as np
import pytest
from beyond_nets import all_partitions, rank, table, tree_values
from statements.part6_relu_and_max import adding, average_bound

from convac_book.symmetry_classes import symmetry_classes
from convac_lib import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import random_weights
from convac_lib.partitions import as_partition, as_word, blocks, interleaved

CLASSES = [partition for partition, _ in symmetry_classes(8, 2, size=4)]


# --- max pooling ------------------------------------------------------------------


def test_the_minor_of_the_proof():
    rng = np.random.default_rng(0)
    for size in range(2, 7):
        x = np.sort(rng.choice(100, size, replace=False)) + 1
        minor = prod(int(a - b) for a, b in pairwise(x)) * int(x[-1])
        assert round(np.linalg.det(np.maximum.outer(x, x).astype(float))) == minor != 0


def test_the_kernel_max_fades_like_one_over_k_squared():
    points = (np.arange(200) + 0.5) / 200
    values = np.linalg.svd(np.maximum.outer(points, points), compute_uv=False)
    k = np.arange(5, 40)
    slope = np.polyfit(np.log(k), np.log(values[k]), 1)[0]
    assert -2.2 < slope < -1.9
    assert rank(np.maximum.outer(np.arange(1, 201), np.arange(1, 201))) == 200


def test_two_channels_are_enough_between_the_halves_only_by_this_construction():
    found = tree_values(adding(3, 3), np.eye(3, dtype=int))
    assert rank(table(found, interleaved(8), 3)) == 8
    net = Architecture.line(3, (2, 1))
    most = max(
        rank(
            table(
                tree_values(random_weights(net, s, integers=9), np.eye(3, dtype=int)),
                interleaved(4),
                3,
            )
        )
        for s in range(1000)
    )
    assert most == 9


# --- average pooling ----------------------------------------------------------------------


@pytest.mark.parametrize("T", [2, 3])
def test_average_adds_and_the_bound_is_met(T):
    most = {}
    for seed in range(4):
        weights = random_weights(Architecture.line(T, (12, 12, 12)), seed, integers=20)
        found = tree_values(weights, np.eye(T, dtype=int), pooling="average")
        tensor = found.reshape(T**4, T**4)  # left half, right half
        centred = tensor - tensor[:1] - tensor[:, :1] + tensor[0, 0]
        assert not centred.any()  # h = f(x_L) + g(x_R), exactly
        for partition in all_partitions(8):
            reached = rank(table(found, partition, T))
            assert reached <= average_bound(as_word(partition), T)
            most[tuple(partition)] = max(reached, most.get(tuple(partition), 0))
    assert all(most[tuple(p)] == average_bound(as_word(p), T) for p in all_partitions(8))
    assert average_bound("AAAABBBB", T) == 2
    assert average_bound("ABABABAB", T) == 2 * T**2 - 1


def test_the_all_ones_vector_must_be_on_the_same_side():
    # Ranks add up in full when one half has the constants among its columns, the other
    # among its rows only.
    F = np.array([[1, 2], [1, 2]])  # every column is constant; rank 1
    G = np.array([[1, 1], [2, 2]])  # every row is constant; rank 1
    ones = np.ones((2, 2), dtype=int)
    assert rank(np.kron(F, ones) + np.kron(ones, G)) == 2
    assert rank(np.kron(F, ones) + np.kron(ones, F)) == 1


# --- the ConvAC, beside them --------------------------------------------------------------


@pytest.mark.parametrize("channels", [(3, 3, 3), (8, 4, 2), (2, 4, 8), (1, 4, 16)])
def test_no_convac_is_above_its_cut(channels):
    # The alarm: the same draws, through the same code, with products.
    net = Architecture.line(3, channels)
    for seed in range(5):
        weights = [w.astype(object) for w in random_weights(net, seed, integers=99)]
        features = np.eye(3, dtype=int).astype(object)
        found = tree_values(weights, features, pooling="product")
        for partition in CLASSES:
            assert rank(table(found, partition, 3)) <= min_cut_weight(net, partition)


def test_max_is_not_bounded_by_the_cut_and_does_not_meet_it():
    def most(channels, word, share="none"):
        net = Architecture.line(3, channels)
        found = [
            rank(
                table(
                    tree_values(random_weights(net, s, share, 99), np.eye(3, dtype=int)),
                    as_partition(word),
                    3,
                )
            )
            for s in range(25)
        ]
        return min_cut_weight(net, as_partition(word)), min(found), max(found)

    cut, _, largest = most((8, 4, 2), "AAAABBBB")
    assert largest > cut == 2
    cut, least, _ = most((3, 3, 3), "ABABABAB")
    assert least < cut == 81


def test_two_top_windows_add_in_the_same_way():
    # Sixteen sites under two top windows whose sums are added: halves of rank 2 at most.
    weights = random_weights(Architecture.line(2, (5, 5)), 0, integers=9)
    f = tree_values(weights, np.eye(2, dtype=int), pooling="max")
    both = f[:, None] + 3 * f[None, :]
    assert rank(both) <= 2
    assert rank(table(f, blocks(4, 1), 2)) > 2
