"""What the page "Wide base, wide tip" says in words, held against the rows it reads.

The page prints its tables from the files; its sentences were written by hand. When more runs
come in and one of these fails, a sentence has to be written anew.
"""

import json
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from convac_workbench.cli.app import app
from convac_workbench.experiments import Experiment
from convac_workbench.results import Results
from convac_workbench.sweeps import Study, run_key, settings_of

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "book" / "data"
DESIGNS = ("wide-base", "wide-tip")


def rows_of(name):
    table = json.loads((DATA / name).read_text(encoding="utf-8"))
    return [{**table.get("common", {}), **row} for row in table["rows"]]


def grouped(rows, *names):
    """Return {values of `names`: accuracies in per cent}."""
    found = {}
    for row in rows:
        place = tuple(row.get(name) for name in names)
        found.setdefault(place, []).append(100 * row["test_accuracy"])
    return found


RECIPE = grouped(rows_of("fig10_he_recipe_runs.json"), "task", "learning_rate", "epochs", "design")
SEEDS = {}  # (task, r, design): {seed: accuracy in per cent}
for row in rows_of("fig10_he_runs.json"):
    if not row["model_options"]:
        place = row["task"], row["r"], row["design"]
        SEEDS.setdefault(place, {})[row["seed"]] = 100 * row["test_accuracy"]
AT_12 = {
    (task, design): list(seeds.values()) for (task, r, design), seeds in SEEDS.items() if r == 12
}
PAPER = {
    (row["task"], row["r"], row["design"]): 100 * row["test_accuracy"]
    for row in rows_of("fig10_paper.json")
}


@pytest.mark.parametrize(
    "name",
    [
        "starts",
        "fig10_he",
        "fig10_he_recipe",
        "fig10_images",
        "fig10_convac_recipe",
        "fig10_convac",
        "fig10_convac_all_recipe",
        "fig10_convac_all",
        "fig10_witness",
        "fig10_machine",
    ],
)
def test_the_rows_are_the_studys_and_are_kept_beside_it(name):
    study = Study.read(ROOT / "studies" / f"{name}.toml")
    rows = Results(ROOT / "studies" / f"{name}.jsonl").rows()
    keys = {run_key(experiment.settings) for experiment in study.experiments}
    assert {run_key(settings_of(row)) for row in rows} <= keys
    kept = json.loads((DATA / f"{name}_runs.json").read_text(encoding="utf-8"))
    assert (len(kept["rows"]), kept["missing"]) == (len(rows), len(keys) - len(rows))
    assert sorted(round(row["test_accuracy"], 6) for row in rows) == sorted(
        row["test_accuracy"] for row in kept["rows"]
    )


def test_recipe_and_starts_are_judged_on_held_out_images_and_the_study_is_not():
    for name, images in [("starts", 10_000), ("fig10_he_recipe", 10_000), ("fig10_he", 0)]:
        assert {row["hold_out"] for row in rows_of(f"{name}_runs.json")} == {images}


def started(r, design, init):
    return [
        100 * row["test_accuracy"]
        for row in rows_of("starts_runs.json")
        if (row["r"], row["design"], row["model_options"].get("init")) == (r, design, init)
    ]


def test_what_the_start_does():
    base, tip = (started(12, design, "pytorch") for design in DESIGNS)
    assert 56 < min(base + tip) and max(base + tip) < 81.1
    signs = {np.sign(b - t) for b, t in zip(base, tip, strict=True)}
    assert signs == {1, -1}
    base, tip = (started(12, design, None) for design in DESIGNS)
    assert len(base + tip) == 6 and min(base + tip) > 82 and min(tip) > max(base)
    narrow = [a for design in DESIGNS for a in started(6, design, "pytorch")]
    assert len(narrow) == 6 and sum(a < 15 for a in narrow) == 2
    he = [started(6, design, None) for design in DESIGNS]
    assert max(narrow) < min(min(he))
    assert stats.ttest_ind(*he, equal_var=False).pvalue > 0.3


@pytest.mark.parametrize("task", ["local", "global"])
@pytest.mark.parametrize("design", DESIGNS)
def test_the_smallest_rate_is_worse_for_both_designs_and_the_others_are_not_told_apart(
    task, design
):
    low, middle, high = (RECIPE[task, rate, 8, design] for rate in (0.005, 0.01, 0.02))
    assert np.mean(low) < min(np.mean(middle), np.mean(high))
    assert abs(np.mean(middle) - np.mean(high)) < 1


