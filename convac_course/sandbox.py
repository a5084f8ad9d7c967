"""A student's process behind the wall: started, asked, watched, and ended as a whole.

What may be used is limited inside, for each process, and watched from here for all of them
together. Everything that comes out is bounded and believed in nothing; see `answering`.
"""

import json
import os
import platform
import selectors
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .answering import Answerer, Request, Stopped, read_reply
from .plain import MOST_LINE, NotPlain
from .rights import MEGABYTE
from .template import Template, fork_from
from .usage import ControlGroup, Usage, place_for_groups, usage_of
from .wall import Wall, missing_for_a_wall

if TYPE_CHECKING:
    from .given import Giver

TICK = 0.1
START_SECONDS = 120
ON_THE_CLOCK = 3
PRINTED_KEPT = 20_000
# bubblewrap's own two processes, the one that holds the wall open, and the porter.
OURS = 5


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Parameters
    ----------
    cell_seconds, total_seconds : float
        Processor time for one cell, or one call of a function, and for all of them. On the
        clock three times as much may pass, so that a busy machine is not the student's loss.
    memory : int
        Megabytes for all processes of the submission together.
    processes : int
        Processes and threads at a time.
    output : int
        Kilobytes that the cells may print.
    """

    cell_seconds: float = 60
    total_seconds: float = 300
    memory: int = 2048
    processes: int = 64
    output: int = 65_536

    @property
    def on_the_clock(self) -> float:
        """Return the seconds that one submission may take, start and waiting included."""
        return START_SECONDS + ON_THE_CLOCK * self.total_seconds


class Sandbox(Answerer):
    """A student's process, behind the wall, that runs cells and hands out values.

    Parameters
    ----------
    template : Template or int
        What to fork the process from, made by `students`, or the file by which to ask it.
    limits : Limits
    unsafe : bool
        Run without the wall: only the limits and the watch remain.
    until : float, optional
        When, by `time.monotonic()`, all must be over; by default from the limits.
    giver : Giver, optional
        Who calls the functions that are given to it; closed with it.

    Raises
    ------
    Stopped
        From `ask` and all that use it, if the process breaks a limit or ends; only `close` is
        of use after that.
    """

    def __init__(
        self,
        template: Template | int,
        limits: Limits,
        unsafe: bool = False,
        until: float | None = None,
        giver: "Giver | None" = None,
    ) -> None:
        self.limits, self.giver = limits, giver
        self.until = until or time.monotonic() + limits.on_the_clock
        self.printed, self.printed_size = bytearray(), 0
        self.replies, self.status, self.line_there = bytearray(), bytearray(), False
        self.spent, self.watched = 0.0, 0.0
        self.asked = self.answered = 0
        self.porter = self.inside = 0
        self.requests = -1
        self.files: dict[int, Take] = {}
        self.wall: Wall | None = None
        self.group: ControlGroup | None = None
        self.scratch = tempfile.TemporaryDirectory() if unsafe else None
        try:
            if not unsafe:
                self.wall, self.group = Wall(), _group(limits)
            self.requests, self.files = _start(template, self)
            self._converse(b"", *self._bounds(START_SECONDS))
        except BaseException:
            self.close()
            raise

    def ask(self, request: Request, seconds: float | None = None) -> dict[str, Any]:
        """Send a request and return the reply, a JSON object with the request's number."""
        if self.requests < 0:
            raise Stopped("its process is gone")
        self.asked += 1
        outgoing = json.dumps({"number": self.asked, **request}).encode() + b"\n"
        if self.replies:
            raise Stopped("its process sent what was not asked for")
        self._look()  # what came before, in a test's fork for example, is not this request's
        bounds = self._bounds(seconds or self.limits.cell_seconds)
        try:
            while "ask" in (reply := read_reply(self._converse(outgoing, *bounds), self.asked)):
                answer = self._given(reply["ask"], bounds[0])
                outgoing = json.dumps(answer).encode() + b"\n"
            self.answered = self.asked
            return reply
        except NotPlain as error:
            raise Stopped(f"its process sent what was not asked for: {error}") from error

    def _given(self, call: Any, deadline: float) -> dict[str, Any]:
        """Return the reply to a call of a function that was given."""
        if self.giver is None:
            raise Stopped("its process sent what was not asked for")
        return self.giver.call(call, max(0, deadline - time.monotonic()), self._look)

    def _bounds(self, seconds: float) -> tuple[float, float, float]:
        """Return until when a reply must be there, how much may be spent by then, and seconds."""
        deadline = min(time.monotonic() + ON_THE_CLOCK * seconds, self.until)
        return deadline, self.spent + seconds, seconds

    def take_output(self) -> str:
        """Return what the cells printed since the last time."""
        text = self.printed.decode(errors="replace")
        self.printed.clear()
        return text

    def close(self) -> None:
        """End everything behind the wall, and note the processor time that it took in all."""
        self.spent = max(self.spent, self._usage().seconds)
        if self.giver is not None:
            self.giver.close()
        if self.wall is not None:
            self.wall.close()
        elif self.inside:
            try:
                os.killpg(self.inside, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for descriptor in (self.requests, *self.files):
            if descriptor >= 0:
                os.close(descriptor)
        self.files, self.requests = {}, -1
        if self.group is not None:
            self.group.close()
        if self.scratch is not None:
            self.scratch.cleanup()

    def _converse(self, outgoing: bytes, deadline: float, most: float, seconds: float) -> bytes:
        """Send some bytes, wait for one line and return it, with an eye on all limits."""
        with selectors.DefaultSelector() as selector:
            for descriptor, take in self.files.items():
                selector.register(descriptor, selectors.EVENT_READ, take)
            if outgoing:
                selector.register(self.requests, selectors.EVENT_WRITE)
            while outgoing or not self.line_there:
                for key, _ in selector.select(TICK):
                    if key.fd == self.requests:
                        outgoing = self._send(outgoing)
                        if not outgoing:
                            selector.unregister(self.requests)
                        continue
                    data = os.read(key.fd, 65_536)
                    key.data(data)
                    if not data:
                        selector.unregister(key.fd)
                now = time.monotonic()
                if now > deadline:
                    raise Stopped(f"it did not end within {ON_THE_CLOCK * seconds:.0f} s")
                self._look()
                if self.spent > most:
                    raise Stopped(f"it ran longer than {seconds:g} s")
        line, _, rest = bytes(self.replies).partition(b"\n")
        self.replies, self.line_there = bytearray(rest), b"\n" in rest
        return line

    def _send(self, data: bytes) -> bytes:
        """Send as much as the pipe takes and return the rest."""
        try:
            return data[os.write(self.requests, data[:65_536]) :] if data else data
        except BlockingIOError:
            return data
        except BrokenPipeError:
            return b""

    def take_reply(self, data: bytes) -> None:
        """Keep what the runner replied; called with nothing when it can reply no more."""
        self.replies += data
        self.line_there = self.line_there or b"\n" in data
        if len(self.replies) > MOST_LINE:
            raise Stopped("its process sent more than can be an answer")
        if not data:
            raise Stopped(self._how_it_ended())

    def take_print(self, data: bytes) -> None:
        """Keep the beginning of what the cells print, and stop a flood."""
        self.printed += data[: max(0, PRINTED_KEPT - len(self.printed))]
        self.printed_size += len(data)
        if self.printed_size > 1024 * self.limits.output:
            raise Stopped(f"it printed more than {self.limits.output} kB")

    def take_status(self, data: bytes) -> None:
        """Learn from the porter who is inside, or how they ended."""
        self.status += data
        for line in self.status.splitlines():
            told = json.loads(line)
            self.porter = told.get("porter", self.porter)
            self.inside = told.get("inside", self.inside)
            if "ended" in told:
                raise Stopped(self._how_it_ended())

    def _look(self) -> None:
        """Watch, if it was not done a moment ago."""
        if time.monotonic() > self.watched + TICK:
            self._watch()
            self.watched = time.monotonic()

    def _watch(self) -> None:
        """Stop the code if its processes together use too much."""
        usage = self._usage()
        self.spent = max(self.spent, usage.seconds)
        if self.spent > START_SECONDS + self.limits.total_seconds:
            raise Stopped(f"all cells together ran longer than {self.limits.total_seconds:g} s")
        if usage.memory > self.limits.memory * MEGABYTE and self.group is None:
            raise Stopped(f"it used more than {self.limits.memory} MB of memory")
        if usage.processes > self.limits.processes + OURS:
            raise Stopped(f"it started more than {self.limits.processes} processes")

    def _usage(self) -> Usage:
        """Return what all processes of the submission use together."""
        roots = [self.porter] + ([self.wall.process.pid] if self.wall else [])
        return usage_of(roots, self.limits.memory * MEGABYTE, self.wall)

    def _how_it_ended(self) -> str:
        """Return why the runner's process is gone, or why its replies have ended."""
        if self.group is not None and self.group.overrun():
            return f"it used more than {self.limits.memory} MB of memory"
        waited = time.monotonic() + 2
        status = next(fd for fd, take in self.files.items() if take == self.take_status)
        while b"ended" not in self.status and time.monotonic() < waited:
            try:
                data = os.read(status, 4096)
            except BlockingIOError:
                time.sleep(TICK / 10)
                continue
            self.status += data
            if not data:
                return "its process is gone"
        if b"ended" not in self.status:
            return "its process closed its way out"
        code = json.loads(self.status.splitlines()[-1])["ended"]
        if -code == signal.SIGXCPU:
            return "it used more processor time than is allowed"
        if -code in set(signal.Signals):
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended itself with exit status {code}"


def students(modules: list[str]) -> Template:
    """Return the template of all students' processes.

    Parameters
    ----------
    modules : list of str
        What it imports beforehand.
    """
    return Template("convac_course.runner:prepare", modules)


def missing_for_a_sandbox() -> str | None:
    """Return what keeps this machine from making a sandbox, or None if nothing does."""
    missing = missing_for_a_wall()
    if missing:
        return missing
    try:
        with students([]) as template:
            sandbox = Sandbox(template, Limits())
            error = sandbox.run("import convac_lib, convac_workbench, convac_book")
            sandbox.close()
    except (OSError, Stopped) as stopped:
        error = str(stopped)
    return error and f"Python does not start in the sandbox ({error})"


def _group(limits: Limits) -> ControlGroup | None:
    """Return a control group for a submission, or None where there is none to be had."""
    place = place_for_groups()
    if place is None:
        return None
    try:
        return ControlGroup(place, limits.memory * MEGABYTE, limits.processes + OURS)
    except OSError:
        return None


Take = Callable[[bytes], None]


def _start(template: Template | int, sandbox: Sandbox) -> tuple[int, dict[int, Take]]:
    """Start the process; return the file for requests, and who takes what comes from others."""
    wall, group, limits = sandbox.wall, sandbox.group, sandbox.limits
    (asked, requests), (replies, told) = os.pipe(), os.pipe()
    (prints, printed), (status, tell) = os.pipe(), os.pipe()
    theirs = [asked, told, printed, tell]
    entrance = [group.entrance()] if group else []
    namespaces = wall.namespaces if wall else {}
    control = template if isinstance(template, int) else template.fileno()
    try:
        fork_from(control, [*theirs, *entrance, *namespaces.values()])
    except OSError:
        for descriptor in (requests, replies, prints, status):
            os.close(descriptor)
        raise
    finally:
        for descriptor in (*theirs, *entrance):
            os.close(descriptor)
    for descriptor in (requests, replies, prints, status):
        os.set_blocking(descriptor, False)
    settings = {
        "memory": limits.memory * MEGABYTE,
        "seconds": int(2 * START_SECONDS + limits.total_seconds),
        "processes": _processes(limits) if wall else None,
        "uid": 61_184 + os.getpid() % 4_000 if wall and os.getuid() == 0 else None,
        "walled": wall is not None,
        "namespaces": list(namespaces),
        "counted": group is not None,
        "home": sandbox.scratch.name if sandbox.scratch else "/tmp",
    }
    os.write(requests, json.dumps(settings).encode() + b"\n")
    return requests, {
        replies: sandbox.take_reply,
        prints: sandbox.take_print,
        status: sandbox.take_status,
    }


def _processes(limits: Limits) -> int | None:
    """Return the limit on processes to set inside, or None where it would count others too."""
    # Before Linux 5.14 the limit counts all processes of the same user, outside as well.
    version = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    return limits.processes if version >= (5, 14) or os.getuid() == 0 else None
