"""What the commands share: options, and how what is wrong is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Annotated

import typer

Device = Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu, cuda or cuda:1.")]


@contextmanager
def one_sentence_errors(command: str) -> Iterator[None]:
    """Turn what a wrong argument raises into one sentence and the exit code 2."""
    try:
        yield
    except OSError as error:
        named = f"cannot use {error.filename}: {error.strerror}" if error.filename else str(error)
        _refuse(command, named)
    except (ValueError, RuntimeError) as error:
        _refuse(command, str(error))


def _refuse(command: str, reason: str) -> None:
    typer.echo(f"convac {command}: {reason}", err=True)
    raise typer.Exit(2)


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
