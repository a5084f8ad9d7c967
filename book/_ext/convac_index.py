"""The index: for each of the field's terms the sections that are about it.

`book/index.yml` lists the terms, each with how the text writes it if that differs, and perhaps an
entry of two levels. A term is indexed where the text sets it in bold, where a heading or a box is
named for it, and in the sections that use it most.
"""

import re
from pathlib import Path

import yaml
from convac_search import is_section
from docutils import nodes
from sphinx import addnodes

MOST_SECTIONS = 6  # of those that only use a term
FEWEST_USES = 3  # in a section, to be indexed without being set in bold there


def read_terms(path):
    """Return {entry: pattern} of a file of terms.

    Examples
    --------
    >>> terms = as_patterns(["Bell pair", {"entropy; entanglement": "entanglement entrop(y|ies)"}])
    >>> [entry for entry, pattern in terms.items() if pattern.search("two Bell pairs")]
    ['Bell pair']
    """
    return as_patterns(yaml.safe_load(Path(path).read_text(encoding="utf-8")))


def as_patterns(terms):
    """Return each entry with a pattern that finds it in the text."""
    found = {}
    for term in terms:
        entry, words = (
            next(iter(term.items())) if isinstance(term, dict) else (term, re.escape(term))
        )
        found[entry] = re.compile(rf"\b(?:{words})s?\b", re.IGNORECASE)
    return found


def own_text(section):
    """Return the words of a section without its subsections, and those set in bold or as a name."""
    words, strong = [], [section.next_node(nodes.title).astext()]
    waiting = list(section.children)
    while waiting:
        node = waiting.pop(0)
        if is_section(node) or isinstance(node, (nodes.literal_block, nodes.raw, addnodes.index)):
            continue
        named = isinstance(node, nodes.title) and node.get("classes")
        if named or isinstance(node, nodes.strong):
            strong.append(node.astext())
        if isinstance(node, nodes.TextElement):
            words.append(node.astext())
            strong += [one.astext() for one in node.findall(nodes.strong)]
        else:
            waiting = list(node.children) + waiting
    return " ".join(words), " ; ".join(strong)


def collect(app, doctree):
    """Count the terms of a page by section."""
    env = app.env
    if not app.env.doc2path(env.docname).endswith(".ipynb"):
        return
    terms = read_terms(Path(app.srcdir, "index.yml"))
    env.note_dependency(str(Path(app.srcdir, "index.yml")))
    if not hasattr(env, "convac_terms"):
        env.convac_terms = {}
    env.convac_terms[env.docname] = found = []
    for section in doctree.findall(is_section):
        text, strong = own_text(section)
        for entry, pattern in terms.items():
            uses, named = len(pattern.findall(text)), bool(pattern.search(strong))
            if uses or named:
                found.append((entry, section["ids"][0], uses, named))


def chosen(env):
    """Return the entries of each page, as (entry, section): where named, and where most used."""
    by_entry, picked = {}, {}
    for page, found in getattr(env, "convac_terms", {}).items():
        for entry, section, uses, named in found:
            by_entry.setdefault(entry, []).append((named, uses, page, section))
    for entry, places in by_entry.items():
        places.sort(key=lambda place: (-place[0], -place[1], place[2]))
        named = [place for place in places if place[0]]
        used = [place for place in places if not place[0]]
        kept = named[: 2 * MOST_SECTIONS] + [p for p in used if p[1] >= FEWEST_USES][:MOST_SECTIONS]
        for _, _, page, section in kept or places[:2]:
            picked.setdefault(page, []).append((entry, section))
    return picked


def fill(app, env):
    """Hand the chosen entries to Sphinx's index."""
    domain = env.get_domain("index")
    for page, found in chosen(env).items():
        domain.entries.setdefault(page, [])
        own = [("single", entry, section, "", None) for entry, section in found]
        known = {(e[1], e[2]) for e in domain.entries[page]}
        domain.entries[page] += [one for one in own if (one[1], one[2]) not in known]


def forget(app, env, page):
    """Drop what is known of a page that is read again."""
    getattr(env, "convac_terms", {}).pop(page, None)


def setup(app):
    """Register what counts the terms and fills the index."""
    app.connect("doctree-read", collect)
    app.connect("env-updated", fill)
    app.connect("env-purge-doc", forget)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
