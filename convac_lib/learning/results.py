"""A file of results: one row of JSON a line, appended to and never rewritten."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

Row = dict[str, Any]


class Results:
    """A file of rows: appended to, never rewritten.

    Parameters
    ----------
    path : path
        Made with its folder when the first row comes.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def rows(self) -> list[Row]:
        """Return the rows as dicts. What a crash left of a last line is no row.

        Raises
        ------
        ValueError
            If a whole line is not a row; the file is left as it is.
        """
        whole, _ = self._split()
        rows = []
        lines = whole.decode(errors="replace").splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                rows.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                raise ValueError(
                    f"results {self.path}, line {number}, is not a row of JSON: "
                    f"{line[:60]!r}; repair it or name another file"
                ) from None
        return rows

    def append(self, *rows: Row) -> None:
        """Add rows; when this returns they are on the disk."""
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        with open(self.path, "ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only process that appends; what is left of a last line is cut off.

        Raises
        ------
        ValueError
            If another process is writing to the file.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = FileLock(self.path.with_name(self.path.name + ".lock")).acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"results {self.path} are being written by another process; wait for it, "
                "or name another file"
            ) from None
        with lock:
            whole, torn = self._split()
            if torn:
                os.truncate(self.path, len(whole))
            yield

    def _split(self) -> tuple[bytes, bytes]:
        """Return the contents up to the last end of a line, and what follows it."""
        contents = self.path.read_bytes() if self.path.exists() else b""
        end = contents.rfind(b"\n") + 1
        return contents[:end], contents[end:]
