"""Build the book: run the pages that need it, turn warnings into errors, say what to open.

Jupyter's cache of executed pages knows their cells and not the library under them,
and Sphinx keeps a second copy. Digests of what the pages import and read decide when
they must go.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
# What the cells of the pages import and read, and what else decides how a page comes out.
CELLS_NEED = ("convac_lib", "convac_book", "book/data", "constraints.txt")
PAGES_NEED = (*CELLS_NEED, "book/_assets", "book/_ext", "book/questions", "_config.yml")
# Each kernel says this on start; it means only that the kernel listens on this machine.
NOISE = ("[IPKernelApp] WARNING", "TCP without encryption", "Debugger warning")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main():
    drop_stale_caches()
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", "book"]
    command += ["-W", "-n", "--keep-going"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "IPYTHONDIR": str(prepare_kernels())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    colours = sys.stdout.isatty()
    try:
        for line in process.stdout:
            if not any(noise in line for noise in NOISE):
                print(line if colours else COLOUR.sub("", line), end="", flush=True)
        failed = process.wait()
    except KeyboardInterrupt:
        process.wait()
        sys.exit("\nStopped. Run the same command again to go on; finished pages are kept.")
    page = BUILD / "html" / "intro.html"
    if failed or not page.exists():
        # Sphinx would not read, nor complain of, an unchanged page a second time.
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        sys.exit("\nThe book was not built: the first error above says where.")
    print(f"\nThe book is ready. Open {page.relative_to(ROOT)} in a browser:\n  {page.as_uri()}")


def prepare_kernels():
    """Return an IPython folder in which every kernel also draws the figures for a phone.

    It is also one without what the user has in his own: start-up files may print, or import.
    """
    home = BUILD / "ipython"
    startup = home / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    narrow = str(BUILD / "narrow")
    (startup / "phone_figures.py").write_text(
        f"from convac_book import phone_figures\n\nphone_figures.install({narrow!r})\n"
        "del phone_figures\n"
    )
    return home


def drop_stale_caches():
    """Remove each cache unless it was made from its sources as they are now."""
    BUILD.mkdir(exist_ok=True)
    for cache, sources in [(".jupyter_cache", CELLS_NEED), (".doctrees", PAGES_NEED)]:
        present, stamp = digest(sources), BUILD / f"{cache[1:]}.sha256"
        if not stamp.exists() or stamp.read_text() != present:
            shutil.rmtree(BUILD / cache, ignore_errors=True)
            stamp.write_text(present)


def digest(sources):
    """Return a digest of the names and contents of some files and folders."""
    total = hashlib.sha256(sys.version.encode())
    for source in sources:
        root = ROOT / source
        files = sorted(root.rglob("*")) if root.is_dir() else [root]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(file.relative_to(ROOT).as_posix().encode())
                total.update(file.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    main()
