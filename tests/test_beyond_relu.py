"""Part 6, ReLU and max: each boxed statement tried inside its hypotheses, and outside.

Every network here is evaluated image by image (`beyond_nets`), not by the page's recursion.
"""

from itertools import pairwise, product
from math import prod

import numpy as np
import pytest
from beyond_nets import all_partitions, rank, ranks, sides, table, tree_values

from convac_book.symmetry_classes import symmetry_classes
from convac_lib import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import random_weights
from convac_lib.partitions import as_partition, blocks, interleaved, left_right

CLASSES = [partition for partition, _ in symmetry_classes(8, 2, size=4)]


def line(values, channels, window=2):
    """Return weights with every entry of layer l equal to values[l]."""
    net = Architecture(window ** len(channels), window, 1, channels)
    return [np.full(shape, v) for shape, v in zip(net.weight_shapes(), values, strict=True)]


# --- thm-one-max-channel ------------------------------------------------------------------


def one_channel(net, direction, share):
    """Return the theorem's weights: channel 0 passes the largest value, the others nothing."""
    weights = [np.zeros(shape, dtype=int) for shape in net.weight_shapes(share)]
    weights[0][:, 0] = direction
    for layer in weights[1:-1]:
        layer[:, 0, 0] = 1
    weights[-1][0, 0] = 1
    return weights


@pytest.mark.parametrize("share", ["none", "window-position", "all"])
@pytest.mark.parametrize(
    "n_sites, window, widths", [(8, 2, (1, 1, 1)), (8, 2, (3, 1, 2)), (9, 3, (2, 1)), (4, 4, (3,))]
)
@pytest.mark.parametrize("n_templates", [2, 3])
def test_one_max_channel(share, n_sites, window, widths, n_templates):
    net = Architecture(n_sites, window, n_templates, widths)
    direction = np.arange(1, n_templates + 1)  # one-hot features: T distinct positive values
    weights = one_channel(net, direction, share)
    found = tree_values(weights, np.eye(n_templates, dtype=int), window)
    drawn = [
        sides(n_sites, np.random.default_rng(s).permutation(n_sites)[: s + 1])
        for s in range(n_sites - 1)
    ]
    for partition in drawn:
        assert rank(table(found, partition, n_templates)) >= n_templates


def test_one_max_channel_holds_on_an_open_set():
    # A million for each one, plus anything up to 1,000: every weight moves by 1 in 1,000.
    net = Architecture.line(3, (2, 2, 2))
    weights = [1_000 * w for w in one_channel(net, [1, 2, 3], "none")]
    for seed in range(50):
        near = [w + d for w, d in zip(weights, random_weights(net, seed, integers=9), strict=True)]
        found = tree_values(near, np.eye(3, dtype=int))
        assert (ranks([table(found, p, 3) for p in CLASSES]) >= 3).all()


def test_one_max_channel_needs_distinct_positive_values():
    # f(x) = x at -2, -1, 1, 2: ReLU leaves three values, whatever the one weight.
    features = np.array([[-2], [-1], [1], [2]])
    for a, b, c in product((-3, -1, 1, 2), repeat=3):
        weights = [np.array([[[a]], [[b]]]), np.array([[c]])]
        assert rank(table(tree_values(weights, features), sides(2, [0]), 4)) <= 3


@pytest.mark.parametrize("pooling, most", [("product", 1), ("average", 2)])
def test_one_max_channel_needs_the_maximum(pooling, most):
    for seed in range(20):
        weights = random_weights(Architecture.line(4, (1, 1)), seed, integers=9)
        found = tree_values(weights, np.eye(4, dtype=int), pooling=pooling)
        assert rank(table(found, left_right(4), 4)) <= most


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


# --- prop-one-channel-ceiling -------------------------------------------------------------


def ceiling(partition, n_templates):
    few = min(partition.sum(), (~partition).sum())
    return few * (n_templates - 1) + 1


def interlaced(partition, n_templates):
    """Return widths-1 weights whose values alternate between A and B as long as both last."""
    in_a, in_b = np.flatnonzero(partition), np.flatnonzero(~partition)
    few = min(len(in_a), len(in_b))
    turns = np.array([*zip(in_a[:few], in_b[:few], strict=True)]).ravel()
    values = np.ones((len(partition), 1, n_templates), dtype=int)
    for place, site in enumerate(turns):
        values[site, 0] = 2 + place + len(turns) * np.arange(n_templates)
    n_layers = int(np.log2(len(partition)))
    return [values, *[np.ones((1, 1, 1), dtype=int)] * (n_layers - 1), np.ones((1, 1), dtype=int)]


