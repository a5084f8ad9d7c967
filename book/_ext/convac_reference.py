"""The reference's pages: names of types that the library gives lead to where they are explained.

`Sides` or `Weights` in a signature is an alias. Sphinx looks for a class of that name, finds
none, and at its own entry writes out what NumPy makes of it, half a page long. Where a module's
annotations are no strings, it writes out NumPy's own aliases too.
"""

from docutils import nodes
from numpy.typing import ArrayLike, DTypeLike
from sphinx import addnodes
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import stringify_annotation


def link_to_alias(app, env, node, content):
    """Return a link to the documented alias that a signature names."""
    domain, name = env.get_domain("py"), node.get("reftarget", "").split(".")[-1]
    if node.get("refdomain") != "py" or node.get("reftype") != "class":
        return None
    for full, entry in domain.objects.items():
        if entry.objtype == "data" and full.split(".")[-1] == name:
            home = node["refdoc"]
            return make_refnode(app.builder, home, entry.docname, entry.node_id, content, full)
    return None


def fold_aliases(text):
    """Return a signature in which NumPy's aliases have their names again."""
    for name, alias in {"ArrayLike": ArrayLike, "DTypeLike": DTypeLike}.items():
        for mode in ("smart", "fully-qualified", "fully-qualified-except-typing"):
            text = text.replace(stringify_annotation(alias, mode), name)
    return text


def name_aliases(app, what, name, obj, options, signature, returned):
    """Give the aliases of a documented function their names."""
    return signature and fold_aliases(signature), returned and fold_aliases(returned)


def drop_expansions(app, doctree):
    """Remove what an alias stands for once NumPy has expanded it."""
    for entry in doctree.findall(addnodes.desc):
        if entry.get("objtype") == "data":
            for paragraph in list(entry.findall(nodes.paragraph)):
                if paragraph.astext().startswith("alias of"):
                    paragraph.parent.remove(paragraph)


def setup(app):
    """Register all three with Sphinx."""
    app.connect("autodoc-process-signature", name_aliases)
    app.connect("missing-reference", link_to_alias)
    app.connect("doctree-read", drop_expansions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
