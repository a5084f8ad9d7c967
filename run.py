"""Run one of the project's commands with Python alone: `python run.py book`, for example.

    python run.py              the list of commands
    python run.py book         build the book
    python run.py test         run every test

The same on Linux, macOS and Windows; `make book` calls `run.py book`. This file keeps to what
any Python 3 understands, so that an old one gets a sentence and no traceback.
"""

import os
import sys

OLDEST, NEWEST = (3, 11), (3, 14)


def refusal(version):
    """Return why a Python of this version will not do, or None if it does."""
    if OLDEST <= tuple(version)[:2] <= NEWEST:
        return None
    return (
        "Python 3.%d to 3.%d is needed, and %s is Python %d.%d.\n"
        "Name another one: python3.12 run.py book, or make book PYTHON=python3.12"
    ) % (OLDEST[1], NEWEST[1], sys.executable, version[0], version[1])


if __name__ == "__main__":
    why_not = refusal(sys.version_info)
    if why_not:
        sys.exit(why_not)
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "tools"))
    import commands

    commands.main(sys.argv[1:])
