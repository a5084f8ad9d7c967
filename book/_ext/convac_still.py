"""A still picture and its sentence where a page's script does not run."""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

WIDGET = "application/vnd.jupyter.widget-view+json"


class StillPicture(SphinxPostTransform):
    """Put the SVG of a widget's bundle behind the widget, inside <noscript>."""

    default_priority = 3  # before myst_nb keeps one kind of each bundle and drops the others

    def run(self, **kwargs):
        """Give every widget that has a drawing its drawing as a stand-in."""
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            kinds = {child.get("mime_type"): child for child in bundle.children}
            if WIDGET in kinds and "image/svg+xml" in kinds:
                pictures = [n.deepcopy() for n in kinds["image/svg+xml"].findall(nodes.image)]
                for picture in pictures:
                    picture["alt"] = kinds["text/plain"].astext()
                tags = [nodes.raw("", tag, format="html") for tag in ("<noscript>", "</noscript>")]
                kinds[WIDGET] += [tags[0], *pictures, tags[1]]


def setup(app):
    """Register the transformation with Sphinx."""
    app.add_post_transform(StillPicture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
