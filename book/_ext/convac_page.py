"""What the page shows of a notebook that is also the source of an assignment.

- The lines that tell nbgrader where a solution or a hidden test begins mean nothing to a reader,
  so they are taken out of the code that the page shows.
- Plumbing is folded: imports, and the lines at a cell's end that only draw. What computes stays
  open, and one switch in the page opens or closes all code (`page.js`).
- What a check said to the page's own solution is folded too: it may hold the answer.
"""

import ast
import re

from docutils import nodes

MARKER = re.compile(r"^\s*### (BEGIN|END) (SOLUTION|HIDDEN TESTS)\n?", re.MULTILINE)
CANVAS = {"fig", "ax", "axes", "plt"}
FEWEST_LINES = 3  # fewer are not worth a fold
SETTINGS = ("plt.style.use(", "torch.set_")
IMPORTS = "Imports"
DRAWING = "Drawing"
EMPTY_HEADING = re.compile(r"<th[^>]*>(?:<p>)?\s*(?:</p>)?</th>")
VERDICT = "What the check says to this page's solution"


def is_plumbing(statements):
    r"""Tell whether a cell only imports and sets the style.

    Examples
    --------
    >>> is_plumbing(ast.parse("import numpy as np\nplt.style.use('convac_book.convac')").body)
    True
    >>> is_plumbing(ast.parse("import numpy as np\nx = np.zeros(3)").body)
    False
    """
    return bool(statements) and all(
        isinstance(one, (ast.Import, ast.ImportFrom))
        or (isinstance(one, ast.Expr) and ast.unparse(one).startswith(SETTINGS))
        for one in statements
    )


def is_check(statements):
    """Tell whether a cell only hands an answer to the page's check."""
    return len(statements) == 1 and ast.unparse(statements[0]).startswith("check.")


def fold_cell(cell, code):
    """Fold a cell's imports, or what a check said, as myst_nb folds what is tagged so."""
    try:
        statements = ast.parse(code).body
    except SyntaxError:
        return
    if cell.get("hide_mode") == "input":  # so tagged by the page
        cell["prompt_show"] = cell["prompt_hide"] = DRAWING
        return
    if cell.get("hide_mode"):
        return
    if is_plumbing(statements):
        cell["hide_mode"], words = "input", IMPORTS
    elif is_check(statements):
        cell["hide_mode"], words = "output", VERDICT
    else:
        return
    cell["prompt_show"] = cell["prompt_hide"] = words


def draws(statement, canvas):
    """Tell whether a statement works on a figure: it names one, or calls a `draw_...`.

    A function that takes the axes it draws on is plumbing as well.
    """
    for node in ast.walk(statement):
        name = getattr(node, "id", None) or getattr(node, "arg", None)
        if isinstance(node, (ast.Name, ast.arg)) and (name in canvas or name.startswith("draw_")):
            return True
    return False


def canvas_of(statements):
    """Return the names by which a cell knows its figures and axes."""
    names = set(CANVAS)
    for statement in statements:
        if opens_canvas(statement):
            names |= {
                node.id for node in ast.walk(statement.targets[0]) if isinstance(node, ast.Name)
            }
    return names


def opens_canvas(statement):
    """Tell whether a statement makes the figure for which the rest of the cell works."""
    return isinstance(statement, ast.Assign) and "plt.subplots" in ast.unparse(statement.value)


def split_code(code):
    r"""Return a cell's code as what computes, and the lines after it that only draw.

    Examples
    --------
    >>> split_code("y = f(x)\n\nfig, ax = plt.subplots()\nax.plot(x, y)\nplt.show()")
    ('y = f(x)', 'fig, ax = plt.subplots()\nax.plot(x, y)\nplt.show()')
    >>> split_code("ax = draw_network(tree)\nprint(cut)")
    ('ax = draw_network(tree)\nprint(cut)', '')
    """
    try:
        statements = ast.parse(code).body
    except SyntaxError:  # a line for the shell
        return code, ""
    start, canvas = len(statements), canvas_of(statements)
    while start and draws(statements[start - 1], canvas):
        start -= 1
    if start == len(statements):
        return code, ""
    for n, one in enumerate(statements[:start]):
        if opens_canvas(one) and all(
            isinstance(other, (ast.Assign, ast.AugAssign)) or draws(other, canvas)
            for other in statements[n:start]
        ):
            start = n
            break
    lines = code.split("\n")
    first = statements[start]
    top = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", ()))]) - 1
    while top and lines[top - 1].lstrip().startswith("#"):  # a comment belongs to what follows
        top -= 1
    head, tail = "\n".join(lines[:top]).rstrip("\n"), "\n".join(lines[top:]).rstrip("\n")
    return (head, tail) if len(tail.split("\n")) >= FEWEST_LINES else (code, "")


def fold_drawing(block):
    """Fold the lines of a block of code that only draw."""
    head, tail = split_code(block.astext())
    if not tail:
        return
    folded = nodes.literal_block(tail, tail, **block.attributes)
    opening = '<details class="hide plumbing"><summary>Drawing</summary>'
    parts = [
        nodes.raw("", opening, format="html"),
        folded,
        nodes.raw("", "</details>", format="html"),
    ]
    if head:
        block.rawsource = head
        block.children = []
        block += nodes.Text(head)
        parts.insert(0, block.deepcopy())
    block.parent.replace(block, parts)


def tidy(app, doctree):
    """Remove the marker lines from every block of code of a page, and fold what draws."""
    for block in doctree.findall(nodes.literal_block):
        code = block.astext()
        if MARKER.search(code):
            # Sphinx colours only a block whose text is its source.
            block.rawsource = MARKER.sub("", code).rstrip("\n")
            block.children = []
            block += nodes.Text(block.rawsource)
    for block in list(doctree.findall(nodes.literal_block)):
        if "cell_input" in block.parent.get("classes", []):
            cell = block.parent.parent
            fold_cell(cell, block.astext())
            if cell.get("hide_mode") not in ("input", "all"):
                fold_drawing(block)


def name_folds(app, page, template, context, doctree):
    """Let a fold be called by its words, and an id name one place; a corner is no heading.

    myst_nb gives all folds one label; the boxes of a kind have one id for all their contents; a
    table's empty corner comes as a heading without a name.
    """
    if "body" in context:
        body = context["body"].replace(' aria-label="Toggle hidden content"', "")
        body = EMPTY_HEADING.sub("<td></td>", body)
        seen = set()

        def first(found):
            repeated = found[0] in seen
            seen.add(found[0])
            return "" if repeated else found[0]

        context["body"] = re.sub(r' id="[^"]*"', first, body)


def setup(app):
    """Register the transformations with Sphinx."""
    app.connect("html-page-context", name_folds)
    app.connect("doctree-read", tidy, priority=480)  # before names in code are linked
    app.add_js_file("page.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
