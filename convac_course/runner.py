"""The process in which a student's code runs: how it starts, behind the wall."""

import contextlib
import importlib
import json
import os
import sys
from typing import Any

from .rights import drop_capabilities, enter, give_up_rights
from .silence import silence
from .template import Begin
from .worker import Worker, serve, write_line

FILES = ("requests", "replies", "prints", "status")


def prepare(modules: list[str]) -> Begin:
    """Import what the cells will need, and return what a fork does.

    Parameters
    ----------
    modules : list of str
        Those that the set-up cells import; one that cannot be imported is left to them.
    """
    silence()
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    from .shell import ipython

    notebook = ipython()

    def begin(files: list[int]) -> None:
        requests, replies, prints, status, *more = files
        settings = json.loads(_first_line(requests))
        if settings.pop("counted"):
            os.write(more.pop(0), b"0")
        namespaces = dict(zip(settings.pop("namespaces"), more, strict=True))
        if namespaces:
            enter(namespaces)
        inside = os.fork()
        if inside == 0:
            _become_the_student(requests, replies, prints, settings)
            worker = Worker(*notebook)
            write_line(replies, {"number": 0})
            serve(worker, requests, replies)
        for descriptor in (requests, replies, prints):
            os.close(descriptor)
        if namespaces:
            drop_capabilities()  # the porter only waits
        write_line(status, {"porter": os.getpid(), "inside": inside})
        code = os.waitstatus_to_exitcode(os.waitpid(inside, 0)[1])
        write_line(status, {"ended": code})
        os._exit(0)

    return begin


def _become_the_student(requests: int, replies: int, prints: int, settings: dict[str, Any]) -> None:
    """Leave everything behind that the student's code must not have."""
    os.setsid()
    home = settings.pop("home")
    os.environ["HOME"] = home
    os.chdir(home)
    os.dup2(prints, 1)
    os.dup2(prints, 2)
    for descriptor in map(int, os.listdir("/dev/fd")):
        if descriptor > 2 and descriptor not in (requests, replies):
            with contextlib.suppress(OSError):
                os.close(descriptor)
    sys.path_importer_cache.clear()
    give_up_rights(**settings)


def _first_line(descriptor: int) -> bytes:
    """Return a line, and leave what comes after it unread."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            os._exit(1)
        line += byte
    return line
