"""`convac doctor`: it finds all well, and what is not."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
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


def test_what_is_wrong_is_told_in_numbers(monkeypatch):
    import convac_lib
    from convac_workbench.experiments import Experiment

    monkeypatch.setattr(
        Experiment, "run", lambda *_, **__: {"test_accuracy": 0.5, "train_accuracy": 1}
    )
    with pytest.raises(AssertionError, match=r"only 0\.50 of the digits"):
        doctor._test_training("cpu")
    wrong = SimpleNamespace(certified=True, rank=15)
    monkeypatch.setattr(convac_lib, "certify_rank", lambda *_: wrong, raising=False)
    with pytest.raises(AssertionError, match="rank 16 expected, got 15"):
        doctor._test_exact_core()
    assert doctor._version("no-such-package") == "not installed"
    monkeypatch.setattr("convac_lib.decompositions.scores", lambda *_: np.ones((20, 10)))
    with pytest.raises(AssertionError, match="the scores differ by"):
        doctor._test_model("cpu")


def test_without_torch_only_the_exact_core_is_tested(monkeypatch):
    version = doctor._version
    monkeypatch.setattr(
        doctor, "_version", lambda name: "not installed" if name == "torch" else version(name)
    )
    result = convac("doctor")
    assert result.exit_code == 0 and "training      not tested" in result.output
