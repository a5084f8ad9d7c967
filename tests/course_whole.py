"""A course of three chapters and what forty-three students hand in: platforms, tricks, accidents.

    python tests/course_whole.py

makes it in a scratch folder, grades it, and prints what each student deserves and got. Answers
come from the chapters' own solutions and from `tests/graders`, where the marks that each deserves
are stored.
"""

import copy
import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import test_course_honest as odd
from course_hostile import SEND
from course_sample import handed_in

from convac_course.build import build_assignment, read_course
from convac_course.chapters import SOLUTION, Chapter, read_book
from convac_course.gradebook import Gradebook, Row, make_gradebook
from convac_course.grading import Grading, grade
from convac_course.proving import read_answers
from convac_course.roster import read_roster
from convac_course.sandbox import Limits

ROOT = Path(__file__).resolve().parent.parent
POINTS = {"opening": 2, "entanglement": 6, "widths": 6}
Change = Callable[[dict[str, Any]], Any]
Encode = Callable[[str], bytes]


@dataclass
class Handed:
    """One notebook: where it is put, for which assignment, what is answered, what was done to it.

    `answers` holds, for an exercise, `right`, what an answer of `tests/graders` is called, or
    code; an exercise that is not named is right.
    """

    where: str
    assignment: str
    answers: dict[str, str] = field(default_factory=dict)
    change: Change = lambda notebook: None
    encode: Encode = lambda text: text.encode()
    raw: bytes | None = None


@dataclass
class Case:
    """A student: what is handed in, the marks deserved by chapter, what the report must say."""

    student: str
    handed: list[Handed]
    marks: dict[str, float]
    said: str = ""


def wrong(what: str, marks: float = 0) -> str:
    """Name an answer of `tests/graders`."""
    return f"{marks:g}:{what}"


def nothing(*names: str) -> dict[str, str]:
    """Leave exercises blank."""
    return dict.fromkeys(names, "blank")


