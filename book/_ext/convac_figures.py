"""Figures for two widths: the page takes the narrow drawing on a phone.

`convac_book.phone_figures` leaves it under the wide picture's digest, which is also the name that
the page gives to the picture. A figure of data whose black means black keeps its lightness in the
dark, on a light card.
"""

import json
import shutil
from pathlib import Path

from docutils import nodes

PHONE = "(max-width: 600px)"


def narrow_folder(app):
    """Return where the kernels left the narrow drawings."""
    return Path(app.outdir).parent / "narrow"


def two_widths(app, doctree, page):
    """Wrap each picture that has a narrow drawing, and mark those that keep their lightness."""
    if app.builder.format != "html":
        return
    for image in list(doctree.findall(nodes.image)):
        digest, folder = Path(image["uri"]).stem, narrow_folder(app)
        about = folder / f"{digest}.json"
        if not about.exists():
            continue
        if json.loads(about.read_text())["keeps_lightness"]:
            image["classes"].append("keep-lightness")
        drawn = folder / f"{digest}.png"
        if drawn.exists() and "wide" not in image["classes"]:
            images = Path(app.outdir, "_images")
            images.mkdir(exist_ok=True)
            shutil.copy(drawn, images / f"{digest[:20]}-narrow.png")
            place = "../" * page.count("/") + f"_images/{digest[:20]}-narrow.png"
            opening = f'<picture><source media="{PHONE}" srcset="{place}">'
            parent, at = image.parent, image.parent.index(image)
            parent.insert(at + 1, nodes.raw("", "</picture>", format="html"))
            parent.insert(at, nodes.raw("", opening, format="html"))


def setup(app):
    """Register what wraps the pictures."""
    app.connect("doctree-resolved", two_widths)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
