"""Several submissions at once, each marked by a process of its own that may come to any end."""

import json
import os
import selectors
import signal
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any

from tqdm import tqdm

from .chapters import Chapter
from .hidden_tests import Mark, unmarked
from .marker import Course, imported_modules
from .results import Result
from .sandbox import Limits, students
from .template import Template, fork_from

MARKER = "convac_course.marker:prepare"
GRACE = 60


@dataclass
class Task:
    """A submission: what is known of it so far, and the job to do, if there is one."""

    result: Result
    chapter: Chapter | None
    job: dict[str, Any] | None


def mark_all(
    tasks: list[Task],
    chapters: dict[str, Chapter],
    limits: Limits,
    jobs: int | None,
    unsafe: bool,
    quiet: bool,
) -> Generator[Result, None, None]:
    """Mark submissions, several at once, and yield each result when it is there.

    Parameters
    ----------
    tasks : list of Task
        Each with a job.
    chapters : dict of str to Chapter
    limits : Limits
    jobs : int, optional
        How many at once; as many as there are cores unless given.
    unsafe : bool
        Run without the wall.
    quiet : bool
        No progress bar.
    """
    if not tasks:
        return
    used = {name: chapters[name] for name in {(task.job or {})["assignment"] for task in tasks}}
    pool = ThreadPoolExecutor(jobs or os.cpu_count() or 1)
    with ExitStack() as stack:
        run = {task.result.assignment for task in tasks if "cells" in (task.job or {})}
        modules = imported_modules(chapters[name] for name in run)
        template = stack.enter_context(students(modules))
        course = Course(used, template.fileno(), limits, unsafe)
        markers = stack.enter_context(Template(MARKER, course, keep=(template.fileno(),)))
        stack.callback(pool.shutdown)
        stack.callback(markers.stop)
        bar = stack.enter_context(tqdm(total=len(tasks), desc="grading", disable=quiet or None))
        futures = [pool.submit(_mark, markers.fileno(), task, limits) for task in tasks]
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        for future in as_completed(futures):
            bar.update()
            yield future.result()


def _mark(control: int, task: Task, limits: Limits) -> Result:
    """Have one submission marked, and wait for it to end, or to be late."""
    (asked, ask), (told, tell) = os.pipe(), os.pipe()
    messages: list[dict[str, Any]] = []
    deadline = time.monotonic() + 2 * limits.on_the_clock + GRACE
    with os.fdopen(ask, "wb") as jobs, os.fdopen(told, "rb") as results:
        with suppress(OSError):  # the marker is gone, as after Ctrl-C
            try:
                fork_from(control, [asked, tell])
            finally:
                os.close(asked)
                os.close(tell)
            jobs.write(json.dumps(task.job).encode() + b"\n")
            jobs.flush()
            messages += _messages(results.fileno(), deadline)
    late = time.monotonic() > deadline
    if late and messages:
        with suppress(OSError):
            os.kill(messages[0]["process"], signal.SIGKILL)
    return _result(task, messages, late)


def _messages(descriptor: int, deadline: float) -> Iterator[dict[str, Any]]:
    """Yield the lines of a marker until it ends or is late."""
    data = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            chunk = os.read(descriptor, 65_536)
            if not chunk:
                break
            *lines, data = (data + chunk).split(b"\n")
            yield from map(json.loads, lines)


def _result(task: Task, messages: list[dict[str, Any]], late: bool) -> Result:
    """Return the result of a task from what its marker told."""
    chapter = task.chapter
    told: dict[str, Any] = {}
    for message in messages:
        told |= {} if "exercise" in message else message
    fresh = {m["exercise"]: Mark(**m) for m in messages if "exercise" in m}
    before = {mark.exercise: mark for mark in task.result.marks}
    marks = []
    for exercise in chapter.graded if chapter else []:
        mark = fresh.get(exercise.name)
        if mark and exercise.name in before:
            mark = _with_what_was_read(mark, before[exercise.name])
        marks.append(mark or before.get(exercise.name) or unmarked(exercise))
    problem = told.get("problem")
    if not told.get("done") and problem is None:
        problem = "marking took too long" if late else "marking broke off on this answer"
    return replace(
        task.result,
        marks=marks,
        notes=task.result.notes + told.get("notes", []),
        kept=told.get("kept", task.result.kept),
        problem=problem,
        seconds=told.get("seconds", task.result.seconds),
        ran="" if problem else task.result.ran,
    )


def _with_what_was_read(mark: Mark, before: Mark) -> Mark:
    """Return a mark of a kept answer with the code and the output it had."""
    cells = [reason for reason in before.reasons if reason.startswith("a cell ")]
    reasons = (cells + mark.reasons) if mark.marks < mark.points else []
    return replace(mark, code=before.code, output=before.output, reasons=reasons)
