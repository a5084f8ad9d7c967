"""A whole course: everybody gets exactly the marks deserved, and every oddity is named."""

import os
import re

import pytest
from course_runs import MISSING, table
from course_whole import CASES, rows_of, run, verdict

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("CONVAC_FULL"), reason="`make graders` runs it"),
    pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The course, graded."""
    folder = tmp_path_factory.mktemp("whole")
    done = run(folder)
    return folder, done, *rows_of(folder, done)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.student[:20])
def test_a_student_gets_the_marks_deserved_and_the_oddity_is_named(whole, case):
    _, _, book, rows = whole
    got, said = verdict(case, rows[case.student], book)
    assert got == case.marks, said
    assert case.said in said
    assert case.said or not said


def test_forty_and_more_hand_in_and_nobody_is_there_who_was_not(whole):
    _, _, _, rows = whole
    assert len(CASES) > 40 and set(rows) == {case.student for case in CASES}


def test_every_file_has_a_line_and_every_student_a_row(whole):
    folder, done, _, _ = whole
    places = [line.where for line in done.lines]
    assert len({*places}) == len(places)
    told = {place.partition("/")[0] for place in places}
    there = {path.name for path in (folder / "course" / "submitted").iterdir()}
    assert there <= told
    rows = table(folder / "grades.csv")
    assert len(rows) == len(CASES) + 1
    canvas = table(folder / "grades-canvas.csv")
    assert len(canvas) == len(CASES) + 1


def test_grading_again_runs_nothing(whole):
    folder, before, _, _ = whole
    from convac_course.grading import grade
    from convac_course.sandbox import Limits

    limits = Limits(cell_seconds=5, total_seconds=60, memory=1500, output=2000)
    again = grade(
        folder / "course" / "submitted", folder / "course", folder / "grades.csv",
        roster=folder / "course" / "roster.csv", limits=limits, quiet=True,
    )  # fmt: skip
    assert (again.marked, again.tested) == (0, 0)
    assert [r.got for r in again.results] == [r.got for r in before.results]


def test_no_page_holds_a_hidden_test_or_a_script(whole):
    folder, *_ = whole
    pages = [p for p in (folder / "grades-feedback").rglob("*.html") if p.is_file()]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<script|BEGIN HIDDEN|np\.trace\(rho @ rho\)", text), page
