"""Marking one submission: the student's cells behind the wall, the hidden tests on this side.

First all cells are run, and the answers, what was printed and what the public check says are
taken. Only then are the hidden tests run. So what a test hands to a student's function enters
the sandbox after the last thing has left it that anyone will read.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .answering import Fetched, Stopped
from .apart import apart
from .chapters import Chapter, Exercise
from .given import Given
from .hidden_tests import NO_ANSWER, HiddenTests, Mark, unmarked
from .notebooks import Cell
from .plan import Plan, Step, make_plan
from .rights import MEGABYTE
from .sandbox import START_SECONDS, Limits, Sandbox

MOST_STARTS = 8
# How it ended would say something of what it was called with.
ENDED = "its function was stopped, or ended its process"
ROOM_FOR_TESTS = 2048
Tell = Callable[[Mark], None]


@dataclass
class Collected:
    """What a student's cells gave for an exercise."""

    fetched: Fetched
    output: str = ""
    step: Step | None = None
    answers: list[str] = field(default_factory=list)
    sentence: str = ""


@dataclass
class Outcome:
    """The marks of a submission, what was odd in it, and its answers to keep.

    `seconds` is the processor time that the student's code took.
    """

    marks: list[Mark]
    notes: list[str]
    kept: dict[str, Fetched]
    problem: str | None = None
    seconds: float = 0


class SetupFailed(Exception):
    """The course's own set-up did not run; no student is to blame."""


def mark_submission(
    chapter: Chapter,
    cells: list[Cell],
    template: int,
    limits: Limits,
    unsafe: bool = False,
    tell: Tell = lambda mark: None,
) -> Outcome:
    """Run a submission and return its marks.

    Parameters
    ----------
    chapter : Chapter
        Read from the course's source notebook.
    cells : list of Cell
        What was handed in.
    template : int
        The file by which to ask for a student's process.
    limits : Limits
    unsafe : bool
        Run without the wall.
    tell : callable
        Called with each mark as soon as it is known.
    """
    plan = make_plan(chapter, cells)
    try:
        marking = Marking(chapter, plan, template, limits, unsafe, tell)
        marking.run()
    except SetupFailed as failed:
        return Outcome([], plan.notes, {}, f"the course's set-up did not run: {failed}")
    marks = [marking.marks[exercise.name] for exercise in chapter.graded]
    kept = {name: one.fetched for name, one in marking.collected.items()}
    return Outcome(marks, plan.notes + marking.notes, kept, seconds=marking.seconds)


def mark_again(
    chapter: Chapter, names: list[str], kept: dict[str, Fetched], limits: Limits
) -> list[Mark]:
    """Return the marks of exercises whose answers were kept, without any code of the student's.

    Parameters
    ----------
    chapter : Chapter
    names : list of str
        The exercises.
    kept : dict of str to Fetched
        Their answers, without functions.
    limits : Limits
    """
    tests, marks = _tests(chapter), []
    for exercise in chapter.graded:
        if exercise.name in names:
            fetched = kept[exercise.name]
            try:
                mark = _mark_apart(tests, exercise, fetched, limits)
            except Stopped as stopped:
                mark = unmarked(exercise, str(stopped))
            with contextlib.suppress(Stopped):
                mark.answers, mark.sentence = _check_apart(tests, exercise, fetched, limits)
            marks.append(mark)
    return marks


def _tests(chapter: Chapter) -> HiddenTests:
    """Return the hidden tests of a chapter, ready to run."""
    try:
        return HiddenTests(chapter)
    except Exception as error:
        raise SetupFailed(f"{type(error).__name__}: {error}") from error


def _apart(work: Callable[[], Any], limits: Limits, sandbox: Sandbox | None = None) -> Any:
    """Do some work in a process of its own, which may go on with a sandbox's conversation."""

    def whole() -> list[Any]:
        done = work()
        if sandbox is None:
            return [done, 0]
        if sandbox.asked != sandbox.answered:  # whatever became of the error that said so
            raise Stopped(ENDED)
        return [done, sandbox.asked]

    memory = (limits.memory + ROOM_FOR_TESTS) * MEGABYTE
    result, asked = apart(whole, limits.cell_seconds, memory)
    if sandbox is not None:
        sandbox.asked = sandbox.answered = asked
    return result


