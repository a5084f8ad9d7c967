import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convac_lib.learning.ensembles import EnsembleRun
from convac_lib.learning.safe_files import read_sealed
from convac_lib.learning.tasks import mnist
from convac_workbench import sweeps
from convac_workbench.data import preparation
from convac_workbench.experiments import Experiment, bytes_of_a_member
from convac_workbench.results import Results
from convac_workbench.sweeps import (
    Study,
    group_by_seed,
    run_key,
    run_study,
    settings_of,
)

SMALL = {
    "task": "pairs",
    "task_options": {"n_train": 400, "n_test": 50},
    "local_dim": 5,
    "channels": [2, 2, 2],
    "epochs": 2,
    "batch_size": 50,
}


def study(seeds=(0, 1, 2), **changes):
    grid = {"learning_rate": [0.01, 0.02], "seed": list(seeds)}
    return Study.from_table(
        {"name": "small", "common": {**SMALL, **changes}, "block": [{"grid": grid}]}
    )


def keys(rows):
    return sorted(run_key(settings_of(row)) for row in rows)


def wanted(of_study):
    return sorted(run_key(experiment.settings) for experiment in of_study.experiments)


# --- studies --------------------------------------------------------------------------


def test_studies_are_read_from_toml(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(
        """
        name = "two blocks"
        common = {task = "digits", channels = [4, 4, 4]}
        [[block]]
        model = "convac"
        grid.learning_rate = [0.01, 0.02]
        grid.seed = [0, 1]
        [[block]]
        model = "convnet"
        """
    )
    runs = Study.read(path).experiments
    assert [(r.model, r.learning_rate, r.seed) for r in runs] == [
        ("convac", 0.01, 0),
        ("convac", 0.01, 1),
        ("convac", 0.02, 0),
        ("convac", 0.02, 1),
        ("convnet", 0.005, 0),
    ]


@pytest.mark.parametrize(
    "text, message",
    [
        ("name = ", "is not a TOML file"),
        ("grids = 1", "a study has 'name', 'common' and 'block', got grids"),
        ("block = [{grid = {seed = 3}}]", r"grid.seed must be a list of values, got 3"),
        ("common = {channels = [2], colour = 1}", "setting must be one of .* got 'colour'"),
        ("common = {channels = [2]}\nblock = [{grid = {seed = [1, 1]}}]", "must occur once"),
    ],
)
def test_bad_studies_are_refused_by_name(tmp_path, text, message):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"study .*study.toml.*{message}"):
        Study.read(path)


def test_the_papers_study_is_the_whole_grid():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    runs = Study.read(os.path.join(root, "studies", "fig10.toml")).experiments
    assert len(runs) == 2 * 2 * 2 * 8 * 5
    assert {run.task_options["source"] for run in runs} == {"mnist"}
    assert all(run.hold_out == 0 for run in runs)
    part = Study.read(os.path.join(root, "studies", "fig10_cpu.toml")).experiments
    assert {run_key(r.settings) for r in part} <= {run_key(r.settings) for r in runs}


# --- rows -----------------------------------------------------------------------------


@pytest.mark.slow
def test_every_run_has_one_row_and_a_second_start_does_nothing(tmp_path):
    path = tmp_path / "deep" / "rows.jsonl"
    rows = run_study(study(), path, jobs=1, device="cpu", show_progress=False)
    assert keys(rows) == keys(Results(path).rows()) == wanted(study())
    assert [row["seed"] for row in rows] == [0, 1, 2, 0, 1, 2]
    before = path.read_bytes()
    assert run_study(study(), path, jobs=1, show_progress=False) == rows
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_larger_study_does_only_what_is_missing_on_several_processes(tmp_path):
    path = tmp_path / "rows.jsonl"
    run_study(study(seeds=[1]), path, jobs=1, device="cpu", show_progress=False)
    before = path.read_bytes()
    rows = run_study(study(), path, jobs=2, device="cpu", show_progress=False)
    assert path.read_bytes().startswith(before)
    assert keys(Results(path).rows()) == wanted(study())
    assert {row["threads"] for row in rows if row["seed"] != 1} == {1}
    # A worker's numbers are those of a run alone.
    alone = study().experiments[0].run(device="cpu", show_progress=False)
    assert alone["losses"] == rows[0]["losses"]


