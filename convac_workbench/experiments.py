"""One run, described by plain settings: what to learn, with which network, how.

A sweep is a list of these, `convac train` is one, and a row of results repeats
its settings, so that any number can be made again.
"""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from convac_lib._validation import as_choice, as_instance, as_int, as_list, as_number
from convac_lib.architecture import Architecture
from convac_lib.learning.ensembles import TEST_BATCH_ON_A_GPU, train_together
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.tasks import Task
from convac_lib.learning.training import Recipe, Result, pick_device, train

from .data import named_task
from .profiles import uniform_profile
from .results import FAILED, Row

MODELS = {"convac": ConvAC, "convnet": ConvNet}


def _uniform(r: int) -> Architecture:
    """Return the most even 64x64 network with no more weights than the two designs."""
    base = Architecture.wide_base(r)
    shape = (base.n_sites, base.window, base.local_dim, base.n_outputs)
    return uniform_profile(*shape, budget=base.parameter_count("all"), share="all")


DESIGNS = {
    "wide-base": Architecture.wide_base,
    "wide-tip": Architecture.wide_tip,
    "uniform": _uniform,
}
POSITIVE = ("local_dim", "epochs", "batch_size")
RECIPE = tuple(name.name for name in fields(Recipe) if name.name != "seed")


@dataclass(frozen=True)
class Experiment:
    """The settings of one run; all of them numbers, words, lists and tables of these.

    Attributes
    ----------
    task, task_seed, task_options
        For :func:`convac_lib.learning.tasks.make`.
    hold_out
        If not 0, test on that many training samples instead of the test set.
    model, model_options
        ``"convac"`` or ``"convnet"``, and its options, such as ``{"share": "none"}``.
    design, r
        ``"wide-base"``, ``"wide-tip"`` or ``"uniform"``: channels for 64 x 64 images, of the
        size that r gives the paper's two; or give `channels`.
    local_dim
        M.
    seed
        Of the starting weights and of the order of the samples.
    epochs, batch_size, learning_rate, optimizer, weight_decay, clip
        See :class:`convac_lib.learning.training.Recipe`.

    Examples
    --------
    >>> Experiment(task="local", design="wide-tip", r=6).channels
    (6, 6, 12, 12, 24, 24)
    """

    task: str = "digits"
    task_seed: int = 0
    task_options: dict[str, Any] = field(default_factory=dict)
    hold_out: int = 0
    model: str = "convac"
    model_options: dict[str, Any] = field(default_factory=dict)
    design: str = ""
    r: int = 0
    channels: tuple[int, ...] = ()
    local_dim: int = 10
    seed: int = 0
    epochs: int = Recipe.epochs
    batch_size: int = Recipe.batch_size
    learning_rate: float = Recipe.learning_rate
    optimizer: str = Recipe.optimizer
    weight_decay: float = Recipe.weight_decay
    clip: float = Recipe.clip

    def __post_init__(self) -> None:
        as_instance("task", self.task, str)
        as_instance("design", self.design, str)
        for name in ("task_options", "model_options"):
            as_instance(name, getattr(self, name), dict)
        for name in ("task_seed", "hold_out", "r", "seed", "local_dim", "epochs", "batch_size"):
            value = as_int(name, getattr(self, name), minimum=int(name in POSITIVE))
            object.__setattr__(self, name, value)  # Python's own, as files want them
        as_choice("model", self.model, tuple(MODELS))
        as_choice("design", self.design, ("", *DESIGNS))
        for name in ("learning_rate", "weight_decay", "clip"):
            value = as_number(name, getattr(self, name), minimum=0)  # 1 and 1.0 are one setting
            object.__setattr__(self, name, value)
        _ = self.recipe  # is checked where it is made
        if self.r and not self.design:
            raise ValueError(f"r must be 0 where there is no design, got {self.r}")
        if self.design and as_list("channels", self.channels):
            raise ValueError(
                f"channels must be empty with design = {self.design!r}, got {self.channels!r}"
            )
        if self.design:
            channels = DESIGNS[self.design](as_int("r", self.r, minimum=1)).channels
        elif widths := as_list("channels", self.channels):
            channels = tuple(as_int("channels", c, minimum=1) for c in widths)
        else:
            raise ValueError("channels must be given where there is no design and r")
        object.__setattr__(self, "channels", channels)

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> "Experiment":
        """Make an Experiment of a dict, naming the settings there are if one is unknown."""
        known = [f.name for f in fields(cls)]
        for name in settings:
            as_choice("setting", name, known)
        settings = dict(settings)
        if settings.get("design"):
            settings.pop("channels", None)  # they follow from it
        return cls(**settings)

    @property
    def settings(self) -> dict[str, Any]:
        """All settings as a dict of plain values, as a row of results holds them."""
        return {**asdict(self), "channels": list(self.channels)}

    @property
    def recipe(self) -> Recipe:
        """How to train."""
        return Recipe(seed=self.seed, **{name: getattr(self, name) for name in RECIPE})

    def load_task(self) -> Task:
        """Return the task; the last one made in this process is kept."""
        options = tuple(sorted(self.task_options.items()))
        task = _task(self.task, self.task_seed, options)
        return task.hold_out(self.hold_out) if self.hold_out else task

    def build_model(self, task: Task) -> ConvAC | ConvNet:
        """Return the untrained model for `task`."""
        *colours, n_sites, width = task.train_inputs.shape[1:]
        n_outputs = task.n_classes or 1
        options: dict[str, Any]
        if task.kind == "images":
            architecture = Architecture.for_image(width, self.local_dim, self.channels, n_outputs)
            options = {"representation": "conv3x3", "site_size": colours[0] if colours else 1}
        else:
            window = round(n_sites ** (1 / len(self.channels)))
            if window ** len(self.channels) != n_sites:
                window = 2  # then it is said how many widths there must be
            own = task.preparation is not None
            kind = "affine-relu" if own and width == 1 else "linear"
            local_dim = width + 1 if own and kind == "linear" else self.local_dim
            architecture = Architecture(n_sites, window, local_dim, self.channels, n_outputs)
            options = {"representation": kind, "site_size": width}
        if self.model == "convac":
            options["head"] = "normalized" if task.n_classes else "scores"
        if _mostly_black(task):
            options["share_background"] = self.model_options.get("share") != "none"
            if self.model == "convac":
                options["neutral_background"] = True
        return MODELS[self.model](architecture, seed=self.seed, **options | self.model_options)

    def fit(self, model: nn.Module, task: Task, **how: Any) -> Result:
        """Train `model` in place and return its Result.

        `how` goes to :func:`~convac_lib.learning.training.train`. On a GPU the model is an
        ensemble of one, so that a step is one graph, and itself stays where it is.
        """
        if pick_device(how.get("device", "auto")).type == "cuda":
            return train_together([model], task, self.recipe, seeds=[self.seed], **how)[0]
        return train(model, task, self.recipe, **how)

    def run(self, **how: Any) -> Row:
        """Train and return a row of results; `how` is as for `fit`."""
        task = self.load_task()
        model = self.build_model(task)
        return self.row(model, self.fit(model, task, **how))

    def row(self, model: nn.Module, result: Result, together: int = 1) -> Row:
        """Return the row of results of a trained model; `together` were trained at once."""
        return {
            **self.settings,
            "parameters": sum(p.numel() for p in model.parameters()),
            f"train_{result.measure}": result.train,
            f"test_{result.measure}": result.test,
            "losses": [epoch["loss"] for epoch in result.history],
            "test_history": [epoch["test"] for epoch in result.history],
            "seconds": round(result.seconds, 1),
            "together": together,
            "device": result.device,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "finished": _now(),
        }

    def failed_row(self, reason: str, **more: Any) -> Row:
        """Return the row of a run that failed: why, and no numbers."""
        return {**self.settings, FAILED: reason, **more, "finished": _now()}


