"""What is said while the book is built, and what is shown when that fails."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from load_script import load_script
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "book" / "_ext"), str(ROOT / "tools")]
extension = load_script("book/_ext/convac_progress.py")
run_pages = load_script("tools/run_pages.py")


@pytest.fixture(scope="module")
def building():
    """The tool that builds the book; the line for a page comes from an extension's mark."""
    tool = load_script("tools/build_book.py")
    assert tool.MARK == extension.MARK
    return tool


@pytest.fixture
def site(tmp_path):
    """A book of two chapters with the extension, its table of times, and a page of text."""
    book = tmp_path / "book"
    (book / "data").mkdir(parents=True)
    (book / "conf.py").write_text(
        f"import sys\nsys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'book' / '_ext')!r}]\n"
        "extensions = ['myst_nb', 'convac_progress']\nnb_execution_mode = 'cache'\n"
        f"nb_execution_cache_path = {str(tmp_path / 'cache')!r}\n"
    )
    (book / "_toc.yml").write_text(
        "root: index\nparts:\n- caption: One\n  chapters:\n  - file: first\n  - file: second\n"
        "- caption: Look things up\n  chapters:\n  - file: times\n"
    )
    (book / "index.md").write_text("# Book\n\n```{toctree}\nfirst\nsecond\ntimes\n```\n")
    (book / "times.md").write_text("# Times\n\n```{chapter-times}\n```\n")
    pieces = "print('one', end=' ', flush=True)\nprint('line')"
    for name in ("first", "second"):
        cells = [nbformat.v4.new_markdown_cell(f"# The {name}\n\nA."), new_code_cell(pieces)]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(new_notebook(cells=cells, metadata=kernel), book / f"{name}.ipynb")
    return tmp_path


def build(site, monkeypatch):
    """Build the site in a process of its own, and return what was said and the page of times."""
    monkeypatch.setenv(extension.ASKED, "1")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", site / "book", site / "html"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(extension.MARK)]
    return lines, (site / "html" / "times.html").read_text(encoding="utf-8")


def table_of(page):
    return re.search(r"<table.*?</table>", page, re.S)[0]


@pytest.mark.slow
def test_pages_run_beforehand_are_taken_from_the_cache_and_their_seconds_listed(site, monkeypatch):
    told, pages = [], sorted((site / "book").glob("*.ipynb"))
    assert run_pages.run_stale(pages, site / "cache", told.append, site / "book") == {}
    assert told[0].startswith("running 2 of 2 pages")
    assert sorted(line.split()[1] for line in told[1:]) == ["first", "second"]
    assert run_pages.run_stale(pages, site / "cache", told.append, site / "book") == {}
    assert len(told) == 3  # nothing is stale
    monkeypatch.setenv("PATH", "")  # and no kernel of the build's could be started by name
    lines, page = build(site, monkeypatch)
    assert [line.split()[2] for line in lines[:-1]] == ["first", "index", "second", "times"]
    assert lines[-1].endswith("writing 4 pages ...")
    assert "<span></span>one line\n" in (site / "html" / "first.html").read_text(encoding="utf-8")
    for words in ('href="first.html">The first<', 'href="second.html">The second<', "All of them"):
        assert words in page
    shutil.rmtree(site / "html")
    again = build(site, monkeypatch)[1]
    assert table_of(again) == table_of(page)  # the seconds are those of the run, kept


@pytest.mark.slow
def test_a_page_that_raises_is_named_with_what_it_said_and_the_others_are_kept(site):
    page = site / "book" / "first.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), page)
    told, pages = [], sorted((site / "book").glob("*.ipynb"))
    failed = run_pages.run_stale(pages, site / "cache", told.append, site / "book")
    assert list(failed) == ["first"] and "ZeroDivisionError" in failed["first"]
    assert any(line.endswith("failed") for line in told)
    assert list(run_pages.run_stale(pages, site / "cache", told.append, site / "book")) == ["first"]
    assert "running 1 of 2 pages" in "".join(told)


def test_when_the_build_fails_its_warnings_and_last_lines_are_shown(building):
    log = ["reading", "x.md:3: WARNING: no such label", "[IPKernelApp] WARNING | encryption"]
    log += [f"line {n}" for n in range(100)]
    shown = building.what_failed("\n".join(log))
    assert "x.md:3: WARNING: no such label" in shown and "IPKernelApp" not in shown
    assert "line 99" in shown and "line 1\n" not in shown


def test_a_process_left_behind_keeps_nobody_waiting(building, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(building, "LOG", tmp_path / "log")
    monkeypatch.setattr(building, "SECONDS_FOR_THE_REST", 0.5)
    leave = (
        "import subprocess, sys\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"print('{extension.MARK}a page', left.pid, flush=True)\n"
        "print('an error', flush=True)\n"
        "sys.exit(3)"
    )
    assert building.run_and_log([sys.executable, "-c", leave]) == 3
    told = capsys.readouterr().out.split()
    os.kill(int(told[-1]), signal.SIGKILL)  # it was there all the while
    assert told[:2] == ["a", "page"]
    assert (tmp_path / "log").read_text() == "an error\n"
