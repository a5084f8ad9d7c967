"""Attacks on a grading: each costs its author the exercise, and nobody anything else."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from course_hostile import HOSTILE, LEAKS, SUM
from course_runs import MISSING, graded, make_course, marks_of, release_of, table
from course_sample import RIGHT, handed_in, write

NORM = RIGHT["a-norm"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}"),
]
# Notebooks that are no answer at all.
BROKEN = {
    "is not JSON": ("{'cells': [", "damaged"),
    "is no notebook": ('{"cells": 3}', "it has no cells"),
    "is a list": ("[]", "it has no cells"),
    "nests JSON": ("[" * 10**6, "more parts than any notebook"),
    "is empty": ("", "the file is empty"),
    "is a page": ("<html></html>", "a web page"),
    "is a program": ("print(1)", "another text"),
    "is too much code": (
        '{"cells": [{"cell_type": "code", "source": "' + "x" * 3 * 10**6 + '"}]}',
        "longer than 2 MB",
    ),
    "has odd cells": ('{"cells": [1, {"source": 2, "metadata": 3, "cell_type": "code"}]}', "gone"),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """All hostile submissions and an honest one, graded in one run."""
    course = make_course(tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("course"))
    release, place = release_of(course), tmp_path_factory.mktemp("grades")
    submitted = course / "submitted"
    os.environ["SECRET_OF_THE_TEACHER"] = "SECRET_OF_THE_TEACHER"
    with socket.create_server(("127.0.0.1", 0)) as server:
        known = {"course": course, "port": server.getsockname()[1]}
        known["tests"] = Path(__file__).resolve().parent
        for name, tried in HOSTILE.items():
            code = tried.code
            for key, value in known.items():
                code = code.replace(f"{{{key}}}", str(value))
            write(submitted, name, handed_in(release, sum_of_squares=code, a_norm=NORM))
        for name, line in LEAKS.items():
            head, body = NORM.split("\n", 1)
            later = "import os\nprint(os.path.exists('/tmp/leak') and open('/tmp/leak').read())\n"
            answers = {"sum_of_squares": later + SUM, "a_norm": f"{head}\n{line}{body}"}
            leaking = handed_in(release, **answers)
            second = [c for c in leaking["cells"] if "a-norm" in json.dumps(c["metadata"])]
            others = [cell for cell in leaking["cells"] if cell not in second]
            leaking["cells"] = others[:2] + second + others[2:]
            write(submitted, name, leaking)
        for name, (text, _) in BROKEN.items():
            write(submitted, name, text)
        link = submitted / "is a link" / "sample" / "sample.ipynb"
        link.parent.mkdir(parents=True)
        link.symlink_to(course / "source" / "sample" / "sample.ipynb")
        (submitted / "is nothing").mkdir()
        write(submitted, "honest", handed_in(release, sum_of_squares=SUM, a_norm=NORM))
        before = {path: path.read_bytes() for path in course.glob("source/**/*.ipynb")}
        try:
            results = graded(submitted, course, place / "grades.csv", jobs=4)
        finally:
            del os.environ["SECRET_OF_THE_TEACHER"]
    assert before == {path: path.read_bytes() for path in before}
    return results, place


def test_there_are_sixty_kinds_and_each_says_what_it_reaches_for():
    assert len(HOSTILE) + len(LEAKS) >= 60
    assert all(tried.reach and tried.why for tried in HOSTILE.values())
    promised = (Path(__file__).parent.parent / "SECURITY.md").read_text(encoding="utf-8")
    counts = f"{len(HOSTILE)} kinds of hostile cells, {len(LEAKS)} ways"
    assert counts in promised and f"{len(BROKEN)} files that are no notebook" in promised


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_cell_costs_that_exercise_and_nothing_else(hostile, name):
    result = hostile[0][name]
    assert marks_of(result) == {"sum-of-squares": 0, "a-norm": HOSTILE[name].rest}
    assert re.search(HOSTILE[name].why, result.reasons()), result.reasons()


@pytest.mark.parametrize("name", LEAKS)
def test_what_a_test_hands_to_a_function_stays_where_it_is(hostile, name):
    results, place = hostile
    assert marks_of(results[name])["sum-of-squares"] == 2, results[name].reasons()
    for path in [*(place / "grades-feedback").rglob("*.html"), *place.glob("*.csv")]:
        text = path.read_text(encoding="utf-8")
        # The name of the test's argument stands in the student's own code.
        assert "LEAK [" not in text.replace("LEAK {vector}", "") and "0.+4.j" not in text


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_costs_only_that_student(hostile, name):
    result = hostile[0][name]
    assert result.got == 0 and not result.full
    assert BROKEN[name][1] in result.reasons()


def test_a_link_is_not_followed_and_nothing_handed_in_is_said(hostile):
    assert "link" in hostile[0]["is a link"].problem
    assert "no notebook" in hostile[0]["is nothing"].problem


def test_the_honest_student_among_them_gets_full_marks_and_nothing_is_left(hostile):
    results, place = hostile
    assert results["honest"].full and results["honest"].got == 5
    assert not Path("/tmp/pwned").exists()
    rows = {row["Student"]: row for row in table(place / "grades.csv")}
    assert len(rows) == len(HOSTILE) + len(LEAKS) + len(BROKEN) + 4
    assert rows["honest"]["All"] == "5" and rows["loops for ever"]["All"] == "3"
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "10**6" not in listed and not re.search(r"^\S*bwrap .*convac", listed, re.M)


def test_what_a_student_wrote_stays_text_in_the_reports(hostile):
    _, place = hostile
    home = place / "grades-feedback"
    for page in (home / "students" / "writes a script" / "sample.html", home / "overview.html"):
        text = page.read_text()
        assert "<script" not in text and "&lt;script&gt;" in text
        assert "http" not in text and "\x1b" not in text
    for path in place.glob("*.csv"):
        for row in table(path):
            assert not any((cell or "").startswith(("=", "+", "@")) for cell in row.values())


def test_the_report_says_nothing_of_the_hidden_test(hostile):
    for page in (hostile[1] / "grades-feedback").rglob("*.html"):
        assert "2 * count - 1" not in page.read_text().replace("2 * count - 1) // 6\n", "", 0)
