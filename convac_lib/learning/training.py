"""Train one model on one task, in one call; stop it at any moment, and go on later.

The batches of an epoch follow from the seed and the number of the epoch, and the
rate of a step from its number. So a checkpoint is the weights, the optimizer's
memory and how far it got; a run killed and started again ends with the very
numbers of one that was never stopped (same machine, same number of threads).
"""

import ctypes
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._validation import as_choice, as_int
from .progress import progress
from .tasks import Task

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}

TEST_BATCH = 250  # samples scored at once
TESTED_BETWEEN = 2000  # test samples that are scored after an epoch that is not the last


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes
    ----------
    epochs, batch_size
        Passes over the training set, and samples in one step.
    learning_rate
        The largest rate of the one-cycle schedule.
    optimizer, weight_decay
        ``"adam"``, or ``"adamw"``, which takes the decay apart from the gradient.
    clip
        Longest gradient; a longer one is shortened to it. 0 is no clipping.
    seed
        Of the order of the samples.
    """

    epochs: int = 8
    batch_size: int = 100
    learning_rate: float = 5e-3
    optimizer: str = "adam"
    weight_decay: float = 0.0
    clip: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        as_int("epochs", self.epochs, minimum=1)
        as_int("batch_size", self.batch_size, minimum=1)
        as_int("seed", self.seed, minimum=0)
        as_choice("optimizer", self.optimizer, tuple(OPTIMIZERS))
        for name in ("learning_rate", "weight_decay", "clip"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a number of at least 0, got {value!r}")


@dataclass
class Result:
    """What came out of a training.

    Attributes
    ----------
    measure
        What `train` and `test` are: ``"accuracy"``, the part of the samples that is right,
        or for a regression ``"r2"``, the part of the variance that is explained.
    train, test
        On the training and on the test samples, after the last step.
    history
        For each epoch: ``loss`` (mean over its steps), and ``test`` on the first 2,000 test
        samples, or after the last epoch on all of them.
    seconds
        Of training and of testing, over all the times it was started.
    device
        Where it ran last: ``"cpu"``, or ``"cuda"`` and the card's name.
    """

    measure: str
    train: float
    test: float
    history: list[dict[str, Any]] = field(repr=False)
    seconds: float
    device: str


def train(
    model: nn.Module,
    task: Task,
    recipe: Recipe | None = None,
    *,
    device: str | torch.device = "auto",
    checkpoint: str | Path | None = None,
    save_every: float = 30.0,
    show_progress: bool = True,
    **changes: Any,
) -> Result:
    """Train `model` on `task`, in place.

    Parameters
    ----------
    model
        Maps a batch of inputs to scores, (batch, classes) or (batch, 1).
    task
        See :mod:`convac_lib.learning.tasks`.
    recipe, **changes
        The default one if left out, and changes to it, such as ``epochs=3``.
    device
        ``"auto"`` is a GPU if there is one, else the CPU.
    checkpoint
        A file to keep the state in, written again after `save_every` seconds. If it is
        there, training goes on from it.
    show_progress
        Show a bar, in a notebook or a terminal.

    Raises
    ------
    ValueError
        If the recipe makes no sense, or the checkpoint is of another run: with another
        recipe, task, model, or other starting weights (so give the model a seed).

    Examples
    --------
    >>> from convac_lib import Architecture, ConvAC
    >>> from convac_lib.learning import tasks
    >>> model = ConvAC(Architecture.for_image(8, 2, (6, 6, 6), 10), head="normalized", seed=0)
    >>> train(model, tasks.make("digits"), epochs=8, learning_rate=0.02).test > 0.5
    True
    """
    recipe = Recipe(**{**vars(recipe or Recipe()), **changes})
    device = pick_device(device)
    run = Run(model.to(device), task, recipe, device)
    run.complete(checkpoint, save_every, show_progress)
    return Result(
        task.measure,
        **run.finish(),
        history=run.history,
        seconds=run.seconds,
        device=device_name(device),
    )


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """Return the torch.device that `device` names; ``"auto"`` prefers a GPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        picked = torch.device(device)
        torch.empty(0, device=picked)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"device must be 'auto', 'cpu' or a GPU that torch sees, got {device!r}: {error}"
        ) from None
    return picked


def device_name(device: torch.device) -> str:
    """Return the device as people name it, with the card if it is a GPU."""
    if device.type == "cuda":
        return f"{device}, {torch.cuda.get_device_name(device)}"
    return str(device)


def keep_freed_memory() -> None:
    """Ask the C library to keep the memory of freed arrays for the next ones (glibc only).

    Otherwise every step gives its large arrays back to the system, which hands them out
    again page by page: up to a third of the time of a wide network. It holds for the whole
    process, so only processes that do nothing but train call it.
    """
    trim_threshold, mmap_max = -1, -4  # from malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    mallopt(mmap_max, 0)
    mallopt(trim_threshold, 2**31 - 1)


