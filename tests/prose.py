"""The prose of a page, for tests that count and search it."""

import re

import nbformat

DROPDOWN = re.compile(r"^(:::+|```+)\{[^\n]*\n:class: dropdown\n.*?^\1\s*$", re.M | re.S)
FENCE = re.compile(r"^(:::+|```+).*$|^:[a-z]+:.*$|^\([a-z-]+\)=$", re.M)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$]+\$", re.S)
EXERCISES = re.compile(r"^## Exercises?$", re.M)


def markdown(page):
    """Return the text cells of a page, joined."""
    cells = nbformat.read(page, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def before_exercises(page):
    """Return the prose of a page up to its exercises, without what a reader has to open."""
    return DROPDOWN.sub("", EXERCISES.split(markdown(page))[0])


def count_words(prose):
    """Return the number of words; a formula is one, the fences of boxes are none."""
    return len(FENCE.sub("", FORMULA.sub("x", prose)).split())
