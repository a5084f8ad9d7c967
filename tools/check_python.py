"""Say before anything is installed whether this Python will do, and what will be fetched.

Runs under whatever `python3` is, so it keeps to what any Python 3 understands.
"""

import os
import shutil
import sys

OLDEST, NEWEST = (3, 10), (3, 13)


def main(torch_build):
    found = sys.version_info[:2]
    if not OLDEST <= found <= NEWEST:
        sys.exit(
            "Python 3.10 to 3.13 is needed, and %s is Python %d.%d.\n"
            "Name another one: make book PYTHON=python3.12" % ((sys.executable,) + found)
        )
    if torch_build not in ("default", "cpu"):
        sys.exit("TORCH must be cpu, or be left out, got %r" % torch_build)
    if not shutil.which("git"):
        sys.exit("git was not found; install it first (Debian, Ubuntu: sudo apt install git)")
    if os.path.exists(".venv/installed"):
        return
    print("Setting up .venv with Python %d.%d; this is done once and takes some minutes." % found)
    if torch_build == "default" and sys.platform.startswith("linux"):
        print(
            "PyTorch's default build for Linux brings several gigabytes of CUDA libraries.\n"
            "The CPU build (200 MB) is all the book needs. To take it, stop here with\n"
            "Ctrl-C and run:\n"
            "    make book TORCH=cpu"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "default")
