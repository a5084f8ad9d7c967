"""Every page has one idea's length: 1,500 to 2,500 words before its exercises."""

from pathlib import Path

import pytest
from prose import before_exercises, count_words

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGES = sorted(page for page in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in page.parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_its_length(page):
    assert 1500 <= count_words(before_exercises(page)) <= 2500


@pytest.mark.parametrize(
    "prose, words",
    [
        ("Two words.", 2),
        ("With $x + y$ it is five.", 5),
        (":::{prf:lemma} A claim\n:label: lem-x\n\nText of it.\n:::", 3),
        ("$$\na b c\n$$ (eq-x)", 2),
    ],
)
def test_words_are_counted(prose, words):
    assert count_words(prose) == words
