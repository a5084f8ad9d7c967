"""Making an assignment from a chapter: the student's, the instructor's and nbgrader's notebooks.

A course folder is laid out as nbgrader expects it:

    source/NAME/NAME.ipynb      solutions and hidden tests in: keep it to yourself
    release/NAME/NAME.ipynb     what students get
    instructor/NAME.ipynb       task, solution, explanation and test, to read
    submitted/                  put here what comes back

NAME is the chapter's, with the group's after it where groups of students have their own numbers.
"""

import re
from pathlib import Path

from .assignment import (
    WRITTEN_POINTS,
    Rewrite,
    instructor_notebook,
    release_notebook,
    source_notebook,
)
from .chapters import Chapter, read_chapter
from .markdown import labelled_titles, plain, read_macros
from .notebooks import Notebook
from .variants import Draw, another_seed, draw_of, in_common, in_words

GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
NBGRADER = """\
# Read by nbgrader when it is run in this folder.
c = get_config()
c.CourseDirectory.course_id = "convac"
c.ExecutePreprocessor.timeout = 60
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\\nraise NotImplementedError()"}
c.ClearSolutions.text_stub = "*Write your answer here.*"
"""


class OtherNumbers(ValueError):
    """An assignment that may be in students' hands has other numbers than the one asked for."""


def build_assignment(
    page: str | Path | Chapter,
    folder: str | Path,
    variant: int | str | None = None,
    group: str | None = None,
    written_points: float = WRITTEN_POINTS,
    force: bool = False,
) -> Chapter:
    """Write one chapter's assignment into a course folder.

    Parameters
    ----------
    page : path or Chapter
        The chapter, or its notebook.
    folder : path
        The course folder; made if it is not there.
    variant : int or str, optional
        The seed that draws other values; None keeps the book's own.
    group : str, optional
        The students who get these numbers, for courses in which others get others.
    written_points : float
        What an open exercise, marked by hand, is worth; 0 leaves them without marks.
    force : bool
        Write also where the numbers differ from those handed out, or equal another group's.

    Returns
    -------
    Chapter
        The assignment, read back from `source`.

    Raises
    ------
    OtherNumbers
        If the folder holds this assignment with other numbers, or another group has the same.
    ValueError
        If the chapter has no graded exercise, or holds something that students could not read.
    """
    chapter = page if isinstance(page, Chapter) else read_chapter(page)
    if not chapter.graded:
        raise ValueError(f"{chapter.path}: no graded exercise")
    if group is not None and not GROUP.fullmatch(group):
        raise ValueError(f"group must be letters, digits and _, got {group!r}")
    folder, name = Path(folder), chapter.name if group is None else f"{chapter.name}-{group}"
    if not force:
        _look_around(chapter, draw_of(chapter, variant), folder, name)
    rewrite, path = _rewriter(chapter), folder / "source" / name / f"{name}.ipynb"
    source = source_notebook(chapter, rewrite, name, variant, written_points)
    _write(source, path)
    _write(release_notebook(source), folder / "release" / name / f"{name}.ipynb")
    instructor = instructor_notebook(chapter, source, rewrite)
    _write(instructor, folder / "instructor" / f"{name}.ipynb")
    (folder / "submitted").mkdir(exist_ok=True)
    if not (folder / "nbgrader_config.py").exists():
        (folder / "nbgrader_config.py").write_text(NBGRADER)
    return read_chapter(path)


def read_course(folder: str | Path) -> dict[str, Chapter]:
    """Return the assignments of a course folder by name, read from their source notebooks."""
    paths = sorted(Path(folder).glob("source/*/*.ipynb"))
    return {path.stem: read_chapter(path) for path in paths if path.stem == path.parent.name}


def _look_around(chapter: Chapter, draw: Draw, folder: Path, name: str) -> None:
    """Refuse numbers that would betray those who hold others already."""
    course = read_course(folder)
    draws = {other: assignment.notebook.course.get("draw") for other, assignment in course.items()}
    before = draws.pop(name, None)
    if before is not None and before != draw:
        raise OtherNumbers(
            f"{name} was made with other numbers, and students may hold them: "
            f"{in_words(before)}. Make it with the same --variant, for another --group, "
            "or over the old one with --force"
        )
    same_chapter = {o: d for o, d in draws.items() if d and course[o].name == chapter.name}
    for other, taken in same_chapter.items():
        if len(in_common(draw, [taken])) == len(draw) and draw:
            seed = another_seed(chapter, list(same_chapter.values()))
            raise OtherNumbers(
                f"these are the numbers that {other} has: {in_words(draw)}. "
                f"--variant {seed} draws others"
            )


def _rewriter(chapter: Chapter) -> Rewrite:
    """Return what turns the book's markdown into that of any notebook viewer."""
    settings = _upwards(chapter.path, "_config.yml")
    texts = [cell.source for cell in chapter.cells if cell.kind == "markdown"]
    titles = labelled_titles(texts, _upwards(chapter.path, "references.bib"))
    macros = read_macros(settings) if settings else {}
    return lambda text: plain(text, titles, macros)


def _write(notebook: Notebook, path: Path) -> None:
    """Check a notebook and write it; the same chapter gives the same bytes."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    make = {"code": new_code_cell, "markdown": new_markdown_cell}
    cells = [
        make[cell.kind](cell.source, id=f"cell-{number:03d}", metadata=cell.metadata)
        for number, cell in enumerate(notebook.cells)
    ]
    whole = new_notebook(cells=cells, metadata=notebook.metadata)
    nbformat.validate(whole)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(whole, version=4).rstrip("\n") + "\n", encoding="utf-8")


def _upwards(page: Path, name: str) -> Path | None:
    """Return the nearest file of this name in the page's folder or above it, or None."""
    homes = page.resolve().parents
    return next((home / name for home in homes if (home / name).is_file()), None)
