"""The parts of the project that have to agree with each other."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(
    page for page in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in page.parts
)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def canonical(requirement):
    """Return the bare name of a requirement: 'PyMaxflow>=1.3' gives 'pymaxflow'."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def declared(*extras):
    """Return the names of all declared dependencies, of the base and of some extras."""
    listed = list(PYPROJECT["project"]["dependencies"])
    for extra in extras:
        listed += PYPROJECT["project"]["optional-dependencies"][extra]
    return {canonical(requirement) for requirement in listed} - {"convac-lib"}


USERS_SCRIPT = """\
from convac_lib import Architecture, ConvAC, certify_rank, min_cut
from convac_lib.learning import tasks
from convac_workbench.profiles import uniform_profile
from convac_lib.learning.training import train
from convac_lib.spectra import schmidt_spectrum

task = tasks.make("digits")
network: Architecture = uniform_profile(64, 4, 2, 10, budget=2_000)
model = ConvAC(network, head="normalized", seed=0)
right: float = train(model, task, epochs=8).test
weight: int = min_cut(network, "AB" * 32).weight + certify_rank(network, "AB" * 32).rank
entropy: float = schmidt_spectrum(network, "AB" * 32, model.to_weights()).entropy
print(model(task.test_inputs).argmax(-1), right, weight, entropy)
"""
PACKAGES = ("convac_lib", "convac_workbench", "convac_book", "convac_course")
ALL_EXTRAS = tuple(PYPROJECT["project"]["optional-dependencies"])


@pytest.mark.parametrize(
    "command",
    ["ruff check --output-format concise .", "ruff format --check .", "mypy", "tools/size.py"],
)
def test_a_checker_finds_nothing(command):
    words = command.split() if command.startswith("tools") else ["-m", *command.split()]
    found = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
def test_a_script_of_a_user_passes_mypy_strict(tmp_path):
    script = tmp_path / "mine.py"
    # As from an installed package: our own modules are followed, and not reported on.
    how = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    how += ["--cache-dir", ROOT / ".mypy_cache" / "user", script]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    told = []
    for text in (USERS_SCRIPT, USERS_SCRIPT.replace("budget=2_000", "budget='many'")):
        script.write_text(text)
        told.append(subprocess.run(how, env=environment, capture_output=True, text=True).stdout)
    assert told[0].startswith("Success"), told[0]
    assert "mine.py:8: error" in told[1]  # the types are seen, they are not Any


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_is_typed(package):
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in PYPROJECT["tool"]["setuptools"]["package-data"]["*"]


def test_what_quick_runs_is_what_is_run_before_a_commit():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"entry: (.+)", hooks) == ["make quick"]


# Modules that are tested by another file's name, and why.
TESTED_IN = {
    "convac_lib/_validation.py": "architecture",  # every module's tests of what is refused
    "convac_lib/learning/models/trees.py": "black_windows",  # whole trees and listed ones
    "convac_lib/learning/models/compiled.py": "fused",
    "convac_lib/learning/progress.py": "training",
    "convac_lib/learning/tasks/digits.py": "tasks",
    "convac_workbench/cli/app.py": "cli_doctor",  # every command's tests
    "convac_workbench/cli/design_report.py": "cli_design",
    "convac_book/drawing.py": "pictures",
    "convac_book/checks/_feedback.py": "checks_states",
    "convac_book/checks/opening.py": "course_graders",
}


def modules():
    """Return every module of the library and of what pages show, as paths from the root."""
    for package in PACKAGES[:3]:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name != "__init__.py":
                yield path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("module", list(modules()))
def test_every_module_has_its_test_file(module):
    *_, folder, name = module.removesuffix(".py").split("/")
    names = [name.lstrip("_"), f"{folder}_{name}", TESTED_IN.get(module)]
    names += ["explorers"] if folder == "explorers" else []
    there = [name for name in names if (ROOT / "tests" / f"test_{name}.py").exists()]
    assert there
    assert module not in TESTED_IN or there == [TESTED_IN[module]]  # no exception for nothing


