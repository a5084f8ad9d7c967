"""`convac arrange`: tables, symbols and images that no page uses, in a terminal."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from typer.testing import CliRunner

from convac_workbench.cli.app import app


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("arrange"), np.random.default_rng(0)
    np.savez(folder / "cancer.npz", inputs=load_breast_cancer().data)
    np.savez(folder / "wine.npz", train_inputs=load_wine().data)
    names = [f"measure {n}" for n in range(13)]
    rows = [",".join([*map(repr, row), "red"]) for row in load_wine().data.tolist()]
    (folder / "wine.csv").write_text("\n".join([",".join([*names, "kind"]), *rows]))
    np.savez(folder / "noise.npz", inputs=rng.normal(size=(300, 16)))
    # Two texts of the same alphabet, letter by letter in turn.
    texts = [np.cumsum(rng.integers(-1, 2, (400, 6)), axis=1) % 5 for _ in range(2)]
    np.savez(folder / "texts.npz", inputs=np.stack(texts, 2).reshape(400, 12))
    smooth = rng.normal(size=(200, 3, 3)).repeat(4, axis=1).repeat(4, axis=2)
    noisy = smooth + 0.3 * rng.normal(size=(200, 12, 12))
    np.savez(folder / "images.npz", inputs=noisy)
    np.savez(folder / "few.npz", inputs=rng.normal(size=(5, 8)))
    np.savez(folder / "constant.npz", inputs=np.ones((40, 8)))
    np.savez(folder / "nan.npz", inputs=np.full((40, 8), np.nan))
    np.savez(folder / "words.npz", inputs=np.array([["a", "b"]] * 30))
    (folder / "broken.npz").write_bytes(b"PK\x03\x04 and no more")
    return folder


def run(folder, data, *options):
    data = data if data == "digits" else str(folder / data)
    return CliRunner().invoke(app, ["arrange", data, *options])


def number(line, place):
    return float(line.split()[place].rstrip(",;"))


def test_a_table(folder):
    result = run(folder, "cancer.npz")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "data         569 samples, 30 sites"
    cost = next(line for line in lines if line.startswith("cost"))
    assert number(cost, 4) < number(cost, 1)
    assert "tree         yes" in result.output
    order = next(line for line in lines if line.startswith("order"))
    assert sorted(map(int, order.split()[1:])) == list(range(30))
    # Radius, perimeter and area of a nucleus go together: they hang in one half.
    places = {int(site): place for place, site in enumerate(order.split()[1:])}
    assert len({places[site] // 15 for site in (0, 2, 3)}) == 1


def test_the_training_inputs_of_a_file_are_taken(folder):
    result = run(folder, "wine.npz", "--samples", "100", "--theta", "0.1")
    assert result.exit_code == 0, result.output
    assert "178 samples, 13 sites" in result.output
    assert "(100 samples, in nats; at most 4.61)" in result.output


def test_a_table_with_a_column_of_words(folder):
    as_table = run(folder, "wine.csv", "--targets", "kind", "--theta", "0.1")
    assert as_table.exit_code == 0, as_table.output
    assert as_table.output == run(folder, "wine.npz", "--theta", "0.1").output


def test_symbols_of_two_texts_are_parted(folder):
    result = run(folder, "texts.npz", "--symbols")
    assert result.exit_code == 0, result.output
    order = next(line for line in result.output.splitlines() if line.startswith("order"))
    sites = np.array(order.split()[1:], dtype=int)
    assert len(set(sites[:6] % 2)) == 1  # one text in one half, the other in the other
    assert "tree         yes" in result.output


def test_noise_has_no_tree(folder):
    result = run(folder, "noise.npz", "--starts", "1")
    assert result.exit_code == 0, result.output
    assert "tree         NO" in result.output
    assert "Do not use the order" in result.output


def test_images_are_compared_with_the_order_of_the_windows(folder):
    result = run(folder, "digits", "--samples", "60")
    rows = [line.split()[0] for line in result.output.splitlines() if line.startswith("  ")]
    assert [row for row in rows if row in ("as", "windows", "arranged", "re-paired")] == [
        "as", "windows", "arranged", "re-paired",
    ]  # fmt: skip
    result = run(folder, "images.npz")
    assert "images of 12 x 12" in result.output
    assert "windows" not in result.output  # 12 is no power of two
    assert "order" not in result.output.replace("average order", "")  # 144 sites: use --save
    assert "yes" in result.output


def test_square_samples_may_be_sequences(folder):
    result = run(folder, "images.npz", "--sequence")
    assert "data         200 samples, 12 sites" in result.output


def test_files_that_are_written(folder, tmp_path):
    order, picture = tmp_path / "order.npy", tmp_path / "tree.png"
    result = run(folder, "images.npz", "--save", str(order), "--picture", str(picture))
    assert result.exit_code == 0, result.output
    assert sorted(np.load(order)) == list(range(144))
    assert picture.stat().st_size > 5000


def test_a_full_data_tensor_is_told(folder):
    result = run(folder, "texts.npz", "--symbols", "--samples", "20")
    assert "Near its ceiling" in result.output


@pytest.mark.parametrize("data, options, words", [
    ("few.npz", [], "at least 20 samples"),
    ("constant.npz", [], "must vary"),
    ("nan.npz", [], "must be finite"),
    ("words.npz", [], "must be real numbers"),
    ("wine.csv", [], "the columns 'kind' hold words"),
    ("broken.npz", [], "cannot be read"),
    ("nowhere.npz", [], "is not there"),
    ("nothing", [], "task must be one of"),
    ("wine.npz", ["--symbols"], "at most 64 kinds"),
    ("wine.npz", ["--theta", "0.7"], "--theta"),
    ("wine.npz", ["--starts", "0"], "starts"),
    ("wine.npz", ["--samples", "1"], "--samples"),
    ("wine.npz", ["--picture", "/nowhere/at/all.png"], "cannot"),
])  # fmt: skip
def test_refusals_are_one_sentence(folder, data, options, words):
    result = (
        run(folder, data, *options)
        if data != "nothing"
        else CliRunner().invoke(app, ["arrange", "nothing"])
    )
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert "Traceback" not in result.output
