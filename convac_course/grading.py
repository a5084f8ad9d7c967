"""Grading a folder of submissions: several at once, resumable, with tables and reports."""

from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from .build import read_course
from .by_hand import read_marks, update_table, written_answers
from .chapters import Chapter
from .exports import write_exports
from .gradebook import make_gradebook
from .hidden_tests import Mark
from .intake import Line, Submission, take_in
from .report import write_reports
from .results import Result, Store, ran_with, tested_with
from .roster import Roster, read_roster
from .sandbox import Limits
from .supervising import Task, mark_all


@dataclass
class Grading:
    """What a grading came to, and which files it wrote.

    `marked` and `tested` say how many submissions were run, and of how many only the kept
    answers were tested again.
    """

    results: list[Result]
    lines: list[Line]
    files: list[Path] = field(default_factory=list)
    marked: int = 0
    tested: int = 0


@dataclass
class Change:
    """What testing an exercise's kept answer again would change: the old mark and the new."""

    result: Result
    old: Mark
    new: Mark


@dataclass
class Regrading:
    """What testing one exercise again comes to, before it replaces anything.

    `fresh` are the results as they would be, `lacking` those whose answers were not kept.
    """

    fresh: list[Result]
    changes: list[Change]
    lacking: list[Result]


def grade(
    submissions: str | Path,
    course: str | Path,
    to: str | Path,
    roster: str | Path | None = None,
    due: datetime | None = None,
    limits: Limits | None = None,
    jobs: int | None = None,
    unsafe: bool = False,
    again: bool = False,
    quiet: bool = False,
) -> Grading:
    """Grade all submissions in a folder and write the grades and the reports.

    Parameters
    ----------
    submissions : path
        See `intake` for the layouts; all of a platform's are read.
    course : path
        A course folder that `convac-course build` made.
    to : path
        The CSV file; the exports and the reports lie beside it, under names made from its own.
    roster : path, optional
        A table of the students.
    due : datetime, optional
        After it, what a platform's name has a time for is late.
    limits : Limits, optional
    jobs : int, optional
        How many at once; as many as there are cores unless given.
    unsafe : bool
        Grade without a sandbox.
    again : bool
        Grade also what was graded before.
    quiet : bool
        No progress bar.

    Returns
    -------
    Grading

    Raises
    ------
    ValueError
        If a folder is missing, the course holds no assignment, or a table cannot be read.
    """
    limits, to, chapters = limits or Limits(), Path(to), _chapters(course)
    known = read_roster(roster) if roster else Roster()
    read_marks(hand_table(to))  # what is wrong in it is said before anything is run
    handed, lines = take_in(submissions, chapters, known, due)
    store, grading, tasks = _store(to), Grading([], lines), []
    for submission in handed:
        task = _prepare(submission, chapters, limits, unsafe)
        before = None if again else store.load(task.result.student, task.result.assignment)
        task = _shortened(task, before)
        if task.job is None:
            grading.results.append(task.result)
        else:
            tasks.append(task)
    grading.tested = sum("again" in (task.job or {}) for task in tasks)
    grading.marked = len(tasks) - grading.tested
    try:
        with closing(mark_all(tasks, chapters, limits, jobs, unsafe, quiet)) as marked:
            for result in marked:
                store.save(result)
                grading.results.append(result)
    finally:
        for result in grading.results:
            if not result.ran:
                store.save(result)
        grading.files = _write_all(grading.results, lines, chapters, to, roster)
    return grading


def regrade(
    exercise: str,
    course: str | Path,
    to: str | Path,
    limits: Limits | None = None,
    jobs: int | None = None,
) -> Regrading:
    """Test the kept answers to one exercise again, and change nothing yet.

    Parameters
    ----------
    exercise : str
        Its name.
    course, to : path
        As for `grade`.
    limits : Limits, optional
    jobs : int, optional

    Raises
    ------
    ValueError
        If there was no grading, or no such exercise.
    """
    chapters, limits = _chapters(course), limits or Limits()
    names = sorted({e.name for chapter in chapters.values() for e in chapter.graded})
    if exercise not in names:
        raise ValueError(f"EXERCISE must be one of {', '.join(names)}, got {exercise!r}")
    results, _, _ = _store(Path(to)).load_index()
    own = {
        (result.student, result.assignment): result
        for result in results
        if any(mark.exercise == exercise for mark in result.marks)
    }
    tasks = []
    for result in own.values():
        chapter = chapters.get(result.assignment)
        if exercise in result.kept and chapter is not None:
            (test,) = [one for one in chapter.graded if one.name == exercise]
            again = replace(result, tested=result.tested | {exercise: tested_with(test)})
            tasks.append(Task(again, chapter, _test_again(result, [exercise])))
    fresh = sorted(
        mark_all(tasks, chapters, limits, jobs, unsafe=False, quiet=True),
        key=lambda result: (result.student, result.assignment),
    )
    changes = [
        Change(result, old, new)
        for result in fresh
        for old, new in zip(own[result.student, result.assignment].marks, result.marks, strict=True)
        if new.exercise == exercise and old.marks != new.marks
    ]
    return Regrading(fresh, changes, [r for r in own.values() if exercise not in r.kept])


