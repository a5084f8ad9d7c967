"""How long a hundred submissions of a chapter take to grade, and how much memory.

    python benchmarks/bench_grading.py [--chapters opening widths] [--count 100] [--jobs 2]

The submissions are right, wrong and blank in turn, from the stored answers of `tests/graders`.
Time on the wall depends on what else the machine does; processor time much less, so both are
printed. Memory is that of all processes together, shared pages counted once.
"""

import argparse
import json
import os
import resource
import tempfile
import threading
import time
from pathlib import Path

from convac_course.assignment import stub
from convac_course.build import build_assignment
from convac_course.chapters import SOLUTION, Chapter, read_book
from convac_course.grading import grade
from convac_course.proving import read_answers
from convac_course.usage import usage_of

ROOT = Path(__file__).resolve().parent.parent


def hand_in(chapter: Chapter, course: Path, count: int) -> int:
    """Write submissions of a chapter, and return how many are right in everything."""
    answers = read_answers(ROOT / "tests" / "graders" / f"{chapter.name}.toml")
    source = json.loads((course / "source" / chapter.name / f"{chapter.name}.ipynb").read_text())
    kinds = ("right", "blank", "wrong")
    for number in range(count):
        for cell in source["cells"]:
            cell["source"] = "".join(cell["source"])
        notebook = json.loads(json.dumps(source))
        for cell in notebook["cells"]:
            about = cell["metadata"].get("convac", {})
            if about.get("role") != "solution" or kinds[number % 3] == "right":
                continue
            given = [a for a in answers.get(about["exercise"], []) if a.on == "everywhere"]
            cell["source"] = SOLUTION.sub(stub, cell["source"])
            if kinds[number % 3] == "wrong":
                cell["source"] = given[number % len(given)].code
        notebook["metadata"]["number"] = number
        path = course / "submitted" / f"student {number:03}" / f"{chapter.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))
    return (count + 2) // 3


class Peak(threading.Thread):
    """Watches the memory of this process and all that descend from it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0, threading.Event()

    def run(self) -> None:
        """Look twice a second."""
        while not self.over.wait(0.5):
            self.most = max(self.most, usage_of([os.getpid()], limit=1).memory)


def seconds() -> float:
    """Return the processor time of this process and of those it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Grade, and print a line for each chapter."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chapters", nargs="+", default=["opening", "entanglement", "widths"])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    chapters = read_book(ROOT / "book")
    print(f"{'chapter':16}  submissions  wall s  processor s  a submission  peak MB  again s")
    for name in options.chapters:
        with tempfile.TemporaryDirectory() as folder:
            course = Path(folder)
            build_assignment(chapters[name], course)
            right = hand_in(chapters[name], course, options.count)
            peak, before, start = Peak(), seconds(), time.monotonic()
            peak.start()
            arguments = (course / "submitted", course, course / "grades.csv")
            done = grade(*arguments, jobs=options.jobs, quiet=True)
            wall = time.monotonic() - start
            peak.over.set()
            spent = seconds() - before + sum(result.seconds for result in done.results)
            assert sum(result.full for result in done.results) >= right
            start = time.monotonic()
            assert grade(*arguments, jobs=options.jobs, quiet=True).marked == 0
            print(
                f"{name:16}  {options.count:11}  {wall:6.0f}  {spent:11.0f}  "
                f"{spent / options.count:12.2f}  {peak.most / 2**20:7.0f}  "
                f"{time.monotonic() - start:7.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
