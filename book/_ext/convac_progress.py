"""A line for each page while the book is built, and the table of what each chapter takes.

The lines go to whoever builds the book (`tools/build_book.py`), which tells them by their mark
from all else that Sphinx says. `{chapter-times}` lists the seconds that the run of each chapter
took when it was last run here; they are measured by the build, and stored nowhere else.
"""

import os
import time

from convac_front import parts_of
from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.util.docutils import SphinxDirective

MARK = "@@"  # a line of progress begins with it
ASKED = "CONVAC_PROGRESS"


class Progress:
    """What was begun, and when."""

    def __init__(self, tell):
        self.tell, self.total, self.done, self.began = tell, 0, 0, {}

    def pages_are_known(self, app, env, names):
        """Note how many pages there are to read."""
        self.total, self.done = len(names), 0

    def page_begins(self, app, name, source):
        """Note when the reading of a page began."""
        self.began[name] = time.monotonic()

    def page_is_read(self, app, doctree):
        """Say how long a page took."""
        name = app.env.docname
        self.done += 1
        taken = time.monotonic() - self.began.pop(name, time.monotonic())
        self.tell(f"{self.done:>3}/{self.total}  {name:<28} {taken:6.1f} s")

    def all_is_read(self, app, env):
        """Say that the pages are written now."""
        self.tell(f"writing {len(env.found_docs)} pages ...")


def say(line):
    """Print a line of progress."""
    print(f"{MARK}{line}", flush=True)


class TimesTable(nodes.General, nodes.Element):
    """Stands for the table until every chapter was run."""


class ChapterTimes(SphinxDirective):
    """Show what each chapter takes."""

    def run(self):
        """Return a place for the table."""
        return [TimesTable()]


def rows_of(env):
    """Return (name, title, seconds) for each chapter that was run, in the book's order."""
    rows = []
    for _, chapters in parts_of(env.srcdir):
        for chapter in chapters:
            data = NbMetadataCollector.get_doc_data(env).get(chapter.name, {})
            seconds = data.get("exec_data", {}).get("runtime")
            if seconds is not None:
                rows.append((chapter.name, chapter.title, seconds))
    return rows


def fill(app, doctree, name):
    """Put the table in its place."""
    for place in list(doctree.findall(TimesTable)):
        rows = rows_of(app.env)
        total = sum(seconds for *_, seconds in rows)
        body = [
            (nodes.reference("", title, refuri=app.builder.get_relative_uri(name, chapter)), told)
            for chapter, title, told in rows
        ]
        place.replace_self(table([*body, (nodes.strong("", "All of them"), total)]))


def table(rows):
    """Return a table with a head, of (node, seconds)."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in (80, 20)), cols=2)
    head = row(nodes.Text("chapter"), nodes.Text("seconds"))
    group += nodes.thead("", head)
    group += nodes.tbody("", *(row(node, nodes.Text(f"{told:.0f}")) for node, told in rows))
    return nodes.table("", group, classes=["chapter-times"])


def row(*cells):
    """Return a row of a table."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def pages_with_the_table(app, env):
    """Return the pages to write anew because a chapter was run."""
    return ["times"] if NbMetadataCollector.new_exec_data(env) and "times" in env.found_docs else []


def setup(app):
    """Enter the directive and listen to the build."""
    app.add_node(TimesTable)
    app.add_directive("chapter-times", ChapterTimes)
    app.connect("doctree-resolved", fill)
    app.connect("env-updated", pages_with_the_table)
    if os.environ.get(ASKED):
        progress = Progress(say)
        app.connect("env-before-read-docs", progress.pages_are_known)
        app.connect("source-read", progress.page_begins)
        app.connect("doctree-read", progress.page_is_read)
        app.connect("env-updated", progress.all_is_read, priority=0)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
