"""What the commands share: options, and how what is wrong is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Annotated

import typer

BatchSize = Annotated[int, typer.Option(help="Samples in one step.")]
Device = Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu, cuda or cuda:1.")]
LearningRate = Annotated[float, typer.Option(help="The largest of the schedule.")]
LocalDim = Annotated[int, typer.Option(help="M, the number of features of each site.")]
Share = Annotated[str, typer.Option(help="Equal weights: none (the theory), window-position, all.")]
Source = Annotated[str, typer.Option(help="For local and global: digits, or mnist (fetched once).")]


@contextmanager
def one_sentence_errors(command: str) -> Iterator[None]:
    """Turn what a wrong argument raises into one sentence and the exit code 2."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error)
        if isinstance(error, OSError) and error.filename:
            reason = f"cannot use {error.filename}: {error.strerror}"
        typer.echo(f"convac {command}: {reason}", err=True)
        raise typer.Exit(2) from None


def require_torch() -> None:
    """Raise a ValueError that says what to install, if torch is not there."""
    if find_spec("torch") is None:
        raise ValueError("training needs torch: pip install 'convac-lib[train]'")


def integers(option: str, text: str) -> tuple[int, ...]:
    """Return the integers in a text such as ``3,4,5``; none in an empty one."""
    try:
        return tuple(int(number) for number in text.split(",") if text)
    except ValueError:
        raise ValueError(
            f"{option} must be integers with commas between them, such as 3,4,5; got {text!r}"
        ) from None