def test_no_exception_is_left_over():
    assert set(TESTED_IN) <= set(modules())


def test_every_declared_dependency_is_pinned():
    pinned = {
        canonical(line)
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    assert declared(*ALL_EXTRAS) - pinned == set()


def test_conda_environment_installs_the_package_with_its_extras_and_nothing_else():
    text = (ROOT / "environment.yml").read_text()
    entries = [line.strip()[2:] for line in text.splitlines() if line.strip().startswith("- ")]
    assert entries[:3] == ["python=3.11", "pip", "pip:"]
    assert re.fullmatch(r"--extra-index-url https://\S+/whl/cpu", entries[3])
    assert entries[4] == "-c constraints.txt"
    extras = re.fullmatch(r"-e \.\[(.*)\]", entries[5])[1].split(",")
    assert set(extras) <= set(ALL_EXTRAS)
    assert len(entries) == 6
    low, high = re.findall(r"3\.(\d+)", PYPROJECT["project"]["requires-python"])
    assert int(low) <= 11 < int(high)


def test_notebooks_exist():
    assert NOTEBOOKS


def code_cells(page):
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def tags(cell):
    return cell["metadata"].get("tags", [])


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_every_code_cell_was_run_in_order(page):
    # nbval passes over a cell that was never run, so a stored count is asked for here.
    counts = [cell["execution_count"] for cell in code_cells(page)]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_only_cells_meant_to_raise_hold_an_error(page):
    for cell in code_cells(page):
        raised = any(output["output_type"] == "error" for output in cell["outputs"])
        assert raised == ("raises-exception" in tags(cell)), "".join(cell["source"])


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_pictures_and_widget_state_are_not_stored(page):
    text = page.read_text(encoding="utf-8")
    assert "image/png" not in text
    assert '"widgets"' not in text


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_code_fits_the_column(page):
    for cell in code_cells(page):
        if {"remove-cell", "hide-input"} & set(tags(cell)):
            continue
        wide = [line.rstrip("\n") for line in cell["source"] if len(line.rstrip("\n")) > 72]
        assert wide == []


distributions = cache(packages_distributions)  # it reads the files of all that is installed


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_every_import_is_a_declared_dependency(page):
    source = "\n".join(
        line
        for cell in code_cells(page)
        for line in "".join(cell["source"]).splitlines()
        if not line.lstrip().startswith(("%", "!"))
    )
    roots = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import breaks outside this folder"
            roots.add(node.module.split(".")[0])
    homes = distributions()
    for root in roots - set(sys.stdlib_module_names) - set(PACKAGES):
        owners = {canonical(name) for name in homes.get(root, [])}
        assert owners & declared("train", "book"), f"{root} is imported but not declared"


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_every_figure_has_alt_text_and_a_caption(page):
    for cell in code_cells(page):
        draws = any("<Figure" in json.dumps(output) for output in cell["outputs"])
        if draws and "remove-cell" not in tags(cell):
            shown = cell["metadata"].get("mystnb", {})
            assert shown.get("image", {}).get("alt"), "".join(cell["source"])
            assert shown.get("figure", {}).get("caption"), "".join(cell["source"])


def test_the_front_end_lock_has_checksums_and_no_download_addresses():
    lock = json.loads((ROOT / "tools" / "frontend" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all("integrity" in entry for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())


def test_the_readme_counts_chapters_and_parts():
    words = {6: "six", 20: "Twenty"}
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    numbered = [part for part in toc["parts"] if re.match(r"\d+\. ", part["caption"])]
    chapters = sum(len(part["chapters"]) for part in numbered)
    said = f"{words[chapters]} chapters follow, in {words[len(numbered)]} parts"
    assert said in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_s_lines_print_what_stands_beside_them():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names, compared = {}, 0
    for line in block.splitlines():
        code, _, said = line.partition("  # ")
        if said:
            assert repr(eval(code, names)) == said.split(":")[0]
            compared += 1
        else:
            exec(code, names)
    assert compared == 2
