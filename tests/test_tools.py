"""The small scripts behind the Makefile, and the three ways in which a page can go stale."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from load_script import load_script
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A small notebook, run and normalised by the tool."""
    page = tmp_path_factory.mktemp("book") / "page.ipynb"
    cells = [
        new_code_cell("print(1)\nprint(2)"),
        new_code_cell("import matplotlib.pyplot as plt\n_ = plt.plot([0, 1])"),
    ]
    nbformat.write(new_notebook(cells=cells), page)
    page.write_text(load_script("tools/notebooks.py").run(page))
    return page


@pytest.mark.slow
def test_running_the_notebooks_twice_gives_the_same_bytes(executed):
    assert load_script("tools/notebooks.py").run(executed) == executed.read_text()


def test_text_outputs_are_kept_and_pictures_dropped(executed):
    first, second = nbformat.read(executed, as_version=4).cells
    assert first.outputs[0].text == "1\n2\n"
    assert list(second.outputs[0].data) == ["text/plain"]


def nbval(page):
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir"]
    command += [str(page.parent), str(page)]
    return subprocess.run(command, cwd=page.parent, capture_output=True, text=True)


@pytest.mark.slow
def test_a_stale_output_and_a_broken_cell_are_refused(executed, tmp_path):
    notebook = nbformat.read(executed, as_version=4)
    notebook.cells[0].source = "print(1)\nprint(3)"
    notebook.cells[1].source = "raise RuntimeError('broken on purpose')"
    page = tmp_path / "stale.ipynb"
    nbformat.write(notebook, page)
    found = nbval(page)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "2 failed" in found.stdout
    assert "broken on purpose" in found.stdout


def test_the_guard_refuses_a_cell_that_was_never_run(executed, tmp_path):
    guard = load_script("tests/test_repository.py", name="guard")
    guard.test_every_code_cell_was_run_in_order(executed)
    notebook = nbformat.read(executed, as_version=4)
    notebook.cells[1].execution_count = None
    page = tmp_path / "unrun.ipynb"
    nbformat.write(notebook, page)
    with pytest.raises(AssertionError, match="make notebooks"):
        guard.test_every_code_cell_was_run_in_order(page)


def test_a_cell_that_raises_leaves_the_notebook_as_it_was_and_is_shown(tmp_path, monkeypatch):
    tool = load_script("tools/notebooks.py")
    page = tmp_path / "broken.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), page)
    before = page.read_bytes()
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"(?s)1 / 0.*ZeroDivisionError"):
        tool.main([str(page)])
    assert page.read_bytes() == before


def test_a_change_of_the_library_drops_both_caches_and_one_of_the_layout_only_sphinx_s(
    tmp_path, monkeypatch
):
    tool = load_script("tools/build_book.py")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "BUILD", tmp_path / "_build")
    for source in tool.PAGES_NEED:
        path = tmp_path / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x") if path.suffix else path.mkdir()
    caches = [tmp_path / "_build" / name for name in (".jupyter_cache", ".doctrees")]

    def caches_survive():
        for cache in caches:
            cache.mkdir(parents=True, exist_ok=True)
        tool.drop_stale_caches()
        return [cache.exists() for cache in caches]

    assert caches_survive() == [False, False]  # nothing is known of these caches yet
    assert caches_survive() == [True, True]
    (tmp_path / "convac_lib" / "a.py").write_text("x = 1")
    assert caches_survive() == [False, False]
    assert caches_survive() == [True, True]
    (tmp_path / "_config.yml").write_text("title: other")
    assert caches_survive() == [True, False]


def test_no_npm_and_no_network_are_said_in_a_sentence(tmp_path, monkeypatch):
    tool = load_script("tools/frontend.py")
    monkeypatch.setattr(tool, "SCRATCH", tmp_path)
    monkeypatch.setattr(tool.shutil, "which", lambda *_, **__: None)
    with pytest.raises(SystemExit, match="npm was not found"):
        tool.npm_ci()
    monkeypatch.undo()
    monkeypatch.setattr(tool, "SCRATCH", tmp_path)
    refused = subprocess.CompletedProcess([], 1, "", "connect ECONNREFUSED")
    monkeypatch.setattr(tool.subprocess, "run", lambda *_, **__: refused)
    monkeypatch.setattr(tool.shutil, "which", lambda *_, **__: "/usr/bin/npm")
    with pytest.raises(SystemExit, match=r"(?s)could not be fetched.*ECONNREFUSED"):
        tool.npm_ci()


# --- keeping the rows of a study --------------------------------------------------------


STUDY = """
name = "small"
[common]
epochs = 1
[[block]]
model = "convnet"
channels = [2, 3, 2]
grid.seed = [0, 1]
"""


