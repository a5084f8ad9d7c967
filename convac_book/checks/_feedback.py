"""What a check returns: a verdict that shows as a sentence."""

from dataclasses import dataclass


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
