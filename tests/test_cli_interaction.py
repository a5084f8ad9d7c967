"""`convac interaction`: networks, data and partitions that no page uses, in a terminal."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from torch import nn
from typer.testing import CliRunner

from convac_workbench.cli import interaction as command
from convac_workbench.cli.app import app

NETWORKS = """
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def boosted():
    x, y = load_breast_cancer(return_X_y=True)
    fitted = GradientBoostingClassifier(random_state=0, n_estimators=30).fit(x[::2], y[::2])
    return fitted.predict_log_proba


def probabilities():
    x, y = load_breast_cancer(return_X_y=True)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(x[::2], y[::2]).predict_proba


def forest():
    x, y = load_diabetes(return_X_y=True)
    return RandomForestRegressor(30, random_state=0).fit(x[::2], y[::2]).predict


class Tokens(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = torch.nn.Embedding(9, 8)
        self.mix = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.read = torch.nn.Linear(8, 3)

    def forward(self, tokens):
        return self.read(self.mix(self.embed(tokens)).mean(1))


tokens = Tokens().eval()
dropping = Tokens()
number = 3


def mlp(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))


def broken():
    return lambda x: x @ np.ones(7)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interaction")
    (folder / "nets.py").write_text(NETWORKS, encoding="utf-8")
    (folder / "wrong.py").write_text("1 / 0\n", encoding="utf-8")
    x, y = load_breast_cancer(return_X_y=True)
    np.savez(folder / "cancer.npz", inputs=x[1::2], targets=y[1::2])
    np.savez(folder / "held.npz", test_inputs=x[1::2], test_targets=y[1::2])
    lines = [",".join(["diagnosis", *(f"measure {n}" for n in range(30))])]
    for row, kind in zip(x[1::2].tolist(), y[1::2], strict=True):
        lines.append(",".join([("a malignant", "benign")[kind], *map(repr, row)]))
    (folder / "cancer.csv").write_text("\n".join(lines))
    np.savez(folder / "gaps.npz", inputs=np.full((80, 6), np.nan))
    x, y = load_diabetes(return_X_y=True)
    np.savez(folder / "diabetes.npz", inputs=x[1::2], targets=y[1::2])
    rng = np.random.default_rng(0)
    np.savez(folder / "tokens.npz", inputs=rng.integers(0, 9, (80, 6)))
    np.savez(folder / "empty.npz", other=x)
    np.save(folder / "mask.npy", np.arange(30) % 3 == 0)
    (folder / "text.npz").write_text("not an archive")
    return folder


def run(folder, network, data, *options):
    data = data if data == "digits" else str(folder / data)
    name = (
        network
        if network.count(":") != 1
        else f"{folder / network.split(':')[0]}:" + (network.split(":")[1])
    )
    return CliRunner().invoke(app, ["interaction", name, data, *options])


def test_boosted_trees_on_a_table(folder):
    result = run(folder, "nets.py:boosted", "cancer.npz", "--partition", "first:10", "--softmax")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "data         284 samples of 30; n = 40 of them"
    assert lines[1] == "partition    10 entries in A, 20 in B"
    assert lines[2].startswith("cost         3,168 questions, about ")
    assert lines[3].startswith("interaction  ")
    assert any(line.startswith("same class") for line in lines)
    assert any(line.startswith("AUC") for line in lines)
    assert any(line.startswith("softmax") for line in lines)


def test_a_forest_that_regresses(folder):
    options = ["--reading", "values", "--partition", "sites:2,8", "--n", "60"]
    result = run(folder, "nets.py:forest", "diabetes.npz", *options)
    assert result.exit_code == 0, result.output
    assert "R²" in result.output
    assert "3,600 questions" in result.output


def test_a_transformer_on_tokens_without_targets(folder):
    result = run(folder, "nets.py:tokens", "tokens.npz", "--partition", "ABBABA")
    assert result.exit_code == 0, result.output
    assert "partition    3 entries in A, 3 in B" in result.output
    assert "Without targets" in result.output


def test_a_mask_from_a_file(folder):
    options = ["--partition", str(folder / "mask.npy")]
    result = run(folder, "nets.py:boosted", "cancer.npz", *options)
    assert "partition    10 entries in A" in result.output