def _mark_apart(
    tests: HiddenTests,
    exercise: Exercise,
    fetched: Fetched,
    limits: Limits,
    sandbox: Sandbox | None = None,
) -> Mark:
    """Run the hidden tests of an exercise in a process of their own."""
    return Mark(**_apart(lambda: asdict(tests.mark(exercise, fetched, sandbox)), limits, sandbox))


def _check_apart(
    tests: HiddenTests,
    exercise: Exercise,
    fetched: Fetched,
    limits: Limits,
    sandbox: Sandbox | None = None,
) -> tuple[list[str], str]:
    """Let the page's check speak, in a process of its own."""
    answers, sentence = _apart(lambda: tests.check(exercise, fetched, sandbox), limits, sandbox)
    return answers, sentence


class Marking:
    """One submission on its way through sandboxes, and what came of it so far.

    Parameters
    ----------
    chapter : Chapter
    plan : Plan
    template : int
    limits : Limits
    unsafe : bool
    tell : callable
    """

    def __init__(
        self,
        chapter: Chapter,
        plan: Plan,
        template: int,
        limits: Limits,
        unsafe: bool,
        tell: Tell,
    ) -> None:
        self.exercises = {exercise.name: exercise for exercise in chapter.graded}
        self.plan, self.tests, self.tell = plan, _tests(chapter), tell
        self.given = Given(chapter, self.tests)
        self.template, self.limits, self.unsafe = template, limits, unsafe
        self.until = time.monotonic() + limits.on_the_clock
        self.marks: dict[str, Mark] = {}
        self.collected: dict[str, Collected] = {}
        self.errors: dict[Step, str] = {}
        self.ended: dict[Step, str] = {}
        self.notes: list[str] = []
        self.seconds = 0.0
        # The exercise whose test called functions last. Once there is one, a cell could know what
        # a test has called, so that nothing new is taken from cells.
        self.tried = ""

    def run(self) -> None:
        """Run all steps, with a fresh sandbox after each cell that ends one, and mark."""
        why = "the notebook was stopped too often to reach this exercise"
        for start in range(MOST_STARTS + 2 * len(self.exercises)):
            try:
                sandbox = self._prepared()
            except SetupFailed as failed:
                if start == 0:
                    raise
                why = str(failed)  # time is up, or the machine is short of something
                break
            try:
                self._run_steps(sandbox)
                self._mark_those_with_functions(sandbox)
                break
            except Stopped as stopped:
                if time.monotonic() > self.until:
                    why = ENDED if self.tried else str(stopped)
                    break
            finally:
                sandbox.close()
                self.seconds += sandbox.spent
        for name, exercise in self.exercises.items():
            if name in self.marks:
                continue
            one = self.collected.get(name)
            if one is None or one.fetched.has_functions:
                self._keep(unmarked(exercise, why))
            else:
                self._mark(exercise, None)

    def _keep(self, mark: Mark) -> None:
        """Complete a mark with what is to be read beside it, keep it and tell of it."""
        exercise = self.exercises[mark.exercise]
        own = [step for step in self.plan.steps if step.own and step.exercise is exercise]
        reasons = [f"a cell was stopped: {self.ended[s]}" for s in own if s in self.ended]
        reasons += [_explain(self.errors[s]) for s in own if s in self.errors]
        if NO_ANSWER not in reasons:
            reasons += mark.reasons
        one = self.collected.get(mark.exercise, Collected(Fetched()))
        self.marks[mark.exercise] = replace(
            mark,
            reasons=list(dict.fromkeys(reasons)) if mark.marks < mark.points else [],
            answers=one.answers,
            sentence=one.sentence,
            output=one.output,
            code=[step.source for step in own if step.source],
        )
        self.tell(self.marks[mark.exercise])

    def _prepared(self) -> Sandbox:
        """Return a sandbox in which the course's set-up has run."""
        giver = self.given.giver(self.limits.total_seconds)
        try:
            sandbox = Sandbox(self.template, self.limits, self.unsafe, self.until, giver)
        except (Stopped, OSError) as stopped:
            raise SetupFailed(str(stopped)) from stopped
        try:
            for source in self.plan.setup:
                if error := sandbox.run(source, START_SECONDS):
                    raise SetupFailed(error)
        except (Stopped, SetupFailed) as failed:
            sandbox.close()
            raise SetupFailed(str(failed)) from failed
        return sandbox

    def _run_steps(self, sandbox: Sandbox) -> None:
        """Run the steps in their order, but for those that ended an earlier sandbox."""
        last = None  # the student's own
        for step in self.plan.steps:
            if step in self.ended:
                continue
            last = step if step.own else last
            try:
                if step.collects:
                    self._collect(step, sandbox)
                else:
                    self._run_cell(step, sandbox)
            except Stopped as stopped:
                # A cell may leave something that strikes later, such as an alarm. The course's own
                # cells are not to blame, and run again.
                self._end(step if step.own or step.collects else last or step, str(stopped))
                raise

    def _run_cell(self, step: Step, sandbox: Sandbox) -> None:
        """Run a cell and keep the error that it raises."""
        given = self.given.values.get(
            (step.exercise.name if step.exercise else "", step.source or "")
        )
        if given is not None and not step.own:
            return sandbox.give(given)
        error = sandbox.run(step.source or "", None if step.own else START_SECONDS)
        if error and step not in self.errors and not self.tried:
            self.errors[step] = error
            if not step.own:
                self.notes.append(f"a cell of the course raised {error} among the student's")
            elif step.exercise is None:
                self.notes.append(f"a cell outside the exercises raised {error}")

    def _end(self, step: Step, why: str) -> None:
        """Remember that a step ended a sandbox, and whom that costs what."""
        self.ended[step] = why
        if step.collects and step.exercise and step.exercise.name not in self.marks:
            self._keep(unmarked(step.exercise, why))
        elif step.exercise is None:
            self.notes.append(f"a cell outside the exercises was stopped: {why}")

    def _collect(self, step: Step, sandbox: Sandbox) -> None:
        """Take the answers to an exercise, what was printed, and what the check says."""
        exercise, output = step.exercise, sandbox.take_output()
        if exercise is None or exercise.name in self.marks:
            return
        before = self.collected.get(exercise.name)
        if before is not None and (self.tried or not (step.again and self._lacks(exercise))):
            if before.fetched.has_functions and step is before.step:
                before.fetched = sandbox.fetch(exercise.answers)  # from a fresh sandbox
            return
        fetched = sandbox.fetch(exercise.answers)
        self.collected[exercise.name] = one = Collected(fetched, output, step)
        asked = sandbox if fetched.has_functions else None
        try:
            check = _check_apart(self.tests, exercise, fetched, self.limits, asked)
            one.answers, one.sentence = check
        except Stopped:
            if asked is not None:
                raise

    def _lacks(self, exercise: Exercise) -> bool:
        """Tell whether an answer to an exercise was missing when they were collected."""
        fetched = self.collected[exercise.name].fetched
        held = {*fetched.values, *fetched.refused}
        return exercise.name in self.plan.blank or not set(exercise.answers) <= held

    def _mark_those_with_functions(self, sandbox: Sandbox) -> None:
        """Mark the exercises whose tests call functions in the sandbox.

        One that is stopped is marked again in a fresh sandbox, before all others: what stopped
        it may have been left there by a call for another one.
        """
        waiting = [
            name for name, one in self.collected.items()
            if name not in self.marks and one.fetched.has_functions
        ]  # fmt: skip
        waiting.sort(key=lambda name: name != self.tried)
        for name in waiting:
            self.tried = name
            self._mark(self.exercises[name], sandbox, name == waiting[0])

    def _mark(self, exercise: Exercise, sandbox: Sandbox | None, first: bool = True) -> None:
        """Run the hidden tests of an exercise; a test that does not end gives no mark.

        One that is not the first to be marked in its sandbox has another try.
        """
        fetched = self.collected[exercise.name].fetched
        try:
            self._keep(_mark_apart(self.tests, exercise, fetched, self.limits, sandbox))
        except Stopped as stopped:
            if sandbox is None:
                return self._keep(unmarked(exercise, str(stopped)))
            if first:
                self._keep(unmarked(exercise, ENDED))
            raise


def _explain(error: str) -> str:
    """Return a cell's error as a reason."""
    return NO_ANSWER if error.startswith("NotImplementedError") else f"a cell raised {error}"
