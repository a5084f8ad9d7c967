"""The gradebook as files that a spreadsheet, Canvas and Moodle take as they are.

Canvas wants the columns Student, ID, SIS User ID, SIS Login ID and Section first, then one column
for each assignment and nothing else, and knows a row by `Points Possible`. Moodle finds a student
by one column, and its grading worksheet by `Identifier`; columns that it does not know make it
stop. A chapter that was not handed in is left empty there, as the platforms know that themselves.
"""

import re
from pathlib import Path
from typing import Any

from .gradebook import Column, Gradebook, Row
from .roster import EMAILS, NUMBERS
from .tables import write_table

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = ("Username", "ID number", "Email address")
WORKSHEET = ("Identifier", "Grade", "Last modified (grade)")


def write_exports(book: Gradebook, to: Path) -> list[Path]:
    """Write the table and what the platforms take, and return the files.

    Parameters
    ----------
    book : Gradebook
    to : Path
        The table; the others lie beside it under names made from its own.
    """
    files = {to: spreadsheet(book)}
    files[to.with_name(f"{to.stem}-canvas.csv")] = canvas(book)
    files[to.with_name(f"{to.stem}-moodle.csv")] = moodle(book)
    for chapter in book.titles:
        if rows := worksheet(book, chapter):
            files[to.with_name(f"{to.stem}-moodle-{chapter}.csv")] = rows
    for path, rows in files.items():
        write_table(path, rows)
    return list(files)


def spreadsheet(book: Gradebook) -> list[list[Any]]:
    """Return the table to read: each exercise, each chapter and all, in marks and per cent."""
    header, worth = ["Student", "ID", "Email", "Group"], ["out of", "", "", ""]
    for chapter in book.titles:
        columns = book.of(chapter)
        header += [f"{chapter}: {column.exercise}" for column in columns]
        header += [f"{chapter}: all", f"{chapter}: %"]
        worth += [*(column.points for column in columns), _points(columns), 100]  # type: ignore[list-item]
    rows: list[list[Any]] = [[*header, "All", "%", "Remarks"], [*worth, _points(book.columns), 100]]
    for row in book.rows:
        cells: list[Any] = [row.student, _of(row, *NUMBERS), _of(row, *EMAILS), _group(row)]
        for chapter in book.titles:
            columns = book.of(chapter)
            cells += [row.marks.get(column, "") for column in columns]
            cells += _sum(row, columns)
        rows.append([*cells, *_sum(row, book.columns), "; ".join(row.remarks)])
    return rows


def canvas(book: Gradebook) -> list[list[Any]]:
    """Return what Canvas imports into its gradebook."""
    names = [_canvas_name(book, chapter) for chapter in book.titles]
    points = [_points(book.of(chapter)) for chapter in book.titles]
    rows: list[list[Any]] = [[*CANVAS, *names], ["    Points Possible", *[""] * 4, *points]]
    for row in book.rows:
        own = [_of(row, column.lower()) for column in CANVAS]
        own[0] = own[0] or row.student
        own[3] = own[3] or _of(row, "login id", "login", "username", *EMAILS)
        rows.append(own + [_mark(row, book, chapter) for chapter in book.titles])
    return rows


def moodle(book: Gradebook) -> list[list[Any]]:
    """Return what Moodle imports into its gradebook, found by any of the first columns."""
    rows: list[list[Any]] = [[*MOODLE, "Full name", *book.titles.values()]]
    numbers = ("id number", "idnumber", "student id", "id")
    sought = (("username", "login", "login id"), numbers, EMAILS)
    for row in book.rows:
        own = [_of(row, *columns) for columns in sought]
        rows.append([*own, row.student, *(_mark(row, book, one) for one in book.titles)])
    return rows


def worksheet(book: Gradebook, chapter: str) -> list[list[Any]]:
    """Return Moodle's grading worksheet filled in, if the roster is one, for one chapter."""
    listed = [row for row in book.rows if row.listed]
    if not listed or not set(WORKSHEET) <= set(listed[0].listed.row):  # type: ignore[union-attr]
        return []
    header = list(listed[0].listed.row)  # type: ignore[union-attr]
    rows: list[list[Any]] = [header]
    for row in listed:
        cells: dict[str, Any] = dict(row.listed.row)  # type: ignore[union-attr]
        cells["Grade"] = _mark(row, book, chapter)
        if "Feedback comments" in cells and chapter in row.results:
            cells["Feedback comments"] = row.results[chapter].reasons()
        rows.append([cells[name] for name in header])
    return rows


def _canvas_name(book: Gradebook, chapter: str) -> str:
    """Return what Canvas calls a chapter's assignment, if the roster came from there."""
    headers = next((row.listed.row for row in book.rows if row.listed), {})
    wanted = {_plain(chapter), _plain(book.titles[chapter])}
    for name in headers:
        if _plain(re.sub(r" \(\d+\)$", "", name)) in wanted:
            return name
    return book.titles[chapter]


def _plain(text: str) -> str:
    """Return the letters and digits of a text."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _of(row: Row, *columns: str) -> str:
    """Return what the roster says of a student."""
    return row.listed.of(*columns) if row.listed else ""


def _group(row: Row) -> str:
    return row.listed.group if row.listed else ""


def _points(columns: list[Column]) -> float:
    """Return what some exercises are worth together."""
    return sum(column.points for column in columns)


def _sum(row: Row, columns: list[Column]) -> list[Any]:
    """Return a student's marks for some exercises together, and the same in per cent."""
    got, worth = row.total(columns), _points(columns)
    return [got, round(100 * got / worth, 1) if worth else ""]


def _mark(row: Row, book: Gradebook, chapter: str) -> Any:
    """Return the marks for a chapter, and nothing where nothing was handed in."""
    columns = book.of(chapter)
    if chapter not in row.results and not any(column in row.marks for column in columns):
        return ""
    return row.total(columns)
