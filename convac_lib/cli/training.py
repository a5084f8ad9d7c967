"""`convac train` and `convac sweep`: one run, many runs."""

from pathlib import Path
from typing import Annotated

import typer

from . import arguments as given
from .arguments import integers, one_sentence_errors, require_torch


def train(
    task: Annotated[str, typer.Option(help="Its name, such as digits or local.")] = "digits",
    source: given.Source = "",
    model: Annotated[str, typer.Option(help="convac or convnet.")] = "convac",
    channels: Annotated[str, typer.Option(help="r0,r1,...: widths, from the inputs up.")] = "",
    design: Annotated[str, typer.Option(help="On 64x64 instead: wide-base or wide-tip.")] = "",
    r: Annotated[int, typer.Option("--r", help="The width of the design.")] = 0,
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
) -> None:
    """Train one network on one task, and print how well it does.

    Example: convac train --task digits --channels 8,8,16 --epochs 10
    """
    with one_sentence_errors("train"):
        require_torch()
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
            channels=integers("--channels", channels),
            local_dim=local_dim,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
        )
        row = experiment.run(device=device, checkpoint=checkpoint)
    widths = ", ".join(map(str, experiment.channels))
    typer.echo(f"{model} on {task}: widths {widths}; {row['parameters']:,} parameters")
    measure = "r2" if "test_r2" in row else "accuracy"
    typer.echo(f"training  {measure} {row[f'train_{measure}']:.4f}")
    typer.echo(f"test      {measure} {row[f'test_{measure}']:.4f}")
    typer.echo(f"{row['seconds']:.1f} s on {row['device']}")


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
) -> None:
    """Do all the runs of a study that have no row yet; one row of JSON a run.

    It may be stopped at any moment: started again, it does what is missing.

    Example: convac sweep studies/fig10.toml --results fig10.jsonl
    """
    with one_sentence_errors("sweep"):
        require_torch()
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
