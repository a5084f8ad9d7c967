"""What the trusted side asks of a student's code, and how little it believes of the reply.

A sandbox and code that runs in this very process answer through the same interface. A reply
counts for the names that were asked for and for nothing else; what it holds stays packed until
a test reads it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .plain import NotPlain, Proxy, decode, encode, read_line

LONGEST_REASON = 200
Request = dict[str, Any]


class Stopped(Exception):
    """The code that was asked was stopped or ended itself; the message says why."""


class FromAnswer(Exception):
    """An error that a student's function raised; its text is the student's."""


def _kinds(*kinds: type[Exception]) -> dict[str, type[Exception]]:
    """Return for each built-in error a class that is it and `FromAnswer` as well."""
    return {kind.__name__: type(kind.__name__, (FromAnswer, kind), {}) for kind in kinds}


_RAISED = _kinds(
    ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, ArithmeticError, NameError,
    AttributeError, AssertionError, RecursionError, NotImplementedError, RuntimeError,
    OverflowError, LookupError,
)  # fmt: skip


@dataclass
class Fetched:
    """The answers to one exercise as they came: packed values, and why others have none.

    `place` says where their functions are to be called: in a snapshot of the student's process.
    """

    values: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    place: int | None = None

    @property
    def has_functions(self) -> bool:
        """Tell whether a value holds a function."""
        return '"function"' in json.dumps(self.values)

    def read(self, proxy: Proxy | None = None) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the values by name, and why others have none by name."""
        values, refused = {}, dict(self.refused)
        for name, data in self.values.items():
            try:
                values[name] = decode(data, proxy)
            except NotPlain as error:
                refused[name] = str(error)
        return values, refused


def read_reply(line: bytes, number: int) -> dict[str, Any]:
    """Return the reply that a line holds, if it is one, and to the request of this number.

    A line that asks for a call of a function that was given is one to any request.

    Raises
    ------
    NotPlain
        If it is anything else.
    """
    reply = read_line(line)
    if isinstance(reply, dict) and "ask" in reply:
        return {"ask": reply["ask"]}
    if not isinstance(reply, dict) or type(reply.get("number")) is not int:
        raise NotPlain("it is no reply")
    if reply["number"] != number:
        raise NotPlain("it is a reply to another request")
    return reply


class Answerer(ABC):
    """Whoever runs cells and answers for them."""

    @abstractmethod
    def ask(self, request: Request, seconds: float | None = None) -> dict[str, Any]:
        """Return the reply to one request; nothing in it is to be believed."""

    def run(self, source: str, seconds: float | None = None) -> str | None:
        """Run a cell and return its error as one line, or None."""
        error = self.ask({"run": source}, seconds).get("error")
        return None if error is None else str(error)[:LONGEST_REASON]

    def give(self, trees: dict[str, Any]) -> None:
        """Hand over packed values by name."""
        self.ask({"give": trees})

    def fetch(self, names: Iterable[str]) -> Fetched:
        """Return what the cells gave these names, with a place in which to call functions."""
        wanted = list(names)
        reply = self.ask({"fetch": wanted})
        values, refused = _mapping(reply.get("values")), _mapping(reply.get("refused"))
        fetched = Fetched(
            {name: values[name] for name in wanted if name in values},
            {name: str(refused[name])[:LONGEST_REASON] for name in wanted if name in refused},
        )
        if fetched.has_functions:
            place = self.ask({"snapshot": None}).get("snapshot")
            fetched.place = place if isinstance(place, int) else None
        return fetched

    def call(self, place: int | None, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the student's and return its value, or raise what it raised."""
        call = [place, name, encode(arguments), encode(keywords)]
        reply = self.ask({"call": call})
        raised = reply.get("raised")
        if isinstance(raised, list) and len(raised) == 2:
            raise _RAISED.get(str(raised[0]), FromAnswer)(str(raised[1])[:LONGEST_REASON])
        return decode(reply.get("value"), self.proxies(place))

    def proxies(self, place: int | None) -> Proxy:
        """Return what turns the name of a function there into a function here."""
        return lambda name: lambda *args, **keywords: self.call(place, name, *args, **keywords)


def _mapping(value: Any) -> dict[str, Any]:
    """Return a value if it is a mapping, and an empty one if not."""
    return value if isinstance(value, dict) else {}
