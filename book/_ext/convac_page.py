"""What the page shows of a notebook that is also the source of an assignment.

The lines that tell nbgrader where a solution or a hidden test begins mean nothing
to a reader, so they are taken out of the code that the page shows.
"""

import re

from docutils import nodes

MARKER = re.compile(r"^\s*### (BEGIN|END) (SOLUTION|HIDDEN TESTS)\n?", re.MULTILINE)


def drop_markers(app, doctree):
    """Remove the marker lines from every block of code of a page."""
    for block in doctree.findall(nodes.literal_block):
        code = block.astext()
        if MARKER.search(code):
            # Sphinx colours only a block whose text is its source.
            block.rawsource = MARKER.sub("", code).rstrip("\n")
            block.children = []
            block += nodes.Text(block.rawsource)


def setup(app):
    """Register the transformation with Sphinx."""
    app.connect("doctree-read", drop_markers, priority=480)  # before names in code are linked
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