def test_what_more_epochs_bring():
    for design in DESIGNS:
        eight, sixteen, end = (np.mean(RECIPE["global", 0.01, n, design]) for n in (8, 16, 32))
        assert 3.5 < end - eight < 5 and 1.5 < end - sixteen < 2.5


def test_the_papers_figure_at_every_rate_and_length_tried():
    tried = {place[:3] for place in RECIPE if len(RECIPE[place]) == 3}
    assert len([place for place in tried if place[0] == "global"]) == 5
    for place in tried:
        if (*place, "wide-base") not in RECIPE or (*place, "wide-tip") not in RECIPE:
            continue
        base, tip = (RECIPE[(*place, design)] for design in DESIGNS)
        ahead, behind = (base, tip) if place[0] == "local" else (tip, base)
        assert min(ahead) > max(behind), place
    uniform = RECIPE["global", 0.01, 16, "uniform"]
    assert min(uniform) > max(RECIPE["global", 0.01, 16, "wide-tip"])


@pytest.mark.parametrize("task", ["global", "local"])
def test_two_designs_with_one_seed_do_not_go_together(task):
    for pair in combinations(("wide-base", "wide-tip", "uniform"), 2):
        both = [[], []]
        for r in WIDTHS:
            for found, design in zip(both, pair, strict=True):
                seeds = SEEDS[task, r, design]
                found += list(stats.zscore([seeds[seed] for seed in sorted(seeds)]))
        assert abs(np.corrcoef(*both)[0, 1]) < 0.25


def test_all_seeds_are_in():
    table = json.loads((DATA / "fig10_he_runs.json").read_text(encoding="utf-8"))
    assert (len(table["rows"]), table["missing"]) == (440, 0)
    for (task, r, design), seeds in SEEDS.items():
        if design:
            assert sorted(seeds) == list(range(10 if task == "global" else 5)), (task, r, design)


def test_every_run_at_12_shows_both_halves_of_the_papers_figure():
    for task, ahead, behind in (("global", "wide-tip", "wide-base"),
                                ("local", "wide-base", "wide-tip")):  # fmt: skip
        assert min(AT_12[task, ahead]) > max(AT_12[task, behind])


@pytest.mark.parametrize(
    "task, one, other, low, high",
    [
        ("global", "wide-tip", "wide-base", 2.5, 3.5),
        ("global", "uniform", "wide-tip", 0.7, 1.3),
        ("global", "uniform", "wide-base", 3.5, 4.5),
        ("local", "wide-base", "wide-tip", 4, 5),
        ("local", "uniform", "wide-tip", 4, 5),
        ("local", "uniform", "wide-base", -1, 1),
    ],
)
def test_the_gaps_at_12_and_what_their_intervals_leave_out(task, one, other, low, high):
    runs, others = AT_12[task, one], AT_12[task, other]
    assert low < np.mean(runs) - np.mean(others) < high
    interval = stats.ttest_ind(runs, others, equal_var=False).confidence_interval(0.95)
    if low > 0:
        assert interval.low > 0.45
    else:
        assert -1 < interval.low < 0 < interval.high < 1


WIDTHS = (6, 8, 10, 12, 16, 20, 24, 30)
FROM_12 = WIDTHS[3:]
BLOCK = {  # ten seeds on the global task, five on the local one
    place: [accuracies[seed] for seed in sorted(accuracies)] for place, accuracies in SEEDS.items()
    if place[1] in WIDTHS and place[2]
}  # fmt: skip


def pooled(task, one, other, widths):
    """Return the mean gap over widths and its interval, from the intervals at each width."""
    gaps, errors = [], []
    for r in widths:
        runs, others = BLOCK[task, r, one], BLOCK[task, r, other]
        test = stats.ttest_ind(runs, others, equal_var=False)
        interval = test.confidence_interval(0.95)
        half = (interval.high - interval.low) / 2
        errors.append(((half / stats.t.ppf(0.975, test.df)) ** 2, test.df))
        gaps.append(np.mean(runs) - np.mean(others))
    total = sum(error for error, _ in errors)
    df = total**2 / sum(error**2 / free for error, free in errors)
    half = stats.t.ppf(0.975, df) * np.sqrt(total) / len(widths)
    return np.mean(gaps), np.mean(gaps) - half, np.mean(gaps) + half


def by_shuffling(task, one, other, widths, n_shuffles=20_000):
    """Return how often labels shuffled within each width part the designs as far as ours do."""
    rng = np.random.default_rng(0)
    ranks = np.array([stats.rankdata(BLOCK[task, r, one] + BLOCK[task, r, other]) for r in widths])
    n = len(BLOCK[task, widths[0], one])
    ours = ranks[:, :n].sum() - ranks.sum() / 2
    shuffled = rng.permuted(np.broadcast_to(ranks, (n_shuffles, *ranks.shape)), axis=-1)
    drawn = shuffled[..., :n].sum((1, 2)) - ranks.sum() / 2
    return np.mean(abs(drawn) >= abs(ours))


