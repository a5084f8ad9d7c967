"""How an explorer becomes one self-contained module, and what it shows without JavaScript."""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import anywidget

_HERE = Path(__file__).parent

# A page stores the module once for every explorer on it, so it is stored compressed.
_UNPACK = """\
const packed = Uint8Array.from(atob("{data}"), (letter) => letter.charCodeAt(0));
const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
const source = await new Response(stream).blob();
const address = URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }}));
const module = await import(address);
URL.revokeObjectURL(address);
export default module.default;
"""


def module_source(*names: str) -> str:
    """Return the ES module of `_shared.js` and the named files with their styles, readable.

    Examples
    --------
    >>> "export default { render };" in module_source("_tree", "cut")
    True
    """
    # Apart, because the common rules must come first however many explorers a page has.
    sheets = ("explorers", *(name for name in names if name != "_tree"))
    styles = {sheet: _bare_style(_read(f"{sheet}.css")) for sheet in sheets}
    scripts = [_read(f"{name}.js") for name in ("_shared", *names)]
    return "\n".join([f"const STYLES = {json.dumps(styles)};", *scripts])


def _bare_style(style: str) -> str:
    return re.sub(r"/\*.*?\*/|\s+", " ", style, flags=re.DOTALL)


def _read(name: str) -> Any:
    return (_HERE / name).read_text("utf-8")


def packed_module(*names: str) -> str:
    """Return a module that unpacks and runs `module_source(*names)`: about a third of its size."""
    # Comment lines and indentation are for us; no string in the sources spans two lines.
    bare = re.sub(r"^\s*(//.*)?\n?", "", module_source(*names), flags=re.MULTILINE)
    data = gzip.compress(bare.encode("utf-8"), compresslevel=9, mtime=0)
    return _UNPACK.format(data=base64.b64encode(data).decode("ascii"))


class Explorer(anywidget.AnyWidget):
    """What the explorers share: a sentence and a picture where no script runs.

    A subclass gives `_describe()`, one sentence, and `_picture()`, an SVG text. They
    are made from the explorer's present state by the library itself, not by the page.
    """

    def __repr__(self) -> str:
        return self._describe()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["image/svg+xml"] = self._picture()
        return bundle
