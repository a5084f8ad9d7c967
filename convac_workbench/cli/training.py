"""`convac train` and `convac sweep`: one run, many runs."""

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from convac_lib._validation import as_choice, as_int
from convac_lib.architecture import SHARING

from . import arguments as given
from .arguments import echo, integers, one_sentence_errors, require_torch
from .own_data import own_options


def train(
    data: Annotated[
        str, typer.Argument(help="A task's name, or a file or folder of yours; else digits.")
    ] = "",
    task: Annotated[str, typer.Option(help="The same as DATA.")] = "",
    source: given.Source = "",
    model: Annotated[str, typer.Option(help="convac or convnet.")] = "convac",
    channels: Annotated[str, typer.Option(help="r0,r1,...: widths, from the inputs up.")] = "",
    design: Annotated[
        str, typer.Option(help="On 64x64 instead: wide-base, wide-tip or uniform.")
    ] = "",
    r: Annotated[int, typer.Option("--r", help="The width of the design.")] = 0,
    profile: Annotated[
        Path | None, typer.Option(help="Widths from a file that `convac design --to` wrote.")
    ] = None,
    kind: given.Kind = "",
    targets: given.Targets = "",
    fit: given.Fit = "pad",
    missing: given.Missing = "refuse",
    local_dim: given.LocalDim = 10,
    epochs: Annotated[int, typer.Option(help="Passes over the training set.")] = 8,
    batch_size: given.BatchSize = 100,
    learning_rate: given.LearningRate = 5e-3,
    seed: Annotated[int, typer.Option(help="Of the weights and the order of samples.")] = 0,
    device: given.Device = "auto",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Keep the state in this file, and go on from it if it is there."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the trained model to this file, to predict with.")
    ] = None,
) -> None:
    """Train one network on one task, and print how well it does.

    Example: convac train wine.csv --channels 8,8,8,8 --epochs 30 --save wine.pt
    """
    with one_sentence_errors("train"):
        require_torch()
        from convac_lib.learning.safe_files import refuse_unwritable
        from convac_lib.learning.training import keep_freed_memory

        from ..experiments import Experiment
        from ..model_files import trained_on

        if data and task:
            raise ValueError(f"--task must be left out with DATA, got {task!r} and {data!r}")
        name = data or task or "digits"
        settings: dict[str, Any] = {"channels": integers("--channels", channels)}
        settings |= {"design": design, "r": r, "local_dim": local_dim}
        if profile is not None:
            if channels or design:
                raise ValueError("--channels and --design must be left out with --profile")
            settings |= read_profile(profile)
        options = own_options(name, kind, targets, fit, missing)
        if r and not settings["design"]:
            raise ValueError(f"--r is the width of a --design, which is not given, got {r}")
        if not settings["channels"] and not settings["design"]:
            settings["channels"] = usual_channels(name, options)
        if save is not None:
            save = save.expanduser()
            refuse_unwritable(save)
        keep_freed_memory()
        experiment = Experiment(
            task=name,
            task_options=options | ({"source": source} if source else {}),
            model=model,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            **settings,
        )
        learned = experiment.load_task()
        for note in learned.notes:
            echo(f"note      {note}")
        network = experiment.build_model(learned)
        result = experiment.fit(network, learned, device=device, checkpoint=checkpoint)
        if save is not None:
            trained_on(network, learned).save(save)
        row = experiment.row(network, result)
        widths = ", ".join(map(str, experiment.channels))
        echo(f"{model} on {name}: widths {widths}; {row['parameters']:,} parameters")
        echo(f"training  {result.measure} {result.train:.4f}")
        echo(f"test      {result.measure} {result.test:.4f}")
        echo(f"{row['seconds']:.1f} s on {row['device']}")
        if poor := _poor(learned, result.test):
            echo(poor)
        if save is not None:
            echo(f"model     {save}")


def usual_channels(name: str, options: dict[str, Any]) -> tuple[int, ...]:
    """Return the widths where none are asked for: eight, and twice that at the top."""
    from ..data import named_task

    *_, n_sites = named_task(name, **options).train_inputs.shape[1:3]
    depth = max(1, (n_sites - 1).bit_length())
    return (8,) * (depth - 1) + (16,)


def read_profile(path: Path) -> dict[str, Any]:
    """Return the settings in a profile that `convac design --to` wrote."""
    try:
        found = json.loads(path.expanduser().read_text(encoding="utf-8-sig"))
        channels = tuple(as_int("channels", width, minimum=1) for width in found["channels"])
        how = {"local_dim": as_int("local_dim", found["local_dim"], minimum=1)}
        options = {"share": as_choice("share", found["share"], SHARING)}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"--profile {path} is no profile of `convac design`: {error}") from None
    return {"channels": channels, "design": "", "r": 0, **how, "model_options": options}


def _poor(task: Any, test: float) -> str:
    """Return what to try where nothing was learned, else nothing."""
    guess = 0.0
    if task.n_classes:
        counts = np.bincount(task.test_targets, minlength=task.n_classes)
        guess = float(counts.max() / counts.sum())
    if test > guess + 0.02:
        return ""
    always = (
        f"always saying the commonest class gives {guess:.3f}"
        if task.n_classes
        else "the mean gives 0"
    )
    return (
        f"note      nothing was learned: {always}. Try more --epochs, another --learning-rate, "
        "wider --channels, or --model convnet"
    )


def sweep(
    study: Annotated[Path, typer.Argument(help="A study: a TOML file such as studies/fig10.toml.")],
    results: Annotated[
        Path | None,
        typer.Option(help="The file of rows; without it the study's name in this folder."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes; -1: one a core, or one on a GPU.")] = -1,
    threads: Annotated[int | None, typer.Option(help="Of one run; else divided.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler.")] = None,
    device: given.Device = "auto",
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
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed/--keep-failed",
            help="Whether to try runs again that failed when the study was started before.",
        ),
    ] = True,
) -> None:
    """Do all the runs of a study that have no row yet; one row of JSON a run.

    It may be stopped at any moment: started again, it does what is missing. A run that fails
    stops no other; its row says why, and the command ends with their number and the code 2.

    Example: convac sweep studies/fig10.toml --results fig10.jsonl
    """
    with one_sentence_errors("sweep"):
        require_torch()
        from ..sweeps import Study, run_study

        plan = Study.read(study.expanduser())
        results = (results or Path(f"{plan.name}.jsonl")).expanduser()
        rows = run_study(
            plan,
            results,
            jobs=jobs,
            threads=threads,
            scheduler=scheduler,
            device=device,
            together=together,
            checkpoints=checkpoints,
            retry_failed=retry_failed,
        )
        echo(f"{plan.name}: {len(rows)} runs, {results}")
