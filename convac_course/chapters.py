"""Reading a chapter: its cells in, its exercises out.

An exercise is a run of cells with the metadata `convac: {exercise: ID, role: ROLE}`. The same
reader serves a chapter of the book and the source notebook of an assignment made from it.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

ROLES = (
    "setup", "statement", "given", "fence", "explanation", "solution", "check", "test", "open",
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
    cells: list = field(default_factory=list)

    def of(self, *roles):
        """Return the cells with one of these roles."""
        return [cell for cell in self.cells if role_of(cell) in roles]

    @property
    def statement(self):
        """Return the cell that states the task."""
        return self.of("statement", "open")[0]

    @property
    def discussion(self):
        """Return the cells that explain or discuss the exercise."""
        return [c for c in self.of("explanation", "open") if c is not self.statement]

    @property
    def title(self):
        """Return the exercise's title."""
        return title_of(self.statement.source) or self.name.replace("-", " ")

    @property
    def graded(self):
        """Tell whether a test gives marks; an open exercise is not graded."""
        return bool(self.of("test"))

    @property
    def points(self):
        """Return the marks that all tests of the exercise give together."""
        return sum(points_of(cell) for cell in self.of("test"))

    @property
    def answers(self):
        """Return the names that the solution defines and that a test or a check reads."""
        defined = set().union(*(assigned_names(cell.source) for cell in self.of("solution")))
        read = set().union(*(read_names(cell.source) for cell in self.of("test", "check")))
        return sorted(defined & read)


@dataclass
class Chapter:
    """A chapter: its name, its title, its set-up cells and its exercises."""

    name: str
    title: str
    path: Path
    setup: list
    exercises: list
    cells: list

    @property
    def graded(self):
        """Return the exercises that give marks."""
        return [exercise for exercise in self.exercises if exercise.graded]

    @property
    def points(self):
        """Return the marks that the whole chapter gives."""
        return sum(exercise.points for exercise in self.exercises)


def find_chapters(book):
    """Return the paths of all notebooks below `book` that hold an exercise, by name."""
    pages = [
        page
        for page in Path(book).rglob("*.ipynb")
        if not {".ipynb_checkpoints", "_build"} & set(page.parts)
    ]
    held = {page.stem: page for page in pages if '"exercise":' in page.read_text(encoding="utf-8")}
    return dict(sorted(held.items()))


def read_chapter(path):
    """Read a chapter or an assignment's source notebook.

    Raises
    ------
    ValueError
        If a cell's role is not known, or an exercise lacks a part that its roles call for.
    """
    path = Path(path)
    cells = nbformat.read(path, as_version=4).cells
    setup, exercises = [], {}
    for cell in cells:
        role = role_of(cell)
        if role is None:
            continue
        if role not in ROLES:
            raise ValueError(f"{path.name}: role must be one of {', '.join(ROLES)}, got {role!r}")
        name = cell.metadata.convac.get("exercise")
        if role == "setup":
            setup.append(cell)
        elif name is None:
            raise ValueError(f"{path.name}: a cell with the role {role!r} names no exercise")
        else:
            exercises.setdefault(name, Exercise(name)).cells.append(cell)
    for exercise in exercises.values():
        _look_over(path.name, exercise)
    first = next((cell.source for cell in cells if cell.cell_type == "markdown"), "")
    title = title_of(first) or path.stem
    return Chapter(path.stem, title, path, setup, list(exercises.values()), cells)


def _look_over(page, exercise):
    """Refuse an exercise with a part missing, before anyone is handed it."""
    where = f"{page}, exercise {exercise.name}"
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
    if not all(points_of(cell) > 0 for cell in exercise.of("test")):
        raise ValueError(f"{where}: a test cell needs `points`")
    if not exercise.answers:
        raise ValueError(f"{where}: the test reads no name that the solution defines")


def role_of(cell):
    """Return a cell's role, or None for a cell that belongs to no exercise."""
    return cell.metadata.get("convac", {}).get("role")


def points_of(cell):
    """Return the marks that a test cell gives."""
    return cell.metadata.convac.get("points", 0)


def title_of(markdown):
    """Return the title in a markdown cell: its exercise directive's, or its first heading."""
    found = re.search(r"^`{3,}\{exercise\}[ \t]*(.+)$|^#+[ \t]+(.+)$", markdown, re.M)
    return (found[1] or found[2]).strip() if found else None


def assigned_names(source):
    """Return the names that code binds at its top level: assignments, functions, imports."""
    names = set()
    for statement in ast.parse(source).body:
        names |= _bound_by(statement)
    return names


def _bound_by(node):
    """Return the names one statement binds, without entering functions and classes."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return set()
    return set().union(*(_bound_by(child) for child in ast.iter_child_nodes(node)))


def read_names(source):
    """Return the names that code reads before it binds them itself."""
    read, bound = {}, {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            lines = read if isinstance(node.ctx, ast.Load) else bound
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return {name for name, line in read.items() if line <= bound.get(name, line)}
