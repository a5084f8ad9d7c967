"""Tables as spreadsheets and platforms read and write them."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"


def write_table(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as UTF-8 with a byte order mark, in one step; no text is a formula.

    Parameters
    ----------
    path : Path
    rows : iterable of sequence
        Numbers stay numbers.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
    replace_file(path, BYTE_ORDER_MARK + text.getvalue())


def harmless(cell: Any) -> Any:
    """Return a cell that a spreadsheet takes for what it is, and never for a formula.

    Examples
    --------
    >>> harmless("=HYPERLINK(1)"), harmless("anna"), harmless(-1)
    ("'=HYPERLINK(1)", 'anna', -1)
    """
    if isinstance(cell, float):
        return f"{round(cell, 2):g}"
    if not isinstance(cell, str):
        return cell
    text = " ".join(cell.replace("\0", " ").split())
    return f"'{text}" if text.startswith(DANGEROUS) or cell.startswith(DANGEROUS) else text


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table with a header, whatever a spreadsheet made of it.

    UTF-8 and UTF-16 with or without a mark, Windows' own encoding, commas, semicolons and tabs
    are read.

    Raises
    ------
    ValueError
        If there is no header.
    """
    text = _text_of(path.read_bytes())
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=mark))
    if not rows and not first.strip():
        raise ValueError(f"{path} is empty; a table with a header was expected")
    return [
        {str(name).strip(): _undone(value) for name, value in row.items() if name is not None}
        for row in rows
    ]


def replace_file(path: Path, text: str) -> None:
    """Write a file in one step, so that a stopped run leaves none half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name[:100]}.tmp")
    fresh.write_bytes(text.encode("utf-8", "backslashreplace"))
    fresh.replace(path)


def _text_of(data: bytes) -> str:
    """Return the text of a table."""
    encodings = ["utf-8-sig", "cp1252"]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _undone(value: Any) -> str:
    """Return a cell as it was before `harmless`."""
    text = value.strip() if isinstance(value, str) else ""
    return text[1:] if text[:1] == "'" and text[1:].startswith(DANGEROUS) else text
