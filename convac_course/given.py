"""What is given and must not be computed behind the wall, where its making could be watched.

Some given values are made by the readers' checks from a seed: a state with hidden pairs, a box
with a hidden tensor. Whoever could trace their making would have the answer. So they are made on
this side and handed over: data as data, and a function as a name, to be called across the wall.
"""

import ast
import contextlib
import json
import os
import resource
import selectors
import signal
import time
from collections.abc import Callable
from typing import Any

from .answering import Stopped
from .chapters import Chapter
from .hidden_tests import HiddenTests
from .names import bound_names, read_names
from .plain import encode
from .sandbox import TICK
from .silence import CHECKS
from .worker import Worker, serve, write_line

Trees = dict[str, Any]


class Given:
    """The given values of a chapter that are made here.

    Parameters
    ----------
    chapter : Chapter
    tests : HiddenTests
        With the chapter's set-up run.
    """

    def __init__(self, chapter: Chapter, tests: HiddenTests) -> None:
        self.worker = Worker({}, lambda source: None)
        hidden = _names_of_checks(chapter)
        self.values: dict[tuple[str, str], Trees] = {}  # by exercise and cell
        for exercise in chapter.graded:
            for cell in exercise.of("given"):
                if read_names(cell.source) & hidden:
                    made, names = tests.given(exercise), bound_names(cell.source)
                    self.values[exercise.name, cell.source] = {
                        name: encode(made[name], self.worker.remember) for name in sorted(names)
                    }

    def giver(self, seconds: float) -> "Giver | None":
        """Return who calls the functions among the values for one sandbox; None without any."""
        return Giver(self.worker, seconds) if self.worker.functions else None


class Giver:
    """A process that calls given functions for one sandbox, and ends with it.

    A call that is given up leaves its reply in the pipe, where the next call would find it. So
    there is none: after a call that did not end, nothing more is answered.

    Parameters
    ----------
    worker : Worker
        With the functions.
    seconds : float
        Processor time for all calls together.
    """

    def __init__(self, worker: Worker, seconds: float) -> None:
        (asked, self.into), (self.out_of, told) = os.pipe(), os.pipe()
        self.process = os.fork()
        if self.process == 0:
            try:
                os.close(self.into)
                os.close(self.out_of)
                limit = (int(seconds) + 1, resource.getrlimit(resource.RLIMIT_CPU)[1])
                resource.setrlimit(resource.RLIMIT_CPU, limit)
                serve(worker, asked, told)
            finally:
                os._exit(1)
        os.close(asked)
        os.close(told)

    def call(
        self, content: Any, seconds: float, look: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        """Return the reply to a call that came across the wall; nothing in it is trusted.

        While it waits it calls `look` again and again, which may stop it by an error.

        Raises
        ------
        Stopped
            If it is no call, or one that does not end.
        """
        if not isinstance(content, list) or len(content) != 3:
            raise Stopped("its process sent what was not asked for")
        line, until = b"", time.monotonic() + seconds
        try:
            write_line(self.into, {"call": [None, str(content[0]), *content[1:]]})
            with selectors.DefaultSelector() as selector:
                selector.register(self.out_of, selectors.EVENT_READ)
                while not line.endswith(b"\n"):
                    look()
                    left = max(0, until - time.monotonic())
                    there = selector.select(min(left, TICK))
                    data = os.read(self.out_of, 65_536) if there else b""
                    if not data and (there or not left):
                        raise BrokenPipeError
                    line += data
        except BrokenPipeError as error:
            self._end()
            raise Stopped("a call of what is given did not end") from error
        return json.loads(line)

    def _end(self) -> None:
        """End the process, from whichever fork of ours."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)

    def close(self) -> None:
        """End the process and the conversation with it."""
        self._end()
        os.waitpid(self.process, 0)
        os.close(self.into)
        os.close(self.out_of)


def _names_of_checks(chapter: Chapter) -> set[str]:
    """Return the names that the set-up gives to what it imports from the checks."""
    names = set()
    for cell in chapter.setup:
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(CHECKS):
                names |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Import):
                found = [alias for alias in node.names if alias.name.startswith(CHECKS)]
                names |= {alias.asname or alias.name.partition(".")[0] for alias in found}
    return names
