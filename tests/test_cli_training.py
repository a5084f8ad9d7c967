import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from convac_lib.cli.app import app

QUICK = ["--channels", "4,4,8", "--epochs", "2", "--learning-rate", "0.02", "--device", "cpu"]


def convac(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_train_says_how_well_it_did(tmp_path):
    path = tmp_path / "run.pt"
    first = convac("train", *QUICK, "--seed", 3, "--checkpoint", path)
    assert first.exit_code == 0, first.output
    assert re.search(r"convac on digits: widths 4, 4, 8; [\d,]+ parameters\n", first.output)
    score = float(re.search(r"test +accuracy (0\.\d+)", first.output)[1])
    assert 0.1 < score < 1
    again = convac("train", *QUICK, "--seed", 3, "--checkpoint", path)  # nothing left to do
    assert f"test      accuracy {score:.4f}" in again.output


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--task", "cats"], "task must be one of 'digits'"),
        (["--channels", "4,x"], "--channels must be integers .* got '4,x'"),
        (["--channels", "4,4"], "channels must have one width for each of the 3 layers"),
        (["--model", "mlp"], "model must be one of 'convac', 'convnet', got 'mlp'"),
        (["--design", "wide-top"], "design must be one of"),
        (["--design", "wide-tip", "--r", "2"], "channels must have one width"),
        (["--design", "wide-tip", "--r", "2", "--channels", "2,2"], "channels must be empty"),
        (["--task", "digits", "--source", "mnist"], "option of task 'digits' must be"),
        (["--device", "tpu9"], "device must be 'auto'"),
        (["--epochs", "0"], "epochs must be an integer of at least 1, got 0"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(arguments, message):
    result = convac("train", *arguments)
    assert result.exit_code == 2
    assert re.search(f"convac train: .*{message}", result.stderr)
    assert "Traceback" not in result.output and result.stderr.count("\n") == 1


@pytest.mark.slow
def test_sweep_writes_rows_and_can_be_started_again(tmp_path):
    study, rows = tmp_path / "widths.toml", tmp_path / "rows.jsonl"
    study.write_text(
        """
        name = "widths"
        [common]
        epochs = 1
        local_dim = 3
        [[block]]
        grid.channels = [[2, 2, 4], [4, 2, 2]]
        """
    )
    for _ in range(2):
        result = convac("sweep", study, "--results", rows, "--jobs", 1, "--device", "cpu")
        assert result.exit_code == 0, result.output
        assert f"widths: 2 runs, {rows}" in result.output
        lines = [json.loads(line) for line in rows.read_text().splitlines()]
        assert [line["channels"] for line in lines] == [[2, 2, 4], [4, 2, 2]]


def test_sweep_trains_seeds_together(tmp_path):
    study, rows = tmp_path / "seeds.toml", tmp_path / "rows.jsonl"
    study.write_text("common = {channels = [2, 2, 4], epochs = 1}\nblock = [{grid.seed = [0, 1]}]")
    how = ["--jobs", 1, "--threads", 1, "--device", "cpu", "--together", 2]
    result = convac("sweep", study, "--results", rows, *how)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in rows.read_text().splitlines()]
    assert [(line["seed"], line["together"]) for line in lines] == [(0, 2), (1, 2)]
    result = convac("sweep", study, "--results", tmp_path / "others", "--together", 0)
    assert result.exit_code == 2 and "together must be an integer" in result.stderr


def test_sweep_refuses_a_missing_or_broken_study(tmp_path):
    result = convac("sweep", tmp_path / "none.toml")
    assert result.exit_code == 2 and "none.toml" in result.stderr
    (tmp_path / "bad.toml").write_text("epochs = 3")
    result = convac("sweep", tmp_path / "bad.toml")
    assert result.exit_code == 2 and "got epochs" in result.stderr


@pytest.mark.parametrize("command, word", [("sweep", "study"), ("design", "budget")])
def test_help_does_not_load_torch(command, word):
    code = (
        "import sys; from convac_lib.cli.app import app; from typer.testing import CliRunner;"
        f"out = CliRunner().invoke(app, ['{command}', '--help']).output;"
        f"assert '{word}' in out.lower(), out; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
