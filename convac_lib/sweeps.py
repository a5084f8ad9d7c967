"""Many runs: a study is a small TOML file, and every finished run is a row, written at once.

::

    name = "widths"

    [common]                          # for all runs
    task = "digits"
    epochs = 10

    [[block]]                         # one or more; `grid` lists what is varied
    model = "convac"
    grid.channels = [[4, 8, 16], [16, 8, 4]]
    grid.seed = [0, 1, 2, 3, 4]

Rows are JSON, one a line. Starting a study again does what has no row yet. The
runs go to the cores of this machine, or to a Dask cluster; only the process that
was started writes, so a row is there once however often a worker dies.
"""

import hashlib
import json
import os
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from .experiments import Experiment
from .progress import progress

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib


@dataclass(frozen=True)
class Study:
    """A name, and the runs in the order in which they are started."""

    name: str
    experiments: tuple

    @classmethod
    def read(cls, path):
        """Read a study from a TOML file.

        Raises
        ------
        ValueError
            If the file is not TOML, or a setting in it is unknown or makes no sense.
        """
        path = Path(path)
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"study {path} is not a TOML file: {error}") from None
        try:
            return cls.from_table(table)
        except ValueError as error:
            raise ValueError(f"study {path}: {error}") from None

    @classmethod
    def from_table(cls, table):
        """Make a study of the tables of a TOML file.

        Examples
        --------
        >>> block = {"model": "convnet", "grid": {"channels": [[2, 3], [3, 2]], "seed": [0, 1]}}
        >>> study = Study.from_table({"name": "small", "block": [block]})
        >>> [(run.channels, run.seed) for run in study.experiments]
        [((2, 3), 0), ((2, 3), 1), ((3, 2), 0), ((3, 2), 1)]
        """
        unknown = set(table) - {"name", "common", "block"}
        if unknown:
            raise ValueError(
                f"a study has 'name', 'common' and 'block', got {', '.join(sorted(unknown))}"
            )
        experiments = []
        for block in table.get("block") or [{}]:
            fixed = {**table.get("common", {}), **block}
            grid = fixed.pop("grid", {})
            for name, values in grid.items():
                if not isinstance(values, list) or not values:
                    raise ValueError(f"grid.{name} must be a list of values, got {values!r}")
            for values in product(*grid.values()):
                settings = {**fixed, **dict(zip(grid, values, strict=True))}
                experiments.append(Experiment.from_settings(settings))
        keys = [run_key(experiment.settings) for experiment in experiments]
        if len(set(keys)) < len(keys):
            raise ValueError("a run must occur once, but the grid lists some several times")
        return cls(table.get("name", "study"), tuple(experiments))