ALL = [(task, r) for task in ("global", "local") for r in WIDTHS]


def test_every_width_is_there_and_no_run_is_lost():
    assert len(BLOCK) == len(ALL) * 3
    assert min(row["test_accuracy"] for row in rows_of("fig10_he_runs.json")) > 0.15


@pytest.mark.parametrize("task, r", ALL)
def test_both_halves_of_the_papers_figure_at_every_width(task, r):
    base, tip, uniform = (BLOCK[task, r, design] for design in (*DESIGNS, "uniform"))
    behind, ahead = (base, tip) if task == "global" else (tip, base)
    assert np.mean(behind) < np.mean(ahead)
    if task == "global":
        assert np.mean(uniform) > np.mean(ahead)
        passed = [(u, run) for u in uniform for run in base + tip if run > u]
        assert stats.ttest_ind(base, tip, equal_var=False).pvalue < 0.05
        above_the_worst = sum(run > min(uniform) for run in tip)
        assert 1 <= above_the_worst <= 4 if r >= 12 else not passed
        assert not {run for _, run in passed} & set(base)
    else:
        assert min(uniform) > max(tip) and abs(np.mean(uniform) - np.mean(base)) < 1.1


def test_at_one_width_alone_luck_has_a_large_say():
    spreads = {
        r: np.mean([np.std(BLOCK["global", r, design], ddof=1) for design in DESIGNS])
        for r in WIDTHS
    }
    assert max(spreads, key=spreads.get) == 6 and spreads[6] > 2.5


@pytest.mark.parametrize(
    "task, one, other, low, high",
    [
        ("global", "wide-tip", "wide-base", 1.8, 2.2),
        ("global", "uniform", "wide-tip", 1.7, 2.5),
        ("global", "uniform", "wide-base", 3.5, 4.5),
        ("local", "wide-base", "wide-tip", 4.3, 4.7),
        ("local", "uniform", "wide-tip", 4, 5),
    ],
)
@pytest.mark.parametrize("widths", [WIDTHS, FROM_12])
def test_what_is_told_apart_over_the_widths(task, one, other, low, high, widths):
    mean, least, _ = pooled(task, one, other, widths)
    assert least > 0.4 and by_shuffling(task, one, other, widths) < 0.001
    if widths == WIDTHS:
        assert low < mean < high


def test_uniform_and_base_on_small_digits():
    mean, low, high = pooled("local", "wide-base", "uniform", WIDTHS)
    assert -1 / 3 < low < 0 < high < 1 / 3
    assert 1 / 1000 < by_shuffling("local", "wide-base", "uniform", WIDTHS) < 1 / 300
    mean, low, _ = pooled("local", "wide-base", "uniform", FROM_12)
    assert 0.4 < mean < 0.55 and low > 0.2
    assert by_shuffling("local", "wide-base", "uniform", FROM_12) < 1 / 1000
    leads = {
        r: np.mean(BLOCK["local", r, "wide-base"]) - np.mean(BLOCK["local", r, "uniform"])
        for r in WIDTHS
    }
    assert max(leads[6], leads[8]) < -0.7 and min(leads[6], leads[8]) > -1.1
    assert all(0.45 < leads[r] < 0.6 for r in (16, 20, 24, 30))


def test_the_difference_of_the_two_differences():
    for widths, low, high in ((WIDTHS, 6.25, 6.75), (FROM_12, 4.75, 5.25)):
        gaps = [pooled(task, *DESIGNS, widths) for task in ("local", "global")]
        assert low < gaps[0][0] - gaps[1][0] < high
        # By how much it is uncertain: the two are independent.
        half = np.hypot(*((most - least) / 2 for _, least, most in gaps))
        assert widths != WIDTHS or (round(gaps[0][0] - gaps[1][0], 1), round(half, 1)) == (6.5, 0.7)


def test_the_lead_of_uniform_over_the_base_on_large_digits_shrinks_as_the_networks_grow():
    leads = [
        np.mean(BLOCK["global", r, "uniform"]) - np.mean(BLOCK["global", r, "wide-base"])
        for r in WIDTHS
    ]
    assert leads == sorted(leads, reverse=True)
    assert 11 < leads[0] < 12 and 0.75 < leads[-1] < 1.25


