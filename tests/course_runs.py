"""How the tests of the course's tools grade: limits, a course of the sample, results by student."""

import csv
import json
from pathlib import Path

import nbformat
from course_sample import sample_chapter

from convac_course import grading
from convac_course.build import build_assignment
from convac_course.results import Result
from convac_course.sandbox import Limits, missing_for_a_sandbox

MISSING = missing_for_a_sandbox()
# Long enough for an honest cell on a busy machine.
QUICK = Limits(cell_seconds=4, total_seconds=120, memory=613, processes=24, output=200)


def make_course(book: Path, folder: Path, **options) -> Path:
    """Make a course folder with the sample's assignment and nothing handed in."""
    nbformat.write(sample_chapter(), book / "sample.ipynb")
    build_assignment(book / "sample.ipynb", folder, **options)
    return folder


def release_of(course: Path, name: str = "sample") -> dict:
    """Return the notebook that students get."""
    notebook = json.loads((course / "release" / name / f"{name}.ipynb").read_text())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def graded(folder: Path, course: Path, to: Path, **options) -> dict[str, Result]:
    """Grade a folder and return the results by student."""
    options = {"limits": QUICK, "quiet": True, "unsafe": MISSING is not None, **options}
    return {r.student: r for r in grading.grade(folder, course, to, **options).results}


def marks_of(result: Result) -> dict[str, float]:
    """Return the marks by exercise."""
    return {mark.exercise: mark.marks for mark in result.marks}


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table that was written."""
    return list(csv.DictReader(path.open(encoding="utf-8-sig", newline="")))
