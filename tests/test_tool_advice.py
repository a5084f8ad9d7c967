"""The study behind *Choosing widths*: its rows, and what the page says of them."""

import json
from pathlib import Path

import numpy as np
import pytest
from load_script import load_script

from convac_lib.architecture import Architecture

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "book" / "data" / "advice_runs.json"


@pytest.fixture(scope="module")
def advice():
    return load_script("tools/advice.py")


def test_rows_are_written_once_and_collected(advice, tmp_path, monkeypatch):
    small = advice.Setting(
        common={"task": "pairs", "task_options": {"n_train": 300, "n_test": 100},
                "local_dim": 5, "epochs": 1, "model_options": {"share": "none"}},
        share="none", budget=260, probe=(8, 8, 8), hold_out=50, seeds=2, samples=60,
        together=True,
    )  # fmt: skip
    monkeypatch.setattr(advice, "SETTINGS", {"small": small})
    monkeypatch.setattr(advice, "TARGET", tmp_path / "runs.json")
    for _ in range(2):
        advice.main(["run", str(tmp_path)])
    lines = (tmp_path / "small.jsonl").read_text().splitlines()
    assert len(lines) == 6  # an untrained probe is not trusted: uniform, base and tip, 2 seeds
    advice.main(["collect", str(tmp_path)])
    kept = json.loads((tmp_path / "runs.json").read_text())["rows"][0]
    assert [row["profile"] for row in kept["rows"]] == [
        "uniform", "uniform", "wide-base", "wide-base", "wide-tip", "wide-tip",
    ]  # fmt: skip
    with pytest.raises(SystemExit, match="no such setting: cats"):
        advice.main(["run", str(tmp_path), "cats"])
    with pytest.raises(SystemExit):
        advice.main([])


def medians_differ(a, b, draws=4000):
    """Return -1, 0 or 1: the sign of the difference of two medians, 0 if it is not known."""
    rng = np.random.default_rng(0)
    a, b = (np.median(rng.choice(s, (draws, len(s))), axis=1) for s in (a, b))
    low, high = np.quantile(a - b, (0.025, 0.975))
    return int(low > 0) - int(high < 0)


def test_what_the_page_says_of_the_rows():
    found = {s["name"]: s for s in json.loads(ROWS.read_text())["rows"]}
    best, uniform, scores = {}, {}, {}
    for name, setting in found.items():
        runs = {}
        for row in setting["rows"]:
            runs.setdefault(row["profile"], []).append(row["test"])
        own = runs.get("advised", runs["uniform"])
        rivals = [runs[p] for p in ("wide-tip", "wide-base", "uniform")]
        best[name] = medians_differ(own, max(rivals, key=np.median))
        uniform[name] = medians_differ(own, runs["uniform"]) if "advised" in runs else None
        scores[name] = runs
    assert [name for name, sign in best.items() if sign] == ["filling-600"]
    assert best["filling-600"] == 1
    assert {n for n, sign in uniform.items() if sign} == {"pairs-1", "filling-600"}
    assert {n for n, sign in uniform.items() if sign == 0} == {"photos-300", "tiled-600"}
    filling = {p: np.median(s) for p, s in scores["filling-600"].items()}
    assert 0.01 < filling["advised"] - filling["uniform"] < 0.02
    assert filling["uniform"] < filling["even-12"] < filling["advised"]
    even = {n: scores[n]["even-12"] for n in ("filling-600", "tiled-600")}
    assert medians_differ(scores["filling-600"]["advised"], even["filling-600"]) == 0
    assert medians_differ(scores["tiled-600"]["advised"], even["tiled-600"]) == 1
    levels = {n: s["advice"]["entropies"][:-1] for n, s in found.items()}
    assert np.argmax(np.diff(levels["tiled-600"])) == 1  # from blocks of 2 x 2 to 4 x 4
    assert np.argmax(np.diff(levels["filling-600"])) == 2
    for name in ("local-6", "global-6"):
        assert np.argmax(np.diff(levels[name])) == 4  # the last step, for both
        by_hand = scores[name]["wide-tip"] + scores[name]["wide-base"]
        assert min(scores[name]["uniform"]) > max(by_hand)
    for name, profile in (
        ("tiled-600", "wide-tip"), ("tiled-1440", "wide-tip"), ("photos-1300", "wide-base"),
        ("local-6", "wide-tip"), ("local-6", "wide-base"),
    ):  # fmt: skip
        assert np.median(scores[name][profile]) < np.median(scores[name]["uniform"]) - 0.02
    for name in ("pairs-2", "pairs-4"):
        assert not found[name]["advice"]["trusted"]
        assert all(0.4 < score < 0.55 for score in found[name]["advice"]["probe_results"])


def test_the_books_rows_are_of_the_budgets_they_say():
    found = json.loads(ROWS.read_text())
    assert {"command", "device", "versions", "date"} <= set(found["provenance"])
    shapes = {"pairs": (8, 2, 5, 1), "photos": (256, 4, 2, 2),
              "tiled": (256, 4, 2, 10), "filling": (256, 4, 2, 10),
              "local": (4096, 4, 10, 10), "global": (4096, 4, 10, 10)}  # fmt: skip
    for setting in found["rows"]:
        n_sites, window, local_dim, n_outputs = shapes[setting["common"]["task"]]
        seeds = {}
        for row in setting["rows"]:
            network = Architecture(n_sites, window, local_dim, row["channels"], n_outputs)
            assert network.parameter_count(setting["share"]) <= setting["budget"]
            assert network.parameter_count(setting["share"]) >= 0.85 * setting["budget"]
            assert np.isfinite(row["test"])
            seeds.setdefault(row["profile"], []).append(row["seed"])
        for listed in seeds.values():
            assert listed == sorted(set(listed))
