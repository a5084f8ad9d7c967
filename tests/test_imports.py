"""What is quick to start loads little: which modules are not there, in a fresh process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = (
    *("torch", "scipy", "networkx", "matplotlib", "flint", "numba", "sklearn", "joblib"),
    *("pandas", "tqdm", "convac_book", "convac_course", "convac_lib.learning"),
)
CUT = "from convac_lib.cli.app import app; app({}, standalone_mode=False)"
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
