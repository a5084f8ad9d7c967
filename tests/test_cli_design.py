"""`convac design`: from data and a budget to widths, in a terminal."""

import re

import numpy as np
import pytest
from typer.testing import CliRunner

from convac_lib.learning import tasks
from convac_workbench.cli.app import app

QUICK = ["--epochs", 8, "--learning-rate", 0.015, "--device", "cpu", "--probes", 1]


def convac(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def near(tmp_path_factory):
    """The pairs of neighbours as a file of one's own, 6,000 samples."""
    task = tasks.make("pairs", n_train=6000, n_test=100)
    path = tmp_path_factory.mktemp("data") / "near.npz"
    np.savez(
        path, train_inputs=task.train_inputs, train_targets=task.train_targets,
        test_inputs=task.test_inputs, test_targets=task.test_targets,
    )  # fmt: skip
    return path


@pytest.mark.slow
def test_neighbours_are_found_and_get_a_wide_base(near, tmp_path):
    picture = tmp_path / "bonds.png"
    result = convac(
        "design", near, "--budget", 260, "--share", "none", *QUICK, "--epochs", 20,
        "--picture", picture,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    text = result.output
    assert "6,000 sequences of 8 x 4 to train on; a number" in text
    assert "8 sites, windows of 2, M = 5, sharing: none" in text
    assert float(re.search(r"R\^2 (\S+)", text)[1]) > 0.9
    ranks = [int(re.search(rf"  {name} +(\d+) ", text)[1])
             for name in ("sites", "blocks of 2", "blocks of 4")]  # fmt: skip
    assert ranks == [5, 2, 2]
    assert "channels of each layer: r0 5, r1 2, r2 2" in text
    assert "advice       widths 5, 2, 4: its tail sum is 0.00, that of the uniform" in text
    assert "A heuristic. Nothing guarantees" in text and "NOT trusted" not in text
    for row in ("advised    5, 2, 4 +260 +5 +2 +2", "uniform    4, 4, 4 +260 +4 +4 +4",
                "wide-base  5, 2, 2 +250 +5 +2 +2"):  # fmt: skip
        assert re.search(row, text), row
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_probe_that_has_learnt_nothing_is_not_trusted(near):
    result = convac("design", near, "--budget", 260, "--share", "none", "--epochs", 1)
    assert result.exit_code == 0, result.output
    assert len(re.search(r"R\^2((?: -?\d\.\d+)+)", result.output)[1].split()) == 3  # probes
    assert "advice       widths 4, 4, 4: the probe is at" in result.output
    assert "NOT trusted" in result.output
    assert (
        "in demand    not said" in result.output and "channels of each layer" not in result.output
    )


def test_a_probe_that_guesses_the_largest_class_is_not_trusted(tmp_path):
    """Nine in ten samples are of one class, and nothing tells the others: 0.9 is no learning."""
    rng = np.random.default_rng(0)
    labels = (rng.permutation(600) % 10 == 0).astype(np.int64)
    path = tmp_path / "rare.npz"
    np.savez(path, inputs=rng.uniform(size=(600, 8, 2)), targets=labels)
    result = convac("design", path, "--budget", 260, "--share", "none", "--epochs", 2)
    assert result.exit_code == 0, result.output
    accuracy = float(re.search(r"alone (\S+)\) (\S+)", result.output)[2])
    assert accuracy > 0.8
    assert "NOT trusted" in result.output and "channels of each layer" not in result.output


def test_images_are_read_and_their_blocks_named():
    result = convac(
        "design", "digits", "--budget", 2000, "--probe", "12,12,12", *QUICK, "--samples", 100,
        "--local-dim", 4,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "1,397 images of 8 x 8 to train on; 10 classes" in result.output
    assert "64 sites, windows of 4, M = 4, sharing: window-position" in result.output
    assert re.search(
        r"probes +widths 12, 12, 12; on held-out samples: accuracy \(the largest class alone 0\.1",
        result.output,
    )
    assert "blocks of 4 x 4" in result.output and "all and output" in result.output


@pytest.mark.slow
def test_several_probes_are_pooled_and_the_advice_is_tried(near):
    result = convac(
        "design", near, "--budget", 260, "--share", "none", *QUICK, "--epochs", 20,
        "--probes", 2, "--compare", 3,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    text = result.output
    assert re.search(r"Of the probes alone [0-2] of 2 advise it too", text)
    runs = {
        name: [float(x) for x in re.search(rf"  {name} +((?:-?\d\.\d+ ?)+)\n  ", text)[1].split()]
        for name in ("advised", "uniform")
    }
    assert all(len(found) == 3 for found in runs.values())
    gap, low, high = map(float, re.search(
        r"difference (\S+), 95 % interval (\S+) to (\S+):", text).groups())  # fmt: skip
    assert gap == pytest.approx(np.mean(runs["advised"]) - np.mean(runs["uniform"]), abs=2e-3)
    assert low < gap < high
    told = {True: "is ahead", False: "not told apart"}
    assert told[low > 0 or high < 0] in text


def test_there_is_nothing_to_try_where_the_uniform_network_is_advised(near):
    result = convac(
        "design", near, "--budget", 260, "--share", "none", *QUICK, "--epochs", 1, "--compare", 2
    )
    assert result.exit_code == 0, result.output
    assert "trained      nothing: the uniform network is advised" in result.output


def test_samples_with_missing_numbers_are_refused_or_left_out(tmp_path):
    rng = np.random.default_rng(0)
    inputs, targets = rng.uniform(size=(300, 6)), rng.integers(0, 2, 300)
    inputs[:7, 3] = np.nan
    np.savez(tmp_path / "gaps.npz", inputs=inputs, targets=targets)
    how = ["design", tmp_path / "gaps.npz", "--budget", 260, "--epochs", 1, "--device", "cpu"]
    refused = convac(*how)
    assert refused.exit_code == 2 and "leave these samples out with --missing" in refused.stderr
    result = convac(*how, "--missing", "drop", "--fit", "crop")
    assert result.exit_code == 0, result.output
    assert "7 samples with missing numbers are left out" in result.output
    assert "6 is cropped in the middle to 4" in result.output
    assert "4 sites, windows of 2" in result.output
    wrong = convac("design", "digits", "--budget", 900, "--missing", "drop")
    assert wrong.exit_code == 2 and "--missing is for a file or folder" in wrong.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["near", "--budget", 260, "--probes", 0], "--probes must be an integer of at least 1"),
        (["near", "--budget", 260, "--compare", 1], "--compare must be an integer of at least 2"),
        (["cats", "--budget", 500], "task must be one of 'digits'"),
        (["cats.npz", "--budget", 500], r"cats\.npz is not there"),
        ([__file__, "--budget", 500], r"must be a \.npz, \.npy or \.csv file or a folder"),
        (["near", "--budget", 260, "--source", "mnist"], r"option of .*near\.npz must be one of"),
        (["digits", "--budget", 3], "budget must be an integer of at least"),
        (["digits", "--budget", 900, "--probe", "8;8"], "--probe must be integers .* got '8;8'"),
        (["digits", "--budget", 900, "--share", "some"], "share must be one of"),
        (["digits", "--budget", 900, "--epochs", 0], "epochs must be an integer of at least 1"),
        (["digits", "--budget", 900, "--source", "mnist"], "option of task 'digits' must be"),
        (["near", "--budget", 260, "--samples", 1, "--epochs", 1], "inputs must be 2 samples"),
        (["near", "--budget", 260, "--device", "tpu9"], "device must be 'auto'"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(near, arguments, message):
    result = convac("design", *(near if a == "near" else a for a in arguments))
    assert result.exit_code == 2, result.output
    assert re.search(f"convac design: .*{message}", result.stderr)
    assert "Traceback" not in result.output and result.stderr.count("\n") == 1


def test_a_damaged_file_is_refused_and_left_alone(near, tmp_path):
    half = tmp_path / "half.npz"
    half.write_bytes(near.read_bytes()[:2000])
    result = convac("design", half, "--budget", 260)
    assert result.exit_code == 2 and "half.npz cannot be read" in result.stderr
    assert half.stat().st_size == 2000
