"""Make a release in _build/release, and try it in environments that have nothing else.

    python run.py release

A wheel, an sdist of the whole project, the readers' archive, the PDF and their checksums. The
wheel is installed without extras and asked for a cut and a rank, then with those for training and
asked to train; the core's tests run from the unpacked sdist. Version, changelog, citation and the
book's first page must agree; on a tag, the tag too, and the changelog must have its date.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
from pathlib import Path

from environment import CPU_INDEX

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "_build" / "release"
MADE = ("_build/html/take/convac-book.zip", "_build/convac-book.pdf")
ALONE = """\
import importlib.util
from convac_lib import Architecture, certify_rank, min_cut
network = Architecture.line(local_dim=4, channels=(4, 2, 2))
assert min_cut(network, "ABABABAB").as_product() == "M⁴ = 256"
assert certify_rank(network, "ABABABAB").certified
assert importlib.util.find_spec("torch") is None
"""
TRAINED = """\
from convac_lib import ConvAC
from convac_lib.learning import tasks
from convac_workbench.profiles import uniform_profile
from convac_lib.learning.training import train
network = uniform_profile(64, 4, 2, 10, budget=2_000)
model = ConvAC(network, head="normalized", seed=0)
assert train(model, tasks.make("digits"), epochs=8).test > 0.5
"""


def main():
    said = versions()
    if len(set(said.values())) > 1:
        sys.exit(f"The versions differ: {said}")
    version = said["pyproject.toml"]
    check_tag(version, os.environ.get("GITHUB_REF", ""))
    shutil.rmtree(TARGET, ignore_errors=True)
    step("building the wheel and the sdist")
    python(sys.executable, "-m", "build", "--outdir", TARGET, ROOT, stdout=subprocess.DEVNULL)
    (wheel,), (sdist,) = TARGET.glob("*.whl"), TARGET.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as folder:
        try_wheel(wheel, Path(folder))
        try_sdist(sdist, Path(folder))
    for name in MADE:
        shutil.copy(ROOT / name, TARGET)
    write_checksums()
    print(f"Version {version} is in {TARGET.relative_to(ROOT)}.")


def versions():
    """Return what each place says the version is."""
    project = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    places = {
        "convac_lib/__init__.py": r'^__version__ = "(.+)"$',
        "CITATION.cff": r"^version: (\S+)$",
        "CHANGELOG.md": r"^## (\d\S*) \(",  # the first is the newest
        "book/intro.md": r"\bversion (\d+\.\d+\.\d+)",
    }
    found = {name: re.search(pattern, text(name), re.M) for name, pattern in places.items()}
    return {"pyproject.toml": project, **{name: hit and hit[1] for name, hit in found.items()}}


def check_tag(version, reference):
    """Stop unless a tag, if it is one that is built, names this version and its date is known."""
    if not reference.startswith("refs/tags/"):
        return
    if reference != f"refs/tags/v{version}":
        sys.exit(f"The tag is {reference}, and the version is {version}")
    if not re.search(
        rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$", text("CHANGELOG.md"), re.M
    ):
        sys.exit(f"The changelog has no date for {version}")


def try_wheel(wheel, folder):
    """Install the wheel alone, then with what training needs, and use it."""
    step("the wheel without extras")
    alone = environment_of(folder / "alone", str(wheel))
    python(alone, "-c", ALONE, cwd=folder)
    convac = Path(alone).with_name("convac.exe" if os.name == "nt" else "convac")
    python(convac, "cut", "--channels", "4,2,2", "--partition", "ABABABAB", cwd=folder)
    step("the wheel with its extras")
    extras = f"{wheel}[train,fast]"
    python(environment_of(folder / "extras", extras, torch=True), "-c", TRAINED, cwd=folder)


def try_sdist(sdist, folder):
    """Install the unpacked sdist with what tests need, and run the core's tests from it."""
    step("the core's tests from the sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    home = folder / sdist.name.removesuffix(".tar.gz")
    core = sorted(path.stem for path in (home / "convac_lib").glob("[a-z]*.py"))
    tests = [f"tests/test_{name}.py" for name in core]
    interpreter = environment_of(folder / "sdist", f"{home}[test]")
    python(interpreter, "-m", "pytest", "-q", "-m", "not slow", *tests, cwd=home)


def environment_of(folder, requirement, torch=False):
    """Return the Python of a new environment with a requirement installed."""
    venv.create(folder, with_pip=True)
    interpreter = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if torch:
        # Where this index is not reached, the package index's build comes with the rest.
        pin = re.search(r"^torch==\S+", text("constraints.txt"), re.M)[0]
        cpu = ["--no-deps", "--retries", "1", "--index-url", CPU_INDEX, pin]
        subprocess.run([*install, *cpu], capture_output=True)
    python(*install, "-c", ROOT / "constraints.txt", requirement)
    return interpreter


def write_checksums():
    """Write the SHA-256 of every file of the release beside them."""
    files = sorted(path for path in TARGET.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (TARGET / "SHA256SUMS").write_text("".join(lines))


def python(*words, **options):
    """Run a program, away from the sources and from what the user has set; stop if it fails."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([str(word) for word in words], env=variables, **options)
    if done.returncode:
        sys.exit(f"This failed: {' '.join(str(word) for word in words)[:500]}")


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def step(what):
    print(f"== {what}", flush=True)


if __name__ == "__main__":
    main()
