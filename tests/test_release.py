"""A release: what says its version agrees, and its sdist is the whole project."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from load_script import load_script

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
release = load_script("tools/release.py")


def test_version_changelog_citation_and_first_page_agree():
    assert len(set(release.versions().values())) == 1, release.versions()


def test_a_place_that_says_another_version_is_seen(monkeypatch):
    said = release.text
    monkeypatch.setattr(
        release,
        "text",
        lambda name: said(name).replace("version: 0", "version: 9"),
    )
    assert len(set(release.versions().values())) == 2
    with pytest.raises(SystemExit, match="The versions differ"):
        release.main()


@pytest.mark.parametrize(
    "reference, changelog, stops",
    [
        ("", "", None),
        ("refs/heads/main", "", None),
        ("refs/tags/v1.2.0", "# Changelog\n\n## 1.2.0 (2026-12-01)\n", None),
        ("refs/tags/v1.2.0", "# Changelog\n\n## 1.2.0 (unreleased)\n", "no date for 1.2.0"),
        ("refs/tags/v1.2.1", "# Changelog\n\n## 1.2.0 (2026-12-01)\n", "the version is 1.2.0"),
    ],
)
def test_a_tag_names_the_version_and_the_changelog_its_date(
    monkeypatch, reference, changelog, stops
):
    monkeypatch.setattr(release, "text", lambda name: changelog)
    if stops is None:
        release.check_tag("1.2.0", reference)
        return
    with pytest.raises(SystemExit, match=stops):
        release.check_tag("1.2.0", reference)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel and an sdist of the sources as git knows them."""
    folder = tmp_path_factory.mktemp("release")
    names = tracked()
    for name in names:
        there = folder / "sources" / name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes((ROOT / name).read_bytes())
    words = ["-m", "build", "--no-isolation", "--outdir", folder / "dist", folder / "sources"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "dist"


def tracked():
    """Return the files of the project that are there, as git names them."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("these sources are no clone")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.slow
def test_the_sdist_holds_every_file_of_the_project(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert set(tracked()) <= inside


@pytest.mark.slow
def test_the_wheel_holds_the_packages_with_their_scripts_and_styles_and_nothing_else(built):
    (wheel,) = built.glob("*.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    packages = ("convac_lib/", "convac_workbench/", "convac_book/", "convac_course/")
    assert inside == {name for name in tracked() if name.startswith(packages)}
