"""A wall around a student's code: what it may see, what it may use, when it is stopped.

The wall is bubblewrap's: its own processes, no network, a file system that holds Python and the
library and nothing else, read-only. Inside, limits on memory, processor time and the number of
processes; outside, a watch that ends everything behind the wall at once.
"""

import json
import os
import platform
import re
import selectors
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .plain import MOST_BYTES, NotPlain, decode, encode

PACKAGE = Path(__file__).resolve().parent
MEGABYTE = 2**20
OLDEST = (0, 8)  # of bubblewrap: the first that can forbid further user namespaces
TICK = 0.1
START_SECONDS = 120
ON_THE_CLOCK = 3


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
    output: int = 1024

    @property
    def on_the_clock(self):
        """Return the seconds that one submission may take, start and waiting included."""
        return START_SECONDS + ON_THE_CLOCK * self.total_seconds


class Stopped(Exception):
    """The code behind the wall was stopped or ended itself; the message says why."""


class Raised(Exception):
    """A student's function raised an error of a kind that has no built-in class."""


def missing_for_a_sandbox():
    """Return what keeps this machine from making a sandbox, or None if nothing does."""
    if sys.platform != "linux":
        return "a sandbox needs Linux and bubblewrap; on this system, grade in a Linux container"
    if not shutil.which("bwrap"):
        return "bubblewrap was not found; install it (Debian, Ubuntu: sudo apt install bubblewrap)"
    version = subprocess.run(["bwrap", "--version"], capture_output=True, text=True).stdout
    found = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if found < OLDEST:
        return f"bubblewrap {OLDEST[0]}.{OLDEST[1]} or newer is needed, found {version.strip()!r}"
    tried = subprocess.run([*_wall(), "/bin/sh", "-c", "exit 0"], capture_output=True, text=True)
    if tried.returncode:
        said = tried.stderr.strip() or f"exit status {tried.returncode}"
        return (
            f"bubblewrap cannot make a sandbox here ({said}). It needs user namespaces: see "
            "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns, "
            "or a container started with the right to make them"
        )
    command = [*_wall(), sys.executable, "-c", "import convac_course.runner, convac_book, IPython"]
    tried = subprocess.run(command, capture_output=True, text=True, env=_environment("/tmp"))
    if tried.returncode:
        said = tried.stderr.strip().split("\n")[-1]
        return f"Python does not start in the sandbox ({said}); is all of it below {sys.prefix}?"
    return None


def _wall():
    """Return the bubblewrap command that everything behind the wall starts with."""
    # Only Python, its libraries and our packages are there; not the course, not the book.
    seen = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives"]
    seen += [sys.base_prefix, sys.prefix]
    if site.ENABLE_USER_SITE:
        seen.append(site.getusersitepackages())
    seen += [str(folder) for folder in _packages()]
    command = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--new-session"]
    command += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--hostname", "sandbox"]
    if os.getuid() == 0:
        # Root hides nothing from itself, so the runner becomes another user; see give_up_rights.
        command += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--disable-userns"]
    command += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", str(64 * MEGABYTE)]
    command += ["--tmpfs", "/dev/shm", "--perms", "1777", "--size", str(256 * MEGABYTE)]
    command += ["--tmpfs", "/tmp"]
    for place in seen:
        # bubblewrap would make the folders above it readable for root alone.
        for above in reversed(Path(place).parents[:-1]):
            command += ["--dir", str(above)]
        command += ["--ro-bind-try", place, place]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


def _packages():
    """Return the folders of the packages that the code behind the wall may import."""
    import convac_book
    import convac_lib

    homes = (package.__file__ for package in (convac_book, convac_lib))
    return [PACKAGE, *(Path(home).resolve().parent for home in homes)]


