"""The study behind "Choosing widths for your data": does advised beat uniform and by hand?

For every setting: train probes on a part of the training set, measure the bonds of the
one that does best on the rest of it, ask `convac_workbench.advice` for a profile, then train
all profiles of the same budget with several seeds and test them on the test set, which no
advice has seen. Nothing is chosen by test scores. Stop it and start it again at any time.

    python tools/advice.py run FOLDER [SETTING ...]   probes, advice and rows into FOLDER
    python tools/advice.py collect FOLDER             write book/data/advice_runs.json

Rows of studies/fig10.toml are taken over, not made again, if they lie in FOLDER/fig10.jsonl.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from convac_book import book_data
from convac_lib.architecture import DESIGNS
from convac_lib.learning.training import keep_freed_memory, train
from convac_workbench.advice import suggest_profile
from convac_workbench.bonds import bond_spectrum
from convac_workbench.experiments import Experiment
from convac_workbench.profiles import graded_profile
from convac_workbench.results import Results
from convac_workbench.sweeps import Study, run_key, run_study, settings_of

WHAT = (
    "probes held out part of the training set; train and test are accuracy or R^2, test of the "
    "test set after the last epoch; nothing was chosen by them. Rates are those of studies/, for "
    "photos chosen on held-out training samples"
)
TARGET = Path(__file__).resolve().parent.parent / "book" / "data" / "advice_runs.json"


@dataclass(frozen=True)
class Setting:
    """One task and budget: how to train, how to probe, and what to compare."""

    common: dict
    share: str
    budget: int
    probe: tuple
    hold_out: int
    seeds: int
    probe_seeds: int = 1
    samples: int = 500
    by_hand: dict = field(default_factory=dict)  # else graded from the budget
    together: bool = False  # small networks: all seeds of a profile in one go


def pairs(distance):
    return Setting(
        common={
            "task": "pairs", "task_options": {"distance": distance}, "local_dim": 5,
            "epochs": 20, "learning_rate": 0.015,
            "model_options": {"share": "none", "init": "normal"},
        },
        share="none", budget=260, probe=(12, 12, 12), hold_out=2000, seeds=24, probe_seeds=3,
        samples=2000,
        by_hand={"wide-base": {"channels": [5, 2, 2]}, "wide-tip": {"channels": [3, 5, 5]}},
        together=True,
    )  # fmt: skip


def paper(task, r, seeds=3):
    return Setting(
        common={
            "task": task, "task_options": {"source": "mnist"}, "learning_rate": 0.01,
            "model_options": {"share": "all"},
        },
        share="all", budget=31 * r * r + 50 * r, probe=(5 * r,) * 6, hold_out=10_000,
        seeds=seeds, samples=300,
        by_hand={kind: {"design": kind, "r": r} for kind in DESIGNS},
    )  # fmt: skip


def digits(task, budget, base, tip, even):
    """All by hand end in 12 channels to read ten classes off; the rest of them is as named."""
    return Setting(
        common={
            "task": task, "local_dim": 2, "epochs": 28, "batch_size": 64, "learning_rate": 0.01,
            "model_options": {"representation": "linear"},
        },
        share="window-position", budget=budget, probe=(32, 32, 32, 12), hold_out=300, seeds=12,
        by_hand={
            "wide-base": {"channels": [*base, 12]}, "wide-tip": {"channels": [*tip, 12]},
            "even-12": {"channels": [*even, 12]},
        },
        together=True,
    )  # fmt: skip


def photos(budget):
    return Setting(
        common={
            "task": "photos", "task_options": {"side": 16}, "local_dim": 2, "epochs": 16,
            "batch_size": 64, "learning_rate": 0.005,
            "model_options": {"representation": "linear"},
        },
        share="window-position", budget=budget, probe=(32,) * 4, hold_out=800, seeds=12,
        together=True,
    )  # fmt: skip


SETTINGS = {
    "pairs-1": pairs(1),
    "pairs-2": pairs(2),
    "pairs-4": pairs(4),
    "photos-300": photos(300),
    "photos-1300": photos(1300),
    "tiled-600": digits("tiled", 600, [7, 7, 3], [2, 3, 7], [5, 5, 5]),
    "tiled-1440": digits("tiled", 1440, [14, 14, 4], [4, 4, 17], [10, 10, 9]),
    "filling-600": digits("filling", 600, [7, 7, 3], [2, 3, 7], [5, 5, 5]),
    "filling-1440": digits("filling", 1440, [14, 14, 4], [4, 4, 17], [10, 10, 9]),
    "local-6": paper("local", 6),
    "global-6": paper("global", 6),
}


# --- run ----------------------------------------------------------------------------------


def run(folder, names):
    keep_freed_memory()
    torch.set_num_threads(1)
    for name in names:
        setting = SETTINGS[name]
        advice = advised(folder, name, setting)
        for label, experiments in profiles(setting, advice).items():
            path = folder / f"{name}.jsonl"
            adopt(experiments, folder / "fig10.jsonl", path)
            study = Study(f"{name} {label}", tuple(experiments))
            together = setting.seeds if setting.together else 1
            run_study(study, path, jobs=1, threads=1, device="cpu", together=together)


def adopt(experiments, source, path):
    """Copy rows of the same runs from another study's file, if there is one."""
    wanted = {run_key(experiment.settings) for experiment in experiments}
    results = Results(path)
    with results.writing():
        wanted -= {run_key(settings_of(row)) for row in results.rows()}
        for row in Results(source).rows():
            if run_key(settings_of(row)) in wanted:
                results.append(row)


