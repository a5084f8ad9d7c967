"""Finding and reading what students handed in. Nothing in it is trusted."""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

LARGEST = 20 * 2**20


class Unreadable(ValueError):
    """A submission that cannot be graded; the message says why."""


@dataclass(frozen=True)
class Submission:
    """One notebook that came in: whose, for which chapter, where it lies."""

    student: str
    chapter: str
    path: Path | None


@dataclass
class Cell:
    """A cell as the student left it."""

    code: bool
    source: str
    grade_id: str | None


def find_submissions(folder, chapters):
    """Return what each student handed in, and for which chapter.

    Three layouts are read: nbgrader's `STUDENT/CHAPTER/NAME.ipynb`, `STUDENT/NAME.ipynb`, and
    single files `STUDENT.ipynb` where there is one chapter. Of several notebooks for the same
    chapter, one with the chapter's own name counts before others, then the newest.

    Raises
    ------
    ValueError
        If the folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"the submissions must be a folder, got {str(folder)!r}")
    found = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.suffix == ".ipynb":
            found.setdefault((entry.stem, _chapter(entry, folder, chapters)), []).append(entry)
        elif entry.is_dir() and not entry.is_symlink():
            notebooks = _notebooks(entry)
            for path in notebooks:
                found.setdefault((entry.name, _chapter(path, folder, chapters)), []).append(path)
            if not notebooks:
                found[entry.name, chapters[0] if len(chapters) == 1 else ""] = []
    return [
        Submission(student, chapter, max(paths, key=lambda p: _rank(p, chapter), default=None))
        for (student, chapter), paths in sorted(found.items())
    ]


def _notebooks(folder):
    """Return the notebooks in a student's folder, without following links to folders."""
    found = []
    for home, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(home) / name for name in sorted(files) if name.endswith(".ipynb")]
    return found


def _chapter(path, folder, chapters):
    """Return which chapter a notebook is for, going by its name and its folders."""
    parts = path.relative_to(folder).parts
    for part in (path.stem, *reversed(parts[:-1])):
        if part in chapters:
            return part
    if len(chapters) == 1:
        return chapters[0]
    # "opening (1).ipynb", "opening-anna.ipynb": the longest name that it starts with.
    started = [name for name in chapters if path.stem.startswith(name)]
    return max(started, key=len, default="")


def _rank(path, chapter):
    """Return which of several notebooks counts: the one with the largest rank."""
    return (path.stem == chapter, path.lstat().st_mtime, str(path))


def read_submission(path):
    """Return the bytes of a submitted file, which must be a file of its own and not a link.

    Raises
    ------
    Unreadable
        If it is a link, a device, too large or cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        link = Path(path).is_symlink()
        raise Unreadable("it is a link to another file" if link else str(error)) from error
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable("it is not a plain file")
        if about.st_nlink > 1:
            raise Unreadable("it is a link to another file")
        if about.st_size > LARGEST:
            raise Unreadable(f"it is larger than {LARGEST // 2**20} MB")
        return file.read(LARGEST + 1)


def read_cells(data):
    """Return the cells of a submitted notebook from its bytes.

    Raises
    ------
    Unreadable
        If it is not a notebook.
    """
    try:
        notebook = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable("it is not a notebook: the file is damaged") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("it is not a notebook: it has no cells")
    return [_read_cell(cell) for cell in cells if isinstance(cell, dict)]


def _read_cell(cell):
    """Return one cell, whatever is in its fields."""
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return Cell(
        cell.get("cell_type") == "code",
        source if isinstance(source, str) else "",
        grade_id if isinstance(grade_id, str) else None,
    )
