"""What a page is stored with is what its run gives: the build's run, of just these sources.

`make book` runs every page whose cells, library or data have changed, and keeps the results.
To run them once more, as on another system, is `make pages`, with nbval.
"""

import configparser
import re
from pathlib import Path

import nbformat
import pytest
from load_script import load_script

ROOT = Path(__file__).resolve().parent.parent
notebooks = load_script("tools/notebooks.py")
PAGES = notebooks.find_pages()
# What differs between runs and means nothing: the same rules as nbval's.
RULES = configparser.ConfigParser()
RULES.read(ROOT / "tests" / "nbval.cfg")
PATTERNS = [(re.compile(rule["regex"]), rule["replace"]) for _, rule in RULES.items() if rule]


@pytest.fixture(scope="module")
def cache():
    """Jupyter's cache of what the build ran, if it was of the sources as they are now."""
    from jupyter_cache import get_cache

    tool = load_script("tools/build_book.py")
    stamp = tool.BUILD / "jupyter_cache.sha256"
    if not stamp.exists() or stamp.read_text() != tool.digest(tool.CELLS_NEED):
        pytest.fail("the pages were not run from these sources; run `make book`")
    return get_cache(str(tool.BUILD / ".jupyter_cache"))


def shown(cell):
    """Return what a cell shows, without what differs between two runs of the same cell."""
    told = []
    for output in cell.get("outputs", []):
        output = dict(output)
        for name in ("execution_count", "traceback", "metadata"):
            output.pop(name, None)
        told.append(clean(output))
    return told


def clean(value):
    """Return the same with addresses and temporary paths replaced, however deep they stand."""
    if isinstance(value, dict):
        return {name: clean(part) for name, part in value.items()}
    if isinstance(value, list):
        return clean("".join(value)) if all(isinstance(x, str) for x in value) else value
    if isinstance(value, str):
        for pattern, replacement in PATTERNS:
            value = pattern.sub(replacement, value)
    return value


def differing(stored, ran):
    """Return the numbers of the code cells that are stored with something else than was shown."""
    notebooks.normalise(ran)
    pairs = zip(stored.cells, ran.cells, strict=True)
    code = [pair for pair in pairs if pair[0].cell_type == "code"]
    return [number for number, (a, b) in enumerate(code, 1) if shown(a) != shown(b)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_stored_with_what_its_run_shows(cache, page):
    stored = nbformat.read(page, as_version=4)
    _, ran = cache.merge_match_into_notebook(nbformat.read(page, as_version=4))
    wrong = differing(stored, ran)
    assert not wrong, f"cells {wrong} show something else; run `tools/notebooks.py {page.name}`"


def test_the_comparison_sees_another_word_and_passes_over_an_address():
    def page(text, error="ValueError"):
        outputs = [
            nbformat.v4.new_output("stream", text=text),
            nbformat.v4.new_output("error", ename=error, evalue="no", traceback=[text]),
        ]
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)])

    assert differing(page("<A at 0x7f00aa11>"), page("<A at 0x7f00bb22>")) == []
    assert differing(page("rank 4"), page("rank 5")) == [1]
    assert differing(page("rank 4"), page("rank 4", error="TypeError")) == [1]
    missing = page("rank 4")
    missing.cells[0].outputs = []
    assert differing(page("rank 4"), missing) == [1]
