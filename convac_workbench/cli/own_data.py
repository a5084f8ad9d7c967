"""`convac inspect`, `evaluate`, `predict`, `export`: your own data, and a trained model's file."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from . import arguments as given
from .arguments import echo, one_sentence_errors, require_torch, say

if TYPE_CHECKING:
    from convac_lib.learning.tasks import Task

    from ..data import Samples
    from ..model_files import Trained

Data = Annotated[
    str,
    typer.Argument(help="A .npz, .npy or .csv file, a folder of images by class, or a task."),
]
Model = Annotated[Path, typer.Argument(help="A model file, as `convac train --save` writes it.")]


def inspect(
    data: Data,
    kind: given.Kind = "",
    targets: given.Targets = "",
    fit: given.Fit = "pad",
    missing: given.Missing = "refuse",
) -> None:
    """Say what some data are, and what would be done with them before a network sees them.

    Example: convac inspect wine.csv --targets cultivar
    """
    with one_sentence_errors("inspect"):
        require_torch()
        from ..data import named_task

        task = named_task(data, **own_options(data, kind, targets, fit, missing))
        echo("\n".join(described(task)))


def described(task: "Task") -> list[str]:
    """Return what a task is, line by line."""
    *colours, n_sites, width = task.train_inputs.shape[1:]
    images = task.kind == "images"
    sites, numbers = (n_sites * width, (colours or [1])[0]) if images else (n_sites, width)
    inputs = task.train_inputs
    lines = [
        f"samples      {len(inputs):,} to train on, {len(task.test_inputs):,} to test on",
        f"network      {task.kind}: {sites} sites in windows of {4 if images else 2}, "
        f"{numbers} number{'s' if numbers > 1 else ''} a site",
        f"range        from {inputs.min():g} to {inputs.max():g}, mean {inputs.mean():.3g}",
    ]
    if task.n_classes:
        names = task.preparation.classes if task.preparation else range(task.n_classes)
        counts = np.bincount(task.train_targets, minlength=task.n_classes)
        some = [f"{name}: {count}" for name, count in zip(names, counts.tolist(), strict=True)]
        more = ", ..." if len(some) > 12 else ""
        lines.append(f"classes      {task.n_classes}; to train on {', '.join(some[:12])}{more}")
        lines.append(
            f"to beat      {counts.max() / counts.sum():.3f}, by always saying the commonest"
        )
    return [*lines, *(f"note         {note}" for note in task.notes)]


def evaluate(model: Model, data: Data, targets: given.Targets = "") -> None:
    """Say how well a trained model does on data with targets, all of them.

    Example: convac evaluate model.pt held-out.csv
    """
    with one_sentence_errors("evaluate"):
        require_torch()
        from ..model_files import load

        trained = load(model)
        samples = read_data(data, targets, columns=trained.preparation.columns)
        measure = "accuracy" if trained.preparation.classes else "r2"
        for part, (inputs, wanted) in _parts(samples):
            value = trained.evaluate(inputs, wanted)
            echo(f"{part:<9} {measure} {value:.4f} on {len(inputs):,} samples")


def predict(
    model: Model,
    new: Data,
    to: Annotated[Path, typer.Option(help="The CSV file to write.")] = Path("predictions.csv"),
) -> None:
    """Write a line for each new sample: its number, the answer, and how probable each class is.

    Example: convac predict model.pt new.csv --to predictions.csv
    """
    with one_sentence_errors("predict"):
        require_torch()
        from convac_lib.learning.safe_files import naming

        trained, samples = _opened(model, new)
        for note in samples.notes:
            say(f"note      {note}")
        inputs = samples.train[0]
        classes = trained.preparation.classes
        answers = trained.predict(inputs)
        columns = trained.probabilities(inputs) if classes else np.empty((len(inputs), 0))
        to = to.expanduser()
        with naming(to), open(to, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["sample", "prediction", *(f"p({name})" for name in classes)])
            for number, (answer, row) in enumerate(zip(answers, columns, strict=True)):
                writer.writerow([number, answer, *(f"{value:.6g}" for value in row)])
        echo(f"{len(answers):,} predictions in {to}")


def export(
    model: Model,
    data: Annotated[str, typer.Argument(help="A few samples to try the program on.")],
    to: Annotated[Path, typer.Option(help="The file to write.")] = Path("model.pt2"),
) -> None:
    """Write a program that needs no more than torch: samples in, scores out; and try it.

    Example: convac export model.pt wine.csv --to wine.pt2
    """
    with one_sentence_errors("export"):
        require_torch()
        trained, samples = _opened(model, data)
        trained.export(to, samples.train[0][:8])
        echo(f"{to}: read it with torch.export.load; it gives the scores of {model}")


# --- from words to data -------------------------------------------------------------------


def own_options(
    data: str, kind: str = "", targets: str = "", fit: str = "pad", missing: str = "refuse"
) -> dict[str, Any]:
    """Return the options for data of one's own; a ValueError if they are given for a task."""
    from ..data import is_data

    options = {"kind": kind, "targets": targets, "fit": fit, "missing": missing}
    usual = {"kind": "", "targets": "", "fit": "pad", "missing": "refuse"}
    changed = {name: value for name, value in options.items() if value != usual[name]}
    if changed and not is_data(data):
        raise ValueError(f"--{next(iter(changed))} is for a file or folder, got the task {data!r}")
    return changed


def read_data(
    data: str, targets: str = "", labelled: bool = True, columns: tuple[str, ...] = ()
) -> "Samples":
    """Return the samples of a file or folder; a ValueError if it is neither."""
    from ..data import is_data, read

    if not is_data(data) and not Path(data).is_dir():
        raise ValueError(f"DATA must be a .npz, .npy or .csv file or a folder, got {data!r}")
    return read(data, targets, labelled, columns)


def _opened(model: Path, data: str) -> "tuple[Trained, Samples]":
    """Return a model from its file and samples with the columns that it reads."""
    from ..model_files import load

    trained = load(model)
    return trained, read_data(data, labelled=False, columns=trained.preparation.columns)


def _parts(samples: "Samples") -> list[tuple[str, Any]]:
    if samples.test is None:
        return [("all", samples.train)]
    return [("training", samples.train), ("test", samples.test)]