BLANK = nothing("matricize-by-hand", "w-state-entropy", "hidden-pairs")
FORGE = (
    "import convac_course.worker as w\n"
    "w.Worker.fetch = lambda self, names: {'values': {'widest': {'list': [2, 5, 5]},"
    " 'budget': 10**9, 'max': 5}, 'refused': {}}"
)
WRITE = (
    f"{SEND}send(lambda n: json.dumps({{'number': n, 'error': None, 'refused': {{}},\n"
    "    'values': {'widest': {'list': [2, 5, 5]}, 'budget': 10**9}}))"
)
CASES = [
    Case("Anna Ahl", [Handed("Anna Ahl/opening.ipynb", "opening")], {"opening": 2}),
    Case("Ben Ode", [Handed("Ben Ode/opening/opening.ipynb", "opening", {
        "widest-across": wrong("by thought: both upper widths equal, the lowest the root of them, "
                               "as an array", 2)})], {"opening": 2}),
    Case("Carl Ray", [Handed("Carl Ray/opening.ipynb", "opening", {
        "widest-across": wrong("the book's answer typed in")})],
        {"opening": 0}, "the answer is not right"),
    Case("Dora Lind", [Handed("Dora Lind/opening.ipynb", "opening", nothing("widest-across"))],
        {"opening": 0}, "no answer was written"),
    Case("Emil Nag", [Handed("moodle.zip/Emil Nag_71_assignsubmission_file_/Copy of x.ipynb",
        "entanglement-monday")], {"entanglement": 6}),
    Case("Fay Ito", [Handed("moodle.zip/Fay Ito_72_assignsubmission_file_/entanglement.ipynb",
        "entanglement-tuesday")], {"entanglement": 6}),
    Case("Gus Roy", [Handed("moodle.zip/Gus Roy_73_assignsubmission_file_/mine.ipynb",
        "entanglement-monday")], {"entanglement": 6},
        "graded with the numbers of entanglement-tuesday"),
    Case("Hana Kim", [Handed("moodle.zip/Hana Kim_74_assignsubmission_file_/hw.zip/widths.ipynb",
        "widths"), Handed("moodle.zip/Hana Kim_74_assignsubmission_file_/hw.zip/__MACOSX/._w.ipynb",
        "widths", raw=b"x")], {"widths": 6}),
    Case("Ida Moe", [Handed("canvas.zip/moeida_LATE_81_501_widths.ipynb", "widths", {
        "narrowest-level": wrong("the cut alone"), "break-the-rule": wrong("all offsets")})],
        {"widths": 2}, "late, says Canvas"),
    Case("Jan Lee", [Handed("canvas.zip/leejan_82_502_widths.ipynb", "widths",
        nothing("narrowest-level", "few-in-each-window", "break-the-rule")),
        Handed("canvas.zip/leejan_82_503_widths-1.ipynb", "widths")], {"widths": 6},
        "leejan_82_502_widths.ipynb was passed over: an older attempt"),
    Case("Kim Orr", [Handed("H2_korr_attempt_2026-03-05-10-00-00_w.ipynb", "widths"),
        Handed("H2_korr_attempt_2026-03-05-11-00-00_w.ipynb", "widths", {
            "few-in-each-window": wrong("one window")})], {"widths": 4},
        "10-00-00_w.ipynb was passed over: an older attempt"),
    Case("Lea Sol", [Handed("Lea Sol/widths.ipynb", "widths"),
        Handed("Lea Sol/widths (1).ipynb", "widths", raw=b'{"cells": [')], {"widths": 6},
        "widths (1).ipynb was passed over: it is not a notebook: the file is damaged"),
    Case("Mia Fox", [Handed("Mia Fox/homework.pdf", "", raw=b"%PDF-1.4")], {}, "homework.pdf"),
    Case("Nils Bo", [Handed("Nils Bo/", "", raw=b"")], {}, "the folder is empty"),
    Case("Oli Way", [Handed("Oli Way/opening.ipynb", "opening",
        encode=lambda text: text.encode("utf-16"))], {"opening": 2}),
    Case("Pia Zum", [Handed("Pia Zum/opening.ipynb", "opening", change=odd.by_vs_code,
        encode=lambda text: text.encode("utf-8-sig"))], {"opening": 2}),
    Case("Quin Abt", [Handed("Quin Abt/Untitled.ipynb", "widths", change=odd.by_colab)],
        {"widths": 6}),
    Case("Ravi Sen", [Handed("widths/Ravi Sen.ipynb", "widths",
        change=odd.first("1 / 0", "import tensorflow", "%matplotlib widget"))], {"widths": 6},
        "a cell outside the exercises raised ZeroDivisionError"),
    Case("Sam Uhl", [Handed("entanglement/Sam Uhl.ipynb", "entanglement-monday",
        change=odd.without_any_metadata)], {"entanglement": 6}),
    Case("Tess Vik", [Handed("widths/Tess Vik.ipynb", "widths", change=odd.by_format_3)],
        {"widths": 6}),
    Case("Ugo Dee", [Handed("Ugo Dee/opening.ipynb", "opening",
        change=odd.turned("widest-across-solution", "raw"))], {"opening": 2},
        "widest-across-solution had been turned into text; it was run as code"),
    Case("Vera Pi", [Handed("Vera Pi/opening.ipynb", "opening", change=lambda n: (
        odd.doubled("widest-across-test", "widest-across-solution")(n),
        odd.without("widest-across-given", "setup-1")(n)))], {"opening": 2}),
    Case("Wim Tor", [Handed("Wim Tor/widths.ipynb", "widths", {
        "narrowest-level": "while True:\n    pass"})], {"widths": 4},
        "narrowest-level: a cell was stopped: it "),
    Case("Xena Gil", [Handed("Xena Gil/widths.ipynb", "widths", {
        "few-in-each-window": "while True: print('x' * 10**5)"})], {"widths": 4},
        "it printed more than"),
    Case("Yuri Eck", [Handed("Yuri Eck/opening.ipynb", "opening", {"widest-across": FORGE})],
        {"opening": 0}, "the answer is not right"),
    Case("Zoe Hart", [Handed("Zoe Hart/opening.ipynb", "opening", {"widest-across": WRITE})],
        {"opening": 0}, "was not asked for"),
    Case("Abe Klee", [Handed("Abe Klee/widths.ipynb", "widths", {
        "break-the-rule": "hog = [bytearray(10**8) for n in range(100)]"})], {"widths": 4},
        "MemoryError"),
    Case("Bea Yang", [Handed("Bea Yang/widths.ipynb", "widths", {
        "break-the-rule": "import os\nos._exit(0)"})], {"widths": 4}, "exit status 0"),
    Case("Cleo Nom", [Handed("Cleo Nom/opening.ipynb", "opening",
        {"widest-across": "widest = (12, 12, 12)"},
        change=odd.rewritten("widest-across-given", "budget = 10**6"))], {"opening": 0},
        "widest-across-given had been changed; the original was used"),
    Case("Dino Web", [Handed("Dino Web/opening.ipynb", "widths")], {"widths": 6}),
    Case("Eva (1)", [Handed("Eva/opening.ipynb", "opening")], {}, "nothing was handed in"),
    Case("Eva (2)", [], {}, "nothing was handed in"),
    Case("Eva", [], {"opening": 2}, "'Eva' is the name of several students on the roster"),
    Case("Finn Not", [Handed("Finn Not/opening.ipynb", "opening")], {"opening": 2},
        "not on the roster"),
    Case("Gwen Oak", [], {}, "nothing was handed in"),
    Case("Hugo Pan", [Handed("Hugo Pan/opening.ipynb", "", raw=b"->Anna Ahl/opening.ipynb")],
        {"opening": 0},
        "it is a link to another file"),
    Case("李娜", [Handed("李娜/opening.ipynb", "opening")], {"opening": 2}),
    Case("a" * 200, [Handed(f"{'a' * 200}/opening.ipynb", "opening")], {"opening": 2},
        "not on the roster"),
    Case("overview.html", [Handed("overview.html/opening.ipynb", "opening")], {"opening": 2},
        "not on the roster"),
    Case("=1+1", [Handed("=1+1/opening.ipynb", "opening")], {"opening": 2},
        "not on the roster"),
    Case("Jo Quist", [Handed("Jo Quist/x.ipynb", "entanglement-tuesday", {
        "w-state-entropy": wrong("in bits"), "matricize-by-hand": wrong("counts from 1")})],
        {"entanglement": 3}, "w-state-entropy: the answer is not right"),
    Case("Kai Stern", [Handed("Kai Stern.zip/entanglement.ipynb", "entanglement-monday", BLANK),
        Handed("Kai Stern.zip/states/opening.ipynb", "opening"),
        Handed("Kai Stern.zip/widths.ipynb", "widths", {"narrowest-level": "narrow = 1 / 0"})],
        {"entanglement": 0, "opening": 2, "widths": 4}, "ZeroDivisionError"),
    Case("Lou Train", [Handed("Lou Train.zip", "", raw=b"PK\x03\x04 cut off")], {},
        "the zip is damaged"),
]  # fmt: skip
ABSENT = {"Eva (1)", "Eva (2)", "Gwen Oak"}
TUESDAY = {"Fay Ito", "Gus Roy", "Jo Quist"}
STRANGERS = {"Eva", "Finn Not", "overview.html", "=1+1", "a" * 200}
LOGINS = {"Kim Orr": "korr", "Eva (1)": "1", "Eva (2)": "2"}


