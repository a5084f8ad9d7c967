"""The first page's map, and what a page says of itself to search engines and in links.

`{chapter-map}` lists the chapters by part, each with its question and its minutes, read from the
chapters themselves. Every page gets a description; where the pages have an address of their own
(`CONVAC_SITE`) also a canonical one, and a card with a picture made when the book is built.
"""

import re
from html import escape
from pathlib import Path

import yaml
from convac_teaching import Page
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

QUESTION = re.compile(r"\*\*The question\.\*\*\s*(.+?)(?=\n\s*\n|\Z)", re.S)
CARD = "card.png"


def parts_of(book):
    """Return (caption, chapters) for each part of the table of contents that has chapters."""
    book, found = Path(book), []
    for part in yaml.safe_load((book / "_toc.yml").read_text(encoding="utf-8"))["parts"]:
        names = [entry["file"].removesuffix(".ipynb") for entry in part["chapters"]]
        pages = [(name, book / f"{name}.ipynb") for name in names]
        chapters = [Page(name, path) for name, path in pages if path.exists()]
        if chapters:
            found.append((part["caption"], chapters))
    return found


def question_of(chapter):
    """Return a chapter's question: its last sentence, and those before while it is short."""
    text = " ".join(QUESTION.search(chapter.text)[1].split())
    sentences = re.split(r"(?<=[.?!])\s+", text)
    told = sentences.pop()
    while sentences and len(told) < 70:
        told = f"{sentences.pop()} {told}"
    return told


class ChapterMap(SphinxDirective):
    """Show the map."""

    def run(self):
        """Return the map."""
        lines = []
        for caption, chapters in parts_of(self.env.srcdir):
            lines += ["", f"**{caption}**", ""]
            for chapter in chapters:
                self.env.note_dependency(f"{chapter.name}.ipynb")
                link = f"{{doc}}`{chapter.title} </{chapter.name}>`"
                lines.append(f"- {link}, {chapter.minutes} minutes. {question_of(chapter)}")
        box = nodes.container(classes=["chapter-map"])
        box += self.parse_text_to_nodes("\n".join(lines))
        return [box]


def description_of(doctree):
    """Return a page's description: the paragraph with its question, or else its first."""
    paragraphs = [" ".join(node.astext().split()) for node in doctree.findall(nodes.paragraph)]
    asked = [
        text.removeprefix("The question.").strip()
        for text in paragraphs
        if text.startswith("The question.")
    ]
    text = (asked or paragraphs or [""])[0]
    return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"


def describe(app, page, template, context, doctree):
    """Put the description, and where there is an address the card, into a page's head."""
    title, site = context.get("title") or "", app.config.html_baseurl
    title = re.sub(r"<[^>]+>", "", title) or app.config.project
    about = description_of(doctree) if doctree is not None else ""
    about = about or f"{title}: {app.config.project}"
    tags = [
        ("name", "description", about),
        ("property", "og:title", title),
        ("property", "og:description", about),
        ("property", "og:type", "article"),
    ]
    if site:
        root = site.rstrip("/")
        tags += [
            ("property", "og:url", f"{root}/{page}.html"),
            ("property", "og:image", f"{root}/_static/{CARD}"),
            ("name", "twitter:card", "summary_large_image"),
        ]
    written = [
        f'<meta {kind}="{name}" content="{escape(text, quote=True)}" />'
        for kind, name, text in tags
        if text
    ]
    context["metatags"] = context.get("metatags", "") + "\n".join(written) + "\n"


def draw_card(path, title):
    """Draw the card: the two networks with 170 weights, and the book's title."""
    import matplotlib
    from matplotlib.figure import Figure

    from convac_book.drawing import draw_network
    from convac_lib import Architecture, min_cut
    from convac_lib.partitions import interleaved

    matplotlib.style.use("convac_book.convac")
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="white", layout="none")
    figure.text(0.5, 0.9, title, ha="center", fontsize=30, weight="bold")
    figure.text(
        0.5,
        0.06,
        "Two networks with 170 weights: how much can each correlate?",
        ha="center",
        fontsize=20,
    )
    for left, (name, channels) in zip(
        (0.03, 0.52), {"wide base": (4, 2, 2), "wide tip": (2, 5, 6)}.items(), strict=True
    ):
        ax = figure.add_axes((left, 0.16, 0.45, 0.6))
        network = Architecture.line(local_dim=4, channels=channels)
        cut = min_cut(network, interleaved(8))
        draw_network(network, interleaved(8), cut, ax=ax)
        ax.set_title(f"{name}: cut {cut.weight}", fontsize=20)
    figure.savefig(path)


def write_card(app, error):
    """Draw the card beside the pages."""
    if error is None and app.builder.name == "html":
        path = Path(app.outdir, "_static", CARD)
        if not path.exists():
            draw_card(path, app.config.project)


def setup(app):
    """Register the directive, the description and the card."""
    app.add_directive("chapter-map", ChapterMap)
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_card)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
