"""A file of results: one row of JSON a line, appended to and never rewritten.

The row of a run that failed has its settings and, under ``"failed"``, the reason; it has no
numbers. `Results.rows` gives the others alone, so that nothing takes it for a result.
"""

import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from convac_lib.learning.safe_files import naming

Row = dict[str, Any]
FAILED = "failed"


class Results:
    """A file of rows: appended to, never rewritten.

    Parameters
    ----------
    path : path
        Made with its folder when the first row comes.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser()

    def rows(self, check: Callable[[Row], Any] = dict) -> list[Row]:
        """Return the rows of finished runs as dicts. What a crash left of a last line is no row.

        A whole line that is no row, holds NaN or infinity, or that `check` refuses, is left out
        with a warning that names the file and the line; the file is left as it is.

        Warns
        -----
        UserWarning
            For each such line.
        """
        return [row for row in self._all(check) if FAILED not in row]

    def failures(self, check: Callable[[Row], Any] = dict) -> list[Row]:
        """Return the rows of runs that failed; `check` and warnings are as for `rows`."""
        return [row for row in self._all(check) if FAILED in row]

    def append(self, *rows: Row) -> None:
        """Add rows; when this returns they are on the disk.

        Raises
        ------
        ValueError
            If a number in them is NaN or infinite.
        """
        lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
        with naming(self.path), open(self.path, "ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())

    def _all(self, check: Callable[[Row], Any]) -> list[Row]:
        whole, _ = self._split()
        rows = []
        lines = whole.decode("utf-8-sig", errors="replace").split("\n")
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line, parse_constant=_refuse)
                if not isinstance(row, dict):
                    raise ValueError("it is no table of JSON")
                check(row)
            except (ValueError, TypeError, RecursionError) as error:
                warnings.warn(
                    f"results {self.path}, line {number}, is no row and is left out: "
                    f"{line[:60]!r} ({str(error)[:100]})",
                    stacklevel=3,
                )
            else:
                rows.append(row)
        return rows

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only process that appends; what is left of a last line is cut off.

        Raises
        ------
        ValueError
            If another process is writing to the file.
        """
        with naming(self.path):
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


def _refuse(number: str) -> None:
    raise ValueError(f"a number in it is {number}")
