"""Pages and tests run under the project's settings, whatever the user has in his own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from load_script import load_script
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
environment = load_script("tools/environment.py")

SEEN = """\
import json
import matplotlib
print(json.dumps([matplotlib.rcParams["figure.dpi"], "hostile" in globals(), 1 / 3]))"""
RUN = """\
import sys
sys.path.insert(0, sys.argv[1])
from notebooks import run
from pathlib import Path
print(run(Path(sys.argv[2])))"""


@pytest.fixture
def hostile_home(tmp_path):
    """A home whose settings change what a page shows, in every place that is read."""
    home = tmp_path / "home"
    profile = home / ".ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "00.py").write_text("hostile = True\nprint('hello from my startup')\n")
    (profile / "ipython_config.py").write_text("c.InteractiveShell.ast_node_interactivity = 'all'")
    for folder in (home / ".config" / "matplotlib", home / ".matplotlib"):
        folder.mkdir(parents=True)
        (folder / "matplotlibrc").write_text("figure.dpi: 17\n")
    kernels = home / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    broken = {"argv": ["no-such-python"], "display_name": "mine", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(broken))
    return home


def first_output(home, monkeypatch, tmp_path, variables):
    """Return what a page that shows its settings prints when it is run in this home."""
    page = tmp_path / "page.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(SEEN)]), page)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MATPLOTLIBRC", str(home / ".matplotlib"))
    monkeypatch.setenv("IPYTHONDIR", str(home / ".ipython"))
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT / "tools"), str(page)],
        env=variables(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ran = nbformat.reads(done.stdout, as_version=4)
    return "".join(output.get("text", "") for output in ran.cells[0].outputs)


@pytest.mark.slow
def test_a_users_settings_are_not_read(hostile_home, monkeypatch, tmp_path):
    told = first_output(hostile_home, monkeypatch, tmp_path, environment.quiet)
    assert json.loads(told) == [100.0, False, 1 / 3]


@pytest.mark.slow
def test_without_that_they_would_be(hostile_home, monkeypatch, tmp_path):
    told = first_output(hostile_home, monkeypatch, tmp_path, lambda: dict(os.environ))
    assert json.loads(told.splitlines()[-1])[:2] == [17.0, True]
