"""Tables for teachers, made from the chapters themselves so that they cannot be out of date.

`{course-table}` takes one of three names: `prerequisites`, what each chapter asks to have been
read; `minutes`, its reading time by section; `exercises`, each with its kind, time and level.
"""

import re
from pathlib import Path

import yaml
from sphinx.util.docutils import SphinxDirective

from convac_course.chapters import read_chapter

BEFORE = re.compile(r"\*\*Before you start\.?\*\*(.*?)(?=\n\s*\n|\Z)", re.S)
LINK = re.compile(r"\[[^\]]+\]\(([^)#]+?)(?:\.ipynb|\.md)?(?:#[^)]*)?\)")
MINUTES = re.compile(r"takes (\d+) minutes")
FACTS = re.compile(r"^\*([^*\n]+?) · ([^*\n]+?) · ([^*\n]+?)\*$", re.M)
LEFT_OUT = ("Exercise", "Exercises", "Further reading")
# A line of code is read as slowly as this many words of prose.
WORDS_A_LINE = 4


class Page:
    """What a teacher asks of a chapter, from what the chapter's reader found."""

    def __init__(self, name, path):
        self.name = name
        self.chapter = read_chapter(path)
        self.title = self.chapter.title
        texts = [cell.source for cell in self.chapter.cells if cell.kind == "markdown"]
        self.text = "\n\n".join(texts)
        before = BEFORE.search(self.text)
        self.before = before[1] if before else ""
        minutes = MINUTES.search(self.before)
        self.minutes = int(minutes[1]) if minutes else 0

    @property
    def needs(self):
        """Return the chapters that `Before you start` links to, by their place in the book."""
        home = Path("/") / Path(self.name).parent
        linked = [(home / link).as_posix() for link in LINK.findall(self.before)]
        return [re.sub(r"[^/]+/\.\./", "", link).lstrip("/") for link in linked]

    def sections(self):
        """Return (section, minutes): the reading time, shared out by how much there is to read."""
        weights, section = {}, None
        for cell in self.chapter.cells:
            if cell.role not in (None, "setup"):
                continue
            for line in cell.source.split("\n"):
                if cell.kind == "code":
                    weights[section] = weights.get(section, 0) + WORDS_A_LINE
                    continue
                if line.startswith("## "):
                    section = line[3:].strip()
                weights[section] = weights.get(section, 0) + len(line.split())
        kept = {name: weight for name, weight in weights.items() if name not in LEFT_OUT}
        total = sum(kept.values())
        shares = [(name, weight * self.minutes / total) for name, weight in kept.items()]
        return [(name or "The question", max(1, round(share))) for name, share in shares]

    def exercises(self):
        """Return (title, label, kind, minutes, level, points) of each exercise."""
        found = []
        for exercise in self.chapter.exercises:
            kind, time, level = FACTS.search(exercise.statement.source).groups()
            minutes = time.removesuffix(" minutes")
            level = level.removeprefix("level ").removesuffix(" of 3")
            found.append((exercise.title, exercise.name, kind, minutes, level, exercise.points))
        return found


def chapters_of(book):
    """Return the notebooks of a book's table of contents, in its order."""
    book = Path(book)
    listed = _files(yaml.safe_load((book / "_toc.yml").read_text(encoding="utf-8")))
    return [Page(name, book / f"{name}.ipynb") for name in listed
            if (book / f"{name}.ipynb").exists()]  # fmt: skip


def _files(entry):
    """Return all `file` entries of a table of contents, in order."""
    if isinstance(entry, list):
        return [name for part in entry for name in _files(part)]
    if not isinstance(entry, dict):
        return []
    own = [entry["file"].removesuffix(".ipynb")] if "file" in entry else []
    return own + [name for part in entry.values() for name in _files(part)]


def prerequisites(chapters):
    """Return which chapters each one builds on, as a table."""
    titles = {chapter.name: chapter.title for chapter in chapters}
    rows = []
    for chapter in chapters:
        needs = [page(name, titles[name]) for name in chapter.needs if name in titles]
        rows.append((page(chapter.name, chapter.title), ", ".join(needs) or "no other chapter"))
    return table(("to read", "first read"), rows)


def minutes(chapters):
    """Return the reading time of each chapter and its sections, as a table."""
    rows = []
    for chapter in chapters:
        parts = " · ".join(f"{name} {count}" for name, count in chapter.sections())
        rows.append((page(chapter.name, chapter.title), chapter.minutes, parts))
    return table(("chapter", "minutes", "of which"), rows)


def exercises(chapters):
    """Return all exercises, as a table."""
    rows = []
    for chapter in chapters:
        for title, label, kind, time, level, points in chapter.exercises():
            link, home = f"{{ref}}`{title} <{label}>`", page(chapter.name, chapter.title)
            rows.append((link, home, kind, time, level, points or "open"))
    return table(("exercise", "chapter", "kind", "minutes", "level", "points"), rows)


def page(name, title):
    """Return a link to a page."""
    return f"{{doc}}`{title} </{name}>`"


def table(head, rows):
    """Return a table as markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


TABLES = {"prerequisites": prerequisites, "minutes": minutes, "exercises": exercises}


class CourseTable(SphinxDirective):
    """Show one of the tables."""

    required_arguments = 1

    def run(self):
        """Return what stands in the page."""
        if self.arguments[0] not in TABLES:
            raise self.error(f"course-table must be one of {', '.join(TABLES)}")
        chapters = chapters_of(self.env.srcdir)
        for chapter in chapters:
            self.env.note_dependency(f"{chapter.name}.ipynb")
        return self.parse_text_to_nodes(TABLES[self.arguments[0]](chapters))


def setup(app):
    """Register the directive."""
    app.add_directive("course-table", CourseTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
