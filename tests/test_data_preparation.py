"""What is done with samples is said, stored, fitted on the training part alone, and undone."""

from dataclasses import replace

import numpy as np
import pytest

from convac_workbench.data import Preparation, Samples, task_of

RNG = np.random.default_rng(0)


def test_images_are_padded_or_cropped_in_the_middle():
    pictures = RNG.random((30, 28, 28))
    padded, notes = Preparation.fitted(pictures, np.arange(30) % 2)
    assert padded.size == 32 and any("28 x 28 is padded with zeros" in note for note in notes)
    ready = padded.apply(pictures)
    np.testing.assert_allclose(ready[:, 2:30, 2:30], pictures, rtol=1e-6)
    assert ready.sum() == pytest.approx(pictures.sum(), rel=1e-5)
    cropped, notes = Preparation.fitted(pictures, np.arange(30) % 2, fit="crop")
    np.testing.assert_allclose(cropped.apply(pictures), pictures[:, 6:22, 6:22], rtol=1e-6)
    assert any("cropped in the middle to 16" in note for note in notes)


def test_colours_come_first_or_last():
    last = RNG.random((30, 8, 8, 3))
    first = np.moveaxis(last, -1, 1)
    for pictures, told in ((last, "3 colours, last"), (first, "3 colours, first")):
        preparation, notes = Preparation.fitted(pictures, np.arange(30) % 2)
        assert told in notes
        np.testing.assert_allclose(preparation.apply(pictures), first, rtol=1e-6)


def test_lines_are_padded_at_the_end_and_guesses_are_said():
    signal, notes = Preparation.fitted(RNG.random((30, 100)), np.arange(30) % 2)
    assert signal.size == 128 and signal.apply(RNG.random((3, 100))).shape == (3, 128, 1)
    square = RNG.random((30, 8, 8))  # eight sites of eight numbers, or an image
    guessed, notes = Preparation.fitted(square, np.arange(30) % 2)
    assert guessed.kind == "images" and any("for sequences: --kind sequences" in n for n in notes)
    told, notes = Preparation.fitted(square, np.arange(30) % 2, kind="sequences")
    np.testing.assert_allclose(told.apply(square), square, rtol=1e-6)


def test_scaling_is_that_of_the_training_part():
    inputs = np.column_stack([np.linspace(-5, 5, 40), np.linspace(100, 101, 40)])
    train, test = (inputs[:30], np.arange(30) % 2), (inputs[30:], np.arange(10) % 2)
    task = task_of(Samples("s", train, test, table=True))
    assert task.train_inputs.min() == 0 and task.train_inputs.max() == 1
    assert task.test_inputs.min() > 1  # nothing of it was looked at
    bright = task_of(Samples("s", (RNG.integers(0, 256, (30, 4, 4)), np.arange(30) % 2)))
    assert bright.train_inputs.max() <= 1
    small = task_of(Samples("s", (RNG.random((30, 6)), np.arange(30) % 2)))
    assert small.preparation.scale == (1.0,)


