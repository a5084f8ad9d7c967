"""A check and the hidden tests give one verdict, on right answers and on what is made of them.

Each stored answer and each chapter's own solution is changed in many ways: another kind of
number, a list for a tuple, text, a fraction, a sign, nothing, rounded digits, a wrong shape.
The check must say "right" exactly when all hidden tests pass, and neither may raise anything
but a failed assertion. A sample runs here; `make graders` runs all of it.
"""

import contextlib
import io
import os
import re
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from convac_book.checks import Feedback
from convac_course.chapters import HIDDEN, read_book
from convac_course.plain import NotPlain, decode, encode
from convac_course.proving import read_answers
from convac_course.variants import count_variants, varied

ROOT = Path(__file__).resolve().parent.parent
FULL = bool(os.environ.get("CONVAC_FULL"))
CHAPTERS = {name: one for name, one in read_book(ROOT / "book").items() if one.graded}
NO_SUCH = (TypeError, ValueError, OverflowError, RuntimeError)
SAMPLED = ("as it is", "float", "text", "negative", "nan", "empty", "rounded to 3", "in a list")
TOLERANCE = re.compile(r"\b(within|percent)=([0-9.]+)")


# --- what is made of an answer ----------------------------------------------------------------


def changed(value):
    """Yield (how, what an answer has become)."""
    yield "as it is", value
    yield from (("none", None), ("empty", []), ("text", str(value)), ("nan", np.nan))
    yield from (("infinite", np.inf), ("true", True), ("in a list", [value]))
    if isinstance(value, str):
        yield from (("spaced", f" {value} "), ("upper", value.upper()), ("no text", ""))
    elif isinstance(value, dict):
        yield from _of_dict(value)
    elif isinstance(value, (set, frozenset)):
        items = sorted(value)
        for name, kind in (("list", list), ("tuple", tuple), ("array", np.array), ("set", set)):
            yield name, kind(items)
            yield f"{name} of floats", kind([float(x) for x in items])
        yield "one dropped", set(items[1:])
        yield "one more", {*items, 10**6}
        yield "text in it", {*map(str, items)}
        yield "halves", {x + 0.5 for x in items}
    elif isinstance(value, (list, tuple)):
        yield from _of_list(value)
    elif isinstance(value, (np.ndarray, torch.Tensor)) and value.ndim:
        yield from _of_array(np.asarray(value))
    else:
        yield from _of_number(value)


def _of_number(value):
    number = value.item() if hasattr(value, "item") else value
    for name, kind in (
        ("int", int),
        ("float", float),
        ("np.float64", np.float64),
        ("np.float32", np.float32),
        ("tensor", torch.tensor),
        ("double tensor", lambda x: torch.tensor(x, dtype=torch.float64)),
        ("array", np.array),
        ("array of one", lambda x: np.array([x])),
        ("array of one by one", lambda x: np.array([[x]])),
        ("two of it", lambda x: np.array([x, x])),
        ("tuple of one", lambda x: (x,)),
        ("fraction", Fraction),
        ("simple fraction", lambda x: Fraction(x).limit_denominator(1000)),
        ("complex", complex),
        ("negative", lambda x: -x),
        ("one more", lambda x: x + 1),
        ("a half more", lambda x: x + 0.5),
        ("a little more", lambda x: x * (1 + 1e-9)),
        ("np.int64", np.int64),
    ):
        with contextlib.suppress(*NO_SUCH):
            yield name, kind(number)
    for digits in range(2, 7):
        with contextlib.suppress(*NO_SUCH):
            yield f"rounded to {digits}", round(float(number), digits)


def _of_list(value):
    yield "list", list(value)
    yield "tuple", tuple(value)
    yield "reversed", value[::-1]
    yield "one dropped", value[1:]
    yield "one more", [*value, *value[:1]]
    with contextlib.suppress(*NO_SUCH):
        yield "set", set(value)
    for name, kind in (("array", np.array), ("tensor", torch.tensor)):
        with contextlib.suppress(*NO_SUCH):
            yield name, kind(value)
    numbers = value and all(isinstance(x, (int, float, np.number, Fraction)) for x in value)
    if numbers:
        yield "rows of one", [[x] for x in value]
        for name, kind in (
            ("float", float),
            ("text of each", str),
            ("np.int64 of each", np.int64),
            ("tensor of each", torch.tensor),
            ("negative", lambda x: -x),
            ("halves", lambda x: x + 0.5),
        ):
            with contextlib.suppress(*NO_SUCH):
                yield name, [kind(x) for x in value]
        for digits in range(2, 7):
            with contextlib.suppress(*NO_SUCH):
                yield f"rounded to {digits}", [round(float(x), digits) for x in value]
    for place in range(len(value) if not numbers else min(1, len(value))):
        for name, other in changed(value[place]):
            yield f"{name} at {place}", [*value[:place], other, *value[place + 1 :]]


