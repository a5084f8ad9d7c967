"""What the page "Wide base, wide tip" says in words, held against the rows it reads.

The page prints its tables from the files; its sentences were written by hand. When more runs
come in and one of these fails, a sentence has to be written anew.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from convac_book import book_data

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


R_ALL = (6, 8, 10, 12, 16, 20, 24, 30)
MODELS = ("ConvNet", "ConvAC")
RUNS = accuracies(rows_of("fig10_runs.json"))
AGAIN = accuracies(rows_of("fig10_cpu_runs.json"))
PAPER = {
    (row["task"], row["r"], row["design"]): 100 * row["test_accuracy"]
    for row in json.loads((DATA / "fig10_paper.json").read_text(encoding="utf-8"))["rows"]
}
R_APART = (6, 12, 20)
APART = accuracies(rows_of("fig10_positions_runs.json"))


def lost(runs):
    """Return the runs that learnt nothing, {(model, task, r, design, seed)}."""
    return {(*place, s) for place, seeds in runs.items() for s, a in seeds.items() if a < 15}


def paper_gap(task, r):
    return PAPER[task, r, "wide-base"] - PAPER[task, r, "wide-tip"]


def test_the_runs_are_as_many_as_said():
    assert {place[2] for place in RUNS} == set(R_ALL)
    assert len(RUNS) == 2 * 2 * 2 * 8 and len(AGAIN) == 2 * 2 * 2 * 3
    assert all(sorted(seeds) == list(range(5)) for seeds in [*RUNS.values(), *AGAIN.values()])
    assert "H100" in book_data.read(DATA / "fig10_runs.json")["provenance"]["device"]
    assert "cpu" in book_data.read(DATA / "fig10_cpu_runs.json")["provenance"]["device"]


def test_the_lost_runs():
    convnets = {run for run in lost(RUNS) if run[0] == "ConvNet"}
    local = {run for run in convnets if run[1] == "local"}
    assert local and {(m, "global", *rest) for m, _, *rest in local} <= convnets
    assert {run[2] for run in convnets} == {6, 8, 10}
    assert {run[2] for run in lost(RUNS) - convnets} == {6}
    both = lost(RUNS) & lost(AGAIN)
    assert len(both) == 4 and {run[0] for run in both} == {"ConvNet"}
    assert all(RUNS[run[:4]][run[4]] > 15 for run in lost(AGAIN) - both)


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
        assert (
            score["ConvAC", rate, "global", "wide-base"]
            > score["ConvAC", rate, "global", "wide-tip"]
        )
    melting = [
        score["ConvAC", rate, "local", "wide-base"] - score["ConvAC", rate, "local", "wide-tip"]
        for rate in (0.005, 0.01, 0.02)
    ]
    assert melting == sorted(melting, reverse=True)


@pytest.mark.parametrize(
    "model, task, base, tip",
    [
        ("ConvNet", "local", R_ALL[1:], ()),
        ("ConvNet", "global", (), (16,)),
        ("ConvAC", "local", R_ALL[1:], ()),
        ("ConvAC", "global", (6, 8, 10, 12, 16, 20, 30), ()),
    ],
)
def test_which_intervals_leave_out_zero(model, task, base, tip):
    signs = {r: sign_of(leads(RUNS, model, task, r).values()) for r in R_ALL}
    assert signs == {r: 1 if r in base else -1 if r in tip else 0 for r in R_ALL}


def test_which_gaps_pass_bonferronis_correction():
    gaps = {
        (model, task, r): list(leads(RUNS, model, task, r).values())
        for model in MODELS
        for task in TASKS
        for r in R_ALL
    }
    passed = {
        place for place, d in gaps.items() if len(gaps) * stats.ttest_1samp(d, 0.0).pvalue < 0.05
    }
    assert {place for place in passed if place[:2] == ("ConvNet", "global")} == {
        ("ConvNet", "global", 16)
    }
    assert {place[:2] for place in passed} == {(model, task) for model in MODELS for task in TASKS}


def mean_gap(model, task, r):
    return np.mean(list(leads(RUNS, model, task, r).values()))


def test_the_size_of_the_gaps():
    assert all(4.5 < mean_gap("ConvNet", "local", r) < 6 for r in (12, 16, 20, 24, 30))
    assert round(paper_gap("local", 30)) == 2
    assert all(mean_gap("ConvNet", "global", r) < 0 for r in (12, 16, 20, 24, 30))
    convacs = [mean_gap("ConvAC", "global", r) for r in R_ALL]
    assert convacs == sorted(convacs, reverse=True) and convacs[-1] > 0
    assert 5 < convacs[0] < 6


def test_all_widths_together():
    failed = {(run[0], run[2]) for run in lost(RUNS)}
    safe = {m: [r for r in R_ALL if (m, r) not in failed] for m in MODELS}
    assert safe == {"ConvNet": [12, 16, 20, 24, 30], "ConvAC": list(R_ALL[1:])}
    found = {}
    for model in MODELS:
        for task in TASKS:
            by_r = [leads(RUNS, model, task, r) for r in safe[model]]
            found[model, task] = sign_of([np.mean([d[s] for d in by_r]) for s in range(5)])
    assert found == {
        ("ConvNet", "local"): 1,
        ("ConvNet", "global"): 0,
        ("ConvAC", "local"): 1,
        ("ConvAC", "global"): 1,
    }


def test_convacs_scatter_less_than_convnets_and_wide_networks_less_than_narrow_ones():
    def length(model, r):
        gaps = list(leads(RUNS, model, "global", r).values())
        return np.std(gaps, ddof=1) / np.sqrt(len(gaps)) * stats.t.ppf(0.975, len(gaps) - 1)

    assert all(length("ConvAC", r) < length("ConvNet", r) for r in R_ALL)
    assert all(2 * length("ConvNet", r) > 5 for r in (6, 8, 10, 12))
    largest = max(-paper_gap("global", r) for r in R_ALL)
    assert all(length("ConvNet", r) > largest for r in (6, 8, 10, 12))
    assert all(length("ConvNet", r) < largest for r in (16, 20, 24, 30))


def test_rounding_moves_a_run_by_a_part_of_what_a_seed_does():
    parts = []
    for model in MODELS:
        for task in TASKS:
            for r in (6, 12, 20):
                spreads, apart = [], []
                for design in DESIGNS:
                    place = model, task, r, design
                    both = [
                        (RUNS[place][s], AGAIN[place][s])
                        for s in range(5)
                        if min(RUNS[place][s], AGAIN[place][s]) > 15
                    ]
                    spreads.append(np.var([a for a, _ in both], ddof=1))
                    apart += [a - b for a, b in both]
                parts.append(np.sqrt(np.mean(np.square(apart)) / 2 / np.mean(spreads)))
    assert min(parts) > 1 / 3 and np.median(parts) > 0.5


def test_the_second_runs_have_the_signs_that_were_sure():
    sure = 0
    for model in MODELS:
        for task in TASKS:
            for r in (6, 12, 20):
                sign = sign_of(leads(RUNS, model, task, r).values())
                if sign:
                    sure += 1
                    assert np.sign(np.mean(list(leads(AGAIN, model, task, r).values()))) == sign
    assert sure >= 6


def test_how_far_our_convnets_are_from_the_papers():
    for (task, r, design), theirs in PAPER.items():
        ours = [a for a in RUNS["ConvNet", task, r, design].values() if a > 15]
        points = np.mean(ours) - theirs
        if task == "local":
            assert abs(points) < 6 and (r < 12 or points > 0)
        elif r <= 12:
            assert -14 < points < -5
        elif r >= 20:
            assert -2 < points < 1


def test_matrices_by_position_turn_the_global_order_around_and_not_the_local_one():
    gaps = {
        task: {r: list(leads(APART, "ConvAC", task, r).values()) for r in R_APART} for task in TASKS
    }
    assert all(len(five) == 5 for by_r in gaps.values() for five in by_r.values())
    assert [sign_of(gaps["global"][r]) for r in R_APART] == [-1, -1, -1]
    assert max(max(five) for five in gaps["global"].values()) < 0
    means = [-np.mean(gaps["global"][r]) for r in R_APART]
    assert 5 < means[0] < 8 and means == sorted(means, reverse=True)
    assert [sign_of(gaps["local"][r]) for r in R_APART] == [0, 1, 1]
    assert min(gaps["local"][12] + gaps["local"][20]) > 0
    assert min(gaps["local"][6]) < -10 < 10 < max(gaps["local"][6])


def extra(runs, model, r):
    """Return the base's lead on the local task minus that on the global one, by seed."""
    local, whole = (leads(runs, model, task, r) for task in TASKS)
    return [local[s] - whole[s] for s in local if s in whole]


