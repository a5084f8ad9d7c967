"""The icons of the pages and no others: the theme's script with all of Font Awesome is 1.5 MB.

Once the pages are written, the icons that they name are taken out of the theme's own script, and
a small one that draws them is put in its place. And what the theme's other scripts tell the
console on every page, they tell no more.
"""

import json
import re
from pathlib import Path

NAMED = re.compile(r'<i class="([^"]*\bfa-[^"]*)"')
NOT_NAMES = re.compile(r"^fa-(solid|regular|brands|lg|sm|xs|fw|spin|[0-9]x)$")
DRAW = """\
// The icons that these pages use, out of Font Awesome Free (fontawesome.com, CC BY 4.0).
(() => {
  const icons = %s;
  const draw = () => document.querySelectorAll("i[class*='fa-']").forEach((mark) => {
    const name = [...mark.classList].find((one) => one in icons);
    if (!name) return;
    const [width, height, path] = icons[name];
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const { name, value } of mark.attributes) drawn.setAttribute(name, value);
    drawn.classList.add("svg-inline--fa");
    drawn.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawn.setAttribute("aria-hidden", "true");
    drawn.innerHTML = `<path fill="currentColor" d="${path}"></path>`;
    mark.replaceWith(drawn);
  });
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", draw);
  else draw();
})();
"""


def icons_of(pages, script):
    """Return {"fa-name": [width, height, path]} for the icons that some pages name."""
    names = set()
    for page in pages:
        for classes in NAMED.findall(page):
            names |= {name for name in classes.split() if name.startswith("fa-")}
    found = {}
    for name in sorted(name for name in names if not NOT_NAMES.match(name)):
        bare = re.escape(name.removeprefix("fa-"))
        drawn = re.findall(rf'[{{,]"?{bare}"?:\[(\d+),(\d+),\[[^\]]*\],"\w+","([^"]+)"', script)
        if not drawn:  # an older name of an icon
            drawn = re.findall(rf'\[(\d+),(\d+),\[[^\]]*"{bare}"[^\]]*\],"\w+","([^"]+)"', script)
        if drawn:
            width, height, path = drawn[-1]  # the solid set comes last
            found[name] = [int(width), int(height), path]
    return found


def slim(app, error):
    """Put the small script in the place of the theme's."""
    if error is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    target = out / "_static" / "scripts" / "fontawesome.js"
    import pydata_sphinx_theme

    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
    script = (theme / "static" / "scripts" / "fontawesome.js").read_text("utf-8")
    pages = [page.read_text("utf-8") for page in out.rglob("*.html")]
    target.write_text(DRAW % json.dumps(icons_of(pages, script), separators=(",", ":")), "utf-8")
    for talker in ("scripts/pydata-sphinx-theme.js", "togglebutton.js", "copybutton.js"):
        path = out / "_static" / talker
        if path.exists():
            quiet = path.read_text("utf-8").replace("console.log(", "void (")
            path.write_text(re.sub(r"\n?//# sourceMappingURL=.*", "", quiet), "utf-8")
    for source_map in out.joinpath("_static").rglob("*.map"):
        source_map.unlink()


def setup(app):
    """Register what replaces the script."""
    app.connect("build-finished", slim)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
