"""Every boxed claim of the book is in the register, holds inside and fails outside."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from prose import markdown

import statements
from statements.frame import REGISTER, Statement, statement

BOOK = Path(__file__).resolve().parents[2] / "book"
BOX = re.compile(r"^:::+\{prf:(\w+)\}[^\n]*\n((?::[a-z]+:[^\n]*\n)*)", re.M)
CLAIMS = ("theorem", "proposition", "lemma", "corollary")
MAY_BE_ENTERED = (*CLAIMS, "remark")

for module in pkgutil.iter_modules(statements.__path__):
    if not module.name.startswith(("test_", "conftest", "frame", "by_hand")):
        importlib.import_module(f"statements.{module.name}")


def boxes(text):
    """Return (kind, label) of the boxes in a text; the label of one that has none is empty."""
    found = []
    for kind, options in BOX.findall(text):
        label = re.search(r"^:label: (\S+)$", options, re.M)
        found.append((kind, label[1] if label else ""))
    return found


BOXES = [
    box
    for page in sorted(BOOK.rglob("*.ipynb"))
    if ".ipynb_checkpoints" not in page.parts
    for box in boxes(markdown(page))
]
ENTERED = {entry.label for entry in REGISTER}
INSIDE = [
    pytest.param(entry.claim, case, id=f"{entry.label}-{number}")
    for entry in REGISTER
    for number, case in enumerate(entry.inside)
]
OUTSIDE = [
    pytest.param(entry.claim, case, id=f"{entry.label}: {dropped}")
    for entry in REGISTER
    for dropped, case in entry.outside.items()
]


def test_every_box_has_a_label_and_an_entry():
    assert len(BOXES) > 80
    claims = [label for kind, label in BOXES if kind in CLAIMS]
    assert "" not in claims
    assert sorted(set(claims) - ENTERED) == []


def test_every_entry_has_a_box():
    assert sorted(ENTERED - {label for kind, label in BOXES if kind in MAY_BE_ENTERED}) == []


def test_no_label_is_used_twice():
    labels = [label for _, label in BOXES if label]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("claim, case", INSIDE)
def test_inside(claim, case):
    assert claim(*case)


@pytest.mark.parametrize("claim, case", OUTSIDE)
def test_outside(claim, case):
    assert not claim(*case)


def test_what_is_not_tried_says_why():
    assert all(len(entry.untried) > 20 for entry in REGISTER if entry.claim is None)


def test_a_box_without_a_label_is_seen():
    text = ":::{prf:lemma} A claim\n:class: dropdown\n:label: lem-x\n\n:::{prf:theorem}\nText\n:::"
    assert boxes(text) == [("lemma", "lem-x"), ("theorem", "")]


def test_an_entry_without_instances_is_refused():
    with pytest.raises(ValueError, match="no instance inside"):
        Statement("thm-x", lambda: True)
    with pytest.raises(ValueError, match="why there are none"):
        statement("thm-x", inside=[()])(lambda: True)
