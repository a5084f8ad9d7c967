"""From results to one row a student: everyone on the roster, everyone who handed in."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .by_hand import HandMark, Key
from .chapters import Chapter
from .results import Result
from .roster import Roster, Student

ABSENT = "nothing was handed in"


@dataclass(frozen=True)
class Column:
    """An exercise of a chapter, and what it is worth."""

    chapter: str
    exercise: str
    points: float


@dataclass
class Row:
    """One student: what was handed in by chapter, and the marks by exercise."""

    student: str
    listed: Student | None
    results: dict[str, Result] = field(default_factory=dict)
    marks: dict[Column, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def total(self, columns: Iterable[Column]) -> float:
        """Return the marks of some exercises together."""
        return sum(self.marks.get(column, 0) for column in columns)


@dataclass
class Gradebook:
    """All students' marks: the columns, the chapters' titles, and a row for each student."""

    columns: list[Column]
    titles: dict[str, str]
    rows: list[Row]

    def of(self, chapter: str) -> list[Column]:
        """Return the columns of one chapter."""
        return [column for column in self.columns if column.chapter == chapter]


def make_gradebook(
    course: dict[str, Chapter],
    results: list[Result],
    roster: Roster,
    by_hand: dict[Key, HandMark],
) -> Gradebook:
    """Return the gradebook of a course.

    Parameters
    ----------
    course : dict of str to Chapter
        The assignments by name.
    results : list of Result
    roster : Roster
    by_hand : dict of tuple to HandMark
        Exercises for which no mark is given are left out.
    """
    counted = {key[1:] for key, one in by_hand.items() if one.mark is not None}
    columns: dict[Column, None] = {}
    titles: dict[str, str] = {}
    for chapter in course.values():
        titles.setdefault(chapter.name, chapter.title.removeprefix("Exercises: "))
        for exercise in chapter.exercises:
            if exercise.graded or (chapter.name, exercise.name) in counted:
                columns[Column(chapter.name, exercise.name, exercise.points)] = None
    rows = {student.name: Row(student.name, student) for student in roster.students}
    for result in results:
        row = rows.setdefault(result.student, Row(result.student, roster.find(result.student)))
        row.remarks += [text for text in [_remark(result)] if text]
        if result.chapter:
            row.results[result.chapter] = result
    book = Gradebook(list(columns), titles, list(rows.values()))
    for row in book.rows:
        _fill(row, book, by_hand)
        if row.listed is None and roster.students:
            row.remarks.insert(0, "not on the roster")
    return book


def _fill(row: Row, book: Gradebook, by_hand: dict[Key, HandMark]) -> None:
    """Enter a student's marks."""
    got = {
        (chapter, mark.exercise): mark.marks
        for chapter, result in row.results.items()
        for mark in result.marks
    }
    for column in book.columns:
        given = by_hand.get((row.student, column.chapter, column.exercise))
        mark = given.mark if given else got.get((column.chapter, column.exercise))
        if mark is not None:
            row.marks[column] = mark
        elif given:
            row.remarks.append(f"{column.exercise}: not yet marked by hand")
    if not row.results and not row.remarks:
        row.remarks.append(ABSENT)


def _remark(result: Result) -> str:
    """Return what is to be said of a result beside its marks."""
    reasons = result.reasons()
    return f"{result.chapter}: {reasons}" if reasons and result.chapter else reasons