def test_two_processes_do_not_write_to_one_file(tmp_path):
    results = Results(tmp_path / "rows.jsonl")
    with results.writing(), pytest.raises(ValueError, match="being written by another process"):
        run_study(study(), results.path, show_progress=False)


# --- runs that fail ---------------------------------------------------------------------


def wild(**changes):
    """Return a study of which the runs at one rate diverge."""
    common = {**SMALL, "epochs": 1, "model": "convnet", "channels": [2, 3, 4], "clip": 0, **changes}
    grid = {"learning_rate": [0.01, 1e30], "seed": [0, 1]}
    return Study.from_table({"name": "wild", "common": common, "block": [{"grid": grid}]})


def lost(path):
    """Return (learning_rate, seed) of the rows that failed, sorted."""
    return sorted((row["learning_rate"], row["seed"]) for row in Results(path).failures())


def check_wild(path, **how):
    """Run the wild study: the runs that diverge are rows with a reason, the others finish."""
    message = r"^2 of 4 runs failed, .*rows.jsonl that says why; the first, seed = 0, "
    message += r"learning_rate = 1e\+30: the training diverged: at step"
    with pytest.raises(RuntimeError, match=message) as caught:
        run_study(wild(), path, device="cpu", show_progress=False, **how)
    assert "\n" not in str(caught.value)
    assert lost(path) == [(1e30, 0), (1e30, 1)]
    assert sorted(row["seed"] for row in Results(path).rows()) == [0, 1]
    for row in Results(path).failures():
        assert re.match(r"the training diverged: at step \d of 8 \(epoch 1\)", row["failed"])
        assert "likely cause is learning_rate = 1e+30" in row["failed"]
        assert run_key(settings_of(row)) in wanted(wild())
        assert not any(name.startswith(("train_", "test_", "losses")) for name in row)


@pytest.mark.parametrize("how", [{}, {"together": 2}, {"jobs": 2}, {"jobs": 2, "together": 2}])
def test_a_run_that_diverges_is_a_failed_row_and_stops_no_other(tmp_path, how):
    checkpoints = tmp_path / "unfinished"
    how = {"jobs": 1, "threads": 1, "checkpoints": checkpoints} | how
    check_wild(tmp_path / "rows.jsonl", **how)
    assert list(checkpoints.glob("*")) == []


def test_a_run_that_diverges_on_a_cluster_is_a_failed_row_too(tmp_path):
    distributed = pytest.importorskip("distributed")
    how = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**how) as cluster:
        check_wild(tmp_path / "rows.jsonl", threads=1, scheduler=cluster.scheduler_address)


def test_a_run_that_failed_is_tried_again_unless_it_is_to_be_kept(tmp_path):
    path = tmp_path / "rows.jsonl"
    how = {"jobs": 1, "threads": 1, "device": "cpu", "show_progress": False}
    check_wild(path, jobs=1, threads=1)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="2 of 4 runs failed"):
        run_study(wild(), path, retry_failed=False, **how)
    assert path.read_bytes() == before
    with pytest.raises(RuntimeError, match="2 of 4 runs failed"):
        run_study(wild(), path, **how)
    assert len(Results(path).failures()) == 4 and len(Results(path).rows()) == 2
    for experiment in wild().experiments[2:]:  # then what was in the way is gone
        Results(path).append({**experiment.settings, "test_r2": 0.5})
    rows = run_study(wild(), path, **how)
    assert [row["learning_rate"] for row in rows] == [0.01, 0.01, 1e30, 1e30]
    assert not any("failed" in row for row in rows)


def raised(error):
    def raise_it(*_, **__):
        raise error

    return raise_it


