"""One setting says where the sources are; unset, nothing points nowhere."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from load_script import load_script

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
extension = load_script("book/_ext/convac_repository.py")
GITHUB, GITLAB = "https://github.com/someone/convac", "https://gitlab.com/someone/convac"


@pytest.mark.parametrize(
    "remote, address",
    [
        ("git@github.com:someone/convac.git\n", GITHUB),
        ("https://github.com/someone/convac", GITHUB),
        ("https://github.com/someone/convac.git/", GITHUB),
        ("ssh://git@gitlab.com/someone/convac.git", GITLAB),
        ("/srv/git/convac", None),
        ("file:///srv/convac", None),
        ("http://127.0.0.1:3000/someone/convac", None),
        ("https://token:secret@github.com/someone/convac", None),
        ("https://git.example.org/someone/convac", None),
        ("", None),
    ],
)
def test_only_a_public_host_is_an_address(remote, address):
    assert extension.public_address(remote) == address


def test_the_variable_comes_first_and_nonsense_is_refused(monkeypatch):
    monkeypatch.setenv("CONVAC_REPOSITORY", "git@github.com:someone/convac.git")
    assert extension.repository() == GITHUB
    monkeypatch.setenv("CONVAC_REPOSITORY", "somewhere")
    with pytest.raises(ValueError, match=r"CONVAC_REPOSITORY must be .* got 'somewhere'"):
        extension.repository()


@pytest.mark.parametrize("remote, address", [(GITHUB, GITHUB), ("/srv/convac", None), (None, None)])
def test_without_the_variable_git_is_asked(monkeypatch, tmp_path, remote, address):
    monkeypatch.delenv("CONVAC_REPOSITORY", raising=False)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if remote:
        subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", remote], check=True)
    monkeypatch.setattr(extension, "ROOT", tmp_path)
    assert extension.repository() == address


def build(folder, repository, monkeypatch, site=None):
    """Build a page with the extensions, and return its HTML."""
    from sphinx.application import Sphinx

    monkeypatch.setenv("CONVAC_REPOSITORY", repository) if repository else None
    monkeypatch.setattr(extension, "ROOT", folder)  # no git there
    if site:
        monkeypatch.setenv("CONVAC_SITE", site)
    book, out = folder / "book", folder / "html"
    book.mkdir()
    cells = [
        {
            "cell_type": "markdown",
            "id": "a",
            "metadata": {},
            "source": "# Title\n\n**The question.** What is it?",
        }
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (book / "index.ipynb").write_text(json.dumps(notebook))
    settings = {
        "extensions": ["myst_nb", "sphinx_book_theme", "convac_repository", "convac_front"],
        "html_theme": "sphinx_book_theme",
        "html_theme_options": {"use_download_button": False},
        "nb_execution_mode": "off",
        "project": "A book",
        "convac_repository": repository,
    }
    Sphinx(book, None, out, out / ".doctrees", "html", settings, status=None, warning=None).build()
    return (out / "index.html").read_text("utf-8")


def test_set_it_gives_repository_issue_and_edit_buttons(tmp_path, monkeypatch):
    page = build(tmp_path, GITHUB, monkeypatch, site="https://someone.github.io/convac/")
    assert f'href="{GITHUB}"' in page
    assert f"{GITHUB}/issues/new" in page
    assert f"{GITHUB}/edit/main/book/index.ipynb" in page
    assert 'rel="canonical" href="https://someone.github.io/convac/index.html"' in page
    assert 'property="og:image" content="https://someone.github.io/convac/_static/card.png"' in page
    assert '<meta name="description" content="What is it?" />' in page


def test_unset_no_button_points_anywhere(tmp_path, monkeypatch):
    monkeypatch.delenv("CONVAC_REPOSITORY", raising=False)
    monkeypatch.delenv("CONVAC_SITE", raising=False)
    page = build(tmp_path, "", monkeypatch)
    for word in (
        "github.com",
        "gitlab.com",
        "mybinder",
        "colab",
        'rel="canonical"',
        "og:image",
        "/edit/",
    ):
        assert word not in page


def test_where_binder_and_colab_open_a_page():
    assert extension.binder(GITHUB, "part1/states") == (
        "https://mybinder.org/v2/gh/someone/convac/main?urlpath=lab/tree/book/part1/states.ipynb"
    )
    assert extension.binder(GITLAB, "opening").startswith(
        "https://mybinder.org/v2/gl/someone%2Fconvac/main?"
    )
    assert extension.colab(GITHUB, "opening") == (
        "https://colab.research.google.com/github/someone/convac/blob/notebooks/opening.ipynb"
    )
    assert extension.colab(GITLAB, "opening") is None


def test_take_buttons_follow_the_setting():
    take = load_script("book/_ext/convac_take.py")
    told = [button["url"] for button in take.buttons("", "part1/states", "../")]
    assert told == ["../take/part1/states.ipynb", "../take/convac-book.zip"]
    told = [button["url"] for button in take.buttons(GITHUB, "opening", "")]
    assert len(told) == 4 and all(url.startswith(("take/", "https://")) for url in told)


def test_citation_and_package_name_the_repository_when_it_is_known(tmp_path, monkeypatch):
    tool = load_script("tools/set_repository.py")
    for name in ("CITATION.cff", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    tool.main(GITHUB)
    assert f'repository-code: "{GITHUB}"' in (tmp_path / "CITATION.cff").read_text()
    assert f'Issues = "{GITHUB}/issues"' in (tmp_path / "pyproject.toml").read_text()
    tool.main(GITLAB)
    assert GITHUB not in (tmp_path / "pyproject.toml").read_text()
    tool.main("")
    for name in ("CITATION.cff", "pyproject.toml"):
        assert (tmp_path / name).read_text("utf-8") == (ROOT / name).read_text("utf-8")
