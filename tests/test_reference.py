"""The reference: a page for every module, in the order to read them, and links that lead there."""

import ast
import json
import re
from pathlib import Path

import pytest

import convac_lib
import convac_workbench

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "book" / "reference"
CHAPTERS = sorted(
    page for page in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in page.parts
)
SHOWN = {
    page.stem: re.findall(r"automodule:: (\S+)", page.read_text("utf-8"))
    for page in REFERENCE.glob("*.md")
}


def public_modules():
    """Return the modules of the library and of the workbench, as they are imported."""
    paths = [*(ROOT / "convac_lib").rglob("*.py"), *(ROOT / "convac_workbench").rglob("*.py")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    names = [name.removesuffix(".__init__") for name in names]
    # What says in which order to read; the cellar; and commands, which have a `--help`.
    hidden = ("convac_lib", "convac_lib.learning", "convac_workbench")
    return {
        name for name in names if name not in hidden and not re.search(r"\._|\.fast|\.cli", name)
    }


def test_every_module_is_on_one_page():
    shown = [module for modules in SHOWN.values() for module in modules]
    assert len(shown) == len(set(shown))
    assert set(shown) == public_modules()


def test_the_order_is_that_of_the_package_and_of_the_contents():
    index = re.findall(r"\]\((\w+)\.md\)", (REFERENCE / "index.md").read_text("utf-8"))
    contents = (ROOT / "book" / "_toc.yml").read_text("utf-8")
    assert re.findall(r"file: reference/(\w+)", contents) == ["index", *index]
    told = re.findall(r"^\d.*|^   :mod.*", convac_lib.__doc__, re.MULTILINE)
    core = re.findall(r":mod:`~convac_lib\.(\w+)`", " ".join(told))
    assert index[: len(core)] == core
    told = re.search(r"^1\..*?(?=\n\n)", convac_workbench.__doc__, re.MULTILINE | re.DOTALL)[0]
    homes = {name: page for page, names in SHOWN.items() for name in names}
    names = re.findall(r":mod:`~(convac_workbench\.\w+)`", told)
    pages = list(dict.fromkeys(homes[name] for name in names))
    assert index[-len(pages) :] == pages


def imported(page):
    """Return (module, name) for all that a page's visible code takes from the library."""
    cells = json.loads(page.read_text("utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "code" and "remove-cell" not in cell["metadata"].get("tags", []):
            lines = "".join(cell["source"]).splitlines()
            code = "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.ImportFrom) and node.module.startswith(
                    ("convac_lib", "convac_workbench")
                ):
                    yield from ((node.module, alias.name) for alias in node.names)


def explained(module, name):
    """Return whether the reference has an entry: a function or class with a docstring."""
    found = getattr(__import__(module, fromlist=[name]), name)
    return callable(found) and found.__module__ in public_modules()


@pytest.mark.browser
@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_names_of_the_library_in_a_page_s_code_are_links(html, page):
    text = (html / page.relative_to(ROOT / "book")).with_suffix(".html").read_text("utf-8")
    links = set(re.findall(r'href="[^"]*reference/\w+\.html#([\w.]+)"', text))
    missing = []
    for module, name in set(imported(page)):
        if explained(module, name):
            found = getattr(__import__(module, fromlist=[name]), name)
            if f"{found.__module__}.{found.__qualname__}" not in links:
                missing.append((module, name))
    assert missing == []


@pytest.mark.parametrize("page", sorted(SHOWN))
def test_signatures_name_numpy_s_aliases(html, page):
    """`ArrayLike`, and not the union of private classes that it stands for."""
    text = (html / "reference" / f"{page}.html").read_text("utf-8")
    assert re.findall(r"_SupportsArray|_NestedSequence|_HasDType|_Buffer", text) == []
