"""What learning platforms write into the names of what they hand out.

Moodle       Anna Lee_1234567_assignsubmission_file_/opening.ipynb, or as one name
Canvas       leeanna_LATE_1234_56789_opening-1.ipynb, anon_Ab3dE_56789_opening.ipynb
Blackboard   Homework 1_alee_attempt_2026-03-05-14-22-10_opening.ipynb
Brightspace  1234-5678 - Anna Lee - Mar 5, 2026 222 PM/opening.ipynb, or as one name
"""

import re
from dataclasses import dataclass
from datetime import datetime

MOODLE = re.compile(
    r"(?P<student>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?", re.S
)
CANVAS = re.compile(
    r"(?P<student>[^\W_].*?)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<file>.+)", re.S
)
CANVAS_ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<student>anon_\w+?)_\d+_(?P<file>.+)", re.S)
BLACKBOARD = re.compile(
    r".+?_(?P<student>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)", re.S
)
BRIGHTSPACE = re.compile(
    r"(?P<number>\d+)-\d+ ?- (?P<student>.+?) ?- "
    r"(?P<when>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{3,4} [AP]M)(?: - (?P<file>.+))?"
)
# A second file of the same name gets a number: opening-1.ipynb, opening (1).ipynb.
AGAIN = re.compile(r"^(?P<name>.+?)(?:-(?P<dash>\d{1,3})| ?\((?P<round>\d{1,3})\))(?P<rest>\.\w+)$")


@dataclass(frozen=True)
class Named:
    """What a platform's name says: who, its number for them, the file, whether late, and when."""

    platform: str
    student: str
    number: str = ""
    file: str = ""
    late: bool = False
    when: float | None = None


def read_name(name: str) -> Named | None:
    """Return what a name of a folder or a file says, or None if no platform wrote it.

    Examples
    --------
    >>> read_name("leeanna_LATE_1234_56789_opening-1.ipynb").file
    'opening-1.ipynb'
    """
    for platform, pattern in (
        ("Moodle", MOODLE), ("Blackboard", BLACKBOARD), ("Brightspace", BRIGHTSPACE),
        ("Canvas", CANVAS_ANONYMOUS), ("Canvas", CANVAS),
    ):  # fmt: skip
        found = pattern.fullmatch(name)
        if found:
            said = found.groupdict()
            return Named(
                platform,
                said["student"].strip(),
                said.get("number") or "",
                said.get("file") or "",
                bool(said.get("late")),
                _when(said.get("when")),
            )
    return None


def attempt_number(name: str) -> int:
    """Return which copy of a file this is by its name: 0 for the first.

    Examples
    --------
    >>> attempt_number("opening (2).ipynb"), attempt_number("opening.ipynb")
    (2, 0)
    """
    found = AGAIN.match(name)
    return int(found["dash"] or found["round"]) if found else 0


def _when(text: str | None) -> float | None:
    """Return a platform's time in seconds, or None."""
    for form in ("%Y-%m-%d-%H-%M-%S", "%b %d, %Y %I%M %p"):
        try:
            if text and form.startswith("%b"):
                head, clock, half = text.rsplit(" ", 2)
                text = f"{head} {clock.zfill(4)} {half}"
            return datetime.strptime(text or "", form).timestamp()
        except ValueError:
            continue
    return None
