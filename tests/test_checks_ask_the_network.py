"""The checks of the chapter on asking a network, its black boxes, and its prose about rows."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from beyond_nets import rank

from convac_book.checks import ask_the_network as check
from convac_lib import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.partitions import blocks

ROWS = json.loads(
    (Path(__file__).resolve().parent.parent / "book/data/interaction_runs.json").read_text("utf-8")
)["rows"]


GIVEN = [(2, 3, 1, 2), (1, 4, 2, 1), (3, 1, 1, 2), (2, 2, 1, 1), (1, 3, 3, 2)]


@pytest.mark.parametrize("given", GIVEN)
def test_nearly_a_sum(given):
    mean_a, mean_b, sd_a, sd_b = given
    # By drawing: two-point sides mean ± sd have the same variances.
    a, b = mean_a + sd_a * np.array([-1, 1]), mean_b + sd_b * np.array([-1, 1])
    H = np.outer(a, b).astype(float)
    e = H - H.mean(0) - H.mean(1, keepdims=True) + H.mean()
    share = (e**2).mean() / H.var()
    assert check.nearly_a_sum(share, *given)
    assert check.nearly_a_sum(np.float64(share), *given)
    assert not check.nearly_a_sum(share * 1.01, *given)
    assert "sum" in check.nearly_a_sum(1, *given).sentence
    assert "between" in check.nearly_a_sum(1.5, *given).sentence
    assert not check.nearly_a_sum("half", *given)
    assert not check.nearly_a_sum(float("nan"), *given)


TABLES = [
    [[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8]],
    [[5, 1, 0, 2, 2], [7, 7, 1, 3, 4], [2, 4, 4, 9, 3]],
    [[1, 8], [3, 2], [6, 5], [4, 4], [9, 0]],
    [[2, 2, 7], [1, 5, 5], [8, 0, 3], [6, 6, 1]],
    [[0, 3, 1, 5], [4, 1, 9, 2], [3, 3, 3, 3]],
]


@pytest.mark.parametrize("table", TABLES)
def test_three_variances(table):
    H = np.array(table, dtype=float)
    rows, columns = (list(permutations(range(n), 2)) for n in H.shape)
    corners = [(i, k, j, m) for i, k in rows for j, m in columns]
    apart = np.mean([H[i, j] * H[k, m] for i, k, j, m in corners])
    wanted = [
        np.mean([H[i, j] * H[i, m] for i, k, j, m in corners]) - apart,
        np.mean([H[i, j] * H[k, j] for i, k, j, m in corners]) - apart,
        np.mean([(H[i, j] - H[i, m] - H[k, j] + H[k, m]) ** 2 / 4 for i, k, j, m in corners]),
    ]
    assert check.three_variances(wanted, table)
    assert check.three_variances(np.array(wanted), table)
    plain = [np.var(H.mean(1), ddof=1), np.var(H.mean(0), ddof=1), wanted[2]]
    assert "something of e" in check.three_variances(plain, table).sentence
    assert "rows" in check.three_variances([wanted[1], wanted[0], wanted[2]], table).sentence
    assert "start with it" in check.three_variances([wanted[0], wanted[1], 99], table).sentence
    e = H - H.mean(0) - H.mean(1, keepdims=True) + H.mean()
    assert "too small" in check.three_variances([0, 0, (e**2).mean()], table).sentence
    assert "at least" in check.three_variances([99, 99, wanted[2]], table).sentence
    for nonsense in (3, [1, 2], ["a", "b", "c"], [np.nan] * 3):
        assert not check.three_variances(nonsense, table)


@pytest.mark.parametrize("number", range(5))
def test_black_box(number):
    net = Architecture.line(3, check.box_channels(number))
    x = np.random.default_rng(1).integers(0, 16777213, (90, 8))
    ranks = []
    for k in range(3):
        p = blocks(8, 2**k)
        joined = np.where(p, x[:, None], x[None]).reshape(-1, 8)
        ranks.append(rank(check.box(number, joined).reshape(90, 90), 16777213))
    assert ranks == [min_cut_weight(net, blocks(8, 2**k)) for k in range(3)]
    assert check.black_box(ranks, number)
    assert check.black_box(np.array(ranks), number)
    assert "too small" in check.black_box([ranks[0] - 1, *ranks[1:]], number).sentence
    assert "too large" in check.black_box([*ranks[:2], ranks[2] + 1], number).sentence
    assert not check.black_box(ranks[::-1], number)
    for nonsense in (81, (81.5, 9, 3), ranks[:2], "abc"):
        assert not check.black_box(nonsense, number)


def test_the_box_answers_for_a_multilinear_function_of_its_features():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 16777213, (4, 8))
    x[1:, 1:] = x[0, 1:]
    x[:, 0] = [0, 1, 2, 3]  # quadratic in one pixel: third differences vanish
    y = check.box(0, x)
    assert (y[3] - 3 * y[2] + 3 * y[1] - y[0]) % 16777213 == 0
    with pytest.raises(ValueError, match="questions, 8"):
        check.box(0, np.zeros((3, 7), dtype=int))
    with pytest.raises(ValueError, match="number"):
        check.box(9, np.zeros((3, 8), dtype=int))


# --- the prose about the stored runs ------------------------------------------------------


def runs(kind, question, key):
    found = [row[key] for row in ROWS if (row["kind"], row["question"]) == (kind, question)]
    assert len(found) == 5
    return np.array(found)


def test_parity_and_left_differ_by_hundreds_in_every_run_that_learned():
    for kind in ("MLP", "CNN", "ConvAC"):
        learned = runs(kind, "parity", "accuracy") > 0.8
        least = runs(kind, "parity", "share")[learned].min()
        assert learned.sum() >= 3
        assert runs(kind, "left", "accuracy").min() > 0.9
        assert least > 100 * runs(kind, "left", "share").max()


def test_the_additive_network_is_as_good_on_digits_and_at_chance_on_parity():
    digits = "which digit"
    assert runs("f + g", digits, "accuracy").mean() > runs("ConvAC", digits, "accuracy").mean()
    assert abs(runs("f + g", "parity", "accuracy").mean() - 0.5) < 0.05
    assert runs("f + g", digits, "share").max() == 0


def test_shares_on_digits_as_the_page_says():
    digits = "which digit"
    share = {kind: runs(kind, digits, "share").mean()
             for kind in ("MLP", "MLP, LayerNorm", "CNN", "ConvNet", "ConvAC")}  # fmt: skip
    assert 0.4 < share["ConvAC"] < 0.5
    assert share["MLP, LayerNorm"] > 4 * share["MLP"]
    same = runs("ConvAC", digits, "same_class_share").mean()
    assert 0.4 < same / share["ConvAC"] < 0.65
    alike = {kind: runs(kind, digits, "same_class_share").mean() for kind in share}
    assert all(0.8 < alike[kind] / share[kind] < 1.3 for kind in share if kind != "ConvAC")
