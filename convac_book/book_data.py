"""The files in `book/data/`: one form, one writer.

A file is a JSON object with `what` it is, its `provenance`, anything that holds for
all rows, and the `rows`, one a line, so that a change shows as a line.
"""

import json
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

from convac_lib.learning.progress import progress

Table = dict[str, Any]
Key = tuple[Any, ...]
PACKAGES = ("numpy", "torch", "python-flint")


def provenance(command: str, device: str, **more: Any) -> Table:
    """Return who made a file here and today: command, date, device, versions.

    Examples
    --------
    >>> sorted(provenance("python tools/appendix_d.py", "cpu", seconds=3))
    ['command', 'date', 'device', 'seconds', 'versions']
    """
    versions = {"python": platform.python_version(), "convac-lib": metadata.version("convac-lib")}
    for package in PACKAGES:
        if package.replace("python-", "") in sys.modules:
            versions[package] = metadata.version(package)
    today = date.today().isoformat()
    return {"command": command, "date": today, "device": device, "versions": versions, **more}


def in_words(table: Table) -> str:
    """Return the provenance of a table as one sentence for a reader.

    Examples
    --------
    >>> made = {"command": "convac sweep s.toml", "date": "2026-11-26", "device": "cpu"}
    >>> in_words({"provenance": made})
    'Made with `convac sweep s.toml` on cpu, 2026-11-26.'
    >>> in_words({"provenance": {"source": "Read off Fig. 10"}})
    'Read off Fig. 10.'
    """
    made = table.get("provenance", {})
    if "source" in made:
        return f"{made['source']}."
    return f"Made with `{made['command']}` on {made['device']}, {made['date']}."


def read(path: str | Path) -> Table:
    """Return the table in a file.

    Raises
    ------
    ValueError
        If the file is no table of this form.
    """
    try:
        table = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    _check(path, table)
    return table


def write(path: str | Path, table: Table) -> None:
    """Write a table with `what`, `provenance` and `rows`, whole or not at all.

    Raises
    ------
    ValueError
        If one of these is missing, or the provenance says neither command nor source.
    """
    _check(path, table)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    partial.write_text(as_text(table), encoding="utf-8")
    partial.replace(path)


def complete(
    path: str | Path,
    plan: Sequence[Key],
    names: Sequence[str],
    run: Callable[..., Table],
    as_table: Callable[[list[Table]], Table],
) -> None:
    """Do the runs of a plan that a file has no row of, and write it anew after each.

    So it may be stopped at any moment, and started again.

    Parameters
    ----------
    path
        The file; it may be there already, or not.
    plan, names
        The settings of each run, and what they are called in a row. Rows are in this order.
    run, as_table
        ``run(*settings)`` returns a row, ``as_table(rows)`` the table around all of them.
    """
    rows = read(path)["rows"] if Path(path).exists() else []
    order = {settings: place for place, settings in enumerate(plan)}

    def settings_of(row: Table) -> Key:
        return tuple(row[name] for name in names)

    done = {settings_of(row) for row in rows}
    for settings in progress([one for one in plan if one not in done], "runs"):
        rows.append(run(*settings))
        rows.sort(key=lambda row: order[settings_of(row)])
        write(path, as_table(rows))


def as_text(table: Table) -> str:
    """Return a table as JSON with one row on a line.

    Examples
    --------
    >>> print(as_text({"what": "two rows", "rows": [{"r": 6}, {"r": 8}]}))
    {
     "what": "two rows",
     "rows": [
      {"r": 6},
      {"r": 8}
     ]
    }
    <BLANKLINE>
    """
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in table["rows"])
    top = {key: value for key, value in table.items() if key != "rows"}
    head = json.dumps(top, indent=1, ensure_ascii=False)
    return f'{head[:-2]},\n "rows": [\n{rows}\n ]\n}}\n'


def _check(path: str | Path, table: Any) -> None:
    made = table.get("provenance") if isinstance(table, dict) else None
    whole = isinstance(made, dict) and {"command", "source"} & set(made)
    if not whole or not {"what", "rows"} <= set(table):
        raise ValueError(
            f"{path} must hold what, rows, and a provenance with a command or a source"
        )
