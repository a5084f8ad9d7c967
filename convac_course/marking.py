"""Marking one submission: the student's cells behind the wall, the hidden tests on this side.

The set-up and the given values are the course's own, whatever the student's notebook says. The
student's cells run in a sandbox; the answers come out as plain data, and the hidden test runs
here on them. So there is no test to read there, and no checker whose patching would matter.
"""

import time
from dataclasses import dataclass

from .chapters import role_of
from .hidden_tests import NO_ANSWER, Tests, unmarked
from .runner import Worker, plain_python
from .sandbox import START_SECONDS, Sandbox, Stopped

MOST_STARTS = 4


@dataclass
class Step:
    """One thing to do with a submission: run a cell, or mark an exercise after its cells.

    A set-up cell belongs to no exercise; `own` says that the cell is the student's.
    """

    exercise: object
    source: str | None = None
    own: bool = False


def plan(chapter, cells):
    """Return the steps for a submission, and what was put back in it.

    The student's cells keep their order. A set-up or given cell runs as the course has it, a
    missing one is put back, and an exercise is marked where its test cell stands, or after its
    last cell if that is gone.
    """
    kinds = {c.metadata.nbgrader.grade_id: c for c in chapter.cells if "nbgrader" in c.metadata}
    exercises = {exercise.name: exercise for exercise in chapter.exercises}
    steps, notes, seen = [Step(None, cell.source) for cell in chapter.setup], [], set()
    handed = {cell.grade_id for cell in cells}
    current, marked = None, []
    for cell in cells:
        original = kinds.get(cell.grade_id) if cell.grade_id not in seen else None
        seen.add(cell.grade_id)
        role = original and role_of(original)
        name = original and original.metadata.convac.get("exercise")
        if name in exercises and exercises[name].graded and exercises[name] is not current:
            if current is not None and current not in marked:
                _end(steps, marked, current, notes, handed)
            current = exercises[name]
            if current not in marked:
                steps += [Step(current, given.source) for given in current.of("given")]
        if role in ("given", "setup") and cell.source.strip() != original.source.strip():
            notes.append(f"the cell {cell.grade_id} had been changed; the original was used")
        if role == "test" and original is current.of("test")[-1]:
            _end(steps, marked, current, notes, handed)
        elif cell.code and role in (None, "solution") and cell.source.strip():
            steps.append(Step(current, cell.source, own=True))
    for exercise in chapter.graded:
        if exercise not in marked:
            if exercise is not current:
                steps += [Step(exercise, given.source) for given in exercise.of("given")]
            _end(steps, marked, exercise, notes, handed)
    return steps, notes


def _end(steps, marked, exercise, notes, handed):
    """Add the marking of an exercise, and note which of its cells were gone."""
    for cell in exercise.of("solution", "test"):
        if cell.metadata.nbgrader.grade_id not in handed:
            notes.append(f"the cell {cell.metadata.nbgrader.grade_id} was gone")
    steps.append(Step(exercise))
    marked.append(exercise)


def mark_submission(chapter, cells, limits, unsafe=False, tell=lambda mark: None):
    """Run a submission and return its marks and notes.

    Parameters
    ----------
    chapter : Chapter
        Read from the course's source notebook.
    cells : list of Cell
    limits : Limits
    unsafe : bool
        Run without the wall.
    tell : callable
        Called with each mark as soon as it is known.

    Returns
    -------
    marks : list of Mark
    notes : list of str
    """
    steps, notes = plan(chapter, cells)
    marking = Marking(steps, Tests(chapter), limits, unsafe, tell)
    why = marking.run()
    for exercise in chapter.graded:
        if exercise.name not in marking.marks:
            marking.keep(unmarked(exercise, why))
    for name, mark in marking.marks.items():
        mark.code = [s.source for s in steps if s.own and s.exercise and s.exercise.name == name]
    return [marking.marks[exercise.name] for exercise in chapter.graded], notes


