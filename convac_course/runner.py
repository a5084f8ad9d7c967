"""The process in which a student's code runs: how it starts, and the notebook it runs in."""

import builtins
import contextlib
import importlib
import json
import os
import sys
from typing import Any

from .rights import enter, give_up_rights
from .silence import silence
from .template import Begin
from .worker import Execute, Namespace, Worker, serve, write_line

FILES = ("requests", "replies", "prints", "status")
NEEDLESS = ("pip", "conda", "mamba", "apt", "apt-get")


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


def ipython() -> tuple[Namespace, Execute]:
    """Return a namespace and a function that runs cells in it as a notebook does.

    What a notebook asks of its platform and cannot have here does nothing: windows, `input()`,
    the installation of packages, magics that are not there.
    """
    from IPython.core.error import UsageError
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        """A shell with no windows, which `exit()` does not end."""

        def enable_gui(self, gui: str | None = None) -> None:
            pass

        def ask_exit(self) -> None:
            pass

        def enable_matplotlib(self, gui: str | None = None) -> tuple[str, str]:
            return "agg", "agg"

        def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
            if magic_name in NEEDLESS:
                return print(f"%{magic_name} does nothing here")
            try:
                return super().run_line_magic(magic_name, line, _stack_depth + 1)
            except UsageError as error:
                return print(error)
            except ImportError as error:
                if magic_name not in ("load_ext", "reload_ext"):
                    raise
                return print(error)

        def system(self, cmd: str) -> None:
            if cmd.split()[:1] in [[name] for name in NEEDLESS]:
                return print(f"!{cmd} does nothing here")
            return self.system_raw(cmd)

    settings = Config()
    settings.HistoryManager.enabled = False
    shell = Shell.instance(config=settings)

    def no_input(prompt: object = "") -> str:
        print(prompt)
        return ""

    builtins.input = no_input

    def execute(source: str) -> BaseException | None:
        try:
            result = shell.run_cell(source, store_history=False)
            return result.error_before_exec or result.error_in_exec
        except BaseException as error:
            return error
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()

    return shell.user_ns, execute