def _of_array(value):
    yield "array", value
    yield "float", value.astype(float)
    yield "float32", value.astype(np.float32)
    yield "tensor", torch.tensor(value)
    yield "lists", value.tolist()
    yield "flat", value.ravel()
    yield "turned", value.T
    yield "one axis more", value[None]
    yield "text of each", value.astype(str)
    yield "negative", -value
    yield "nothing", value[:0]
    yield "complex", value.astype(complex)
    for how, number in (("nan inside", np.nan), ("inf inside", np.inf)):
        holed = value.astype(float)
        holed.flat[-1] = number
        yield how, holed
    for how, step in (("a little off", 1e-9), ("off", 1e-3)):
        yield how, value + step
    for digits in range(2, 7):
        yield f"rounded to {digits}", value.astype(float).round(digits)


def _of_dict(value):
    yield "no entries", {}
    yield "pairs", list(value.items())
    for how, key, entry in (
        ("text keys", str, lambda x: x),
        ("float", lambda k: float(k) if isinstance(k, int) else k, lambda x: x),
    ):
        yield how, {key(k): entry(x) for k, x in value.items()}
    for name in list(value):
        yield f"without {name}", {k: x for k, x in value.items() if k != name}
        for how, other in changed(value[name]):
            yield f"{how} at {name}", {**value, name: other}


# --- the two verdicts -------------------------------------------------------------------------


@dataclass
class Trial:
    """An exercise with its given values, and what a check and the tests say of answers."""

    exercise: object
    names: dict

    def check_says(self, answers):
        """Return whether the check calls the answers right."""
        names = self.names | answers
        for cell in self.exercise.of("check"):
            verdict = eval(compile(cell.source.strip(), "<check>", "eval"), names)
            if not isinstance(verdict, Feedback) or not verdict.ok:
                return False
        return True

    def tests_say(self, answers):
        """Return whether all hidden tests pass on the answers as they cross the wall."""
        try:
            plain = {name: decode(encode(value)) for name, value in answers.items()}
        except NotPlain:
            return False
        for cell in self.exercise.of("test"):
            try:
                exec("".join(HIDDEN.findall(cell.source)), self.names | plain)
            except AssertionError:
                return False
        return True


def trials(name):
    """Yield (what, trial, answers) for every stored answer of a chapter that can be run."""
    chapter = CHAPTERS[name]
    setup = {"__name__": "tests"}
    for cell in chapter.setup:
        exec(cell.source, setup)
    stored = read_answers(ROOT / "tests" / "graders" / f"{name}.toml")
    for exercise in chapter.graded:
        variants = [None, *range(count_variants(exercise))] if FULL else [None]
        for variant in variants:
            current = varied(exercise, variant)
            given = dict(setup)
            for cell in current.of("given"):
                exec(cell.source, given)
            codes = [("the solution", "\n".join(c.source for c in current.of("solution")))]
            codes += [(answer.what, answer.code) for answer in stored.get(exercise.name, [])]
            for what, code in codes:
                names = dict(given)
                with contextlib.suppress(Exception):  # a wrong answer may not even run
                    exec(code, names)
                answers = {n: names[n] for n in exercise.answers if n in names}
                if len(answers) == len(exercise.answers):
                    yield f"{exercise.name}, {what}, {variant}", Trial(current, given), answers
                if variant is not None and what != "the solution":
                    continue


def cases(what, answers):
    """Yield changed answers: one name at a time."""
    thorough = what.endswith(", the solution, None") or (FULL and what.endswith("None"))
    for name, value in answers.items():
        for how, other in changed(value):
            if FULL and (thorough or "the solution" in what or how == "as it is"):
                yield f"{name}: {how}", answers | {name: other}
            elif not FULL and (how == "as it is" or (thorough and how.startswith(SAMPLED))):
                yield f"{name}: {how}", answers | {name: other}


@pytest.fixture(autouse=True)
def settings_of_torch_are_put_back():
    """Put back what a chapter's set-up changes for the whole process."""
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", CHAPTERS)
def test_check_and_hidden_tests_agree(name, record_property):
    tried, right, apart = 0, 0, []
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        for what, trial, answers in trials(name):
            for how, given in cases(what, answers):
                try:
                    said, marked = trial.check_says(given), trial.tests_say(given)
                except Exception as error:
                    apart.append(f"{what}, {how}: {type(error).__name__}: {error}")
                    continue
                tried, right = tried + 1, right + marked
                if said != marked:
                    apart.append(f"{what}, {how}: check {said}, tests {marked}")
    print(f"{name}: {tried} answers, {right} of them right", file=sys.__stdout__)
    assert apart == []
    assert right > 0


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_tolerance_is_said_in_the_statement(name):
    for exercise in CHAPTERS[name].graded:
        used = set()
        for cell in exercise.of("test"):
            used |= {
                f"{number} %" if kind == "percent" else number
                for kind, number in TOLERANCE.findall(cell.source)
            }
        statement = exercise.statement.source
        said = {
            number + (" %" if percent else "")
            for number, percent in re.findall(r"to within ([0-9]+\.[0-9]+)( %)?", statement)
        }
        assert used == said, exercise.name