def _environment(home):
    """Return the few variables that the code behind the wall is given."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": ":".join(str(folder.parent) for folder in _packages()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": home,
        "USER": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "TQDM_DISABLE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


class Sandbox:
    """A student's process, behind the wall, that runs cells and hands out values.

    Parameters
    ----------
    limits : Limits
    unsafe : bool
        Run without the wall: only the limits and the watch remain.
    until : float, optional
        When, by `time.monotonic()`, all must be over; by default from the limits.

    Raises
    ------
    Stopped
        From any method, if the process breaks a limit or ends; it is of no use after that.
    """

    def __init__(self, limits, unsafe=False, until=None):
        self.limits = limits
        self.until = until or time.monotonic() + limits.on_the_clock
        self.printed, self.printed_size = bytearray(), 0
        self.replies = bytearray()
        self.spent, self.asked = 0.0, 0
        self.scratch = tempfile.TemporaryDirectory() if unsafe else None
        home = self.scratch.name if unsafe else "/tmp"
        settings = {
            "memory": limits.memory * MEGABYTE,
            "seconds": int(2 * START_SECONDS + limits.total_seconds),
            "processes": None if unsafe else _processes(limits),
            "walled": not unsafe,
            "uid": None if unsafe or os.getuid() else 61184 + os.getpid() % 4000,
        }
        start = "import sys; from convac_course.runner import main; main(sys.argv[1])"
        self.process = subprocess.Popen(
            [*([] if unsafe else _wall()), sys.executable, "-c", start, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(home),
            cwd=home if unsafe else "/",
            start_new_session=True,
        )
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            os.set_blocking(stream.fileno(), False)
        self._converse(b"", START_SECONDS)

    def run(self, source, seconds=None):
        """Run a cell and return its error as one line, or None."""
        return self._ask({"run": source}, seconds).get("error")

    def fetch(self, names):
        """Return (values by name, why some have none by name); a function becomes callable."""
        reply = self._ask({"fetch": list(names)})
        values, refused = {}, dict(reply.get("refused", {}))
        for name, data in reply.get("values", {}).items():
            try:
                values[name] = decode(data, self._proxy)
            except NotPlain as error:
                refused[name] = str(error)
        return values, refused

    def call(self, name, *arguments, **keywords):
        """Call one of the student's functions and return its value, or raise what it raised."""
        reply = self._ask({"call": [name, encode(arguments), encode(keywords)]})
        if "raised" in reply:
            kind, text = reply["raised"]
            raise _BUILT_IN.get(kind, Raised)(str(text))
        return decode(reply["value"], self._proxy)

    def take_output(self):
        """Return what the cells printed since the last time."""
        text = self.printed.decode(errors="replace")
        self.printed.clear()
        return text

    def close(self):
        """End everything behind the wall."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        if self.scratch:
            self.scratch.cleanup()

    def _proxy(self, name):
        """Return a function here that calls the student's function there."""
        return lambda *arguments, **keywords: self.call(name, *arguments, **keywords)

    def _ask(self, request, seconds=None):
        """Send a request and return the reply, which must be a JSON object."""
        self.asked += 1
        outgoing = json.dumps({"number": self.asked, **request}).encode() + b"\n"
        line = self._converse(outgoing, seconds or self.limits.cell_seconds)
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict) or reply.get("number") != self.asked:
            self._stop("its process sent what was not asked for")
        return reply

    def _converse(self, outgoing, seconds):
        """Send some bytes, wait for one line and return it, with an eye on all limits."""
        watched = time.monotonic()
        deadline = min(watched + ON_THE_CLOCK * seconds, self.until)
        spent = self.spent
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ, self._take_reply)
            selector.register(self.process.stderr, selectors.EVENT_READ, self._take_print)
            while b"\n" not in self.replies:
                if outgoing:
                    outgoing = self._send(outgoing)
                for key, _ in selector.select(TICK):
                    data = os.read(key.fd, 65536)
                    if not data and key.fileobj is self.process.stdout:
                        self._stop(self._how_it_ended())
                    if not data:
                        selector.unregister(key.fileobj)
                    key.data(data)
                now = time.monotonic()
                if now > deadline:
                    self._stop(f"it did not end within {ON_THE_CLOCK * seconds:g} s")
                if now > watched + TICK:
                    self._watch()
                    watched = now
                if self.spent > spent + seconds:
                    self._stop(f"it ran longer than {seconds:g} s")
        line, _, rest = bytes(self.replies).partition(b"\n")
        self.replies = bytearray(rest)
        return line

    def _send(self, data):
        """Send as much as the pipe takes and return the rest."""
        try:
            return data[os.write(self.process.stdin.fileno(), data[:65536]) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            return b""

    def _take_reply(self, data):
        """Keep what the runner replied."""
        self.replies += data
        if len(self.replies) > 3 * MOST_BYTES:
            self._stop("its process sent more than can be an answer")

    def _take_print(self, data):
        """Keep the beginning of what the cells print, and stop a flood."""
        self.printed += data[: max(0, 20_000 - len(self.printed))]
        self.printed_size += len(data)
        if self.printed_size > 1024 * self.limits.output:
            self._stop(f"it printed more than {self.limits.output} kB")

    def _watch(self):
        """Stop the code if its processes together use too much."""
        count, resident, spent = _family(self.process.pid)
        self.spent = max(self.spent, spent)
        if self.spent > START_SECONDS + self.limits.total_seconds:
            self._stop(f"all cells together ran longer than {self.limits.total_seconds:g} s")
        if resident > self.limits.memory * MEGABYTE:
            self._stop(f"it used more than {self.limits.memory} MB of memory")
        if count > self.limits.processes:
            self._stop(f"it started more than {self.limits.processes} processes")

    def _how_it_ended(self):
        """Return why the runner's process is gone."""
        try:
            code = self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "its process closed its way out"
        number = -code if code < 0 else code - 128
        if number == signal.SIGXCPU:
            return "it used more processor time than is allowed"
        if number in set(signal.Signals):
            return f"its process was ended by {signal.Signals(number).name}"
        return f"its process ended itself with exit status {code}"

    def _stop(self, reason):
        """End everything behind the wall and say why."""
        self.close()
        raise Stopped(reason)


_BUILT_IN = {
    kind.__name__: kind
    for kind in (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, ArithmeticError,
                 NameError, AttributeError, AssertionError, RecursionError, NotImplementedError,
                 RuntimeError, OverflowError)
}  # fmt: skip


def _processes(limits):
    """Return the limit on processes to set inside, or None where it would count others too."""
    # Before Linux 5.14 the limit counts all processes of the same user, outside as well.
    version = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    return limits.processes if version >= (5, 14) or os.getuid() == 0 else None


def _family(root):
    """Return how many processes descend from one, their memory in bytes, their time in seconds."""
    if not Path("/proc/self/stat").exists():
        return 0, 0, 0.0
    children, resident, spent = {}, {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry))
            resident[int(entry)] = int(fields[21])
            spent[int(entry)] = sum(int(field) for field in fields[11:15])
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    memory = os.sysconf("SC_PAGE_SIZE") * sum(resident.get(process, 0) for process in found)
    seconds = sum(spent.get(process, 0) for process in found) / os.sysconf("SC_CLK_TCK")
    return len(found), memory, seconds
