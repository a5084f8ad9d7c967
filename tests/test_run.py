"""The commands and the environment that they run in: `run.py`, and what it decides."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from load_script import load_script

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
run = load_script("run.py")
environment = load_script("tools/environment.py")
commands = load_script("tools/commands.py")
PIN = re.search(r"^torch==(\S+)", (ROOT / "constraints.txt").read_text(), re.M)[1]
TEXTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "book/teaching.md")


# --- the commands ---------------------------------------------------------------------


@pytest.mark.parametrize("version", [(2, 7), (3, 6, 1), (3, 10, 9), (3, 15)])
def test_a_python_that_will_not_do_gets_a_sentence(version):
    assert re.match(r"Python 3\.11 to 3\.14 is needed, and \S+ is Python", run.refusal(version))


def test_the_pythons_are_those_of_the_project_and_of_the_lock():
    found = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text("pyproject.toml"))
    low, high = found.groups()
    assert (run.OLDEST, run.NEWEST) == ((3, int(low)), (3, int(high) - 1))
    pythons = [f"3.{minor}" for minor in range(int(low), int(high))]
    assert f"pythons=({' '.join(pythons)})" in text("tools/lock.sh")
    assert f"Python {pythons[0]} to {pythons[-1]}" in text("constraints.txt").splitlines()[0]
    assert f"Python {pythons[0]} to {pythons[-1]}" in text("README.md")
    assert all(run.refusal((3, minor)) is None for minor in range(int(low), int(high)))


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_run_py_alone_lists_the_commands():
    done = subprocess.run([sys.executable, ROOT / "run.py"], capture_output=True, text=True)
    assert done.returncode == 0
    assert re.findall(r"^  (\w+) ", done.stdout, re.M) == list(commands.COMMANDS)


@pytest.mark.parametrize("words", [["nonsense"], ["book", "now"]])
def test_what_is_no_command_is_said(words):
    with pytest.raises(SystemExit, match=f"no command `{' '.join(words)}`"):
        commands.main(words)


def test_the_makefile_has_the_same_commands():
    listed = re.search(r"^COMMANDS := ((?:.*\\\n)*.*)", text("Makefile"), re.M)[1]
    assert listed.replace("\\\n", "").split() == list(commands.COMMANDS)


@pytest.mark.parametrize("page", TEXTS)
def test_commands_that_a_text_names_exist(page):
    named = re.findall(r"(?:`|^)(?:make|python run\.py) ([a-z]+)", text(page), re.M)
    assert named
    assert set(named) <= set(commands.COMMANDS)


MACHINES = (*sorted((ROOT / ".github" / "workflows").glob("*.yml")), ROOT / ".ci" / "run")
MACHINES += (ROOT / "Dockerfile", ROOT / ".devcontainer" / "devcontainer.json")


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.name)
def test_commands_that_a_machine_runs_exist(path):
    called = path.read_text(encoding="utf-8")
    named = re.findall(r'(?:run: |&& |^|RUN |": ")(?:make|python run\.py) ([a-z]+)', called, re.M)
    assert named
    assert set(named) <= set(commands.COMMANDS)


def test_every_python_is_tried_on_linux():
    found = re.search(r"python: \[(.+)\]", text(".github/workflows/tests.yml"))[1]
    minors = range(run.OLDEST[1], run.NEWEST[1] + 1)
    assert found == ", ".join(f'"3.{minor}"' for minor in minors)


def test_the_core_has_its_tests():
    assert {"architecture", "cuts", "ranks"} <= set(commands.CORE)
    assert all((ROOT / "tests" / f"test_{name}.py").exists() for name in commands.CORE)


def test_the_library_s_tests_are_those_of_its_modules():
    tests = commands.tests_of(*commands.LIBRARIES)
    assert {"tests/test_cuts.py", "tests/test_convac.py", "tests/test_cli_design.py"} <= set(tests)
    assert not [name for name in tests if "course" in name or "browser" in name]


def test_a_program_that_fails_ends_the_command_with_its_status(monkeypatch):
    monkeypatch.setattr(commands, "executable", lambda name: sys.executable)
    commands.run("python", "-c", "")
    with pytest.raises(SystemExit) as ended:
        commands.run("python", "-c", "import sys; sys.exit(7)")
    assert ended.value.code == 7


def test_programs_lie_elsewhere_on_windows():
    assert environment.executable("python", windows=False) == ROOT / ".venv" / "bin" / "python"
    there = environment.executable("jupyter", windows=True)
    assert there == ROOT / ".venv" / "Scripts" / "jupyter.exe"


# --- .venv ----------------------------------------------------------------------------


class Machine:
    """A machine whose `.venv`, package indexes and card are made up, and what was installed."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.torch, self.installed, self.unreachable = None, [], ()
        monkeypatch.setattr(environment, "ROOT", folder)
        monkeypatch.setattr(environment, "HOME", folder)
        monkeypatch.setattr(environment, "MARKER", folder / "installed")
        monkeypatch.setattr(environment, "make_venv", lambda: None)
        monkeypatch.setattr(environment, "found_torch", lambda: self.torch)
        monkeypatch.setattr(environment, "pip", self.pip)
        self.on("Linux", card=False)
        for name in ("pyproject.toml", "constraints.txt"):
            (folder / name).write_text(text(name), encoding="utf-8")

    def on(self, system, card):
        self.monkeypatch.setattr(environment.platform, "system", lambda: system)
        self.monkeypatch.setattr(environment, "has_card", lambda: card)

    def pip(self, *words, silent=False):
        self.installed.append(words)
        if set(words) & set(self.unreachable):
            return False
        wanted = next((word for word in words if word.startswith("torch==")), None)
        if wanted:
            local = "+cpu" if environment.CPU_INDEX in words else ""
            self.torch = wanted.removeprefix("torch==") + local
        return True


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "asked, system, card, version",
    [
        ("", "Linux", False, f"{PIN}+cpu"),
        ("default", "Linux", False, f"{PIN}+cpu"),
        ("", "Linux", True, PIN),
        ("cuda", "Linux", False, PIN),
        ("cpu", "Linux", True, f"{PIN}+cpu"),
        ("", "Darwin", False, PIN),  # the package index's build there is the right one
        ("", "Windows", True, PIN),
    ],
)
def test_the_right_build_of_pytorch_is_installed(machine, asked, system, card, version):
    machine.on(system, card)
    environment.prepare(asked)
    assert machine.torch == version
    assert machine.installed[-1][-1] == f".[{environment.EXTRAS}]"


