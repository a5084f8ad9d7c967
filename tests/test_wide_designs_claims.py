"""What the page "Wide base, wide tip" says in words, held against the rows it reads.

The page prints its tables from the files; its sentences were written by hand. When more runs
come in and one of these fails, a sentence has to be written anew.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

DATA = Path(__file__).resolve().parent.parent / "book" / "data"
TASKS, DESIGNS = ("local", "global"), ("wide-base", "wide-tip")


def rows_of(name):
    table = json.loads((DATA / name).read_text(encoding="utf-8"))
    return [{**table["common"], **row} for row in table["rows"]]


def accuracies(rows):
    """Return {(model, task, r, design): {seed: per cent}}."""
    found = {}
    for row in rows:
        place = row["model"], row["task"], row["r"], row["design"]
        found.setdefault(place, {})[row["seed"]] = 100 * row["test_accuracy"]
    return found


def leads(runs, model, task, r):
    """Return {seed: how far the base is ahead}, of the pairs in which both learnt something."""
    base, tip = (runs[model, task, r, design] for design in DESIGNS)
    return {s: base[s] - tip[s] for s in base if min(base[s], tip[s]) > 15}


def sign_of(gaps):
    """Return 1 or -1 if the 95 % interval of the mean leaves out zero, else 0."""
    if len(gaps) < 2:
        return 0
    test = stats.ttest_1samp(list(gaps), 0.0)
    return int(np.sign(test.statistic)) if test.pvalue < 0.05 else 0


RUNS = accuracies(rows_of("fig10_runs.json"))
APART = accuracies(rows_of("fig10_positions_runs.json"))


def test_the_runs_are_as_many_as_said():
    for (model, *_), seeds in RUNS.items():
        assert sorted(seeds) == list(range(5 if model == "ConvNet" else 3))
    assert {place[2] for place in RUNS} == {6, 12, 20}


def test_the_rate():
    means = {}
    for row in rows_of("fig10_rates.json"):
        means.setdefault((row["model"], row["learning_rate"]), []).append(row["test_accuracy"])
    means = {key: np.mean(four) for key, four in means.items()}
    assert max((0.005, 0.01, 0.02), key=lambda rate: means["ConvNet", rate]) == 0.01
    assert 0 < means["ConvAC", 0.02] - means["ConvAC", 0.01] < 0.005
    score = {
        (row["model"], row["learning_rate"], row["task"], row["design"]): row["test_accuracy"]
        for row in rows_of("fig10_rates.json")
    }
    for rate in (0.005, 0.01, 0.02):
        assert score["ConvAC", rate, "global", "wide-base"] > score[
            "ConvAC", rate, "global", "wide-tip"
        ]
    melting = [
        score["ConvAC", rate, "local", "wide-base"] - score["ConvAC", rate, "local", "wide-tip"]
        for rate in (0.005, 0.01, 0.02)
    ]
    assert melting == sorted(melting, reverse=True)


@pytest.mark.parametrize(
    "model, task, signs",
    [
        ("ConvNet", "local", {6: 0, 12: 1, 20: 1}),
        ("ConvNet", "global", {6: 0, 12: 0, 20: 0}),
        ("ConvAC", "local", {6: 0, 12: 1, 20: 0}),
        ("ConvAC", "global", {6: 0, 12: 1, 20: 0}),
    ],
)
def test_which_intervals_leave_out_zero(model, task, signs):
    assert {r: sign_of(leads(RUNS, model, task, r).values()) for r in signs} == signs


def test_which_design_is_ahead():
    ahead = {}
    for model in ("ConvNet", "ConvAC"):
        for task in TASKS:
            pairs = [
                RUNS[model, task, r, "wide-base"][s] > RUNS[model, task, r, "wide-tip"][s]
                for r in (6, 12, 20)
                for s in RUNS[model, task, r, "wide-tip"]
            ]
            ahead[model, task] = sum(pairs) / len(pairs)
    assert 0.5 < ahead["ConvNet", "local"] < 1 and ahead["ConvAC", "local"] == 1
    assert 0.2 < ahead["ConvNet", "global"] < 0.5
    means = [np.mean(list(leads(RUNS, "ConvAC", "global", r).values())) for r in (6, 12, 20)]
    assert means[0] > means[1] > means[2] > 0
    assert all(gap > 0 for r in (6, 12, 20) for gap in leads(RUNS, "ConvAC", "global", r).values())


def test_matrices_by_position_turn_the_global_order_around():
    assert sign_of(leads(APART, "ConvAC", "global", 6).values()) == -1
    assert max(leads(APART, "ConvAC", "global", 6).values()) < 0
    assert sign_of(leads(APART, "ConvAC", "local", 6).values()) == 0


def test_the_first_prediction():
    def extra(runs, model, r):
        local, whole = (leads(runs, model, task, r) for task in TASKS)
        return [local[s] - whole[s] for s in local if s in whole]

    cases = {(m, r): extra(RUNS, m, r) for m in ("ConvNet", "ConvAC") for r in (6, 12, 20)}
    cases["by position", 6] = extra(APART, "ConvAC", 6)
    assert all(np.mean(gaps) > 0 for gaps in cases.values())
    shown = {case for case, gaps in cases.items() if sign_of(gaps) == 1}
    assert shown == {("ConvNet", 12), ("ConvNet", 20), ("ConvAC", 12)}


def test_what_the_bonds_carry():
    rows = rows_of("trained_spectra.json")

    def needed(share, design, task, side):
        return [
            bond["needed"]
            for row in rows
            if (row["share"], row["design"], row["task"]) == (share, design, task)
            for bond in row["bonds"]
            if bond["side"] == side
        ]

    wide = {"wide-base": 2, "wide-tip": 32}
    for design, side in wide.items():
        for share in ("all", "window-position"):
            for task in TASKS:
                assert max(needed(share, design, task, side)) <= 12  # half of 24
                narrow = needed(share, design, task, 34 - side)
                assert 4 <= min(narrow) and max(narrow) <= 6
    position = {
        design: [needed("window-position", design, task, side) for task in TASKS]
        for design, side in wide.items()
    }
    assert min(position["wide-base"][0]) > max(position["wide-base"][1])
    assert max(position["wide-tip"][0]) <= 6 < min(position["wide-tip"][1])
    assert all(
        0.99 < bond["effective_rank"] < 3.5
        for row in rows
        for bond in row["bonds"]
        if row["share"] == "window-position"
    )
