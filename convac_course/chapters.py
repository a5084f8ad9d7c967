"""Reading a chapter: its cells in, its exercises out.

An exercise is a run of cells with the metadata `convac: {exercise: ID, role: ROLE}`. The same
reader serves a chapter of the book and the source notebook of an assignment made from it.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .names import BUILT_IN, bound_names, read_names
from .notebooks import Cell, Notebook, parse_notebook

ROLES = (
    "setup", "statement", "given", "fence", "explanation", "solution", "check", "test", "open",
    "written",
)  # fmt: skip
SOLUTION = re.compile(
    r"^[ \t]*### BEGIN SOLUTION[ \t]*\n(.*?)^[ \t]*### END SOLUTION[ \t]*$\n?", re.M | re.S
)
HIDDEN = re.compile(
    r"^[ \t]*### BEGIN HIDDEN TESTS[ \t]*\n(.*?)^[ \t]*### END HIDDEN TESTS[ \t]*$\n?", re.M | re.S
)


@dataclass(eq=False)
class Exercise:
    """One exercise: its cells in their order, and what they say about it."""

    name: str
    cells: list[Cell] = field(default_factory=list)

    def of(self, *roles: str) -> list[Cell]:
        """Return the cells with one of these roles."""
        return [cell for cell in self.cells if cell.role in roles]

    @property
    def statement(self) -> Cell:
        """Return the cell that states the task."""
        return self.of("statement", "open")[0]

    @property
    def discussion(self) -> list[Cell]:
        """Return the cells that explain or discuss the exercise."""
        return [c for c in self.of("explanation", "open") if c is not self.statement]

    @property
    def title(self) -> str:
        """Return the exercise's title."""
        return title_of(self.statement.source) or self.name.replace("-", " ")

    @property
    def graded(self) -> bool:
        """Tell whether a test gives marks; an open exercise is marked by hand."""
        return bool(self.of("test"))

    @property
    def points(self) -> float:
        """Return the marks that all tests of the exercise give together, or a hand may give."""
        return sum(cell.points for cell in self.of("test", "written"))

    @cached_property
    def answers(self) -> list[str]:
        """Return the names that the solution defines and that a test or a check reads."""
        defined = set().union(*(bound_names(cell.source) for cell in self.of("solution")))
        read = set().union(*(read_names(cell.source) for cell in self.of("test", "check")))
        return sorted(defined & read)


@dataclass
class Chapter:
    """A chapter or an assignment made from one.

    `name` is the chapter's, `assignment` that of the file: the two differ where groups of
    students have assignments of their own from the same chapter.
    """

    name: str
    assignment: str
    title: str
    path: Path
    exercises: list[Exercise]
    notebook: Notebook

    @property
    def cells(self) -> list[Cell]:
        """Return all cells."""
        return self.notebook.cells

    @property
    def setup(self) -> list[Cell]:
        """Return the cells that must run before any exercise."""
        return [cell for cell in self.cells if cell.role == "setup"]

    @property
    def graded(self) -> list[Exercise]:
        """Return the exercises that a test gives marks for."""
        return [exercise for exercise in self.exercises if exercise.graded]

    @property
    def by_hand(self) -> list[Exercise]:
        """Return the exercises that a hand gives marks for."""
        return [e for e in self.exercises if not e.graded and e.points]

    @property
    def points(self) -> float:
        """Return the marks that the tests of the whole chapter give."""
        return sum(exercise.points for exercise in self.graded)


def read_book(book: str | Path) -> dict[str, Chapter]:
    """Return all chapters below a folder that hold an exercise, by name.

    Raises
    ------
    ValueError
        From `read_chapter`, for a chapter that is not whole.
    """
    pages = [
        page
        for page in sorted(Path(book).rglob("*.ipynb"))
        if not {".ipynb_checkpoints", "_build"} & set(page.parts)
    ]
    chapters = {page.stem: read_chapter(page) for page in pages}
    return {name: chapter for name, chapter in sorted(chapters.items()) if chapter.exercises}


def read_chapter(path: str | Path) -> Chapter:
    """Read a chapter or an assignment's source notebook.

    Raises
    ------
    ValueError
        If a cell's role is not known, or an exercise lacks a part that its roles call for.
    """
    path = Path(path)
    notebook = parse_notebook(path.read_bytes())
    exercises: dict[str, Exercise] = {}
    for cell in notebook.cells:
        if cell.role is None or cell.role == "setup":
            continue
        if cell.role not in ROLES:
            raise ValueError(
                f"{path.name}: role must be one of {', '.join(ROLES)}, got {cell.role!r}"
            )
        if cell.exercise is None:
            raise ValueError(f"{path.name}: a cell with the role {cell.role!r} names no exercise")
        exercises.setdefault(cell.exercise, Exercise(cell.exercise)).cells.append(cell)
    first = next((cell.source for cell in notebook.cells if cell.kind == "markdown"), "")
    chapter = Chapter(
        name=notebook.course.get("chapter", path.stem),
        assignment=path.stem,
        title=title_of(first) or path.stem,
        path=path,
        exercises=list(exercises.values()),
        notebook=notebook,
    )
    for exercise in chapter.exercises:
        _look_over(chapter, exercise)
    return chapter


def _look_over(chapter: Chapter, exercise: Exercise) -> None:
    """Refuse an exercise with a part missing, before anyone is handed it."""
    where = f"{chapter.path.name}, exercise {exercise.name}"
    if not exercise.of("statement", "open") or len(exercise.of("statement")) > 1:
        raise ValueError(f"{where}: one statement is needed")
    if not exercise.graded:
        return
    if not exercise.of("solution"):
        raise ValueError(f"{where}: a graded exercise needs a solution")
    if not all(SOLUTION.search(cell.source) for cell in exercise.of("solution")):
        raise ValueError(f"{where}: a solution cell lacks ### BEGIN SOLUTION or ### END SOLUTION")
    if not all(HIDDEN.search(cell.source) for cell in exercise.of("test")):
        raise ValueError(f"{where}: a test cell lacks its ### HIDDEN TESTS lines")
    if not all(cell.points > 0 for cell in exercise.of("test")):
        raise ValueError(f"{where}: a test cell needs `points`")
    if not exercise.answers:
        raise ValueError(f"{where}: the test reads no name that the solution defines")
    # An answer comes from a student; a name of the course's own must not.
    fixed = [*chapter.setup, *exercise.of("given")]
    taken = BUILT_IN.union(*(bound_names(cell.source) for cell in fixed)) & {*exercise.answers}
    if taken:
        raise ValueError(f"{where}: the solution binds {min(taken)!r}, a name of the course's own")


def title_of(markdown: str) -> str | None:
    """Return the title in a markdown cell: its exercise directive's, or its first heading."""
    directive = re.search(r"^`{3,}\{exercise\}[ \t]*(.+)$", markdown, re.M)
    found = directive or re.search(r"^#+[ \t]+(.+)$", markdown, re.M)
    return found[1].strip() if found else None
