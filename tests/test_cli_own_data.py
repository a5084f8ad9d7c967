"""From a file to predictions by the commands alone, with data that no page uses."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import datasets
from typer.testing import CliRunner

from convac_workbench.cli.app import app


def convac(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output if code == 0 else result.stderr


def write_table(path, names, rows, answers=None):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*names, *(["kind"] if answers is not None else [])])
        for number, row in enumerate(rows):
            writer.writerow([*row, *([answers[number]] if answers is not None else [])])


def wine(folder):
    """A table of 13 measurements, and three words for the answer."""
    data = datasets.load_wine()
    words = np.array(["barolo", "grignolino", "barbera"])[data.target]
    write_table(folder / "data.csv", data.feature_names, data.data, words)
    write_table(folder / "new.csv", data.feature_names, data.data[::9])
    return "data.csv", "new.csv", words[::9], ["--epochs", 30, "--batch-size", 20]


def signals(folder):
    """Simulated signals of 100 points: three frequencies, in noise; from 1."""
    rng = np.random.default_rng(0)
    kinds, time = rng.integers(1, 4, 900), np.arange(100) / 100
    waves = np.sin(2 * np.pi * kinds[:, None] * time) + 0.3 * rng.standard_normal((900, 100))
    np.savez(folder / "data.npz", inputs=waves[:800], targets=kinds[:800])
    np.savez(folder / "new.npz", inputs=waves[800:])
    return "data.npz", "new.npz", kinds[800:].astype(str), ["--epochs", 12]


def colours(folder):
    """Digits of 12 x 12 pixels in two colours, as a folder of pictures by class."""
    from PIL import Image

    data = datasets.load_digits()
    for number, (image, kind) in enumerate(zip(data.images, data.target, strict=True)):
        if kind > 3:
            continue
        picture = np.zeros((12, 12, 3), np.uint8)
        picture[2:10, 2:10, number % 2] = image * 15
        where = folder / ("new" if number >= 1500 else "data") / f"is {kind}"
        where.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(where / f"{number}.png")
    wanted = [file.parent.name for file in sorted((folder / "new").rglob("*.png"))]
    return "data/", "new/", np.array(wanted), ["--epochs", 12]


@pytest.mark.slow
@pytest.mark.parametrize("make", [wine, signals, colours])
def test_data_go_the_whole_way(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, new, wanted, how = make(tmp_path)
    looked = convac("inspect", data)
    assert "is padded with zeros" in looked and "classes" in looked and "held out" in looked
    design = ["--budget", 1500, "--to", "profile.json", "--epochs", 3, "--device", "cpu"]
    assert "profile      profile.json" in convac("design", data, "--local-dim", 4, *design)
    profile = json.loads((tmp_path / "profile.json").read_text())
    learning = ["--learning-rate", 0.01, "--device", "cpu", "--save", "model.pt", *how]
    output = convac("train", data, "--profile", "profile.json", *learning)
    assert f"widths {', '.join(map(str, profile['channels']))};" in output
    assert "nothing was learned" not in output and "model     model.pt" in output
    assert "accuracy" in convac("evaluate", "model.pt", data)
    convac("predict", "model.pt", new, "--to", "predictions.csv")
    with open("predictions.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["sample"] for row in rows] == [str(number) for number in range(len(wanted))]
    assert np.mean([row["prediction"] for row in rows] == wanted) > 0.8
    sums = [sum(float(v) for k, v in row.items() if k.startswith("p(")) for row in rows]
    np.testing.assert_allclose(sums, 1, atol=1e-4)
    convac("export", "model.pt", data, "--to", "model.pt2")
    assert torch.export.load("model.pt2") is not None


def test_the_reference_s_lines_run_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parent.parent / "book" / "reference" / "data.md"
    commands, *blocks = re.findall(r"```(?:bash|python)\n(.*?)```", page.read_text("utf-8"), re.S)
    assert [len(block.replace("\n\n", "\n").splitlines()) for block in blocks] == [12, 10]
    assert max(len(line) for block in blocks for line in block.splitlines()) <= 72
    wine(tmp_path)
    lines = (tmp_path / "data.csv").read_text("utf-8").splitlines()
    header = lines[0].removesuffix("kind") + "cultivar"
    for name, some in (("wine", lines[1:]), ("held-out", lines[1::5]), ("new", lines[1::9])):
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *some]), encoding="utf-8")
    for command in commands.splitlines():
        name, *arguments = command.split()
        assert name == "convac"
        convac(*arguments)
    names = {}
    for block in blocks:
        exec(block, names)
    assert names["loss"] < 0.5 and names["load"]("wine.pt") is not None


def test_a_table_may_have_its_columns_in_another_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    numbers = np.round(rng.random((200, 3)), 3)
    kinds = np.where(numbers[:, 0] > 0.5, "high", "low")
    write_table("data.csv", ["a", "b", "c"], numbers, kinds)
    with open("data.csv", encoding="utf-8") as file:  # the answer stands first, a name last
        rows = [[row["kind"], row["c"], row["a"], row["b"], "Ann"] for row in csv.DictReader(file)]
    write_table("turned.csv", ["kind", "c", "a", "b", "name"], rows)
    write_table("fewer.csv", ["a", "b"], numbers[:, :2])
    how = ["--channels", "4,4", "--epochs", 3, "--device", "cpu", "--save", "model.pt"]
    convac("train", "data.csv", *how)
    told = [convac("evaluate", "model.pt", "data.csv")]
    told += [convac("evaluate", "model.pt", "turned.csv", "--targets", "kind")]
    assert told[0] == told[1] and "on 200 samples" in told[0]
    for data in ("data.csv", "turned.csv"):
        convac("predict", "model.pt", data, "--to", f"{data}.out")
    assert (tmp_path / "data.csv.out").read_bytes() == (tmp_path / "turned.csv.out").read_bytes()
    said = convac("predict", "model.pt", "fewer.csv", code=2)
    assert "fewer.csv must have the columns trained on, lacks c" in said


def test_an_answer_that_is_missing_is_no_class(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, answers in (("words.csv", ["x", "y"]), ("numbers.csv", [1, 2])):
        write_table(name, ["a", "b"], rng.random((60, 2)), [*answers * 29, "", "NA"])
        said = convac("inspect", name, code=2)
        assert "targets must be there, got 2 missing or infinite of 48" in said
        looked = convac("inspect", name, "--missing", "drop")
        assert "2 samples with missing numbers are left out" in looked
        assert f"2 classes: {answers[0]}, {answers[1]}" in looked


def test_nothing_to_learn_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez("noise.npz", inputs=rng.random((300, 4)), targets=rng.integers(0, 5, 300))
    output = convac("train", "noise.npz", "--channels", "2,2", "--epochs", 1, "--device", "cpu")
    assert "note      nothing was learned: " in output and "the commonest class gives" in output


@pytest.mark.parametrize("command", ["train", "design"])
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    option = {"train": ["--save"], "design": ["--budget", 300, "--to"]}[command]
    for name in ("file/model.pt", "folder"):
        said = convac(command, "digits", *option, name, code=2)
        assert said.startswith(f"convac {command}: cannot use {name}: ") and said.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_sweep_takes_a_file_for_its_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    write_table("own.csv", ["a", "b", "c"], rng.random((40, 3)), ["x", "y"] * 20)
    (tmp_path / "study.toml").write_text(
        'name = "own"\n[common]\ntask = "own.csv"\nepochs = 1\nbatch_size = 8\n'
        "[[block]]\ngrid.channels = [[2, 2], [3, 2]]\n"
    )
    convac("sweep", "study.toml", "--jobs", 1, "--device", "cpu")
    rows = [json.loads(line) for line in (tmp_path / "own.jsonl").read_text().splitlines()]
    assert [(row["task"], row["channels"]) for row in rows] == [
        ("own.csv", [2, 2]), ("own.csv", [3, 2]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["inspect", "none.csv"], "none.csv is not there"),
        (["inspect", "cats"], "task must be one of"),
        (["inspect", "dogs"], "for the folder dogs write ./dogs"),
        (["inspect", "digits", "--fit", "crop"], "--fit is for a file or folder"),
        (["inspect", "gaps.csv"], "have missing or infinite numbers; fill them"),
        (["evaluate", "none.pt", "gaps.csv"], "cannot use none.pt: No such file"),
        (["evaluate", "gaps.csv", "gaps.csv"], "gaps.csv is no model"),
        (["predict", "gaps.csv", "gaps.csv"], "gaps.csv is no model"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dogs").mkdir()
    write_table("gaps.csv", ["a", "b"], [[1, ""], [2, 3]] * 30, ["x", "y"] * 30)
    said = convac(*arguments, code=2)
    assert message in said and said.count("\n") == 1
    kept = convac("inspect", "gaps.csv", "--missing", "drop", code=2)
    assert "targets must be of 2 to 1000 classes, got 1" in kept


def test_what_is_neither_a_file_nor_a_folder_is_no_data(tmp_path):
    wine(tmp_path)
    convac("train", tmp_path / "data.csv", "--epochs", 1, "--save", tmp_path / "model.pt")
    said = convac("predict", tmp_path / "model.pt", "digits", code=2)
    assert "DATA must be a .npz, .npy or .csv file or a folder, got 'digits'" in said
