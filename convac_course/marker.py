"""The process that marks one submission: forked from a template that holds the course.

A job is one line of JSON; marks go back one line each as soon as they are known, and at last a
line with the rest.
"""

import ast
import contextlib
import importlib
import json
import os
import resource
import signal
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from .answering import Fetched
from .chapters import Chapter
from .marking import ROOM_FOR_TESTS, SetupFailed, mark_again, mark_submission
from .notebooks import Cell
from .rights import MEGABYTE
from .sandbox import Limits
from .template import Begin

MOST_KEPT = 2**20
Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Course:
    """All that a marker needs to know beside the submission.

    `students` is the file by which to ask for a student's process.
    """

    chapters: dict[str, Chapter]
    students: int
    limits: Limits
    unsafe: bool


def prepare(course: Course) -> Begin:
    """Import what the tests will need, and return what a fork does."""
    for name in imported_modules(course.chapters.values()):
        with contextlib.suppress(Exception):
            importlib.import_module(name)

    def begin(files: list[int]) -> None:
        jobs, results = files
        with os.fdopen(results, "w") as out:

            def tell(message: dict[str, Any]) -> None:
                out.write(json.dumps(message, default=float) + "\n")
                out.flush()

            tell({"process": os.getpid()})
            _limit(course.limits)
            with os.fdopen(jobs, "rb") as lines:
                job = json.loads(lines.readline())
            try:
                tell(_do(course, job, tell))
            except Exception as error:
                tell({"problem": f"marking broke off: {type(error).__name__}: {error}"})
        os._exit(0)

    return begin


def _do(course: Course, job: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Do a job and return what remains to be told at its end."""
    chapter = course.chapters[job["assignment"]]
    if "again" in job:
        kept = {name: Fetched(**fetched) for name, fetched in job["kept"].items()}
        try:
            for mark in mark_again(chapter, job["again"], kept, course.limits):
                tell(asdict(mark))
        except SetupFailed as failed:
            return {"problem": f"the course's set-up did not run: {failed}"}
        return {"done": True}
    cells = [Cell(**cell) for cell in job["cells"]]
    outcome = mark_submission(
        chapter, cells, course.students, course.limits, course.unsafe, lambda m: tell(asdict(m))
    )
    to_keep = {
        name: {"values": fetched.values, "refused": fetched.refused}
        for name, fetched in outcome.kept.items()
        if not fetched.has_functions and len(json.dumps(fetched.values)) <= MOST_KEPT
    }
    return {
        "notes": outcome.notes,
        "kept": to_keep,
        "problem": outcome.problem,
        "seconds": outcome.seconds + _own_seconds(),
        "done": True,
    }


def _own_seconds() -> float:
    """Return the processor time of this process and those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _limit(limits: Limits) -> None:
    """See to it that this process ends, whatever happens, and holds no more than it may."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.on_the_clock)
    most = (limits.memory + 2 * ROOM_FOR_TESTS) * MEGABYTE
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def imported_modules(chapters: Iterable[Chapter]) -> list[str]:
    """Return the modules that the set-up cells import, to have them ready once for all."""
    names: set[str] = set()
    for cell in (cell for chapter in chapters for cell in chapter.setup):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return sorted(names)
