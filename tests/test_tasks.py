"""Tasks by name, and what is drawn from scikit-learn's digits."""

from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest
import torch

from convac_lib.learning import tasks
from convac_lib.learning.tasks.digits import place, resize


def test_digits_are_split_by_the_seed_and_none_is_lost():
    from sklearn.datasets import load_digits

    task = tasks.make("digits", seed=3)
    together = np.concatenate([task.train_inputs, task.test_inputs]).reshape(-1, 64) * 16
    everything = load_digits().images.reshape(-1, 64)
    assert sorted(map(bytes, together.astype(np.uint8))) == sorted(
        map(bytes, everything.astype(np.uint8))
    )
    again, other = tasks.make("digits", seed=3), tasks.make("digits", seed=4)
    assert np.array_equal(task.test_targets, again.test_targets)
    assert not np.array_equal(task.test_targets, other.test_targets)


def test_resizing_averages_areas():
    images = np.random.default_rng(0).random((2, 6, 6))
    thirds = images.reshape(2, 2, 3, 2, 3).mean((2, 4))
    np.testing.assert_allclose(resize(images, 2), thirds, rtol=1e-5)
    np.testing.assert_allclose(resize(images, 12), images.repeat(2, 1).repeat(2, 2), rtol=1e-5)
    # 3 -> 2: the first new pixel is the first old one and half of the second.
    np.testing.assert_allclose(resize(np.diag([3.0, 6, 9])[None], 2)[0, 0, 0], (3 + 6 / 4) / 2.25)
    np.testing.assert_allclose(resize(images, 4).mean(), images.mean(), rtol=1e-5)


@pytest.mark.parametrize("sides", [(28, 8), (28, 32), (8, 32), (7, 7), (3, 1), (1, 4)])
def test_resizing_between_pixels_is_what_torch_makes(sides):
    old, new = sides
    images = np.random.default_rng(0).random((3, old, old)).astype(np.float32)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(images)[None], size=(new, new), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(resize(images, new, "bilinear"), theirs[0].numpy(), atol=1e-5)


def test_digits_can_be_drawn_otherwise():
    """A lower threshold lights every pixel that a higher one does, at the same places."""
    few, more = (
        tasks.make("local", n_train=50, n_test=5, threshold=above).train_inputs
        for above in (0.5, 0.2)
    )
    assert (few <= more).all() and few.sum() < more.sum()
    small = {"n_train": 50, "n_test": 5}
    ours, same = tasks.make("local", **small), tasks.make("local", threshold=0.35, **small)
    assert np.array_equal(ours.train_inputs, same.train_inputs)
    for name in ("local", "global"):  # ours are 8 x 8 already: only the large ones differ
        other = tasks.make(name, interpolation="bilinear", **small)
        equal = np.array_equal(other.train_inputs, tasks.make(name, **small).train_inputs)
        assert equal == (name == "local")


def test_placing_keeps_the_digit_and_reaches_every_corner():
    images = np.arange(1, 5, dtype=np.uint8).reshape(1, 2, 2).repeat(400, 0)
    placed = place(images, 4, np.random.default_rng(0))
    corners = set()
    for image in placed:
        rows, columns = image.nonzero()
        assert image[rows.min() :, columns.min() :][:2, :2].tolist() == [[1, 2], [3, 4]]
        assert image.sum() == 10
        corners.add((rows.min(), columns.min()))
    assert corners == {(r, c) for r in range(3) for c in range(3)}


@pytest.mark.parametrize("name, size", [("local", 8), ("global", 32)])
def test_the_papers_tasks(name, size):
    task = tasks.make(name, seed=1, n_train=1500, n_test=30)
    assert task.train_inputs.shape == (1500, 64, 64) and task.test_inputs.shape == (30, 64, 64)
    assert task.train_inputs.dtype == np.uint8 and set(np.unique(task.train_inputs)) == {0, 1}
    for image in task.train_inputs[:200]:
        rows, columns = image.nonzero()
        assert rows.max() - rows.min() < size and columns.max() - columns.min() < size
    again = tasks.make(name, seed=1, n_train=1500, n_test=30)
    assert np.array_equal(task.train_inputs, again.train_inputs) and task.n_classes == 10
    other = tasks.make(name, seed=2, n_train=1500, n_test=30)
    assert not np.array_equal(task.train_inputs, other.train_inputs)


def test_training_and_test_images_are_of_different_digits():
    """No 8 x 8 picture of the training part of `digits` is found in the test part."""
    task = tasks.make("digits", seed=0)
    train = {image.tobytes() for image in task.train_inputs}
    assert sum(image.tobytes() in train for image in task.test_inputs) <= 2


def test_every_digit_is_used_before_one_is_used_again():
    """1,500 images of 1,397 digits: as many of each class as all of them and the first 103."""
    labels = tasks.make("digits", seed=1).train_targets
    task = tasks.make("local", seed=1, n_train=1500, n_test=1)
    once, again = np.split(task.train_targets, [len(labels)])
    assert np.bincount(once).tolist() == np.bincount(labels).tolist()
    assert len(again) == 103 and (np.bincount(again, minlength=10) <= np.bincount(labels)).all()


def test_a_validation_set_is_cut_from_the_training_set():
    task = tasks.make("digits")
    held = task.hold_out(97)
    assert len(held.train_inputs) == 1300 and len(held.test_inputs) == 97
    assert np.array_equal(held.test_inputs, task.train_inputs[-97:])
    with pytest.raises(ValueError, match="n_samples must be an integer from 1 to 1396, got 1397"):
        task.hold_out(1397)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("cats", {}, "task must be one of 'digits'"),
        ("digits", {"source": "mnist"}, "option of task 'digits' must be one of 'seed', 'side'"),
        ("local", {"source": "svhn"}, "source must be one of 'digits', 'mnist'"),
        ("local", {"side": 7}, "side must be an integer of at least 8, got 7"),
        ("local", {"n_train": 0}, "n_train must be"),
        ("local", {"threshold": 1}, "threshold must be"),
        ("global", {"interpolation": "cubic"}, "interpolation must be one of 'area', 'bilinear'"),
    ],
)
def test_bad_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        tasks.make(name, **options)


def test_a_package_of_ones_own_adds_a_task_and_a_name_that_two_give_is_refused(monkeypatch):
    mine = EntryPoint("mine", "convac_lib.learning.tasks.digits:digits", "convac.tasks")
    monkeypatch.setattr(tasks, "entry_points", lambda group: EntryPoints([mine]))
    assert tasks.make("mine", side=4).train_inputs.shape == (1397, 4, 4)
    monkeypatch.setattr(tasks, "entry_points", lambda group: EntryPoints([mine, mine]))
    with pytest.raises(ValueError, match="one installed task, got several 'mine'"):
        tasks.make("mine")
