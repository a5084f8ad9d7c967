"""Variants: other numbers for the same exercise, chosen by a seed.

A `given` cell lists them in its metadata, `variants: {budget: [180, 260], width: [3, 5]}`. All
lists of an exercise have the same length and are read together, so that each variant is a
combination its author has tried. Only these assignments are rewritten; statement, check,
hidden test and solution read the names, so they follow.
"""

import ast
import copy
import random

from .chapters import Exercise, role_of


def count_variants(exercise):
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


def choose(exercise, seed):
    """Return which variant a seed gives an exercise; None is the book's own values."""
    count = count_variants(exercise)
    if seed is None or not count:
        return None
    return random.Random(f"{seed}/{exercise.name}").randrange(count)


def varied(exercise, variant):
    """Return the exercise with the values of one variant in its `given` cells."""
    cells = [copy.copy(cell) for cell in exercise.cells]
    for cell in cells:
        if role_of(cell) == "given":
            cell.source = given_source(cell, variant)
    return Exercise(exercise.name, cells)


def given_source(cell, variant):
    """Return the code of a `given` cell with the values of one variant put in."""
    if variant is None:
        return cell.source
    lines = cell.source.split("\n")
    assignments = _assignments(cell.source)
    changes = [(assignments[name], values[variant]) for name, values in _lists(cell)]
    for node, value in sorted(changes, key=lambda change: -change[0].lineno):
        if isinstance(node, ast.Tuple):
            value = tuple(value)
        first, last = node.lineno - 1, node.end_lineno - 1
        # ast counts columns in bytes of UTF-8.
        before = lines[first].encode()[: node.col_offset].decode()
        after = lines[last].encode()[node.end_col_offset :].decode()
        lines[first : last + 1] = [f"{before}{value!r}{after}"]
    return "\n".join(lines)


def _lists(cell):
    """Return the names and lists of values that a cell's metadata gives."""
    return cell.metadata.convac.get("variants", {}).items()


def _assignments(source):
    """Return the value's node for each plain assignment at the top level of some code."""
    return {
        statement.targets[0].id: statement.value
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        and len(statement.targets) == 1
        and isinstance(statement.targets[0], ast.Name)
    }


def _literal(node):
    """Return the value of a literal as a variant would be written, or None for other code."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return list(value) if isinstance(value, tuple) else value
