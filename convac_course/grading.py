"""Grading a folder of submissions: several at once, resumable, with a report for each student."""

import csv
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from .chapters import read_chapter
from .marking import mark_submission
from .report import feedback_page, overview_page
from .sandbox import MEGABYTE, Limits
from .submissions import Unreadable, find_submissions, read_cells, read_submission

# What a result depends on beside the notebooks; raise it when marking changes.
EDITION = "1"


@dataclass(frozen=True)
class Job:
    """All that marking one submission needs."""

    source: str
    path: Path
    limits: Limits
    unsafe: bool


def grade(submissions, course, to, limits=None, jobs=None, unsafe=False, again=False, quiet=False):
    """Grade all submissions in a folder and write the grades and the reports.

    Parameters
    ----------
    submissions : path
        See `submissions.find_submissions` for the layouts.
    course : path
        A course folder that `convac-course build` made.
    to : path
        The CSV file; the reports lie beside it, in a folder named after it.
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
    list of dict
        One result a submission: student, chapter, marks, points, exercises, notes, problem.

    Raises
    ------
    ValueError
        If a folder is missing or the course holds no assignment.
    """
    limits, to = limits or Limits(), Path(to)
    sources = {p.stem: p for p in sorted(Path(course).glob("source/*/*.ipynb"))}
    if not sources:
        raise ValueError(f"{str(course)!r} holds no source/CHAPTER/CHAPTER.ipynb; build it first")
    chapters = {name: read_chapter(path) for name, path in sources.items()}
    found = find_submissions(submissions, list(chapters))
    reports = to.with_name(f"{to.stem}-feedback")
    results, waiting = [], []
    for submission in found:
        path = sources.get(submission.chapter)
        result, job = _prepare(submission, path, chapters, limits, unsafe)
        stored = _stored(reports, result)
        if job is None or (stored and not again):
            results.append(stored or result)
        else:
            waiting.append((result, job))
    try:
        for result in _mark_all(waiting, chapters, jobs, quiet, len(results)):
            _store(reports, result)
            results.append(result)
    finally:
        results.sort(key=lambda result: (result["student"], result["chapter"]))
        _write_all(results, chapters, to, reports)
    return results


def _prepare(submission, source, chapters, limits, unsafe):
    """Return an empty result for a submission and the job that fills it, or None."""
    chapter = chapters.get(submission.chapter)
    result = {
        "student": submission.student,
        "chapter": submission.chapter,
        "marks": 0,
        "points": chapter.points if chapter else 0,
        "exercises": [],
        "notes": [],
        "problem": None,
        "key": None,
    }
    try:
        if submission.path is None:
            raise Unreadable("no notebook was handed in")
        if chapter is None:
            raise Unreadable(f"{submission.path.name} belongs to no assignment of this course")
        data = read_submission(submission.path)
    except Unreadable as error:
        result["problem"] = str(error)
        return result, None
    about = [EDITION, source.read_bytes(), data, repr(limits), unsafe]
    result["key"] = hashlib.sha256(repr(about).encode()).hexdigest()
    return result, Job(str(source), submission.path, limits, unsafe)


