"""nbval on the build's run of a page: what is stored must be what was shown, of the same cells."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat.v4 as new
import pytest

ROOT = Path(__file__).resolve().parent.parent
# The run of page.ipynb is page.ran, beside it.
PLUGIN = """
import nbformat
from tests import recorded_kernel

recorded_kernel.recorded = lambda page: nbformat.read(page.with_suffix(".ran"), as_version=4)
"""


def notebook(*cells):
    """Return a notebook of cells, each with the text that it prints, or an error, or nothing."""
    made = []
    for number, (source, shown) in enumerate(cells, 1):
        outputs = []
        if isinstance(shown, str):
            outputs = [new.new_output("stream", text=shown)]
        elif shown is not None:
            name, words = shown
            outputs = [new.new_output("error", ename=name, evalue=words, traceback=[words])]
        made.append(new.new_code_cell(source, outputs=outputs, execution_count=number))
    return new.new_notebook(cells=[new.new_markdown_cell("words"), *made])


def verdict(folder, stored, ran):
    """Return whether nbval passes a page that is stored so, and was run so; and what it says."""
    (folder / "plugin.py").write_text(PLUGIN)
    (folder / "page.ipynb").write_text(new.writes(stored), encoding="utf-8")
    (folder / "page.ran").write_text(new.writes(ran), encoding="utf-8")
    how = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval.cfg"]
    plugins = ["-p", "tests.recorded_kernel", "-p", "plugin", "-p", "no:cacheprovider"]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *how, folder / "page.ipynb"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip
    return told.returncode == 0, told.stdout


PAGE = [("r = 4", None), ("print(r)", "rank 4\n"), ("print(object())", "<A at 0x7f00aa11>\n")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, cell, passes",
    [
        (0, PAGE[0], True),
        (2, ("print(object())", "<A at 0x7f00bb22>\n"), True),
        (1, ("print(r)", "rank 5\n"), False),
        (1, ("print(r)", None), False),
        (0, ("r = 4", "rank 4\n"), False),
        (1, ("print(s)", "rank 4\n"), False),
        (1, ("print(r)", ("NameError", "no r")), False),
    ],
)
def test_a_page_passes_if_it_is_stored_with_what_was_shown(tmp_path, number, cell, passes):
    ran = [*PAGE]
    ran[number] = cell
    found, told = verdict(tmp_path, notebook(*PAGE), notebook(*ran))
    assert found == passes, told
    if passes:
        assert "3 passed" in told
