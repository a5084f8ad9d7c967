"""The notebooks of an assignment: the source, what students get, what the teacher reads."""

import ast
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

from .chapters import HIDDEN, SOLUTION, Chapter, Exercise
from .notebooks import Cell, Notebook
from .variants import choose, draw_of, identity, in_words, varied

Rewrite = Callable[[str], str]
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
GRADED_HERE = "# Your answer is graded here. Leave this cell as it is."
WRITE_HERE = "*Write your answer here.*"
WRITTEN_POINTS = 12
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
BRIEF = """\
Each task has one cell for your answer: replace the two lines in it. The cell after it checks
the answer at once and says what is off. You may add cells. Leave the other cells as they are;
before you hand in, choose *Restart kernel and run all cells* and save."""


def source_notebook(
    chapter: Chapter,
    rewrite: Rewrite,
    name: str | None = None,
    variant: int | str | None = None,
    written_points: float = WRITTEN_POINTS,
) -> Notebook:
    """Return the assignment with its solutions, marked up for nbgrader.

    Parameters
    ----------
    chapter : Chapter
        A chapter of the book.
    rewrite : callable
        Takes a text of the book and returns plain markdown.
    name : str, optional
        The assignment's, where it is not the chapter's.
    variant : int or str, optional
        The seed that draws other values.
    written_points : float
        What an open exercise is worth.
    """
    cells = [_heading(chapter, variant)]
    cells += [_marked(cell, f"setup-{n}") for n, cell in enumerate(chapter.setup, 1)]
    for exercise in chapter.exercises:
        exercise = varied(exercise, choose(exercise, variant))
        cells.append(_statement(exercise, rewrite, written_points))
        if not exercise.graded:
            cells.append(_written(exercise, written_points))
            continue
        counts: dict[str | None, int] = {}
        for cell in exercise.of("given", "solution", "check", "test"):
            counts[cell.role] = counts.get(cell.role, 0) + 1
            number = f"-{counts[cell.role]}" if counts[cell.role] > 1 else ""
            marked = _marked(cell, f"{exercise.name}-{cell.role}{number}")
            if cell.role == "test":
                marked.source = _visible_test(exercise) + "\n" + marked.source
            cells.append(marked)
    metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        "convac": {
            "chapter": chapter.name,
            "assignment": name or chapter.name,
            "variant": variant,
            "draw": draw_of(chapter, variant),
        },
    }
    return Notebook(cells, metadata)


def release_notebook(source: Notebook) -> Notebook:
    """Return what students get: a stub for each solution, no hidden test, no trace of the rest."""
    notebook = deepcopy(source)
    for cell in notebook.cells:
        if cell.role == "solution":
            cell.source = SOLUTION.sub(stub, cell.source)
        elif cell.role == "test":
            cell.source = HIDDEN.sub("", cell.source).strip("\n")
        cell.metadata.pop("convac", None)
    about = notebook.metadata["convac"]
    about["draw"] = identity(about["draw"])
    about.pop("variant")
    return notebook


def instructor_notebook(chapter: Chapter, source: Notebook, rewrite: Rewrite) -> Notebook:
    """Return the assignment to read: each task with its explanation, solution and test.

    Parameters
    ----------
    chapter : Chapter
        The chapter of the book that the assignment was made from.
    source : Notebook
        What `source_notebook` made of it.
    rewrite : callable
        Takes a text of the book and returns plain markdown.
    """
    explained = {
        exercise.name: [rewrite(cell.source) for cell in exercise.discussion]
        for exercise in chapter.exercises
    }
    cells: list[Cell] = []
    for cell in source.cells:
        text = HIDDEN.sub(r"\1", SOLUTION.sub(r"\1", cell.source))
        if cell.role == "test":
            text = "# The hidden test.\n" + "".join(HIDDEN.findall(cell.source))
        told = [] if cell.role in ("statement", "given") else explained.pop(cell.exercise or "", [])
        if cell.role == "solution":
            cells += [Cell("markdown", one) for one in told]
        if cell.source != WRITE_HERE:
            cells.append(Cell(cell.kind, text))
        if cell.role == "open":
            cells += [Cell("markdown", f"*Discussion.* {one}") for one in told]
    draw = in_words(source.metadata["convac"]["draw"])
    note = "The instructor's copy, with solutions." + (f" Its numbers: `{draw}`." if draw else "")
    cells[0].source = cells[0].source.replace(BRIEF, note)
    return Notebook(cells, {"kernelspec": KERNEL, "language_info": {"name": "python"}})


