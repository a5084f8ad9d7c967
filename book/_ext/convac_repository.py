"""Where the sources are: one setting, `CONVAC_REPOSITORY`, and all that points there.

The environment variable names the repository's public address; without it the remote `origin` is
asked, and taken if it is on a host that everyone reaches. If there is neither, no button points
anywhere. `CONVAC_SITE` names the address of the published pages, if they have one.
"""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PUBLIC = re.compile(
    r"^(?:https://|ssh://git@|git@)(github\.com|gitlab\.com)[/:]([\w.-]+)/([\w.-]+?)(?:\.git)?/?$"
)
BRANCH = "main"
NOTEBOOKS = "notebooks"  # the branch on which publishing leaves the notebooks to take along


def public_address(remote):
    """Return a remote's address as a browser opens it, or None if it is not a public host's.

    Examples
    --------
    >>> public_address("git@github.com:someone/convac.git")
    'https://github.com/someone/convac'
    >>> public_address("/srv/git/convac.git")
    """
    found = PUBLIC.match(remote.strip())
    return "https://{}/{}/{}".format(*found.groups()) if found else None


def repository():
    """Return the address of the sources, or None.

    Raises
    ------
    ValueError
        If `CONVAC_REPOSITORY` is set to something that is no such address.
    """
    named = os.environ.get("CONVAC_REPOSITORY")
    if named:
        address = public_address(named)
        if address is None:
            raise ValueError(
                "CONVAC_REPOSITORY must be the address of a repository on github.com or "
                f"gitlab.com, got {named!r}"
            )
        return address
    try:
        asked = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True
        )
    except FileNotFoundError:
        return None
    return public_address(asked.stdout) if asked.returncode == 0 else None


def binder(address, page):
    """Return where Binder opens a page of the repository."""
    host, owner, name = PUBLIC.match(address).groups()
    kind = "gh" if host == "github.com" else "gl"
    project = f"{owner}/{name}" if kind == "gh" else f"{owner}%2F{name}"
    return f"https://mybinder.org/v2/{kind}/{project}/{BRANCH}?urlpath=lab/tree/book/{page}.ipynb"


def colab(address, page):
    """Return where Colab opens a page's notebook to take along, or None."""
    host, owner, name = PUBLIC.match(address).groups()
    if host != "github.com":
        return None
    place = f"{owner}/{name}/blob/{NOTEBOOKS}/{page}.ipynb"
    return f"https://colab.research.google.com/github/{place}"


def tell_theme(app, config):
    """Switch on the theme's buttons for the repository, if there is one."""
    config.convac_repository = config.convac_repository or repository() or ""
    if config.convac_repository:
        config.html_theme_options |= {
            "repository_url": config.convac_repository,
            "repository_branch": BRANCH,
            "path_to_docs": "book",
            "use_repository_button": True,
            "use_issues_button": True,
            "use_edit_page_button": True,
        }
    config.html_baseurl = os.environ.get("CONVAC_SITE", config.html_baseurl or "")


def setup(app):
    """Register the setting."""
    app.add_config_value("convac_repository", "", "html")
    app.connect("config-inited", tell_theme, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
