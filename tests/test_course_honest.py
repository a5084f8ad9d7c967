"""A right answer keeps its marks, whatever was done to the notebook that it came in."""

import copy
import json

import pytest
from course_runs import graded, make_course, marks_of, release_of
from course_sample import RIGHT, handed_in, write

SUM, NORM = RIGHT["sum-of-squares"], RIGHT["a-norm"]
pytestmark = pytest.mark.slow
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"


def cell_named(notebook, name):
    about = ((cell, cell["metadata"].get("nbgrader", {})) for cell in notebook["cells"])
    return next(cell for cell, nbgrader in about if nbgrader.get("grade_id") == name)


def place_of(notebook, name):
    return notebook["cells"].index(cell_named(notebook, name))


def code(source):
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}


def first(*sources):
    """Return a change that puts cells of the student's own above everything."""

    def change(notebook):
        notebook["cells"][:0] = [code(source) for source in sources]

    return change


def answering(before="", after="", name="sum-of-squares-solution"):
    """Return a change that puts lines into an answer's cell."""

    def change(notebook):
        cell = cell_named(notebook, name)
        cell["source"] = f"{before}{cell['source']}{after}"

    return change


def without(*names):
    """Return a change that deletes cells."""

    def change(notebook):
        for name in names:
            notebook["cells"].remove(cell_named(notebook, name))

    return change


def rewritten(name, source):
    """Return a change that writes something else into a cell."""

    def change(notebook):
        cell_named(notebook, name)["source"] = source

    return change


def moved(name, to):
    """Return a change that moves a cell before another, or to the end."""

    def change(notebook):
        cell = cell_named(notebook, name)
        notebook["cells"].remove(cell)
        place = place_of(notebook, to) if to else len(notebook["cells"])
        notebook["cells"].insert(place, cell)

    return change


def doubled(name, to, source=None):
    """Return a change that puts a copy of a cell before another, or at the end."""

    def change(notebook):
        cell = copy.deepcopy(cell_named(notebook, name))
        cell["source"] = cell["source"] if source is None else source
        place = place_of(notebook, to) if to else len(notebook["cells"])
        notebook["cells"].insert(place, cell)

    return change


def turned(name, kind):
    """Return a change that makes another kind of cell of one."""

    def change(notebook):
        cell_named(notebook, name)["cell_type"] = kind

    return change


def without_any_metadata(notebook):
    notebook["metadata"] = {}
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def without_test_cells(notebook):
    keep = [c for c in notebook["cells"] if "-test" not in json.dumps(c["metadata"])]
    notebook["cells"] = keep


def with_tests_of_its_own(notebook):
    cell = cell_named(notebook, "sum-of-squares-test")
    cell["source"], cell["metadata"]["nbgrader"]["points"] = "pass", 1000


def in_several_cells(notebook):
    place, cell = place_of(notebook, "sum-of-squares-solution"), None
    cell = notebook["cells"][place]
    head, rest = cell["source"].split("\n", 1)
    cell["source"] = rest
    notebook["cells"].insert(place, code([head]))


def in_another_order(notebook):
    cells, start = notebook["cells"], place_of(notebook, "a-norm-statement")
    notebook["cells"] = cells[:2] + cells[start:] + cells[2:start]


def beside_the_stub(where):
    """Return a change that leaves the stub and writes the answer into a cell of its own."""

    def change(notebook):
        cell_named(notebook, "sum-of-squares-solution")["source"] = f"{STUB}\ntotal"
        place = place_of(notebook, where) + 1 if where else len(notebook["cells"])
        notebook["cells"].insert(place, code(SUM))

    return change


def by_kaggle(notebook):
    notebook["nbformat_minor"] = 4
    notebook["metadata"]["kaggle"] = {"accelerator": "none"}
    for cell in notebook["cells"]:
        cell["metadata"] |= {"trusted": True, "execution": {"iopub.status.busy": "2026"}}
        cell.pop("id", None)


