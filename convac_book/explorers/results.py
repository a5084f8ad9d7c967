"""The results explorer: Fig. 10 of the paper, and our own runs of the same experiment."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import isfinite, sqrt
from pathlib import Path
from statistics import variance
from typing import Any

import traitlets
from scipy import stats

from convac_lib._validation import as_choice

from .. import book_data
from ._base import Explorer, packed_module
from ._picture import INK, RULE, line, picture, polyline, shape, text
from .width import BASE, TIP

TASKS = ("local", "global")
MODELS = ("ConvNet", "ConvAC")
DESIGNS = ("wide-base", "wide-tip")
PAPER_FILE = "fig10_paper.json"
RUNS_FILE = "fig10_runs.json"
LOST = 0.15  # a run below this, with ten classes, has learnt nothing


class ResultsExplorer(Explorer):
    """Accuracy of wide-base and wide-tip networks on the two tasks of section 8.

    Parameters
    ----------
    paper : path or list of dict, optional
        The digitised figure. Left out: ``data/fig10_paper.json`` of the book, looked
        for from the working folder upwards.
    runs : path or list of dict, optional
        Our runs, one row each with the keys ``task``, ``model``, ``design``, ``r``,
        ``seed``, ``train_accuracy``, ``test_accuracy`` (fractions). Left out:
        ``fig10_runs.json`` beside the paper's file, if it is there. Rows without an
        accuracy, as of a run that broke off, are left out and counted. Runs with a test
        accuracy below 15 % are lost: they count only where the reader switches them on.

    Raises
    ------
    FileNotFoundError
        If no file of the paper's figure is found.
    ValueError
        If a file is no such table, or a row names an unknown task, model or design.

    Examples
    --------
    >>> row = {"task": "local", "model": "ConvNet", "design": "wide-tip", "r": 6}
    >>> ResultsExplorer([{**row, "train_accuracy": 0.514, "test_accuracy": 0.515}], runs=[])
    Results explorer: test accuracy at 1 width. Local task: no two designs to compare. \
Global task: no two designs to compare.
    """

    points: Any = traitlets.List().tag(sync=True)
    gaps: Any = traitlets.List().tag(sync=True)
    lost_below = traitlets.Float(10000 * LOST).tag(sync=True)
    provenance = traitlets.Unicode().tag(sync=True)
    left_out = traitlets.Unicode().tag(sync=True)
    model = traitlets.Unicode("ConvNet").tag(sync=True)
    r = traitlets.Int().tag(sync=True)
    task = traitlets.Enum(("both", *TASKS), "both").tag(sync=True)
    train = traitlets.Bool(False).tag(sync=True)
    runs = traitlets.Bool(False).tag(sync=True)
    count_lost = traitlets.Bool(False).tag(sync=True)
    hidden = traitlets.List(traitlets.Unicode()).tag(sync=True)

    _parts = ("_designs", "results")
    _esm = packed_module(*_parts)

    def __init__(
        self, paper: Any = None, runs: Any = None, *, model: str = "ConvNet", r: int | None = None
    ) -> None:
        as_choice("model", model, MODELS)
        if paper is None:
            paper = find_data() / PAPER_FILE
        if runs is None and not isinstance(paper, list):
            runs = Path(paper).with_name(RUNS_FILE)
            runs = runs if runs.exists() else []
        paper_rows, paper_words = _read("paper", paper)
        run_rows, run_words = _read("runs", runs or [])
        groups = [*_group(0, paper_rows), *_group(1, run_rows)]
        if not groups:
            raise ValueError("paper and runs must have a row with an accuracy, got none")
        broken = sum(_accuracy(row, "test_accuracy") is None for row in run_rows)
        widths = sorted({group[4] for group in groups})
        super().__init__(
            points=groups,
            gaps=_gaps(groups),
            provenance=" ".join(words for words in (paper_words, run_words) if words),
            left_out=f"{broken} of our runs have no accuracy and are left out." if broken else "",
            model=model,
            r=widths[len(widths) // 2] if r is None else as_choice("r", r, widths),
        )

    def _describe(self) -> str:
        widths = len({group[4] for group in self.points})
        plural = "s" if widths != 1 else ""
        found = " ".join(self._finding(task) for task in (0, 1))
        return f"Results explorer: test accuracy at {widths} width{plural}. {found}"

    def _finding(self, task: int) -> str:
        """Say of one task at how many widths which design is ahead."""
        ours = MODELS.index(self.model)
        told = []
        for source, who in [(0, "in the paper"), (1, f"in our {self.model}s")]:
            found = [
                (gap, half)
                for where, t, model, _, counted, gap, half, *_ in self.gaps
                if (where, t, counted) == (source, task, 0) and (not source or model == ours)
            ]
            if not found:
                continue
            # One training each has no interval; of several, the interval decides.
            sure = [gap for gap, half in found
                    if not source or (half is not None and abs(gap) > half)]  # fmt: skip
            base, tip = sum(gap > 0 for gap in sure), sum(gap < 0 for gap in sure)
            words = f"{who} wide-base is ahead at {base}, wide-tip at {tip}"
            told.append(words + (f", open at {len(found) - base - tip} (95 %)" if source else ""))
        return f"{TASKS[task].capitalize()} task: {'; '.join(told) or 'no two designs to compare'}."

    def _picture(self) -> str:
        drawn = []
        for task, name in enumerate(TASKS):
            drawn.append(text(40 + 330 * task, 16, f"{name} task, test accuracy in %", fill=INK))
            drawn += _panel([group for group in self.points if group[1] == task], 330 * task)
        drawn += [text(40, 232, "wide-base", fill=BASE), text(120, 232, "wide-tip", fill=TIP)]
        drawn.append(text(200, 232, "thin: the paper, thick: our ConvNets, against r"))
        return picture(680, 240, self._describe(), *drawn)


def find_data() -> Path:
    """Return the book's data folder, looked for from the working folder upwards."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        for data in (folder / "data", folder / "book" / "data"):
            if (data / PAPER_FILE).exists():
                return data
    raise FileNotFoundError(f"no data/{PAPER_FILE} in {here} or above it; pass its path as `paper`")


