import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from convac_workbench.cli.app import app

QUICK = ["--channels", "4,4,8", "--epochs", "2", "--learning-rate", "0.02", "--device", "cpu"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Commands write into the current folder where no file is named."""
    monkeypatch.chdir(tmp_path)


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
        (["--r", "3"], "--r is the width of a --design, which is not given, got 3"),
        (["digits", "--task", "local"], "--task must be left out with DATA"),
        (["digits", "--kind", "images"], "--kind is for a file or folder, got the task 'digits'"),
        (["none.csv"], "none.csv is not there"),
        (["--profile", "none.json"], "cannot use none.json"),
        (["--profile", __file__], "is no profile of `convac design`"),
        (["--learning-rate", "nan"], "learning_rate must be a number of at least 0, got nan"),
        (["--learning-rate", "1e30", "--model", "convnet"], r"the training diverged: at step"),
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


@pytest.mark.parametrize(
    "text, message",
    [
        ("[block]\nmodel = 'convac'", r"block must be tables, each \[\[block\]\], got"),
        ("common = 3", r"common must be a table, \[common\], got 3"),
        ("[[block]]\ngrid = 3", "grid must be a table of lists, got 3"),
        ("[[block]]\ngrid.seed = 3", "grid.seed must be a list of values, got 3"),
        ("name = '../up'\n[common]\nchannels = [2, 2, 2]", "name must be letters, .* got '../up'"),
        ("name = 3", "name must be letters, .* got 3"),
        ("common = {channels = 5}", "channels must be a list, got 5"),
        ("common = {channels = ['a']}", "channels must be an integer"),
        ("common = {channels = [2], task_options = 3}", "task_options must be of the class dict"),
        ("common = {channels = [2], r = 3}", "r must be 0 where there is no design"),
        ("common = {channels = [2, 2, 2], task = 'cats'}", "task must be one of"),
    ],
)
def test_sweep_refuses_what_is_no_study(tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text, encoding="utf-8-sig")
    how = ["--results", tmp_path / "rows", "--jobs", 1, "--device", "cpu"]
    result = convac("sweep", tmp_path / "bad.toml", *how)
    assert result.exit_code == 2, result.output
    assert re.search(message, result.stderr) and "Traceback" not in result.output


def test_sweep_refuses_no_jobs_and_a_run_that_diverges(tmp_path):
    study = tmp_path / "wild.toml"
    study.write_text("common = {model='convnet', channels = [8, 8, 16], learning_rate = 1e30}")
    result = convac("sweep", study, "--jobs", 0)
    assert result.exit_code == 2 and "jobs must be at least 1" in result.stderr
    result = convac("sweep", study, "--jobs", 1, "--threads", 0)
    assert result.exit_code == 2 and "threads must be an integer of at least 1" in result.stderr
    result = convac("sweep", study, "--scheduler", "nowhere")
    assert result.exit_code == 2 and "scheduler must be the address of" in result.stderr
    rows = tmp_path / "rows.jsonl"
    result = convac("sweep", study, "--jobs", 1, "--device", "cpu", "--results", rows)
    assert result.exit_code == 2 and "1 of 1 runs failed, each with a row" in result.stderr
    assert "the training diverged: at step" in result.stderr and "Traceback" not in result.output
    assert "the training diverged: at step" in json.loads(rows.read_text())["failed"]
    how = ["--jobs", 1, "--device", "cpu", "--results", rows]
    result = convac("sweep", study, *how, "--keep-failed")
    assert result.exit_code == 2 and rows.read_text().count("\n") == 1
    result = convac("sweep", study, *how)
    assert result.exit_code == 2 and rows.read_text().count("\n") == 2


@pytest.mark.parametrize("command, word", [("sweep", "study"), ("design", "budget")])
def test_help_does_not_load_torch(command, word):
    code = (
        "import sys; from convac_workbench.cli.app import app; from typer.testing import CliRunner;"
        f"out = CliRunner().invoke(app, ['{command}', '--help']).output;"
        f"assert '{word}' in out.lower(), out; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_profile_holds_the_widths(tmp_path):
    profile = tmp_path / "profile.json"
    result = convac("train", "digits", "--profile", profile, "--channels", "4,4,4")
    assert result.exit_code == 2
    assert "--channels and --design must be left out with --profile" in result.output
