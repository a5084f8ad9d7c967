"""Tasks from a .npz file: read whole, or refused in a sentence that says what is wrong."""

import numpy as np
import pytest

from convac_lib.learning.tasks.files import ARRAYS, read_npz


def arrays(**changes):
    rng = np.random.default_rng(0)
    good = {
        "train_inputs": rng.random((30, 4, 4)), "train_targets": np.arange(30) % 3,
        "test_inputs": rng.random((10, 4, 4)), "test_targets": np.arange(10) % 3,
    }  # fmt: skip
    return good | changes


def save(path, named):
    np.savez(path, **named)
    return path


def test_classes_and_numbers_are_told_apart(tmp_path):
    task = read_npz(save(tmp_path / "mine.npz", arrays()))
    assert task.name == "mine" and task.n_classes == 3
    assert task.train_inputs.dtype == np.float32 and task.train_targets.dtype == np.int64
    np.testing.assert_allclose(task.test_inputs, arrays()["test_inputs"], rtol=1e-6)
    numbers = {"train_targets": np.linspace(0, 1, 30), "test_targets": np.linspace(0, 1, 10)}
    task = read_npz(save(tmp_path / "numbers.npz", arrays(**numbers)))
    assert task.n_classes is None and task.test_targets.dtype == np.float32
    booleans = {"train_targets": np.arange(30) % 2 == 0, "test_targets": np.arange(10) > 4}
    assert read_npz(save(tmp_path / "booleans.npz", arrays(**booleans))).n_classes == 2


@pytest.mark.parametrize(
    "change, message",
    [
        ({"train_inputs": np.zeros((30, 16))}, r"train_inputs must have the shape .*\(30, 16\)"),
        ({"test_inputs": np.zeros((10, 0, 4))}, "test_inputs must have the shape"),
        ({"test_inputs": np.zeros((10, 8, 8))}, r"test_inputs must have the shape \(samples, 4, 4"),
        ({"train_targets": np.zeros(29, int)}, r"train_targets must have the shape \(30,\)"),
        ({"test_targets": np.zeros((10, 1), int)}, r"test_targets must have the shape \(10,\)"),
        ({"test_targets": np.zeros(10)}, "test_targets must be classes as train_targets are"),
        ({"train_targets": np.arange(30) % 3 + 1}, r"train_targets must be classes .* got 1, 2, 3"),
        ({"train_targets": np.zeros(30, int)}, "train_targets must be classes .* at least two"),
        ({"test_targets": np.arange(10) % 4}, "test_targets must be classes from 0 to 2, got 3"),
        ({"test_targets": np.full(10, -1)}, "test_targets must be classes from 0 to 2"),
        ({"train_inputs": np.full((30, 4, 4), np.nan)}, "train_inputs must be finite"),
        ({"train_inputs": np.zeros((30, 4, 4), complex)}, "train_inputs must hold real numbers"),
        ({"test_targets": np.array(["a"] * 10)}, "test_targets must hold real numbers"),
    ],
)
def test_an_array_that_is_wrong_is_named(tmp_path, change, message):
    with pytest.raises(ValueError, match=f"bad.npz: {message}"):
        read_npz(save(tmp_path / "bad.npz", arrays(**change)))


def test_odd_sides_and_few_samples_are_refused(tmp_path):
    odd = {"train_inputs": np.zeros((30, 6, 2)), "test_inputs": np.zeros((10, 6, 2))}
    with pytest.raises(ValueError, match="a power of two as side or number of sites, got 6"):
        read_npz(save(tmp_path / "odd.npz", arrays(**odd)))
    few = {"train_inputs": np.zeros((9, 4, 4)), "train_targets": np.arange(9) % 3}
    with pytest.raises(ValueError, match="at least 20 samples, got 9"):
        read_npz(save(tmp_path / "few.npz", arrays(**few)))


@pytest.mark.parametrize("name", ARRAYS)
def test_a_missing_array_is_named(tmp_path, name):
    named = arrays()
    del named[name]
    with pytest.raises(ValueError, match=f"missing: {name}$"):
        read_npz(save(tmp_path / "part.npz", named))


def test_missing_damaged_and_pickled_files_are_refused_and_left_alone(tmp_path):
    with pytest.raises(ValueError, match=r"none\.npz is not there"):
        read_npz(tmp_path / "none.npz")
    with pytest.raises(ValueError, match="is not there, or is no file"):
        read_npz(tmp_path)
    whole = save(tmp_path / "whole.npz", arrays()).read_bytes()
    middle = len(whole) // 3
    for damaged in (
        b"",
        b"no zip at all",
        whole[: len(whole) // 2],
        whole[:middle] + b"\0\1\2\3" * 20 + whole[middle + 80 :],
    ):
        path = tmp_path / "damaged.npz"
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"damaged.npz (cannot be read|must hold)"):
            read_npz(path)
        assert path.read_bytes() == damaged
    np.save(tmp_path / "one.npy", np.zeros(3))
    one = (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(ValueError, match=r"one.npz cannot be read"):
        read_npz(one)
    objects = arrays(train_targets=np.array([{}] * 30, dtype=object))
    with pytest.raises(ValueError, match=r"pickled.npz cannot be read.*pickle"):
        read_npz(save(tmp_path / "pickled.npz", objects))