def _heading(chapter: Chapter, variant: int | str | None) -> Cell:
    """Return the first cell of an assignment."""
    points = f"{chapter.points:g} points" + ("" if variant is None else f", variant {variant}")
    title = re.sub(r"[*_`]", "", chapter.title)
    return Cell("markdown", f"# Exercises: {title}\n\n*{points}*\n\n{BRIEF}")


def _statement(exercise: Exercise, rewrite: Rewrite, written_points: float) -> Cell:
    """Return an exercise's statement as plain markdown, locked."""
    try:
        text = rewrite(exercise.statement.source)
    except ValueError as error:
        raise ValueError(f"exercise {exercise.name}: {error}") from error
    points = exercise.points if exercise.graded else written_points
    if points:
        worth = f"{points:g} point{'s' * (points != 1)}"
        text = re.sub(r"^(\*[^*\n]+)\*$", rf"\1 · {worth}*", text, count=1, flags=re.M)
    role = "statement" if exercise.graded else "open"
    return Cell(
        "markdown",
        text,
        {
            "convac": {"exercise": exercise.name, "role": role},
            "nbgrader": _nbgrader(f"{exercise.name}-statement", locked=True),
        },
    )


def _written(exercise: Exercise, points: float) -> Cell:
    """Return the cell in which an open exercise is answered, to be marked by hand."""
    if not points:
        return Cell("markdown", WRITE_HERE)
    about = {"exercise": exercise.name, "role": "written", "points": points}
    name = f"{exercise.name}-written"
    nbgrader = _nbgrader(name, locked=False, solution=True, points=points)
    return Cell("markdown", WRITE_HERE, {"convac": about, "nbgrader": nbgrader})


def _marked(cell: Cell, grade_id: str) -> Cell:
    """Return a code cell with nbgrader's metadata in place of the page's."""
    about = {key: value for key, value in cell.course.items() if key != "variants"}
    nbgrader = _nbgrader(
        grade_id,
        locked=cell.role != "solution",
        solution=cell.role == "solution",
        points=cell.points if cell.role == "test" else None,
    )
    return replace(cell, metadata={"convac": about, "nbgrader": nbgrader})


def _visible_test(exercise: Exercise) -> str:
    """Return the lines that students see of a test: they fail as long as there is no answer."""
    blank = "\n".join(SOLUTION.sub(stub, cell.source) for cell in exercise.of("solution"))
    functions = {n.name for n in ast.parse(blank).body if isinstance(n, ast.FunctionDef)}
    lines = [GRADED_HERE]
    for name in exercise.answers:
        if name in functions:
            read = f"{name}.__code__.co_names"
            lines.append(f'assert "NotImplementedError" not in {read}, "no answer"')
        else:
            lines.append(f'assert "{name}" in globals(), "no answer"')
    return "\n".join(lines)


def _nbgrader(
    grade_id: str, locked: bool, solution: bool = False, points: float | None = None
) -> dict[str, Any]:
    """Return the metadata by which nbgrader knows a cell."""
    metadata: dict[str, Any] = {
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        metadata["points"] = points
    return metadata


def stub(found: re.Match[str]) -> str:
    """Return nbgrader's stub at the indentation of the solution it stands for."""
    indent = re.match(r"[ \t]*", found[0])[0]  # type: ignore[index]
    return "".join(f"{indent}{line}\n" for line in STUB.split("\n"))
