"""A run of the grader: interrupted, killed and gone on with; regraded; called wrongly."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from course_runs import MISSING, QUICK, graded, make_course, release_of, table
from course_sample import RIGHT, handed_in, sample_chapter, write
from typer.testing import CliRunner

from convac_course import grading
from convac_course.build import build_assignment
from convac_course.cli import app
from convac_course.sandbox import Limits, missing_for_a_sandbox

walled = pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}")
SUM, NORM = RIGHT["sum-of-squares"], RIGHT["a-norm"]
pytestmark = pytest.mark.slow


@pytest.fixture
def course(tmp_path):
    """A course folder of the test's own."""
    (tmp_path / "book").mkdir()
    return make_course(tmp_path / "book", tmp_path / "course")


@pytest.fixture
def release(course):
    return release_of(course)


def run(folder, course, to, **options):
    """Grade a folder and return what came of it."""
    options = {"limits": QUICK, "quiet": True, "unsafe": MISSING is not None, **options}
    return grading.grade(folder, course, to, **options)


def mend(course, old, new):
    """Change the hidden test in the course's source."""
    path = course / "source" / "sample" / "sample.ipynb"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_interrupted_run_goes_on_where_it_stopped(course, release, tmp_path, monkeypatch):
    for n in range(4):
        write(tmp_path / "in", f"s{n}", handed_in(release, sum_of_squares=SUM))
    genuine = grading.mark_all

    def interrupted(*arguments):
        marked = genuine(*arguments)
        yield next(marked)
        yield next(marked)
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "mark_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "in", course, tmp_path / "grades.csv", jobs=1)
    assert [row["Student"] for row in table(tmp_path / "grades.csv")[1:]] == ["s0", "s1"]
    monkeypatch.undo()
    done = run(tmp_path / "in", course, tmp_path / "grades.csv", jobs=1)
    assert (done.marked, [result.got for result in done.results]) == (2, [2, 2, 2, 2])
    write(tmp_path / "in", "s1", handed_in(release, sum_of_squares="total = 0"))
    done = run(tmp_path / "in", course, tmp_path / "grades.csv")
    assert (done.marked, [result.got for result in done.results]) == (1, [2, 0, 2, 2])
    assert run(tmp_path / "in", course, tmp_path / "grades.csv", again=True).marked == 4


