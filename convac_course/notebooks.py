"""Reading a notebook, the course's own or one that was handed in: its cells and its metadata.

Nothing in a file that was handed in is trusted. What is not as it should be is left out, and a
file that is no notebook is refused in one sentence that says what lay there.
"""

import json
from dataclasses import dataclass, field
from typing import Any

LARGEST = 20 * 2**20
MOST_TEXT = 2 * 2**20
# Each bracket becomes an object of up to a few hundred bytes when it is read.
MOST_BRACKETS = 500_000
BEGINNINGS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "an archive or an office document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"version https://git-lfs": "a pointer to a file that Git LFS keeps elsewhere",
    b"<": "a web page",
}


class Unreadable(ValueError):
    """A file that holds no notebook; the message says what it holds."""


@dataclass
class Cell:
    """A cell: its kind (`code`, `markdown` or `raw`), its text and its metadata."""

    kind: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def course(self) -> dict[str, Any]:
        """Return the metadata by which an exercise knows its cells."""
        found = self.metadata.get("convac")
        return found if isinstance(found, dict) else {}

    @property
    def role(self) -> str | None:
        """Return the cell's role in an exercise, or None."""
        return _text(self.course.get("role"))

    @property
    def exercise(self) -> str | None:
        """Return the exercise that the cell belongs to, or None."""
        return _text(self.course.get("exercise"))

    @property
    def points(self) -> float:
        """Return the marks that the cell gives."""
        return self.course.get("points", 0)

    @property
    def grade_id(self) -> str | None:
        """Return the name by which nbgrader knows the cell, or None."""
        found = self.metadata.get("nbgrader")
        return _text(found.get("grade_id")) if isinstance(found, dict) else None


@dataclass
class Notebook:
    """A notebook: its cells and its metadata."""

    cells: list[Cell]
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def course(self) -> dict[str, Any]:
        """Return what the course wrote into the notebook's metadata."""
        found = self.metadata.get("convac")
        return found if isinstance(found, dict) else {}


def parse_notebook(data: bytes) -> Notebook:
    """Return the notebook that a file holds, of format 3 or newer and in any UTF.

    Raises
    ------
    Unreadable
        If the file holds something else.
    """
    try:
        if data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
            raise Unreadable("it is not a notebook: it has more parts than any notebook")
        content = json.loads(_decoded(data))
    except Unreadable:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"it is not a notebook: {_what_it_is(data)}") from error
    cells = content.get("cells") if isinstance(content, dict) else None
    if cells is None and isinstance(content, dict):
        cells = _cells_of_format_3(content)
    if not isinstance(cells, list):
        raise Unreadable("it is not a notebook: it has no cells")
    metadata = content.get("metadata")
    kept = [_cell(cell) for cell in cells if isinstance(cell, dict)]
    if sum(len(cell.source) for cell in kept if cell.kind == "code") > MOST_TEXT:
        raise Unreadable(f"its code is longer than {MOST_TEXT // 2**20} MB")
    return Notebook(kept, metadata if isinstance(metadata, dict) else {})


def _decoded(data: bytes) -> str:
    """Return a file's text; editors write UTF-8 and UTF-16, with and without a mark, and more."""
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _what_it_is(data: bytes) -> str:
    """Return in a few words what a file is that is no notebook."""
    start = data.lstrip()[:40]
    if not start:
        return "the file is empty"
    for beginning, kind in BEGINNINGS.items():
        if start.startswith(beginning):
            return f"the file is {kind}"
    return "the file is damaged" if start.startswith((b"{", b"[")) else "the file is another text"


def _cells_of_format_3(content: dict[str, Any]) -> list[Any] | None:
    """Return the cells of a notebook of format 3, where they lie in worksheets."""
    sheets = content.get("worksheets")
    if not isinstance(sheets, list):
        return None
    lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    return [cell for cells in lists if isinstance(cells, list) for cell in cells]


def _cell(content: dict[str, Any]) -> Cell:
    """Return one cell, whatever is in its fields."""
    source = content.get("source", content.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        source = ""
    kind, metadata = content.get("cell_type"), content.get("metadata")
    if kind == "heading":  # of format 3
        level = content.get("level")
        marks = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1)
        kind, source = "markdown", f"{marks} {source}"
    return Cell(
        kind if kind in ("code", "markdown") else "raw",
        source.replace("\r\n", "\n"),
        metadata if isinstance(metadata, dict) else {},
    )


def _text(value: Any) -> str | None:
    """Return a value if it is text."""
    return value if isinstance(value, str) else None
