"""Variants: other numbers for the same exercise, chosen by a seed.

A `given` cell lists them in its metadata, `variants: {budget: [180, 260], width: [3, 5]}`. All
lists of an exercise have the same length and are read together, so that each variant is a
combination its author has tried. Only these assignments are rewritten; statement, check,
hidden test and solution read the names, so they follow.

A *draw* says which numbers an assignment has: the values of these names, by exercise.
"""

import ast
import hashlib
import json
import random
from collections.abc import ItemsView, Iterable
from dataclasses import replace
from typing import Any

from .chapters import Chapter, Exercise
from .notebooks import Cell

Draw = dict[str, dict[str, Any]]
SEEDS_TO_TRY = 200


def count_variants(exercise: Exercise) -> int:
    """Return how many variants an exercise lists beside the book's own values.

    Raises
    ------
    ValueError
        If the lists differ in length, a name is not assigned, or a value is the book's own.
    """
    lengths = {len(values) for cell in exercise.of("given") for _, values in _lists(cell)}
    if len(lengths) > 1:
        raise ValueError(f"{exercise.name}: the lists of variants differ in length")
    count, own, drawn = lengths.pop() if lengths else 0, [], []
    for cell in exercise.of("given"):
        assignments = _assignments(cell.source)
        for name, values in _lists(cell):
            if name not in assignments:
                raise ValueError(f"{exercise.name}: the given cell does not assign {name!r}")
            own.append(_literal(assignments[name]))
            drawn.append(values)
    if any(list(combination) == own for combination in zip(*drawn, strict=True)):
        raise ValueError(f"{exercise.name}: a variant has all of the book's own values")
    return count


def choose(exercise: Exercise, seed: int | str | None) -> int | None:
    """Return which variant a seed gives an exercise; None is the book's own values."""
    count = count_variants(exercise)
    if seed is None or not count:
        return None
    return random.Random(f"{seed}/{exercise.name}").randrange(count)


def varied(exercise: Exercise, variant: int | None) -> Exercise:
    """Return the exercise with the values of one variant in its `given` cells."""
    cells = [
        replace(cell, source=given_source(cell, variant)) if cell.role == "given" else cell
        for cell in exercise.cells
    ]
    return Exercise(exercise.name, cells)


def draw_of(chapter: Chapter, seed: int | str | None) -> Draw:
    """Return the numbers that a seed gives the exercises of a chapter; None, the book's own."""
    draw: Draw = {}
    for exercise in chapter.exercises:
        chosen = varied(exercise, choose(exercise, seed))
        for cell in chosen.of("given"):
            assignments = _assignments(cell.source)
            for name, _ in _lists(cell):
                draw.setdefault(exercise.name, {})[name] = _literal(assignments[name])
    return draw


def identity(draw: Draw) -> str:
    """Return a short name for a draw: the same for the same numbers.

    Examples
    --------
    >>> identity({"sum": {"count": 20}}) == identity({"sum": {"count": 30}})
    False
    """
    return hashlib.sha256(json.dumps(draw, sort_keys=True).encode()).hexdigest()[:8]


def in_words(draw: Draw) -> str:
    """Return the numbers of a draw to read.

    Examples
    --------
    >>> in_words({"sum": {"count": 20, "step": 2}})
    'sum: count = 20, step = 2'
    """
    return "; ".join(
        f"{exercise}: {', '.join(f'{name} = {value!r}' for name, value in values.items())}"
        for exercise, values in draw.items()
    )


def in_common(draw: Draw, others: Iterable[Draw]) -> list[str]:
    """Return the exercises that have the same numbers in a draw and in one of some others."""
    return [name for name in draw if any(draw[name] == other.get(name) for other in others)]


def another_seed(chapter: Chapter, taken: list[Draw]) -> int:
    """Return the seed whose draw has the least in common with those taken, the smallest such."""

    def shared(seed: int) -> int:
        return len(in_common(draw_of(chapter, seed), taken))

    return min(range(1, SEEDS_TO_TRY), key=shared)


def given_source(cell: Cell, variant: int | None) -> str:
    """Return the code of a `given` cell with the values of one variant put in."""
    if variant is None:
        return cell.source
    lines = cell.source.split("\n")
    assignments = _assignments(cell.source)
    changes = [(assignments[name], values[variant]) for name, values in _lists(cell)]
    for node, value in sorted(changes, key=lambda change: -change[0].lineno):
        if isinstance(node, ast.Tuple):
            value = tuple(value)
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        # ast counts columns in bytes of UTF-8.
        before = lines[first].encode()[: node.col_offset].decode()
        after = lines[last].encode()[node.end_col_offset :].decode()
        lines[first : last + 1] = [f"{before}{value!r}{after}"]
    return "\n".join(lines)


def _lists(cell: Cell) -> ItemsView[str, list[Any]]:
    """Return the names and lists of values that a cell's metadata gives."""
    return cell.course.get("variants", {}).items()


def _assignments(source: str) -> dict[str, ast.expr]:
    """Return the value's node for each plain assignment at the top level of some code."""
    return {
        statement.targets[0].id: statement.value
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
    }


def _literal(node: ast.expr) -> Any:
    """Return the value of a literal as a variant would be written, or None for other code."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return list(value) if isinstance(value, tuple) else value