def run_together(experiments: Sequence[Experiment], **how: Any) -> list[Row]:
    """Train experiments that differ in nothing but their seed, and return the row of each.

    `how` goes to :func:`~convac_lib.learning.ensembles.train_together`.
    """
    first = experiments[0]
    others = {**first.settings, "seed": None}
    if any({**experiment.settings, "seed": None} != others for experiment in experiments):
        raise ValueError("experiments must differ in their seeds only to be trained together")
    task = first.load_task()
    models = [experiment.build_model(task) for experiment in experiments]
    seeds = [experiment.seed for experiment in experiments]
    results = train_together(models, task, first.recipe, seeds=seeds, **how)
    return [
        experiment.row(model, result, together=len(experiments))
        for experiment, model, result in zip(experiments, models, results, strict=True)
    ]


def bytes_of_a_member(experiment: Experiment) -> float:
    """Estimate the memory that one more member takes on a GPU, in bytes.

    While it trains: the numbers that the sites see, their features, all that a layer makes
    of them, kept for the backward pass, and the gradients of the widest layer. A graph
    keeps this to itself, so that the tests at the end of an epoch come on top. Lines take
    less than the images that are assumed here.

    It is as for images without any black. The widest networks of Fig. 10, r = 30 with
    batches of 100, come to 4.8 GB: five of them fit a card with 40. With their black
    windows listed five took 5 GB in all, by torch's own count on an H100.

    Examples
    --------
    >>> widest = Experiment(task="local", design="wide-base", r=30)
    >>> round(bytes_of_a_member(widest) / 1e9, 1)
    4.8
    """
    channels, size = experiment.channels, 4  # bytes of a number
    sites = [4 ** (len(channels) - layer) for layer in range(len(channels))]
    made = [n * width for n, width in zip(sites, channels, strict=True)]
    read = sites[0] * (9 + 2 * experiment.local_dim)
    trained = read + 1.25 * sum(made) + 2.5 * max(made)
    tested = read + 1.75 * max(made)
    return size * (experiment.batch_size * trained + TEST_BATCH_ON_A_GPU * tested)


@lru_cache(maxsize=1)
def _task(name: str, seed: int, options: tuple[tuple[str, Any], ...]) -> Task:
    return named_task(name, seed, **dict(options))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _mostly_black(task: Task) -> bool:
    return bool(np.mean(task.train_inputs[:1000] == 0) > 0.9)