def test_the_first_prediction():
    cases = {(m, r): extra(RUNS, m, r) for m in MODELS for r in R_ALL}
    cases |= {("by position", r): extra(APART, "ConvAC", r) for r in R_APART}
    assert all(np.mean(gaps) > 0 for gaps in cases.values())
    shown = {m: [r for r in R_ALL if sign_of(cases[m, r]) == 1] for m in MODELS}
    by_position = [r for r in R_APART if sign_of(cases["by position", r]) == 1]
    assert by_position == [12, 20]
    assert shown == {"ConvNet": [16, 20, 24, 30], "ConvAC": [10, 12, 16, 24, 30]}


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
    position, shared = (
        {d: [needed(share, d, task, side) for task in TASKS] for d, side in wide.items()}
        for share in ("window-position", "all")
    )
    for found in (position, shared):
        assert all(len(by_seed) == 3 for tasks in found.values() for by_seed in tasks)
    assert min(position["wide-base"][0]) > max(position["wide-base"][1])
    for found in (position, shared):
        small, large = found["wide-tip"]
        assert max(small) <= 6 < min(large) and 1.5 < np.mean(large) / np.mean(small) < 2
    small, large = shared["wide-base"]
    assert abs(np.mean(small) - np.mean(large)) < 1
    assert min(large) < min(small) and max(large) > max(small)
    assert all(
        0.99 < bond["effective_rank"] < 3.5
        for row in rows
        for bond in row["bonds"]
        if row["share"] == "window-position"
    )


def test_equal_accuracy_and_unequal_tensors():
    nets = [
        row
        for row in rows_of("trained_spectra.json")
        if (row["share"], row["design"], row["task"]) == ("window-position", "wide-tip", "global")
    ]
    right = [100 * net["test_accuracy"] for net in nets]
    state = [net["bonds"][-1]["state_effective_rank"] for net in nets]
    assert max(right) - min(right) < 1 and [round(rank) for rank in state] == [1, 6, 10]
