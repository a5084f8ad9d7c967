"""Marks given by hand, for proofs and open exercises: a table that the teacher fills in.

Every grading adds the rows that are missing and keeps what stands in the others, so a mark and
its comment survive as long as the table does. An exercise counts in the totals from the first
mark that is given for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .assignment import WRITE_HERE
from .chapters import Chapter
from .notebooks import Cell
from .plan import identified
from .results import Result
from .tables import read_table, write_table

HEADER = ("Student", "Chapter", "Exercise", "Out of", "Mark", "Comment", "Answer")
NOTHING = "nothing was written"
BLANK = ("", WRITE_HERE, "YOUR ANSWER HERE")
LONGEST = 50_000
RUBRIC = (
    ("", "3", "2", "1"),
    ("The question", "made precise: what is measured, on what, against what",
     "clear, one of the three is missing", "restated from the page"),
    ("The evidence", "a run that could have said no, with several seeds or an exact computation",
     "a run, without a spread or a control", "one picture"),
    ("The argument", "says why, from the page's theorems, and where their hypotheses end",
     "says why", "describes what is seen"),
    ("The honesty", "what was tried and failed, what stays open, all of it reproducible from the "
     "notebook", "reproducible", "the result only"),
)  # fmt: skip
Key = tuple[str, str, str]


@dataclass
class HandMark:
    """A mark given by hand, None as long as it is not given, and a comment."""

    points: float
    mark: float | None = None
    comment: str = ""


def written_answers(chapter: Chapter, cells: list[Cell]) -> dict[str, str]:
    """Return what a student wrote to each exercise that a hand marks.

    Parameters
    ----------
    chapter : Chapter
    cells : list of Cell
        What was handed in.
    """
    open_ones = {exercise.name for exercise in chapter.by_hand}
    texts: dict[str, list[str]] = {name: [] for name in open_ones}
    current: str | None = None
    for cell, original in identified(chapter, cells):
        is_statement = original is not None and original.role == "open"
        # Blank cells for answers look all alike, so that only their name tells them apart.
        if original is not None and (original.role != "written" or cell.grade_id):
            current = original.exercise
        if current in open_ones and not is_statement and cell.source.strip() not in BLANK:
            fence = "```" if cell.kind == "code" else ""
            texts[current or ""].append(f"{fence}\n{cell.source.strip()}\n{fence}".strip())
    return {name: "\n\n".join(parts).strip()[:LONGEST] for name, parts in texts.items()}


def read_marks(path: Path) -> dict[Key, HandMark]:
    """Return the marks in a table, by student, chapter and exercise; none if it is not there.

    Raises
    ------
    ValueError
        If a mark is no number, or not from 0 to what the exercise is worth.
    """
    marks: dict[Key, HandMark] = {}
    for number, row in enumerate(read_table(path) if path.exists() else [], 2):
        if any(name not in row for name in HEADER[:6]):
            raise ValueError(f"{path}: the columns must be {', '.join(HEADER)}")
        points = _number(row["Out of"], f"{path}, line {number}: Out of", None)
        mark = _number(row["Mark"], f"{path}, line {number}: Mark", points)
        key = (row["Student"], row["Chapter"], row["Exercise"])
        marks[key] = HandMark(points or 0, mark, row["Comment"])
    return marks


def update_table(
    path: Path, chapters: Iterable[Chapter], results: list[Result]
) -> dict[Key, HandMark]:
    """Add the rows that are missing in the table, and return all marks.

    Parameters
    ----------
    path : Path
    chapters : iterable of Chapter
    results : list of Result
        What was handed in.
    """
    marks = read_marks(path)
    answers: dict[Key, str] = {}
    for chapter in chapters:
        for exercise in chapter.by_hand:
            for result in results:
                if result.assignment == chapter.assignment and result.ran:
                    key = (result.student, chapter.name, exercise.name)
                    marks.setdefault(key, HandMark(exercise.points)).points = exercise.points
                    answers[key] = result.written.get(exercise.name, "")
    if marks:
        rows = [
            (*key, one.points, "" if one.mark is None else one.mark, one.comment,
             (answers.get(key) or NOTHING)[:300])
            for key, one in sorted(marks.items())
        ]  # fmt: skip
        write_table(path, [HEADER, *rows])
    return marks


def _number(text: str, what: str, most: float | None) -> float | None:
    """Return the number in a cell, None if it is empty."""
    if not text:
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = -1
    if not 0 <= number <= (most if most is not None else float("inf")):
        upper = f" from 0 to {most:g}" if most is not None else ""
        raise ValueError(f"{what} must be a number{upper}, got {text!r}")
    return number
