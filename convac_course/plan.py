"""What to do with a notebook that was handed in: which cells to run, and when to look.

The student's cells keep their order. The course's own cells run as the course has them, whatever
the notebook says. The answers to an exercise are collected after the last of its cells, and once
more after a later cell that gives an answer which was missing then.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .assignment import stub
from .chapters import HIDDEN, SOLUTION, Chapter, Exercise
from .names import bound_names
from .notebooks import Cell


@dataclass(eq=False)
class Step:
    """One thing to do: run a cell, or collect the answers to an exercise.

    `own` says that the cell is the student's, `again` that answers are collected a second time.
    """

    source: str | None = None
    exercise: Exercise | None = None
    own: bool = False
    again: bool = False

    @property
    def collects(self) -> bool:
        """Tell whether answers are collected."""
        return self.source is None


@dataclass
class Plan:
    """The steps for a notebook, and what was odd in it.

    `setup` runs first in every sandbox. `blank` are the exercises whose own cells are as they
    were handed out, so that an answer elsewhere counts.
    """

    setup: list[str]
    steps: list[Step]
    notes: list[str]
    blank: set[str]


def make_plan(chapter: Chapter, cells: list[Cell]) -> Plan:
    """Return the plan for a notebook.

    Parameters
    ----------
    chapter : Chapter
        The assignment, read from the course's source notebook.
    cells : list of Cell
        What was handed in.
    """
    return _Planner(chapter, cells).plan()


class _Planner:
    """A walk through a notebook, with the exercise whose cells it is passing."""

    def __init__(self, chapter: Chapter, cells: list[Cell]) -> None:
        self.exercises = {exercise.name: exercise for exercise in chapter.graded}
        self.setup = [cell.source for cell in chapter.setup]
        self.steps: list[Step] = []
        self.notes: list[str] = []
        self.known = list(identified(chapter, cells))
        self.current: Exercise | None = None
        self.collected: set[str] = set()
        self.answered: set[str] = set()
        self.present = {o.grade_id for _, o in self.known if o is not None}
        self.last = {
            original.exercise: number
            for number, (_, original) in enumerate(self.known)
            if original is not None and original.role in ("solution", "check", "test")
        }

    def plan(self) -> Plan:
        """Walk through the cells."""
        for number, (cell, original) in enumerate(self.known):
            self._enter(original)
            self._run(cell, original)
            if original is not None and self.last.get(original.exercise) == number:
                self._collect(original.exercise)
        for name, exercise in self.exercises.items():
            if name not in self.collected:
                self.steps += [Step(cell.source, exercise) for cell in exercise.of("given")]
                self._collect(name)
            self._note_what_is_gone(exercise)
        # What comes after the last answers, such as a long study of an open exercise, is not run.
        needed = max((n for n, step in enumerate(self.steps, 1) if step.collects), default=0)
        blank = set(self.exercises) - self.answered
        return Plan(self.setup, self.steps[:needed], self.notes, blank)

    def _enter(self, original: Cell | None) -> None:
        """Come to the cells of an exercise: what is given is given before them."""
        if original is None or original.role in (None, "setup"):
            return
        exercise = self.exercises.get(original.exercise or "")
        if exercise is not None and exercise is not self.current:
            self.steps += [Step(cell.source, exercise) for cell in exercise.of("given")]
        self.current = exercise

    def _run(self, cell: Cell, original: Cell | None) -> None:
        """Run a cell if it is the student's, or was changed by the student."""
        if original is None and cell.kind == "code":
            self._own(cell.source)
        elif original is not None and original.role == "solution":
            if cell.kind != "code":
                self.notes.append(
                    f"the cell {original.grade_id} had been turned into text; it was run as code"
                )
            if _trimmed(cell.source) != _trimmed(_blank(original)):
                self.answered.add(original.exercise or "")
            self._own(cell.source)
        elif original is not None and cell.kind == "code" and _changed(cell, original):
            self._own(cell.source)
            if original.role in ("given", "setup"):
                # What the student added there may be needed; what was given is given again.
                self.steps.append(
                    Step(original.source, self.exercises.get(original.exercise or ""))
                )
                self.notes.append(
                    f"the cell {original.grade_id} had been changed; the original was used"
                )

    def _own(self, source: str) -> None:
        """Run a cell of the student's, and see whether it gives an answer late."""
        if not source.strip():
            return
        self.steps.append(Step(source, self.current, own=True))
        bound = _bound(source)
        for name in sorted(self.collected):
            if bound & set(self.exercises[name].answers):
                self.steps.append(Step(None, self.exercises[name], again=True))

    def _collect(self, name: str | None) -> None:
        """Collect the answers to an exercise."""
        if name in self.exercises and name not in self.collected:
            self.collected.add(name)
            self.steps.append(Step(None, self.exercises[name]))

    def _note_what_is_gone(self, exercise: Exercise) -> None:
        """Note the cells of an exercise that are not in the notebook."""
        written = any(step.own and step.exercise is exercise for step in self.steps)
        for role in ("solution", "test"):
            names = [cell.grade_id for cell in exercise.of(role)]
            if not self.present & set(names) and not (role == "solution" and written):
                self.notes.append(f"the cell {names[0]} was gone")


def identified(chapter: Chapter, cells: list[Cell]) -> Iterator[tuple[Cell, Cell | None]]:
    """Yield each cell with the course's cell that it was, by its name or by its text.

    Parameters
    ----------
    chapter : Chapter
        The assignment.
    cells : list of Cell
        What was handed in.
    """
    originals = [cell for cell in chapter.cells if cell.grade_id is not None]
    by_name = {cell.grade_id: cell for cell in originals}
    by_text = {_trimmed(text): cell for cell in originals for text in _forms(cell)}
    by_text.pop("", None)
    headings = {_heading(cell): cell for cell in originals if cell.kind == "markdown"}
    for cell in cells:
        found = by_name.get(cell.grade_id) or by_text.get(_trimmed(cell.source))
        if found is None and cell.kind == "markdown" and _heading(cell):
            found = headings.get(_heading(cell))
        yield cell, found


def _forms(original: Cell) -> list[str]:
    """Return the texts that a cell of the course has as students get it, and as it is here."""
    if original.role == "solution":
        return []
    return [original.source, HIDDEN.sub("", original.source)]


def _changed(cell: Cell, original: Cell) -> bool:
    """Tell whether a cell of the course is not as it was handed out."""
    return _trimmed(cell.source) not in map(_trimmed, _forms(original))


def _blank(original: Cell) -> str:
    """Return a solution's cell as students get it."""
    return SOLUTION.sub(stub, original.source)


def _trimmed(source: str) -> str:
    """Return text without what an editor may change on its own."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _heading(cell: Cell) -> str:
    """Return the first line of a cell if it is a heading."""
    first = cell.source.strip().partition("\n")[0].strip()
    return first if first.startswith("## ") else ""


def _bound(source: str) -> set[str]:
    """Return the names that a student's cell binds; lines that are no Python bind none."""
    lines = [line for line in source.split("\n") if not line.lstrip().startswith(("%", "!", "?"))]
    try:
        return bound_names("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