@pytest.fixture
def kept(tmp_path):
    """A study with two runs, and rows of it and of another study."""
    from convac_workbench.experiments import Experiment
    from convac_workbench.results import Results
    from convac_workbench.sweeps import Study

    source, results = tmp_path / "small.toml", Results(tmp_path / "small.jsonl")
    source.write_text(STUDY)
    made = {"parameters": 51, "train_accuracy": 0.25, "test_accuracy": 0.1234567, "seconds": 1.5}
    made |= {"device": "cpu", "threads": 1, "torch": "2", "python": "3", "together": None}
    other = Experiment(model="convac", channels=(2, 2, 2))
    for experiment in (other, *reversed(Study.read(source).experiments)):
        finished = f"2026-01-0{1 + experiment.seed}T10:00:00+00:00"
        results.append({**experiment.settings, **made, "finished": finished})
    return source, results.path, tmp_path / "kept.json"


def keep_results(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["keep_results.py", *map(str, arguments)])
    load_script("tools/keep_results.py").main()


def test_kept_rows_are_those_of_the_study_in_its_order_with_their_origin(kept, monkeypatch):
    keep_results(monkeypatch, *kept)
    table = json.loads(kept[2].read_text())
    assert [row["seed"] for row in table["rows"]] == [0, 1]
    assert all(row["test_accuracy"] == 0.123457 for row in table["rows"])
    assert table["missing"] == 0
    assert table["common"]["model"] == "ConvNet" and table["common"]["epochs"] == 1
    made = table["provenance"]
    assert made["device"] == "cpu" and made["versions"] == {"python": "3", "torch": "2"}
    assert made["date"] == "2026-01-01 to 2026-01-02" and "together" not in made
    before = kept[2].read_bytes()
    keep_results(monkeypatch, *kept)
    assert kept[2].read_bytes() == before


def test_a_run_that_failed_is_missing_and_its_reason_kept(kept, monkeypatch, capsys):
    from convac_workbench.results import Results
    from convac_workbench.sweeps import Study

    lines = kept[1].read_text().splitlines(keepends=True)
    kept[1].write_text("".join(lines[:2]))  # the run with seed 1
    first, second = Study.read(kept[0]).experiments
    lost = first.failed_row("the training diverged: at step 3")
    Results(kept[1]).append(lost, second.failed_row("the disk was full, before it was made"))
    keep_results(monkeypatch, *kept)
    table = json.loads(kept[2].read_text())
    assert [row["seed"] for row in table["rows"]] == [1] and table["missing"] == 1
    assert table["failed"] == [{"seed": 0, "reason": "the training diverged: at step 3"}]
    assert "1 runs, 1 of the study missing, of which 1 failed" in capsys.readouterr().out
    kept[1].write_text(json.dumps(lost) + "\n")
    with pytest.raises(SystemExit, match="none of its 2 runs"):
        keep_results(monkeypatch, *kept)


def test_missing_rows_are_counted_and_no_rows_are_refused(kept, monkeypatch):
    lines = kept[1].read_text().splitlines(keepends=True)
    kept[1].write_text("".join(lines[:2]))
    keep_results(monkeypatch, *kept)
    assert json.loads(kept[2].read_text())["missing"] == 1
    before = kept[2].read_bytes()
    kept[1].write_text(lines[0])
    with pytest.raises(SystemExit, match="none of its 2 runs"):
        keep_results(monkeypatch, *kept)
    with pytest.raises(SystemExit, match="no file of results"):
        keep_results(monkeypatch, kept[0], "nowhere.jsonl", kept[2])
    assert kept[2].read_bytes() == before


# Studies whose runs are still being made.
GROWING = {"fig10_he_recipe"}


@pytest.mark.parametrize("rows", sorted((ROOT / "studies").glob("*.jsonl")), ids=lambda p: p.stem)
def test_the_books_tables_are_made_of_the_rows_beside_the_studies(rows, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    study, made = Path("studies") / f"{rows.stem}.toml", tmp_path / "made.json"
    keep_results(monkeypatch, study, rows, made)
    stored = ROOT / "book" / "data" / f"{rows.stem}_runs.json"
    assert made.read_bytes() == stored.read_bytes()
    missing = json.loads(stored.read_text(encoding="utf-8"))["missing"]
    assert (missing > 0) == (rows.stem in GROWING)  # their page says how many are there


# --- size -----------------------------------------------------------------------------


def test_lines_are_counted_without_blanks_and_comments_but_with_docstrings(tmp_path):
    tool = load_script("tools/size.py")
    source = (
        '"""One.\n\nThree, for a blank line in it is none."""\n\n# no\nx = [  # yes\n    1,\n]\n'
    )
    assert tool.count_lines(source) == 2 + 3
    (tmp_path / "room").mkdir()
    (tmp_path / "a.py").write_text(source)
    (tmp_path / "room" / "b.py").write_text("y = 1\n")
    assert tool.count_folders(tmp_path) == {tmp_path: 5, tmp_path / "room": 1}


@pytest.mark.parametrize("promise", ["CORE", "WHOLE"])
def test_a_broken_promise_on_the_size_is_an_error(monkeypatch, promise):
    tool = load_script("tools/size.py")
    tool.main()
    monkeypatch.setattr(tool, promise, 10)
    with pytest.raises(SystemExit, match="A promise is broken"):
        tool.main()
