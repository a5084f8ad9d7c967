"""Who takes the course: a table, and which student a name of a platform belongs to.

Any table with a header will do: one of your own, Canvas's exported gradebook, Moodle's
participants, gradebook or grading worksheet. Everything in it that can name a student is used.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .tables import read_table

NAMES = ("student", "name", "full name", "student name")
FIRST, LAST = ("first name", "firstname", "given name"), ("last name", "lastname", "surname")
NUMBERS = (
    "id", "student id", "id number", "idnumber", "sis user id", "sis login id", "login id",
    "login", "username", "user name", "identifier", "participant", "matriculation number",
)  # fmt: skip
EMAILS = ("email", "email address", "e-mail", "mail")
GROUPS = ("group", "groups", "section", "tutorial")


@dataclass
class Student:
    """One student: the name to show, the group, and the row of the table."""

    name: str
    group: str = ""
    row: dict[str, str] = field(default_factory=dict)

    def of(self, *columns: str) -> str:
        """Return the first of some columns that is not empty; upper and lower case are one."""
        small = {name.lower(): value for name, value in self.row.items()}
        return next((small[column] for column in columns if small.get(column)), "")


class Roster:
    """The students of a course, in the table's order.

    Parameters
    ----------
    students : iterable of Student
    """

    def __init__(self, students: Iterable[Student] = ()) -> None:
        self.students = list(students)
        self._known: dict[str, set[int]] = {}
        for number, student in enumerate(self.students):
            for key in _keys(student):
                self._known.setdefault(key, set()).add(number)

    def find(self, *names: str) -> Student | None:
        """Return the only student whom one of some names belongs to, the first that decides."""
        for name in names:
            found = self._known.get(_key(name), set()) if name else set()
            if len(found) == 1:
                return self.students[min(found)]
        return None

    def ambiguous(self, name: str) -> bool:
        """Tell whether a name belongs to more than one student."""
        return len(self._known.get(_key(name), set())) > 1


def read_roster(path: str | Path) -> Roster:
    """Return the roster in a table.

    Raises
    ------
    ValueError
        If no column names a student.
    """
    rows = read_table(Path(path))
    students = []
    for row in rows:
        student = Student("", row=row)
        whole = " ".join(filter(None, (student.of(*FIRST), student.of(*LAST))))
        student.name = student.of(*NAMES) or whole or student.of(*EMAILS) or student.of(*NUMBERS)
        student.group = student.of(*GROUPS)
        # Canvas has rows that are no students.
        if student.name and "points possible" not in student.name.lower():
            students.append(student)
    names = [student.name for student in students]
    for number, student in enumerate(students, 1):
        if names.count(student.name) > 1:
            own = student.of(*NUMBERS) or student.of(*EMAILS) or f"row {number}"
            student.name = f"{student.name} ({own})"
    if not students:
        raise ValueError(
            f"{path}: no column names a student; one of {', '.join(NAMES + EMAILS + NUMBERS)} "
            "is expected in the first line"
        )
    return Roster(students)


def _keys(student: Student) -> set[str]:
    """Return everything that names a student."""
    texts = {student.of(column) for column in (*NAMES, *NUMBERS, *EMAILS)}
    first, last = student.of(*FIRST), student.of(*LAST)
    texts |= {f"{first} {last}", f"{last} {first}"} if first and last else set()
    for text in list(texts):
        if "," in text:  # Lee, Anna
            last, _, first = text.partition(",")
            texts.add(f"{first} {last}")
        elif len(words := text.split()) > 1 and "@" not in text:
            # Canvas writes Lee, Anna as leeanna.
            texts |= {f"{' '.join(words[k:])} {' '.join(words[:k])}" for k in range(1, len(words))}
        if "@" in text:
            texts.add(text.partition("@")[0])
        if number := re.fullmatch(r"\w+ (\d+)", text):  # Participant 123
            texts.add(number[1])
    return {key for text in texts if (key := _key(text))}


def _key(name: str) -> str:
    """Return a name without what platforms change in it: case, spaces, marks."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in text if letter.isalnum())
