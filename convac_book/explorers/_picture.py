"""The few SVG shapes of the explorers' still pictures, for readers without JavaScript.

Written by hand and not by matplotlib: three kilobytes instead of thirty, the same bytes
on every run (stored notebooks are compared), and no drawing library behind a widget.
"""

from collections.abc import Iterable
from html import escape
from typing import Any

INK, QUIET, RULE = "#20242a", "#59616b", "#d5d9de"
A, B, CUT, BOND = "#0072B2", "#D55E00", "#AA3377", "#777777"


def picture(width: float, height: float, label: str, *shapes: str) -> str:
    """Return an SVG text of the given size with `label` as its alternative text."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(label)}" '
        f'font-family="sans-serif" font-size="13">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(shapes)}</svg>'
    )


def shape(tag: str, body: str = "", **attributes: Any) -> str:
    """Return one element; numbers are rounded, `stroke_width` is written stroke-width.

    Examples
    --------
    >>> shape("circle", cx=1.25, cy=2, r=3, stroke_width=1)
    '<circle cx="1.2" cy="2" r="3" stroke-width="1"/>'
    """
    written = " ".join(
        f'{name.rstrip("_").replace("_", "-")}="{_number(value)}"'
        for name, value in attributes.items()
    )
    return f"<{tag} {written}>{body}</{tag}>" if body else f"<{tag} {written}/>"


def text(x: float, y: float, words: str, **attributes: Any) -> str:
    """Return words at a place."""
    return shape("text", escape(words), x=x, y=y, **{"fill": QUIET, **attributes})


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Any) -> str:
    """Return a straight stroke."""
    return shape("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"stroke": BOND, **attributes})


def polyline(points: Iterable[tuple[float, float]], **attributes: Any) -> str:
    """Return a stroke through the points (x, y)."""
    joined = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    return shape("polyline", points=joined, fill="none", **{"stroke": INK, **attributes})


def _number(value: Any) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