@pytest.mark.parametrize("n_templates", [2, 3])
def test_one_channel_ceiling_is_attained_by_interlacing(n_templates):
    for partition in all_partitions(8):
        found = tree_values(interlaced(partition, n_templates), np.eye(n_templates, dtype=int))
        assert rank(table(found, partition, n_templates)) == ceiling(partition, n_templates)


def test_one_channel_ceiling_at_four_templates():
    for partition in CLASSES:
        found = tree_values(interlaced(partition, 4), np.eye(4, dtype=int))
        assert rank(table(found, partition, 4)) == ceiling(partition, 4) == 13


@pytest.mark.parametrize("n_templates, n_draws", [(2, 200), (3, 40)])
def test_no_draw_of_one_channel_is_above_the_ceiling(n_templates, n_draws):
    for seed in range(n_draws):
        rng = np.random.default_rng(seed)
        features = rng.integers(-9, 10, (n_templates, 2))
        weights = random_weights(Architecture.line(2, (1, 1, 1)), seed, integers=9)
        weights = [w if seed % 2 else abs(w) for w in weights]
        found = tree_values(weights, features)
        for partition in CLASSES:
            assert rank(table(found, partition, n_templates)) <= ceiling(partition, n_templates)


def test_one_channel_ceiling_needs_no_bias():
    # A negative weight and a bias turn a maximum of two sites into a minimum.
    first = np.array([[[0, 2]], [[0, 2]], [[0, 3]], [[0, 3]]])
    weights = [first, np.array([[[-1]], [[-1]]]), np.array([[1]])]
    biases = [np.zeros((4, 1), dtype=int), np.array([[3], [5]])]
    partition = interleaved(4)
    found = table(tree_values(weights, np.eye(2, dtype=int), biases=biases), partition, 2)
    assert rank(found) == 4 > ceiling(partition, 2)