def by_colab(notebook):
    notebook["metadata"] |= {"colab": {"provenance": []}, "accelerator": "GPU"}
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] |= {"id": f"x{number}", "outputId": "y", "colab": {"base_uri": "z"}}
        cell["source"] = cell["source"].splitlines(keepends=True)
    mount = "from google.colab import drive, files\ndrive.mount('/content/drive')\nfiles.upload()"
    notebook["cells"][:0] = [code("!pip install -q convac-lib"), code(mount)]


def by_vs_code(notebook):
    for cell in notebook["cells"]:
        cell["metadata"]["vscode"] = {"languageId": "python"}
        cell.pop("id", None)
        cell["source"] = cell["source"].replace("\n", "\r\n")


def by_jupyterlite(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)"}
    notebook["cells"].insert(0, code("import piplite\nawait piplite.install('networkx')"))


def by_format_3(notebook):
    cells = notebook.pop("cells")
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"], cell["language"] = cell.pop("source"), "python"
    cells[0] = {"cell_type": "heading", "level": 1, "source": "Exercises", "metadata": {}}
    notebook |= {"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}


def by_a_newer_format(notebook):
    notebook |= {"nbformat": 5, "nbformat_minor": 9, "extensions": {}}


# What was done, and what the report says of it; the marks are all 5.
CHANGED = {
    "deletes the test cells": (without_test_cells, "sum-of-squares-test was gone"),
    "writes tests of its own": (with_tests_of_its_own, ""),
    "deletes what is given": (without("sum-of-squares-given", "setup-1"), ""),
    "deletes the check": (without("sum-of-squares-check"), ""),
    "deletes the statements": (without("sum-of-squares-statement", "a-norm-statement"), ""),
    "loses all metadata": (without_any_metadata, ""),
    "changes what is given": (
        rewritten("sum-of-squares-given", "count = 3"),
        "sum-of-squares-given had been changed; the original was used",
    ),
    "imports among what is given": (
        lambda n: (
            rewritten("sum-of-squares-given", "import itertools\ncount = 10  # how many")(n),
            answering("squares = itertools.count()\n")(n),
        ),
        "had been changed",
    ),
    "imports in the set-up": (
        lambda n: (
            rewritten("setup-1", "import numpy as np\nimport math")(n),
            answering("assert math.pi > 3\n")(n),
        ),
        "setup-1 had been changed",
    ),
    "writes the answer into the check": (
        lambda n: (
            rewritten("sum-of-squares-solution", f"{STUB}\ntotal")(n),
            rewritten("sum-of-squares-check", f"{SUM}\nright(f'it is {{total:d}}')")(n),
        ),
        "",
    ),
    "writes the answer into the test": (
        lambda n: (
            rewritten("sum-of-squares-solution", f"{STUB}\ntotal")(n),
            rewritten("sum-of-squares-test", f"{SUM}\nassert 'total' in globals()")(n),
        ),
        "",
    ),
    "asserts that the check is content": (
        answering(after="\nassert right('x')\nwhile not right('x'): pass\nprint(right('x').ok)"),
        "",
    ),
    "answers in several cells": (in_several_cells, ""),
    "answers beside the stub": (beside_the_stub("sum-of-squares-solution"), ""),
    "answers below the test": (beside_the_stub("sum-of-squares-test"), ""),
    "answers at the end": (beside_the_stub(None), ""),
    "moves the exercises": (in_another_order, ""),
    "moves the answer to the end": (moved("sum-of-squares-solution", None), ""),
    "moves the answer to the top": (moved("sum-of-squares-solution", "setup-1"), ""),
    "moves the test to the top": (moved("sum-of-squares-test", "setup-1"), ""),
    "moves what is given to the end": (moved("sum-of-squares-given", None), ""),
    "doubles the test above the answer": (
        doubled("sum-of-squares-test", "sum-of-squares-solution"),
        "",
    ),
    "doubles the answer": (doubled("sum-of-squares-solution", "sum-of-squares-check"), ""),
    "leaves a blank copy of the answer": (
        doubled("sum-of-squares-solution", "sum-of-squares-check", f"{STUB}\ntotal"),
        "",
    ),
    "leaves a wrong copy above the answer": (
        doubled("sum-of-squares-solution", "sum-of-squares-solution", "total = 3"),
        "",
    ),
    "doubles everything": (lambda n: n["cells"].extend(copy.deepcopy(n["cells"])), ""),
    "turns the answer into raw text": (
        turned("sum-of-squares-solution", "raw"),
        "had been turned into text; it was run as code",
    ),
    "turns the answer into markdown": (
        turned("sum-of-squares-solution", "markdown"),
        "had been turned into text; it was run as code",
    ),
    "turns the test into raw text": (turned("sum-of-squares-test", "raw"), ""),
    "fails at the top": (first("1 / 0"), "a cell outside the exercises raised ZeroDivisionError"),
    "imports what is not here": (first("import tensorflow"), "raised ModuleNotFoundError"),
    "fails at the end of an answer": (answering(after="\n1 / 0"), ""),
    "does not even parse": (first("this is no Python"), "raised SyntaxError"),
    "ends the process at the top": (
        first("import os\nos._exit(1)"),
        "a cell outside the exercises was stopped: its process ended itself",
    ),
    "never ends at the top": (
        first("while True: pass"),
        "a cell outside the exercises was stopped: it ",
    ),
    "exits": (first("exit()", "quit()", "raise SystemExit"), "raised SystemExit"),
    "asks for input": (answering("name = input('Your name? ')\n"), ""),
    "uses magics": (answering("%matplotlib inline\n", "\n!true\n%time 1\n%timeit -n1 -r1 1"), ""),
    "uses a magic of its own machine": (answering("%matplotlib widget\n%load_ext nothere\n"), ""),
    "uses a cell magic": (answering("%%time\n"), ""),
    "installs packages": (answering("%pip install x\n!pip install x\n%conda install x\n"), ""),
    "asks for help": (answering("np.zeros?\n"), ""),
    "prints a great deal": (answering("print('x' * 150_000)\n"), ""),
    "prints colours and bars": (answering("print('\\x1b[31mred\\x1b[0m \\r 50%')\n"), ""),
    "draws figures": (
        answering("from matplotlib.pyplot import plot, show\nplot([1])\nshow()\n"),
        "",
    ),
    "starts threads and processes": (
        answering(
            "from concurrent.futures import ThreadPoolExecutor\nimport multiprocessing as mp\n"
            "with ThreadPoolExecutor(2) as pool: list(pool.map(abs, [1, -2]))\n"
            "with mp.get_context('fork').Pool(2) as pool: pool.map(abs, [1, -2])\n"
        ),
        "",
    ),
    "writes and reads files": (answering("open('x', 'w').write('1')\nopen('x').read()\n"), ""),
    "changes the answer while playing below": (
        lambda n: n["cells"].append(code("total = 0\ndef norm(vector): return 0")),
        "",
    ),
    "uses another name for numpy": (answering("import numpy\nimport numpy as np\n"), ""),
    "hands in another kind of number": (answering(after="\ntotal = np.float64(total)"), ""),
    "saves with Colab": (by_colab, ""),
    "saves with Kaggle": (by_kaggle, ""),
    "saves with VS Code": (by_vs_code, ""),
    "saves with JupyterLite": (by_jupyterlite, ""),
    "saves in format 3": (by_format_3, ""),
    "saves in a newer format": (by_a_newer_format, ""),
}
# How the same right notebook may come as bytes.
ENCODED = {
    "with a mark": lambda text: text.encode("utf-8-sig"),
    "in UTF-16": lambda text: text.encode("utf-16"),
    "in UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "in UTF-32": lambda text: text.encode("utf-32"),
    "by an old Windows": lambda text: text.replace("\\u00e9", "é").encode("cp1252", "replace"),
    "with lines of Windows": lambda text: json.dumps(json.loads(text), indent=1)
    .replace("\n", "\r\n").encode(),
    "with blank lines around": lambda text: b"\n\n" + text.encode() + b"\n\n\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """Right answers in notebooks that were cut, moved and rewritten, graded in one run."""
    course = make_course(tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("course"))
    release, folder = release_of(course), tmp_path_factory.mktemp("changed")
    right = handed_in(release, sum_of_squares=SUM + "  # é", a_norm=NORM)
    for name, (change, _) in CHANGED.items():
        notebook = copy.deepcopy(right)
        change(notebook)
        write(folder, name, notebook)
    for name, encode in ENCODED.items():
        write(folder, name, right).write_bytes(encode(json.dumps(right)))
    source = (course / "source" / "sample" / "sample.ipynb").read_text()
    write(folder, "reference", source)
    write(folder, "blank", release)
    slow = "def norm(vector):\n    while True: pass"
    write(folder, "loops when called", handed_in(release, sum_of_squares=SUM, a_norm=slow))
    leaves = "def norm(vector):\n    import os\n    os._exit(1)"
    write(folder, "ends when called", handed_in(release, sum_of_squares=SUM, a_norm=leaves))
    half = "def norm(vector):\n    return np.vdot(vector, vector).real ** 0.5"
    write(folder, "half right", handed_in(release, sum_of_squares="total = 284", a_norm=half))
    helped = "def squared(v): return np.vdot(v, v).real\n" + NORM.replace(
        "np.vdot(vector, vector).real", "squared(vector)"
    )
    later = handed_in(release, sum_of_squares=SUM, a_norm=helped)
    later["cells"].append(code("def squared(v): return -1"))
    write(folder, "helped and overwritten", later)
    return graded(folder, course, folder / "grades.csv", jobs=2)


@pytest.mark.parametrize("name", CHANGED)
def test_a_right_answer_in_a_changed_notebook_keeps_its_marks(changed, name):
    result = changed[name]
    assert marks_of(result) == {"sum-of-squares": 2, "a-norm": 3}, result.reasons()
    assert CHANGED[name][1] in result.reasons()
    assert CHANGED[name][1] or not result.reasons(), result.reasons()


@pytest.mark.parametrize("name", ENCODED)
def test_a_right_notebook_in_another_encoding_keeps_its_marks(changed, name):
    assert changed[name].full and not changed[name].reasons(), changed[name].reasons()


def test_the_reference_gets_full_marks_and_a_blank_none(changed):
    assert changed["reference"].full and changed["reference"].reasons() == ""
    assert changed["blank"].got == 0
    assert changed["blank"].reasons().count("no answer was written") == 2


def test_a_function_that_fails_when_the_test_calls_it_costs_its_exercise(changed):
    assert marks_of(changed["loops when called"]) == {"sum-of-squares": 2, "a-norm": 0}
    # How it ended is not told: it would say something of what the test called it with.
    told = "its function was stopped, or ended its process"
    assert told in changed["loops when called"].reasons()
    assert marks_of(changed["ends when called"]) == {"sum-of-squares": 2, "a-norm": 0}
    assert told in changed["ends when called"].reasons()
    assert "exit status" not in changed["ends when called"].reasons()


def test_a_function_is_called_as_it_was_in_its_place(changed):
    assert changed["helped and overwritten"].full, changed["helped and overwritten"].reasons()


def test_marks_are_given_for_each_test_and_the_reason_is_the_test_s_own_words(changed):
    result = changed["half right"]
    assert marks_of(result) == {"sum-of-squares": 0, "a-norm": 2}
    assert "an empty vector is let through" in result.reasons()
    sums = result.marks[0]
    assert "284" in sums.sentence and sums.answers == ["total = 284"]
    assert sums.code == ["total = 284"]