def make_course(folder: Path) -> dict[str, Chapter]:
    """Make the course: one chapter with a variant, one for two groups, one with the book's own."""
    book = read_book(ROOT / "book")
    build_assignment(book["opening"], folder, variant=7)
    build_assignment(book["entanglement"], folder, variant=1, group="monday")
    build_assignment(book["entanglement"], folder, variant=2, group="tuesday")
    build_assignment(book["widths"], folder)
    return read_course(folder)


def hand_in(course: Path, folder: Path) -> None:
    """Write what everybody hands in, and the roster beside it."""
    chapters = read_course(course)
    zips: dict[str, dict[str, Any]] = {}
    for number, case in enumerate(CASES):
        for one in case.handed:
            data = one.raw if one.raw is not None else _notebook(course, chapters, one)
            head, mark, rest = one.where.partition(".zip/")
            if mark:
                zips.setdefault(f"{head}.zip", {})[rest] = data
            else:
                _put(folder, one.where, data, number)
    for name, contents in zips.items():
        _put(folder, name, _zipped(contents), 0)
    lines = ["name,group,username"]
    for case in CASES:
        if case.student not in STRANGERS:
            group = "tuesday" if case.student in TUESDAY else "monday"
            name, login = case.student.partition(" (")[0], LOGINS.get(case.student, "")
            lines.append(f"{name},{group},{login}")
    (folder.parent / "roster.csv").write_text("\n".join(lines), encoding="utf-8")


