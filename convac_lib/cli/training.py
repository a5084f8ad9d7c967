"""`convac train`, `convac sweep` and `convac doctor`: one run, many runs, is all well."""

import platform
import time
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

PACKAGES = (
    *("numpy", "scipy", "networkx", "python-flint", "torch", "scikit-learn"),
    *("pooch", "joblib", "tqdm", "dask", "distributed"),
)

Device = Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu, cuda or cuda:1.")]


def register(app):
    """Add the commands of this module to a typer application."""
    app.command("train")(train)
    app.command("sweep")(sweep)
    app.command("doctor")(doctor)


def train(
    task: Annotated[
        str, typer.Option(help="digits, filling, tiled, local, global, photos or pairs.")
    ] = "digits",
    source: Annotated[
        str, typer.Option(help="For local and global: digits, or mnist (fetched once).")
    ] = "",
    model: Annotated[str, typer.Option(help="convac or convnet.")] = "convac",
    channels: Annotated[
        str, typer.Option(help="r0,r1,...: the width of each layer, from the inputs up.")
    ] = "",
    design: Annotated[
        str, typer.Option(help="Instead of --channels, on 64x64: wide-base or wide-tip.")
    ] = "",
    r: Annotated[int, typer.Option("--r", help="The width of the design.")] = 0,
    local_dim: Annotated[int, typer.Option(help="M, the features of each site.")] = 10,
    epochs: Annotated[int, typer.Option(help="Passes over the training set.")] = 8,
    batch_size: Annotated[int, typer.Option(help="Samples in one step.")] = 100,
    learning_rate: Annotated[float, typer.Option(help="The largest of the schedule.")] = 5e-3,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of samples.")] = 0,
    device: Device = "auto",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Keep the state in this file, and go on from it if it is there."),
    ] = None,
):
    """Train one network on one task, and print how well it does.

    Example: convac train --task digits --channels 8,8,16 --epochs 10
    """
    with _one_sentence_errors("train"):
        _require_torch()
        from ..learning.experiments import Experiment
        from ..learning.training import keep_freed_memory

        keep_freed_memory()
        if not design:
            channels = channels or "8,8,16"
        experiment = Experiment(
            task=task,
            task_options={"source": source} if source else {},
            model=model,
            design=design,
            r=r,
            channels=_integers(channels),
            local_dim=local_dim,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
        )
        row = experiment.run(device=device, checkpoint=checkpoint)
    widths = ", ".join(map(str, experiment.channels))
    typer.echo(f"{model} on {task}: widths {widths}; {row['parameters']:,} parameters")
    typer.echo(f"training  {row['train_score']:.4f}")
    typer.echo(f"test      {row['test_score']:.4f}")
    typer.echo(f"{row['seconds']:.1f} s on {row['device']}")


