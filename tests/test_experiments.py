"""One run as settings: checked before it starts, and repeated in its row."""

import numpy as np
import pytest

from convac_lib.learning.tasks import Task
from convac_workbench.data import task_of
from convac_workbench.experiments import Experiment
from convac_workbench.sweeps import (
    settings_of,
)

SMALL = {
    "task": "pairs",
    "task_options": {"n_train": 400, "n_test": 50},
    "local_dim": 5,
    "channels": [2, 2, 2],
    "epochs": 2,
    "batch_size": 50,
}


def test_the_papers_designs_give_channels():
    base = Experiment(design="wide-base", r=6)
    assert base.channels == (24, 24, 12, 12, 6, 6)
    assert Experiment.from_settings(base.settings) == base
    even = Experiment(design="uniform", r=12)
    assert even.channels == (29, 30, 30, 30, 30, 30)  # 5,060 of 5,064 weights


def test_a_run_gives_a_row_that_repeats_its_settings():
    experiment = Experiment.from_settings({**SMALL, "seed": 3, "model_options": {"share": "none"}})
    row = experiment.run(device="cpu", show_progress=False)
    assert Experiment.from_settings(settings_of(row)) == experiment
    # 8 matrices 2 x 5, 4 of 2 x 2, 2 of 2 x 2, and one output.
    assert row["parameters"] == 80 + 16 + 8 + 2
    assert len(row["losses"]) == len(row["test_history"]) == 2
    assert row["test_history"][-1] == row["test_r2"] <= 1
    again = experiment.run(device="cpu", show_progress=False)
    assert again["losses"] == row["losses"]


def test_a_held_out_part_replaces_the_test_set():
    experiment = Experiment.from_settings({**SMALL, "hold_out": 100})
    task = experiment.load_task()
    assert len(task.train_inputs) == 300 and len(task.test_inputs) == 100


def test_images_on_black_share_their_background():
    for task, shared in (("local", True), ("digits", False)):
        options = {"n_train": 50, "n_test": 10} if task == "local" else {}
        channels = (3,) * (6 if task == "local" else 3)
        for model in ("convac", "convnet"):
            experiment = Experiment(task=task, task_options=options, model=model, channels=channels)
            built = experiment.build_model(experiment.load_task())
            assert built.share_background is shared
            assert type(built).__name__.lower() == model


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"learning_rat": 1}, "setting must be one of 'task', .* got 'learning_rat'"),
        ({"model": "resnet"}, "model must be one of 'convac', 'convnet', got 'resnet'"),
        ({"channels": []}, "channels must be given"),
        ({"channels": [2, 0, 2]}, "channels must be an integer of at least 1, got 0"),
        ({"design": "wide-tip", "r": 0}, "r must be an integer of at least 1, got 0"),
        ({"epochs": "8"}, "epochs must be an integer of at least 1, got '8'"),
        ({"learning_rate": -1}, "learning_rate must be a number of at least 0"),
    ],
)
def test_settings_are_checked_before_anything_runs(settings, message):
    with pytest.raises(ValueError, match=message):
        Experiment.from_settings({**SMALL, **settings})


def test_square_sequences_are_no_images():
    """Eight sites of eight numbers have the shape of an 8 x 8 image; the task says which."""
    numbers = np.random.default_rng(0).random((40, 8, 8), dtype=np.float32)
    arrays = numbers, np.arange(40) % 2, numbers, np.arange(40) % 2
    run = Experiment(channels=(2, 2, 2), local_dim=9)
    sites = {
        kind: run.build_model(Task("square", *arrays, 2, kind)).architecture.n_sites
        for kind in ("sequences", "images")
    }
    assert sites == {"sequences": 8, "images": 64}


@pytest.mark.parametrize("channels", [(4,), (4, 4, 4)])
def test_the_wrong_number_of_widths_for_a_line_says_how_many(channels):
    task = task_of([(row, n % 2) for n, row in enumerate(np.eye(40)[:, :14])])
    with pytest.raises(ValueError, match="one width for each of the 4 layers that pool 16 sites"):
        Experiment(channels=(*channels, 4, 4)).build_model(task)