def one_cycle(step: int, n_steps: int) -> float:
    """Return the rate at a step as a part of the largest: up for 30 % of the steps, then down.

    Two half cosines, from 1/25 to 1 to 1/10,000.

    Examples
    --------
    >>> [round(one_cycle(step, 11), 3) for step in (0, 3, 10)]
    [0.04, 1.0, 0.0]
    """
    peak = 0.3 * (n_steps - 1)
    if step <= peak:
        start, end, part = 1 / 25, 1.0, step / peak if peak else 1.0
    else:
        start, end, part = 1.0, 1e-4, (step - peak) / (n_steps - 1 - peak)
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def described(model: nn.Module) -> dict[str, Any]:
    """Return what a model is, but for its numbers: its class, options, and tensors' shapes."""
    tensors = {name: f"{t.dtype} {list(t.shape)}" for name, t in model.state_dict().items()}
    options = getattr(model, "options", {})
    return {"class": type(model).__name__, "options": options, "tensors": tensors}


def differences(theirs: Any, ours: Any, name: str = "") -> list[str]:
    """Return in words where two descriptions differ, a list; they are dicts of plain values.

    Examples
    --------
    >>> differences({"recipe": {"epochs": 3}}, {"recipe": {"epochs": 8}})
    ['recipe epochs is 3 there and 8 here']
    """
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = []
        for key in {**theirs, **ours}:
            found += differences(theirs.get(key), ours.get(key), f"{name} {key}".strip())
        return found
    # A tuple comes back from a file as a list.
    if theirs == ours or (isinstance(theirs, list) and theirs == list(ours or ())):
        return []
    if name.endswith(("digest", "weights")):
        return [f"{name} differ"]
    return [f"{name} is {theirs!r} there and {ours!r} here"]


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of named tensors: equal for equal numbers, on whatever device."""
    found = hashlib.sha256()
    for name, tensor in tensors.items():
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


@torch.no_grad()
def evaluate(
    model: Callable[[Any], Tensor],
    inputs: Any,
    targets: Tensor,
    n_classes: int | None,
    batch_size: int = TEST_BATCH,
) -> Any:
    """Return the accuracy of `model`, or R^2 where `n_classes` is None; inputs as tensors.

    A list of them where the model's scores are those of several, (members, batch, Y).
    """
    total: Any = 0
    for batch, wanted in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
        scores = model(batch)
        if n_classes is not None:
            total = total + (scores.argmax(-1) == wanted).sum(-1)
        else:
            total = total + (scores.squeeze(-1) - wanted).double().square().sum(-1)
    if n_classes is not None:
        return (total.double() / len(targets)).tolist()
    return (1 - total / (targets - targets.mean()).double().square().sum()).tolist()


def sample_order(seed: int, epoch: int, n_samples: int) -> Tensor:
    """Return the order of the samples in an epoch."""
    order = np.random.default_rng([seed, epoch]).permutation(n_samples)
    return torch.from_numpy(order)


class Run:
    """A training that can stop between any two steps; its state is what `save` writes.

    :mod:`convac_lib.learning.ensembles` has a kind of Run in which the order of the samples, the
    losses and what is measured have an axis of members in front.
    """

    train_x: Any  # tensors, or in an ensemble lists of windows
    test_x: Any

    def __init__(self, model: nn.Module, task: Task, recipe: Recipe, device: torch.device):
        self.model, self.task, self.recipe, self.device = model, task, recipe, device
        arrays = task.train_inputs, task.train_targets, task.test_inputs, task.test_targets
        self.train_x, self.train_y, self.test_x, self.test_y = (
            torch.from_numpy(array).to(device) for array in arrays
        )
        self.optimizer = self.make_optimizer(recipe.learning_rate)
        self.steps_per_epoch = -(-len(self.train_x) // recipe.batch_size)
        self.n_steps = recipe.epochs * self.steps_per_epoch
        self.steps_done, self.seconds = 0, 0.0
        self.order: Tensor | None = None
        self.loss_so_far = torch.tensor(0.0, dtype=torch.float64, device=device)
        self.history: list[dict[str, Any]] = []
        self.result: dict[str, Any] | None = None
        self.start = digest(model.state_dict())

    def complete(
        self,
        checkpoint: str | Path | None = None,
        save_every: float = 30.0,
        show_progress: bool = False,
    ) -> None:
        """Make all the steps that are left; see `train`."""
        path = None if checkpoint is None else Path(checkpoint)
        if path is not None and path.exists():
            self.load(path)
        saved = time.monotonic()
        steps: Iterable[int] = range(self.steps_done, self.n_steps)
        if show_progress:
            steps = progress(steps, "training", initial=self.steps_done, total=self.n_steps)
        for _ in steps:
            self.advance()
            if path is not None and time.monotonic() - saved >= save_every:
                self.save(path)
                saved = time.monotonic()
        self.finish()
        if path is not None:
            self.save(path)

    def advance(self) -> None:
        """Make one step; after the last one of an epoch, test."""
        started = time.perf_counter()
        epoch, position = divmod(self.steps_done, self.steps_per_epoch)
        if position == 0 or self.order is None:
            self.order = self.make_order(epoch).to(self.device)
        size = self.recipe.batch_size
        self.set_rate(self.recipe.learning_rate * one_cycle(self.steps_done, self.n_steps))
        self.step(self.order[..., position * size : (position + 1) * size])
        self.steps_done += 1
        if self.steps_done % self.steps_per_epoch == 0:
            loss = (self.loss_so_far / self.steps_per_epoch).tolist()
            self.history.append({"loss": loss, "test": self.test()})
            self.loss_so_far.zero_()
        self.seconds += time.perf_counter() - started

    def test(self) -> Any:
        """Measure on the test samples: on all of them after the last step, else on some."""
        some = slice(None if self.steps_done == self.n_steps else TESTED_BETWEEN)
        return self.measure(self.test_x[some], self.test_y[some])

    def step(self, chosen: Tensor) -> None:
        """Make one step of the optimizer for the samples of these numbers."""
        losses = self.losses(self.model(self.train_x[chosen]), self.train_y[chosen])
        self.optimizer.zero_grad()
        losses.backward(torch.ones_like(losses))
        if self.recipe.clip:
            self.clip_gradients()
        self.optimizer.step()
        self.loss_so_far += losses.detach().double()

    def finish(self) -> dict[str, Any]:
        """Return what the trained model does, measured unless a checkpoint has it already."""
        if self.result is None:
            train, test = self.measure(self.train_x, self.train_y), self.history[-1]["test"]
            self.result = {"train": train, "test": test}
        return self.result

    # --- what a Run of several models does otherwise --------------------------------------

    def make_optimizer(self, rate: Any, **options: Any) -> torch.optim.Optimizer:
        """Return the recipe's optimizer of the model's parameters."""
        kind, decay = OPTIMIZERS[self.recipe.optimizer], self.recipe.weight_decay
        return kind(self.model.parameters(), lr=rate, weight_decay=decay, **options)

    def set_rate(self, rate: float) -> None:
        """Set the rate of the next step."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def make_order(self, epoch: int) -> Tensor:
        """Return the numbers of the samples in the order in which an epoch shows them."""
        return sample_order(self.recipe.seed, epoch, len(self.train_x))

    def losses(self, scores: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean loss over a batch."""
        if self.task.n_classes is not None:
            return F.cross_entropy(scores, wanted)
        return F.mse_loss(scores.squeeze(1), wanted.to(scores))

    def clip_gradients(self) -> None:
        """Shorten the gradient to the longest allowed."""
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)

    def measure(self, inputs: Any, targets: Tensor) -> Any:
        """Return the accuracy, or R^2, of the model on these samples."""
        return evaluate(self.model, inputs, targets, self.task.n_classes)

    # --- checkpoints ----------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write the state to `path`: whole, or not at all."""
        state = {
            "run": self.fingerprint(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps_done": self.steps_done,
            "loss_so_far": self.loss_so_far.tolist(),
            "seconds": self.seconds,
            "history": self.history,
            "result": self.result,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".tmp")
        with open(unfinished, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)

    def load(self, path: Path) -> None:
        """Go on from the state in `path`."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            run = state["run"]
        except Exception as error:
            raise ValueError(
                f"checkpoint {path} cannot be read ({type(error).__name__}); it was left as "
                "it is: delete it to start again, or name another file"
            ) from None
        different = differences(run, self.fingerprint())
        if different:
            raise ValueError(
                f"checkpoint {path} is of another run: {'; '.join(different)}; name another "
                "file, or delete it to start again"
            )
        self.model.load_state_dict(state["model"])
        # The recipe is the same, but the device may not be: keep our groups, not the file's.
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({**state["optimizer"], "param_groups": groups})
        self.loss_so_far.copy_(torch.tensor(state["loss_so_far"], dtype=torch.float64))
        for name in ("steps_done", "seconds", "history", "result"):
            setattr(self, name, state[name])

    def fingerprint(self) -> dict[str, Any]:
        """Return what must be equal for a checkpoint to be of this run."""
        sample = hashlib.sha256(self.task.train_inputs[:100].tobytes())
        sample.update(self.task.train_targets.tobytes())
        task = {"name": self.task.name, "samples": len(self.train_x), "digest": sample.hexdigest()}
        return {
            "recipe": asdict(self.recipe),
            "model": described(self.model),
            "starting weights": self.start,
            "task": task,
        }
