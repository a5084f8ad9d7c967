"""The results of a grading: what each submission got, kept so that a later run goes on from it.

A result is good as long as what it came from is the same. What ran behind the wall and what
tested the answers are told apart: where only a test has changed, the kept answers are tested
again and no notebook is run.
"""

import hashlib
import json
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

from .chapters import Chapter, Exercise
from .hidden_tests import Mark
from .intake import Line
from .sandbox import Limits
from .tables import replace_file

# What a result depends on beside the notebooks; raise it when marking changes.
EDITION = "2"
INDEX = "index.json"


@dataclass
class Result:
    """What one submission got, and what it came from.

    `handed` and `notes` say what was odd in the way it was handed in and in the notebook. `ran`
    and `tested` say what the cells ran with and what each exercise was tested with; `kept` holds
    the answers themselves, and `written` those to open exercises; `seconds` is the processor
    time that all of it took.
    """

    student: str
    assignment: str
    chapter: str
    marks: list[Mark] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str | None = None
    where: str = ""
    ran: str = ""
    tested: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    seconds: float = 0

    @property
    def got(self) -> float:
        """Return the marks of all tested exercises together."""
        return sum(mark.marks for mark in self.marks)

    @property
    def points(self) -> float:
        """Return what they are worth together."""
        return sum(mark.points for mark in self.marks)

    @property
    def full(self) -> bool:
        """Tell whether there was something to get, and all of it was got."""
        return self.problem is None and 0 < self.points == self.got

    def reasons(self) -> str:
        """Return in one line why marks are missing, and what was odd."""
        parts = [self.problem] if self.problem else []
        for mark in self.marks:
            if mark.reasons:
                parts.append(f"{mark.exercise}: {', '.join(mark.reasons)}")
        return " ".join("; ".join(parts + self.notes + self.handed).split())


class Store:
    """The folder in which results are kept, one file each.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, student: str, assignment: str) -> Result | None:
        """Return the result of an earlier run, or None if there is none that can be read."""
        return _read(self.folder / _file_name(student, assignment))

    def save(self, result: Result) -> None:
        """Keep a result, so that an interrupted run goes on from here."""
        path = self.folder / _file_name(result.student, result.assignment)
        replace_file(path, json.dumps(asdict(result), indent=1))

    def save_index(self, results: list[Result], lines: list[Line], roster: str | None) -> None:
        """Keep which results belong together, and what else is in the report."""
        names = [_file_name(result.student, result.assignment) for result in results]
        index = {"results": names, "lines": [asdict(line) for line in lines], "roster": roster}
        replace_file(self.folder / INDEX, json.dumps(index, indent=1))

    def load_index(self) -> tuple[list[Result], list[Line], str | None]:
        """Return the results of the last run, the lines of its report, and the roster's path.

        Raises
        ------
        ValueError
            If there was no run.
        """
        try:
            index = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.folder.parent} holds no results; grade first") from error
        found = [_read(self.folder / name) for name in index["results"]]
        lines = [Line(**line) for line in index["lines"]]
        return [result for result in found if result is not None], lines, index["roster"]


def ran_with(chapter: Chapter, digest: str, limits: Limits, unsafe: bool) -> str:
    """Return a name for all that a submission's cells ran with."""
    cells = [
        (cell.grade_id, cell.role, cell.exercise, cell.source)
        for cell in chapter.cells
        if cell.role not in ("test", "check")
    ]
    answers = [exercise.answers for exercise in chapter.graded]
    return _digest(EDITION, cells, answers, digest, [*map(float, astuple(limits))], unsafe)


def tested_with(exercise: Exercise) -> str:
    """Return a name for what tests an exercise's answers."""
    cells = exercise.of("test", "check")
    return _digest([(cell.role, cell.points, cell.source) for cell in cells])


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _file_name(student: str, assignment: str) -> str:
    """Return a file's name that no student's name can make odd."""
    return f"{_digest(student, assignment)[:32]}.json"


def _read(path: Path) -> Result | None:
    """Return the result in a file, or None."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        marks = [Mark(**mark) for mark in content.pop("marks")]
        return Result(**content, marks=marks)
    except (OSError, ValueError, KeyError, TypeError):
        return None