def adding(n_templates, depth):
    """Return weights of widths (2, ..., 2, 1): an even sum on the left, an odd one on the right."""
    n_sites, widths = 2**depth, (2,) * (depth - 1) + (1,)
    shapes = Architecture.line(n_templates, widths).weight_shapes()
    weights = [np.zeros(shape, dtype=int) for shape in shapes]
    for site in range(n_sites):
        digits = 2 * n_templates ** (site % (n_sites // 2)) * np.arange(n_templates)
        weights[0][site, site % 2 if depth > 1 else 0] = digits + (site == n_sites // 2)
    for layer in weights[1:-2]:
        for place in range(len(layer)):
            layer[place, place % 2] = 1
    for layer in weights[max(1, depth - 1) :]:
        layer[:] = 1
    return weights


@pytest.mark.parametrize("n_templates, depth", [(2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (5, 1)])
def test_two_channels_are_enough(n_templates, depth):
    found = tree_values(adding(n_templates, depth), np.eye(n_templates, dtype=int))
    half = 2 ** (depth - 1)
    assert rank(table(found, left_right(2 * half), n_templates)) == n_templates**half
    # The cut of these widths, whatever M.
    net = Architecture.line(n_templates, (2,) * (depth - 1) + (1,))
    assert min_cut_weight(net, left_right(2 * half)) == 1


def test_two_channels_are_enough_needs_the_second_channel():
    partition = left_right(8)
    for seed in range(50):
        weights = random_weights(Architecture.line(3, (1, 1, 1)), seed, integers=99)
        found = tree_values(weights, np.eye(3, dtype=int))
        assert rank(table(found, partition, 3)) <= ceiling(partition, 3) < 3**4


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


def test_one_channel_ceiling_needs_width_one():
    net = Architecture.line(2, (2, 2, 2))
    most = max(
        rank(
            table(
                tree_values(random_weights(net, s, integers=99), np.eye(2, dtype=int)),
                interleaved(8),
                2,
            )
        )
        for s in range(20)
    )
    assert most > ceiling(interleaved(8), 2)


# --- thm-average-adds, cor-average-not-universal ------------------------------------------


def counts(partition):
    """Return a_L, a_R, b_L, b_R: the sites of A and of B in each half."""
    half = len(partition) // 2
    a = partition[:half].sum(), partition[half:].sum()
    return *map(int, a), half - int(a[0]), half - int(a[1])


def average_bound(partition, T):
    a_left, a_right, b_left, b_right = counts(partition)
    return min(
        T**a_left + T**a_right - 1,
        T**b_left + T**b_right - 1,
        T ** min(a_left, b_left) + T ** min(a_right, b_right),
    )


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
            assert reached <= average_bound(partition, T)
            most[tuple(partition)] = max(reached, most.get(tuple(partition), 0))
    assert all(most[tuple(p)] == average_bound(p, T) for p in all_partitions(8))
    assert average_bound(left_right(8), T) == 2
    assert average_bound(interleaved(8), T) == 2 * T**2 - 1


def test_average_adds_with_biases_and_with_anything_below():
    rng = np.random.default_rng(1)
    for seed in range(10):
        net = Architecture.line(3, (4, 3, 4))
        weights = random_weights(net, seed, integers=9)
        biases = [rng.integers(-9, 10, shape[:2]) for shape in net.weight_shapes()[:-1]]
        found = tree_values(
            weights, np.eye(3, dtype=int), biases=biases, pooling="max", top="average"
        )
        assert rank(table(found, left_right(8), 3)) <= 2
        for partition in CLASSES:
            assert rank(table(found, partition, 3)) <= average_bound(partition, 3)


def test_average_adds_needs_a_linear_readout():
    reached = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        weights = random_weights(Architecture.line(3, (12, 12, 12)), seed, integers=20)
        hidden = rng.integers(-20, 21, (24, 12))
        weights[-1] = rng.integers(-20, 21, (1, 24))
        found = tree_values(weights, np.eye(3, dtype=int), pooling="average", hidden=hidden)
        reached.append(rank(table(found, left_right(8), 3)))
    assert min(reached) > 2


def test_average_adds_needs_the_sum_at_the_top():
    reached = []
    for seed in range(5):
        weights = random_weights(Architecture.line(3, (8, 8, 8)), seed, integers=20)
        found = tree_values(weights, np.eye(3, dtype=int), pooling="average", top="max")
        reached.append(rank(table(found, left_right(8), 3)))
    assert max(reached) > 2


def test_average_is_not_universal():
    for T, quarter in product((2, 3, 4), (1, 2, 3)):
        assert 2 * T**quarter - 1 < T ** (2 * quarter)
    # Two sites and two templates: the bound is 2, no obstacle to the rank. So N >= 4 is asked.
    assert average_bound(sides(2, [0]), 2) == 2


def test_the_all_ones_vector_must_be_on_the_same_side():
    # Ranks add up in full when one half has the constants among its columns, the other
    # among its rows only.
    F = np.array([[1, 2], [1, 2]])  # every column is constant; rank 1
    G = np.array([[1, 1], [2, 2]])  # every row is constant; rank 1
    ones = np.ones((2, 2), dtype=int)
    assert rank(np.kron(F, ones) + np.kron(ones, G)) == 2
    assert rank(np.kron(F, ones) + np.kron(ones, F)) == 1


# --- prop-dead-regions --------------------------------------------------------------------


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_a_negative_layer_is_dead(layer, pooling):
    for seed in range(20):
        net = Architecture.line(3, (3, 3, 3))
        weights = random_weights(net, seed, integers=9)
        weights[layer] = -1 - abs(weights[layer])
        found = tree_values(weights, np.eye(3, dtype=int), pooling=pooling)
        assert not found.any()


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_half_of_a_negative_layer_forgets_its_half(pooling):
    for seed in range(20):
        net = Architecture.line(3, (3, 3, 3))
        weights = random_weights(net, seed, integers=9)
        weights[2][1] = -1 - abs(weights[2][1])
        found = tree_values(weights, np.eye(3, dtype=int), pooling=pooling)
        assert rank(table(found, left_right(8), 3)) <= 1


def test_dead_regions_need_inputs_that_are_not_negative():
    net, features = Architecture.line(2, (2, 2)), np.array([[1, -3], [-2, 1]])
    weights = random_weights(net, 0, integers=9)
    weights[0] = -1 - abs(weights[0])
    assert len(set(tree_values(weights, features))) > 1


def test_dead_regions_need_biases_that_are_not_positive():
    weights = [np.array([[[-1, -4]], [[-2, -3]]]), np.array([[1]])]
    biases = [np.full((2, 1), 9)]
    assert len(set(tree_values(weights, np.eye(2, dtype=int), biases=biases))) > 1


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
