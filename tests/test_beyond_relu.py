"""Part 6, ReLU and max: what the prose says beside its boxes, which are in the register.

Every network here is evaluated image by image (`beyond_nets`), not by the page's recursion.
"""

import json
from itertools import pairwise, product
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from beyond_nets import all_partitions, rank, table, tree_values
from scipy import stats
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


# --- trained ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """Return {(task, r, pooling, design): five accuracies in per cent}."""
    data = Path(__file__).resolve().parent.parent / "book" / "data"
    table = json.loads((data / "fig10_he_runs.json").read_text(encoding="utf-8"))
    found = {}
    for row in table["rows"]:
        row = {**table["common"], **row}
        if row["design"] in ("wide-base", "wide-tip") and row["r"] in (6, 12) and row["seed"] < 5:
            pooling = row["model_options"].get("pooling", "max")
            place = row["task"], row["r"], pooling, row["design"]
            found.setdefault(place, {})[row["seed"]] = 100 * row["test_accuracy"]
    assert len(found) == 16 and all(len(seeds) == 5 for seeds in found.values())
    return {place: np.array(list(seeds.values())) for place, seeds in found.items()}


def test_averages_read_as_well_as_maxima(trained):
    surely = set()
    for task, r, design in product(("global", "local"), (6, 12), ("wide-base", "wide-tip")):
        averages, maxima = (trained[task, r, pooling, design] for pooling in ("average", "max"))
        gain = averages.mean() - maxima.mean()
        if task == "local":
            assert abs(gain) < 1.5
        else:
            assert gain > 0
            if stats.ttest_ind(averages, maxima, equal_var=False).pvalue < 0.05:
                surely.add((r, design))
    assert surely == {(12, "wide-base")}
    for design in ("wide-base", "wide-tip"):
        assert trained["global", 12, "average", design].min() > 90


def test_base_less_tip_with_averages(trained):
    """The pooled intervals by the errors of the means, the ranks by counting pairs."""
    pooled = {}
    for task in ("global", "local"):
        pairs = [
            [trained[task, r, "average", d] for d in ("wide-base", "wide-tip")] for r in (6, 12)
        ]
        errors = [x.var(ddof=1) / 5 for pair in pairs for x in pair]
        free = sum(errors) ** 2 / sum(error**2 / 4 for error in errors)
        half = stats.t.ppf(0.975, free) * np.sqrt(sum(errors)) / 2
        above = sum(np.sign(b - t).sum() for base, tip in pairs for b in base for t in tip)
        pooled[task] = np.mean([b.mean() - t.mean() for b, t in pairs]), half, above
    assert np.round(pooled["local"][:2], 1).tolist() == [5.2, 2.4]
    assert np.round(pooled["global"][:2], 1).tolist() == [-1.1, 4.4]
    assert pooled["local"][2] > 0 == pooled["global"][2]
    worst = sorted(x for place, runs in trained.items() if place[2] == "average" for x in runs
                   if place[:2] == ("global", 6))  # fmt: skip
    assert round(worst[0]) == 67 and worst[1] > 80


def test_a_network_of_averages_adds_four_quarters():
    """Change one quarter, then another: the changes of the scores add up, but for the seams."""
    from convac_lib import ConvNet

    generator = torch.Generator().manual_seed(0)
    net = Architecture.for_image(16, 10, (6, 6, 12, 12), 10)
    model = ConvNet(net, pooling="average", seed=0)
    images = torch.zeros(4, 16, 16)  # none, one, other, both; rows beside the seams stay black
    one, other = torch.rand(2, 6, 6, generator=generator)
    images[1, 1:7, 1:7] = images[3, 1:7, 1:7] = one
    images[2, 9:15, 9:15] = images[3, 9:15, 9:15] = other
    with torch.no_grad():
        none, first, second, both = model(images).double()
        torch.testing.assert_close(both - none, (first - none) + (second - none), rtol=0, atol=1e-5)
        maxima = ConvNet(net, seed=0)(images).double()
    left_over = maxima[3] - maxima[1] - maxima[2] + maxima[0]
    assert left_over.abs().max() > 1e-2  # with maxima they do not
