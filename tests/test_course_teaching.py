"""The tables of the teachers' page come from the chapters, and say what the chapters say."""

import json
import re
from pathlib import Path

import pytest
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
    assert {"build", "grade", "list"} <= used <= known
    assert set(read_book(ROOT / "book")) >= set(re.findall(r"build (\w+) --to", text))
