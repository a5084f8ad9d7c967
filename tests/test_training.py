import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

from convac_lib import Architecture
from convac_lib.learning import tasks, training
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.safe_files import read_sealed
from convac_lib.learning.tasks import Task
from convac_lib.learning.training import Diverged, Recipe, evaluate, one_cycle, pick_device, train

pytestmark = pytest.mark.usefixtures("one_thread")

PAIRS = Architecture.line(5, (3, 3, 3))
SHORT = dict(epochs=3, batch_size=50, learning_rate=0.02, device="cpu", show_progress=False)


def pairs(n_train=1000):
    return tasks.make("pairs", n_train=n_train, n_test=100)


def pairs_model(seed=0, channels=(3, 3, 3), kind=ConvAC, **options):
    options = {"representation": "linear", "site_size": 4, **options}
    return kind(PAIRS.with_channels(channels), seed=seed, **options)


def state_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


# --- learning -------------------------------------------------------------------------


def test_a_convac_learns_digits():
    model = ConvAC(
        Architecture.for_image(8, 2, (8, 8, 16), 10),
        representation="cos-sin",
        head="normalized",
        seed=0,
    )
    result = train(model, tasks.make("digits"), epochs=8, learning_rate=0.02, show_progress=False)
    assert result.test > 0.9 and result.train > 0.9
    assert len(result.history) == 8 and result.history[-1]["test"] == result.test
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert result.seconds > 0


def test_a_regression_is_scored_by_the_variance_it_explains():
    targets = torch.tensor([1.0, 2.0, 3.0, 6.0])
    perfect = evaluate(lambda x: x, targets[:, None], targets, None, batch_size=3)
    constant = evaluate(lambda x: 0 * x + 3, targets[:, None], targets, None)
    worse = evaluate(lambda x: x + 1, targets[:, None], targets, None)
    assert perfect == 1 and constant == 0 and worse == pytest.approx(1 - 4 / 14)


def test_accuracy_counts_every_sample_once():
    inputs = torch.eye(3)[[0, 1, 2, 0, 0, 1, 2]]
    targets = torch.tensor([0, 1, 2, 1, 0, 0, 2])
    assert evaluate(lambda x: x, inputs, targets, 3, batch_size=2) == 5 / 7


def test_between_epochs_some_samples_are_scored_and_at_the_end_all(monkeypatch):
    scored = []
    monkeypatch.setattr(training, "TESTED_BETWEEN", 30)
    monkeypatch.setattr(training.Run, "measure", lambda run, x, y: scored.append(len(x)) or 0.5)
    train(pairs_model(), pairs(), **SHORT)
    assert scored == [30, 30, 100, 1000]


class Recorder(nn.Module):
    """Learns nothing, and notes which samples it is shown."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, x):
        self.seen.append(x[:, 0].tolist())
        return self.weight * x


def test_an_epoch_shows_every_sample_once_in_an_order_of_its_own():
    numbers = np.arange(10, dtype=np.float32)[:, None]
    task = Task("numbers", numbers, numbers[:, 0], numbers[:2], numbers[:2, 0], None, "sequences")
    orders = []
    for seed in (0, 0, 1):
        model = Recorder()
        train(model, task, epochs=2, batch_size=4, seed=seed, show_progress=False)
        shown = [batch for batch in model.seen if batch != [0, 1]][:6]
        assert [len(batch) for batch in shown] == [4, 4, 2, 4, 4, 2]
        epochs = [*chain(*shown[:3])], [*chain(*shown[3:])]
        assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10))
        assert epochs[0] != epochs[1]
        orders.append(shown)
    assert orders[0] == orders[1] != orders[2]


def test_the_rate_rises_and_falls_once():
    rates = [one_cycle(step, 101) for step in range(101)]
    assert rates[0] == pytest.approx(1 / 25) and rates[30] == 1
    assert rates[100] == pytest.approx(1e-4)
    assert sorted(rates[:31]) == rates[:31] and sorted(rates[30:], reverse=True) == rates[30:]
    assert one_cycle(0, 1) == 1


def test_the_same_seed_gives_the_same_numbers():
    states = []
    for seed in (0, 0, 1):
        model = pairs_model()
        train(model, pairs(), seed=seed, **SHORT)
        states.append(state_of(model))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["dense"], states[2]["dense"])


# --- stopping and going on ------------------------------------------------------------

SLOW_DISK = """
import os, sys, time, torch
sys.path.insert(0, {tests!r})
from test_training import SHORT, pairs, pairs_model, train
torch.set_num_threads(1)
flush = os.fsync
os.fsync = lambda file: (time.sleep(0.02), flush(file))
train(pairs_model(), pairs(), checkpoint={path!r}, save_every=0, **SHORT)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is POSIX")
@pytest.mark.slow
def test_a_killed_run_ends_with_the_numbers_of_one_that_was_not(tmp_path):
    path = tmp_path / "run.pt"
    code = SLOW_DISK.format(tests=os.path.dirname(__file__), path=str(path))
    child = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and child.poll() is None:
        if (
            path.exists() and read_sealed(path, "checkpoint")["steps_done"] > 24
        ):  # in the middle of an epoch
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert 24 < read_sealed(path, "checkpoint")["steps_done"] < 60  # of 3 * 20
    resumed, straight = pairs_model(), pairs_model()
    ours = train(resumed, pairs(), checkpoint=path, **SHORT)
    theirs = train(straight, pairs(), **SHORT)
    for name, value in state_of(straight).items():
        assert torch.equal(value, state_of(resumed)[name]), name
    assert ours.history == theirs.history
    assert (ours.train, ours.test) == (theirs.train, theirs.test)
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_a_finished_run_is_not_run_again(tmp_path):
    first = train(pairs_model(), pairs(), checkpoint=tmp_path / "run.pt", **SHORT)
    model = pairs_model()
    again = train(model, pairs(), checkpoint=tmp_path / "run.pt", **SHORT)
    assert again == first