@pytest.mark.parametrize(
    "error, reason",
    [
        (MemoryError("Unable to allocate 7 TiB"), r"there is not enough memory \(Unable to "),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "RuntimeError: there is not "),
        (RuntimeError("CUDA out of memory.\nTried"), "RuntimeError: there is not .*memory. Tried"),
        (FileNotFoundError(2, "No such file", "x.csv"), "cannot use x.csv: No such file"),
        (KeyError("odd"), "KeyError: 'odd'"),
    ],
)
def test_whatever_a_task_raises_is_the_reason_of_its_row(tmp_path, monkeypatch, error, reason):
    path = tmp_path / "rows.jsonl"
    make = preparation.make

    def make_or_raise(name, seed, **options):
        return raised(error)() if seed == 1 else make(name, seed, **options)

    monkeypatch.setattr(preparation, "make", make_or_raise)
    block = [{"grid": {"task_seed": [1, 2]}}]
    broken = Study.from_table({"common": {**SMALL, "epochs": 1}, "block": block})
    with pytest.raises(RuntimeError, match=rf"^1 of 2 runs failed.*task_seed = 1: {reason}"):
        run_study(broken, path, jobs=1, device="cpu", show_progress=False)
    (row,) = Results(path).failures()
    assert re.match(reason, row["failed"]) and row["task_seed"] == 1
    assert ("Traceback" in row.get("traceback", "")) == isinstance(error, RuntimeError | KeyError)


def test_data_that_are_none_are_the_reason_of_a_row(tmp_path, monkeypatch):
    numbers = np.random.default_rng(0).random((60, 4))
    np.savez(tmp_path / "good.npz", inputs=numbers, targets=np.arange(60) % 2)
    np.savez(tmp_path / "flat.npz", inputs=numbers, targets=np.full(60, 0.5))
    numbers[7, 2] = np.nan
    np.savez(tmp_path / "gaps.npz", inputs=numbers, targets=np.arange(60) % 2)
    monkeypatch.setenv("CONVAC_DATA", str(tmp_path / "mnist"))
    monkeypatch.setattr(mnist, "MIRRORS", ())
    ours = [{"task": str(tmp_path / name)} for name in ("good.npz", "flat.npz", "gaps.npz", "0/")]
    theirs = {"task": "local", "task_options": {"source": "mnist", "side": 8}}
    common = {"channels": [2, 2], "epochs": 1, "batch_size": 8}
    broken = Study.from_table(
        {"common": common, "block": [*ours, theirs | {"channels": [2, 2, 2]}, {"task": "cats"}]}
    )
    path = tmp_path / "rows.jsonl"
    with pytest.raises(RuntimeError, match=r"^5 of 6 runs failed"):
        run_study(broken, path, jobs=1, device="cpu", show_progress=False)
    assert len(Results(path).rows()) == 1
    reasons = [row["failed"] for row in Results(path).failures()]
    for reason, said in zip(
        reasons,
        ["must differ for a regression, got ", "1 of 48 samples have missing or infinite numbers",
         "is not there", "train-images-idx3-ubyte.gz is not in ", "task must be one of "],
        strict=True,
    ):  # fmt: skip
        assert said in reason


