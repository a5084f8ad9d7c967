"""What the commands share: options, and how what is wrong is said."""

import codecs
import os
import sys
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Annotated

import typer

from convac_lib._validation import reason_of

BatchSize = Annotated[int, typer.Option(help="Samples in one step.")]
Device = Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu, cuda or cuda:1.")]
LearningRate = Annotated[float, typer.Option(help="The largest of the schedule.")]
LocalDim = Annotated[int, typer.Option(help="M, the number of features of each site.")]
Share = Annotated[str, typer.Option(help="Equal weights: none (the theory), window-position, all.")]
Source = Annotated[str, typer.Option(help="For local and global: digits, or mnist (fetched once).")]


Kind = Annotated[str, typer.Option(help="images or sequences; else guessed, and said.")]
Targets = Annotated[str, typer.Option(help="A .npy file, or a CSV column; else its last one.")]
Fit = Annotated[str, typer.Option(help="pad or crop what is no power of two.")]
Missing = Annotated[str, typer.Option(help="refuse or drop samples with missing numbers.")]


@contextmanager
def one_sentence_errors(command: str) -> Iterator[None]:
    """Turn what a wrong argument raises into one sentence and the exit code 2.

    Warnings are one sentence too. Nobody listens to a closed pipe, so it ends quietly.
    """
    readable_anywhere()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: say(f"convac {command}: note: {message}")
            yield
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # or Python would try to flush the closed one
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        say(f"convac {command}: interrupted")
        raise typer.Exit(130) from None
    except (OSError, ValueError, TypeError, RuntimeError, ImportError, MemoryError) as error:
        say(f"convac {command}: {reason_of(error)}")
        raise typer.Exit(2) from None


def echo(text: str) -> None:
    """Write a line to the standard output, in the encoding that it has: typer's may be another."""
    print(text)


def say(text: str) -> None:
    """Write a line to the standard error."""
    print(text, file=sys.stderr)


def readable_anywhere() -> None:
    """Let a terminal that cannot show a letter get a readable word in its place."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="convac")


def _in_words(error: UnicodeError) -> tuple[str, int]:
    """Return how letters that a terminal does not have are written there."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_in_ascii(letter) for letter in letters), error.end


def _in_ascii(letter: str) -> str:
    if letter in WORDS:
        return WORDS[letter]
    name, plain = unicodedata.name(letter, ""), unicodedata.normalize("NFKD", letter)
    if name.startswith("SUPERSCRIPT"):
        return f"^{plain}"
    plain = plain.encode("ascii", "ignore").decode()
    return plain or "?"


WORDS = {"·": "*", "×": "x", "⊗": "(x)", "≤": "<=", "≥": ">=", "−": "-", "–": "-", "—": "-",
         "…": "...", "²": "^2", "³": "^3", "¹": "^1"}  # fmt: skip
codecs.register_error("convac", _in_words)


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
