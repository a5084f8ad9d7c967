"""Checks that readers call on their answers: one module a chapter, one function an exercise.

A check says what is off and never what the answer is. Its result is true when the
answer is right.
"""

from ._feedback import Feedback, not_yet, right

__all__ = ["Feedback", "not_yet", "right"]
