"""The slides: reveal.js through Sphinx, with the figures of the finished pages; `make slides`."""

import html
import os
import re
import sys
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from convac_course.markdown import read_macros

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ROOT / "_build" / "html"
FIGURE = r'<figure[^>]* id="{}".*?</figure>'

project = "Convolutional circuits as quantum states"
author = "The ConvAC book authors"
project_copyright = "2026"
sys.path.insert(0, str(ROOT / "book" / "_ext"))
extensions = ["myst_parser", "sphinx_revealjs", "convac_math"]  # formulas as in the pages
myst_enable_extensions = ["dollarmath", "amsmath"]
root_doc = "index"
exclude_patterns = ["_build"]
revealjs_static_path = [str(ROOT / "book" / "_assets" / "vendor"), "slides.css"]
mathjax3_config = {"tex": {"macros": read_macros(ROOT / "_config.yml")}}
revealjs_css_files = ["slides.css"]
revealjs_style_theme = "white"
revealjs_script_conf = {
    "width": 1280, "height": 720, "margin": 0.04, "hash": True, "slideNumber": "c/t",
    "transition": "none", "center": False,
}  # fmt: skip


class PageFigure(SphinxDirective):
    """Show a figure of a finished page: `{page-figure} part4/min-cut fig-sixteen`."""

    required_arguments = 2
    option_spec: ClassVar = {"height": directives.length_or_unitless}

    def run(self) -> list[nodes.Node]:
        """Return the picture with its own alternative text."""
        page, name = self.arguments
        path = PAGES / f"{page}.html"
        if not path.exists():
            raise self.error(f"{path.relative_to(ROOT)} is not built; run `make book` first")
        found = re.search(FIGURE.format(re.escape(name)), path.read_text(encoding="utf-8"), re.S)
        picture = found and re.search(r"<img[^>]*>", found[0])
        if not picture:
            raise self.error(f"{page} has no picture {name!r}")
        about = dict(re.findall(r'(src|alt)="([^"]*)"', picture[0]))
        here = Path(self.env.doc2path(self.env.docname)).parent
        source = (path.parent / about["src"]).resolve()
        alt = html.unescape(about.get("alt", ""))
        image = nodes.image(uri=os.path.relpath(source, here), alt=alt)
        image["height"] = self.options.get("height", "470px")
        return [nodes.paragraph("", "", image, classes=["picture"])]


def place_styles(app, config):
    """Say where KaTeX's style sheet lies among the slides: the pages have it in a folder more."""
    config.katex_css_path = "katex/katex.min.css"


def setup(app):
    """Register the directive, and the place of the formulas' style sheet."""
    app.add_directive("page-figure", PageFigure)
    app.connect("config-inited", place_styles, priority=900)
