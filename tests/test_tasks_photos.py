"""The book's task of two photographs."""

import numpy as np
import pytest
import sklearn.datasets

from convac_lib.learning import tasks


def test_photos_are_balanced_seeded_and_without_brightness_or_contrast():
    task = tasks.make("photos", seed=2, side=16, n_train=60, n_test=20)
    assert task.train_inputs.shape == (60, 16, 16) and task.n_classes == 2
    assert task.train_inputs.dtype == np.float32
    assert np.bincount(task.train_targets).tolist() == [30, 30]
    assert task.train_inputs.min() >= 0 and task.train_inputs.max() <= 1
    np.testing.assert_allclose(task.train_inputs.mean((1, 2)), 0.5, atol=0.05)
    assert (task.train_inputs.std((1, 2)) <= 0.2 + 1e-5).all()
    assert np.median(task.train_inputs.std((1, 2))) > 0.18
    again, other = (tasks.make("photos", seed=s, side=16, n_train=60, n_test=20) for s in (2, 3))
    assert np.array_equal(task.train_inputs, again.train_inputs)
    assert not np.array_equal(task.train_inputs, other.train_inputs)


def test_no_pixel_of_a_photo_is_both_trained_and_tested_on(monkeypatch):
    """Pictures that change along the rows where one trains, down the columns where one tests."""
    picture = np.broadcast_to(np.arange(30.0)[:, None, None], (30, 40, 3)).copy()
    picture[:, :28] = np.arange(28.0)[:, None]
    images = type("Images", (), {"images": [picture, picture]})
    monkeypatch.setattr(sklearn.datasets, "load_sample_images", lambda: images)
    task = tasks.make("photos", side=4, n_train=300, n_test=300)
    # A patch that reaches over the border would change both ways.
    assert np.ptp(task.train_inputs, axis=1).max() < 1e-6 < np.ptp(task.train_inputs, axis=2).min()
    assert np.ptp(task.test_inputs, axis=2).max() < 1e-6 < np.ptp(task.test_inputs, axis=1).min()


@pytest.mark.parametrize("side", [1, 129, 8.5, "8"])
def test_photos_refuse_sides_that_do_not_fit(side):
    with pytest.raises(ValueError, match="side"):
        tasks.make("photos", side=side)
