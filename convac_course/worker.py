"""A student's side of the conversation: a namespace in which cells run, and what it hands out.

It takes requests: take some values, run a cell, hand over the values of some names, keep a copy
of the process as it is now, call one of its functions. While it does, it may ask for a call of a
function that it was given. It knows no test and no solution. Whatever it replies is only ever
read as plain data.
"""

import builtins
import json
import os
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

from .answering import Answerer, Request
from .plain import NotPlain, decode, encode

Namespace = dict[str, Any]
Execute = Callable[[str], BaseException | None]


class Worker:
    """A namespace in which cells run, and which hands out values as plain data.

    Parameters
    ----------
    namespace : dict
    execute : callable
        Runs a cell in the namespace and returns the error it raised, or None.
    """

    def __init__(self, namespace: Namespace, execute: Execute) -> None:
        self.namespace, self.execute = namespace, execute
        self.functions: dict[str, Callable[..., Any]] = {}
        self.snapshots: list[tuple[int, BinaryIO]] = []
        self.ask: Callable[[Any], dict[str, Any]] = lambda call: {}

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the reply to one request."""
        ((what, content),) = request.items()
        if what == "run":
            return self.run(content)
        if what == "fetch":
            return self.fetch(content)
        if what == "give":
            return self.give(content)
        return self.call(content) if what == "call" else self.snapshot()

    def run(self, source: str) -> dict[str, Any]:
        """Run one cell; an error in it is the reply's `error`."""
        error = self.execute(source)
        return {"error": None if error is None else summary(error)}

    def fetch(self, names: list[str]) -> dict[str, Any]:
        """Return the values of names that are defined, and why others cannot be had."""
        values, refused = {}, {}
        for name in names:
            if name in self.namespace:
                try:
                    values[name] = encode(self.namespace[name], self.remember)
                except NotPlain as error:
                    refused[name] = str(error)
                except BaseException as error:
                    refused[name] = f"a value that raises {type(error).__name__} when it is read"
        return {"values": values, "refused": refused}

    def give(self, trees: dict[str, Any]) -> dict[str, Any]:
        """Take values; a function among them is called where it came from."""
        for name, tree in trees.items():
            self.namespace[name] = decode(tree, self._given)
        return {}

    def _given(self, name: str) -> Callable[..., Any]:
        """Return a function that asks for a call of the one it stands for."""

        def function(*arguments: Any, **keywords: Any) -> Any:
            reply = self.ask([name, encode(arguments), encode(keywords)])
            if "raised" in reply:
                kind, text = reply["raised"]
                raise getattr(builtins, kind, RuntimeError)(text)
            return decode(reply["value"])

        return function

    def call(self, content: list[Any]) -> dict[str, Any]:
        """Call a function that was handed out, here or in a snapshot, with plain arguments."""
        place, name, arguments, keywords = content
        if place is not None:
            into, out_of = self.snapshots[place]
            write_line(into, {"call": [None, name, arguments, keywords]})
            while "ask" in (reply := json.loads(out_of.readline())):
                write_line(into, self.ask(reply["ask"]))
            return reply
        try:
            result = self.functions[name](*decode(arguments), **decode(keywords))
            return {"value": encode(result, self.remember)}
        except BaseException as error:
            return {"raised": [type(error).__name__, str(error)[:500]]}

    def snapshot(self) -> dict[str, Any]:
        """Fork a process that stays as this one is now, and return its number.

        What runs here later does not change what its functions see, and what they are handed
        there does not come back here.
        """
        (asked, into), (out_of, told) = os.pipe(), os.pipe()
        try:
            child = os.fork()
        except OSError:  # no room for one more; then functions are called as they are at the end
            return {"snapshot": None}
        if child == 0:
            os.close(into)
            os.close(out_of)
            self.snapshots.clear()
            serve(self, asked, told)
        os.close(asked)
        os.close(told)
        self.snapshots.append((into, os.fdopen(out_of, "rb")))
        return {"snapshot": len(self.snapshots) - 1}

    def remember(self, function: Callable[..., Any]) -> str:
        """Keep a function and return its number."""
        self.functions[str(len(self.functions))] = function
        return str(len(self.functions) - 1)


class Local(Answerer):
    """Answers from code run in this very process: for code that is trusted, as in proofs.

    Parameters
    ----------
    namespace : dict, optional
        What the code finds there already.
    """

    def __init__(self, namespace: Namespace | None = None) -> None:
        self.worker = Worker(*plain_python())
        self.worker.namespace.update(namespace or {})

    def ask(self, request: Request, seconds: float | None = None) -> dict[str, Any]:
        """Answer a request at once; a function is called where it is."""
        if "snapshot" in request:
            return {}
        return self.worker.answer(request)


def plain_python() -> tuple[Namespace, Execute]:
    """Return a namespace and a function that runs cells in it, without IPython."""
    namespace: Namespace = {"__name__": "__main__"}

    def execute(source: str) -> BaseException | None:
        try:
            exec(compile(source, "<cell>", "exec"), namespace)
        except BaseException as error:
            return error
        return None

    return namespace, execute


def serve(worker: Worker, requests: int, replies: int) -> None:
    """Answer requests, one line of JSON each, until there are no more; then end the process.

    A cell may ask from threads and forks of its own, one after the other, and only while a
    request is being answered: whoever asks holds a token, which lies in a pipe.
    """
    home, (token, put_back) = os.getpid(), os.pipe()
    with os.fdopen(requests, "rb") as lines:

        def ask(call: Any) -> dict[str, Any]:
            os.read(token, 1)
            try:
                write_line(replies, {"ask": call})
                return json.loads(lines.readline())
            finally:
                os.write(put_back, b".")

        worker.ask = ask
        for line in lines:
            request = json.loads(line)
            number = request.pop("number", None)
            os.write(put_back, b".")
            reply = {**worker.answer(request), "number": number}
            if os.getpid() != home:
                os._exit(0)  # a fork that came back from the cell
            os.read(token, 1)
            write_line(replies, reply)
    os._exit(0)


def write_line(descriptor: int, message: dict[str, Any]) -> None:
    """Write a message as a line of JSON."""
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]


def summary(error: BaseException) -> str:
    """Return an error as one line, with the cell's line where it happened."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__} in line {error.lineno}: {error.msg}"
    text = f"{type(error).__name__}: {error}".rstrip(": ").split("\n")[0][:300]
    frames = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == "<cell>" or "ipython-input" in frame.filename
    ]
    return f"{text} (line {frames[0]})" if frames else text
