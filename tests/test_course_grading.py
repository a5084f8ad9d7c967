"""Grading that survives: honest submissions get their marks, hostile ones harm only themselves."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from course_sample import RIGHT, handed_in, sample_chapter, write
from typer.testing import CliRunner

from convac_course import grading
from convac_course.build import build_assignment
from convac_course.cli import app
from convac_course.plain import NotPlain, decode, encode
from convac_course.report import feedback_page
from convac_course.sandbox import Limits, missing_for_a_sandbox
from convac_course.submissions import find_submissions

MISSING = missing_for_a_sandbox()
walled = pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}")
# Long enough for an honest cell on a busy machine. The memory is a number that no other test
# uses, so that a process left behind can be told from those of tests running beside.
QUICK = Limits(cell_seconds=4, total_seconds=120, memory=613, processes=24, output=200)
SUM, NORM = RIGHT["sum-of-squares"], RIGHT["a-norm"]

SLOW = r"ran longer than 4 s|did not end within 12 s|took longer than 4 s"
# What a student's cell tries, and the reason the report must give; the second exercise is right.
HOSTILE = {
    "loops for ever": ("while True:\n    pass", SLOW),
    "swallows the interrupt": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        SLOW,
    ),
    "sleeps for ever": ("import time\ntime.sleep(10**6)", SLOW),
    "forks for ever": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "started more than 24 processes|used more than 613 MB",
    ),
    "takes all memory": ("hog = bytearray(10**10)", "MemoryError"),
    "takes shared memory": (
        "import mmap\nhog = mmap.mmap(-1, 10**9)\n"
        "for n in range(0, 10**9, 2**20): hog[n:n + 2**20] = bytes(2**20)",
        "used more than 613 MB",
    ),
    "takes memory that no process owns": (
        "import os\nfor n in range(200):\n    os.ftruncate(os.memfd_create('x'), 2**24)",
        "PermissionError",
    ),
    "fills the disk": (
        "for n in range(200):\n    open(f'/tmp/{n}', 'wb').write(bytes(2**24))",
        "No space left on device",
    ),
    "prints for ever": ("while True: print('x' * 10**4)", "printed more than 200 kB"),
    "ends the process": ("import os\nos._exit(0)", "ended itself with exit status 0"),
    "kills all it can": ("import os\nos.kill(-1, 9)", "is not defined"),
    "kills its parents": ("import os\nos.kill(1, 9)\nos.kill(os.getppid(), 9)", "is not defined"),
    "crashes Python": ("import ctypes\nctypes.string_at(0)", "ended by SIGSEGV"),
    "exits": ("raise SystemExit", "SystemExit"),
    "closes every file": (
        "import os\nos.closerange(0, 200)",
        "ended itself",
    ),
    "opens a socket": (
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\n" + SUM,
        "ConnectionRefusedError",
    ),
    "reads the solutions": (
        "import glob\nplaces = '../../source', '../source', '/*/source', '{course}'\n"
        "found = [glob.glob(f'{place}/**/*.ipynb', recursive=True) for place in places]\n"
        "total = 285 if any(found) else nothing_was_found",
        "nothing_was_found",
    ),
    "reads another submission": (
        "text = open('{course}/submitted/honest/sample/sample.ipynb').read()\n" + SUM,
        "FileNotFoundError",
    ),
    "reads the project": ("text = open('{tests}/course_sample.py').read()\n" + SUM, "FileNotFound"),
    "writes into the library": (
        "import convac_book.checks as c\nopen(c.__file__, 'a').write('#')\n" + SUM,
        "Read-only file system|Permission denied",
    ),
    "becomes root": ("import os\nos.setuid(0)\n" + SUM, "PermissionError|Invalid argument"),
    "makes a namespace": (
        "import subprocess\nsubprocess.run(['unshare', '-Ur', 'true'], check=True)\n" + SUM,
        "CalledProcessError",
    ),
    "patches the checker": (
        "import builtins, convac_book.checks as c\nc.right = lambda *a: c.Feedback(True, '')\n"
        "builtins.AssertionError = ZeroDivisionError\nbuiltins.abs = lambda x: 0\ntotal = 1",
        "the answer is not right",
    ),
    "equals everything": (
        "class Any(int):\n    def __eq__(self, other): return True\ntotal = Any(1)",
        "of type Any",
    ),
    "hands in a pickle": (
        "class Bomb:\n    def __reduce__(self): return (open, ('/tmp/pwned', 'w'))\ntotal = Bomb()",
        "of type Bomb",
    ),
    "forges a reply": (
        "import os\n"
        "for n in range(3, 30):\n    try: os.write(n, b'{}\\n')\n    except OSError: pass",
        "was not asked for",
    ),
    "sends nonsense": (
        "import os\nfor n in range(3, 30):\n    try: os.write(n, b'[' * 10**5 + b'\\n')\n"
        "    except OSError: pass",
        "was not asked for",
    ),
    "nests without end": ("total = 1\nfor n in range(10**4): total = [total]", "too deeply"),
    "holds itself": ("total = []\ntotal.append(total)", "nested too deeply"),
    "answers too much": ("total = np.zeros(10**7)", "an array of more than 32 MB"),
    "changes what is given": ("count = 3\n" + SUM, "the answer is not right"),
    "writes a script": ("raise ValueError('<script>alert(1)</script>')", "ValueError"),
    "leaves processes behind": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(10**6)\ntotal = 1",
        "the answer is not right",
    ),
}  # fmt: skip

# Notebooks that are no answer at all.
BROKEN = {
    "is not JSON": ("{'cells': [", "damaged"),
    "is no notebook": ('{"cells": 3}', "it has no cells"),
    "is a list": ("[]", "it has no cells"),
    "nests JSON": ("[" * 10**6, "damaged"),
    "is empty": ("", "damaged"),
    "has odd cells": ('{"cells": [1, {"source": 2, "metadata": 3, "cell_type": "code"}]}', "gone"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder with the sample's assignment and nothing handed in."""
    book, folder = tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("course")
    nbformat.write(sample_chapter(), book / "sample.ipynb")
    build_assignment(book / "sample.ipynb", folder)
    return folder


