"""Run the book's notebooks and store their outputs so that the same run gives the same bytes.

Text outputs are kept, SVG among them: nbval compares them with a fresh run, and an
explorer's drawing is what a reader without JavaScript sees. Pixel pictures, widget
state and time stamps are dropped: the build makes them again.

    python tools/notebooks.py                 all pages
    python tools/notebooks.py book/opening.ipynb   one page
"""

import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
DROPPED = ("image/png", "image/jpeg", "application/vnd.jupyter.widget")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main(names):
    pages = [Path(name).resolve() for name in names] or find_pages()
    for page in pages:
        if not page.is_file():
            sys.exit(f"no such notebook: {page}")
    for page in pages:
        print(f"running {page.relative_to(ROOT)} ...", flush=True)
        before = page.read_text(encoding="utf-8")
        try:
            after = run(page)
        except CellExecutionError as error:
            told = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
            sys.exit(f"{page.relative_to(ROOT)} was left as it was; a cell raised:\n{told}")
        if after != before:
            page.write_text(after, encoding="utf-8")


def find_pages():
    """Return every notebook of the book."""
    return sorted(
        page
        for page in BOOK.rglob("*.ipynb")
        if not {".ipynb_checkpoints", "_build"} & set(page.parts)
    )


def run(page):
    """Execute one notebook in its folder and return its normalised text."""
    notebook = nbformat.read(page, as_version=4)
    NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(page.parent)}},
    ).execute()
    normalise(notebook)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def normalise(notebook):
    """Drop what differs between runs or is made again by the build."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.nbformat_minor = 5
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:03d}"
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        cell.outputs = merged(cell.outputs)
        for output in cell.outputs:
            data = output.get("data", {})
            for kind in [kind for kind in data if kind.startswith(DROPPED)]:
                del data[kind]
            if "metadata" in output:
                output.metadata = {}
        # A picture's stand-in, "<Figure size ...>", stays: nbval sees that one was drawn.


def merged(outputs):
    """Join the pieces of one stream: where the kernel breaks it is a matter of timing."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


if __name__ == "__main__":
    main(sys.argv[1:])
