"""`convac design`: from data and a budget to widths, by way of a probe and its bonds."""

from pathlib import Path
from typing import Annotated

import typer

from convac_lib._validation import as_int

from . import arguments as given
from .arguments import echo, one_sentence_errors, require_torch
from .own_data import own_options


def design(
    data: Annotated[
        str,
        typer.Argument(
            help="A task's name, such as tiled or pairs; or a file or folder of yours, as for "
            "`convac inspect`."
        ),
    ],
    budget: Annotated[int, typer.Option(help="The most weights of the network.")],
    share: given.Share = "window-position",
    local_dim: given.LocalDim = 10,
    source: given.Source = "",
    probe: Annotated[str, typer.Option(help="Its widths; else three times uniform.")] = "",
    epochs: Annotated[int, typer.Option(help="Of the probe's training.")] = 20,
    batch_size: given.BatchSize = 100,
    learning_rate: given.LearningRate = 1e-2,
    samples: Annotated[int, typer.Option(help="Training samples to measure on.")] = 500,
    seed: Annotated[int, typer.Option(help="Of the first probe.")] = 0,
    probes: Annotated[
        int, typer.Option(help="How many probes to train, each from its own seed.")
    ] = 3,
    compare: Annotated[
        int,
        typer.Option(help="Then train the advised and the uniform network from so many seeds."),
    ] = 0,
    device: given.Device = "auto",
    kind: given.Kind = "",
    targets: given.Targets = "",
    fit: given.Fit = "pad",
    missing: given.Missing = "refuse",
    to: Annotated[
        Path | None, typer.Option(help="Write the advised profile here, for `convac train`.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the spectrum, level by level, to this file.")
    ] = None,
) -> None:
    """Measure how far correlations reach in some data, and advise widths for a budget.

    A generously wide network, the probe, is trained on nine tenths of the training
    samples, from several seeds. What each bond carries is measured; that part is exact.
    The widths advised from it are a heuristic: let --compare 5 train them against the
    uniform profile before you rely on them. The test samples are not looked at.

    Example: convac design tiled --budget 1440 --epochs 28 --compare 5
    """
    with one_sentence_errors("design"):
        require_torch()
        from convac_lib.learning.safe_files import refuse_unwritable

        from .design_report import Report

        for path in filter(None, (to, picture)):
            refuse_unwritable(path.expanduser())
        options = own_options(data, kind, targets, fit, missing)
        options |= {"source": source} if source else {}
        if compare:
            as_int("--compare", compare, minimum=2)
        report = Report(data, options, budget, share, local_dim)
        echo(report.data())
        recipe = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
        report.train_probes(
            probe, range(seed, seed + as_int("--probes", probes, 1)), recipe, device
        )
        echo(report.probe())
        report.measure(samples)
        echo(report.spectrum())
        echo(report.advice())
        echo(report.comparison())
        if compare:
            echo(report.trained(range(seed, seed + compare), recipe, device))
        if to is not None:
            report.write(to.expanduser())
            echo(f"profile      {to}")
        if picture is not None:
            report.draw(picture)
            echo(f"picture      {picture}")
