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
    >>> "export default { render, accepts };" in module_source("_tree", "cut")
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


def classic_module(kind: str, *names: str) -> str:
    """Return the same module as a plain script, which a page opened from a folder may load.

    It leaves `{render, accepts}` in ``window.convacExplorers`` under the name `kind`.

    Examples
    --------
    >>> classic_module("cut", "_tree", "cut").splitlines()[0]
    '(window.convacExplorers ??= {})["cut"] = (() => {'
    """
    source = re.sub(r"^export \{[^}]*\};\n", "", module_source(*names), flags=re.MULTILINE)
    source = re.sub(r"^export default (.*);$", r"return \1;", source, flags=re.MULTILINE)
    return f'(window.convacExplorers ??= {{}})["{kind}"] = (() => {{\n{source}}})();\n'


class Explorer(anywidget.AnyWidget):
    """What the explorers share: a sentence and a picture where no script runs.

    A subclass gives `_parts`, the names of its scripts, `_describe()`, one sentence, and
    `_picture()`, an SVG text. They are made from the explorer's present state by the library
    itself, not by the page. A built page holds the synced traits that are not private, and
    the scripts as one file for all pages (`book/_ext/convac_explorers.py`).
    """

    _parts: tuple[str, ...] = ()

    @classmethod
    def page_name(cls) -> str:
        """Return the explorer's short name, as the page and its addresses use it."""
        return cls.__name__.removesuffix("Explorer").lower()

    def page_state(self) -> dict[str, Any]:
        """Return the public synced traits: all that a page needs to draw the explorer."""
        return {name: value for name, value in self.get_state().items()
                if name in self.own_traits()}  # fmt: skip

    @classmethod
    def own_traits(cls) -> list[str]:
        """Return the names of the traits that are the explorer's and not every widget's."""
        inherited = set(anywidget.AnyWidget.class_trait_names())
        return [name for name in cls.class_trait_names(sync=True) if name not in inherited]

    def __repr__(self) -> str:
        return self._describe()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["image/svg+xml"] = self._picture()
        return bundle