@pytest.fixture
def release(course):
    """The notebook that students get."""
    return json.loads((course / "release" / "sample" / "sample.ipynb").read_text())


def graded(folder, course, to, **options):
    """Grade a folder and return the results by student."""
    options = {"limits": QUICK, "quiet": True, **options}
    return {r["student"]: r for r in grading.grade(folder, course, to, **options)}


def why(result):
    return grading.reasons(result)


@pytest.fixture(scope="module")
def hostile(course, tmp_path_factory):
    """All hostile submissions and an honest one, graded in one run."""
    import socket

    release = json.loads((course / "release" / "sample" / "sample.ipynb").read_text())
    submitted, place = course / "submitted", tmp_path_factory.mktemp("grades")
    with socket.create_server(("127.0.0.1", 0)) as server:
        known = {
            "course": course,
            "port": server.getsockname()[1],
            "tests": Path(__file__).resolve().parent,
        }
        for name, (code, _) in HOSTILE.items():
            for key, value in known.items():
                code = code.replace(f"{{{key}}}", str(value))
            write(submitted, name, handed_in(release, sum_of_squares=code, a_norm=NORM))
        for name, (text, _) in BROKEN.items():
            write(submitted, name, text)
        link = submitted / "is a link" / "sample" / "sample.ipynb"
        link.parent.mkdir(parents=True)
        link.symlink_to(course / "source" / "sample" / "sample.ipynb")
        (submitted / "is nothing").mkdir()
        write(submitted, "honest", handed_in(release, sum_of_squares=SUM, a_norm=NORM))
        before = {path: path.read_bytes() for path in course.glob("source/**/*.ipynb")}
        results = graded(submitted, course, place / "grades.csv", jobs=2)
    assert before == {path: path.read_bytes() for path in before}
    return results, place


@walled
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_cell_costs_that_exercise_and_nothing_else(hostile, name):
    result = hostile[0][name]
    got = {mark["exercise"]: mark["marks"] for mark in result["exercises"]}
    assert got == {"sum-of-squares": 0, "a-norm": 3}, why(result)
    assert re.search(HOSTILE[name][1], why(result)), why(result)


@walled
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_costs_only_that_student(hostile, name):
    result = hostile[0][name]
    assert result["marks"] == 0
    assert BROKEN[name][1] in why(result)


@walled
def test_a_link_is_not_followed_and_nothing_handed_in_is_said(hostile):
    assert "link" in hostile[0]["is a link"]["problem"]
    assert "no notebook" in hostile[0]["is nothing"]["problem"]


@walled
def test_the_honest_student_among_them_gets_full_marks_and_nothing_is_left(hostile):
    results, place = hostile
    assert results["honest"]["marks"] == 5
    assert not Path("/tmp/pwned").exists()
    rows = list(csv.DictReader((place / "grades.csv").open()))
    assert len(rows) == len(HOSTILE) + len(BROKEN) + 3
    marks = {row["student"]: row["marks"] for row in rows}
    assert marks["honest"] == "5" and marks["loops for ever"] == "3"
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert f'"memory": {613 * 2**20}' not in listed


