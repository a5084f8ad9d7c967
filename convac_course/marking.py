"""Marking one submission: the student's cells behind the wall, the hidden tests on this side.

The set-up and the given values are the course's own, whatever the student's notebook says. The
student's cells run in a sandbox; the answers come out as plain data, and the hidden test runs
here on them. So there is no test to read there, and no checker whose patching would matter.
"""

import ast
import contextlib
import io
import signal
import time
from dataclasses import dataclass, field

from .chapters import points_of, role_of
from .runner import Worker, plain_python, summary
from .sandbox import START_SECONDS, Sandbox, Stopped

MOST_STARTS = 4
STUB_ERROR = "NotImplementedError"


class CourseError(Exception):
    """The course's own cells do not run here; no student is to blame."""


@dataclass
class Mark:
    """What an exercise got, and why."""

    exercise: str
    title: str
    points: float
    marks: float = 0
    reasons: list = field(default_factory=list)
    sentence: str = ""
    code: list = field(default_factory=list)
    output: str = ""


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
            notes.append(f"the cell {cell.metadata.nbgrader.grade_id} had been deleted")
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
    tests = Tests(chapter)
    marks, errors, fatal = {}, {}, {}
    until = time.monotonic() + limits.on_the_clock
    for _ in range(MOST_STARTS):
        try:
            _run(steps, tests, limits, unsafe, until, marks, errors, fatal, tell)
            break
        except CourseError as error:
            fatal[None] = str(error)
            break
        except Stopped as stopped:
            if time.monotonic() > until:
                fatal[None] = str(stopped)
                break
    for step in steps:
        if step.source is None and step.exercise.name not in marks:
            why = fatal.get(None, "the notebook was stopped too often to reach this exercise")
            _keep(marks, tell, tests.unmarked(step.exercise, why))
    for name, mark in marks.items():
        mark.code = [s.source for s in steps if s.own and s.exercise and s.exercise.name == name]
    return [marks[exercise.name] for exercise in chapter.graded], notes


def _run(steps, tests, limits, unsafe, until, marks, errors, fatal, tell):
    """Run all steps in one fresh sandbox; a step that ended an earlier one is left out."""
    sandbox = _prepared(steps, limits, unsafe, until)
    try:
        for number, step in enumerate(steps):
            if step.exercise is None or number in fatal:
                continue
            try:
                if step.source is None:
                    if step.exercise.name not in marks:
                        _mark_exercise(steps, step.exercise, sandbox, tests, marks, errors, fatal, tell)
                elif error := sandbox.run(step.source, None if step.own else START_SECONDS):
                    errors[number] = error
            except Stopped as stopped:
                fatal[number] = str(stopped)
                if step.source is None and step.exercise.name not in marks:
                    _keep(marks, tell, tests.unmarked(step.exercise, str(stopped)))
                raise
    finally:
        sandbox.close()


def _prepared(steps, limits, unsafe, until):
    """Return a sandbox in which the course's set-up has run."""
    try:
        sandbox = Sandbox(limits, unsafe, until)
        for step in steps:
            error = sandbox.run(step.source, START_SECONDS) if step.exercise is None else None
            if error:
                sandbox.close()
                raise CourseError(f"the course's set-up cell raised {error}")
    except Stopped as stopped:
        raise CourseError(f"the course's set-up cell was stopped: {stopped}") from stopped
    return sandbox


def _mark_exercise(steps, exercise, sandbox, tests, marks, errors, fatal, tell):
    """Mark an exercise whose cells have run, and say what went wrong in them."""
    mine = [number for number, step in enumerate(steps) if step.exercise is exercise]
    reasons = [f"a cell was stopped: {fatal[number]}" for number in mine if number in fatal]
    reasons += [_explain(errors[number]) for number in mine if number in errors]
    seconds = sandbox.limits.cell_seconds
    values, refused = sandbox.fetch(exercise.answers)
    mark = tests.mark(exercise, values, refused, seconds)
    mark.reasons = [*reasons, *mark.reasons] if mark.marks < mark.points else []
    mark.output = sandbox.take_output()
    try:
        mark.sentence = tests.check(exercise, values, seconds)
    finally:
        _keep(marks, tell, mark)


def _keep(marks, tell, mark):
    """Keep a mark and tell of it."""
    marks[mark.exercise] = mark
    tell(mark)


def _explain(error):
    """Return a cell's error as a reason."""
    if error.startswith(STUB_ERROR):
        return "no answer was written: the cell still raises NotImplementedError"
    return f"a cell raised {error}"


class Tests:
    """The hidden tests of a chapter, run on answers that came as plain data."""

    def __init__(self, chapter):
        self.namespace = {"__name__": "tests"}
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in chapter.setup:
                exec(compile(cell.source, "<setup>", "exec"), self.namespace)

    def mark(self, exercise, values, refused, seconds):
        """Return the mark of an exercise for the answers that came, and those that could not."""
        mark = self.unmarked(exercise, *(f"`{name}` is {why}" for name, why in refused.items()))
        for test in exercise.of("test"):
            namespace = self._given(exercise) | values
            reason = self._try(test.source, namespace, seconds, exercise.answers)
            if reason is None:
                mark.marks += points_of(test)
            elif reason not in mark.reasons and not refused:
                mark.reasons.append(reason)
        return mark

    def check(self, exercise, values, seconds):
        """Return the sentence that the page's own check says of the answers."""
        namespace, said = self._given(exercise) | values, []
        try:
            with _deadline(seconds), contextlib.redirect_stdout(io.StringIO()):
                for cell in exercise.of("check"):
                    *before, last = ast.parse(cell.source).body
                    exec(compile(ast.Module(before, []), "<check>", "exec"), namespace)
                    if isinstance(last, ast.Expr):
                        code = compile(ast.Expression(last.value), "<check>", "eval")
                        said.append(eval(code, namespace))
        except Stopped:
            raise
        except Exception:
            pass  # an answer that the check cannot use; the test has said why
        return " ".join(str(feedback)[:500] for feedback in said if hasattr(feedback, "ok"))

    def unmarked(self, exercise, *reasons):
        """Return a mark of zero."""
        return Mark(exercise.name, exercise.title, exercise.points, reasons=list(reasons))

    def _given(self, exercise):
        """Return a namespace with the set-up and the exercise's given values."""
        namespace = dict(self.namespace)
        for cell in exercise.of("given"):
            exec(compile(cell.source, "<given>", "exec"), namespace)
        return namespace

    def _try(self, code, namespace, seconds, answers):
        """Run a hidden test; return None if it passes, or why not without giving it away."""
        try:
            with _deadline(seconds), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(code, "<test>", "exec"), namespace)
        except Stopped:
            raise
        except AssertionError as error:
            said = str(error).split("\n")[0]
            return "the answer is not right" + (f": {said}" if said else "")
        except NameError as error:
            name = getattr(error, "name", None)
            if name in answers:
                return f"`{name}` is not defined"
            return f"the test could not use the answer: {summary(error)}"
        except (Exception, SystemExit) as error:
            return f"the test could not use the answer: {_without_line(summary(error))}"
        return None


def _without_line(text):
    """Return an error's summary without a line number, which would be the test's."""
    return text.rsplit(" (line ", 1)[0]


@contextlib.contextmanager
def _deadline(seconds):
    """Stop what runs in the main thread after some time."""

    def ring(*_):
        raise Stopped(f"the test took longer than {seconds:g} s on this answer")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Local:
    """Answers from code run in this very process: for code that is trusted, as in proofs."""

    def __init__(self):
        self.worker = Worker(plain_python)

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

