"""`convac doctor`: it finds all well, and what is not."""

import re

from typer.testing import CliRunner

from convac_workbench.cli import doctor
from convac_workbench.cli.app import app


def convac(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_doctor_finds_all_well():
    result = convac("doctor", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert re.search(r"torch +\d", result.output) and "device        cpu" in result.output
    assert "rank 16, certified" in result.output and result.output.endswith("all is well\n")


def test_doctor_tells_what_fails(monkeypatch):
    monkeypatch.setattr(doctor, "_test_training", lambda device: 1 / 0)
    result = convac("doctor", "--device", "cpu")
    assert result.exit_code == 1 and "training: FAILED, ZeroDivisionError" in result.stderr
    assert "all is well" not in result.output
