"""A second drawing of every figure for a narrow screen, made while the book is built.

Shrunk to a phone, a figure of 6.4 inches has labels of 7 pixels. So when a page's kernel draws a
figure, the same figure is drawn once more at the width of a phone, its panels one below the other,
and left beside the build under the wide picture's digest (`book/_ext/convac_figures.py` finds it
there). Nothing of this runs in a reader's notebook or in the tests of the pages.
"""

import base64
import hashlib
import io
import json
from math import ceil
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

NARROW = 3.6  # inches: at 358 pixels of a phone, 8 points come out as 11 pixels
DPI = 220


def install(folder: str | Path) -> None:
    """Draw every figure of this kernel twice from now on, the second time into `folder`."""
    from IPython.core import pylabtools

    tools: Any = pylabtools
    folder, original = Path(folder), tools.print_figure

    def print_figure(fig: Figure, fmt: str = "png", **options: Any) -> Any:
        drawn = original(fig, fmt=fmt, **options)
        if fmt == "png" and drawn:
            data = base64.b64decode(drawn) if isinstance(drawn, str) else drawn
            keep(fig, folder, hashlib.sha256(data).hexdigest())
        return drawn

    tools.print_figure = print_figure


def keep(fig: Figure, folder: Path, digest: str) -> None:
    """Write the narrow drawing of a figure, and what the page must know of it."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = {"keeps_lightness": holds_pictures(fig)}
    (folder / f"{digest}.json").write_text(json.dumps(shown))
    size = tuple(fig.get_size_inches())
    if size[0] > NARROW:
        narrow(fig)
        data = io.BytesIO()
        fig.savefig(data, format="png", dpi=DPI, bbox_inches="tight", pad_inches=0.04)
        (folder / f"{digest}.png").write_bytes(data.getvalue())
        fig.set_size_inches(size)


def holds_pictures(fig: Figure) -> bool:
    """Tell whether a figure shows data whose black means black."""
    return any(ax.get_images() for ax in fig.axes)


def narrow(fig: Figure) -> None:
    """Lay a figure out anew, `NARROW` inches wide, with panels that have labels in one column."""
    wide, high = fig.get_size_inches()
    grid = {ax: spec.get_topmost_subplotspec() for ax in fig.axes if (spec := ax.get_subplotspec())}
    shapes = {spec.get_gridspec().get_geometry() for spec in grid.values()}
    if len(shapes) != 1 or len(grid) < 2 or spans(grid):
        fig.set_size_inches(NARROW, high * max(0.75, NARROW / wide))
        return
    ((rows, columns),) = shapes
    places = sorted(grid, key=lambda ax: (grid[ax].rowspan.start, grid[ax].colspan.start))
    fewer = columns_of(places, columns)
    more = ceil(len(places) / fewer)
    stretch = (NARROW / fewer) / (wide / columns)
    fig.set_size_inches(NARROW, more * high / rows * min(1.25, max(0.7, stretch)))
    fresh = fig.add_gridspec(more, fewer)
    for number, ax in enumerate(places):
        ax.set_subplotspec(fresh[divmod(number, fewer)])
        if fewer < columns and ax.axison:  # labels that a neighbour had for both
            ax.tick_params(labelleft=True)
            if number >= fewer and not ax.get_ylabel():
                ax.set_ylabel(places[number - 1].get_ylabel())


def spans(grid: dict[Axes, Any]) -> bool:
    """Tell whether a panel takes more than one cell, so that a column would not do."""
    return any(len(spec.rowspan) * len(spec.colspan) > 1 for spec in grid.values())


def columns_of(places: list[Axes], columns: int) -> int:
    """Return how many panels fit side by side: one with labels, few with names, else all."""
    if any(ax.axison and (ax.get_xticklabels() or ax.get_yticklabels()) for ax in places):
        return 1
    if any(ax.texts for ax in places):  # diagrams
        return min(columns, 2) if len(places) > 3 else 1
    titled = any(ax.get_title() for ax in places)
    return min(columns, 3 if titled else 8)
