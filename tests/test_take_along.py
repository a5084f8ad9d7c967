"""What a reader takes along: notebooks without solutions, and an archive that runs on its own."""

import ast
import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from load_script import load_script

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
take = load_script("book/_ext/convac_take.py")
BOOK = ROOT / "book"
CHAPTERS = take.chapters(BOOK)
RAW = re.compile(r"\{[a-z][\w:-]*\}`|^[:`]{3,}\{|### (BEGIN|END)|\\mat\b|\\ket\b", re.M)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Everything that the build leaves to take along, freshly made and unpacked."""
    target = tmp_path_factory.mktemp("take")
    take.write_all(BOOK, target)
    with zipfile.ZipFile(target / f"{take.ARCHIVE}.zip") as archive:
        archive.extractall(target / "unpacked")
    return target


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_a_notebook_is_plain_and_has_no_solution(page):
    source, plain = nbformat.read(page, as_version=4), take.without_solutions(page, BOOK)
    text = "\n".join(cell.source for cell in plain.cells)
    assert not RAW.search("\n".join(c.source for c in plain.cells if c.cell_type == "markdown"))
    assert all(not cell.get("outputs") for cell in plain.cells)
    assert "### BEGIN" not in text and "HIDDEN" not in text
    for cell in source.cells:
        role = cell.metadata.get("convac", {}).get("role")
        if role == "solution":
            assert cell.source not in text
            solution = take.SOLUTION.search(cell.source)[1].strip()
            assert solution not in text
            assert take.STUB in text
        if role in ("explanation", "test"):
            assert cell.source.strip() not in text
    assert "solution-start" not in text
    kept = [c for c in source.cells if c.cell_type == "code" and not c.metadata.get("convac")]
    assert all(c.source in text for c in kept)  # the lesson is whole


def test_equations_keep_their_numbers(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("# T\n\n$$\na = b\n$$ (eq-a)\n\nand\n\n$$\nc\n$$ (eq-c)"),
        nbformat.v4.new_markdown_cell("By {eq}`eq-c` and {eq}`eq-a`, $\\ket{0}$."),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "page.ipynb")
    plain = take.without_solutions(tmp_path / "page.ipynb", tmp_path)
    assert "\\tag{1}\n$$" in plain.cells[0].source and "\\tag{2}\n$$" in plain.cells[0].source
    assert plain.cells[1].source.startswith("By (2) and (1), $")
    assert "\\ket" not in plain.cells[1].source


def test_the_archive_holds_all_that_the_chapters_read(folder):
    home = folder / "unpacked" / take.ARCHIVE
    assert len((home / "README.txt").read_text().splitlines()) == 3
    for page in CHAPTERS:
        assert (home / "chapters" / page.relative_to(BOOK)).exists()
        for name in re.findall(r"\.\./(data/[\w.]+)", page.read_text("utf-8")):
            assert (home / "chapters" / name).exists()
    project = (home / "library" / "pyproject.toml").read_text()
    assert "chapters = [" in project
    assert (home / "library" / "convac_lib" / "__init__.py").exists()
    names = [path.name for path in home.rglob("*")]
    assert "__pycache__" not in names and "tests" not in names


def test_the_same_sources_give_the_same_archive(folder, tmp_path):
    take.write_all(BOOK, tmp_path / "again")
    name = f"{take.ARCHIVE}.zip"
    assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


RUN = """
import json, sys
import convac_lib, convac_workbench, convac_book
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for code in json.load(sys.stdin):
    shell.run_cell(code).raise_error()
print(convac_lib.__file__, convac_book.__file__)
"""


def lesson(path):
    """Return the code of a notebook up to its exercises, without what shows widgets or plots."""
    codes = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and re.search(r"^## Exercises?$", cell.source, re.M):
            break
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", []):
            codes.append(cell.source)
    return codes


FULL = bool(os.environ.get("CONVAC_FULL"))
TRIED = CHAPTERS if FULL else [p for p in CHAPTERS if p.stem in ("opening", "widths", "min-cut")]


@pytest.mark.parametrize("page", TRIED, ids=lambda page: page.stem)
def test_a_chapter_runs_with_only_the_archive(folder, page):
    """The library of the archive and its data, in a process that knows no other place."""
    home = folder / "unpacked" / take.ARCHIVE
    path = home / "chapters" / page.relative_to(BOOK)
    clean = {
        **os.environ,
        "PYTHONPATH": str(home / "library"),
        "MPLBACKEND": "agg",
        "TQDM_DISABLE": "1",
        "IPYTHONDIR": str(folder / "ipython"),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(lesson(path)),
        cwd=path.parent,
        env=clean,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].count(str(home / "library")) == 2


@pytest.mark.skipif(not FULL, reason="installs everything anew: CONVAC_FULL=1")
def test_the_readme_of_the_archive_installs_it_in_an_empty_environment(folder, tmp_path):
    home = folder / "unpacked" / take.ARCHIVE
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    line = (home / "README.txt").read_text().splitlines()[1]
    arguments = re.search(r"pip install (.*?) --extra-index-url", line)[1].replace('"', "").split()
    subprocess.run([python, "-m", "pip", "install", "-q", *arguments], cwd=home, check=True)
    done = subprocess.run(
        [python, "-c", RUN],
        input=json.dumps(lesson(home / "chapters" / "opening.ipynb")),
        cwd=home / "chapters",
        env={**os.environ, "PYTHONPATH": "", "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert str(tmp_path / "venv") in done.stdout


def test_elsewhere_a_notebook_fetches_a_clone_where_the_sources_are_known(tmp_path):
    page = BOOK / "part4" / "widths.ipynb"
    assert "git clone" not in take.without_solutions(page, BOOK).cells[1].source
    fetch = take.without_solutions(page, BOOK, "https://github.com/someone/convac").cells[1].source
    lines = [line.strip() for line in fetch.splitlines()]
    assert lines[0].startswith("#")
    assert "!git clone --quiet --depth 1 https://github.com/someone/convac convac-sources" in lines
    assert '%pip install --quiet "./convac-sources[chapters]"' in lines
    assert lines[-1] == "%cd convac-sources/book/part4"
    ast.parse(
        "\n".join(x for x in fetch.splitlines() if not x.lstrip().startswith(("!", "%"))) + " pass"
    )


def test_the_clone_that_such_a_notebook_makes_is_one_that_it_can_use(tmp_path):
    """From a local repository, with the library hidden; what pip would install stands in."""
    fetch = take.FETCH.format(repository=str(ROOT), folder="part4")
    code = fetch.replace("%pip install --quiet", "!echo installing")
    script = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import importlib.util, os\n"
        "importlib.util.find_spec = lambda name: None\n"
        f"shell = InteractiveShell.instance()\nshell.run_cell({code!r}).raise_error()\n"
        "print(os.getcwd()); print(os.path.exists('../data/fig10_paper.json'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "IPYTHONDIR": str(tmp_path / "i")},
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "convac-sources" / "book" / "part4") in done.stdout
    assert done.stdout.splitlines()[-1] == "True"
