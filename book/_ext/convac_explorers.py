"""Explorers in a page: their state, a still picture, and one script a kind for the whole book.

A notebook's explorer is a widget. A page needs no widget manager for it: what the cell left
behind, the state of its traits, is put into the page as it is, and `explorers.js` starts it when
it comes near the window. Pages of prose have the directive

    ```{explorer} CutExplorer
    local_dim: 4
    channels: [4, 2, 2]
    ```
"""

import json
from html import escape
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from convac_book import explorers
from convac_book.explorers._base import classic_module

WIDGET = "application/vnd.jupyter.widget-view+json"


class explorer(nodes.General, nodes.Element):
    """An explorer: `kind`, `state`, its `sentence` and its `still` picture, an SVG text."""


def kinds():
    """Return the explorers' classes by their short names."""
    return {one.page_name(): one for one in map(vars(explorers).get, explorers.__all__)}


def node_of(widget):
    """Return an explorer as a node."""
    return explorer(
        "",
        kind=widget.page_name(),
        state=json.dumps(widget.page_state(), separators=(",", ":")),
        sentence=repr(widget),
        still=widget._picture(),
    )


class ExplorerDirective(SphinxDirective):
    """Show an explorer in a page of prose; the content is its arguments, in YAML."""

    required_arguments = 1
    has_content = True

    def run(self):
        """Return the explorer, or say which there are."""
        if self.arguments[0] not in explorers.__all__:
            raise self.error(f"explorer must be one of {', '.join(explorers.__all__)}")
        arguments = yaml.safe_load("\n".join(self.content)) or {}
        return [node_of(getattr(explorers, self.arguments[0])(**arguments))]


def take_states(app, doctree):
    """Keep the widgets' states of a page, and drop the scripts of the widget manager."""
    page = app.env.nb_metadata.get(app.env.docname, {}).get("js_files", {})
    kept = page.pop("ipywidgets_state", None)
    for name in [name for name in page if name.startswith("ipywidgets_")]:
        del page[name]
    states = json.loads(kept[1]["body"])["state"] if kept else {}
    doctree["convac_states"] = {name: one["state"] for name, one in states.items()}


class WidgetsToExplorers(SphinxPostTransform):
    """Put an explorer's node in the place of its widget."""

    default_priority = 3  # before myst_nb keeps one kind of each bundle and drops the others

    def run(self, **kwargs):
        """Replace every bundle that holds a widget."""
        states = self.document.get("convac_states", {})
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            found = {child.get("mime_type"): child for child in bundle.children}
            if WIDGET not in found:
                continue
            view = json.loads(found[WIDGET].astext().split(">", 1)[1].rsplit("<", 1)[0])
            state = states[view["model_id"]]
            bundle.replace_self(self.explorer_of(state, found))

    def explorer_of(self, state, found):
        """Return the node of a widget's state, with the stand-ins that its cell stored."""
        name = state.get("_anywidget_id", "").rsplit(".", 1)[-1]
        if name not in explorers.__all__:
            raise ValueError(
                f"{self.env.docname}: a page can show explorers and no other widgets, got "
                f"{name or state.get('_model_name')}"
            )
        kind = getattr(explorers, name)
        own = {trait: state[trait] for trait in kind.own_traits() if trait in state}
        still = next(found["image/svg+xml"].findall(nodes.image))
        picture = Path(self.app.srcdir, still["uri"].lstrip("/"))
        if not picture.exists():
            picture = Path(still["uri"])
        return explorer(
            "",
            kind=kind.page_name(),
            state=json.dumps(own, separators=(",", ":")),
            sentence=found["text/plain"].astext(),
            still=picture.read_text("utf-8"),
        )


def as_html(kind, number, state, sentence, still):
    """Return the place where a page's script puts an explorer, with what stands there before."""
    name = f"explorer-{kind}" + (f"-{number}" if number > 1 else "")
    state = state.replace("</", r"<\/")
    words = escape(sentence.split(": ", 1)[-1])
    return (
        f'<div class="explorer" id="{name}" data-kind="{kind}">\n'
        f'<script type="application/json">{state}</script>\n'
        f'<figure class="still">{still}<figcaption>{words}</figcaption></figure></div>\n'
    )


def visit_explorer(self, node):
    """Write an explorer; the page's explorers of one kind are numbered from its top."""
    used = self.builder.convac_used.setdefault(self.docnames[0], {})
    used[node["kind"]] = used.get(node["kind"], 0) + 1
    parts = (node[part] for part in ("state", "sentence", "still"))
    self.body.append(as_html(node["kind"], used[node["kind"]], *parts))
    raise nodes.SkipNode


def visit_plain(self, node):
    """Write the sentence, in formats without pictures of their own."""
    self.body.append(self.encode(node["sentence"]))
    raise nodes.SkipNode


def start_count(app):
    """Begin to number the explorers of each page from its top."""
    app.builder.convac_used = {}


def load_where_needed(app, page, template, context, doctree):
    """Load the script on pages with an explorer and on no others."""
    if doctree is not None and any(doctree.findall(explorer)):
        app.add_js_file("explorers.js", loading_method="defer")


def write_modules(app, error):
    """Write each explorer's script beside the pages."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir, "_static", "explorers")
        folder.mkdir(parents=True, exist_ok=True)
        for kind, one in kinds().items():
            (folder / f"{kind}.js").write_text(classic_module(kind, *one._parts), "utf-8")


def setup(app):
    """Register the node, the directive and what brings the scripts."""
    unfolded = {builder: (visit_plain, None) for builder in ("latex", "text", "texinfo", "man")}
    app.add_node(explorer, html=(visit_explorer, None), **unfolded)
    app.add_directive("explorer", ExplorerDirective)
    app.add_post_transform(WidgetsToExplorers)
    app.connect("doctree-read", take_states)
    app.connect("builder-inited", start_count)
    app.connect("html-page-context", load_where_needed)
    app.connect("build-finished", write_modules)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