def _mark_all(waiting, chapters, jobs, quiet, done):
    """Mark submissions, several at once, and yield each result when it is there."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["convac_course.grading", *_imports(chapters)])
    pool, running = ThreadPoolExecutor(jobs or os.cpu_count() or 1), set()
    bar = tqdm(total=done + len(waiting), initial=done, desc="grading", disable=quiet or None)
    try:
        futures = [pool.submit(_supervise, context, *item, running) for item in waiting]
        for future in as_completed(futures):
            bar.update()
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(running):
            process.kill()
        pool.shutdown()
        bar.close()


def _imports(chapters):
    """Return the modules that the set-up cells import, to have them ready once for all."""
    cells = [cell for chapter in chapters.values() for cell in chapter.setup]
    lines = [line for cell in cells for line in cell.source.split("\n")]
    words = [line.split() for line in lines if line.startswith(("import ", "from "))]
    return sorted({word[1].rstrip(",") for word in words})


def _supervise(context, result, job, running):
    """Mark one submission in a process of its own, and end it if it does not end."""
    chapter = read_chapter(job.source)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_mark, args=(job, sender), daemon=True)
    process.start()
    running.add(process)
    sender.close()
    deadline = time.monotonic() + 2 * job.limits.on_the_clock
    marks, ended = {}, False
    try:
        while not ended and receiver.poll(max(0, deadline - time.monotonic())):
            message = json.loads(receiver.recv_bytes())
            if "exercise" in message:
                marks[message["exercise"]] = message
            else:
                result.update(message)
                ended = True
    except EOFError:
        pass
    finally:
        running.discard(process)
        process.kill()
        process.join()
        receiver.close()
    if not ended and result["problem"] is None:
        late = time.monotonic() > deadline
        result["problem"] = "marking took too long" if late else "marking broke off on this answer"
    for exercise in chapter.graded:
        result["exercises"].append(marks.get(exercise.name) or _nothing(exercise))
    result["marks"] = sum(mark["marks"] for mark in result["exercises"])
    return result


def _nothing(exercise):
    """Return the mark of an exercise that was never reached."""
    return {
        "exercise": exercise.name,
        "title": exercise.title,
        "points": exercise.points,
        "marks": 0,
        "reasons": ["it was not reached"],
        "sentence": "",
        "code": [],
        "output": "",
    }


def _mark(job, sender):
    """Mark one submission; runs in a process of its own and sends what it finds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this
    most = (job.limits.memory + 2048) * MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))

    def tell(message):
        sender.send_bytes(json.dumps(message, default=float).encode())

    try:
        chapter, cells = read_chapter(job.source), read_cells(read_submission(job.path))
    except Unreadable as error:
        tell({"problem": str(error)})
        return
    marks, notes = mark_submission(
        chapter, cells, job.limits, job.unsafe, lambda mark: tell(asdict(mark))
    )
    for mark in marks:
        tell(asdict(mark))
    tell({"notes": notes})


def _result_file(reports, result):
    """Return where the result of one submission is kept."""
    return reports / ".results" / f"{result['student']}--{result['chapter']}.json"


def _stored(reports, result):
    """Return the result of an earlier run for the same notebooks and limits, if there is one."""
    try:
        stored = json.loads(_result_file(reports, result).read_text(encoding="utf-8"))
        return stored if result["key"] and stored["key"] == result["key"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _store(reports, result):
    """Keep a result, so that an interrupted run goes on from here."""
    _replace(_result_file(reports, result), json.dumps(result, indent=1))


def _write_all(results, chapters, to, reports):
    """Write the table of grades, each student's page and the teacher's overview."""
    columns = [exercise.name for chapter in chapters.values() for exercise in chapter.graded]
    rows = [["student", "chapter", "marks", "out of", *columns, "reason"]]
    for result in results:
        got = {mark["exercise"]: mark["marks"] for mark in result["exercises"]}
        values = [got.get(name, "") for name in columns]
        head = [result["student"], result["chapter"], result["marks"], result["points"]]
        rows.append([*head, *values, reasons(result)])
        page = reports / result["student"] / f"{result['chapter'] or 'unknown'}.html"
        _replace(page, feedback_page(result))
    lines = _Lines()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    _replace(to, "".join(lines))
    _replace(reports / "overview.html", overview_page(results))


class _Lines(list):
    """A list that a CSV writer can write to."""

    write = list.append


def reasons(result):
    """Return in one line why marks are missing, and what was put back."""
    parts = [result["problem"]] if result["problem"] else []
    for mark in result["exercises"]:
        if mark["reasons"]:
            parts.append(f"{mark['exercise']}: {', '.join(mark['reasons'])}")
    parts += result["notes"]
    return " ".join("; ".join(parts).split())


def _replace(path, text):
    """Write a file in one step, so that a stopped run leaves none half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".tmp")
    fresh.write_text(text, encoding="utf-8", errors="replace")
    fresh.replace(path)
