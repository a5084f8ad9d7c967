"""Data are read from files, folders and Datasets, or refused in one sentence that names them."""

import numpy as np
import pytest
import torch
from PIL import Image

from convac_workbench.data import is_data, read


def arrays(**changes):
    rng = np.random.default_rng(0)
    good = {
        "train_inputs": rng.random((30, 4, 4)), "train_targets": np.arange(30) % 3,
        "test_inputs": rng.random((10, 4, 4)), "test_targets": np.arange(10) % 3,
    }  # fmt: skip
    return good | changes


def npz(path, **named):
    np.savez(path, **named)
    return path


def test_names_of_files_and_of_tasks_are_told_apart():
    assert not any(map(is_data, ("digits", "local")))
    assert all(map(is_data, ("a.npz", "a.CSV", "./folder", "~/x.npy", "..")[:4]))


def test_arrays_of_two_parts_or_of_one(tmp_path):
    samples = read(npz(tmp_path / "mine.npz", **arrays()))
    assert samples.name == "mine" and samples.train[0].shape == (30, 4, 4)
    assert samples.test[1].tolist() == arrays()["test_targets"].tolist()
    keras = {"x_train": np.ones((5, 3)), "y_train": np.ones(5), "x_test": np.ones((2, 3)),
             "y_test": np.ones(2)}  # fmt: skip
    assert read(npz(tmp_path / "keras.npz", **keras)).test[0].shape == (2, 3)
    one = read(npz(tmp_path / "one.npz", X=np.ones((5, 3)), y=np.arange(5)))
    assert one.test is None and one.train[1].tolist() == [0, 1, 2, 3, 4]
    new = read(npz(tmp_path / "new.npz", inputs=np.ones((5, 3))), labelled=False)
    assert new.train[1] is None


def test_a_pair_of_npy_files(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((4, 6)))
    np.save(tmp_path / "y.npy", np.array(["a", "b", "a", "b"]))
    samples = read(tmp_path / "x.npy", targets=str(tmp_path / "y.npy"))
    assert samples.train[1].tolist() == ["a", "b", "a", "b"]
    with pytest.raises(ValueError, match=r"x.npy has only inputs; name .* --targets FILE"):
        read(tmp_path / "x.npy")


@pytest.mark.parametrize("start, comma", [("", ","), ("\ufeff", ";"), ("", "\t")])
def test_a_table_with_names(tmp_path, start, comma):
    text = "width, height, kind\n1,2.5,cat\n3,,dog\n\n5,6,cat\n".replace(",", comma)
    (tmp_path / "pets.csv").write_text(start + text, encoding="utf-8")
    samples = read(str(tmp_path / "pets.csv"))
    assert samples.columns == ("width", "height") and samples.table
    np.testing.assert_array_equal(samples.train[0], [[1, 2.5], [3, np.nan], [5, 6]])
    assert samples.train[1].tolist() == ["cat", "dog", "cat"]
    assert "the last column, 'kind', is taken for the target" in samples.notes
    with pytest.raises(ValueError, match="the columns 'kind' hold words, such as 'cat'"):
        read(tmp_path / "pets.csv", targets="width")
    with pytest.raises(ValueError, match=r"--targets must be a column .* got 'age'"):
        read(tmp_path / "pets.csv", targets="age")


@pytest.mark.parametrize(
    "text, message",
    [
        ("a,b\n1,2\n3\n", r"bad.csv, line 3, must have 2 columns, got 1"),
        ("1,2\n3,4\n", r"must begin with a line of names, got numbers: \['1', '2'\]"),
        ("a,b\n", "a line for each sample, got 1"),
        ("", "got 0"),
        ("a,b,a\n1,2,3\n", "must have each column once, got a several times"),
    ],
)
def test_a_bad_line_of_a_table_is_named(tmp_path, text, message):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "bad.csv")