def accept(regrading: Regrading, course: str | Path, to: str | Path) -> list[Path]:
    """Let a regrading replace what was there, and return the files that were written anew.

    Parameters
    ----------
    regrading : Regrading
    course, to : path
        As for `grade`.
    """
    store = _store(Path(to))
    for result in regrading.fresh:
        store.save(result)
    results, lines, roster = store.load_index()
    return _write_all(results, lines, _chapters(course), Path(to), roster)


def reports_of(to: Path) -> Path:
    """Return the folder for reports that belongs to a table of grades."""
    return to.with_name(f"{to.stem}-feedback")


def hand_table(to: Path) -> Path:
    """Return the table of marks given by hand that belongs to a table of grades."""
    return to.with_name(f"{to.stem}-by-hand.csv")


def _store(to: Path) -> Store:
    return Store(reports_of(to) / ".results")


def _chapters(course: str | Path) -> dict[str, Chapter]:
    """Return the assignments of a course; there must be one."""
    chapters = read_course(course)
    if not chapters:
        raise ValueError(f"{str(course)!r} holds no source/CHAPTER/CHAPTER.ipynb; build it first")
    return chapters


def _prepare(
    submission: Submission, chapters: dict[str, Chapter], limits: Limits, unsafe: bool
) -> Task:
    """Return the task of marking a submission; it has no job if there is nothing to mark."""
    chapter = chapters.get(submission.assignment)
    result = Result(
        submission.student,
        submission.assignment,
        chapter.name if chapter else "",
        handed=submission.notes,
        problem=submission.problem,
        where=submission.where,
    )
    if submission.problem or chapter is None or submission.notebook is None:
        return Task(result, chapter, None)
    cells = submission.notebook.cells
    result.ran = ran_with(chapter, submission.digest, limits, unsafe)
    result.tested = {exercise.name: tested_with(exercise) for exercise in chapter.graded}
    result.written = written_answers(chapter, cells)
    needed = [
        {
            "kind": cell.kind,
            "source": cell.source,
            "metadata": {"nbgrader": {"grade_id": cell.grade_id}},
        }
        if cell.kind == "code" or cell.grade_id or cell.source.lstrip().startswith("## ")
        else {"kind": cell.kind, "source": ""}
        for cell in cells
    ]
    return Task(result, chapter, {"assignment": submission.assignment, "cells": needed})


def _shortened(task: Task, before: Result | None) -> Task:
    """Return a task without what an earlier run has done."""
    fresh = task.result
    if task.job is None or before is None or not fresh.ran or before.ran != fresh.ran:
        return task
    odd = [name for name, test in fresh.tested.items() if before.tested.get(name) != test]
    if not set(odd) <= set(before.kept):
        return task
    # Where the file lies and what lay beside it may have changed, and is not what was marked.
    same = replace(before, where=fresh.where, handed=fresh.handed, tested=fresh.tested)
    return Task(same, task.chapter, _test_again(same, odd) if odd else None)


def _test_again(result: Result, names: list[str]) -> dict[str, object]:
    """Return the job of testing some kept answers again."""
    kept = {name: result.kept[name] for name in names}
    return {"assignment": result.assignment, "again": names, "kept": kept}


def _write_all(
    results: list[Result],
    lines: list[Line],
    chapters: dict[str, Chapter],
    to: Path,
    roster: str | Path | None,
) -> list[Path]:
    """Write the tables, each student's pages and the teacher's."""
    results.sort(key=lambda result: (result.student, result.assignment))
    hand = update_table(hand_table(to), chapters.values(), results)
    book = make_gradebook(chapters, results, read_roster(roster) if roster else Roster(), hand)
    files = write_exports(book, to)
    files += write_reports(reports_of(to), book, results, lines, hand, chapters)
    _store(to).save_index(results, lines, str(roster) if roster else None)
    return files + ([hand_table(to)] if hand else [])
