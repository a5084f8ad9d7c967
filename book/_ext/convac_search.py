"""What the search page searches: the text of every section, as a script beside the pages.

Sphinx's own search shows lines of context by fetching pages, which a page opened from a folder may
not do; so the texts are written where a script tag can load them (`search.js` reads them).
"""

import json
from pathlib import Path

from convac_math import as_words
from docutils import nodes

OPENING = "window.convacSections = "
SKIPPED = (nodes.literal_block, nodes.comment, nodes.raw, nodes.title, nodes.image)


def is_section(node):
    """Tell whether a node is a section of the page, and not a box that is built as one."""
    return isinstance(node, nodes.section) and any(
        isinstance(c, nodes.title) for c in node.children
    )


def sections_of(page, title, doctree):
    """Return the sections of a page with the text that is their own."""
    found = []
    for section in doctree.findall(is_section):
        heading = section.next_node(nodes.title).astext()
        text = " ".join(" ".join(own_text(section)).split())
        if text:
            anchor = "" if section.parent is doctree else section["ids"][0]
            found.append(
                {"page": page, "anchor": anchor, "title": title, "heading": heading, "text": text}
            )
    return found


def own_text(node):
    """Yield the texts below a node, without those of sections within it and of solutions."""
    for child in node.children:
        classes = child.get("classes", []) if isinstance(child, nodes.Element) else []
        if is_section(child) or isinstance(child, SKIPPED) or "solution" in classes:
            continue
        if isinstance(child, (nodes.math, nodes.math_block)):
            yield as_words(child.astext(), display=isinstance(child, nodes.math_block))
        elif isinstance(child, nodes.TextElement):
            yield words_of(child)
        elif isinstance(child, nodes.Element):
            yield from own_text(child)


def words_of(element):
    """Return the text of an element, its formulas as signs and not as their source."""
    parts = []
    for child in element.children:
        if isinstance(child, nodes.math):
            parts.append(as_words(child.astext()))
        elif isinstance(child, nodes.TextElement):
            parts.append(words_of(child))
        else:
            parts.append(child.astext())
    return "".join(parts)


def collect(app, doctree, page):
    """Keep the sections of a page while it is written."""
    if app.builder.name == "html":
        title = app.env.titles[page].astext()
        app.env.convac_sections = {
            **getattr(app.env, "convac_sections", {}),
            page: sections_of(page, title, doctree),
        }


def kept(path):
    """Return {page: sections} of an earlier build: pages that did not change are not read again."""
    if not path.exists():
        return {}
    text = path.read_text(encoding="utf-8").removeprefix(OPENING).rstrip().removesuffix(";")
    known = {}
    for one in json.loads(text):
        known.setdefault(one["page"], []).append(one)
    return known


def write(app, error):
    """Write the sections of all pages, in the order of the book."""
    if error is None and app.builder.name == "html":
        path = Path(app.outdir, "_static", "search-text.js")
        known = {**kept(path), **getattr(app.env, "convac_sections", {})}
        sections = [
            one for page in sorted(known) if page in app.env.found_docs for one in known[page]
        ]
        text = json.dumps(sections, ensure_ascii=False, separators=(",", ":"))
        path.write_text(f"{OPENING}{text};\n", encoding="utf-8")


def setup(app):
    """Register what collects and writes the sections."""
    app.connect("doctree-resolved", collect)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
