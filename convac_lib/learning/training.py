"""Train one model on one task, in one call; stop it at any moment, and go on later.

The batches of an epoch follow from the seed and the number of the epoch, and the
rate of a step from its number. So a checkpoint is the weights, the optimizer's
memory and how far it got; a run killed and started again ends with the very
numbers of one that was never stopped (same machine, same number of threads).
"""

import ctypes
import hashlib
import math
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._validation import as_choice, as_int, as_number, shown
from .models.tree import TreeModel
from .progress import progress
from .safe_files import read_sealed, write_sealed
from .tasks import Task

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}

MOST_EPOCHS = 1_000_000
TEST_BATCH = 250  # samples scored at once
SAVED_FIRST = 5.0  # seconds until a checkpoint is there, if not saved more often
LARGEST_INPUT = 16  # images whose pixels are larger are as files have them, from 0 to 255
TESTED_BETWEEN = 2000  # test samples that are scored after an epoch that is not the last


class Diverged(RuntimeError):
    """A training whose numbers are no numbers any more; it says at which step, and why."""


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
        for name in ("epochs", "batch_size", "seed"):
            value = as_int(name, getattr(self, name), minimum=0 if name == "seed" else 1)
            object.__setattr__(self, name, value)  # Python's own, as files want them
        as_int("epochs", self.epochs, 1, MOST_EPOCHS)
        as_choice("optimizer", self.optimizer, tuple(OPTIMIZERS))
        for name in ("learning_rate", "weight_decay", "clip"):
            object.__setattr__(self, name, as_number(name, getattr(self, name), minimum=0))


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
        A file to keep the state in, written after a few seconds, again after `save_every`
        seconds, and when the process is told to end (Ctrl-C, SIGTERM). If it is there,
        training goes on from it.
    show_progress
        Show a bar, in a notebook or a terminal.

    Raises
    ------
    ValueError
        If the recipe makes no sense, or the checkpoint is of another run: with another
        recipe, task, model, or other starting weights (so give the model a seed). If the
        samples are not finite.
    Diverged
        If the loss or a weight is no longer a finite number.

    Warns
    -----
    UserWarning
        If pixels go to 255, or cross-entropy is to train scores that are not normalised.

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
    if not isinstance(device, str | torch.device):
        raise TypeError(f"device must be a name such as 'cpu', got {shown(device)}")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        picked = torch.device(device)
        if picked.type == "mps":  # there or not
            raise RuntimeError("Apple's MPS has no float64, in which losses and scales are summed")
        torch.empty(0, device=picked)
    except (RuntimeError, AssertionError, TypeError) as error:
        why = str(error).partition("\n")[0].split(". ")[0]  # torch lists all its backends
        raise ValueError(
            f"device must be 'auto', 'cpu' or a GPU that torch sees, got {device!r}: {why}"
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


def differences(
    theirs: Any, ours: Any, name: str = "", unlike: tuple[str, str] = ("there", "here")
) -> list[str]:
    """Return in words where two descriptions differ, a list; they are dicts of plain values.

    Examples
    --------
    >>> differences({"recipe": {"epochs": 3}}, {"recipe": {"epochs": 8}})
    ['recipe epochs is 3 there and 8 here']
    """
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = []
        for key in {**theirs, **ours}:
            inner = f"{name} {key}".strip()
            found += differences(theirs.get(key), ours.get(key), inner, unlike)
        return found
    # A tuple comes back from a file as a list.
    if theirs == ours or (isinstance(theirs, list) and theirs == list(ours or ())):
        return []
    if name.endswith(("digest", "weights")):
        return [f"{name} differ"]
    return [f"{name} is {theirs!r} {unlike[0]} and {ours!r} {unlike[1]}"]


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

    Raises
    ------
    Diverged
        If a score is no number.
    ValueError
        If all targets are equal, so that there is no R^2.
    """
    total: Any = 0
    spoiled: Any = False
    for batch, wanted in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
        scores = model(batch)
        spoiled = spoiled | scores.isnan().any()
        if n_classes is not None:
            total = total + (scores.argmax(-1) == wanted).sum(-1)
        else:
            total = total + (scores.squeeze(-1) - wanted).double().square().sum(-1)
    if n_classes is not None:
        measured = total.double() / len(targets)
    else:
        _refuse_equal("targets", targets)
        measured = 1 - total / (targets - targets.mean()).double().square().sum()
    if spoiled or not measured.isfinite().all():
        raise Diverged("the model's scores are no finite numbers: so there is nothing to measure")
    return measured.tolist()


def _refuse_equal(name: str, targets: Any) -> None:
    if len(targets) and bool((targets == targets[0]).all()):
        raise ValueError(f"{name} must differ for a regression, got {float(targets[0]):g} alone")


def sample_order(seed: int, epoch: int, n_samples: int) -> Tensor:
    """Return the order of the samples in an epoch."""
    order = np.random.default_rng([seed, epoch]).permutation(n_samples)
    return torch.from_numpy(order)


def check_task(task: Task, model: nn.Module) -> None:
    """Refuse what cannot be learned by this model, and warn of what can hardly be."""
    for name in ("train_inputs", "train_targets", "test_inputs", "test_targets"):
        array = getattr(task, name)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} of the task must be finite, got NaN or infinity")
        if task.n_classes is None and "targets" in name:
            _refuse_equal(f"{name} of the task", array)
    n_outputs, n_classes = _n_outputs(model), task.n_classes
    if n_outputs is not None and n_outputs != (n_classes or 1):
        wanted = f"{n_classes} outputs, one a class" if n_classes else "one output"
        raise ValueError(f"model must have {wanted}, for the task {task.name!r}, got {n_outputs}")
    largest = abs(task.train_inputs).max(initial=0)
    if task.kind == "images" and largest > LARGEST_INPUT:
        warnings.warn(
            f"images go up to {largest:g}; networks start for pixels from 0 to 1: divide by 255",
            stacklevel=4,
        )
    if n_classes and getattr(model, "head", None) == "scores":
        warnings.warn(
            "cross-entropy is to train the head 'scores', whose numbers leave the range of a "
            "softmax in deep networks; the head 'normalized' is made for it",
            stacklevel=4,
        )


def _n_outputs(model: nn.Module) -> int | None:
    architecture = getattr(getattr(model, "stacked", model), "architecture", None)
    return getattr(architecture, "n_outputs", None)


@contextmanager
def told_to_end(listen: bool) -> Iterator[list[BaseException]]:
    """Give a list in which Ctrl-C or SIGTERM puts what to raise, so that a step is finished.

    A second one ends the process at once. Only a main thread is told of signals.
    """
    told: list[BaseException] = []
    if not listen or threading.current_thread() is not threading.main_thread():
        yield told
        return

    def note(number: int, _: Any) -> None:
        ends = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
        if told:
            raise ends
        told.append(ends)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Run:
    """A training that can stop between any two steps; its state is what `save` writes.

    :mod:`convac_lib.learning.ensembles` has a kind of Run in which the order of the samples, the
    losses and what is measured have an axis of members in front.
    """

    train_x: Any  # tensors, or graphs or lists of windows
    test_x: Any

    def __init__(self, model: nn.Module, task: Task, recipe: Recipe, device: torch.device):
        check_task(task, model)
        self.model, self.task, self.recipe, self.device = model, task, recipe, device
        arrays = task.train_inputs, task.train_targets, task.test_inputs, task.test_targets
        self.train_x, self.train_y, self.test_x, self.test_y = (
            torch.from_numpy(array).to(device) for array in arrays
        )
        if isinstance(model, TreeModel):
            self.train_x, self.test_x = map(model.prepare, (self.train_x, self.test_x))
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
        path = None if checkpoint is None else Path(checkpoint).expanduser()
        if path is not None and path.exists():
            self.load(path)
        saved, wait = time.monotonic(), min(save_every, SAVED_FIRST)
        steps: Iterable[int] = range(self.steps_done, self.n_steps)
        if show_progress:
            steps = progress(steps, "training", initial=self.steps_done, total=self.n_steps)
        with told_to_end(path is not None) as told:
            for _ in steps:
                self.advance()
                if path is not None and (told or time.monotonic() - saved >= wait):
                    self.save(path)
                    saved, wait = time.monotonic(), save_every
                if told:
                    raise told[0]
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
            self.steps_done -= 1  # still of this one
            self.refuse_divergence(self.loss_so_far, *self.model.parameters())
            self.steps_done += 1
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
        if self.device.type == "cpu":  # a GPU is not waited for, until the end of an epoch
            self.refuse_divergence(losses)

    def refuse_divergence(self, *numbers: Tensor) -> None:
        """Raise `Diverged` if some numbers of this step are not finite."""
        if all(bool(torch.isfinite(number).all()) for number in numbers):
            return
        raise Diverged(
            f"the training diverged: at step {self.steps_done + 1} of {self.n_steps} (epoch "
            f"{1 + self.steps_done // self.steps_per_epoch}) a loss or a weight is no finite "
            f"number; the likely cause is learning_rate = {self.recipe.learning_rate:g}"
            f"{'' if self.recipe.clip else ' with clip = 0'}, too large for this network"
        )

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
        write_sealed(path, "checkpoint", state)

    def load(self, path: Path) -> None:
        """Go on from the state in `path`."""
        state = read_sealed(path, "checkpoint")
        different = differences(state["run"], self.fingerprint())
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
        return {
            "recipe": asdict(self.recipe),
            "model": described(self.model),
            "starting weights": self.start,
            "task": self._task_fingerprint,
        }

    @cached_property
    def _task_fingerprint(self) -> dict[str, Any]:
        task, found = self.task, hashlib.sha256()
        for array in (task.train_inputs, task.train_targets, task.test_inputs, task.test_targets):
            found.update(np.ascontiguousarray(array).data)
        return {"name": task.name, "samples": len(task.train_inputs), "digest": found.hexdigest()}