def advised(folder, name, setting):
    """Return what a probe says, as plain values; from the file if it was asked before."""
    path = folder / f"{name}-advice.json"
    if path.exists():
        return json.loads(path.read_text())
    probes = [trained(folder, name, setting, seed) for seed in range(setting.probe_seeds)]
    score, task, model, seconds = max(probes, key=lambda probe: probe[0])
    spectrum = bond_spectrum(model, task.train_inputs[: setting.samples])
    chance = 0.0 if task.n_classes is None else 1 / task.n_classes
    part = (score - chance) / (1 - chance)
    found = suggest_profile(spectrum, setting.budget, setting.share, learned=part)
    advice = {
        "probe": list(setting.probe),
        "probe_results": [probe[0] for probe in probes],
        "probe_seconds": round(seconds, 1),
        "samples": setting.samples,
        "shares": [np.round(shares, 6).tolist() for shares in spectrum.shares],
        "ranks": spectrum.ranks(),
        "caps": spectrum.caps,
        "entropies": np.round(spectrum.entropies, 4).tolist(),
        "uniform": found.uniform.channels,
        "advised": found.architecture.channels,
        "tail": found.tail,
        "uniform_tail": found.uniform_tail,
        "trusted": found.trusted,
        "reason": found.reason,
    }
    path.write_text(json.dumps(advice))
    return json.loads(path.read_text())


def trained(folder, name, setting, seed):
    """Return how well a probe does on held-out samples, its task, itself and the seconds."""
    experiment = Experiment(
        **setting.common, channels=setting.probe, hold_out=setting.hold_out, seed=seed
    )
    task = experiment.load_task()
    model = experiment.build_model(task)
    path = folder / f"{name}-probe-{seed}.pt"
    result = train(model, task, experiment.recipe, device="cpu", checkpoint=path)
    return result.test, task, model, result.seconds


def profiles(setting, advice):
    """Return the runs of each profile; an advice equal to another profile is not run twice."""
    chosen = {label: {"channels": advice[label]} for label in ("uniform", "advised")}
    chosen |= setting.by_hand or {
        kind: {"channels": list(graded(setting, kind).channels)} for kind in DESIGNS
    }
    if advice["advised"] == advice["uniform"]:
        del chosen["advised"]
    return {
        label: [Experiment(**setting.common, **how, seed=seed) for seed in range(setting.seeds)]
        for label, how in chosen.items()
    }


def graded(setting, kind):
    probe = Experiment(**setting.common, channels=setting.probe)
    net = probe.build_model(probe.load_task()).architecture
    shape = (net.n_sites, net.window, net.local_dim, net.n_outputs)
    return graded_profile(kind, *shape, setting.budget, setting.share)


# --- collect ------------------------------------------------------------------------------


def collect(folder):
    settings = []
    for name, setting in SETTINGS.items():
        path = folder / f"{name}-advice.json"
        if not path.exists():
            continue
        advice = json.loads(path.read_text())
        measure = "r2" if setting.common["task"] == "pairs" else "accuracy"
        done = {run_key(settings_of(row)): row for row in Results(folder / f"{name}.jsonl").rows()}
        rows = [
            {"profile": label, "channels": row["channels"], "seed": row["seed"],
             "parameters": row["parameters"], "train": round(row[f"train_{measure}"], 5),
             "test": round(row[f"test_{measure}"], 5)}
            for label, experiments in profiles(setting, advice).items()
            for experiment in experiments
            if (row := done.get(run_key(experiment.settings))) is not None
        ]  # fmt: skip
        settings.append(
            {"name": name, "budget": setting.budget, "share": setting.share,
             "common": setting.common, "seeds_planned": setting.seeds, "advice": advice,
             "measure": measure, "rows": rows}
        )  # fmt: skip
    made = book_data.provenance(
        "python tools/advice.py run FOLDER; python tools/advice.py collect FOLDER",
        "cpu, one thread a run",
    )
    book_data.write(TARGET, {"what": WHAT, "provenance": made, "rows": settings})
    print(f"{TARGET}: {sum(len(s['rows']) for s in settings)} rows")


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("run", "collect"):
        sys.exit(__doc__)
    command, folder, *names = arguments
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    unknown = set(names) - set(SETTINGS)
    if unknown:
        sys.exit(f"no such setting: {', '.join(sorted(unknown))}; there are {', '.join(SETTINGS)}")
    if command == "run":
        run(folder, names or list(SETTINGS))
    else:
        collect(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
