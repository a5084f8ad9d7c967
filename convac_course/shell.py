"""The notebook in which a student's cells run: IPython, without what it cannot have here.

What a notebook asks of its platform and cannot have does nothing, so that the rest of the cell
runs: windows, `input()`, the installation of packages, magics that are not there.
"""

import builtins
import contextlib
import sys
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .worker import Execute, Namespace

NEEDLESS = ("pip", "conda", "mamba", "apt", "apt-get")


class Shell(InteractiveShell):
    """A shell with no windows, which `exit()` does not end."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Leave windows out."""

    def ask_exit(self) -> None:
        """Go on."""

    def enable_matplotlib(self, gui: str | None = None) -> tuple[str, str]:
        """Draw into memory, whatever is asked for."""
        return "agg", "agg"

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """Run a magic; one that is not there says so and does no harm."""
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
        """Run a command of the system, but for those that fetch packages."""
        if cmd.split()[:1] in [[name] for name in NEEDLESS]:
            return print(f"!{cmd} does nothing here")
        return self.system_raw(cmd)


def ipython() -> tuple[Namespace, Execute]:
    """Return a namespace and a function that runs cells in it as a notebook does."""
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