def sweep(
    study: Annotated[Path, typer.Argument(help="A study: a TOML file such as studies/fig10.toml.")],
    results: Annotated[
        Path | None,
        typer.Option(help="The file of rows; without it the study's name in this folder."),
    ] = None,
    jobs: Annotated[
        int, typer.Option(help="Processes; -1 is one for each core, or one on a GPU.")
    ] = -1,
    threads: Annotated[
        int | None, typer.Option(help="Of one run; without it the cores are divided.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, for its workers to run on.")
    ] = None,
    device: Device = "auto",
    together: Annotated[
        int | None,
        typer.Option(
            help="Most runs that differ only in their seed to train at once in one process; "
            "without it 8 on a GPU, else 1."
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Folder in which unfinished runs keep their state.")
    ] = None,
):
    """Do all the runs of a study that have no row yet; one row of JSON a run.

    It may be stopped at any moment: started again, it does what is missing.

    Example: convac sweep studies/fig10.toml --results fig10.jsonl
    """
    with _one_sentence_errors("sweep"):
        _require_torch()
        from ..learning.sweeps import Study, run_study

        plan = Study.read(study)
        results = results or Path(f"{plan.name}.jsonl")
        rows = run_study(
            plan,
            results,
            jobs=jobs,
            threads=threads,
            scheduler=scheduler,
            device=device,
            together=together,
            checkpoints=checkpoints,
        )
    typer.echo(f"{plan.name}: {len(rows)} runs, {results}")


def doctor(device: Device = "auto"):
    """Say which versions and which device there are, and test that all fits together.

    The test takes about five seconds: exact ranks, a model against its tensor,
    and a short training.
    """
    typer.echo(f"python        {platform.python_version()} on {platform.platform()}")
    typer.echo(f"convac        {metadata.version('convac-lib')}")
    for package in PACKAGES:
        typer.echo(f"{package:13} {_version(package)}")
    problems = []
    with _one_sentence_errors("doctor"):
        _check("exact core", _test_exact_core, problems)
        if _version("torch") == "not installed":
            typer.echo("training      not tested: pip install 'convac-lib[train]'")
        else:
            from ..learning.training import pick_device

            chosen = pick_device(device)
            typer.echo(f"device        {_describe(chosen)}")
            _check("a model is its tensor", lambda: _test_model(chosen), problems)
            _check("training", lambda: _test_training(chosen), problems)
    if problems:
        raise typer.Exit(1)
    typer.echo("all is well")


# --- the doctor's tests -------------------------------------------------------------------


def _check(name, test, problems):
    started = time.perf_counter()
    try:
        found = test()
    except Exception as error:
        problems.append(name)
        typer.echo(f"{name}: FAILED, {type(error).__name__}: {error}", err=True)
    else:
        typer.echo(f"{name}: {found} ({time.perf_counter() - started:.1f} s)")


def _test_exact_core():
    from ..architecture import Architecture
    from ..partitions import interleaved
    from ..ranks import certify_rank

    found = certify_rank(Architecture.line(2, (3, 4, 5)), interleaved(8))
    if not found.certified or found.rank != 16:
        raise AssertionError(f"rank 16 expected, got {found.rank}")
    return "rank 16, certified"


def _test_model(device):
    import numpy as np
    import torch

    from ..architecture import Architecture
    from ..decompositions import scores
    from ..learning.models import ConvAC

    architecture = Architecture.for_image(4, 3, (4, 5), 10)
    model = ConvAC(architecture, seed=0, dtype=torch.float64).to(device)
    images = torch.rand(20, 4, 4, generator=torch.Generator().manual_seed(0))
    ours = model(images).detach().cpu().numpy()
    theirs = scores(architecture, model.to_weights(), model.features(images).detach().cpu())
    difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
    if not difference < 1e-9:
        raise AssertionError(f"the scores differ by {difference:.1e}")
    return f"scores agree to {difference:.0e}"


def _test_training(device):
    from ..architecture import Architecture
    from ..learning import tasks
    from ..learning.models import ConvAC
    from ..learning.training import train

    model = ConvAC(
        Architecture.for_image(8, 2, (8, 8, 16), 10),
        representation="cos-sin", head="normalized", seed=0,
    )
    result = train(
        model, tasks.make("digits"), epochs=8, learning_rate=0.02,
        device=device, show_progress=False,
    )
    if result.test_score < 0.85:
        raise AssertionError(f"only {result.test_score:.2f} of the digits are right")
    return f"{result.test_score:.0%} of unseen digits right"


def _describe(device):
    import torch

    from ..learning.training import device_name

    if device.type == "cpu":
        return f"cpu, {torch.get_num_threads()} threads"
    return device_name(device)


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


# --- arguments ----------------------------------------------------------------------------


@contextmanager
def _one_sentence_errors(command):
    """Turn what a wrong argument raises into one sentence and the exit code 2."""
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        typer.echo(f"convac {command}: {error}", err=True)
        raise typer.Exit(2) from None


def _require_torch():
    if _version("torch") == "not installed":
        raise ValueError("training needs torch: pip install 'convac-lib[train]'")


def _integers(text):
    try:
        return tuple(int(number) for number in text.split(",") if text)
    except ValueError:
        raise ValueError(
            "--channels must be integers with commas between them, such as 8,8,16; "
            f"got {text!r}"
        ) from None
