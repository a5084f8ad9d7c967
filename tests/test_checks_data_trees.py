"""The checks of the chapter on data that suit a tree, and its prose about the stored runs."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from beyond_nets import rank

from convac_book.checks import data_trees as check
from convac_book.random_hierarchy import draw_rules
from convac_lib.partitions import morton_order
from convac_workbench.arrangement import arrange

ROWS = json.loads(
    (Path(__file__).resolve().parent.parent / "book/data/hierarchy_runs.json").read_text("utf-8")
)["rows"]
ROWS_OF_SEATS = [("aabcdbcd", 3), ("abbaccdd", 3), ("aabbcddc", 2), ("aabcbddc", 4),
                 ("abcacdbd", 3)]  # fmt: skip


@pytest.mark.parametrize("seats, v", ROWS_OF_SEATS)
def test_couples(seats, v):
    table = np.zeros((v,) * 8, dtype=int)
    for colours in np.ndindex(v, v, v, v):
        table[tuple(colours["abcd".index(letter)] for letter in seats)] = 1
    wanted = []
    for first, last in [(0, 4), (0, 2), (2, 4), (4, 6), (6, 8)]:
        moved = np.moveaxis(table, range(first, last), range(last - first))
        wanted.append(rank(moved.reshape(v ** (last - first), -1)))
    assert check.couples(wanted, seats, v)
    assert check.couples(np.array(wanted), seats, v)
    assert not check.couples([w * v for w in wanted], seats, v)
    exponents = [round(np.log(w) / np.log(v)) for w in wanted]
    assert "number of parted couples" in check.couples(exponents, seats, v).sentence
    for nonsense in (9, wanted[:4], [0.5] * 5, "abcde", [None] * 5):
        assert not check.couples(nonsense, seats, v)


WEIGHTS = [
    check._WEIGHTS,
    [[0, 3, 7], [3, 6, 5], [6, 1, 6], [1, 0, 2], [2, 4, 8], [4, 7, 4], [7, 5, 3], [5, 2, 6],
     [0, 2, 4], [6, 5, 3]],
    [[0, 5, 9], [5, 2, 1], [2, 7, 9], [7, 4, 1], [4, 1, 9], [1, 6, 2], [6, 3, 9], [3, 0, 2]],
]  # fmt: skip


@pytest.mark.parametrize("weights", WEIGHTS)
def test_least_cut(weights):
    table = np.zeros((8, 8))
    for i, j, weight in weights:
        table[i, j] = table[j, i] = weight
    cuts = {}
    for others in combinations(range(1, 8), 3):
        inside = np.isin(np.arange(8), [0, *others])
        cuts[(0, *others)] = table[np.ix_(inside, ~inside)].sum()
    best = min(cuts, key=cuts.get)
    assert check.least_cut(set(best), weights)
    assert check.least_cut(np.array(best), weights)
    worst = max(cuts, key=cuts.get)
    assert "with less" in check.least_cut(worst, weights).sentence
    assert "other half" in check.least_cut(set(range(8)) - set(best), weights).sentence
    for nonsense in (7, {0, 1}, {0, 1, 2, 9}, [0, 1, 2, 2.5], "abcd"):
        assert not check.least_cut(nonsense, weights)


GRAMMARS = [(4, [3, 1, 2, 4]), (3, [1, 2, 3]), (5, [4, 1, 3, 2]), (4, [5, 2, 1]), (6, [2, 6, 1, 3])]


@pytest.mark.parametrize("v, m", GRAMMARS)
def test_grammar_widths(v, m):
    widths, bound = tuple(v * k for k in reversed(m)), min(m[0], v)
    assert check.grammar_widths((widths, bound), v, m)
    assert check.grammar_widths([list(widths), np.int64(bound)], v, m)
    if m != m[::-1]:
        assert "from the leaves" in check.grammar_widths((widths[::-1], bound), v, m).sentence
    assert "too few" in check.grammar_widths(((1, *widths[1:]), bound), v, m).sentence
    assert "too many" in check.grammar_widths(((99, *widths[1:]), bound), v, m).sentence
    assert "one root" in check.grammar_widths((widths, v * m[0]), v, m).sentence
    for nonsense in (widths, (widths, bound + 0.5), (widths[:-1], bound), 3, (3, 3)):
        assert not check.grammar_widths(nonsense, v, m)


def test_grammar_widths_of_one_number_are_the_theorem_s():
    rules = draw_rules(np.random.default_rng(0), 3, 4, 2)
    assert rules.shape[1] * rules.shape[2] == 8
    assert check.grammar_widths(((8, 8, 8), 2), 4, (2, 2, 2))


# --- the prose about the stored runs, and about the found halves ------------------------------


def test_every_hierarchy_is_read_without_an_error_in_the_own_order_and_arranged():
    for row in ROWS:
        if row["data"] != "digits" and row["order"] != "shuffled":
            assert row["test_accuracy"] == 1.0
    assert len(ROWS) == 165


def test_shuffled_one_data_set_of_five_is_and_the_others_lose_up_to_a_third_and_more():
    worst = {d: min(r["test_accuracy"] for r in ROWS if r["data"] == d and r["order"] == "shuffled")
             for d in range(5)}  # fmt: skip
    assert [d for d, accuracy in worst.items() if accuracy == 1.0] == [3]
    assert min(worst.values()) < 2 / 3


def test_on_digits_the_entropy_falls_in_every_run_and_the_accuracy_stays():
    runs = {order: [r for r in ROWS if r["data"] == "digits" and r["order"] == order]
            for order in ("own", "shuffled", "arranged")}  # fmt: skip
    for shuffled, arranged in zip(runs["shuffled"], runs["arranged"], strict=True):
        assert shuffled["seed"] == arranged["seed"]
        pairs = zip(shuffled["entropies"], arranged["entropies"], strict=True)
        assert all(after < before for before, after in pairs)
    accuracy = {order: np.array([r["test_accuracy"] for r in rows]) for order, rows in runs.items()}
    gap = accuracy["arranged"].mean() - accuracy["shuffled"].mean()
    error = np.sqrt((accuracy["arranged"].var(ddof=1) + accuracy["shuffled"].var(ddof=1)) / 5)
    assert abs(gap) < 2 * error


def test_the_halves_found_for_digits_are_connected_and_not_left_and_right():
    from sklearn.datasets import load_digits

    x = load_digits().images.reshape(-1, 64) / 16
    x = x[np.random.default_rng(0).permutation(len(x))]
    shuffle = np.random.default_rng(2).permutation(64)
    order = shuffle[arrange(x[:1397, shuffle]).order]
    half = np.isin(np.arange(64), order[:32]).reshape(8, 8)
    varies = (x != x[:1]).any(axis=0).reshape(8, 8)  # constant pixels may hang anywhere
    for side in (half, ~half):
        assert connected_parts(side & varies) == 1
    left = np.arange(64).reshape(8, 8) % 8 < 4
    assert 8 < (half & left).sum() < 24 or not (half == left).all()
    assert not np.array_equal(np.sort(order[:32]), np.sort(morton_order(8)[:32]))


def connected_parts(cells):
    cells, parts = {tuple(c) for c in np.argwhere(cells)}, 0
    while cells:
        stack, parts = [cells.pop()], parts + 1
        while stack:
            y, x = stack.pop()
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if near in cells:
                    cells.remove(near)
                    stack.append(near)
    return parts
