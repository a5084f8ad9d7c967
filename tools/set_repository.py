"""Write where the sources are into CITATION.cff and pyproject.toml, or take it out.

    python tools/set_repository.py [ADDRESS]

Without an address the setting is asked that the book's buttons follow: `CONVAC_REPOSITORY`, or
git's remote `origin` if it is on a public host. If there is none, the files name none.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(address):
    citation, project = ROOT / "CITATION.cff", ROOT / "pyproject.toml"
    text = re.sub(r'^repository-code: ".*"\n', "", citation.read_text("utf-8"), flags=re.M)
    if address:
        text = re.sub(r"^(version: )", f'repository-code: "{address}"\n\\1', text, flags=re.M)
    citation.write_text(text, "utf-8")
    text = re.sub(r"\[project\.urls\]\n(?:\w+ = .*\n)+\n", "", project.read_text("utf-8"))
    if address:
        urls = f'[project.urls]\nRepository = "{address}"\nIssues = "{address}/issues"\n\n'
        text = text.replace("[project.scripts]", f"{urls}[project.scripts]", 1)
    project.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from convac_repository import public_address, repository

    main((public_address(sys.argv[1]) if len(sys.argv) > 1 else repository()) or "")
