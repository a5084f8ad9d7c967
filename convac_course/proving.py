"""Proof that the hidden tests give what an answer deserves.

For each chapter a TOML file holds answers as students write them, with the marks each deserves:
wrong ones of several kinds, and right ones written in another way than the solution. With them
run the chapter's own solution, which must get full marks, and a blank, which must get none; all
of it on the book's values and on every variant.
"""

import contextlib
import io
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .assignment import stub
from .chapters import SOLUTION, Chapter, Exercise
from .hidden_tests import HiddenTests, Mark
from .variants import count_variants, varied
from .worker import Local

SOLUTION_ITSELF, BLANK = "the solution", "a blank"
EVERYWHERE, BOOK, VARIANTS = "everywhere", "book", "variants"
LEAST_WRONG = 5


@dataclass(frozen=True)
class Answer:
    """An answer as a student writes it, and what it deserves.

    `on` says for which values: "everywhere", "book" or "variants".
    """

    what: str
    marks: float
    code: str
    on: str = EVERYWHERE

    def __post_init__(self) -> None:
        if self.on not in (EVERYWHERE, BOOK, VARIANTS):
            raise ValueError(f"on must be everywhere, book or variants, got {self.on!r}")


@dataclass(frozen=True)
class Verdict:
    """What an answer got, beside what it deserves; `variant` is None for the book's values."""

    exercise: str
    what: str
    variant: int | None
    deserved: float
    got: float
    reasons: tuple[str, ...]

    @property
    def fair(self) -> bool:
        """Tell whether the answer got what it deserves."""
        return self.got == self.deserved

    def __str__(self) -> str:
        values = "the book's values" if self.variant is None else f"variant {self.variant}"
        why = f" ({'; '.join(self.reasons)})" if self.reasons else ""
        return (
            f"{self.exercise}, {self.what}, on {values}: "
            f"{self.got:g} marks, deserves {self.deserved:g}{why}"
        )


def read_answers(path: str | Path) -> dict[str, list[Answer]]:
    """Return the answers of a TOML file by exercise.

    Raises
    ------
    ValueError
        If a table has a field too many or too few.
    """
    tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    try:
        return {name: [Answer(**entry) for entry in entries] for name, entries in tables.items()}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def lacking(chapter: Chapter, answers: dict[str, list[Answer]]) -> list[str]:
    """Return what the answers of a chapter lack, one line each."""
    lines = [f"{name}: no such exercise" for name in answers if name not in _names(chapter)]
    for exercise in chapter.graded:
        given = answers.get(exercise.name, [])
        wrong = [answer for answer in given if answer.marks < exercise.points]
        if len(wrong) < LEAST_WRONG:
            lines.append(f"{exercise.name}: {len(wrong)} wrong answers, {LEAST_WRONG} are needed")
        if len(wrong) == len(given):
            lines.append(f"{exercise.name}: a right answer in another way is needed")
        if count_variants(exercise) and not any(answer.on == VARIANTS for answer in wrong):
            lines.append(f'{exercise.name}: the book\'s answer typed in is needed, on = "variants"')
    return lines


def _names(chapter: Chapter) -> set[str]:
    """Return the names of a chapter's graded exercises."""
    return {exercise.name for exercise in chapter.graded}


def prove(
    chapter: Chapter, answers: dict[str, list[Answer]], sample: bool = False
) -> Iterator[Verdict]:
    """Mark all answers of a chapter and yield a verdict on each.

    Parameters
    ----------
    chapter : Chapter
    answers : dict of str to list of Answer
    sample : bool
        On variants, try only the first, and only the solution, a blank and the typed-in answers.

    Yields
    ------
    Verdict
    """
    tests = HiddenTests(chapter)
    for exercise in chapter.graded:
        own, given = _own_answers(exercise), answers.get(exercise.name, [])
        count = count_variants(exercise)
        for variant in (None, *range(min(count, 1) if sample else count)):
            kinds = {BOOK, EVERYWHERE} if variant is None else {VARIANTS, EVERYWHERE}
            if sample and variant is not None:
                kinds = {VARIANTS}
            for answer in [*own, *(answer for answer in given if answer.on in kinds)]:
                mark = mark_answer(tests, varied(exercise, variant), answer.code)
                yield Verdict(exercise.name, answer.what, variant, answer.marks, mark.marks,
                              tuple(mark.reasons))  # fmt: skip


def _own_answers(exercise: Exercise) -> list[Answer]:
    """Return the chapter's own solution and a blank."""
    cells = [cell.source for cell in exercise.of("solution")]
    return [
        Answer(SOLUTION_ITSELF, exercise.points, "\n".join(cells)),
        Answer(BLANK, 0, "\n".join(SOLUTION.sub(stub, cell) for cell in cells)),
    ]


def mark_answer(tests: HiddenTests, exercise: Exercise, code: str) -> Mark:
    """Return the mark of one answer, run in this process: it must be code that is trusted.

    Parameters
    ----------
    tests : HiddenTests
    exercise : Exercise
    code : str
        What a student would write.
    """
    local = Local(tests.namespace)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for cell in exercise.of("given"):
            local.run(cell.source)
        error = local.run(code)
        fetched = local.fetch(exercise.answers)
        mark = tests.mark(exercise, fetched, local)
        mark.answers, mark.sentence = tests.check(exercise, fetched, local)
    if error:
        mark.reasons.append(error)
    return mark
