"""nbval on the build's run of a page: what is stored must be what was shown, of the same cells."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat.v4 as new
import pytest

ROOT = Path(__file__).resolve().parent.parent
# The run of 0.ipynb is 0.ran, beside it.
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


PAGE = [("r = 4", None), ("print(r)", "rank 4\n"), ("print(object())", "<A at 0x7f00aa11>\n")]
# In the run one cell is another, or shows another thing; and whether the page passes then.
CHANGES = [
    (0, PAGE[0], True),
    (2, ("print(object())", "<A at 0x7f00bb22>\n"), True),
    (1, ("print(r)", "rank 5\n"), False),
    (1, ("print(r)", None), False),
    (0, ("r = 4", "rank 4\n"), False),
    (1, ("print(s)", "rank 4\n"), False),
    (1, ("print(r)", ("NameError", "no r")), False),
]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """What nbval says of each cell of the pages, as (page, cell, verdict)."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "plugin.py").write_text(PLUGIN)
    for name, (number, cell, _) in enumerate(CHANGES):
        ran = [*PAGE[:number], cell, *PAGE[number + 1 :]]
        (folder / f"{name}.ipynb").write_text(new.writes(notebook(*PAGE)), encoding="utf-8")
        (folder / f"{name}.ran").write_text(new.writes(notebook(*ran)), encoding="utf-8")
    how = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval.cfg"]
    plugins = ["-p", "tests.recorded_kernel", "-p", "plugin", "-p", "no:cacheprovider"]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", *plugins, *how, folder],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip
    assert told.returncode == 1, told.stdout
    return re.findall(r"^(PASSED|FAILED) \S*?(\d)\.ipynb::(?:ipynb::)?(Cell \d)", told.stdout, re.M)


@pytest.mark.slow
@pytest.mark.parametrize("page", range(len(CHANGES)))
def test_a_page_passes_if_it_is_stored_with_what_was_shown(verdicts, page):
    number, _, passes = CHANGES[page]
    found = {cell: verdict for verdict, name, cell in verdicts if name == str(page)}
    assert sorted(found) == ["Cell 0", "Cell 1", "Cell 2"]
    assert found[f"Cell {number}"] == ("PASSED" if passes else "FAILED")
    assert passes == (set(found.values()) == {"PASSED"})
