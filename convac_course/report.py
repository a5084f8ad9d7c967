"""The pages that students and the teacher read after grading. No script, no outside address."""

import hashlib
import re
from html import escape
from pathlib import Path
from typing import Any

from .by_hand import NOTHING, RUBRIC, HandMark, Key
from .chapters import Chapter
from .gradebook import Gradebook, Row
from .hidden_tests import Mark
from .intake import Line
from .results import Result
from .tables import replace_file

STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
td, th { vertical-align: top; } td { overflow-wrap: anywhere; min-width: 4.2rem; }
td:last-child { min-width: 12rem; }
.table { overflow-x: auto; } body:has(.wide) { max-width: 72rem; }
pre { padding: .6rem; border: 1px solid #8886; border-radius: 4px; overflow-x: auto; }
.marks { float: right; font-weight: 600; }
"""
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
LONGEST_NAME = 80


def write_reports(
    folder: Path,
    book: Gradebook,
    results: list[Result],
    lines: list[Line],
    by_hand: dict[Key, HandMark],
    course: dict[str, Chapter],
) -> list[Path]:
    """Write a page for each result, one for the teacher, and one with what a hand must mark.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    book : Gradebook
    results : list of Result
    lines : list of Line
        What lay in the folder of submissions, and what became of it.
    by_hand : dict of tuple to HandMark
    course : dict of str to Chapter
    """
    names = _file_names(result.student for result in results)
    for result in results:
        page = feedback_page(result, _hand_marks(result, by_hand))
        home = folder / "students" / names[result.student]
        replace_file(home / f"{_file_name(result.assignment or 'unknown')}.html", page)
    overview = folder / "overview.html"
    replace_file(overview, overview_page(book, results, lines))
    if not by_hand:
        return [overview]
    replace_file(folder / "by-hand.html", by_hand_page(results, by_hand, course))
    return [overview, folder / "by-hand.html"]


def feedback_page(result: Result, by_hand: dict[str, HandMark] | None = None) -> str:
    """Return one student's page as HTML; all that came from the student is escaped.

    Parameters
    ----------
    result : Result
    by_hand : dict of str to HandMark, optional
        The marks given by hand for this chapter, by exercise.
    """
    given = {name: one for name, one in (by_hand or {}).items() if one.mark is not None}
    got = result.got + sum(one.mark or 0 for one in given.values())
    points = result.points + sum(one.points for one in given.values())
    body = [f"<h1>{_text(result.chapter or 'No assignment')}: {got:g} of {points:g}</h1>"]
    body.append(f"<p>{_text(result.student)}</p>")
    if result.problem:
        body.append(f"<p><strong>{_sentence(result.problem)}</strong></p>")
    if result.notes + result.handed:
        items = "".join(f"<li>{_sentence(note)}</li>" for note in result.notes + result.handed)
        body.append(f"<ul>{items}</ul>")
    body += [_exercise(mark) for mark in result.marks]
    body += [_by_hand(name, one, result.written.get(name, "")) for name, one in given.items()]
    return _page(f"{result.chapter}: {result.student}", body)


def overview_page(book: Gradebook, results: list[Result], lines: list[Line]) -> str:
    """Return the teacher's page: everyone's marks, why some are missing, and what lay there.

    Parameters
    ----------
    book : Gradebook
    results : list of Result
    lines : list of Line
    """
    marks = [_row(row, book) for row in book.rows]
    head = ["student", *book.titles, "all", "remarks"]
    odd = [(r.student, r.assignment, r.where, r.reasons()) for r in results if r.reasons()]
    places = sorted({(line.where, line.what) for line in lines})
    body = ["<h1>Grades</h1>", _table(head, marks)]
    body += ["<h2>What was in the way</h2>", _table(("student", "chapter", "file", "why"), odd)]
    body += ["<h2>What lay in the folder</h2>", _table(("file", "what became of it"), places)]
    return _page("Grades", body, wide=True)


def by_hand_page(
    results: list[Result], by_hand: dict[Key, HandMark], course: dict[str, Chapter]
) -> str:
    """Return the page beside which a teacher marks by hand: the rubric and what was written.

    Parameters
    ----------
    results : list of Result
    by_hand : dict of tuple to HandMark
    course : dict of str to Chapter
    """
    written = {(r.student, r.chapter, n): text for r in results for n, text in r.written.items()}
    discussed = {(c.name, e.name): e for c in course.values() for e in c.by_hand}
    body = ["<h1>To mark by hand</h1>"]
    body.append("<p>Enter marks and comments in the table beside this page, then grade again.</p>")
    body.append(_table(RUBRIC[0], RUBRIC[1:]))
    for (student, chapter, name), one in sorted(by_hand.items(), key=lambda item: item[0][1:]):
        exercise = discussed.get((chapter, name))
        mark = "not yet marked" if one.mark is None else f"{one.mark:g}"
        title = exercise.title if exercise else name
        body.append(
            f"<h2><span class='marks'>{mark} of {one.points:g}</span>{_text(title)}: "
            f"{_text(student)}</h2>"
        )
        body.append(f"<pre>{_text(written.get((student, chapter, name)) or NOTHING)}</pre>")
    return _page("To mark by hand", body)


def _exercise(mark: Mark) -> str:
    """Return the part of a page that tells of one exercise."""
    parts = [
        f"<h2><span class='marks'>{mark.marks:g} of {mark.points:g}</span>{_text(mark.title)}</h2>"
    ]
    if mark.marks == mark.points:
        parts.append("<p>Full marks.</p>")
    parts += [f"<p>{_sentence(reason)}</p>" for reason in mark.reasons]
    if mark.answers:
        parts.append(f"<p>What was marked: <code>{_text('; '.join(mark.answers))}</code></p>")
    if mark.sentence:
        parts.append(f"<p>The check says: <q>{_text(mark.sentence)}</q></p>")
    if mark.code:
        parts.append(_folded("Your code", "\n\n".join(mark.code)[:20_000]))
    if mark.output.strip():
        parts.append(_folded("What it printed", mark.output[:4_000]))
    return "\n".join(parts)


def _by_hand(name: str, one: HandMark, written: str) -> str:
    """Return the part of a page that tells of an exercise marked by hand."""
    title = name.replace("-", " ").capitalize()
    parts = [f"<h2><span class='marks'>{one.mark:g} of {one.points:g}</span>{_text(title)}</h2>"]
    if one.comment:
        parts.append(f"<p>{_text(one.comment)}</p>")
    if written:
        parts.append(_folded("Your answer", written[:20_000]))
    return "\n".join(parts)


def _hand_marks(result: Result, by_hand: dict[Key, HandMark]) -> dict[str, HandMark]:
    """Return the marks given by hand for a result, by exercise."""
    own = (result.student, result.chapter)
    return {key[2]: one for key, one in by_hand.items() if key[:2] == own}


def _row(row: Row, book: Gradebook) -> list[str]:
    """Return a student's row of the overview."""
    cells = [row.student]
    for chapter in book.titles:
        columns = book.of(chapter)
        worth = sum(column.points for column in columns)
        cells.append(f"{row.total(columns):g} of {worth:g}")
    worth = sum(column.points for column in book.columns)
    return [*cells, f"{row.total(book.columns):g} of {worth:g}", "; ".join(row.remarks)]


def _table(head: Any, rows: Any) -> str:
    """Return a table."""
    cells = "".join(f"<th scope='col'>{_text(cell)}</th>" for cell in head)
    lines = ["".join(f"<td>{_text(cell)}</td>" for cell in row) for row in rows]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>{body}</tbody>\n</table>"
    return f"<div class='table' tabindex='0'>{table}</div>"


def _folded(title: str, text: str) -> str:
    """Return some text that opens on a click."""
    return f"<details><summary>{title}</summary><pre>{_text(text)}</pre></details>"


def _page(title: str, body: list[str], wide: bool = False) -> str:
    """Return a whole page."""
    head = f'<meta charset="utf-8"><title>{_text(title)}</title><style>\n{STYLE}</style>'
    main = "<main class='wide'>" if wide else "<main>"
    start = f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{main}'
    return "\n".join([start, *body, "</main></body></html>\n"])


def _sentence(text: str) -> str:
    """Return text with a capital and a full stop, and code in it as code."""
    text = text[:1].upper() + text[1:]
    whole = _text(text if text.endswith((".", "!", "?")) else f"{text}.")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", whole)


def _text(text: Any) -> str:
    """Return text that cannot be anything else in a page."""
    return escape(CONTROLS.sub("", COLOURS.sub("", str(text))))


def _file_names(students: Any) -> dict[str, str]:
    """Return a file name for each student; no two are one, on any file system."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for student in sorted(set(students)):
        name = _file_name(student)
        if name.casefold() in taken:
            name = f"{name}-{hashlib.sha256(student.encode('utf-8', 'replace')).hexdigest()[:6]}"
        names[student] = name
        taken.add(name.casefold())
    return names


def _file_name(text: str) -> str:
    """Return a text as a file's name: no odd sign in it, and not too long."""
    name = re.sub(r"[^\w. ()@+-]", "_", text).strip(". ") or "_"
    data = name.encode("utf-8", "replace")
    if len(data) > LONGEST_NAME or name != text:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:6]
        return f"{data[:LONGEST_NAME].decode('utf-8', 'ignore')}-{digest}"
    return name
