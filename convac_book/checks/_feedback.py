"""What a check returns: a verdict that shows as a sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from convac_book.answers import NotAnAnswer


@dataclass(frozen=True)
class Feedback:
    """The verdict on an answer; true when it is right, and shown as its sentence.

    Examples
    --------
    >>> not_yet("the cut is 4, and a larger one fits the budget")
    Not yet: the cut is 4, and a larger one fits the budget.
    >>> bool(right("the cut is 5"))
    True
    """

    ok: bool
    sentence: str

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"{'Right' if self.ok else 'Not yet'}: {self.sentence}."


def right(sentence: str) -> Feedback:
    """Return the verdict on a right answer."""
    return Feedback(True, sentence)


def not_yet(sentence: str) -> Feedback:
    """Return the verdict on an answer that is still off, with what is off."""
    return Feedback(False, sentence)


def check(judge: Callable[..., Feedback]) -> Callable[..., Feedback]:
    """Let a check read its answers with `convac_book.answers`: what is none gets its sentence."""

    @wraps(judge)
    def judged(*args: Any, **kwargs: Any) -> Feedback:
        try:
            return judge(*args, **kwargs)
        except NotAnAnswer as error:
            return not_yet(str(error))

    return judged
