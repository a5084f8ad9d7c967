"""What students handed in: whose it is, for which assignment, and which of several counts.

The assignment is told by the notebook itself, by its metadata and its cells, and only then by
names. The student is told by what a student cannot choose: the outermost name that a platform
wrote, or else the outermost folder, and the file's own name only where there is no folder.
Everything that lay in the folder is accounted for, one line each.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from .chapters import Chapter
from .files import HIDDEN, LEFT, NOTEBOOKS, Found, Part, PassedOver, walk
from .notebooks import Notebook, Unreadable, parse_notebook
from .platforms import Named, attempt_number, read_name
from .roster import Roster, Student
from .variants import identity

TIMES = ("timestamp.txt",)
TRIES = re.compile(
    r"(try|attempt|version|v|old|new|final|copy|backup|draft)[ _-]*\d*$|\d{1,2}$", re.I
)
GENERAL = re.compile(r"(submitted|submissions?|handed[ _-]?in|abgaben?|downloads?|archive)", re.I)
Way = tuple[Part, ...]


@dataclass
class Line:
    """What became of one thing that lay in the folder."""

    where: str
    what: str


@dataclass
class Submission:
    """What one student handed in for one assignment, ready to be marked, or why it is not."""

    student: str
    assignment: str
    notebook: Notebook | None = None
    digest: str = ""
    where: str = ""
    notes: list[str] = field(default_factory=list)
    problem: str | None = None
    listed: Student | None = None


@dataclass
class _Attempt:
    """One file that claims to be a notebook."""

    found: Found
    named: Named | None
    student: str
    listed: Student | None
    assignment: str = ""
    notebook: Notebook | None = None
    digest: str = ""
    notes: list[str] = field(default_factory=list)
    problem: str | None = None
    direct: bool = True

    @property
    def rank(self) -> tuple[bool, bool, float, int, int]:
        """Return what decides which of several counts: the newest that can be read.

        What lies in the student's own place comes before what lies among several students.
        """
        when = self.named.when if self.named and self.named.when else self.found.changed
        answered = 0
        if self.notebook:
            code = [cell for cell in self.notebook.cells if cell.kind == "code"]
            answered = sum("raise NotImplementedError" not in cell.source for cell in code)
        number = attempt_number(self.found.name)
        return (self.direct, self.notebook is not None, when, number, answered)


def take_in(
    folder: str | Path,
    course: dict[str, Chapter],
    roster: Roster | None = None,
    due: datetime | None = None,
) -> tuple[list[Submission], list[Line]]:
    """Return what was handed in, by student and assignment, and a line for everything there.

    Parameters
    ----------
    folder : path
        Notebooks, folders and zips in any of the layouts that platforms and people make.
    course : dict of str to Chapter
        The assignments by name.
    roster : Roster, optional
    due : datetime, optional
        After it, what a platform's name has a time for is late.

    Raises
    ------
    ValueError
        If the folder does not exist.
    """
    return _Intake(course, roster or Roster(), due).take(folder)


class _Intake:
    """Goes through a folder once, and sorts what lay there."""

    def __init__(self, course: dict[str, Chapter], roster: Roster, due: datetime | None) -> None:
        self.course, self.roster, self.due = course, roster, due
        self.names = {*course, *(chapter.name for chapter in course.values())}
        self.attempts: list[_Attempt] = []
        self.containers: set[Way] = set()
        self.lines: list[Line] = []
        self.strangers: dict[str, list[str]] = {}

    def take(self, folder: str | Path) -> tuple[list[Submission], list[Line]]:
        """Go through the folder."""
        things = []
        for thing in walk(folder):
            attempt = self._attempt(thing) if isinstance(thing, Found) else None
            self.attempts += [attempt] if attempt else []
            things += [] if attempt else [thing]
        for attempt in self.attempts:
            attempt.assignment = self._assignment(attempt)
        self.containers = self._find_containers()
        for attempt in self.attempts:
            attempt.student, attempt.listed = self._whose(attempt)
            parts = attempt.found.parts
            ways = {parts[:length] for length in range(len(parts) + 1)}
            attempt.direct = attempt.named is not None or not ways & self.containers
            if attempt.assignment:
                attempt.assignment = self._for_the_group(attempt)
        for thing in things:
            self._account(thing)
        return self._chosen() + self._with_nothing(), self.lines

    def _attempt(self, found: Found) -> _Attempt | None:
        """Read a file if it claims to be a notebook; its bytes are there only now."""
        if not NOTEBOOKS.search(found.name):
            return None
        named = _named_by_a_platform(found)
        attempt = _Attempt(found, named, "", None)
        try:
            data = found.read()
            attempt.digest = hashlib.sha256(data).hexdigest()
            attempt.notebook = parse_notebook(data)
        except Unreadable as error:
            attempt.problem = str(error)
            if ".ipynb" not in found.name.lower():
                return None  # some other JSON
        if named and named.late:
            attempt.notes.append(f"late, says {named.platform}")
        if named and named.when and self.due and named.when > self.due.timestamp():
            hours = (named.when - self.due.timestamp()) / 3600
            attempt.notes.append(f"late by {hours:.1f} hours, says {named.platform}")
        return attempt

    def _whose(self, attempt: _Attempt) -> tuple[str, Student | None]:
        """Return whose a file is: the name to use, and the student on the roster."""
        if attempt.named:
            candidates = [attempt.named.student, attempt.named.number]
        elif folders := _folders(attempt.found.parts, self.containers, self.names):
            spoken = any(name.lower() in folders[0].lower() for name in self.names)
            candidates = [(spoken and self._own_name(folders[0])) or folders[0]]
        else:
            candidates = [self._own_name(attempt.found.stem)]
        listed = self.roster.find(*reversed(candidates))
        return (listed.name if listed else candidates[0]), listed

    def _own_name(self, stem: str) -> str:
        """Return what is left of a name without the assignment's."""
        stem = re.sub(r"^(copy|kopie|copia|copie) (of|von|de) ", "", stem, flags=re.I)
        for name in sorted(self.names, key=len, reverse=True):
            stem = re.sub(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", " ", stem, flags=re.I)
        stem = re.sub(r"[ _-]*(\(\d+\)|[Cc]opy\d*|checkpoint)$", "", stem)
        return stem.strip(" _-.+")

    def _assignment(self, attempt: _Attempt) -> str:
        """Return which assignment a notebook is for, or nothing if that cannot be told."""
        notebook = attempt.notebook
        told = notebook.course if notebook else {}
        if told.get("assignment") in self.course:
            return told["assignment"]
        of_chapter = [n for n, c in self.course.items() if c.name == told.get("chapter")]
        if not of_chapter and notebook:
            known = {name: _shared(chapter, notebook) for name, chapter in self.course.items()}
            best = max(known.values(), default=0)
            of_chapter = [name for name, count in known.items() if count == best and best]
        if not of_chapter and "chapter" not in told:
            of_chapter = self._by_name(attempt.found)
        if not of_chapter and len(self.course) == 1 and "chapter" not in told:
            of_chapter = list(self.course)
        return of_chapter[0] if of_chapter else ""

    def _by_name(self, found: Found) -> list[str]:
        """Return the assignments that a file's name or its folders' names speak of."""
        for text in (found.name, *(part.name for part in reversed(found.parts))):
            spoken = [n for n in self.names if n.lower() in text.lower()]
            if spoken:
                name = max(spoken, key=len)
                return [n for n, c in self.course.items() if name in (n, c.name)]
        return []

    def _for_the_group(self, attempt: _Attempt) -> str:
        """Return the assignment that the student's group has of the same chapter."""
        assignment = attempt.assignment
        chapter = self.course[assignment].name
        told = attempt.notebook.course.get("draw") if attempt.notebook else None
        told = identity(told) if isinstance(told, dict) else told
        draws = {
            name: identity(other.notebook.course.get("draw", {}))
            for name, other in self.course.items()
            if other.name == chapter
        }
        if told and told not in draws.values():
            attempt.notes.append("made with other numbers than the course has now")
        elif told and told != draws[assignment]:
            assignment = next(name for name, draw in draws.items() if draw == told)
        own = f"{chapter}-{attempt.listed.group}" if attempt.listed else ""
        if own in draws and own != assignment:
            attempt.notes.append(f"made from {assignment}, graded with the numbers of {own}")
            return own
        return assignment

    def _account(self, thing: Found | PassedOver) -> None:
        """Write the line for something that is no notebook, and remember whose it may be."""
        named = _named_by_a_platform(thing)
        what = thing.why if isinstance(thing, PassedOver) else "not a notebook"
        if isinstance(thing, Found):
            if thing.name in TIMES or (named and not named.file and named.when):
                what = "a platform's note"
        self.lines.append(Line(thing.where, what))
        if _left_over(thing):
            return
        folders = _folders(thing.parts, self.containers, self.names)
        names = [named.number, named.student] if named else folders[:1]
        if isinstance(thing, Found) and not names:
            names = [self._own_name(thing.name.rpartition(".")[0])]
        student = self.roster.find(*names)
        who = student.name if student else named.student if named else "".join(folders[:1])
        if who:
            self.strangers.setdefault(who, []).append(f"{thing.where}: {what}")

    def _chosen(self) -> list[Submission]:
        """Return the attempt that counts of each student and assignment."""
        groups: dict[tuple[str, str], list[_Attempt]] = {}
        for attempt in self.attempts:
            chapter = self.course[attempt.assignment].name if attempt.assignment else ""
            groups.setdefault((attempt.student, chapter), []).append(attempt)
        chosen = []
        for (student, _), attempts in sorted(groups.items(), key=lambda item: item[0]):
            *older, newest = sorted(attempts, key=lambda attempt: attempt.rank)
            assignment = newest.assignment
            notes = list(newest.notes)
            for attempt in older:
                why = attempt.problem or "an older attempt"
                if newest.direct and not attempt.direct:
                    why = "it lies in a folder of several students"
                why = "the same file again" if attempt.digest == newest.digest else why
                notes.append(f"{attempt.found.where} was passed over: {why}")
                self.lines.append(Line(attempt.found.where, f"{student}: passed over, {why}"))
            problem = newest.problem
            if not problem and not assignment:
                problem = "it belongs to no assignment of this course"
            if not student:
                problem = "nobody's name could be told from where it lies"
            for word in (newest.student, newest.named.student if newest.named else ""):
                if newest.listed is None and self.roster.ambiguous(word):
                    notes.append(f"{word!r} is the name of several students on the roster")
            told = f"{student or 'nobody'}: {problem or assignment}"
            self.lines.append(Line(newest.found.where, told))
            chosen.append(Submission(
                student or newest.found.where, assignment, newest.notebook, newest.digest,
                newest.found.where, notes, problem, newest.listed,
            ))  # fmt: skip
        return chosen

    def _with_nothing(self) -> list[Submission]:
        """Return those whose folder holds no notebook."""
        known = {attempt.student for attempt in self.attempts}
        known |= {part.name for attempt in self.attempts for part in attempt.found.parts}
        return [
            Submission(
                student,
                "",
                problem=f"no notebook was handed in; there lay {things[0]}",
                listed=self.roster.find(student),
            )
            for student, things in sorted(self.strangers.items())
            if student not in known
        ]

    def _find_containers(self) -> set[Way]:
        """Return the folders and zips that hold students and are none themselves.

        One is if its name says so, or if folders in it, or files in a zip, hold notebooks of the
        same assignment, or if it holds nothing but such a one, or if it is a zip alone at the
        top. It never is if the roster knows its name; and without a roster it must be alone
        where it lies, because whoever fills a zip could name folders after others.
        """
        inside: dict[Way, dict[str, set[str]]] = {}
        beside: dict[Way, set[Part]] = {}
        for attempt in self.attempts:
            way = attempt.found.parts
            for length in range(len(way) + 1):
                here, below = way[:length], [p.name for p in way[length:]]
                beside.setdefault(here[:-1], set()).update(here[-1:])
                folders = [name for name in below if name not in self.names]
                zipped = length > 0 and here[-1].zipped
                own = self._own_name(attempt.found.stem) if zipped else ""
                who = folders[0] if folders else own
                if who and not TRIES.match(who):
                    inside.setdefault(here, {}).setdefault(who, set()).add(attempt.assignment)
        deep = any(len(attempt.found.parts) > 1 for attempt in self.attempts)
        containers: set[Way] = set()
        for way, people in sorted(inside.items(), key=lambda item: -len(item[0])):
            alone = bool(way) and len(beside[way[:-1]]) == 1
            several = len(people) > len(set().union(*people.values()))
            nested = len(people) == 1 and any(way == one[:-1] for one in containers)
            top = alone and deep and len(way) == 1 and way[0].zipped
            free = bool(self.roster.students) or alone
            if way and self.roster.find(way[-1].name) is None:
                if GENERAL.fullmatch(way[-1].name) or (free and (several or nested)) or top:
                    containers.add(way)
        return containers


def _named_by_a_platform(thing: Found | PassedOver) -> Named | None:
    """Return what the outermost name that a platform wrote says."""
    names = [part.name for part in thing.parts]
    names += [thing.name] if isinstance(thing, Found) else []
    return next(filter(None, map(read_name, names)), None)


def _left_over(thing: Found | PassedOver) -> bool:
    """Tell whether something was left by a system, and so is nobody's."""
    return isinstance(thing, PassedOver) and thing.why in (LEFT, HIDDEN)


def _folders(parts: Way, containers: set[Way], assignments: set[str]) -> list[str]:
    """Return the names on the way to a file that may be a student's."""
    return [
        part.name
        for length, part in enumerate(parts, 1)
        if part.name not in assignments and parts[:length] not in containers
    ]


def _shared(chapter: Chapter, notebook: Notebook) -> int:
    """Return how many cells of a chapter's exercises a notebook has, by name or by text."""
    own = [cell for cell in chapter.cells if cell.exercise]
    names = {cell.grade_id for cell in own} - {None}
    texts = {cell.source.strip() for cell in own if len(cell.source) > 40}
    return sum(cell.grade_id in names or cell.source.strip() in texts for cell in notebook.cells)