@walled
def test_what_a_student_wrote_stays_text_in_the_reports(hostile):
    _, place = hostile
    pages = [place / "grades-feedback" / "writes a script" / "sample.html"]
    pages.append(place / "grades-feedback" / "overview.html")
    for page in pages:
        text = page.read_text()
        assert "<script" not in text and "&lt;script&gt;" in text
        assert "http" not in text and "\x1b" not in text


@walled
def test_the_report_says_nothing_of_the_hidden_test(hostile):
    for page in (hostile[1] / "grades-feedback").rglob("*.html"):
        assert "2 * count - 1" not in page.read_text()


def cell_named(notebook, name):
    about = ((cell, cell["metadata"].get("nbgrader", {})) for cell in notebook["cells"])
    return next(cell for cell, nbgrader in about if nbgrader.get("grade_id") == name)


def without_test_cells(notebook):
    keep = [c for c in notebook["cells"] if "-test" not in json.dumps(c["metadata"])]
    notebook["cells"] = keep


def with_tests_of_its_own(notebook):
    cell = cell_named(notebook, "sum-of-squares-test")
    cell["source"], cell["metadata"]["nbgrader"]["points"] = "pass", 1000


def without_given_and_setup(notebook):
    for name in ("sum-of-squares-given", "setup-1"):
        notebook["cells"].remove(cell_named(notebook, name))


