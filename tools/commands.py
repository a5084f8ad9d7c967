"""What can be done here, by name: `python run.py NAME`, which is `make NAME`.

Each command is a function; its docstring is its line in the list. With the standard library
alone, so that the list and its errors come before anything is installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import environment
from environment import ROOT, executable

# The exact core, read from top to bottom, and what tests it.
CORE = sorted(path.stem for path in (ROOT / "convac_lib").glob("[a-z]*.py"))
LIBRARIES = ("convac_lib", "convac_workbench")
WORKERS = max(2, min(8, os.cpu_count() or 1))  # tests at once
PACKAGES = (*LIBRARIES, "convac_book", "convac_course")
NBVAL = ("--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval.cfg")
RECORDED = ("-p", "tests.recorded_kernel")  # nbval takes the build's run, and makes none itself
COMMANDS = {}


def command(function):
    """Enter a function into the list of commands, under its name."""
    COMMANDS[function.__name__.rstrip("_")] = function
    return function


def main(words):
    """Run the command that the words name; without any, or with --help, list them all."""
    if not words or {"-h", "--help"} & set(words):
        return help_()
    if len(words) > 1 or words[0] not in COMMANDS:
        sys.exit(f"There is no command `{' '.join(words)}`; `python run.py` lists them.")
    try:
        return COMMANDS[words[0]]()
    except KeyboardInterrupt:
        sys.exit("\nStopped.")


# --- how a command runs its programs --------------------------------------------------


def run(program, *words, quiet=True, **more):
    """Run a program of `.venv` in the project's folder; end as it does when it fails."""
    variables = {**(environment.quiet() if quiet else os.environ), **more}
    try:
        status = subprocess.run([executable(program), *map(str, words)], cwd=ROOT, env=variables)
    except KeyboardInterrupt:
        sys.exit(130)  # the program heard Ctrl-C too, and has said what there is to say
    if status.returncode:
        sys.exit(status.returncode)


def python(*words, **options):
    """Run the Python of `.venv`."""
    run("python", *words, **options)


def pytest(*words, **options):
    """Run tests."""
    python("-m", "pytest", "-q", *words, **options)


# --- the commands ---------------------------------------------------------------------


@command
def help_():
    """Show this list."""
    print(
        "Convolutional circuits as quantum states: python run.py COMMAND, or make COMMAND\n"
        "PYTHON=python3.12 names a Python for make, TORCH=cpu or TORCH=cuda a build of PyTorch.\n"
    )
    for name, function in COMMANDS.items():
        first = function.__doc__.splitlines()[0].rstrip(".")
        print(f"  {name:<12} {first[0].lower()}{first[1:]}")


@command
def install():
    """Set up .venv, and no more; every other command does it first."""
    environment.prepare(os.environ.get("TORCH", ""))


@command
def book():
    """Build the book into _build/html."""
    install()
    python("tools/frontend.py")
    python("tools/build_book.py")


@command
def test():
    """Run every test: nbval's of what the pages show, then all others."""
    book()
    pytest(*RECORDED, *NBVAL, "book")
    pytest("-n", WORKERS, "--dist", "worksteal", "--doctest-modules", *PACKAGES, "tests")


@command
def pages():
    """Run every page once more, and compare it with what is stored."""
    install()
    pytest("-n", 2, "--dist", "loadscope", *NBVAL, "--nbval-cell-timeout=300", "book")


@command
def library():
    """Run the library's tests: no book, no browser, no sandbox."""
    install()
    pytest("-n", 2, "--doctest-modules", *LIBRARIES, *tests_of(*LIBRARIES))


def tests_of(*packages):
    """Return the test files of packages' modules, by the rule of CONTRIBUTING.md."""
    names = []
    for path in (path for package in packages for path in (ROOT / package).rglob("*.py")):
        stem = path.stem.lstrip("_")
        names += [f"test_{stem}.py", f"test_{path.parent.name}_{stem}.py"]
    return sorted(f"tests/{name}" for name in set(names) if (ROOT / "tests" / name).exists())


@command
def quick():
    """Lint, format, types, doctests and the core's tests, in a minute."""
    install()
    python("-m", "ruff", "check", ".")
    python("-m", "ruff", "format", "--check", ".")
    python("-m", "mypy")
    tests = [f"tests/test_{module}.py" for module in (*CORE, "arrays")]
    pytest("-n", 2, "-m", "not slow", "--doctest-modules", "convac_lib", *tests)


@command
def size():
    """Count the library's lines, and hold what is promised of them."""
    install()
    python("tools/size.py")


@command
def coverage():
    """Print the lines of the library that no test reaches."""
    install()
    measured = ["--cov", "--cov-report=", *LIBRARIES, "tests"]
    pytest("-n", 2, "--doctest-modules", "-m", "not browser", *measured)
    python("-m", "coverage", "report")


@command
def pdf():
    """Print the book to _build/convac-book.pdf."""
    book()
    python("tools/make_pdf.py")


@command
def lab():
    """Open the chapters in JupyterLab."""
    install()
    python("-m", "jupyterlab", "book", quiet=False)


@command
def notebooks():
    """Run the chapters and store their outputs in place."""
    install()
    python("tools/notebooks.py")


@command
def archive():
    """Install the readers' archive in an empty environment, and run its first chapter."""
    install()
    shutil.rmtree(ROOT / "_build" / "archive", ignore_errors=True)
    python("tools/try_archive.py")


@command
def release():
    """Make a release in _build/release, and try it in empty environments."""
    pdf()
    python("tools/release.py")


@command
def bench():
    """Print the benchmarks' ratios against their peers."""
    install()
    if not environment.pip("-c", "constraints.txt", "-e", ".[bench]"):
        sys.exit("The peers could not be installed.")
    for script in sorted((ROOT / "benchmarks").glob("bench_*.py")):
        print(f"== {script.relative_to(ROOT).as_posix()}", flush=True)
        python(script, quiet=False)


@command
def assignments():
    """Make the students' notebooks in assignments/."""
    install()
    run("convac-course", "build", "all", "--to", "assignments")


@command
def slides():
    """Make the slides of the lectures in _build/slides."""
    book()
    python("-m", "sphinx", "-W", "-q", "-b", "revealjs", "book/slides", "_build/slides")
    print("Open _build/slides/index.html in a browser.")


@command
def graders():
    """Try every grader on right, blank and wrong answers, in full."""
    install()
    run("convac-course", "prove")
    names = [f"tests/test_course_{name}.py" for name in ("build", "whole", "teaching")]
    pytest("-k", "nbgrader or whole or followed", *names, CONVAC_FULL="1")
    pytest("-s", "tests/test_course_agreement.py", CONVAC_FULL="1")


@command
def statements():
    """Try every boxed claim inside its hypotheses and outside, with counts."""
    install()
    pytest("tests/statements")


@command
def fuzz():
    """Give every public function all the wrong arguments there are, and count."""
    install()
    pytest("-s", "tests/test_fuzz.py", CONVAC_FUZZ="1")


@command
def trials():
    """Flip bits of checkpoints and kill runs a hundred times, and count."""
    install()
    python("tools/trials.py")


@command
def hostile():
    """Send a hundred thousand hostile replies to the grader."""
    install()
    python("tests/fuzz_replies.py")


@command
def clean():
    """Remove what was built; keeps .venv and the fetched front-end parts."""
    built = ["_build", "assignments", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis"]
    for path in (*map(ROOT.joinpath, built), *ROOT.glob(".coverage*")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)
