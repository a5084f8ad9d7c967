"""Every entry of the bibliography leads somewhere, and every citation has an entry."""

import re
from pathlib import Path

import pytest
from prose import markdown

BOOK = Path(__file__).resolve().parent.parent / "book"
ENTRY = re.compile(r"(?:^%([^\n]*)\n)?^@(\w+)\{([^,]+),\n(.*?)^\}", re.M | re.S)
ENTRIES = {
    key: (comment, fields)
    for comment, _, key, fields in ENTRY.findall(
        (BOOK / "references.bib").read_text(encoding="utf-8")
    )
}
DOI = re.compile(r"10\.\d{4,}/\S+")
EPRINT = re.compile(r"\d{4}\.\d{4,5}|[a-z-]+/\d{7}")
CITED = re.compile(r"\{cite:[pt]\}`([^`]+)`")


def field(fields, name):
    """Return a field of an entry, or None."""
    found = re.search(rf"^\s*{name}\s*=\s*\{{(.*?)\}},?$", fields, re.M)
    return found and found[1]


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_has_a_doi_or_an_eprint_or_says_why_not(key):
    comment, fields = ENTRIES[key]
    doi, eprint = field(fields, "doi"), field(fields, "eprint")
    assert doi is None or DOI.fullmatch(doi)
    assert eprint is None or EPRINT.fullmatch(eprint)
    assert doi or eprint or field(fields, "url") or "no link" in comment


@pytest.mark.parametrize("key", ENTRIES)
def test_no_link_is_hidden_in_a_note(key):
    assert "arXiv:" not in (field(ENTRIES[key][1], "note") or "")


def test_what_is_cited_is_there():
    text = "\n".join(markdown(page) for page in BOOK.rglob("*.ipynb"))
    text += "\n".join(page.read_text(encoding="utf-8") for page in BOOK.glob("*.md"))
    cited = {key for found in CITED.findall(text) for key in found.split(",")}
    assert cited - set(ENTRIES) == set()


def test_most_entries_lead_somewhere():
    linked = [key for key, (_, f) in ENTRIES.items() if field(f, "doi") or field(f, "eprint")]
    assert len(linked) >= len(ENTRIES) - 2
