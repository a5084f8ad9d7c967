"""The reference's pages: names of types that the library gives lead to where they are explained.

`Sides` or `Weights` in a signature is an alias. Sphinx looks for a class of that name, finds
none, and at its own entry writes out what NumPy makes of it, half a page long.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.util.nodes import make_refnode


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


def drop_expansions(app, doctree):
    """Remove what an alias stands for once NumPy has expanded it."""
    for entry in doctree.findall(addnodes.desc):
        if entry.get("objtype") == "data":
            for paragraph in list(entry.findall(nodes.paragraph)):
                if paragraph.astext().startswith("alias of"):
                    paragraph.parent.remove(paragraph)


def setup(app):
    """Register both with Sphinx."""
    app.connect("missing-reference", link_to_alias)
    app.connect("doctree-read", drop_expansions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