def test_a_table_with_words_for_answers(folder):
    options = ["--partition", "first:10", "--targets", "diagnosis", "--seed", "3"]
    result = run(folder, "nets.py:boosted", "cancer.csv", *options)
    assert result.exit_code == 0, result.output
    plain = run(folder, "nets.py:boosted", "cancer.npz", *options[:2], "--seed", "3")

    def told(output):  # all but the seconds that it may take
        return [line for line in output.splitlines() if not line.startswith("cost")]

    assert told(result.output) == told(plain.output)
    assert any(line.startswith("accuracy") for line in told(result.output))


def test_a_file_with_a_test_part_alone(folder):
    result = run(folder, "nets.py:boosted", "held.npz", "--partition", "first:10")
    assert result.exit_code == 0, result.output
    assert "data         284 samples of 30" in result.output and "AUC" in result.output


def test_the_control(folder):
    result = run(folder, "nets.py:mlp", "digits", "--control", "2", "--epochs", "2")
    assert result.exit_code == 0, result.output
    assert [line.split("accuracy")[0].strip() for line in result.output.splitlines()] == [
        "as it is", "f(A) + g(B)",
    ]  # fmt: skip


@pytest.mark.parametrize("network, data, options, words", [
    ("nets.py:probabilities", "cancer.npz", [], "got probabilities"),
    ("nets.py:dropping", "tokens.npz", [], "call .eval()"),
    ("nets.py:number", "tokens.npz", [], "a module or a function"),
    ("nets.py:missing", "tokens.npz", [], "has no missing"),
    ("nets.py:broken", "tokens.npz", [], "mismatch"),
    ("wrong.py:x", "tokens.npz", [], "ZeroDivisionError"),
    ("nowhere.py:x", "tokens.npz", [], "there is no file"),
    ("nets", "tokens.npz", [], "FILE.py:NAME"),
    ("nets.py:tokens", "nowhere.npz", [], "is not there"),
    ("nets.py:tokens", "text.npz", [], "cannot be read"),
    ("nets.py:tokens", "empty.npz", [], "must hold inputs, train_inputs or test_inputs, got other"),
    ("nets.py:tokens", "nets.py", [], "must be a .npz, .npy or .csv file or a folder"),
    ("nets.py:tokens", "gaps.npz", [], "must be finite"),
    ("nets.py:tokens", "cancer.csv", ["--targets", "nothing"], "--targets must be a column"),
    ("nets.py:tokens", "tokens.npz", ["--partition", "AB"], "a word of 6 letters"),
    ("nets.py:tokens", "tokens.npz", ["--partition", "first:6"], "neither side empty"),
    ("nets.py:tokens", "tokens.npz", ["--partition", "sites:1,9"], "from 0 to 5"),
    ("nets.py:tokens", "tokens.npz", ["--partition", "no.npy"], "there is no file"),
    ("nets.py:tokens", "tokens.npz", ["--n", "100"], "at least n = 100"),
    ("nets.py:tokens", "tokens.npz", ["--layout", "cube"], "--layout"),
    ("nets.py:mlp", "tokens.npz", ["--control", "1"], "a training set"),
    ("nets.py:boosted", "digits", ["--control", "1"], "a function of a seed"),
])  # fmt: skip
def test_refusals_are_one_sentence(folder, network, data, options, words):
    result = run(folder, network, data, *options)
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert result.output.count("\n") <= 4  # the sentence, after what was said before it
    assert "Traceback" not in result.output


def test_a_module_needs_a_batch_and_a_file_with_both_parts_is_a_task():
    assert command._needed(nn.Linear(2, 2)) == ["batch"]
    x, y = np.ones((6, 3)), np.arange(6) % 2
    task = command._task("own", [(x, y), (x[:2], y[:2])])
    assert (task.n_classes, task.kind, len(task.test_inputs)) == (2, "sequences", 2)
    assert command._task("own", [(x, y), (x, y / 2)]).train_targets.dtype == np.int64
    assert command._task("own", [(x, y / 2), (x, y / 2)]).n_classes is None
    assert command._task("own", [(x, y)]) is None