def without_any_metadata(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def with_other_given(notebook):
    cell_named(notebook, "sum-of-squares-given")["source"] = "count = 3"


def in_several_cells(notebook):
    place = notebook["cells"].index(cell_named(notebook, "sum-of-squares-solution"))
    cell = cell_named(notebook, "sum-of-squares-solution")
    first, second = cell["source"].split("\n", 1)
    cell["source"] = second
    notebook["cells"].insert(place, {"cell_type": "code", "metadata": {}, "source": [first]})


def in_another_order(notebook):
    cells = notebook["cells"]
    start = cells.index(cell_named(notebook, "a-norm-statement"))
    notebook["cells"] = cells[:2] + cells[start:] + cells[2:start]


def with_magics(notebook):
    cell_named(notebook, "sum-of-squares-solution")["source"] = f"%matplotlib inline\n{SUM}\n!true"


CHANGED = {
    without_test_cells: (5, "sum-of-squares-test was gone"),
    with_tests_of_its_own: (5, ""),
    without_given_and_setup: (5, ""),
    without_any_metadata: (5, "was gone"),
    with_other_given: (5, "sum-of-squares-given had been changed; the original was used"),
    in_several_cells: (5, ""),
    in_another_order: (5, ""),
    with_magics: (5, ""),
}


@pytest.fixture(scope="module")
def changed(course, tmp_path_factory):
    """Right answers in notebooks that were cut, moved and rewritten, graded in one run."""
    release = json.loads((course / "release" / "sample" / "sample.ipynb").read_text())
    folder = tmp_path_factory.mktemp("changed")
    for change in CHANGED:
        notebook = handed_in(release, sum_of_squares=SUM, a_norm=NORM)
        change(notebook)
        write(folder, change.__name__, notebook)
    write(folder, "reference", (course / "source" / "sample" / "sample.ipynb").read_text())
    write(folder, "blank", release)
    slow = "def norm(vector):\n    while True: pass"
    write(folder, "loops when called", handed_in(release, sum_of_squares=SUM, a_norm=slow))
    leaves = "def norm(vector):\n    import os\n    os._exit(1)"
    write(folder, "ends when called", handed_in(release, sum_of_squares=SUM, a_norm=leaves))
    half = "def norm(vector):\n    return np.vdot(vector, vector).real ** 0.5"
    write(folder, "half right", handed_in(release, sum_of_squares="total = 284", a_norm=half))
    return graded(folder, course, folder / "grades.csv", jobs=2, unsafe=MISSING is not None)


@pytest.mark.parametrize("change", CHANGED)
def test_a_right_answer_in_a_changed_notebook_gets_its_marks(changed, change):
    marks, reason = CHANGED[change]
    assert changed[change.__name__]["marks"] == marks, why(changed[change.__name__])
    assert reason in why(changed[change.__name__])


def test_the_reference_gets_full_marks_and_a_blank_none(changed):
    assert (changed["reference"]["marks"], why(changed["reference"])) == (5, "")
    assert changed["blank"]["marks"] == 0
    assert why(changed["blank"]).count("no answer was written") == 2


def test_a_function_that_fails_when_the_test_calls_it_costs_its_exercise(changed):
    assert re.search(SLOW, why(changed["loops when called"]))
    assert "exit status 1" in why(changed["ends when called"])
    assert changed["loops when called"]["marks"] == changed["ends when called"]["marks"] == 2


def test_marks_are_given_for_each_test_and_the_reason_is_the_test_s_own_words(changed):
    assert changed["half right"]["marks"] == 2
    assert "an empty vector is let through" in why(changed["half right"])
    assert "284" in changed["half right"]["exercises"][0]["sentence"]


def test_an_interrupted_run_goes_on_where_it_stopped(course, release, tmp_path, monkeypatch):
    answers = {"sum_of_squares": SUM}
    for n in range(4):
        write(tmp_path / "in", f"s{n}", handed_in(release, **answers))
    options = {"jobs": 1, "unsafe": True}
    asked, genuine = [], grading._supervise

    def interrupted(context, result, job, running):
        asked.append(result["student"])
        if len(asked) == 3:
            raise KeyboardInterrupt
        return genuine(context, result, job, running)

    monkeypatch.setattr(grading, "_supervise", interrupted)
    with pytest.raises(KeyboardInterrupt):
        graded(tmp_path / "in", course, tmp_path / "grades.csv", **options)
    rows = list(csv.DictReader((tmp_path / "grades.csv").open()))
    assert [row["student"] for row in rows] == ["s0", "s1"]
    results = graded(tmp_path / "in", course, tmp_path / "grades.csv", **options)
    assert asked[3:] == ["s2", "s3"] or asked[4:] == ["s2", "s3"]
    assert [results[f"s{n}"]["marks"] for n in range(4)] == [2, 2, 2, 2]
    write(tmp_path / "in", "s1", handed_in(release, sum_of_squares="total = 0"))
    asked.clear()
    asked += ["x"] * 3
    results = graded(tmp_path / "in", course, tmp_path / "grades.csv", **options)
    assert asked[3:] == ["s1"] and results["s1"]["marks"] == 0


@walled
def test_ctrl_c_ends_everything_and_keeps_what_was_graded(course, release, tmp_path):
    write(tmp_path / "in", "quick", handed_in(release, sum_of_squares=SUM))
    write(tmp_path / "in", "slow", handed_in(release, sum_of_squares="import time\ntime.sleep(99)"))
    command = [sys.executable, "-m", "convac_course.cli", "grade", str(tmp_path / "in")]
    command += ["--course", str(course), "--to", str(tmp_path / "g.csv"), "--jobs", "1"]
    process = subprocess.Popen(
        command,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background lets them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    kept = tmp_path / "g-feedback" / ".results"
    waited = time.monotonic() + 60
    while not list(kept.glob("quick*.json")) and time.monotonic() < waited:
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2 and "run the same command again" in said
    assert [row["student"] for row in csv.DictReader((tmp_path / "g.csv").open())] == ["quick"]
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(tmp_path) not in listed


def test_without_a_sandbox_nothing_is_graded_unless_told_to(course, release, tmp_path, monkeypatch):
    write(tmp_path / "in", "s", handed_in(release, sum_of_squares=SUM, a_norm=NORM))
    options = ["grade", str(tmp_path / "in"), "--course", str(course)]
    options += ["--to", str(tmp_path / "g.csv")]
    monkeypatch.setenv("PATH", "/nowhere")
    refused = CliRunner().invoke(app, options)
    assert refused.exit_code == 2 and "bubblewrap" in refused.output
    assert "Nothing was graded" in refused.output and not (tmp_path / "g.csv").exists()
    done = CliRunner().invoke(app, [*options, "--unsafe"])
    assert done.exit_code == 0, done.output
    assert "1 submissions graded, 1 with full marks" in done.output


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")
@pytest.mark.parametrize(
    "script, message",
    [
        ("echo bubblewrap 0.6.1", "bubblewrap 0.8 or newer is needed, found 'bubblewrap 0.6.1'"),
        (
            'test "$1" = --version && echo bwrap 0.11.0 && exit; echo No permissions >&2; exit 1',
            "cannot make a sandbox here (No permissions). It needs user namespaces",
        ),
        (
            'for a; do test "$a" = --version && echo bubblewrap 0.8.0 && exit; '
            'test "$a" = /bin/sh && exit; done; echo no module >&2; exit 1',
            "Python does not start in the sandbox (no module)",
        ),
    ],
)
def test_what_keeps_a_machine_from_a_sandbox_is_said(tmp_path, monkeypatch, script, message):
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert message in missing_for_a_sandbox()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("grade", "nowhere", "--unsafe"), "holds no source/CHAPTER"),
        (("grade", "nowhere", "--unsafe", "--course", "{course}"), "must be a folder"),
        (("build", "nothing", "--to", "x", "--book", "{course}/book"), "CHAPTER must be one of"),
        (("list", "--book", "nowhere"), "no chapter with a graded exercise"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(course, tmp_path, arguments, message):
    nbformat.write(sample_chapter(), tmp_path / "sample.ipynb")
    known = {"{course}/book": str(tmp_path), "{course}": str(course)}
    said = CliRunner().invoke(app, [known.get(argument, argument) for argument in arguments])
    assert said.exit_code == 2 and message in said.output


def test_list_names_each_exercise_with_its_points_and_variants(tmp_path):
    nbformat.write(sample_chapter(), tmp_path / "sample.ipynb")
    said = CliRunner().invoke(app, ["list", "--book", str(tmp_path)]).output
    assert "sample: 2 graded, 1 open, 5 points" in said
    assert "sum-of-squares: Sum of squares (2 points)" in said
    assert "what-if: What if? (open)" in said


def test_submissions_are_found_in_each_layout(tmp_path):
    for path in (
        "anna/states/states.ipynb",
        "anna/cuts/cuts.ipynb",
        "ben/states.ipynb",
        "carl/states (1).ipynb",
        "dora/states-old.ipynb",
        "dora/states.ipynb",
        "emil/other.ipynb",
        "emil/.ipynb_checkpoints/states.ipynb",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("{}")
    found = find_submissions(tmp_path, ["cuts", "states"])
    assert [(s.student, s.chapter, s.path and s.path.name) for s in found] == [
        ("anna", "cuts", "cuts.ipynb"),
        ("anna", "states", "states.ipynb"),
        ("ben", "states", "states.ipynb"),
        ("carl", "states", "states (1).ipynb"),
        ("dora", "states", "states.ipynb"),
        ("emil", "", "other.ipynb"),
    ]


def test_single_files_are_students_where_there_is_one_chapter(tmp_path):
    (tmp_path / "anna.ipynb").write_text("{}")
    (found,) = find_submissions(tmp_path, ["states"])
    assert (found.student, found.chapter) == ("anna", "states")


def test_plain_data_crosses_and_comes_back_as_it_was():
    np = pytest.importorskip("numpy")
    from fractions import Fraction

    from convac_lib import Architecture

    values = [None, True, 3, -(10**400), 0.1, float("inf"), 2 - 1j, "ü", (1, [2]), {1, 2},
              {"a": (1,)}, Fraction(1, 3), Architecture.line(2, (3, 4)), range(3)]  # fmt: skip
    for value in values:
        back = decode(json.loads(json.dumps(encode(value))))
        expected = list(value) if isinstance(value, range) else value
        assert back == expected and type(back) is type(expected)
    for array in (np.eye(2), np.arange(3) > 1, np.array([1 + 2j], dtype="c8"), np.float32(0.5)):
        back = decode(json.loads(json.dumps(encode(array))))
        assert np.array_equal(back, array) and back.dtype == array.dtype
        assert type(back) is type(array)


@pytest.mark.parametrize(
    "data",
    [
        {"array": ["O", [1], "AAAAAAAAAAA="]},
        {"array": ["f8", [10**9], ""]},
        {"array": ["V8", [1], "AAAAAAAAAAA="]},
        {"list": 3},
        {"function": "0"},
        {"evil": 1},
        {"a": 1, "b": 2},
        {"fraction": [1, 0]},
        {"set": [{"list": []}]},
    ],
)
def test_data_that_encode_did_not_write_is_refused(data):
    with pytest.raises(NotPlain):
        decode(data)


@pytest.mark.parametrize("value", [object(), print, int, iter([]), [object()]])
def test_objects_do_not_cross(value):
    with pytest.raises(NotPlain):
        encode(value)


def test_the_page_of_feedback_reads_as_sentences():
    mark = {"exercise": "e", "title": "A <b>", "points": 2, "marks": 1, "reasons": ["too small"],
            "sentence": "Not yet: x.", "code": ["a = 1"], "output": "\x1b[31mred"}  # fmt: skip
    result = {"student": "s", "chapter": "c", "marks": 1, "points": 2, "exercises": [mark],
              "notes": ["a cell was gone"], "problem": None}  # fmt: skip
    page = feedback_page(result)
    assert "Too small." in page and "A &lt;b&gt;" in page and "red" in page and "\x1b" not in page
