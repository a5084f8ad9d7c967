"""The hidden tests, run on this side of the wall on answers that came as plain data."""

import ast
import contextlib
import io
import signal
from dataclasses import dataclass, field

from .chapters import points_of
from .runner import summary
from .sandbox import ON_THE_CLOCK, Stopped

NO_ANSWER = "no answer was written: the cell still raises NotImplementedError"


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


def unmarked(exercise, *reasons):
    """Return a mark of zero."""
    return Mark(exercise.name, exercise.title, exercise.points, reasons=list(reasons))


class Tests:
    """The hidden tests of a chapter, run on answers that came as plain data."""

    def __init__(self, chapter):
        self.namespace = {"__name__": "tests"}
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in chapter.setup:
                exec(compile(cell.source, "<setup>", "exec"), self.namespace)

    def mark(self, exercise, values, refused, seconds):
        """Return the mark of an exercise for the answers that came, and those that could not."""
        mark = unmarked(exercise, *(f"`{name}` is {why}" for name, why in refused.items()))
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
        except NotImplementedError:
            return NO_ANSWER
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
    signal.setitimer(signal.ITIMER_REAL, ON_THE_CLOCK * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
