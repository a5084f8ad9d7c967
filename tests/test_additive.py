"""Networks without interaction, trained beside the others: what a task needs."""

import numpy as np
import pytest
import torch
from torch import nn

from convac_lib.learning import tasks
from convac_workbench import additive
from convac_workbench.interaction import interaction

LEFT = np.arange(64).reshape(8, 8) % 8 < 4


def test_the_additive_network_has_no_interaction_and_trains():
    task = tasks.make("digits")

    def build(seed):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    control = additive.additive_control(build, task, LEFT, seeds=1, epochs=3, device="cpu")
    assert control.whole[0] > 0.7
    assert control.additive[0] > 0.7
    assert "f(A) + g(B)" in str(control)
    net = additive.Additive(build(0), build(1), LEFT, task.train_inputs.mean(0))
    assert abs(interaction(net, task.test_inputs, LEFT).share) < 1e-9


def test_the_additive_control_tells_what_is_needed(one_thread):
    rng = np.random.default_rng(0)
    x = rng.choice([-1.0, 1.0], size=(600, 2, 2)).astype(np.float32)
    product_of_sides = ((x[:, :, 0].prod(1) * x[:, :, 1].prod(1)) > 0).astype(np.int64)
    task = tasks.Task(
        "signs", x[:400], product_of_sides[:400], x[400:], product_of_sides[400:], 2, "images"
    )

    def build(seed):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))

    left = np.array([[True, False], [True, False]])
    found = additive.additive_control(build, task, left, seeds=2, epochs=25, learning_rate=0.02,
                                      device="cpu")  # fmt: skip
    assert min(found.whole) > 0.95
    assert max(found.additive) < 0.8


def test_the_additive_control_refuses():
    task = tasks.make("digits")
    with pytest.raises(ValueError, match="build"):
        additive.additive_control(3, task, LEFT)
    with pytest.raises(ValueError, match="seeds"):
        additive.additive_control(lambda seed: nn.Flatten(), task, LEFT, seeds=0)


def test_a_build_that_fails_is_named():
    task = tasks.make("digits", side=4)

    def build(seed):
        raise KeyError("width")

    with pytest.raises(ValueError, match="build must return a module, got KeyError: 'width'"):
        additive.additive_control(build, task, np.arange(16).reshape(4, 4) < 8)