OTHER_RUNS = {
    "recipe learning_rate is 0.02 there and 0.01 here": {"changes": {"learning_rate": 0.01}},
    "recipe seed is 0 there and 5 here": {"changes": {"seed": 5}},
    "task samples is 1000 there and 900 here": {"n_train": 900},
    "starting weights differ": {"seed": 7},
    "model options representation": {"representation": nn.Identity()},
    "model options rescale is True there and False here": {"rescale": False},
    "model options architecture channels": {"channels": (3, 3, 4)},
    "model class is 'ConvAC' there and 'ConvNet' here": {"kind": ConvNet},
}


@pytest.mark.parametrize("said", OTHER_RUNS)
def test_a_finished_run_of_another_is_not_taken_for_ones_own(tmp_path, said):
    """Nothing that computes may differ: not the recipe, the task, the options or the start."""
    path, other = tmp_path / "run.pt", {**OTHER_RUNS[said]}
    train(pairs_model(), pairs(), checkpoint=path, **SHORT)
    before = path.read_bytes()
    changes, n_train = other.pop("changes", {}), other.pop("n_train", 1000)
    model = pairs_model(**other)
    with pytest.raises(ValueError, match=f"run.pt is of another run: .*{re.escape(said)}"):
        train(model, pairs(n_train), checkpoint=path, **{**SHORT, **changes})
    assert path.read_bytes() == before


@pytest.mark.parametrize("spoil", [lambda b: b[:100], lambda b: b"", lambda b: b"x" * 999])
def test_a_damaged_checkpoint_is_refused_and_left(tmp_path, spoil):
    path = tmp_path / "run.pt"
    train(pairs_model(), pairs(200), checkpoint=path, **SHORT)
    spoiled = spoil(path.read_bytes())
    path.write_bytes(spoiled)
    with pytest.raises(ValueError, match=r"run.pt is no checkpoint, or damaged; .* left as it is"):
        train(pairs_model(), pairs(200), checkpoint=path, **SHORT)
    assert path.read_bytes() == spoiled


def test_the_first_checkpoint_comes_early_and_signals_write_one(tmp_path, monkeypatch):
    """Told to end, the step is finished and the state written; going on gives the same numbers."""
    straight = pairs_model()
    train(straight, pairs(), **SHORT)
    for number in (signal.SIGTERM, signal.SIGINT):
        path, model = tmp_path / f"{number}.pt", pairs_model()
        step = training.Run.step

        def told(run, chosen, number=number, step=step):
            if run.steps_done == 30:
                os.kill(os.getpid(), number)
            step(run, chosen)

        monkeypatch.setattr(training.Run, "step", told)
        with pytest.raises((SystemExit, KeyboardInterrupt)):
            train(model, pairs(), checkpoint=path, **SHORT)
        monkeypatch.setattr(training.Run, "step", step)
        assert read_sealed(path, "checkpoint")["steps_done"] == 31
        resumed = pairs_model()
        train(resumed, pairs(), checkpoint=path, **SHORT)
        for name, value in state_of(straight).items():
            assert torch.equal(value, state_of(resumed)[name]), name
    written = []
    monkeypatch.setattr(training, "SAVED_FIRST", 0.0)
    monkeypatch.setattr(training.Run, "save", lambda run, path: written.append(run.steps_done))
    train(pairs_model(), pairs(), checkpoint=tmp_path / "early.pt", **SHORT)
    assert written == [1, 60]


# --- numbers that are none ------------------------------------------------------------