def run_key(settings):
    """Return what tells one run from another: a digest of its settings."""
    text = json.dumps(Experiment.from_settings(settings).settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settings_of(row):
    """Return the settings in a row of results."""
    return {name: row[name] for name in Experiment.__dataclass_fields__ if name in row}


class Results:
    """A file of rows: appended to, never rewritten.

    Parameters
    ----------
    path : path
        Made with its folder when the first row comes.
    """

    def __init__(self, path):
        self.path = Path(path)

    def rows(self):
        """Return the rows as dicts. What a crash left of a last line is no row.

        Raises
        ------
        ValueError
            If a whole line is not a row; the file is left as it is.
        """
        whole, _ = self._split()
        rows = []
        lines = whole.decode(errors="replace").splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                rows.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                raise ValueError(
                    f"results {self.path}, line {number}, is not a row of JSON: "
                    f"{line[:60]!r}; repair it or name another file"
                ) from None
        return rows

    def append(self, row):
        """Add a row; when this returns it is on the disk."""
        line = json.dumps(row) + "\n"
        with open(self.path, "ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def writing(self):
        """Be the only process that appends; what is left of a last line is cut off.

        Raises
        ------
        ValueError
            If another process is writing to the file.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_name(self.path.name + ".lock"), "w") as lock:
            if not _try_lock(lock):
                raise ValueError(
                    f"results {self.path} are being written by another process; wait for it, "
                    "or name another file"
                )
            whole, torn = self._split()
            if torn:
                os.truncate(self.path, len(whole))
            yield

    def _split(self):
        """Return the contents up to the last end of a line, and what follows it."""
        contents = self.path.read_bytes() if self.path.exists() else b""
        end = contents.rfind(b"\n") + 1
        return contents[:end], contents[end:]


def run_study(
    study,
    results,
    *,
    jobs=-1,
    threads=None,
    scheduler=None,
    device="auto",
    checkpoints=None,
    show_progress=True,
):
    """Do the runs of a study that have no row in `results` yet.

    Parameters
    ----------
    study : Study
    results : path
        File of the rows.
    jobs : int
        Runs at the same time on this machine; -1 is one for each core.
    threads : int, optional
        Of one run. Without it the cores are divided among the jobs.
    scheduler : str, optional
        Address of a Dask scheduler; its workers then do the runs.
    device : str
        Of every run.
    checkpoints : path, optional
        Folder in which unfinished runs keep their state, and go on from it.
    show_progress : bool
        Show a bar of the runs.

    Returns
    -------
    list of dict
        The rows of this study, in its order.

    Raises
    ------
    ValueError
        If another process is writing to `results`, or a line of it is not a row.
    RuntimeError
        After all others are done, if some runs failed. They have no row.
    """
    results = Results(results)
    with results.writing():
        done = {run_key(settings_of(row)) for row in results.rows()}
        missing = [e for e in study.experiments if run_key(e.settings) not in done]
        jobs, threads = _divide_cores(jobs, threads, len(missing))
        how = {"device": device, "checkpoints": checkpoints, "threads": threads}
        if scheduler is None:
            finished = _on_this_machine(missing, jobs, how)
        else:
            finished = _on_a_cluster(missing, scheduler, how)
        if show_progress:
            finished = progress(
                finished, study.name, total=len(study.experiments),
                initial=len(study.experiments) - len(missing),
            )
        failures = []
        for row, failure in finished:
            if failure is not None:
                failures.append(failure)
                continue
            results.append(row)
            if checkpoints is not None:
                _checkpoint(checkpoints, settings_of(row)).unlink(missing_ok=True)
    if failures:
        raise RuntimeError(
            f"{len(failures)} of {len(missing)} runs failed and have no row; the first:\n"
            + failures[0]
        )
    rows = {run_key(settings_of(row)): row for row in results.rows()}
    return [rows[run_key(experiment.settings)] for experiment in study.experiments]


def _run(settings, device, checkpoints, threads):
    """Do one run in a worker: return (row, None), or (None, what went wrong)."""
    import torch

    from .training import keep_freed_memory

    try:
        keep_freed_memory()
        torch.set_num_threads(threads)
        checkpoint = None if checkpoints is None else _checkpoint(checkpoints, settings)
        experiment = Experiment.from_settings(settings)
        row = experiment.run(device=device, checkpoint=checkpoint, show_progress=False)
    except Exception:
        return None, f"{settings}\n{traceback.format_exc()}"
    return row, None


def _checkpoint(folder, settings):
    return Path(folder) / f"{run_key(settings)}.pt"


def _on_this_machine(experiments, jobs, how):
    """Yield what `_run` returns, as runs finish, from processes of this machine."""
    from joblib import Parallel, delayed

    calls = (delayed(_run)(experiment.settings, **how) for experiment in experiments)
    pool = Parallel(jobs, return_as="generator_unordered", batch_size=1, pre_dispatch=jobs)
    yield from pool(calls)


def _on_a_cluster(experiments, address, how):
    """Yield what `_run` returns, as runs finish, from the workers of a Dask cluster.

    Dask gives the run of a worker that died to another one.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ValueError(
            "scheduler needs Dask, which is not installed; install the extra 'cluster'"
        ) from None
    with Client(address) as client:
        futures = [
            client.submit(_run, experiment.settings, **how, pure=False)
            for experiment in experiments
        ]
        for future in as_completed(futures):
            if future.status == "finished":
                yield future.result()
            else:
                yield None, f"{future.key}: {future.exception()!r}"
            future.release()


def _divide_cores(jobs, threads, n_runs):
    """Return (jobs, threads) with no more jobs than runs and threads than cores."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    jobs = max(1, min(cores if jobs == -1 else jobs, n_runs))
    return jobs, max(1, cores // jobs) if threads is None else threads


def _try_lock(file):
    """Lock an open file until it is closed or this process ends; False if another has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
