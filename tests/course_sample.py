"""A small chapter with exercises of each kind, for the tests of convac_course."""

import copy
import json

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from convac_course.build import build_assignment

STATEMENT = """\
````{exercise} Sum of squares
:label: sum-of-squares

*Compute and check · 5 minutes · level 1 of 3*

Add the squares of the first `count` integers, from $\\ket{0}$ on, and store the sum as `total`;
see {prf:ref}`thm-sums`, {eq}`eq-sum` and {cite:p}`levine2018deep`.

```{admonition} Hint 1
:class: dropdown

Use a *loop*.
```
````"""
THEOREM = ":::{prf:theorem} Sums\n:label: thm-sums\n\nThey add up.\n:::"
SECOND = """\
````{exercise} A norm
:label: a-norm

*Write a function · 5 minutes · level 2 of 3*

Write `norm(vector)`. It raises a `ValueError` for an empty vector.
````"""
OPEN = """\
````{exercise} What if?
:label: what-if

*Think · 10 minutes · level 3 of 3*

What if the squares were cubes?
````"""


def _cell(kind, source, role, exercise=None, **more):
    """Return a cell with its convac metadata."""
    cell = kind(source)
    cell.metadata.convac = {"role": role, **({"exercise": exercise} if exercise else {}), **more}
    return cell


def sample_chapter():
    """Return the sample chapter as a notebook."""
    text, code = new_markdown_cell, new_code_cell
    first, second, third = "sum-of-squares", "a-norm", "what-if"
    fence = [f"```{{solution-start}} {first}\n:class: dropdown\n```", "```{solution-end}\n```"]
    cells = [
        text(f"# A sample of *sums*\n\n{THEOREM}"),
        _cell(code, "import numpy as np\n\nfrom convac_book.checks import right", "setup"),
        code("print('not part of any exercise')"),
        _cell(text, STATEMENT, "statement", first),
        _cell(code, "count = 10  # how many", "given", first, variants={"count": [20, 30]}),
        _cell(text, fence[0], "fence", first),
        _cell(text, "It is a sum of squares.", "explanation", first),
        _cell(
            code,
            "### BEGIN SOLUTION\ntotal = sum(k * k for k in range(count))\n### END SOLUTION\ntotal",
            "solution",
            first,
        ),
        _cell(text, fence[1], "fence", first),
        _cell(code, "right(f'it is {total:d}')", "check", first),
        _cell(
            code,
            "### BEGIN HIDDEN TESTS\nassert total == (count - 1) * count * (2 * count - 1) // 6\n"
            "### END HIDDEN TESTS",
            "test",
            first,
            points=2,
        ),
        _cell(text, SECOND, "statement", second),
        _cell(
            code,
            "def norm(vector):\n    ### BEGIN SOLUTION\n    if len(vector) == 0:\n"
            "        raise ValueError('empty')\n    return np.sqrt(np.sum(np.abs(vector) ** 2))\n"
            "    ### END SOLUTION",
            "solution",
            second,
        ),
        _cell(
            code,
            "### BEGIN HIDDEN TESTS\nassert abs(norm(np.array([3, 4j])) - 5) < 1e-9\n"
            "### END HIDDEN TESTS",
            "test",
            second,
            points=2,
        ),
        _cell(
            code,
            "### BEGIN HIDDEN TESTS\ntry:\n    norm(np.array([]))\nexcept ValueError:\n    pass\n"
            "else:\n    raise AssertionError('an empty vector is let through')\n"
            "### END HIDDEN TESTS",
            "test",
            second,
            points=1,
        ),
        _cell(text, OPEN, "open", third),
        _cell(text, "They would grow faster.", "explanation", third),
    ]
    return new_notebook(cells=cells)


RIGHT = {
    "sum-of-squares": "total = 0\nfor k in range(count):\n    total += k**2",
    "a-norm": "def norm(vector):\n    if not len(vector):\n        raise ValueError('empty')\n"
    "    return np.vdot(vector, vector).real ** 0.5",
}


def handed_in(release, **answers):
    """Return a release notebook with answers written in; others stay blank."""
    notebook = copy.deepcopy(release)
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        key = name.removesuffix("-solution").replace("-", "_")
        if name.endswith("-solution") and key in answers:
            cell["source"] = answers[key]
    return notebook


def write(folder, student, notebook, chapter="sample"):
    """Put a notebook where a student's submission belongs."""
    path = folder / student / chapter / f"{chapter}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else json.dumps(notebook))
    return path


GIVEN_SETUP = (
    "import numpy as np\nfrom convac_book.checks import states as one\n"
    "from convac_book.checks import entanglement as two"
)
SMALL = "````{{exercise}} {0}\n:label: {0}\n\n*Compute · 1 minutes · level 1 of 3*\n\nDo.\n````"


def course_of(folder, exercises, setup=GIVEN_SETUP):
    """Build the course `given` of small exercises: name, given cells, solution, hidden test."""
    cells = [new_markdown_cell("# Given"), new_code_cell(setup)]
    cells[1].metadata.convac = {"role": "setup"}
    for name, given, solution, test in exercises:
        parts = [(new_markdown_cell, "statement", SMALL.format(name))]
        parts += [(new_code_cell, "given", cell) for cell in given]
        solution = f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
        test = f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
        parts += [(new_code_cell, "solution", solution), (new_code_cell, "test", test)]
        for make, role, source in parts:
            cells.append(make(source))
            cells[-1].metadata.convac = {"role": role, "exercise": name}
        cells[-1].metadata.convac["points"] = 1
    nbformat.write(new_notebook(cells=cells), folder / "given.ipynb")
    build_assignment(folder / "given.ipynb", folder / "course")
    return folder / "course"