class Exploding(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.weight * x[:, 0, :1] * (float("inf") if self.calls == 7 else 1)


def test_a_diverging_training_stops_and_says_where_and_why():
    with pytest.raises(Diverged, match=r"at step 7 of 60 \(epoch 1\).*learning_rate = 0.02"):
        train(Exploding(), pairs(), **SHORT)
    model = pairs_model(init="normal", rescale=False)
    with pytest.raises(Diverged, match=r"learning_rate = 1e\+30 with clip = 0, too large"):
        train(model, pairs(), **{**SHORT, "learning_rate": 1e30, "clip": 0.0})


def test_samples_that_are_no_numbers_are_refused_and_large_ones_warned_of():
    task = pairs()
    spoiled = task.train_inputs.astype(np.float32)
    spoiled[3, 2, 1] = np.nan
    with pytest.raises(ValueError, match="train_inputs of the task must be finite"):
        train(pairs_model(), replace(task, train_inputs=spoiled), **SHORT)
    digits = tasks.make("digits")
    bright = replace(digits, train_inputs=digits.train_inputs * 255)
    model = ConvAC(Architecture.for_image(8, 2, (2, 2, 2), 10), seed=0)
    with pytest.warns(UserWarning, match=r"images go up to 255; .* divide by 255"):
        train(model, bright, **{**SHORT, "epochs": 1})
    with pytest.raises(ValueError, match=r"model must have 10 outputs, one a class, .* got 3"):
        train(ConvAC(Architecture.for_image(8, 2, (2, 2, 2), 3)), digits, **SHORT)
    with pytest.warns(UserWarning, match="the head 'normalized' is made for it"):
        scores = ConvAC(Architecture.for_image(8, 2, (2, 2, 2), 10), head="scores", seed=0)
        train(scores, digits, **{**SHORT, "epochs": 1})


# --- arguments ------------------------------------------------------------------------


def test_integers_of_numpy_and_torch_are_integers(tmp_path):
    recipe = Recipe(epochs=np.int64(2), batch_size=torch.tensor(50), seed=np.uint8(3))
    assert recipe == Recipe(2, 50, seed=3)
    assert {type(value) for value in (recipe.epochs, recipe.batch_size, recipe.seed)} == {int}
    how = {**SHORT, "epochs": np.int64(1), "learning_rate": np.float32(0.02)}
    train(pairs_model(), pairs(200), checkpoint=tmp_path / "run.pt", **how)
    assert read_sealed(tmp_path / "run.pt", "checkpoint")["run"]["recipe"]["epochs"] == 1


def test_recipes_are_checked():
    for wrong, message in [
        ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
        ({"epochs": 10**15}, "epochs must be an integer from 1 to 1000000, got 10+"),
        ({"learning_rate": -1.0}, "learning_rate must be a number of at least 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"optimizer": "sgd"}, "optimizer must be one of 'adam', 'adamw'"),
    ]:
        with pytest.raises(ValueError, match=message):
            Recipe(**wrong)


def test_devices_are_checked():
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for wrong in ("gpu", "cuda:99"):
        with pytest.raises(ValueError, match=f"device must be 'auto', .* got '{wrong}'"):
            pick_device(wrong)


@pytest.mark.parametrize("there", [False, True])
def test_a_device_without_float64_is_refused_in_a_sentence(monkeypatch, there):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: there)
    for device in ("mps", "mps:0", torch.device("mps")):
        with pytest.raises(ValueError, match=r"got .*mps.*: Apple's MPS has no float64") as told:
            pick_device(device)
        assert "\n" not in str(told.value)


def test_of_what_torch_says_of_a_device_one_sentence_is_passed_on():
    with pytest.raises(ValueError, match="got 'vulkan'") as told:  # torch lists its 60 backends
        pick_device("vulkan")
    assert len(str(told.value)) < 250


def test_a_card_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a card")
    assert training.device_name(torch.device("cuda:0")) == "cuda:0, a card"


def test_another_c_library_keeps_no_memory_and_no_one_minds(monkeypatch):
    monkeypatch.setattr(training.ctypes, "CDLL", lambda name: object())
    training.keep_freed_memory()


@pytest.mark.parametrize("n_classes, targets", [(2, [0, 1]), (None, [0.0, 1.0])])
def test_scores_that_are_no_numbers_are_not_measured(n_classes, targets):
    inputs, nan = torch.zeros(2, 3), torch.full((2, 2 if n_classes else 1), torch.nan)
    with pytest.raises(training.Diverged, match="no finite numbers"):
        training.evaluate(lambda batch: nan, inputs, torch.tensor(targets), n_classes)


def test_a_second_signal_ends_at_once():
    with pytest.raises(KeyboardInterrupt), training.told_to_end(True) as told:
        signal.raise_signal(signal.SIGINT)
        assert len(told) == 1
        signal.raise_signal(signal.SIGINT)