EQUAL_READOUTS = {
    10: ([23, 23, 12, 12, 6, 10], [8, 8, 16, 16, 31, 10]),
    16: ([47, 47, 24, 24, 12, 16], [16, 16, 32, 32, 63, 16]),
}


@pytest.mark.parametrize("task", ["global", "local"])
@pytest.mark.parametrize("readout", EQUAL_READOUTS)
def test_base_and_tip_that_hand_the_readout_equally_many_numbers(task, readout):
    base, tip = (
        [
            100 * row["test_accuracy"]
            for row in rows_of("fig10_he_runs.json")
            if (row["task"], row["channels"]) == (task, channels)
        ]
        for channels in EQUAL_READOUTS[readout]
    )
    assert len(base) == len(tip) == 5
    interval = stats.ttest_ind(base, tip, equal_var=False).confidence_interval(0.95)
    if task == "local":
        assert interval.low > 0
    else:
        assert interval.low < 0 < interval.high


def test_by_ranks_the_tip_is_ahead_in_both_such_pairs_together():
    rng, seen, drawn = np.random.default_rng(0), 0, np.zeros(40_000)
    for pair in EQUAL_READOUTS.values():
        base, tip = (
            [
                row["test_accuracy"]
                for row in rows_of("fig10_he_runs.json")
                if (row["task"], row["channels"]) == ("global", channels)
            ]
            for channels in pair
        )
        ranks = stats.rankdata([*base, *tip])
        seen += ranks[:5].sum() - 27.5
        drawn += rng.permuted(np.tile(ranks, (len(drawn), 1)), axis=1)[:, :5].sum(1) - 27.5
    assert seen < 0 and 0.005 < np.mean(abs(drawn) >= abs(seen)) < 0.015


def test_how_far_above_the_papers_points_ours_lie():
    above = {
        r: [
            np.mean(BLOCK[task, r, design]) - PAPER[task, r, design]
            for task in ("global", "local")
            for design in DESIGNS
        ]
        for r in WIDTHS
    }
    assert 15 < min(above[6]) and max(above[6]) < 18
    assert 1.5 < min(above[30]) and max(above[30]) < 5.5
    assert min(map(min, above.values())) > 1.5


def test_what_the_small_images_are_made_of_moves_the_accuracy_and_not_the_order():
    images = {}
    for row in rows_of("fig10_images_runs.json"):
        how = row["task_options"]
        place = how.get("interpolation", "area"), how["threshold"]
        images.setdefault((*place, row["design"]), []).append(100 * row["test_accuracy"])
    for design in DESIGNS:
        images["area", 0.35, design] = [SEEDS["local", 12, design][seed] for seed in (0, 1)]
    assert len(images) == 12 and {len(two) for two in images.values()} == {2}
    gaps = []
    for way in ("area", "bilinear"):
        for above in (0.2, 0.35, 0.5):
            base, tip = (images[way, above, design] for design in DESIGNS)
            assert min(base) > max(tip)
            gaps.append(np.mean(base) - np.mean(tip))
    assert 3 < min(gaps) and max(gaps) < 6.5
    drops = []
    for design in DESIGNS:
        means = {place[:2]: np.mean(two) for place, two in images.items() if place[2] == design}
        there = PAPER["local", 12, design]
        assert min(means.values()) < there < max(means.values())
        assert sum(mean < there for mean in means.values()) == 2  # in the middle
        drops += [means[way, 0.2] - means[way, 0.5] for way in ("area", "bilinear")]
    assert 20.5 < max(drops) < 21.5


def test_the_uniform_network_has_the_widths_and_the_budget_that_the_page_says():
    study = Study.read(ROOT / "studies" / "fig10_he.toml")
    channels = {e.channels for e in study.experiments if (e.design, e.r) == ("uniform", 12)}
    assert channels == {(29, 30, 30, 30, 30, 30)}


def test_the_pages_command_makes_a_row_of_the_study(monkeypatch):
    """Settings left to the command's defaults would make another run: so ask for all of them."""
    page = json.loads((ROOT / "book/part5/wide-designs.ipynb").read_text(encoding="utf-8"))
    text = "".join("".join(cell["source"]) + "\n" for cell in page["cells"])
    (command,) = re.findall(r"^convac (train .*)$", text, re.MULTILINE)
    asked = []

    class Asked(Exception):
        pass

    def note(experiment):
        asked.append(experiment.settings)
        raise Asked

    monkeypatch.setattr(Experiment, "load_task", note)
    result = CliRunner().invoke(app, command.split())
    assert isinstance(result.exception, Asked), result.output
    study = Study.read(ROOT / "studies" / "fig10_he.toml")
    assert asked[0] in [experiment.settings for experiment in study.experiments]
