"""What is quick to start loads little: which modules are not there, in a fresh process."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    *("torch", "scipy", "networkx", "matplotlib", "flint", "numba", "sklearn", "joblib"),
    *("pandas", "tqdm", "convac_book", "convac_course", "convac_lib.learning"),
    *("convac_workbench.data", "convac_workbench.experiments"),
)
CUT = "from convac_workbench.cli.app import app; app({}, standalone_mode=False)"
WORDS = ["cut", "--channels", "3,4,5", "--partition", "AABBAABB"]
LIST = "from convac_course.cli import app; app(['list'], standalone_mode=False)"
# What makes and grades assignments, and not needed to list them.
GRADING = ("convac_course.grading", "convac_course.sandbox", "nbgrader", "nbclient", "IPython")
CERTIFY = "import convac_lib as c; c.certify_rank(c.Architecture.line(2, (3, 4)), 'AABB')"


def loaded_by(code):
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stderr.splitlines()[-1]))


def test_a_list_of_assignments_loads_little():
    absent = {*HEAVY, *GRADING, "numpy", "nbformat", "jsonschema"} - {"convac_course"}
    assert not loaded_by(LIST) & absent


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import convac_lib; convac_lib.__version__", (*HEAVY, "numpy", "typer", "dataclasses")),
        ("from convac_lib import Architecture", (*HEAVY, "numpy", "typer")),
        ("import convac_lib as c; c.min_cut(c.Architecture.line(2, (9,)), 'AB')", HEAVY),
        (CUT.format(WORDS), HEAVY),
        (CERTIFY, tuple(module for module in HEAVY if module != "flint")),
    ],
)
def test_what_is_not_needed_is_not_loaded(code, absent):
    loaded = loaded_by(code)
    assert "convac_lib" in loaded
    assert not loaded & set(absent)


# Which packages a file may import from: its own, and those below it.
BELOW = {
    "convac_lib": ("convac_lib",),
    "convac_workbench": ("convac_lib", "convac_workbench"),
    "convac_book": ("convac_lib", "convac_workbench", "convac_book"),
    "convac_course": ("convac_lib", "convac_workbench", "convac_book", "convac_course"),
}


def imports_of(path):
    """Return the full names of all modules that a file names in its imports, lazy ones too."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", BELOW)
def test_arrows_run_downwards_only(folder):
    for path in (ROOT / folder).rglob("*.py"):
        for name in imports_of(path):
            if name.startswith("convac_"):
                assert name.startswith(BELOW[folder]), f"{path} imports {name}"


def test_the_core_imports_nothing_of_learning():
    core = [path for path in (ROOT / "convac_lib").glob("*.py") if path.stem != "__init__"]
    core += (ROOT / "convac_lib" / "fast").glob("*.py")
    assert not [name for path in core for name in imports_of(path) if ".learning" in name]
