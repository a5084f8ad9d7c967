"""The checks of the page on limits of width, and the statements of the page that no cell runs."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from convac_book.checks import ceilings as check
from convac_lib import Architecture
from convac_lib.decompositions import coefficients_tensor
from convac_lib.learning import tasks
from convac_workbench.sweeps import Study, run_key, settings_of

ROOT = Path(__file__).resolve().parent.parent
PROFILES = [(5, 2, 2), (3, 5, 5), (2, 4, 6), (5, 5, 5)]
CEILINGS = {
    "local": {(5, 2, 2): 1, (3, 5, 5): 0.5, (2, 4, 6): 0.25, (5, 5, 5): 1},
    "global": {(5, 2, 2): 0.5, (3, 5, 5): 1, (2, 4, 6): 0.5, (5, 5, 5): 1},
}


# --- the checks -----------------------------------------------------------------------


def test_score_dimension():
    assert check.score_dimension(9)
    assert check.score_dimension(np.int64(4), 2, 2, (5, 2, 9), 10)
    assert check.score_dimension(12, 3, 2, (2, 7, 40), 12)
    assert "few scores" in str(check.score_dimension(12))
    assert "narrow layer" in str(check.score_dimension(10))
    assert "last channels" in str(check.score_dimension(5, 2, 2, (9, 4), 10))
    assert "there are more" in str(check.score_dimension(3))
    assert not check.score_dimension("ten")


def test_new_ceilings():
    assert check.new_ceilings((2 / 3, 0.5))
    assert check.new_ceilings((Fraction(3, 5), 0.75), 5, (4, 3, 3))
    assert "local: the blocks must keep" in str(check.new_ceilings((1, 0.5)))
    assert "global: the blocks must keep" in str(check.new_ceilings((1 / 3, 1), 3, (2, 4, 4)))
    assert "one level" in str(check.new_ceilings((2 / 3, 1), 3, (3, 3, 2)))
    assert "local: R^2" in str(check.new_ceilings((5 / 3, 0.5)))
    assert "not negative" in str(check.new_ceilings((2 / 3, -1)))
    assert "high" in str(check.new_ceilings((0.9, 0.5)))
    assert "low" in str(check.new_ceilings((2 / 3, 0.1)))
    assert not check.new_ceilings(0.5)


# --- the ceilings of the page ---------------------------------------------------------


def target(name):
    """The coefficients of a target of the pairs task, from the task's own definition."""
    wanted = np.zeros((5,) * 8)
    if name == "local":
        couples = [(2 * i, a, 2 * i + 1, a) for i in range(4) for a in range(4)]
    else:
        couples = [(i, i, i + 4, i) for i in range(4)]
    for site, a, other, b in couples:
        index = [0] * 8
        index[site], index[other] = a + 1, b + 1
        wanted[tuple(index)] = len(couples) ** -0.5
    return wanted


def r2(channels, layers, dense, name):
    """R^2 of a network against a target, from their coefficients."""
    network = Architecture.line(5, channels)
    found = coefficients_tensor(network, [*map(np.array, layers), np.array([dense])])[0]
    return 1 - np.sum((found - target(name)) ** 2)


def rows(numbers, width):
    matrix = np.zeros((len(numbers), width))
    for row, number in zip(matrix, numbers, strict=True):
        row[number] = 1
    return matrix


def local_network(channels, epsilon):
    """Channels 1 + eps p and 1 - eps p for each pair, whose products differ by 2 eps sum p."""
    r0, r1, r2_ = channels
    sites = rows(range(r0), 5)
    pair = np.zeros((r1, r0))
    pair[:2, 0] = 1
    pair[0, 1:], pair[1, 1:] = epsilon, -epsilon
    top = np.zeros((r2_, r1))
    top[0, 0] = top[1, 1] = 1
    dense = np.zeros(r2_)
    dense[:2] = 1 / (8 * epsilon), -1 / (8 * epsilon)
    return [[sites] * 8, [pair] * 4, [top] * 2], dense


