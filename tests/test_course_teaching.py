"""The tables of the teachers' page come from the chapters, and say what the chapters say."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from course_runs import MISSING, release_of, table
from course_sample import handed_in
from load_script import load_script

from convac_course.chapters import read_book

ROOT = Path(__file__).resolve().parent.parent


def load_extension():
    """Return the Sphinx extension as a module."""
    return load_script("book/_ext/convac_teaching.py")


extension = load_extension()
CHAPTERS = extension.chapters_of(ROOT / "book")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_every_exercise_of_a_chapter_is_in_the_table_with_its_points(chapter):
    cells = json.loads((ROOT / "book" / f"{chapter.name}.ipynb").read_text())["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    stated = dict(re.findall(r"\{exercise\} *(.+)\n(?:[^\n]*\n)??:label: *(\S+)", text))
    points = dict.fromkeys(stated.values(), 0)
    for cell in cells:
        own = cell["metadata"].get("convac", {})
        if own.get("exercise"):
            points[own["exercise"]] += own.get("points", 0)
    listed = {title: (label, points) for title, label, *_, points in chapter.exercises()}
    assert listed == {title: (label, points[label]) for title, label in stated.items()}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_chapter_s_minutes_are_those_of_its_sections(chapter):
    sections = chapter.sections()
    if chapter.exercises():
        assert chapter.minutes >= 10
    assert abs(sum(count for _, count in sections) - chapter.minutes) <= len(sections)
    assert not {"Exercises", "Further reading"} & {name for name, _ in sections}


def test_what_a_chapter_needs_comes_before_it():
    order = [chapter.name for chapter in CHAPTERS]
    for chapter in CHAPTERS:
        for needed in chapter.needs:
            assert needed in order, f"{chapter.name} needs {needed}"
            assert order.index(needed) < order.index(chapter.name)


def test_a_chapter_is_read_as_its_author_wrote_it(tmp_path):
    text = (
        "# A *title*\n\n**Before you start.** You need [states](../part1/states.ipynb#x), and\n"
        "[this](here.ipynb). Reading takes 20 minutes; it runs in 2 seconds.\n\n## One\n\nw w w w"
    )
    stated = "````{exercise} Sum\n:label: sum\n\n*Prove · 5 minutes · level 2 of 3*\n\nAdd.\n````"
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": text},
        {"cell_type": "code", "metadata": {}, "source": "1\n2"},
        {
            "cell_type": "markdown",
            "metadata": {"convac": {"exercise": "sum", "role": "statement"}},
            "source": "## Exercises\n\n" + stated,
        },
        {
            "cell_type": "code",
            "metadata": {"convac": {"exercise": "sum", "role": "solution"}},
            "source": "### BEGIN SOLUTION\na = 1\n### END SOLUTION",
        },
        {
            "cell_type": "code",
            "metadata": {"convac": {"exercise": "sum", "role": "test", "points": 2}},
            "source": "### BEGIN HIDDEN TESTS\nassert a == 1\n### END HIDDEN TESTS",
        },
    ]
    (tmp_path / "page.ipynb").write_text(json.dumps({"cells": cells}))
    chapter = extension.Page("part2/page", tmp_path / "page.ipynb")
    assert (chapter.title, chapter.minutes) == ("A *title*", 20)
    assert chapter.needs == ["part1/states", "part2/here"]
    assert chapter.exercises() == [("Sum", "sum", "Prove", "5", "2", 2)]
    assert [name for name, _ in chapter.sections()] == ["The question", "One"]
    assert "| {ref}`Sum <sum>` |" in extension.exercises([chapter])


def test_the_commands_on_the_teachers_page_exist():
    from convac_course.cli import app

    text = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    used = set(re.findall(r"convac-course (\w+)", text))
    assert {"build", "grade", "list", "regrade"} <= used <= known
    assert set(read_book(ROOT / "book")) >= set(re.findall(r"build (\w+) --to", text))


def commands_of(text):
    """Return the lines of a page that a teacher types, in their order."""
    blocks = re.findall(r"```bash\n(.*?)```", text, re.S)
    return [line for block in blocks for line in block.splitlines() if "convac-course" in line]


@pytest.mark.skipif(not os.environ.get("CONVAC_FULL"), reason="`make graders` runs it: a minute")
@pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}")
def test_the_page_can_be_followed_word_for_word(tmp_path):
    """Type what the page says, hand in what it says, and see what it promises."""
    text = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    (tmp_path / "book").symlink_to(ROOT / "book")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "roster.csv").write_text("name,email,group\nright,r@uni.edu,monday\nabsent,,\n")
    said = ""
    for line in commands_of(text):
        if " grade " in line:
            hand_in_three(tmp_path / "mycourse", text)
            line += " --cell-seconds 5"
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, input="y\n", capture_output=True, text=True
        )
        assert done.returncode == 0, line + done.stdout + done.stderr
        said += done.stdout
    assert "widest-across: budget = 260" in said and "0 marks change" in said
    rows = {row["Student"]: row for row in table(tmp_path / "grades.csv")}
    assert set(rows) == {"out of", "right", "wrong", "hostile", "absent"}
    assert rows["right"]["opening: all"] == rows["out of"]["opening: all"] == "2"
    assert rows["right"]["states: all"] == rows["out of"]["states: all"] == "6"
    assert rows["wrong"]["opening: all"] == rows["hostile"]["opening: all"] == "0"
    assert "a cell was stopped" in rows["hostile"]["Remarks"]
    pages = tmp_path / "grades-feedback"
    assert "Not yet:" in (pages / "students" / "wrong" / "opening.html").read_text()
    named = re.findall(r"`(grades[\w-]*(?:\.csv|/[\w-]+\.html))`", text)
    for name in {*named} - {"grades-moodle-CHAPTER.csv"}:
        assert (tmp_path / name).exists(), name


def hand_in_three(course, text):
    """Hand in the right, the wrong and the hostile notebook of the page."""
    release = release_of(course, "opening")
    hostile = re.search(r"```python\n(.*?)```", text, re.S)[1]
    answers = {"wrong": "widest = (2, 3, 3)", "hostile": hostile}
    for student, answer in answers.items():
        path = course / "submitted" / student / "opening.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(handed_in(release, widest_across=answer)))
    right = course / "submitted" / "right"
    right.mkdir()
    shutil.copy(course / "source" / "opening" / "opening.ipynb", right / "opening.ipynb")
    shutil.copy(course / "source" / "states-monday" / "states-monday.ipynb", right / "x.ipynb")
