"""nbval without a second run: its kernel answers with what the build's run of a page showed.

`make book` runs every page whose cells, library or data have changed, and keeps what was
shown. With this plugin (``pytest -p tests.recorded_kernel --nbval``) nbval compares that, cell
by cell, with what is stored in the notebook; it refuses a run of other sources. Without it,
as `make pages` does, nbval runs the pages itself.
"""

from collections import deque

import nbformat
import nbval.plugin
import pytest

from tests.load_script import load_script


class RecordedKernel:
    """What nbval asks of a kernel, answered from the cells of a notebook that was run."""

    def __init__(self, cells):
        self.cells = deque(cells)
        self.messages = deque()
        self.number = 0

    def execute_cell_input(self, source, allow_stdin=False):
        """Queue what the next cell showed, which must be this one."""
        cell = self.cells.popleft()
        if cell.source != source:
            raise RuntimeError("the run is of another cell; run `make book`")
        self.number += 1
        shown = [dict(output) for output in cell.outputs]
        for output in shown:
            self._say(output.pop("output_type"), output)
        self._say("status", {"execution_state": "idle"})
        return self.number

    def _say(self, kind, content):
        content.setdefault("metadata", {})
        self.messages.append(
            {"msg_type": kind, "content": content, "parent_header": {"msg_id": self.number}}
        )

    def get_message(self, stream, timeout=None):
        """Return the next message."""
        return self.messages.popleft()

    def await_reply(self, number, timeout=None):
        """Return at once: the cell was run long ago."""

    def await_idle(self, number, timeout=None):
        """Pass over what is left of a cell."""
        self.messages.clear()

    def is_alive(self):
        """Return whether there is something to ask."""
        return True

    def stop(self):
        """Drop what is left."""
        self.messages.clear()


def recorded(page):
    """Return a page as the build ran it, or fail if that was of other sources."""
    from jupyter_cache import get_cache

    tool = load_script("tools/build_book.py")
    stamp = tool.BUILD / "jupyter_cache.sha256"
    if not stamp.exists() or stamp.read_text() != tool.digest(tool.CELLS_NEED):
        pytest.fail("the pages were not run from these sources; run `make book`")
    notebook = nbformat.read(page, as_version=4)
    _, ran = get_cache(str(tool.BUILD / ".jupyter_cache")).merge_match_into_notebook(notebook)
    return ran


def _setup(page_file):
    ran = recorded(page_file.path)
    page_file.kernel = RecordedKernel(cell for cell in ran.cells if cell.cell_type == "code")
    page_file.setup_sanitize_files()


def pytest_configure(config):
    """Give nbval the kernel."""
    nbval.plugin.IPyNbFile.setup = _setup
