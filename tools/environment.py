"""The environment that every command runs in: `.venv`, made once, and again when it is stale.

With the standard library alone: it runs before anything is installed. The right build of
PyTorch goes in first. On Linux the package index has the one with CUDA, several gigabytes; it is
taken only where an NVIDIA card works, or where TORCH=cuda asks for it.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
MARKER = HOME / "installed"
SETTINGS = ROOT / "_build" / "settings"
EXTRAS = "book,test,course,cluster"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
FIND_TORCH = "from importlib.metadata import version; print(version('torch'))"
# What a user's own settings come from. The pages and the tests read none of them.
USERS_OWN = ("MATPLOTLIBRC", "PYTHONSTARTUP", "IPYTHONDIR", "JUPYTER_CONFIG_PATH", "JUPYTER_PATH")


def executable(name="python", windows=os.name == "nt"):
    """Return the path of a program of `.venv`."""
    return HOME / ("Scripts" if windows else "bin") / (f"{name}.exe" if windows else name)


def quiet():
    """Return the variables under which pages and tests run.

    No progress bars in stored outputs and logs; a live notebook shows them. One thread a process:
    the pages' tensors are small, and two processes run side by side in the tests. UTF-8 on
    Windows too. Of IPython, Jupyter and Matplotlib the settings are the project's, not the user's.
    """
    settings = {
        "TQDM_DISABLE": "1",
        "OMP_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONUTF8": "1",
        "IPYTHONDIR": str(SETTINGS / "ipython"),
        "JUPYTER_CONFIG_DIR": str(SETTINGS / "jupyter"),
        "JUPYTER_DATA_DIR": str(SETTINGS / "jupyter-data"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "MPLCONFIGDIR": str(SETTINGS / "matplotlib"),
    }
    return {**{k: v for k, v in os.environ.items() if k not in USERS_OWN}, **settings}


# --- .venv ----------------------------------------------------------------------------


def prepare(asked):
    """Make `.venv` and install the project into it, unless that was done from these sources.

    Parameters
    ----------
    asked : str
        The build of PyTorch: "cpu", "cuda", or "" for the right one on this machine.
    """
    asked = "" if asked == "default" else asked
    if asked not in ("", "cpu", "cuda"):
        sys.exit(f"TORCH must be cpu or cuda, or be left out, got {asked!r}")
    if not shutil.which("git"):
        sys.exit("git was not found; install it first (Debian, Ubuntu: sudo apt install git)")
    before = read_marker()
    if before.get("made_from") == made_from() and asked in ("", before["asked"]):
        return
    asked = asked or before.get("asked", "")
    version = "{}.{}".format(*sys.version_info)
    print(f"Setting up .venv with Python {version}; this is done once and takes some minutes.")
    sys.stdout.flush()
    make_venv()
    constraints = install_torch(asked, before.get("torch"))
    if not pip("-c", str(constraints), "-e", f".[{EXTRAS}]"):
        sys.exit(
            "The packages could not be installed. If there is no network, connect once and run "
            "the same command again."
        )
    ours = found_torch() if constraints.parent == ROOT else None
    MARKER.write_text(json.dumps({"made_from": made_from(), "torch": ours, "asked": asked}))


def made_from():
    """Return a digest of all that decides what lies in `.venv`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    decides = [project["build-system"], project["project"], EXTRAS]
    decides.append((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def read_marker():
    """Return what `.venv` was made from, as far as it is known."""
    try:
        found = json.loads(MARKER.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and "asked" in found else {}


def make_venv():
    """Make `.venv`; one that is there and runs is kept, whoever made it."""
    if works("-c", "import sys"):
        # uv's environments have no pip of their own.
        works("-m", "pip", "--version") or works("-m", "ensurepip")
        return
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(HOME)])
    if done.returncode:
        sys.exit(
            "This Python cannot make a virtual environment. On Debian or Ubuntu: "
            "sudo apt install python3-venv"
        )


def works(*words):
    """Tell whether the Python of `.venv` is there and runs these words without an error."""
    try:
        return not subprocess.run([executable(), *words], capture_output=True).returncode
    except OSError:
        return False


def pip(*words, silent=False):
    """Install something into `.venv`, and tell whether that went well."""
    command = [executable(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return not subprocess.run([*command, *words], cwd=ROOT, capture_output=silent).returncode


# --- PyTorch --------------------------------------------------------------------------


def install_torch(asked, ours):
    """Install the right build of PyTorch, or keep one that is there and is not ours.

    Parameters
    ----------
    asked : str
        The build that the user asked for, or "".
    ours : str or None
        The version that an earlier run of this program put there.

    Returns
    -------
    Path
        The versions to keep to from here on.
    """
    constraints = ROOT / "constraints.txt"
    pin = re.search(r"^torch==\S+", constraints.read_text(encoding="utf-8"), re.M)[0]
    found = found_torch()
    right = found is not None and f"torch=={found.partition('+')[0]}" == pin
    if found and found != ours and not right:
        print(f"Keeping PyTorch {found}, which is there already.", flush=True)
        return without_torch(constraints)
    system = platform.system()
    build = wanted_build(asked, system, not right and has_card())
    switch = right and asked and system == "Linux" and build != build_of(found)
    if right and not switch:
        return constraints
    # Alone: what PyTorch needs comes with everything else, from the package index.
    words = [*(["--force-reinstall"] if switch else []), "--no-deps", pin]
    if system == "Linux" and build == "cpu":
        if pip("--index-url", CPU_INDEX, "--retries", "1", "--timeout", "30", *words, silent=True):
            return constraints
        print(
            "PyTorch's own index, which has the CPU build, could not be reached; the package "
            "index's build is taken instead, on Linux several gigabytes.",
            flush=True,
        )
    if not pip(*words):
        sys.exit("PyTorch could not be installed. If there is no network, connect once.")
    return constraints


def build_of(version):
    """Return which of Linux's builds a version of PyTorch is: 2.13.0+cpu is "cpu"."""
    return "cpu" if version.endswith("+cpu") else "cuda"


def wanted_build(asked, system, card):
    """Return the build of PyTorch for a machine: "cpu" or "cuda".

    Parameters
    ----------
    asked : str
        What the user said: "cpu", "cuda" or nothing.
    system : str
        "Linux", "Darwin" or "Windows". Only for Linux has the package index a build with CUDA.
    card : bool
        Whether an NVIDIA card works here.
    """
    if system != "Linux":
        if asked == "cuda" or (card and asked != "cpu"):
            print(
                "The package index has no build of PyTorch with CUDA for this system. To have "
                "one, install it into .venv as pytorch.org says: it is kept.",
                flush=True,
            )
        return "cpu"
    if asked:
        return asked
    return "cuda" if card else "cpu"


def has_card():
    """Tell whether an NVIDIA card works here: whether `nvidia-smi` lists one."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return False
    try:
        done = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "GPU" in done.stdout


def found_torch():
    """Return the version of PyTorch in `.venv`, or None."""
    done = subprocess.run([executable(), "-c", FIND_TORCH], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def without_torch(constraints):
    """Return a copy of the constraints that leaves PyTorch as it is."""
    lines = constraints.read_text(encoding="utf-8").splitlines(keepends=True)
    copy = HOME / "constraints-without-torch.txt"
    kept = [line for line in lines if not re.match(r"(torch|triton)\b", line)]
    copy.write_text("".join(kept), encoding="utf-8")
    return copy