class Marking:
    """One submission on its way through the sandbox, and what came of it so far."""

    def __init__(self, steps, tests, limits, unsafe, tell):
        self.steps, self.tests, self.tell = steps, tests, tell
        self.limits, self.unsafe = limits, unsafe
        self.until = time.monotonic() + limits.on_the_clock
        self.marks, self.errors, self.ended = {}, {}, {}

    def run(self):
        """Run all steps, with a fresh sandbox after each cell that ends one.

        Returns why exercises may be left without a mark.
        """
        for _ in range(MOST_STARTS):
            try:
                sandbox = self._prepared()
            except Stopped as stopped:
                return f"the course's set-up did not run: {stopped}"
            try:
                self._run_steps(sandbox)
                break
            except Stopped as stopped:
                if time.monotonic() > self.until:
                    return str(stopped)
            finally:
                sandbox.close()
        return "the notebook was stopped too often to reach this exercise"

    def keep(self, mark):
        """Keep a mark and tell of it."""
        self.marks[mark.exercise] = mark
        self.tell(mark)

    def _prepared(self):
        """Return a sandbox in which the course's set-up has run."""
        sandbox = Sandbox(self.limits, self.unsafe, self.until)
        for step in self.steps:
            error = sandbox.run(step.source, START_SECONDS) if step.exercise is None else None
            if error:
                sandbox.close()
                raise Stopped(error)
        return sandbox

    def _run_steps(self, sandbox):
        """Run the steps in their order, but for those that ended an earlier sandbox."""
        for number, step in enumerate(self.steps):
            if step.exercise is None or number in self.ended:
                continue
            try:
                if step.source is None:
                    self._mark(step.exercise, sandbox)
                elif error := sandbox.run(step.source, None if step.own else START_SECONDS):
                    self.errors[number] = error
            except Stopped as stopped:
                self.ended[number] = str(stopped)
                if step.source is None and step.exercise.name not in self.marks:
                    self.keep(unmarked(step.exercise, str(stopped)))
                raise

    def _mark(self, exercise, sandbox):
        """Mark an exercise whose cells have run, and say what went wrong in them."""
        if exercise.name in self.marks:
            return
        mine = [n for n, step in enumerate(self.steps) if step.exercise is exercise]
        reasons = [f"a cell was stopped: {self.ended[n]}" for n in mine if n in self.ended]
        reasons += [_explain(self.errors[n]) for n in mine if n in self.errors]
        seconds = self.limits.cell_seconds
        values, refused = sandbox.fetch(exercise.answers)
        mark = self.tests.mark(exercise, values, refused, seconds)
        reasons = reasons if NO_ANSWER in reasons else [*reasons, *mark.reasons]
        mark.reasons = reasons if mark.marks < mark.points else []
        mark.output = sandbox.take_output()
        try:
            mark.sentence = self.tests.check(exercise, values, seconds)
        finally:
            self.keep(mark)


def _explain(error):
    """Return a cell's error as a reason."""
    if error.startswith("NotImplementedError"):
        return NO_ANSWER
    return f"a cell raised {error}"


class Local:
    """Answers from code run in this very process: for code that is trusted, as in proofs."""

    def __init__(self, namespace=None):
        self.worker = Worker(plain_python)
        self.worker.namespace.update(namespace or {})

    def run(self, source):
        """Run a cell and return its error as one line, or None."""
        return self.worker.run(source)["error"]

    def fetch(self, names):
        """Return the answers through the same plain data as a sandbox does."""
        return Sandbox.fetch(self, names)

    def call(self, name, *arguments, **keywords):
        """Call a function of the code, through plain data as well."""
        return Sandbox.call(self, name, *arguments, **keywords)

    def _ask(self, request):
        """Answer a request at once."""
        return self.worker.answer(request)

    def _proxy(self, name):
        """Return a function that calls the code's function."""
        return Sandbox._proxy(self, name)
