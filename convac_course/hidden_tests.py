"""The hidden tests, run on this side of the wall on answers that came as plain data.

What a test is told by an answer's functions, and what it tells of itself, goes no further: a
reason is made of words that the test's author wrote, names of errors, and nothing else.
"""

import ast
import contextlib
import io
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .answering import Answerer, Fetched, FromAnswer, Stopped
from .chapters import HIDDEN, Chapter, Exercise

NO_ANSWER = "no answer was written: the cell still raises NotImplementedError"
NOT_RIGHT = "the answer is not right"
LONGEST_SENTENCE = 500
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxdict = 12


@dataclass
class Mark:
    """What an exercise got, and why.

    `answers` are the student's values to read, `sentence` is what the page's check says of
    them, `code` and `output` are what the student wrote and printed.
    """

    exercise: str
    title: str
    points: float
    marks: float = 0
    reasons: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    sentence: str = ""
    code: list[str] = field(default_factory=list)
    output: str = ""


def unmarked(exercise: Exercise, *reasons: str) -> Mark:
    """Return a mark of zero."""
    return Mark(exercise.name, exercise.title, exercise.points, reasons=list(reasons))


class HiddenTests:
    """The hidden tests and the checks of a chapter.

    Parameters
    ----------
    chapter : Chapter
        Its set-up cells are run at once, in this process.
    """

    def __init__(self, chapter: Chapter) -> None:
        self.namespace: dict[str, Any] = {"__name__": "tests"}
        with _quietly():
            for cell in chapter.setup:
                exec(compile(cell.source, "<setup>", "exec"), self.namespace)

    def mark(self, exercise: Exercise, fetched: Fetched, answerer: Answerer | None = None) -> Mark:
        """Return the mark of an exercise for the answers that came.

        Parameters
        ----------
        exercise : Exercise
        fetched : Fetched
        answerer : Answerer, optional
            Whom to ask when a test calls a function of the answer.
        """
        values, refused = read_answers(exercise, fetched, answerer)
        mark = unmarked(exercise, *(f"`{name}` is {why}" for name, why in refused.items()))
        for test in exercise.of("test"):
            code = "".join(HIDDEN.findall(test.source))
            reason = self._try(code, self.given(exercise) | values, exercise.answers)
            if reason is None:
                mark.marks += test.points
            elif reason not in mark.reasons and not refused:
                mark.reasons.append(reason)
        return mark

    def check(
        self, exercise: Exercise, fetched: Fetched, answerer: Answerer | None = None
    ) -> tuple[list[str], str]:
        """Return the answers to read, and the sentence that the page's own check says of them."""
        values, _ = read_answers(exercise, fetched, answerer)
        answers = [f"{name} = {_shown(value)}" for name, value in values.items()]
        namespace, said = self.given(exercise) | values, []
        try:
            with _quietly():
                for cell in exercise.of("check"):
                    *before, last = ast.parse(cell.source).body
                    exec(compile(ast.Module(before, []), "<check>", "exec"), namespace)
                    if isinstance(last, ast.Expr):
                        code = compile(ast.Expression(last.value), "<check>", "eval")
                        said.append(eval(code, namespace))
        except Stopped:
            raise
        except Exception:
            pass  # an answer that the check cannot use; the test will say why
        told = (str(one)[:LONGEST_SENTENCE] for one in said if hasattr(one, "ok"))
        return answers, " ".join(told)

    def given(self, exercise: Exercise) -> dict[str, Any]:
        """Return a namespace with the set-up and the exercise's given values."""
        namespace = dict(self.namespace)
        for cell in exercise.of("given"):
            exec(compile(cell.source, "<given>", "exec"), namespace)
        return namespace

    def _try(self, code: str, namespace: dict[str, Any], answers: list[str]) -> str | None:
        """Run a hidden test; return None if it passes, or why not without giving it away."""
        try:
            with _quietly():
                exec(compile(code, "<test>", "exec"), namespace)
        except Stopped:
            raise
        except NotImplementedError:
            return NO_ANSWER
        except FromAnswer as error:
            kind = type(error).__name__ if type(error) is not FromAnswer else "an error"
            return f"its function raised {kind}"
        except AssertionError as error:
            said = str(error)
            return f"{NOT_RIGHT}: {said}" if said in _messages(code) else NOT_RIGHT
        except NameError as error:
            if error.name in answers:
                return f"`{error.name}` is not defined"
            return "the test could not use the answer: NameError"
        except (Exception, SystemExit) as error:
            return f"the test could not use the answer: {type(error).__name__}"
        return None


def read_answers(
    exercise: Exercise, fetched: Fetched, answerer: Answerer | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return an exercise's answers by name, and why others have none: the one place for both.

    Parameters
    ----------
    exercise : Exercise
    fetched : Fetched
        What came, believed in nothing.
    answerer : Answerer, optional
        Whom to ask when a function is called.
    """
    proxy = answerer.proxies(fetched.place) if answerer else None
    values, refused = fetched.read(proxy)
    wanted = exercise.answers
    return (
        {name: values[name] for name in wanted if name in values},
        {name: refused[name] for name in wanted if name in refused},
    )


def _messages(code: str) -> set[str]:
    """Return the messages that a test's author wrote out in its assertions and errors."""
    nodes = list(ast.walk(ast.parse(code)))
    parts = [node.msg for node in nodes if isinstance(node, ast.Assert)]
    parts += [part for node in nodes if isinstance(node, ast.Call) for part in node.args[:1]
              if getattr(node.func, "id", "") == "AssertionError"]  # fmt: skip
    return {p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)}


def _shown(value: Any) -> str:
    """Return a value to read, in one short line."""
    if callable(value):
        return "a function"
    try:
        return " ".join(_SHORT.repr(value).split())[:200]
    except Exception:
        return f"of type {type(value).__name__}"


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Let nothing be printed."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