def end_the_process(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory runs out


def run_or_end(group, **how):
    if group[0]["learning_rate"] > 1:
        end_the_process()
    return RUN_GROUP(group, **how)


RUN_GROUP = sweeps._run_group


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
@pytest.mark.slow
def test_a_run_whose_process_the_system_ends_is_a_failed_row(tmp_path, monkeypatch):
    path = tmp_path / "rows.jsonl"
    monkeypatch.setattr(sweeps, "_run_group", run_or_end)
    monkeypatch.setattr(sweeps, "_numbered", numbered)
    with pytest.raises(RuntimeError, match=r"2 of 4 runs failed.*ended by the system"):
        run_study(wild(), path, jobs=2, threads=1, device="cpu", show_progress=False)
    assert lost(path) == [(1e30, 0), (1e30, 1)]
    assert len(Results(path).rows()) == 2


def numbered(number, group, **how):
    return number, run_or_end(group, **how)


# --- together -------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([2, 3, 4])), unique=True, max_size=20),
    st.integers(1, 6),
    st.none() | st.floats(0, 10),
)
def test_groups_hold_every_run_once_and_differ_in_seeds_only(runs, most, room):
    experiments = [Experiment(channels=(width,) * 3, seed=seed) for seed, width in runs]
    memory = None if room is None else room * bytes_of_a_member(Experiment(channels=(3,) * 3))
    groups = group_by_seed(experiments, most, memory)
    assert sorted(map(id, chain(*groups))) == sorted(map(id, experiments))
    for group in groups:
        assert len({run.channels for run in group}) == 1
        assert len({run.seed for run in group}) == len(group) <= most
        assert [run for run in experiments if run in group] == group
        if memory is not None and len(group) > 1:
            assert len(group) * bytes_of_a_member(group[0]) <= memory
    if memory is None:  # no more groups than there have to be
        widths = [width for _, width in runs]
        assert len(groups) == sum(-(-widths.count(width) // most) for width in {*widths})


def test_runs_together_have_the_rows_of_runs_alone(tmp_path):
    how = {"jobs": 1, "threads": 1, "device": "cpu", "show_progress": False}
    alone = run_study(study(), tmp_path / "alone.jsonl", **how)
    rows = run_study(study(), tmp_path / "rows.jsonl", together=3, **how)
    assert keys(Results(tmp_path / "rows.jsonl").rows()) == keys(rows) == wanted(study())
    for ours, theirs in zip(rows, alone, strict=True):
        assert settings_of(ours) == settings_of(theirs) and ours.keys() == theirs.keys()
        assert (ours["together"], theirs["together"]) == (3, 1)
        assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-4)
        assert ours["test_history"] == pytest.approx(theirs["test_history"], rel=1e-3, abs=1e-4)


def test_only_what_is_missing_is_done_together(tmp_path):
    path = tmp_path / "rows.jsonl"
    how = {
        "jobs": 1,
        "threads": 1,
        "device": "cpu",
        "show_progress": False,
        "checkpoints": tmp_path / "unfinished",
    }
    run_study(study(seeds=[1]), path, **how)
    before = path.read_bytes()
    rows = run_study(study(seeds=range(5)), path, together=3, **how)
    assert path.read_bytes().startswith(before)
    assert keys(Results(path).rows()) == keys(rows) == wanted(study(seeds=range(5)))
    assert [row["together"] for row in rows] == [2, 1, 2, 2, 2] * 2  # of 0 and 2, 3 and 4
    assert list((tmp_path / "unfinished").glob("*")) == []
    before = path.read_bytes()
    for name in (f"{keys(rows)[0]}.pt", f"{keys(rows)[1]}-0123456789abcdef.pt", "other.pt"):
        (tmp_path / "unfinished" / name).touch()  # as a crash right after the row leaves it
    assert run_study(study(seeds=range(5)), path, together=5, **how) == rows
    assert path.read_bytes() == before
    assert [file.name for file in (tmp_path / "unfinished").iterdir()] == ["other.pt"]


@pytest.mark.slow
def test_runs_that_fail_together_are_counted(tmp_path):
    path = tmp_path / "rows.jsonl"
    grid = {"task_options": [{"n_tain": 1}, {"n_train": 400}], "seed": [0, 1, 2]}
    broken = Study.from_table({"common": {**SMALL, "epochs": 1}, "block": [{"grid": grid}]})
    with pytest.raises(RuntimeError, match=r"3 of 6 runs failed.*seed = 0: .*got 'n_tain'"):
        run_study(broken, path, jobs=1, together=3, device="cpu", show_progress=False)
    assert [row["seed"] for row in Results(path).rows()] == [0, 1, 2]
    assert [row["seed"] for row in Results(path).failures()] == [0, 1, 2]


@pytest.mark.parametrize("wrong", [0, -1, 2.5])
def test_the_number_of_runs_together_is_checked(tmp_path, wrong):
    with pytest.raises(ValueError, match="together must be an integer"):
        run_study(study(), tmp_path / "rows.jsonl", together=wrong, show_progress=False)


# --- things that die ------------------------------------------------------------------

LONGER = {"epochs": 4, "task_options": {"n_train": 3000, "n_test": 50}}

SWEEP = """
import sys
sys.path.insert(0, {tests!r})
from convac_lib.learning import ensembles
from test_sweeps import LONGER, study, run_study
ensembles.train_together.__kwdefaults__["save_every"] = 0
run_study(
    study(**LONGER), {path!r}, jobs=1, threads=1, device="cpu", together={together},
    checkpoints={checkpoints!r}, show_progress=False,
)
"""


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def start_sweep(path, checkpoints, together):
    code = SWEEP.format(
        tests=os.path.dirname(__file__),
        path=str(path),
        checkpoints=str(checkpoints),
        together=together,
    )
    return subprocess.Popen([sys.executable, "-c", code])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
@pytest.mark.slow
def test_a_killed_sweep_goes_on_where_it_was(tmp_path):
    path, checkpoints = tmp_path / "rows.jsonl", tmp_path / "unfinished"
    child = start_sweep(path, checkpoints, together=1)
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 2)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    before = path.read_bytes()
    assert before.count(b"\n") < 6
    rows = run_study(
        study(**LONGER),
        path,
        jobs=1,
        threads=1,
        device="cpu",
        checkpoints=checkpoints,
        show_progress=False,
    )
    assert path.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    assert keys(rows) == keys(Results(path).rows()) == wanted(study(**LONGER))
    assert list(checkpoints.glob("*")) == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
