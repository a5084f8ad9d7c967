"""Take it along: each chapter as a notebook without solutions, and all of them in one archive.

They are made from the chapters when the pages are, and lie beside them in `take/`. Their text is
plain markdown that every notebook viewer shows; the archive holds the data that they read and the
library too, so that it needs no git, no make, and no package index that has us.
"""

import codecs
import re
import shutil
import zipfile
from pathlib import Path

import latexcodec  # noqa: F401  (registers "ulatex")
import nbformat
from convac_repository import binder, colab
from docutils import nodes

from convac_course.chapters import HIDDEN, SOLUTION
from convac_course.markdown import labelled_titles, plain, read_macros

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER, ARCHIVE = "take", "convac-book"
LEFT_OUT = ("fence", "explanation", "test")
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
DISCUSSION = re.compile(
    r"^(`{3,})\{solution-start\}.*?^(`{3,})\{solution-end\}.*?^\2[ \t]*$", re.M | re.S
)
EQUATION = re.compile(r"^\$\$[ \t]*\(([\w-]+)\)[ \t]*$", re.M)
README = """\
Convolutional circuits as quantum states: the chapters as notebooks, with the library and the data they read.
1. In this folder: pip install -c constraints.txt "./library[chapters]" --extra-index-url https://download.pytorch.org/whl/cpu
2. Then: jupyter lab chapters/opening.ipynb
"""  # noqa: E501
# In the archive the library is installed. Elsewhere, as in Colab, a clone of the sources is made.
FETCH = """\
# Only where the book's library is missing, as in Colab.
from importlib.util import find_spec

if find_spec("convac_lib") is None:
    !git clone --quiet --depth 1 {repository} convac-sources
    %pip install --quiet "./convac-sources[chapters]"
    %cd convac-sources/book/{folder}"""


def without_solutions(page, book, repository=""):
    """Return a chapter's notebook as a reader takes it along.

    Parameters
    ----------
    page : path
        The chapter in the sources.
    book : path
        The sources' folder `book`.
    repository : str
        Where the sources are, if that is known.
    """
    notebook = nbformat.read(page, as_version=4)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    titles = {
        label: codecs.decode(title, "ulatex").replace("{", "").replace("}", "")
        for label, title in labelled_titles(texts, book / "references.bib").items()
    }
    numbers = {label: n for n, label in enumerate(EQUATION.findall("\n\n".join(texts)), 1)}
    macros = read_macros(ROOT / "_config.yml")
    cells = []
    for cell in notebook.cells:
        role = cell.metadata.get("convac", {}).get("role")
        if role in LEFT_OUT:
            continue
        if cell.cell_type == "markdown":
            cell.source = as_plain(cell.source, titles, macros, numbers)
        else:
            cell.source = HIDDEN.sub("", SOLUTION.sub(f"{STUB}\n", cell.source)).rstrip("\n")
            cell.outputs, cell.execution_count = [], None
        tags = [tag for tag in cell.metadata.get("tags", []) if tag == "raises-exception"]
        cell.metadata = {"tags": tags} if tags else {}
        if cell.source.strip():
            cells.append(cell)
    if repository:
        folder = page.parent.relative_to(book).as_posix()
        fetch = FETCH.format(repository=repository, folder="" if folder == "." else folder)
        cells.insert(1, nbformat.v4.new_code_cell(fetch.rstrip("/")))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:03d}"
    notebook.cells = cells
    nbformat.validate(notebook)
    return notebook


def as_plain(text, titles, macros, numbers):
    """Return a chapter's markdown in plain form: equations numbered, discussions left out."""
    text = DISCUSSION.sub("", text)
    text = EQUATION.sub(lambda found: rf"\tag{{{numbers[found[1]]}}}" + "\n$$", text)
    text = re.sub(r"\{eq\}`([\w-]+)`", lambda f: f"({numbers.get(f[1], f[1])})", text)
    return plain(text, titles, macros)


def chapters(book):
    """Return the chapters' notebooks in the sources."""
    pages = [page for page in book.rglob("*.ipynb") if not set(page.parts) & {"_build"}]
    return sorted(page for page in pages if ".ipynb_checkpoints" not in page.parts)


def write_all(book, target, repository=""):
    """Write all notebooks below `target`, and the archive beside them."""
    shutil.rmtree(target, ignore_errors=True)
    for page in chapters(book):
        path = target / page.relative_to(book)
        path.parent.mkdir(parents=True, exist_ok=True)
        notebook = without_solutions(page, book, repository)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    write_archive(book, target)


def write_archive(book, target):
    """Write the archive: the notebooks, what they read, the library, and three lines to begin."""
    with zipfile.ZipFile(target / f"{ARCHIVE}.zip", "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name, content):
            # A fixed time: the same sources give the same archive.
            entry = zipfile.ZipInfo(f"{ARCHIVE}/{name}", (2026, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)

        put("README.txt", README)
        put("constraints.txt", (ROOT / "constraints.txt").read_bytes())
        for path in sorted(target.rglob("*.ipynb")):
            put(f"chapters/{path.relative_to(target).as_posix()}", path.read_bytes())
        for path in sorted((book / "data").iterdir()):
            put(f"chapters/data/{path.name}", path.read_bytes())
        for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
            put(f"library/{name}", (ROOT / name).read_bytes())
        for package in ("convac_lib", "convac_workbench", "convac_book", "convac_course"):
            for path in sorted((ROOT / package).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    put(f"library/{path.relative_to(ROOT).as_posix()}", path.read_bytes())


def buttons(repository, page, root):
    """Return what the page's header offers to take along, as the theme lists buttons."""

    def link(url, text, tooltip, icon):
        return {
            "type": "link",
            "url": url,
            "text": text,
            "tooltip": tooltip,
            "icon": icon,
            "label": f"take-{text.split()[0].lower()}",
        }

    found = [
        link(
            f"{root}{FOLDER}/{page}.ipynb",
            "This page as a notebook",
            "Without the solutions",
            "fas fa-book",
        ),
        link(
            f"{root}{FOLDER}/{ARCHIVE}.zip",
            "All chapters",
            "One archive: notebooks, data, library",
            "fas fa-download",
        ),
    ]
    if repository:
        found.append(link(binder(repository, page), "Open in Binder", "", "fas fa-rocket"))
        if colab(repository, page):
            found.append(link(colab(repository, page), "Run in Colab", "", "fas fa-rocket"))
    return found


def add_buttons(app, page, template, context, doctree):
    """Put the buttons into a chapter's header."""
    if doctree is None or not app.env.doc2path(page).endswith(".ipynb"):
        return
    root = "../" * page.count("/")
    context["header_buttons"].append(
        {
            "type": "group",
            "tooltip": "Take this page along",
            "icon": "fas fa-download",
            "buttons": buttons(app.config.convac_repository, page, root),
            "label": "take-buttons",
        }
    )


def archive_role(name, rawtext, text, lineno, inliner, options=None, content=()):
    """Link to the archive from a page of prose: {download-all}`words`."""
    env = inliner.document.settings.env
    root = "../" * env.docname.count("/")
    return [nodes.reference(rawtext, text, refuri=f"{root}{FOLDER}/{ARCHIVE}.zip")], []


def write_at_the_end(app, error):
    """Write notebooks and archive once the pages are there."""
    if error is None and app.builder.name == "html":
        write_all(Path(app.srcdir), Path(app.outdir) / FOLDER, app.config.convac_repository)


def setup(app):
    """Register what adds the buttons and writes the files."""
    app.add_role("download-all", archive_role)
    app.connect("html-page-context", add_buttons, priority=502)
    app.connect("build-finished", write_at_the_end)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
