"""Import a script that is no part of a package: tools, the book's extensions, a test file."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_script(path, name=None):
    """Return the script at this path, counted from the project's root, as a new module."""
    path = ROOT / path
    name = name or path.stem
    if str(path.parent) not in sys.path:  # as when it is run: its neighbours can be imported
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickle and dataclasses look their module up
    spec.loader.exec_module(module)
    return module
