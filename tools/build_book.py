"""Build the book: run the pages that need it, turn warnings into errors, say what to open.

Jupyter's cache of executed pages knows their cells and not the library under them,
and Sphinx keeps a second copy. Digests of what the pages import and read decide when
they must go. What Sphinx says goes to a file, and is shown when something fails.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from run_pages import run_stale

ROOT = Path(__file__).resolve().parent.parent
BOOK, BUILD = ROOT / "book", ROOT / "_build"
LOG = BUILD / "book.log"
MARK = "@@"  # a line for the reader, from book/_ext/convac_progress.py
TAIL = 25
SECONDS_FOR_THE_REST = 5
HIDDEN = {".ipynb_checkpoints", "_build"}
# What the cells of the pages import and read, and what else decides how a page comes out.
CELLS_NEED = ("convac_lib", "convac_workbench", "convac_book", "book/data", "constraints.txt")
PAGES_NEED = (*CELLS_NEED, "book/_assets", "book/_ext", "book/questions", "_config.yml")
# Each kernel says this on start; it means only that the kernel listens on this machine.
NOISE = ("[IPKernelApp] WARNING", "TCP without encryption", "Debugger warning")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main():
    drop_stale_caches()
    os.environ.update(IPYTHONDIR=str(prepare_kernels()), CONVAC_PROGRESS="1")
    pages = [page for page in sorted(BOOK.rglob("*.ipynb")) if not HIDDEN & set(page.parts)]
    try:
        failed = run_stale(pages, BUILD / ".jupyter_cache", say, BOOK)
        if failed:
            told = "\n\n".join(f"{name}:\n{said}" for name, said in failed.items())
            sys.exit(f"{COLOUR.sub('', told)}\nThe book was not built: a cell raised.")
        status = run_sphinx()
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run the same command again to go on; finished pages are kept.")
    page = BUILD / "html" / "intro.html"
    if status or not page.exists():
        # Sphinx would not read, nor complain of, an unchanged page a second time.
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        print(what_failed(LOG.read_text(encoding="utf-8")), file=sys.stderr)
        sys.exit(f"\nThe book was not built. All that was said is in {LOG.relative_to(ROOT)}.")
    print(f"\nThe book is ready. Open {page.relative_to(ROOT)} in a browser:\n  {page.as_uri()}")


def run_sphinx():
    """Build the pages: a line for each here, everything else to the log."""
    program = Path(sys.executable).with_name(
        "jupyter-book.exe" if os.name == "nt" else "jupyter-book"
    )
    command = [str(program), "build", "book", "-W", "-n", "--keep-going"]
    return run_and_log(command)


def run_and_log(command):
    """Run a command, write what it says to the log but for lines for the reader; its status."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    def read():
        with LOG.open("w", buffering=1, encoding="utf-8") as log:
            for line in process.stdout:
                if line.startswith(MARK):
                    say(line.removeprefix(MARK).rstrip("\n"))
                else:
                    log.write(COLOUR.sub("", line))

    # The pipe has no end while a process that the command left behind holds it open.
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise
    reader.join(timeout=SECONDS_FOR_THE_REST)
    return status


def say(line):
    """Print a line at once."""
    print(line, flush=True)


def what_failed(log):
    """Return the warnings and errors that Sphinx told of, and its last lines."""
    lines = log.splitlines()
    told = [line for line in lines if re.search(r"\b(WARNING|ERROR|CRITICAL)\b", line)]
    told = [line for line in told if not any(noise in line for noise in NOISE)]
    return "\n".join(["", *told, "", "The last lines:", *lines[-TAIL:]])


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
