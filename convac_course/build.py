"""Making an assignment from a chapter: the student's, the instructor's and nbgrader's notebooks.

    python -m convac_course.build --to assignments

A course folder is laid out as nbgrader expects it:

    source/CHAPTER/CHAPTER.ipynb      solutions and hidden tests in: keep it to yourself
    release/CHAPTER/CHAPTER.ipynb     what students get
    instructor/CHAPTER.ipynb          task, solution, explanation and test, to read
    submitted/STUDENT/CHAPTER/CHAPTER.ipynb   put here what comes back
"""

import argparse
import copy
import re
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .chapters import HIDDEN, SOLUTION, find_chapters, points_of, read_chapter, role_of
from .markdown import labelled_titles, plain, read_macros
from .variants import choose, varied

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
GRADED_HERE = "# Your answer is graded here. Leave this cell as it is."
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
BRIEF = """\
Each task has one cell for your answer: replace the two lines in it. The cell after it checks
the answer at once and says what is off. You may add cells. Leave the other cells as they are;
before you hand in, choose *Restart kernel and run all cells* and save."""
NBGRADER = """\
# Read by nbgrader when it is run in this folder.
c = get_config()
c.CourseDirectory.course_id = "convac"
c.ExecutePreprocessor.timeout = 60
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\\nraise NotImplementedError()"}
"""


def build_assignment(page, folder, variant=None, config=None):
    """Write one chapter's assignment into a course folder.

    Parameters
    ----------
    page : path
        The chapter's notebook.
    folder : path
        The course folder; made if it is not there.
    variant : int or str, optional
        The seed that draws other values; None keeps the book's own.
    config : path, optional
        The book's `_config.yml`, for its TeX macros.

    Returns
    -------
    Chapter

    Raises
    ------
    ValueError
        If the chapter has no graded exercise, or holds something that students could not read.
    """
    chapter = read_chapter(page)
    if not chapter.graded:
        raise ValueError(f"{page}: no graded exercise")
    page, folder = Path(page), Path(folder)
    settings = config or _upwards(page, "_config.yml")
    texts = [cell.source for cell in chapter.cells if cell.cell_type == "markdown"]
    titles = labelled_titles(texts, _upwards(page, "references.bib"))
    macros = read_macros(settings) if settings else {}

    def rewrite(text):
        return plain(text, titles, macros)

    source = source_notebook(chapter, rewrite, variant)
    name = chapter.name
    _write(source, folder / "source" / name / f"{name}.ipynb")
    _write(release_notebook(source), folder / "release" / name / f"{name}.ipynb")
    _write(instructor_notebook(chapter, source, rewrite), folder / "instructor" / f"{name}.ipynb")
    (folder / "submitted").mkdir(exist_ok=True)
    if not (folder / "nbgrader_config.py").exists():
        (folder / "nbgrader_config.py").write_text(NBGRADER)
    return chapter


def source_notebook(chapter, rewrite, variant=None):
    """Return the assignment with its solutions, marked up for nbgrader."""
    cells = [_heading(chapter, variant)]
    cells += [_marked(cell, f"setup-{n}") for n, cell in enumerate(chapter.setup, 1)]
    for exercise in chapter.exercises:
        exercise = varied(exercise, choose(exercise, variant))
        cells.append(_statement(exercise, rewrite))
        if not exercise.graded:
            cells.append(new_markdown_cell("*Write your answer here.*"))
            continue
        counts = {}
        for cell in exercise.of("given", "solution", "check", "test"):
            role = role_of(cell)
            counts[role] = counts.get(role, 0) + 1
            number = f"-{counts[role]}" if counts[role] > 1 else ""
            cells.append(_marked(cell, f"{exercise.name}-{role}{number}"))
    metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        "convac": {"chapter": chapter.name, "variant": variant},
    }
    return _numbered(new_notebook(cells=cells, metadata=metadata))


def release_notebook(source):
    """Return what students get: a stub for each solution, no hidden test, no trace of the rest."""
    notebook = copy.deepcopy(source)
    for cell in notebook.cells:
        if role_of(cell) == "solution":
            cell.source = SOLUTION.sub(stub, cell.source)
        elif role_of(cell) == "test":
            cell.source = HIDDEN.sub("", cell.source).strip("\n")
        cell.metadata.pop("convac", None)
    notebook.metadata.convac.pop("variant")
    return notebook


