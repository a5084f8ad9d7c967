"""Processes that start at once: forked from one that has imported all they need.

Python and the libraries of a chapter take seconds to start. A template does it once and waits;
each request, with some open files in it, makes it fork a process that goes on from there. A
template reads nothing but what it is handed at its start, so its forks hold no secret of others.
"""

import fcntl
import gc
import importlib
import importlib.util
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from types import TracebackType
from typing import Any

MOST_FILES = 24
PACKAGES = ("convac_course", "convac_book", "convac_workbench", "convac_lib")
START = "from convac_course.template import serve; serve()"
Begin = Callable[[list[int]], None]
ADD_SEALS, ALL_SEALS = 1033, 0xF


class Template:
    """A process to fork others from.

    Parameters
    ----------
    entry : str
        `module:function`. The function is called in the template with `settings`, imports what
        will be needed, and returns what each fork calls with the files it was sent.
    settings : object
        Anything that can be pickled.
    keep : sequence of int
        Open files that the template shall have too, under the same numbers.
    """

    def __init__(
        self,
        entry: str,
        settings: Any,
        keep: tuple[int, ...] = (),
    ) -> None:
        self.home = tempfile.TemporaryDirectory(prefix="convac-")  # libraries keep caches there
        self.socket, theirs = socket.socketpair()
        program = _sealed_copy(sys.executable)
        self.process = subprocess.Popen(
            [sys.executable, "-c", START],
            executable=f"/proc/self/fd/{program}" if program is not None else sys.executable,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=plain_environment(self.home.name),
            cwd="/",
            pass_fds=[theirs.fileno(), *keep, *([] if program is None else [program])],
            start_new_session=True,
        )
        with self.process.stdin as stream:  # type: ignore[union-attr]
            pickle.dump((theirs.fileno(), entry, settings), stream)
        theirs.close()
        if program is not None:
            os.close(program)

    def __enter__(self) -> "Template":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the file by which forks are asked for; other processes may hold it too."""
        return self.socket.fileno()

    def stop(self) -> None:
        """End the template and all that was forked from it and stayed in its session."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def close(self) -> None:
        """Stop, and clear away what it left."""
        self.stop()
        self.socket.close()
        self.home.cleanup()


def fork_from(control: int, files: list[int]) -> None:
    """Ask the template at the other end of a socket for a fork that holds these files.

    Raises
    ------
    OSError
        If the template is gone.
    """
    with socket.socket(fileno=os.dup(control)) as end:
        socket.send_fds(end, [b"f"], files)


def serve() -> None:
    """Be a template: import what is needed, then fork until nobody can ask for more."""
    control, entry, settings = pickle.load(sys.stdin.buffer)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    module, _, name = entry.partition(":")
    begin: Begin = getattr(importlib.import_module(module), name)(settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks here
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=control) as end:
        while True:
            asked, files, _, _ = socket.recv_fds(end, 1, MOST_FILES)
            if not asked:
                break
            try:
                child = os.fork()
            except OSError:  # who asked sees its files closed, and others may have more luck
                child = -1
            if child == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                end.close()
                try:
                    begin(files)
                finally:
                    os._exit(1)
            for descriptor in files:
                os.close(descriptor)
    os.killpg(0, signal.SIGKILL)


def plain_environment(home: str) -> dict[str, str]:
    """Return the few variables that a template is given: none of the caller's own."""
    return {
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin",
        "PYTHONPATH": ":".join(package_parents()),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": home,
        "USER": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "TQDM_DISABLE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def packages() -> list[str]:
    """Return the folders of the packages that a chapter's cells may import."""
    found = [importlib.util.find_spec(name) for name in PACKAGES]
    homes = [spec.origin for spec in found if spec is not None and spec.origin]
    return [os.path.dirname(os.path.realpath(home)) for home in homes]


def package_parents() -> list[str]:
    """Return the folders that the packages lie in, each once."""
    return list(dict.fromkeys(os.path.dirname(folder) for folder in packages()))


def _sealed_copy(program: str) -> int | None:
    """Return an open copy of a program that nobody can write to, where the system has such.

    A process can open its own program; a fork behind the wall must not reach the file outside.
    """
    if not hasattr(os, "memfd_create") or _forbidden_to_run():
        return None
    copy = os.memfd_create("python", os.MFD_ALLOW_SEALING)
    with open(program, "rb") as file:
        while chunk := file.read(2**20):
            os.write(copy, chunk)
    fcntl.fcntl(copy, ADD_SEALS, ALL_SEALS)
    return copy


def _forbidden_to_run() -> bool:
    """Tell whether the system forbids to run what lies in memory alone."""
    try:
        with open("/proc/sys/vm/memfd_noexec") as file:
            return file.read().strip() == "2"
    except OSError:
        return False
