"""Questions that readers ask themselves: stored as data, answered by the page alone.

`book/questions/CHAPTER.yml` lists a chapter's questions. Each names the section it closes; the
page shows it there, every choice folded over what it teaches. No script and no kernel are
needed, and the notebook itself holds no trace of them.
"""

import json
import re
from pathlib import Path
from string import ascii_lowercase

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*$")
FENCE = re.compile(r"^[ \t]*(`{3,}|:{3,}|~{3,})")
FIELDS, CHOICE_FIELDS = {"after", "question", "choices"}, {"text", "right", "why"}


class choice(nodes.General, nodes.Element):
    """One choice, folded over its feedback."""


class choice_text(nodes.TextElement):
    """What the reader sees of a folded choice."""


def read_questions(path):
    """Return the questions of a chapter by name.

    Raises
    ------
    ValueError
        If a question lacks a part, has not one right choice, or a choice has no feedback.
    """
    path = Path(path)
    questions = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(questions, dict):
        raise ValueError(f"{path.name}: a question's name and its fields are asked for")
    for name, question in questions.items():
        if set(question) != FIELDS:
            raise ValueError(f"{path.name}, {name}: the fields are {', '.join(sorted(FIELDS))}")
        for option in question["choices"]:
            whole = {"text", "why"} <= set(option) <= CHOICE_FIELDS
            if not whole or not str(option["why"]).strip():
                raise ValueError(f"{path.name}, {name}: a choice has text, why and perhaps right")
        if len(question["choices"]) < 3:
            raise ValueError(f"{path.name}, {name}: at least three choices are asked for")
        if sum(bool(option.get("right")) for option in question["choices"]) != 1:
            raise ValueError(f"{path.name}, {name}: one choice is right")
    return questions


def place_questions(cells, questions):
    """Return a notebook's cells with each question as a cell at the end of its section.

    Raises
    ------
    ValueError
        If a question names a section that the page does not have.
    """
    for name, question in questions.items():
        cells = _placed(cells, name, question["after"])
    return cells


def _placed(cells, name, section):
    """Return the cells with one question put at the end of a section."""
    level, out, waiting = None, [], False
    new = {"cell_type": "markdown", "metadata": {}, "source": f"```{{self-check}} {name}\n```"}
    for cell in cells:
        if cell["cell_type"] != "markdown":
            out.append(cell)
            continue
        lines, start, fence = "".join(cell["source"]).split("\n"), 0, None
        for number, line in enumerate(lines):
            if mark := FENCE.match(line):
                fence = mark[1] if fence is None else None if line.strip() == fence else fence
            found = HEADING.match(line) if fence is None else None
            if found and waiting:
                out += [*_markdown(lines[start:number]), new]
                start, waiting = number, False
            if found and level is None and found[2] == section:
                level, waiting = len(found[1]), True
        out += _markdown(lines[start:], cell) if start else [cell]
    if level is None:
        raise ValueError(f"the question {name} comes after a section the page lacks: {section!r}")
    return [*out, new] if waiting else out


def _markdown(lines, cell=None):
    """Return some lines as a cell, or no cell if they are empty."""
    source = "\n".join(lines).strip("\n")
    cell = {**(cell or {"cell_type": "markdown", "metadata": {}}), "source": source}
    return [cell] if source else []


def questions_file(page):
    """Return where the questions of a page lie: in `questions/`, whatever part the page is in."""
    page = Path(page)
    homes = [home / "questions" for home in page.parents if (home / "questions").is_dir()]
    return homes[0] / f"{page.stem}.yml" if homes else None


def insert_questions(app, docname, source):
    """Put a page's questions in place before it is read."""
    page = Path(app.env.doc2path(docname))
    path = questions_file(page)
    if page.suffix != ".ipynb" or path is None or not path.exists():
        return
    app.env.note_dependency(str(path))
    notebook = json.loads(source[0])
    notebook["cells"] = place_questions(notebook["cells"], read_questions(path))
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number:03d}"
    source[0] = json.dumps(notebook)


class SelfCheck(SphinxDirective):
    """Show one question of the page with its choices."""

    required_arguments = 1

    def run(self):
        """Return what stands in the page."""
        path = questions_file(self.env.doc2path(self.env.docname))
        question = read_questions(path)[self.arguments[0]]
        box = nodes.admonition(classes=["self-check", "tip"])
        box += nodes.title("", "Check yourself")
        box += self.parse_text_to_nodes(str(question["question"]))
        for letter, option in zip(ascii_lowercase, question["choices"], strict=False):
            # The letter also gives a name to a choice that is a formula and nothing else.
            text = choice_text("", f"{letter}) ")
            text += self.parse_inline(str(option["text"]))[0]
            verdict = "Right." if option.get("right") else "Not quite."
            right = bool(option.get("right"))
            reason = self.parse_text_to_nodes(f"**{verdict}** {option['why']}")
            box += choice("", text, *reason, right=right)
        return [box]


def visit_choice(self, node):
    """Open a folded choice."""
    kind = "choice right" if node.get("right") else "choice"
    self.body.append(f'<details class="{kind}">')


def depart_choice(self, node):
    """Close a folded choice."""
    self.body.append("</details>\n")


def visit_choice_text(self, node):
    """Open what is seen of a choice."""
    self.body.append("<summary>")


def depart_choice_text(self, node):
    """Close what is seen of a choice."""
    self.body.append("</summary>\n")


def pass_by(self, node):
    """Show the children and nothing more, in formats that cannot fold."""


def setup(app):
    """Register the directive and what places it."""
    unfolded = {builder: (pass_by, pass_by) for builder in ("latex", "text", "texinfo", "man")}
    app.add_node(choice, html=(visit_choice, depart_choice), **unfolded)
    app.add_node(choice_text, html=(visit_choice_text, depart_choice_text), **unfolded)
    app.add_directive("self-check", SelfCheck)
    app.connect("source-read", insert_questions)
    app.add_css_file("questions.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