def _notebook(course: Path, chapters: dict[str, Chapter], one: Handed) -> bytes:
    """Return a notebook with its answers, changed and encoded."""
    path = course / "release" / one.assignment / f"{one.assignment}.ipynb"
    release = json.loads(path.read_text(encoding="utf-8"))
    for cell in release["cells"]:
        cell["source"] = "".join(cell["source"])
    chapter = chapters[one.assignment]
    stored = read_answers(ROOT / "tests" / "graders" / f"{chapter.name}.toml")
    written = {}
    for exercise in chapter.graded:
        answer = one.answers.get(exercise.name, "right")
        (solution,) = exercise.of("solution")
        marks, _, what = answer.partition(":")
        named = [a for a in stored[exercise.name] if a.what == what]
        if answer == "right":
            answer = SOLUTION.sub(r"\1", solution.source)
        elif named:
            assert named[0].marks == float(marks), what
            answer = named[0].code
        if answer != "blank":
            written[exercise.name.replace("-", "_")] = answer
    notebook = handed_in(copy.deepcopy(release), **written)
    one.change(notebook)
    return one.encode(json.dumps(notebook))


def _put(folder: Path, where: str, data: bytes, number: int) -> None:
    """Put a file in place; a later one is newer."""
    path = folder / where
    if where.endswith("/"):
        path.mkdir(parents=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if data.startswith(b"->"):
        path.symlink_to(folder / data[2:].decode())
        return
    path.write_bytes(data)
    when = 1_770_000_000 + number + ("(1)" in where)
    os.utime(path, (when, when))


def _zipped(contents: dict[str, Any]) -> bytes:
    """Return a zip; what lies in a zip inside is zipped too."""
    inner: dict[str, dict[str, bytes]] = {}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in contents.items():
            head, mark, rest = name.partition(".zip/")
            if mark:
                inner.setdefault(f"{head}.zip", {})[rest] = content
            else:
                archive.writestr(name, content)
        for name, inside in inner.items():
            archive.writestr(name, _zipped(inside))
    return data.getvalue()


def run(folder: Path, unsafe: bool = False) -> Grading:
    """Make the course, hand in, and grade."""
    make_course(folder / "course")
    submitted = folder / "course" / "submitted"
    hand_in(folder / "course", submitted)
    limits = Limits(cell_seconds=5, total_seconds=60, memory=1500, output=2000)
    return grade(
        submitted,
        folder / "course",
        folder / "grades.csv",
        roster=folder / "course" / "roster.csv",
        limits=limits,
        jobs=2,
        unsafe=unsafe,
        quiet=True,
    )


def rows_of(folder: Path, done: Grading) -> tuple[Gradebook, dict[str, Row]]:
    """Return the gradebook, and its rows by student."""
    roster = read_roster(folder / "course" / "roster.csv")
    book = make_gradebook(read_course(folder / "course"), done.results, roster, {})
    return book, {row.student: row for row in book.rows}


def verdict(case: Case, row: Row, book: Gradebook) -> tuple[dict[str, float], str]:
    """Return what a student got by chapter, and what the report says."""
    got = {name: row.total(book.of(name)) for name in POINTS if name in row.results}
    return got, "; ".join(row.remarks)


def main() -> int:
    """Print what each deserves and got."""
    with tempfile.TemporaryDirectory() as folder:
        done = run(Path(folder))
        book, rows = rows_of(Path(folder), done)
    print(f"{'student':16} {'deserved':>22} {'got':>22}  what the report says")
    unfair = 0
    for case in CASES:
        got, said = verdict(case, rows.pop(case.student), book)
        fair = got == case.marks and case.said in said
        unfair += not fair
        shown = [
            " ".join(f"{n[:5]} {m:g}" for n, m in sorted(x.items())) for x in (case.marks, got)
        ]
        print(f"{case.student[:16]:16} {shown[0]:>22} {shown[1]:>22}  {'' if fair else 'UNFAIR '}"
              f"{said[:150]}")  # fmt: skip
    print(f"{len(CASES)} students, {unfair} unfair, {len(rows)} rows nobody expected; "
          f"{len(done.lines)} lines on what lay in the folder")  # fmt: skip
    return 1 if unfair or rows else 0


if __name__ == "__main__":
    sys.exit(main())