def global_network(channels):
    """One channel for each product that is kept, 1 in all other factors."""
    r0, r1, r2_ = channels
    kept_of_pair = min(2, r0 - 1, r1 - 1) if r1 > 2 else 1
    layers = [[], [], [rows(np.arange(r2_) % r1, r1)] * 2]
    for i in range(8):
        numbers = [0] * r0
        if i % 2 < kept_of_pair:
            numbers[1 + i % 2] = i % 4 + 1
        layers[0].append(rows(numbers, 5))
    for j in range(4):
        numbers = [0] * r1
        for a in range(kept_of_pair):
            numbers[kept_of_pair * (j % 2) + a] = a + 1
        layers[1].append(rows(numbers, r0))
    dense = np.zeros(r2_)
    dense[: 2 * kept_of_pair] = 0.5
    return layers, dense


def test_the_targets_are_those_of_the_task():
    for mix, name in [(0.0, "local"), (1.0, "global")]:
        task = tasks.make("pairs", mix=mix, n_train=20, n_test=1)
        for signs, value in zip(task.train_inputs, task.train_targets, strict=True):
            found = target(name)
            for site in signs:
                found = np.tensordot([1, *site], found, axes=(0, 0))
            assert found == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("channels", PROFILES)
def test_weights_written_down_approach_the_ceilings_of_the_local_target(channels):
    ceiling = CEILINGS["local"][channels]
    found = [r2(channels, *local_network(channels, eps), "local") for eps in (0.3, 0.1, 0.03)]
    assert found == sorted(found)
    assert ceiling - 1e-4 < found[-1] < ceiling


@pytest.mark.parametrize("channels", PROFILES)
def test_weights_written_down_reach_the_ceilings_of_the_global_target(channels):
    found = r2(channels, *global_network(channels), "global")
    assert found == pytest.approx(CEILINGS["global"][channels], abs=1e-12)


def projections(rng, dimension, rank, count):
    return [np.linalg.qr(rng.normal(size=(dimension, rank)))[0] for _ in range(count)]


@pytest.mark.parametrize("n, s, k", [(2, 2, 2), (2, 3, 2), (2, 3, 3), (3, 2, 2), (3, 3, 3)])
def test_no_subspaces_beat_the_theorem_on_couples(n, s, k):
    """Alternating optimisation over subspaces reaches (k - 1) / s, and never more."""
    dimension = s + 1
    wanted = np.zeros((dimension,) * (2 * n))
    for m in range(n):
        for a in range(s):
            index = [0] * (2 * n)
            index[2 * m] = index[2 * m + 1] = a + 1
            wanted[tuple(index)] = (n * s) ** -0.5
    rng = np.random.default_rng(0)
    best = 0
    for _ in range(8):
        bases = projections(rng, dimension, k, 2 * n)
        for _ in range(25):
            for block in range(2 * n):
                kept = wanted
                for other in range(2 * n):
                    if other != block:
                        kept = np.moveaxis(np.tensordot(bases[other].T, kept, (1, other)), 0, other)
                unfolded = np.moveaxis(kept, block, 0).reshape(dimension, -1)
                u, values, _ = np.linalg.svd(unfolded, full_matrices=False)
                bases[block] = u[:, :k]
            explained = np.sum(values[:k] ** 2)
            assert explained < (k - 1) / s + 1e-9
        best = max(best, explained)
    assert best == pytest.approx((k - 1) / s, abs=1e-6)


# --- the stored runs ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["readout", "pairs"])
def test_the_stored_rows_are_the_runs_of_the_study(name):
    file = json.loads((ROOT / "book/data" / f"{name}_runs.json").read_text(encoding="utf-8"))
    found = set()
    for row in file["rows"]:
        settings = {**file["common"], **row}
        settings["model"] = settings["model"].lower()
        found.add(run_key(settings_of(settings)))
    study = Study.read(ROOT / "studies" / f"{name}.toml")
    assert found == {run_key(experiment.settings) for experiment in study.experiments}
    assert len(file["rows"]) == len(found)


def test_designs_that_are_compared_have_nearly_equal_numbers_of_weights():
    file = json.loads((ROOT / "book/data/readout_runs.json").read_text(encoding="utf-8"))
    for model in ("ConvAC", "ConvNet"):
        equal = [row for row in file["rows"] if row["model"] == model and row["channels"][-1] == 12]
        counts = {row["parameters"] for row in equal}
        assert len({tuple(row["channels"]) for row in equal}) == 2
        assert max(counts) < 1.1 * min(counts)