def instructor_notebook(chapter, source, rewrite):
    """Return the assignment to read: each task with its explanation, solution and test."""
    explained = {
        exercise.name: [rewrite(cell.source) for cell in exercise.discussion]
        for exercise in chapter.exercises
    }
    cells = []
    for original in source.cells:
        cell = copy.deepcopy(original)
        role, name = role_of(cell), cell.metadata.get("convac", {}).get("exercise")
        cell.source = SOLUTION.sub(r"\1", cell.source)
        cell.source = HIDDEN.sub(r"\1", cell.source).replace(GRADED_HERE, "# The hidden test.")
        if role == "solution":
            cells += [new_markdown_cell(text) for text in explained.pop(name, [])]
        cell.metadata = {}
        cells.append(cell)
        if role == "open":
            cells += [new_markdown_cell(f"*Discussion.* {t}") for t in explained.pop(name, [])]
    cells[0].source = cells[0].source.replace(BRIEF, "The instructor's copy, with solutions.")
    kept = [cell for cell in cells if cell.source != "*Write your answer here.*"]
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return _numbered(new_notebook(cells=kept, metadata=metadata))


def _heading(chapter, variant):
    """Return the first cell of an assignment."""
    points = f"{chapter.points} points" + ("" if variant is None else f", variant {variant}")
    title = re.sub(r"[*_`]", "", chapter.title)
    return new_markdown_cell(f"# Exercises: {title}\n\n*{points}*\n\n{BRIEF}")


def _statement(exercise, rewrite):
    """Return an exercise's statement as plain markdown, locked."""
    try:
        text = rewrite(exercise.statement.source)
    except ValueError as error:
        raise ValueError(f"exercise {exercise.name}: {error}") from error
    if exercise.graded:
        worth = f"{exercise.points} point{'s' * (exercise.points != 1)}"
        text = re.sub(r"^(\*[^*\n]+)\*$", rf"\1 · {worth}*", text, count=1, flags=re.M)
    cell = new_markdown_cell(text)
    role = "statement" if exercise.graded else "open"
    cell.metadata.convac = {"exercise": exercise.name, "role": role}
    cell.metadata.nbgrader = _nbgrader(f"{exercise.name}-statement", locked=True)
    return cell


def _marked(cell, grade_id):
    """Return a code cell with nbgrader's metadata in place of the page's."""
    role = role_of(cell)
    code = cell.source
    if role == "test" and not HIDDEN.sub("", code).strip():
        code = f"{GRADED_HERE}\n{code}"
    marked = new_code_cell(code)
    marked.metadata.convac = {
        key: value for key, value in cell.metadata.convac.items() if key != "variants"
    }
    marked.metadata.nbgrader = _nbgrader(
        grade_id,
        locked=role != "solution",
        solution=role == "solution",
        points=points_of(cell) if role == "test" else None,
    )
    return marked


def _nbgrader(grade_id, locked, solution=False, points=None):
    """Return the metadata by which nbgrader knows a cell."""
    metadata = {
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


def stub(found):
    """Return nbgrader's stub at the indentation of the solution it stands for."""
    indent = re.match(r"[ \t]*", found[0])[0]
    return "".join(f"{indent}{line}\n" for line in STUB.split("\n"))


def _numbered(notebook):
    """Give the cells fixed ids, so that the same chapter gives the same bytes."""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
    return notebook


def _write(notebook, path):
    """Check a notebook and write it."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook, version=4).rstrip("\n") + "\n", encoding="utf-8")


def _upwards(page, name):
    """Return the nearest file of this name in the page's folder or above it, or None."""
    homes = Path(page).resolve().parents
    return next((home / name for home in homes if (home / name).is_file()), None)


def main(arguments=None):
    """Build every chapter's assignment."""
    parser = argparse.ArgumentParser(prog="python -m convac_course.build")
    parser.add_argument("--book", type=Path, default=Path("book"))
    parser.add_argument("--to", type=Path, default=Path("assignments"))
    parser.add_argument("--variant", help="the seed that draws other values")
    options = parser.parse_args(arguments)
    for page in find_chapters(options.book).values():
        chapter = read_chapter(page)
        if chapter.graded:
            build_assignment(page, options.to, options.variant)
            print(f"{chapter.name}: {len(chapter.graded)} exercises, {chapter.points} points")


if __name__ == "__main__":
    main()