LABELS = {
    "words": (np.array(["no", "yes"] * 15), ("no", "yes")),
    "from 1": (np.arange(30) % 3 + 1, ("1", "2", "3")),
    "bool": (np.arange(30) % 2 == 0, ("False", "True")),
    "whole floats": (np.arange(30) % 2 * 1.0, ("0", "1")),
    "one-hot": (np.eye(3)[np.arange(30) % 3], ("0", "1", "2")),
    "a column": ((np.arange(30) % 2)[:, None], ("0", "1")),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_any_kind_are_classes(name):
    labels, classes = LABELS[name]
    task = task_of(Samples("s", (RNG.random((30, 4)), labels)))
    assert task.preparation.classes == classes and task.n_classes == len(classes)
    assert set(task.train_targets) == set(range(len(classes)))
    told = task.preparation.answers(np.eye(len(classes))[task.train_targets])
    assert set(told) == set(classes)


def test_numbers_are_regressed_and_come_back():
    numbers = 100 + 5 * RNG.standard_normal(30)
    task = task_of(Samples("s", (RNG.random((30, 4)), numbers)))
    assert task.n_classes is None and abs(task.train_targets.mean()) < 1e-6
    back = task.preparation.answers(task.train_targets[:, None])
    assert set(np.round(back, 3)) <= set(np.round(numbers, 3))


@pytest.mark.parametrize(
    "inputs, targets, message",
    [
        (RNG.random((30, 4)), np.zeros(30, int), "targets must be of 2 to 1000 classes, got 1"),
        (RNG.random((9, 4)), np.arange(9) % 2, "at least 20 samples to train on, got 8"),
        (RNG.random((30, 4)), np.full(30, np.nan), "targets must be there, got 24 missing"),
        (RNG.random((30, 4)), np.ones((30, 3)), r"rows with a single 1 \(one-hot\)"),
        (RNG.random((30, 3, 3, 3, 3)), np.arange(30) % 2, "a line, an image or a coloured image"),
        (np.array([[0.5, np.nan]] * 30), np.arange(30) % 2, r"24 of 24 samples .* --missing drop"),
    ],
)
def test_what_cannot_be_learned_is_refused(inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        task_of(Samples("s", (inputs, targets)))


def test_a_class_of_one_sample_is_known_wherever_it_falls():
    targets = np.array(["often", "also"] * 30 + ["once"])
    for seed in range(6):
        task = task_of(Samples("s", (RNG.random((61, 4)), targets)), seed=seed)
        assert task.preparation.classes == ("also", "often", "once") and task.n_classes == 3
        assert len(task.notes) == len(set(task.notes))


def test_whole_numbers_of_many_values_are_regressed_and_that_is_said():
    ages = np.arange(100) % 50
    task = task_of(Samples("s", (RNG.random((100, 4)), ages)))
    assert task.n_classes is None and task.test_targets.dtype == np.float32
    assert any("a regression (whole numbers, but of " in note for note in task.notes)
    letters = np.arange(400) % 26
    assert task_of(Samples("s", (RNG.random((400, 4)), letters))).n_classes == 26


def test_samples_with_missing_numbers_are_left_out_where_that_is_asked_for():
    inputs = RNG.random((40, 4))
    inputs[::8] = np.nan
    task = task_of(Samples("s", (inputs, np.arange(40) % 2)), missing="drop")
    assert len(task.train_inputs) + len(task.test_inputs) == 35
    assert "5 samples with missing numbers are left out" in task.notes


def test_plain_values_come_back_and_other_shapes_are_refused():
    preparation, _ = Preparation.fitted(RNG.random((30, 6, 6, 3)), np.array(["a", "b"] * 15))
    assert Preparation.from_plain(preparation.plain) == preparation
    with pytest.raises(ValueError, match=r"shape \(samples, 6, 6, 3\), as those trained on"):
        preparation.apply(RNG.random((2, 6, 6)))
    with pytest.raises(
        ValueError, match="got 1 samples with missing or infinite numbers, the first"
    ):
        preparation.apply(
            np.where(np.arange(2)[:, None, None, None], np.nan, np.ones((2, 6, 6, 3)))
        )
    with pytest.raises(ValueError, match="targets must be of the classes a, b, got c"):
        preparation.targets(np.array(["c"]))
    assert replace(preparation, classes=()).answers(np.array([[2.0]])).tolist() == [2.0]


def test_one_colour_may_be_an_axis_of_its_own():
    grey = np.random.default_rng(0).random((30, 1, 4, 4))
    prepared = Preparation.fitted(grey, np.arange(30) % 2)[0].apply(grey)
    np.testing.assert_allclose(prepared, grey[:, 0], rtol=1e-6)


def test_a_kind_that_does_not_fit_and_a_span_that_no_float_holds():
    targets = np.arange(30) % 2
    with pytest.raises(ValueError, match="kind must fit samples of the shape"):
        Preparation.fitted(np.random.default_rng(0).random((30, 4)), targets, "images")
    wide = np.where(np.arange(120).reshape(30, 4) % 2, 1.7e308, -1.7e308)
    with pytest.raises(ValueError, match="inputs must span less than the range of a float"):
        Preparation.fitted(wide, targets)