def test_where_its_index_is_not_reached_the_package_index_is_asked_in_a_sentence(machine, capsys):
    machine.unreachable = (environment.CPU_INDEX,)
    environment.prepare("")
    assert machine.torch == PIN
    assert capsys.readouterr().out.count("could not be reached") == 1


def test_what_pip_says_of_an_attempt_is_not_shown(monkeypatch, capfd):
    monkeypatch.setattr(environment, "executable", lambda: sys.executable)
    assert environment.pip("--no-such-option", silent=True) is False
    assert "".join(capfd.readouterr()) == ""


def test_what_is_installed_is_not_installed_twice_and_a_new_version_is(machine):
    environment.prepare("")
    count = len(machine.installed)
    environment.prepare("")
    assert len(machine.installed) == count
    project = machine.folder / "pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 100", "line-length = 99"))
    environment.prepare("")  # a setting of a linter changes nothing that is installed
    assert len(machine.installed) == count
    constraints = machine.folder / "constraints.txt"
    constraints.write_text(constraints.read_text().replace(f"torch=={PIN}", "torch==9.9.9"))
    environment.prepare("")
    assert machine.torch == "9.9.9+cpu"
    environment.prepare("cuda")
    assert machine.torch == "9.9.9"
    constraints.write_text(constraints.read_text().replace("torch==9.9.9", "torch==9.9.10"))
    environment.prepare("")  # and what was asked for once is remembered
    assert machine.torch == "9.9.10"


@pytest.mark.parametrize("asked", ["", "cpu", "cuda"])
def test_a_pytorch_that_is_there_is_kept(machine, capsys, asked):
    machine.torch = "2.7.1+rocm6"
    for _ in range(2):
        environment.prepare(asked)
    assert machine.torch == "2.7.1+rocm6"
    assert "Keeping PyTorch 2.7.1+rocm6" in capsys.readouterr().out
    constraints = Path(machine.installed[0][1]).read_text()
    assert "torch==" not in constraints and "numpy==" in constraints
    assert len(machine.installed) == 1


def test_a_marker_of_another_time_is_no_marker(machine):
    for content in ("", "{", "[]", json.dumps({"made_from": environment.made_from()})):
        (machine.folder / "installed").write_text(content)
        assert environment.read_marker() == {}


def test_a_build_that_there_is_not_is_refused(machine):
    with pytest.raises(SystemExit, match="TORCH must be cpu or cuda, or be left out, got 'gpu'"):
        environment.prepare("gpu")
    assert machine.installed == []


def test_packages_that_cannot_be_installed_leave_no_marker(machine):
    machine.unreachable = ("-e",)
    with pytest.raises(SystemExit, match="could not be installed"):
        environment.prepare("")
    assert environment.read_marker() == {}


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    "script, there",
    [
        ("echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'", True),
        ("echo 'No devices were found'", False),
        ("echo 'NVIDIA-SMI has failed because it could not talk to the driver'; exit 9", False),
        (None, False),
    ],
)
def test_a_card_is_there_where_nvidia_smi_lists_one(tmp_path, monkeypatch, script, there):
    if script:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.has_card() is there
