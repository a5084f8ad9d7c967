"""What the page shows of a notebook that is also the source of an assignment.

The lines that tell nbgrader where a solution or a hidden test begins mean nothing
to a reader, so they are taken out before the page is read.
"""

import json
import re

MARKER = re.compile(r"^\s*### (BEGIN|END) (SOLUTION|HIDDEN TESTS)\s*$")


def drop_markers(app, docname, source):
    """Remove the marker lines from the code cells of a notebook."""
    if not str(app.env.doc2path(docname)).endswith(".ipynb"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).split("\n")
            cell["source"] = "\n".join(line for line in lines if not MARKER.match(line))
    source[0] = json.dumps(notebook)


def setup(app):
    """Register the transformation with Sphinx."""
    app.connect("source-read", drop_markers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
