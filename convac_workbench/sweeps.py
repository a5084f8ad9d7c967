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

Rows are JSON, one a line. Starting a study again does what has no row yet. A run that
fails stops no other: its row says why, and has no numbers; started again, the study tries it
again, unless that is not asked for. The runs go to the cores of this machine, or to a Dask
cluster; only the process that was started writes, so a row is there once however often a
worker dies. On a GPU the runs that differ only in their seed are trained together
(:mod:`convac_lib.learning.ensembles`).
"""

import hashlib
import json
import re
import tomllib
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import torch
from joblib import Parallel, cpu_count, delayed

from convac_lib._validation import as_int, reason_of, shown
from convac_lib.learning.progress import progress
from convac_lib.learning.safe_files import naming
from convac_lib.learning.training import Diverged, keep_freed_memory, pick_device

from .experiments import Experiment, bytes_of_a_member, run_together
from .results import FAILED, Results, Row

MOST_RUNS = 1_000_000
KILLED = "its process was ended by the system, which may have run out of memory: try fewer jobs"
ON_A_GPU = 8  # runs trained together there, if nothing else is asked for


@dataclass(frozen=True)
class Study:
    """A name, and the runs in the order in which they are started."""

    name: str
    experiments: tuple[Experiment, ...]

    @classmethod
    def read(cls, path: str | Path) -> "Study":
        """Read a study from a TOML file; a ValueError if that or a setting makes no sense."""
        path = Path(path)
        try:
            with naming(path):
                table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"study {path} is not a TOML file: {error}") from None
        try:
            return cls.from_table(table)
        except (ValueError, TypeError) as error:
            raise ValueError(f"study {path}: {error}") from None

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> "Study":
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
        name = as_name("name", table.get("name", "study"))
        common, blocks = table.get("common", {}), table.get("block") or [{}]
        if not isinstance(common, dict):
            raise ValueError(f"common must be a table, [common], got {shown(common)}")
        if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
            raise ValueError(f"block must be tables, each [[block]], got {shown(blocks)}")
        experiments = []
        for block in blocks:
            fixed = {**common, **block}
            grid = fixed.pop("grid", {})
            if not isinstance(grid, dict):
                raise ValueError(f"grid must be a table of lists, got {shown(grid)}")
            if prod(len(v) for v in grid.values() if isinstance(v, list)) > MOST_RUNS:
                raise ValueError(f"grid must list at most {MOST_RUNS:,} runs")
            for name_of, values in grid.items():
                if not isinstance(values, list) or not values:
                    raise ValueError(f"grid.{name_of} must be a list of values, got {values!r}")
            for values in product(*grid.values()):
                settings = {**fixed, **dict(zip(grid, values, strict=True))}
                experiments.append(Experiment.from_settings(settings))
        keys = [run_key(experiment.settings) for experiment in experiments]
        if len(set(keys)) < len(keys):
            raise ValueError("a run must occur once, but the grid lists some several times")
        return cls(name, tuple(experiments))


def as_name(argument: str, name: object) -> str:
    """Return a name that may be that of a file, in the folder where one is."""
    if isinstance(name, str) and re.fullmatch(r"[\w][\w .+-]{0,99}", name) and ".." not in name:
        return name
    raise ValueError(
        f"{argument} must be letters, digits and . + - of a file's name, got {shown(name)}"
    )


def run_key(settings: dict[str, Any]) -> str:
    """Return what tells one run from another: a digest of its settings."""
    text = json.dumps(Experiment.from_settings(settings).settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def settings_of(row: Row) -> dict[str, Any]:
    """Return the settings in a row of results; a ValueError if they are none."""
    settings = {name: row[name] for name in Experiment.__dataclass_fields__ if name in row}
    if not settings:
        raise ValueError("it has no settings of a run")
    run_key(settings)
    return settings


def run_study(
    study: Study,
    results: str | Path,
    *,
    jobs: int = -1,
    threads: int | None = None,
    scheduler: str | None = None,
    device: str = "auto",
    together: int | None = None,
    memory: float | None = None,
    checkpoints: str | Path | None = None,
    retry_failed: bool = True,
    show_progress: bool = True,
) -> list[Row]:
    """Do the runs of a study that have no row in `results` yet.

    Returns the rows of this study, in its order.

    Parameters
    ----------
    study, results
        What to run, and the file of the rows.
    jobs
        Processes at the same time on this machine; -1 is one for each core, or one in all
        if they use a GPU.
    threads, device
        Of every run. Without `threads` the cores are divided among the jobs.
    scheduler
        Address of a Dask scheduler; its workers then do the runs.
    together
        Most runs to train at once in one process, if they differ only in their seed. Their
        rows come together. Without it 8 on a GPU of this machine and 1 elsewhere, where
        only the smallest models gain.
    memory
        Bytes that runs trained at once may take, by estimate; then it may be fewer of them.
        Without it four fifths of a GPU of this machine, divided among the jobs.
    checkpoints
        Folder in which unfinished runs keep their state, and go on from it. Runs that were
        trained together go on only if they are together again.
    retry_failed
        Whether runs that failed before are tried again. Without, they count as failed.
    show_progress
        Show a bar of the runs.

    Raises
    ------
    ValueError
        If another process is writing to `results`.
    RuntimeError
        After all others are done, if runs of the study failed: a training that diverged, data
        that are not there, too little memory. The rows of these say why.
    """
    if threads is not None:
        threads = as_int("threads", threads, minimum=1)
    if (jobs := as_int("jobs", jobs, minimum=-1)) == 0:
        raise ValueError("jobs must be at least 1, or -1 for one a core, got 0")
    results = Results(results)
    with results.writing():
        done = {run_key(settings_of(row)) for row in results.rows(settings_of)}
        if checkpoints is not None:
            _clear_checkpoints(checkpoints, done)
        if not retry_failed:
            done |= {run_key(settings_of(row)) for row in results.failures(settings_of)}
        missing = [e for e in study.experiments if run_key(e.settings) not in done]
        jobs, together, memory = _for_the_device(device, scheduler, jobs, together, memory)
        groups = group_by_seed(missing, together, memory)
        jobs, threads = _divide_cores(jobs, threads, len(groups))
        how = {"device": device, "checkpoints": checkpoints, "threads": threads}
        if scheduler is None:
            finished = _on_this_machine(groups, jobs, how)
        else:
            finished = _on_a_cluster(groups, scheduler, how)
        n_all = len(study.experiments)
        silent = {} if show_progress else {"disable": True}
        bar = progress(None, study.name, total=n_all, initial=n_all - len(missing), **silent)
        for rows in finished:
            results.append(*rows)
            if checkpoints is not None:
                ended = [settings_of(row) for row in rows if FAILED not in row]
                _clear_checkpoints(checkpoints, map(run_key, ended))
            bar.update(len(rows))
        bar.close()
    return _rows_of(study, results)


def _rows_of(study: Study, results: Results) -> list[Row]:
    """Return the rows of a study, in its order; a RuntimeError if some of its runs failed."""
    rows, failures = (
        {run_key(settings_of(row)): row for row in found}
        for found in (results.rows(settings_of), results.failures(settings_of))
    )
    keys = [run_key(experiment.settings) for experiment in study.experiments]
    failed = [failures[key] for key in keys if key not in rows]
    if failed:
        varied = [name for name in settings_of(failed[0]) if _varies(study, name)]
        which = ", ".join(f"{name} = {failed[0][name]}" for name in varied)
        raise RuntimeError(
            f"{len(failed)} of {len(keys)} runs failed, each with a row in {results.path} that "
            f"says why; the first{', ' * bool(which)}{which}: {failed[0][FAILED]}"
        )
    return [rows[key] for key in keys]


def _varies(study: Study, name: str) -> bool:
    values = [experiment.settings[name] for experiment in study.experiments]
    return any(value != values[0] for value in values)


def group_by_seed(
    experiments: Iterable[Experiment], most: int, memory: float | None = None
) -> list[list[Experiment]]:
    """Return the experiments as lists of those to train together, in order.

    The members of a list differ only in their seed; there are at most `most`, and by
    estimate they take at most `memory` bytes, but for a single one.

    Examples
    --------
    >>> seeds = [Experiment(channels=(4, 4, 4), seed=seed) for seed in range(5)]
    >>> [[run.seed for run in group] for group in group_by_seed(seeds, most=4)]
    [[0, 1, 2], [3, 4]]
    """
    alike: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        key = run_key({**experiment.settings, "seed": 0})
        alike.setdefault(key, []).append(experiment)
    groups = []
    for runs in alike.values():
        fit = most if memory is None else int(memory // bytes_of_a_member(runs[0]))
        n_groups = -(-len(runs) // max(1, min(most, fit)))
        size = -(-len(runs) // n_groups)  # of about the same size each
        groups += [runs[start : start + size] for start in range(0, len(runs), size)]
    return groups


def _for_the_device(
    device: str, scheduler: str | None, jobs: int, together: int | None, memory: float | None
) -> tuple[int, int, float | None]:
    """Return (jobs, together, memory) with what is best for the device where not given."""
    if together is not None:
        as_int("together", together, minimum=1)
    on_a_gpu = scheduler is None and pick_device(device).type == "cuda"
    if on_a_gpu:
        jobs = 1 if jobs == -1 else jobs
        if memory is None:
            card = torch.cuda.get_device_properties(pick_device(device))
            memory = 0.8 * card.total_memory / jobs
    return jobs, together or (ON_A_GPU if on_a_gpu else 1), memory


def _run_group(
    group: list[dict[str, Any]], device: str, checkpoints: str | Path | None, threads: int
) -> list[Row]:
    """Do a group of runs in a worker, and return the row of each, failed or not."""
    experiments = [Experiment.from_settings(settings) for settings in group]
    checkpoint = None if checkpoints is None else _checkpoint(checkpoints, group)
    how = {"device": device, "checkpoint": checkpoint, "show_progress": False}
    try:
        keep_freed_memory()
        torch.set_num_threads(threads)
        if len(experiments) == 1:
            return [experiments[0].run(**how)]
        try:
            return run_together(experiments, **how)
        except Diverged:  # some of them: so each alone
            alone = [_run_group([run], device, checkpoints, threads) for run in group]
            if checkpoint is not None:
                checkpoint.unlink(missing_ok=True)
            return [row for rows in alone for row in rows]
    except (ValueError, Diverged, OSError, MemoryError) as error:
        return _failed(experiments, reason_of(error))
    except Exception as error:
        reason = f"{type(error).__name__}: {reason_of(error)}"
        return _failed(experiments, reason, traceback=traceback.format_exc())


def _failed(experiments: Sequence[Experiment], reason: str, **more: Any) -> list[Row]:
    return [experiment.failed_row(reason, **more) for experiment in experiments]


def _checkpoint(folder: str | Path, group: Iterable[dict[str, Any]]) -> Path:
    """Return the file for the state of runs that are trained together; the first names it."""
    first, *others = (run_key(settings) for settings in group)
    if others:
        first += "-" + hashlib.sha256("".join(others).encode()).hexdigest()[:16]
    return Path(folder).expanduser() / f"{first}.pt"


def _clear_checkpoints(folder: str | Path, keys: Iterable[str]) -> None:
    """Remove the states of runs that have a row: a crash may come between the two.

    Also of those that were trained together with one of them and have its name.
    """
    for key in keys:
        for file in Path(folder).expanduser().glob(f"{key}*"):
            file.unlink(missing_ok=True)


def _on_this_machine(
    groups: list[list[Experiment]], jobs: int, how: dict[str, Any], at_once: int | None = None
) -> Iterator[list[Row]]:
    """Yield what `_run_group` returns, as groups finish, from processes of this machine.

    When the system ends a process, as it does when memory runs out, all that are at work are
    lost with it: these are tried once more, one `at_once`, and then it is known which it was.
    """
    left, started = dict(enumerate(groups)), []

    def calls() -> Iterator[Any]:
        for number, group in enumerate(groups):
            started.append(number)
            yield delayed(_numbered)(number, [run.settings for run in group], **how)

    dispatched = at_once or jobs
    pool = Parallel(jobs, return_as="generator_unordered", batch_size=1, pre_dispatch=dispatched)
    try:
        for number, rows in pool(calls()):
            del left[number]
            yield rows
    except BrokenExecutor:
        lost = [left.pop(number) for number in started if number in left]
        if len(lost) == 1:
            yield _failed(lost[0], KILLED)
        else:
            for group in lost:
                yield from _on_this_machine([group], 2, how, at_once=1)
        yield from _on_this_machine(list(left.values()), jobs, how)


def _numbered(number: int, group: list[dict[str, Any]], **how: Any) -> tuple[int, list[Row]]:
    return number, _run_group(group, **how)


def _on_a_cluster(
    groups: list[list[Experiment]], address: str, how: dict[str, Any]
) -> Iterator[list[Row]]:
    """Yield what `_run_group` returns, as groups finish, from the workers of a Dask cluster.

    Dask gives the runs of a worker that died to another one.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ValueError(
            "scheduler needs Dask, which is not installed; install the extra 'cluster'"
        ) from None
    try:
        connected = Client(address)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"scheduler must be the address of a Dask scheduler, got {address!r}: {error}"
        ) from None
    with connected as client:
        futures = {
            client.submit(_run_group, [run.settings for run in group], **how, pure=False): group
            for group in groups
        }
        for future in as_completed(futures):
            if future.status == "finished":
                yield future.result()
            else:
                error = future.exception()
                yield _failed(futures[future], f"{type(error).__name__}: {reason_of(error)}")
            future.release()


def _divide_cores(jobs: int, threads: int | None, n_runs: int) -> tuple[int, int]:
    """Return (jobs, threads) with no more jobs than runs and threads than cores."""
    cores = cpu_count()  # that this process may use
    jobs = max(1, min(cores if jobs == -1 else jobs, n_runs))
    return jobs, max(1, cores // jobs) if threads is None else threads
