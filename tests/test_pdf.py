"""The whole book as one page, before it is printed."""

import re
from collections import Counter

import pytest
from bs4 import BeautifulSoup
from load_script import load_script

pdf = load_script("tools/make_pdf.py")


@pytest.fixture(scope="module")
def book(html):
    return BeautifulSoup(pdf.joined({"opening": 5}), "html.parser")


def test_every_link_inside_leads_to_one_place(book):
    ids = Counter(node["id"] for node in book.select("[id]"))
    assert [name for name, count in ids.items() if count > 1] == []
    inside = [link["href"] for link in book.select("a[href]") if "://" not in link["href"]]
    assert len(inside) > 500
    assert [href for href in inside if href.removeprefix("#") not in ids] == []


def test_the_contents_list_every_page_with_its_number(book):
    listed = [link["href"] for link in book.select("nav.contents a")]
    pages = [page for _, part in pdf.contents() for page in part]
    assert {f"#{pdf.slug(page)}" for page in pages} <= set(listed)
    line = book.select_one('nav.contents a[href="#opening"]').parent
    assert line.get_text().endswith("5")


def test_solutions_stand_at_the_end_and_nothing_is_folded(book):
    exercises = book.select("article:not(#solutions) .exercise")
    solutions = book.select("#solutions > section")
    assert len(solutions) == len(exercises) > 80
    assert not book.select("article:not(#solutions) .solution")
    assert not book.select("details:not([open])")
    assert not book.select("script, button, .plumbing")


def test_explorers_are_pictures_with_their_sentences(book, html):
    stills = book.select(".still")
    assert len(stills) >= 8
    for still in stills:
        assert still.find("svg")
        assert re.search(r"[a-z]{3,}.*\.", still.get_text(" ", strip=True))


def test_pictures_are_there_and_are_the_wide_ones(book, html):
    sources = [image["src"] for image in book.select("img") if not image["src"].startswith("data:")]
    assert len(sources) > 40
    assert [one for one in sources if not (html / one).exists()] == []
    assert not book.select("source")