def test_a_store_that_was_damaged_is_not_believed(course, release, tmp_path):
    write(tmp_path / "in", "s", handed_in(release, sum_of_squares=SUM))
    assert run(tmp_path / "in", course, tmp_path / "g.csv").marked == 1
    for path in (tmp_path / "g-feedback" / ".results").glob("*.json"):
        path.write_text(path.read_text()[: len(path.read_text()) // 2])
    assert run(tmp_path / "in", course, tmp_path / "g.csv").marked == 1


def started(course, folder, to, *more):
    """Start the command as from a terminal."""
    command = [sys.executable, "-m", "convac_course.cli", "grade", str(folder)]
    command += ["--course", str(course), "--to", str(to), "--jobs", "1", *more]
    return subprocess.Popen(
        command,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background lets them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(condition, seconds=60):
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.1)
    return condition()


@walled
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_or_killed_run_leaves_nothing_running_and_goes_on(
    course, release, tmp_path, number
):
    write(tmp_path / "in", "quick", handed_in(release, sum_of_squares=SUM))
    write(tmp_path / "in", "slow", handed_in(release, sum_of_squares="import time\ntime.sleep(99)"))
    process = started(course, tmp_path / "in", tmp_path / "g.csv")
    kept = tmp_path / "g-feedback" / ".results"
    assert wait_for(lambda: len(list(kept.glob("*.json"))) == 1)
    time.sleep(1)
    started_by_it = psutil.Process(process.pid).children(recursive=True)
    assert len(started_by_it) > 3  # templates, a marker, a student's process
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=120)
    if number == signal.SIGINT:
        assert process.returncode == 2 and "run the same command again" in said
        assert [row["Student"] for row in table(tmp_path / "g.csv")[1:]] == ["quick"]
    _, alive = psutil.wait_procs(started_by_it, timeout=60)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
    write(tmp_path / "in", "slow", handed_in(release, sum_of_squares=SUM))
    done = run(tmp_path / "in", course, tmp_path / "g.csv", limits=Limits())
    assert (done.marked, [result.got for result in done.results]) == (1, [2, 2])


def test_a_changed_test_is_run_on_what_was_kept_and_no_notebook_again(course, release, tmp_path):
    write(tmp_path / "in", "anna", handed_in(release, sum_of_squares=SUM, a_norm=NORM))
    write(tmp_path / "in", "ben", handed_in(release, sum_of_squares="total = 285.4"))
    assert run(tmp_path / "in", course, tmp_path / "g.csv").marked == 2
    mend(course, "assert total == (", "assert int(total) == (")
    done = run(tmp_path / "in", course, tmp_path / "g.csv")
    assert (done.marked, done.tested) == (0, 2)
    assert [result.got for result in done.results] == [5, 2]
    anna = done.results[0].marks[0]
    assert anna.code == [SUM] and anna.sentence == "Right: it is 285."
    done = run(tmp_path / "in", course, tmp_path / "g.csv")
    assert (done.marked, done.tested) == (0, 0)
    # A function is not kept, so its test needs the notebook; so do other given values.
    mend(course, "< 1e-9", "< 1e-8")
    assert run(tmp_path / "in", course, tmp_path / "g.csv").marked == 2
    mend(course, "count = 10 ", "count = 11 ")
    assert run(tmp_path / "in", course, tmp_path / "g.csv").marked == 2


def test_regrading_shows_the_difference_before_it_replaces_anything(course, release, tmp_path):
    write(tmp_path / "in", "anna", handed_in(release, sum_of_squares=SUM, a_norm=NORM))
    write(tmp_path / "in", "ben", handed_in(release, sum_of_squares="total = 284"))
    write(tmp_path / "in", "carl", handed_in(release, sum_of_squares="total = np.zeros(10**7)"))
    to = tmp_path / "g.csv"
    run(tmp_path / "in", course, to)
    mend(course, "assert total == (", "assert total + 1 >= (")
    options = ["regrade", "sum-of-squares", "--course", str(course), "--to", str(to)]
    asked = CliRunner().invoke(app, options, input="n\n")
    assert "ben, sample: 0 becomes 2" in asked.output and "anna" not in asked.output
    assert "3 answers were tested again, 1 marks change" in asked.output
    assert "Nothing was replaced" in asked.output
    assert {row["Student"]: row["All"] for row in table(to)} == {
        "out of": "5", "anna": "5", "ben": "0", "carl": "0"}  # fmt: skip
    done = CliRunner().invoke(app, [*options, "--yes"])
    assert done.exit_code == 0 and "written" in done.output
    assert {row["Student"]: row["All"] for row in table(to)}["ben"] == "2"
    assert "2 of 2" in (tmp_path / "g-feedback/students/ben/sample.html").read_text()
    again = run(tmp_path / "in", course, to)
    assert (again.marked, again.tested) == (0, 0)
    norm = CliRunner().invoke(app, ["regrade", "a-norm", *options[2:]], input="y\n")
    assert "anna: the answer was not kept; grade again" in norm.output
    for call, message in (
        (["regrade", "x", *options[2:]], "EXERCISE must be one of a-norm, sum-of-squares"),
        ([*options[:4], "--to", str(tmp_path / "no.csv")], "holds no results; grade first"),
    ):
        said = CliRunner().invoke(app, call)
        assert said.exit_code == 2 and message in said.output


@walled
def test_what_was_collected_keeps_its_marks_when_no_other_start_is_possible(course, monkeypatch):
    from convac_course import marking
    from convac_course.build import read_course
    from convac_course.notebooks import parse_notebook
    from convac_course.sandbox import students

    notebook = handed_in(release_of(course), sum_of_squares=SUM, a_norm="import os\nos._exit(3)")
    cells = parse_notebook(json.dumps(notebook).encode()).cells
    genuine, started = marking.Marking._prepared, []

    def once(self):
        started.append(1)
        if len(started) > 1:
            raise marking.SetupFailed("it did not end within 9 s")
        return genuine(self)

    monkeypatch.setattr(marking.Marking, "_prepared", once)
    with students([]) as template:
        chapter = read_course(course)["sample"]
        outcome = marking.mark_submission(chapter, cells, template.fileno(), QUICK)
    assert [mark.marks for mark in outcome.marks] == [2, 0] and outcome.problem is None
    assert "it did not end within 9 s" in outcome.marks[1].reasons


@walled
def test_a_set_up_that_does_not_run_is_no_student_s_fault(course, release, tmp_path):
    write(tmp_path / "in", "anna", handed_in(release, sum_of_squares=SUM))
    mend(course, "import numpy as np", "import not_there\\nimport numpy as np")
    (result,) = run(tmp_path / "in", course, tmp_path / "g.csv").results
    assert result.problem.startswith("the course's set-up did not run: ModuleNotFoundError")
    assert not result.ran and not result.full
    mend(course, "import not_there\\nimport numpy as np", "import numpy as np")
    assert run(tmp_path / "in", course, tmp_path / "g.csv").results[0].got == 2


def test_without_a_sandbox_nothing_is_graded_unless_told_to(course, release, tmp_path, monkeypatch):
    write(tmp_path / "in", "s", handed_in(release, sum_of_squares=SUM, a_norm=NORM))
    (tmp_path / "in" / "nothing").mkdir()
    options = ["grade", str(tmp_path / "in"), "--course", str(course)]
    options += ["--to", str(tmp_path / "g.csv")]
    monkeypatch.setenv("PATH", "/nowhere")
    refused = CliRunner().invoke(app, options)
    assert refused.exit_code == 2 and "bubblewrap" in refused.output
    assert "Nothing was graded" in refused.output and not (tmp_path / "g.csv").exists()
    done = CliRunner().invoke(app, [*options, "--unsafe"])
    assert done.exit_code == 0, done.output
    assert "2 submissions: 1 with full marks, 1 with nothing to grade; 1 were run" in done.output


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
            'test "$1" = --version && echo bwrap 0.11.0 && exit; exit 1',
            "cannot make a sandbox here (exit status 1)",
        ),
    ],
)
def test_what_keeps_a_machine_from_a_sandbox_is_said(tmp_path, monkeypatch, script, message):
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert message in missing_for_a_sandbox()


