"""The notation page and the code name the same things."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import convac_book
import convac_lib
from convac_lib import learning

BOOK = Path(__file__).resolve().parent.parent / "book"
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in (BOOK / "notation.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| $")
]
MODULES = [
    importlib.import_module(module.name)
    for package in (convac_lib, learning, convac_book)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]


def names_in(cell):
    """Return the library's names in a table cell: words in code type that are no expression."""
    return [name for name in re.findall(r"`([^`]+)`", cell) if re.fullmatch(r"[A-Za-z_.]+", name)]


def resolves(name):
    """Return whether some public module of the library has `name`, such as Cut.weight."""
    head, *tail = name.split(".")
    for module in MODULES:
        found = getattr(module, head, None)
        for part in tail:
            fields = getattr(found, "__dataclass_fields__", {})
            found = fields.get(part) or getattr(found, part, None)
        if found is not None:
            return True
    return head in ("True", "False")


def test_the_table_is_read():
    assert len(ROWS) >= 10
    assert all(len(row) == 4 for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_code_has_every_name(row):
    assert [name for name in names_in(row[2]) if not resolves(name)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_page_where_a_symbol_is_first_met_is_there_and_uses_it(row):
    page = BOOK / re.search(r"\(([^)]+)\)", row[3])[1]
    text = page.read_text(encoding="utf-8").replace("\\\\", "\\")
    symbols = re.findall(r"\$([^$]+)\$", row[0])[0].split(", ")
    assert any(symbol in text for symbol in symbols), symbols


def test_a_name_that_is_not_there_is_noticed():
    assert not resolves("Cut.wieght")
    assert not resolves("no_such_function")
