"""Follow the archive's own README in an empty environment, and run its first chapter there.

    python tools/try_archive.py [FOLDER]

The archive is made from the sources as they are; FOLDER, a new one under _build if left out, is
where it is unpacked and its environment made. Exercises that are not solved yet may raise what
they are left with, and nothing else may.
"""

import os
import shlex
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "book" / "_ext")]
# Runs in the new environment: what a chapter says, and where its library came from.
RUN = """\
import sys
import convac_lib, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300, allow_errors=True, kernel_name="python3").execute()
errors = [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]
unsolved = ("NotImplementedError", "NameError")
told = [f"{e.ename}: {e.evalue}" for e in errors if e.ename not in unsolved]
print(len(notebook.cells), "cells,", len(errors), "of exercises, library at", convac_lib.__file__)
sys.exit("\\n".join(told) or None)
"""


def main(folder):
    from convac_take import ARCHIVE, write_all

    folder = Path(folder)
    if folder.exists():
        sys.exit(f"{folder} is there already; name a new folder")
    write_all(ROOT / "book", folder / "take")
    with zipfile.ZipFile(folder / "take" / f"{ARCHIVE}.zip") as archive:
        archive.extractall(folder)
    home = folder / ARCHIVE
    lines = (home / "README.txt").read_text(encoding="utf-8").splitlines()
    install, opening = command_of(lines[1]), command_of(lines[2])
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    print("following:", *install, flush=True)
    subprocess.run([python, "-m", *install, "--quiet"], cwd=home, check=True)
    subprocess.run([python, "-m", "jupyterlab", "--version"], cwd=home, check=True)
    variables = {**os.environ, "TQDM_DISABLE": "1", "PYTHONPATH": ""}
    chapter = home / opening[-1]
    words = [python, "-c", RUN, chapter.name]
    subprocess.run(words, cwd=chapter.parent, env=variables, check=True)


def command_of(line):
    """Return the command in a line of the README: '2. Then: jupyter lab x' gives its words."""
    return shlex.split(line.partition(": ")[2])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ROOT / "_build" / "archive")