def _read(name: str, table: Any) -> Any:
    """Return the rows of a table and where they come from; a file is of `book_data`'s form."""
    if isinstance(table, list):
        return table, ""
    found = book_data.read(table)
    return found["rows"], f"{name.capitalize()}: {book_data.in_words(found)}"


def _group(source: int, rows: Any) -> list[list[Any]]:
    """Return [source, task, model, design, r, test, train]: one entry for all seeds of a point.

    Accuracies are in hundredths of a percent, so that hundreds of runs stay a few kilobytes.
    """
    groups: dict[Any, tuple[list[Any], list[Any]]] = {}
    for row in rows:
        key = (
            TASKS.index(as_choice("task", row.get("task"), TASKS)),
            MODELS.index(as_choice("model", row.get("model"), MODELS)),
            DESIGNS.index(as_choice("design", row.get("design"), DESIGNS)),
            int(row["r"]),
        )
        test, train = (_accuracy(row, f"{part}_accuracy") for part in ("test", "train"))
        if test is None:
            continue
        seen = groups.setdefault(key, ([], []))
        seen[0].append(test)
        seen[1].append(train)
    return [[source, *key, *groups[key]] for key in sorted(groups)]


def gap_and_interval(base: Sequence[float], tip: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean lead of `base` over `tip`, and half the width of its 95 % interval.

    Welch's interval for two independent samples; None where one of them has one value only.

    Examples
    --------
    >>> gap_and_interval([3.0, 5.0, 4.0], [1.0, 1.0, 1.0])  # doctest: +ELLIPSIS
    (3.0, 2.4841377117503...)
    >>> gap_and_interval([3.0], [1.0, 1.0])
    (2.0, None)
    """
    gap = sum(base) / len(base) - sum(tip) / len(tip)
    if min(len(base), len(tip)) < 2:
        return gap, None
    parts = [variance(some) / len(some) for some in (base, tip)]
    if not sum(parts):
        return gap, 0.0
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(some) - 1) for part, some in zip(parts, (base, tip), strict=True)
    )
    return gap, float(stats.t.ppf(0.975, freedom)) * sqrt(sum(parts))


def _gaps(groups: list[Any]) -> list[Any]:
    """Return [source, task, model, r, lost ones counted, gap, half width, runs of each] in points.

    One entry for each pair of designs, without the lost runs and, where there are some, with
    them. What the page says about a gap is said of these numbers.
    """
    found, tests = [], {tuple(group[:5]): group[5] for group in groups}
    for (source, task, model, design, r), base in tests.items():
        tip = tests.get((source, task, model, 1, r))
        if design == 1 or tip is None:
            continue
        for counted in (0, 1):
            kept = [[a / 100 for a in some if counted or a >= 10000 * LOST] for some in (base, tip)]
            if all(kept):
                gap, half = gap_and_interval(*kept)
                half = None if half is None else round(half, 6)
                found.append([source, task, model, r, counted, round(gap, 6), half,
                              *map(len, kept)])  # fmt: skip
    return found


def _accuracy(row: dict[str, Any], name: str) -> int | None:
    """Return an accuracy in hundredths of a percent, or None where there is none."""
    value: Any = row.get(name)
    if not isinstance(value, int | float) or not isfinite(value):
        return None
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a fraction from 0 to 1, got {value!r}")
    return round(10000 * value)


def _panel(groups: list[list[Any]], left: float) -> Iterator[str]:
    """Draw one task: test accuracy against r, 40 to 100 %."""
    widths = sorted({group[4] for group in groups})
    if not widths:
        return
    for percent in (40, 60, 80, 100):
        y = _height(percent)
        yield line(left + 40, y, left + 320, y, stroke=RULE)
        yield text(left + 34, y + 4, str(percent), text_anchor="end")
    for width in widths:
        yield text(_place(width, widths, left), 208, str(width), text_anchor="middle")
    for source, design in product((0, 1), (0, 1)):  # the paper and ours, both with ConvNets
        places = [
            (_place(group[4], widths, left), _height(sum(kept) / len(kept) / 100))
            for group in groups
            if (group[0], *group[2:4]) == (source, 0, design)
            and (kept := [a for a in group[5] if a >= 10000 * LOST])
        ]
        colour = (BASE, TIP)[design]
        yield polyline(places, stroke=colour, stroke_width=1 + 1.5 * source)
        fill = colour if source else "#fff"
        yield from (shape("circle", cx=x, cy=y, r=3, fill=fill, stroke=colour) for x, y in places)


def _place(r: int, widths: Sequence[int], left: float) -> float:
    return left + 50 + 260 * (r - widths[0]) / (widths[-1] - widths[0] or 1)


def _height(percent: float) -> float:
    return 190 - 160 * max(0, percent - 40) / 60
