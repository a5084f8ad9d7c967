"""Try to get a wrong number: flip bits of a checkpoint, kill runs, and print a table.

A flipped bit must be refused; a run that was killed, and started again, must end with the very
numbers of one that was not. Kills come at random moments, as SIGKILL, SIGTERM or Ctrl-C; only
those count that hit a process at work. Of a Dask cluster one of the workers at work is killed.

    python tools/trials.py [flips=1000] [train=40] [sweep=30] [together=25] [cluster=10]
"""

import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import torch

from convac_lib.learning import ensembles, training
from convac_lib.learning.safe_files import read_sealed
from convac_workbench.experiments import Experiment
from convac_workbench.results import Results
from convac_workbench.sweeps import Study, run_study

TRIALS = {"flips": 1000, "train": 40, "sweep": 30, "together": 25, "cluster": 10}
SETTINGS = {"channels": (4, 4, 4), "local_dim": 4, "epochs": 2, "batch_size": 50}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
ROW = "{:10} {:>6} {:>6} {:>8} {:>8} {:>7} {:>8} {:>6}"
HEAD = ("trial", "tried", "hit", "SIGKILL", "SIGTERM", "SIGINT", "resumed", "wrong")


def numbers(row):
    """Return what of a row must not depend on how often its run was killed."""
    return [row[key] for key in ("train_accuracy", "test_accuracy", "losses", "test_history")]


def study(seeds=3):
    grid = {"grid": {"seed": list(range(seeds))}}
    return Study.from_table({"name": "trial", "common": {**SETTINGS}, "block": [grid]})


# --- what is killed: each returns rows, and goes on from what it finds in the folder -----------


def train(folder):
    how = {"device": "cpu", "show_progress": False, "checkpoint": folder / "run.pt"}
    return [Experiment(**SETTINGS).run(**how)]


def sweep(folder, **how):
    how = {"jobs": 1, "threads": 1, "device": "cpu", "show_progress": False} | how
    return run_study(study(), folder / "rows.jsonl", checkpoints=folder / "states", **how)


def together(folder):
    return sweep(folder, together=3)


def save_always():
    """Save after every step, so that a run is often killed while it does so."""
    torch.set_num_threads(1)
    for function in (training.train, ensembles.train_together):
        function.__kwdefaults__["save_every"] = 0.0


def child(work, folder):
    """Do the work in a process of its own, slowly where files reach the disk."""
    sys.stdout = sys.stderr = open(os.devnull, "w")
    save_always()
    flush = os.fsync
    os.fsync = lambda file: (time.sleep(0.005), flush(file))
    Experiment(**SETTINGS).load_task()
    (folder / "begun").touch()
    work(folder)


# --- trials: (tried, signals that hit, how often there was a state to go on from, wrong) -------


def count_kills(work, times, rng):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(
        ["convac_workbench.sweeps", "torch._dynamo", "sklearn.datasets"]
    )

    def start(folder):
        process = processes.Process(target=child, args=(work, folder))
        process.start()
        while not (folder / "begun").exists():
            time.sleep(0.001)
        return process

    wanted, lengths = None, []
    for _ in range(3):
        with new_folder() as folder:
            process, begun = start(folder), time.monotonic()
            process.join()
            lengths.append(time.monotonic() - begun)
            wanted = wanted or list(map(numbers, work(folder)))
    length = median(lengths)
    tried, hits, resumed, wrong = 0, Counter(), 0, 0
    while sum(hits.values()) < times and tried < 4 * times:
        tried += 1
        with new_folder() as folder:
            process = start(folder)
            time.sleep(rng.random() * length)
            number = rng.choice(SIGNALS)
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)
            process.join()
            if process.exitcode == 0:  # it was done
                continue
            hits[number] += 1
            resumed += any(folder.rglob("*.pt")) or (folder / "rows.jsonl").exists()
            wrong += list(map(numbers, work(folder))) != wanted
            wrong += any(folder.rglob("*.pt.tmp"))
    return tried, hits, resumed, wrong


def count_cluster(times, rng):
    """Kill a worker of a Dask cluster on this machine while it is in the middle of a run."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.utils import get_mp_context

    with new_folder() as folder:
        wanted = list(map(numbers, sweep(folder)))
    tried, hits, resumed, wrong = 0, Counter(), 0, 0
    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    get_mp_context().set_forkserver_preload(["distributed", "convac_workbench.sweeps"])
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    while sum(hits.values()) < times and tried < 4 * times:
        tried += 1
        with new_folder() as folder, LocalCluster(**how) as cluster, Client(cluster) as client:
            client.run(save_always)
            pids, killed = client.run(os.getpid), []

            def kill(client=client, pids=pids, killed=killed, folder=folder):
                while not list(folder.rglob("*.pt")):
                    time.sleep(0.01)
                time.sleep(rng.random())
                busy = [worker for worker, runs in client.processing().items() if runs]
                if busy:
                    killed.append(any(folder.rglob("*.pt")))
                    os.kill(pids[busy[0]], signal.SIGKILL)

            killer = threading.Thread(target=kill, daemon=True)
            killer.start()
            rows = sweep(folder, scheduler=cluster.scheduler_address)
            killer.join(timeout=5)  # it waits for ever where nothing was saved
            hits[signal.SIGKILL] += len(killed)
            resumed += sum(killed)
            wrong += list(map(numbers, rows)) != wanted
            wrong += len(Results(folder / "rows.jsonl").rows()) != len(wanted)
    return tried, hits, resumed, wrong


def count_flips(times, rng):
    """Flip one bit of a checkpoint; a file that is read after that is a wrong number."""
    wrong = 0
    with new_folder() as folder:
        train(folder)
        path = folder / "run.pt"
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
    return times, Counter(), 0, wrong


@contextmanager
def new_folder():
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments):
    torch.set_num_threads(1)
    trials = {name: int(times) for name, times in (a.split("=") for a in arguments)} or TRIALS
    print(ROW.format(*HEAD), flush=True)
    failed, all_hits = 0, 0
    works = {"train": train, "sweep": sweep, "together": together}
    for name, times in trials.items():
        rng = random.Random(0)
        if name in works:
            tried, hits, resumed, wrong = count_kills(works[name], times, rng)
        else:
            tried, hits, resumed, wrong = {"flips": count_flips, "cluster": count_cluster}[name](
                times, rng
            )
        kills = [hits[number] for number in SIGNALS]
        print(ROW.format(name, tried, sum(kills), *kills, resumed, wrong), flush=True)
        failed, all_hits = failed + wrong, all_hits + sum(kills)
    print(f"{all_hits} kills hit, {failed} wrong numbers")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
