"""Count the library's lines, without blanks and comments, and hold the two promises on them.

The exact core is meant to be read in an evening, and the library to stay small. Docstrings
count: they are read too.

    python tools/size.py
"""

import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE, WHOLE = 2000, 5500  # lines promised, at most
SKIPPED = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    tokenize.ENDMARKER,
}


def count_lines(text):
    """Return how many lines of a Python source are neither blank nor only a comment."""
    lines, counted = text.splitlines(), set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SKIPPED:
            counted.update(range(token.start[0], token.end[0] + 1))
    return sum(bool(lines[number - 1].strip()) for number in counted)


def count_folders(package):
    """Return the lines of each folder of a package, with its own files and no others."""
    totals = {}
    for path in sorted(Path(package).rglob("*.py")):
        totals[path.parent] = totals.get(path.parent, 0) + count_lines(path.read_text("utf-8"))
    return totals


def main():
    package = ROOT / "convac_lib"
    folders = count_folders(package)
    for folder, lines in folders.items():
        print(f"{lines:6,}  {folder.relative_to(ROOT)}/*.py")
    core, whole = folders[package], sum(folders.values())
    print(f"the core     {core:6,} lines, {CORE:,} promised at most")
    print(f"convac_lib   {whole:6,} lines, {WHOLE:,} promised at most")
    if core > CORE or whole > WHOLE:
        sys.exit("A promise is broken: what can be said shorter, moved to a page, or left out?")


if __name__ == "__main__":
    main()
