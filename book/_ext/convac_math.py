"""Formulas are typeset once, when the book is built: a page needs no script to show them.

KaTeX runs under Node.js, through sphinxcontrib.katex; the pages hold its HTML, with MathML for
screen readers, and load its style sheet and fonts from beside themselves. The macros are those
of `_config.yml` (`mathjax3_config`), from which live notebooks' copies are written out too.
"""

import re
import shutil
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes
from sphinx.util.math import get_node_equation_number
from sphinxcontrib import katex

LOWERED = dict(zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True))
RAISED = dict(zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True))
SHORT = 14  # signs; a longer formula must be free to break
AFTER = re.compile(r"[.,;:!?)\]’”]+")
PATIENCE = 60  # seconds for Node.js to start, and for one formula, on a busy machine
VENDOR = Path(__file__).resolve().parent.parent / "_assets" / "vendor"


def prepare(app, config):
    """Point the renderer at the fetched KaTeX and at Node.js, and hand it the macros."""
    config.katex_prerender = True
    config.katex_js_path = str(VENDOR / "katex" / "katex.min.js")
    config.katex_css_path = "vendor/katex/katex.min.css"
    here = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    katex.NODEJS_BINARY = here or "node"
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = PATIENCE
    katex.KaTeXServer.start_server_process = staticmethod(start_typesetting)
    macros = (config.mathjax3_config or {}).get("tex", {}).get("macros", {})
    katex.KATEX_DEFAULT_OPTIONS = {
        "throwOnError": True,
        "strict": "ignore",
        "macros": {f"\\{name}": as_text(macro) for name, macro in macros.items()},
    }


def start_typesetting(folder, seconds):
    """Start KaTeX's server and return its process and a socket to it.

    The library's own way connects as soon as the file of the socket is there. The server may
    listen only a moment later, and refuse.
    """
    path = folder / "katex.sock"
    process = subprocess.Popen(
        katex.KaTeXServer.build_command(socket=path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
    )
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
            return process, connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            time.sleep(0.001)
    process.kill()
    process.wait()
    raise katex.KaTeXError(f"KaTeX under Node.js ({katex.NODEJS_BINARY}) did not start")


def as_text(macro):
    """Return a macro of MathJax's form, a text or [text, arguments], as KaTeX's."""
    return macro if isinstance(macro, str) else macro[0]


@cache
def typeset(source, display):
    """Return a formula as HTML, or say which one is wrong."""
    if display and r"\\" in source and r"\begin" not in source:
        source = rf"\begin{{aligned}}{source}\end{{aligned}}"
    try:
        return katex.render_latex(source, {"displayMode": display})
    except katex.KaTeXError as error:
        raise ValueError(f"the formula {source!r}: {error}") from None


def as_words(source, display=False):
    """Return a formula as the signs that a reader sees, in one line."""
    written = re.sub(r"<annotation.*?</annotation>", "", typeset(source, display), flags=re.S)
    written = written[written.index("<math") : written.index("</math>")] + "</math>"
    return " ".join(in_a_line(ElementTree.fromstring(written)).split())


def in_a_line(node):
    """Return MathML's text: what stands raised or lowered is so where Unicode has it."""
    parts = [in_a_line(child) for child in node]
    match node.tag.split("}")[-1]:
        case "msub" | "munder":
            return parts[0] + placed(parts[1], "_", LOWERED)
        case "msup" | "mover":
            return parts[0] + placed(parts[1], "^", RAISED)
        case "msubsup" | "munderover":
            return parts[0] + placed(parts[1], "_", LOWERED) + placed(parts[2], "^", RAISED)
        case "mfrac":
            return f"{parts[0]}/{parts[1]}"
        case "msqrt":
            return f"√({''.join(parts)})"
        case "mtable":
            return "; ".join(parts)
        case "mtr":
            return " ".join(parts)
        case _:
            return (node.text or "") + "".join(parts)


def placed(text, mark, alphabet):
    """Return a text as raised or lowered digits, or after a mark."""
    if text == "′":
        return text
    if all(sign in alphabet for sign in text):
        return "".join(alphabet[sign] for sign in text)
    return f"{mark}{text}" if len(text) == 1 else f"{mark}({text})"


@cache
def length(source):
    r"""Return about how many signs a formula shows.

    Examples
    --------
    >>> length(r"r_0 = 4"), length(r"\mathcal{A}_{d_1 \dots d_N}")
    (4, 6)
    """
    shown = re.sub(
        r"\\(mathcal|mathbb|mathrm|text|operatorname|left|right|big|,|;|!| )", "", source
    )
    return len(re.sub(r"[{}^_\s]", "", re.sub(r"\\[A-Za-z]+", "x", shown)))


def keep_together(app, doctree, page):
    """Let no line begin with the comma or full stop that follows a short formula.

    A browser may break a line after a formula, whatever comes next.
    """
    for node in list(doctree.findall(nodes.math)):
        after = node.next_node(descend=False, siblings=True)
        found = AFTER.match(after) if isinstance(after, nodes.Text) else None
        if found is None or length(node.astext()) > SHORT:
            continue
        parent, rest = node.parent, after[found.end() :]
        together = nodes.inline("", "", node.deepcopy(), nodes.Text(found[0]), classes=["unbroken"])
        parent.replace(after, [nodes.Text(rest)] if rest else [])
        parent.replace(node, together)


def visit_math(self, node):
    """Write a formula in a line."""
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(typeset(node.astext(), display=False) + "</span>")
    raise nodes.SkipNode


def visit_displaymath(self, node):
    """Write a formula of its own: it scrolls in its box, and its number stands beside the box."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(f'<div class="formula">{typeset(node.astext(), display=True)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app):
    """Register the renderer in place of MathJax."""
    app.setup_extension("sphinxcontrib.katex")
    app.add_html_math_renderer(
        "convac", inline_renderers=(visit_math, None), block_renderers=(visit_displaymath, None)
    )
    app.config.html_math_renderer = "convac"
    app.connect("config-inited", prepare)
    app.connect("doctree-resolved", keep_together)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