@walled
def test_a_sandbox_in_which_python_does_not_start_is_said(monkeypatch):
    from convac_course import sandbox

    genuine = sandbox.Sandbox.run
    monkeypatch.setattr(
        sandbox.Sandbox, "run", lambda self, code, *a: genuine(self, "import not_there", *a)
    )
    assert "Python does not start in the sandbox (ModuleNotFoundError" in missing_for_a_sandbox()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("grade", "nowhere", "--unsafe"), "holds no source/CHAPTER"),
        (("grade", "nowhere", "--unsafe", "--course", "{course}"), "must be a folder"),
        (("build", "nothing", "--to", "x", "--book", "{book}"), "CHAPTER must be one of"),
        (("build", "sample", "--to", "x", "--group", "a b", "--book", "{book}"), "group must be"),
        (("list", "--book", "nowhere"), "no chapter with a graded exercise"),
        (("prove", "nothing", "--book", "{book}"), "CHAPTER must be one of"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(course, tmp_path, arguments, message):
    known = {"{book}": str(tmp_path / "book"), "{course}": str(course)}
    said = CliRunner().invoke(app, [known.get(argument, argument) for argument in arguments])
    assert said.exit_code == 2 and message in said.output, said.output


def test_list_names_each_exercise_with_its_points_and_variants(course, tmp_path):
    said = CliRunner().invoke(app, ["list", "--book", str(tmp_path / "book")]).output
    assert "sample: 2 graded, 1 open, 5 points" in said
    assert "sum-of-squares: Sum of squares (2 points)" in said
    assert "what-if: What if? (open)" in said


def test_build_prints_what_was_drawn_and_refuses_to_change_it(tmp_path):
    (tmp_path / "book").mkdir()
    nbformat.write(sample_chapter(), tmp_path / "book" / "sample.ipynb")
    options = ["build", "sample", "--to", str(tmp_path / "c"), "--book", str(tmp_path / "book")]
    first = CliRunner().invoke(app, [*options, "--variant", "3"])
    assert "its numbers:   sum-of-squares: count = 30" in first.output
    source = tmp_path / "c" / "source" / "sample" / "sample.ipynb"
    before = source.read_bytes()
    for more in ([], ["--variant", "1"]):
        refused = CliRunner().invoke(app, [*options, *more])
        assert refused.exit_code == 2 and source.read_bytes() == before
        assert "students may hold them: sum-of-squares: count = 30" in refused.output
    assert CliRunner().invoke(app, [*options, "--variant", "3"]).exit_code == 0
    assert CliRunner().invoke(app, [*options, "--variant", "1", "--force"]).exit_code == 0
    assert source.read_bytes() != before


def test_two_groups_with_the_same_numbers_are_refused_and_others_offered(tmp_path):
    (tmp_path / "book").mkdir()
    nbformat.write(sample_chapter(), tmp_path / "book" / "sample.ipynb")
    options = ["build", "sample", "--to", str(tmp_path / "c"), "--book", str(tmp_path / "book")]
    assert CliRunner().invoke(app, [*options, "--variant", "1", "--group", "mo"]).exit_code == 0
    refused = CliRunner().invoke(app, [*options, "--variant", "2", "--group", "tu"])
    assert refused.exit_code == 2
    assert "the numbers that sample-mo has: sum-of-squares: count = 20" in refused.output
    offered = re.search(r"--variant (\d+) draws others", refused.output)[1]
    assert CliRunner().invoke(app, [*options, "--variant", offered, "--group", "tu"]).exit_code == 0
    names = sorted(path.name for path in (tmp_path / "c" / "release").iterdir())
    assert names == ["sample-mo", "sample-tu"]


def test_groups_are_graded_in_one_course_and_stand_in_one_column(tmp_path):
    (tmp_path / "book").mkdir()
    nbformat.write(sample_chapter(), tmp_path / "book" / "sample.ipynb")
    page, course = tmp_path / "book" / "sample.ipynb", tmp_path / "c"
    build_assignment(page, course, variant=1, group="mo")
    build_assignment(page, course, variant=3, group="tu")
    typed = "total = 2470"  # right for twenty
    for student, group, answer in (("anna", "mo", SUM), ("ben", "tu", SUM), ("carl", "mo", typed),
                                   ("dora", "tu", typed)):  # fmt: skip
        notebook = handed_in(release_of(course, f"sample-{group}"), sum_of_squares=answer)
        write(tmp_path / "in", student, notebook, f"sample-{group}")
    results = graded(tmp_path / "in", course, tmp_path / "g.csv")
    assert {name: result.got for name, result in results.items()} == {
        "anna": 2, "ben": 2, "carl": 2, "dora": 0}  # fmt: skip
    (header, *_) = [list(row) for row in table(tmp_path / "g.csv")[:1]]
    assert header.count("sample: sum-of-squares") == 1


def test_an_odd_name_of_a_student_stops_nothing_and_gets_a_page_of_its_own(
    course, release, tmp_path
):
    names = ["a" * 248, "overview.html", "students", "by-hand.html", "Anna", "anna", "x;y", "x.."]
    for name in names:
        write(tmp_path / "in", name, handed_in(release, sum_of_squares=SUM))
    for _ in range(2):
        results = graded(tmp_path / "in", course, tmp_path / "g.csv")
        assert {name: results[name].got for name in names} == dict.fromkeys(names, 2)
    pages = list((tmp_path / "g-feedback" / "students").glob("*/sample.html"))
    assert len(pages) == len(names)
    assert len({str(page.parent).casefold() for page in pages}) == len(names)
    kept = (tmp_path / "g-feedback" / ".results").glob("*.json")
    assert len(list(kept)) == len(names) + 1
    assert json.loads((tmp_path / "g-feedback/.results/index.json").read_text())["roster"] is None
    assert Path(tmp_path / "g.csv").read_bytes().startswith(b"\xef\xbb\xbf")
