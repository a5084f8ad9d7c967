"""Try to get a wrong number: flip bits of a checkpoint, kill runs, and print a table.

A flipped bit must be refused; a run that was killed, and started again, must end with the very
numbers of one that was not. Kills come at random moments, as SIGKILL, SIGTERM or Ctrl-C.

    python tools/trials.py [flips=1000] [train=40] [sweep=30] [together=20] [cluster=10]
"""

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from convac_lib.learning.experiments import Experiment, run_together
from convac_lib.learning.results import Results
from convac_lib.learning.safe_files import read_sealed
from convac_lib.learning.sweeps import Study, run_study

TRIALS = {"flips": 1000, "train": 40, "sweep": 30, "together": 20, "cluster": 10}
SETTINGS = {"channels": (4, 4, 4), "local_dim": 4, "epochs": 4, "batch_size": 20}
QUIET = {"device": "cpu", "show_progress": False}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CHILD = """
import os, sys, time, torch
torch.set_num_threads(1)
flush = os.fsync
os.fsync = lambda file: (time.sleep(0.005), flush(file))
sys.path.insert(0, {tools!r})
import trials
trials.{what}({folder!r}, save_every=0)
"""


def numbers(row):
    """Return what of a row must not depend on how often its run was killed."""
    return [row[key] for key in ("train_accuracy", "test_accuracy", "losses", "test_history")]


def study(seeds=3):
    grid = {"grid": {"seed": list(range(seeds))}}
    return Study.from_table({"name": "trial", "common": {**SETTINGS}, "block": [grid]})


def run_train(folder, **how):
    path = Path(folder) / "run.pt"
    return [Experiment(**SETTINGS).run(checkpoint=path, **QUIET, **how)]


def run_sweep(folder, together=1, **_):
    how = {"jobs": 1, "threads": 1, "together": together, "checkpoints": Path(folder) / "states"}
    return run_study(study(), Path(folder) / "rows.jsonl", **QUIET, **how)


def run_together_(folder, **how):
    runs = [Experiment(**SETTINGS, seed=seed) for seed in range(3)]
    return run_together(runs, checkpoint=Path(folder) / "run.pt", **QUIET, **how)


def killed(what, rng, longest):
    """Run, kill at a random moment, run to the end; return the rows and whether it was hit."""
    with tempfile.TemporaryDirectory() as folder:
        code = CHILD.format(tools=str(Path(__file__).parent), what=what, folder=folder)
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        begun = time.monotonic()
        while not any(Path(folder).rglob("*.pt")) and child.poll() is None:
            time.sleep(0.01)
            if time.monotonic() - begun > 120:
                break
        time.sleep(rng.random() * longest)
        hit = child.poll() is None
        child.send_signal(rng.choice(SIGNALS))
        child.wait()
        return globals()[what](folder), hit


def count_kills(what, times, seed=0):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        wanted = [numbers(row) for row in globals()[what](folder)]
        longest = 1.5 * (time.monotonic() - started)
    hits = wrong = 0
    for _ in range(times):
        rows, hit = killed(what, rng, longest)
        hits += hit
        wrong += [numbers(row) for row in rows] != wanted
    return times, hits, wrong


def count_cluster(times, seed=0):
    """Kill one of two workers of a Dask cluster on this machine, while they do a study."""
    from distributed import LocalCluster

    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        wanted = [numbers(row) for row in run_sweep(folder)]
    hits = wrong = 0
    for _ in range(times):
        with (
            tempfile.TemporaryDirectory() as folder,
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        ):
            worker = rng.choice(list(cluster.workers.values()))
            delay = rng.random() * 2
            killer = subprocess.Popen(["sh", "-c", f"sleep {delay}; kill -9 {worker.pid}"])
            how = {"scheduler": cluster.scheduler_address, "threads": 1, **QUIET}
            rows = run_study(study(), Path(folder) / "rows.jsonl", **how)
            hits += killer.wait() == 0
            wrong += [numbers(row) for row in rows] != wanted
            wrong += len(Results(Path(folder) / "rows.jsonl").rows()) != len(wanted)
    return times, hits, wrong


def count_flips(times, seed=0):
    rng, wrong = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        run_train(folder)
        path = Path(folder) / "run.pt"
        whole = path.read_bytes()
        for _ in range(times):
            bit = rng.randrange(8 * len(whole))
            spoiled = bytearray(whole)
            spoiled[bit // 8] ^= 1 << bit % 8
            path.write_bytes(spoiled)
            try:
                read_sealed(path, "checkpoint")
                wrong += 1
            except ValueError:
                pass
    return times, times, wrong


def main(arguments):
    torch.set_num_threads(1)
    trials = TRIALS | {name: int(times) for name, times in (a.split("=") for a in arguments)}
    print("trial      tried    hit  wrong")
    failed = 0
    for name, times in trials.items():
        what = {"together": "run_together_"}.get(name, f"run_{name}")
        count = {"flips": count_flips, "cluster": count_cluster}.get(name)
        tried, hits, wrong = count(times) if count else count_kills(what, times)
        print(f"{name:10} {tried:5,} {hits:6,} {wrong:6,}", flush=True)
        failed += wrong
    sys.exit(bool(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