@pytest.mark.slow
def test_runs_together_that_were_killed_go_on_where_they_were(tmp_path, monkeypatch):
    path, checkpoints = tmp_path / "rows.jsonl", tmp_path / "unfinished"
    child = start_sweep(path, checkpoints, together=3)

    def reached():
        return max(
            (read_sealed(file, "checkpoint")["steps_done"] for file in checkpoints.glob("*.pt")),
            default=0,
        )

    wait_until(lambda: reached() > 70)  # of 4 * 60: in the middle of the second epoch
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert not path.exists() and 70 < reached() < 240
    left, steps, advance = 2 * 240 - reached(), [], EnsembleRun.advance
    monkeypatch.setattr(EnsembleRun, "advance", lambda run: (steps.append(1), advance(run)))
    how = {"jobs": 1, "threads": 1, "device": "cpu", "together": 3, "show_progress": False}
    rows = run_study(study(**LONGER), path, checkpoints=checkpoints, **how)
    assert len(steps) == left
    assert keys(rows) == keys(Results(path).rows()) == wanted(study(**LONGER))
    assert list(checkpoints.glob("*")) == []
    straight = run_study(study(**LONGER), tmp_path / "straight.jsonl", **how)
    assert [row["losses"] for row in rows] == [row["losses"] for row in straight]


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and two workers, each a process of its own; yields (address, workers).

    Nobody starts a worker again. What is still there after the test is ended without asking:
    a cluster that is closed politely waits for processes that a busy machine may never give it.
    """
    pytest.importorskip("distributed")
    where, dask = tmp_path / "scheduler.json", [sys.executable, "-m", "dask"]
    to_it = ["--scheduler-file", str(where), "--no-dashboard"]
    as_worker = ["--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path)]
    started = []

    def start(*command):
        started.append(
            subprocess.Popen([*dask, *command, *to_it], stderr=subprocess.DEVNULL, cwd=tmp_path)
        )
        return started[-1]

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0")
        wait_until(where.exists)
        workers = {name: start("worker", *as_worker, "--name", name) for name in ("one", "two")}
        yield json.loads(where.read_text(encoding="utf-8"))["address"], workers
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_cluster_whose_worker_is_killed_gives_every_row_once(tmp_path, monkeypatch, cluster):
    address, workers = cluster
    path, killed, append = tmp_path / "rows.jsonl", [], Results.append

    def append_and_kill(self, *rows):
        append(self, *rows)
        if not killed:  # a worker that is in the middle of a run
            busy = next(where for where, runs in client.processing().items() if runs)
            killed.append(client.scheduler_info()["workers"][busy]["name"])
            workers[killed[0]].kill()

    with importlib.import_module("distributed").Client(address) as client:
        client.wait_for_workers(2, timeout=120)
        monkeypatch.setattr(Results, "append", append_and_kill)
        how = {"threads": 1, "device": "cpu", "show_progress": False}
        rows = run_study(study(**LONGER), path, scheduler=address, **how)
        left = {worker["name"] for worker in client.scheduler_info()["workers"].values()}
    assert killed[0] not in left and len(left) == 1
    assert keys(rows) == keys(Results(path).rows()) == wanted(study(**LONGER))


def test_a_grid_is_not_endless_and_a_row_has_settings():
    numbers = list(range(2000))
    grid = {"seed": numbers, "task_seed": numbers, "epochs": numbers}
    with pytest.raises(ValueError, match="grid must list at most"):
        Study.from_table({"block": [{"grid": grid}]})
    with pytest.raises(ValueError, match="it has no settings of a run"):
        settings_of({"note": 1})


def test_a_scheduler_needs_dask(tmp_path, monkeypatch):
    how = {"show_progress": False, "scheduler": "tcp://127.0.0.1:1"}
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match="scheduler needs Dask"):
        run_study(study(), tmp_path / "rows.jsonl", **how)
