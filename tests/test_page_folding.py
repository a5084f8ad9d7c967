"""What a page folds: plumbing, what a check said, and nothing that teaches."""

import ast
import json
import re
from copy import copy
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from load_script import load_script

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    page.relative_to(ROOT / "book").with_suffix("").as_posix()
    for page in (ROOT / "book").rglob("*.ipynb")
    if not {".ipynb_checkpoints", "_build"} & set(page.parts)
)
page = load_script("book/_ext/convac_page.py")


@cache
def parsed(path):
    """Return a page's elements, read once for all tests; who changes them takes a copy."""
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@pytest.mark.parametrize(
    "code, head, tail",
    [
        ("y = f(x)\nfig, ax = plt.subplots()\nax.plot(y)\nplt.show()", 1, 3),
        ("y = f(x)\n# the picture\nfig, ax = plt.subplots()\nax.plot(y)\nplt.show()", 1, 4),
        ("fig, (a, b) = plt.subplots(1, 2)\nfor c in y:\n    a.plot(c)\nb.plot(z)", 0, 4),
        ("fig, ax = plt.subplots()\nax.plot(y)\nplt.show()\nprint(y)", 4, 0),  # ends in a result
        # What lies between the frame and the picture is for the picture, unless it prints.
        ("y = 1\nfig, ax = plt.subplots()\nx = y + 1\nax.plot(x)\nplt.show()", 1, 4),
        ("fig, ax = plt.subplots()\nprint(y)\nax.plot(y)\nax.grid()\nplt.show()", 2, 3),
        ("y = 1\nplt.show()", 2, 0),  # too little to fold
        ("def draw(ax, x):\n    ax.plot(x)\n    ax.axis('off')", 0, 3),
        ("x = 1\n!ls", 2, 0),
        ("", 0, 0),
    ],
)
def test_what_computes_stays_open(code, head, tail):
    found = page.split_code(code)
    assert [len(part.splitlines()) for part in found] == [head, tail]
    assert "\n".join(part for part in found if part) == code


@pytest.mark.parametrize("name", PAGES)
def test_no_line_of_a_cell_is_lost_by_folding(name):
    for cell in json.loads((ROOT / "book" / f"{name}.ipynb").read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            code = "".join(cell["source"])
            lines = [line for part in page.split_code(code) for line in part.splitlines()]
            assert [x for x in lines if x.strip()] == [x for x in code.splitlines() if x.strip()]


def test_imports_are_plumbing_and_a_definition_is_not():
    assert page.is_plumbing(ast.parse("import a\nfrom b import c\nplt.style.use('d')").body)
    assert not page.is_plumbing(ast.parse("import a\ndef f(): pass").body)
    assert not page.is_plumbing([])
    assert page.is_check(ast.parse("check.widest(widest, 220)").body)
    assert not page.is_check(ast.parse("x = check.widest(widest, 220)").body)


@pytest.mark.parametrize("name", PAGES)
def test_no_page_shows_imports_or_a_verdict_in_the_open(html, name):
    soup = copy(parsed(html / f"{name}.html"))
    shown = soup.select("div.cell")
    assert shown
    for folded in soup.select("details, .solution"):
        folded.decompose()
    for output in soup.select(".cell_output"):
        assert not re.match(r"\s*(Right|Not yet): ", output.get_text()), output.get_text()
    for code in soup.select(".cell_input pre"):
        lines = [line for line in code.get_text().splitlines() if line.strip()]
        # A page may import on the way what it is about to explain, but not open with a list.
        imports = [line for line in lines if re.match(r"(import|from) ", line)]
        assert len(imports) <= 2 or len(imports) < len(lines) / 2, code.get_text()


@pytest.mark.parametrize("name", PAGES)
def test_every_fold_says_what_it_holds(html, name):
    summaries = parsed(html / f"{name}.html").select(".cell details.hide > summary")
    words = {text for one in summaries for text in one.stripped_strings}
    assert words <= {page.IMPORTS, page.DRAWING, page.VERDICT}


@pytest.mark.parametrize("name", PAGES)
def test_every_verdict_of_the_notebook_is_still_on_the_page(html, name):
    cells = json.loads((ROOT / "book" / f"{name}.ipynb").read_text("utf-8"))["cells"]
    told = [
        "".join(output["data"]["text/plain"])
        for cell in cells
        if cell["metadata"].get("convac", {}).get("role") == "check"
        for output in cell["outputs"]
        if "text/plain" in output.get("data", {})
    ]
    text = parsed(html / f"{name}.html").get_text()
    for sentence in told:
        assert sentence in text