def test_what_is_missing_in_a_table_is_neither_a_word_nor_a_class(tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text("a,b,kind,many\n1,NA,cat,1\n?,2,,\n3,4,dog,3\n")
    samples = read(path, targets="kind", columns=("a", "b"))
    np.testing.assert_array_equal(samples.train[0], [[1, np.nan], [np.nan, 2], [3, 4]])
    assert samples.train[1].tolist() == ["cat", "", "dog"]
    np.testing.assert_array_equal(read(path, "many", columns=("a",)).train[1], [1, np.nan, 3])


def test_columns_are_taken_by_their_names_in_the_order_asked_for(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(",kind,b,a,remark\n0,x,2,1,good\n1,y,4,3,bad\n")
    samples = read(path, labelled=False, columns=("a", "b"))
    assert samples.train[0].tolist() == [[1, 2], [3, 4]] and samples.columns == ("a", "b")
    assert samples.notes == (
        "a column without a name is left out", "no inputs, and left out: kind, remark"
    )  # fmt: skip
    assert read(path, "kind", columns=("b", "a")).train[1].tolist() == ["x", "y"]
    assert read(path, columns=("b", "a")).train[1].tolist() == ["good", "bad"]
    with pytest.raises(ValueError, match="must have the columns trained on, lacks c"):
        read(path, labelled=False, columns=("a", "c"))
    with pytest.raises(ValueError, match=r"must be a column of .*, got none beside the inputs: "):
        read(path, columns=("kind", "a", "b", "remark"))
    with pytest.raises(ValueError, match=r"--targets must be a column of .*, got 'c'"):
        read(path, "c", labelled=False)


def picture(path, colour=(1, 2, 3), size=(5, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB" if isinstance(colour, tuple) else "L", size, colour).save(path)


def test_a_folder_of_pictures_by_class(tmp_path):
    for kind in ("cat", "dog"):
        for number in range(3):
            picture(tmp_path / kind / f"{number}.png", (number, 7, 9))
    samples = read(tmp_path)
    assert samples.train[0].shape == (6, 3, 4, 5) and samples.train[0][1, :, 0, 0].tolist() == [
        1,
        7,
        9,
    ]
    assert samples.train[1].tolist() == ["cat"] * 3 + ["dog"] * 3
    for part in ("train", "test"):
        picture(tmp_path / "parts" / part / "cat" / "0.png", 3)
    assert read(tmp_path / "parts").test[0].shape == (1, 4, 5)
    picture(tmp_path / "cat" / "large.png", size=(8, 8))
    with pytest.raises(ValueError, match="pictures must be of one size"):
        read(tmp_path / "cat", labelled=False)
    (tmp_path / "dog" / "0.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"0.png cannot be read as a picture"):
        read(tmp_path / "dog", labelled=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="must hold a folder of pictures for each class, got 0"):
        read(tmp_path / "empty")


def test_a_dataset_of_torch():
    dataset = torch.utils.data.TensorDataset(torch.rand(5, 3, requires_grad=True), torch.arange(5))
    samples = read(dataset)
    assert samples.name == "TensorDataset" and samples.train[1].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="inputs must be of one shape"):
        read([(torch.rand(3), 1), (torch.rand(4), 2)])
    with pytest.raises(ValueError, match=r"source must be .* a Dataset of pairs .* gives no pairs"):
        read([torch.rand(3)])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"train_inputs": np.zeros((30, 4, 4), complex)}, "inputs must be real numbers"),
        ({"test_inputs": np.zeros((10, 0, 4))}, "inputs must be real numbers"),
        ({"test_inputs": np.zeros((10, 8, 8))}, r"test samples must have the shape \(4, 4\)"),
        (
            {"train_targets": np.zeros(29, int)},
            "targets must be one for each of 30 samples, got 29",
        ),
    ],
)
def test_an_array_that_is_wrong_is_told(tmp_path, change, message):
    with pytest.raises(ValueError, match=f"bad.npz: {message}"):
        read(npz(tmp_path / "bad.npz", **arrays(**change)))


def test_missing_damaged_and_pickled_files_are_refused_and_left_alone(tmp_path):
    with pytest.raises(ValueError, match=r"none\.npz is not there"):
        read(tmp_path / "none.npz")
    whole = npz(tmp_path / "whole.npz", **arrays()).read_bytes()
    middle = len(whole) // 3
    for damaged in (
        b"",
        b"<html>no zip at all",
        whole[: len(whole) // 2],
        whole[:middle] + b"\0\1\2\3" * 20 + whole[middle + 80 :],
    ):
        path = tmp_path / "damaged.npz"
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"damaged.npz (cannot be read|must hold)") as caught:
            read(path)
        assert "allow_pickle" not in str(caught.value)  # that advice is unsafe
        assert path.read_bytes() == damaged
    objects = arrays(train_targets=np.array([{}] * 30, dtype=object))
    with pytest.raises(ValueError, match=r"pickled.npz cannot be read.*Python objects"):
        read(npz(tmp_path / "pickled.npz", **objects))
    (tmp_path / "notes.docx").write_text("x")
    with pytest.raises(ValueError, match=r"must be a .npz, .npy or .csv file"):
        read(tmp_path / "notes.docx")


def test_damaged_arrays_and_other_encodings_are_refused_by_name(tmp_path):
    (tmp_path / "damaged.npy").write_bytes(b"\x93NUMPY\x01\x00 and no more")
    with pytest.raises(ValueError, match=r"damaged.npy cannot be read as a .npy file"):
        read(tmp_path / "damaged.npy", "damaged.npy")
    (tmp_path / "latin.csv").write_bytes("größe,kind\n1,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin.csv is not text in UTF-8"):
        read(tmp_path / "latin.csv", "kind")


def test_an_empty_dataset_holds_no_samples():
    with pytest.raises(ValueError, match=r"from 1 to [\d,]+ samples, got 0"):
        read(torch.utils.data.TensorDataset(torch.zeros(0, 3), torch.zeros(0)))
