"""The notation page and the code name the same things."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import yaml
from prose import before_exercises

import convac_book
import convac_lib
import convac_workbench
from convac_lib import learning

BOOK = Path(__file__).resolve().parent.parent / "book"
TOC = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [
    chapter["file"]
    for part in TOC["parts"]
    for chapter in part["chapters"]
    if (BOOK / f"{chapter['file']}.ipynb").exists()
]
PROOF = re.compile(r"^:::\{prf:proof\}\n.*?^:::$", re.M | re.S)
FORMULA = re.compile(r"\$\$(.*?)\$\$|(?<!\\)\$([^$]+)\$", re.S)
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in (BOOK / "notation.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| $")
]
MODULES = [
    importlib.import_module(module.name)
    for package in (convac_lib, learning, convac_workbench, convac_book)
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


def symbols_of(row):
    """Return the symbols that a row defines."""
    return re.findall(r"\$([^$]+)\$", row[0])


def pattern(symbol):
    """Return what finds a symbol in a formula: with its indices, and not inside another."""
    before = r"(?<![A-Za-z\\_^])(?<!\\mathcal\{)" if symbol[0].isalpha() else ""
    after = r"(?![A-Za-z_^'])" if symbol[-1].isalpha() else ""
    return re.compile(before + re.escape(symbol) + after)


def formulas(page):
    """Return the formulas of a page's prose, without its proofs and its exercises."""
    prose = PROOF.sub("", before_exercises(BOOK / f"{page}.ipynb"))
    return [one or other for one, other in FORMULA.findall(prose)]


SYMBOLS = [(symbol, row) for row in ROWS for symbol in symbols_of(row)]
FORMULAS = {page: formulas(page) for page in PAGES}


def test_each_symbol_has_one_meaning():
    names = [symbol for symbol, _ in SYMBOLS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("symbol, row", SYMBOLS, ids=[symbol for symbol, _ in SYMBOLS])
def test_a_symbol_is_first_used_where_the_table_says(symbol, row):
    said = re.search(r"\(([^)]+)\.ipynb\)", row[3])[1]
    found = pattern(symbol)
    used = [page for page in PAGES if any(map(found.search, FORMULAS[page]))]
    assert used, "the symbol is on no page"
    assert used[0] == said


def test_a_name_that_is_not_there_is_noticed():
    assert not resolves("Cut.wieght")
    assert not resolves("no_such_function")
