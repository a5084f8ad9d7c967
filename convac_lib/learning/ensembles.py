"""Many small models at once: equal in everything but their seeds, batched over these.

A small model leaves a GPU idle between its kernels. An :class:`Ensemble` is one model
whose parameters have an axis of members in front, and one step is a step of every
member, in the same number of kernels. Each member has its own starting weights, its own
order of the samples and its own gradient norm: it ends with the numbers of the same run
alone, up to rounding. On a GPU the whole step is moreover recorded once, as a CUDA
graph, and replayed.

Windows that see only zeros are computed once, as in runs alone, but from lists made before
the training (:mod:`.models.black_windows`): how many there are depends on the batch, and
the shapes of a graph do not.
"""

import copy
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._validation import as_instance, as_int, as_list
from .models.black_windows import ListedTree, WindowLists
from .tasks import Task
from .training import (
    TEST_BATCH,
    Recipe,
    Result,
    Run,
    described,
    device_name,
    differences,
    digest,
    evaluate,
    pick_device,
    sample_order,
)

TEST_BATCH_ON_A_GPU = 4 * TEST_BATCH


class Ensemble(nn.Module):
    """Models of one shape as one module: its parameters are theirs, stacked; they are copied.

    Raises
    ------
    ValueError
        If there are none, or they differ in anything that computes but their parameters'
        values: their class, shapes, options, plain attributes of any part, or buffers.

    Examples
    --------
    >>> from convac_lib import Architecture, ConvAC
    >>> models = [ConvAC(Architecture.line(2, (3, 3)), seed=seed) for seed in range(5)]
    >>> ensemble = Ensemble(models)
    >>> ensemble(torch.rand(5, 7, 4)).shape, ensemble(torch.rand(7, 4), same=True).shape
    (torch.Size([5, 7, 1]), torch.Size([5, 7, 1]))
    """

    stacked: Any  # a module of the kind of the members

    def __init__(self, models: Sequence[nn.Module]):
        super().__init__()
        models = as_list("models", models)
        for model in models:
            as_instance("models", model, nn.Module)
        if not models:
            raise ValueError("models must be at least one, got none")
        first = _all_but_weights(models[0])
        for number, model in enumerate(models):
            unlike = ("in models[0]", f"in models[{number}]")
            different = differences(first, _all_but_weights(model), unlike=unlike)
            if different:
                raise ValueError(
                    "models must differ in nothing but their weights, got "
                    + "; ".join(different[:3])
                )
        self.n_members = len(models)
        self.stacked = copy.deepcopy(models[0])
        self.lists_windows = getattr(self.stacked, "share_background", False)
        self.stacked.share_background = False  # a batch that is not listed is computed whole
        with torch.no_grad():
            for name, parameter in self.stacked.named_parameters():
                parameter.data = torch.stack([model.get_parameter(name) for model in models])

    def prepare(self, samples: Tensor) -> Tensor | WindowLists:
        """Return a set of samples as the members like it: as lists, if they share the black."""
        if not self.lists_windows:
            return samples
        return WindowLists(self.stacked.reader, samples)

    def forward(self, x: Tensor | ListedTree, same: bool = False) -> Tensor:
        """Return the members' scores, (members, batch, Y).

        For a batch of its own for each, (members, batch, ...); or, with ``same=True``, for
        one batch that all of them are given, (batch, ...). Samples may be prepared.
        """
        tree = x if isinstance(x, ListedTree) else None
        tensors = x.tensors if isinstance(x, ListedTree) else (x,)

        def of_a_member(parameters: dict[str, Tensor], *tensors: Tensor) -> Tensor:
            batch = tensors[0] if tree is None else tree.with_tensors(tensors)
            return torch.func.functional_call(self.stacked, parameters, (batch,))

        in_dims = (0, *[None if same else 0 for _ in tensors])
        parameters = dict(self.stacked.named_parameters())
        return torch.vmap(of_a_member, in_dims)(parameters, *tensors)

    @torch.no_grad()
    def hand_out(self, models: Sequence[nn.Module]) -> None:
        """Copy the members' parameters into `models`."""
        for name, stack in self.stacked.named_parameters():
            for model, values in zip(models, stack, strict=True):
                model.get_parameter(name).copy_(values)


def train_together(
    models: Sequence[nn.Module],
    task: Task,
    recipe: Recipe | None = None,
    *,
    seeds: Sequence[int],
    device: str | torch.device = "auto",
    checkpoint: str | Path | None = None,
    save_every: float = 30.0,
    show_progress: bool = True,
    capture: bool | None = None,
    **changes: Any,
) -> list[Result]:
    """Train models that are equal but for their weights, in place and at the same time.

    Returns the result of each; its seconds are its share of those of all.

    Parameters
    ----------
    models, task, recipe, device, checkpoint, save_every, show_progress, **changes
        As for :func:`convac_lib.learning.training.train`.
    seeds
        Of the order of the samples, one for each model, in place of the recipe's.
    capture
        Record a step as a CUDA graph and replay it. Without it: on a GPU.

    Raises
    ------
    ValueError
        If the models differ in more than weights, there is not one seed for each, `capture`
        is asked for without a GPU, or the checkpoint is of another run.

    Examples
    --------
    >>> from convac_lib import Architecture, ConvAC
    >>> from convac_lib.learning import tasks
    >>> image = Architecture.for_image(8, 2, (4, 4, 4), n_outputs=10)
    >>> models = [ConvAC(image, head="normalized", seed=seed) for seed in (0, 1)]
    >>> task = tasks.make("digits")
    >>> len(train_together(models, task, epochs=1, seeds=(0, 1), show_progress=False))
    2
    """
    seeds = [as_int("seeds", seed, minimum=0) for seed in as_list("seeds", seeds)]
    if len(seeds) != len(models):
        raise ValueError(f"seeds must be one for each of {len(models)} models, got {len(seeds)}")
    recipe = Recipe(**{**vars(recipe or Recipe()), **changes, "seed": seeds[0]})
    device = pick_device(device)
    if capture is None:
        capture = device.type == "cuda"
    elif capture and device.type != "cuda":
        raise ValueError(f"capture must be False on the device {device}: it needs a CUDA GPU")
    ensemble = Ensemble(models).to(device)
    run = EnsembleRun(ensemble, task, recipe, device, seeds, capture)
    run.complete(checkpoint, save_every, show_progress)
    ensemble.hand_out(models)
    return [run.result_of(member) for member in range(len(models))]


class EnsembleRun(Run):
    """A Run of an `Ensemble`: one step is a step of every member."""

    def __init__(
        self,
        ensemble: Ensemble,
        task: Task,
        recipe: Recipe,
        device: torch.device,
        seeds: Sequence[int],
        capture: bool = False,
    ):
        self.seeds, self.capture = seeds, capture
        super().__init__(ensemble, task, recipe, device)
        self.stacked = ensemble.stacked
        self.train_x, self.test_x = map(ensemble.prepare, (self.train_x, self.test_x))
        self.loss_so_far = self.loss_so_far.repeat(len(seeds))
        self.captured: CapturedStep | None = None
        if capture:
            self.captured = CapturedStep(super().step, before=self.optimizer.zero_grad)

    def step(self, chosen: Tensor) -> None:
        """Make a step, as a graph where there is one: an epoch's last batch may be smaller."""
        if self.captured is not None and chosen.shape[1] == self.recipe.batch_size:
            self.captured(chosen)
        else:
            super().step(chosen)

    def make_optimizer(self, rate: Any, **options: Any) -> torch.optim.Optimizer:
        """Return the optimizer; a graph wants its rate and its count of steps on the GPU."""
        if self.capture:
            rate = torch.tensor(rate, device=self.device)
            options = {"capturable": True, "fused": True}
        return super().make_optimizer(rate, **options)

    def set_rate(self, rate: float) -> None:
        """Set the rate of the next step: in place, where a graph reads it."""
        if not self.capture:
            return super().set_rate(rate)
        for group in self.optimizer.param_groups:
            group["lr"].fill_(rate)

    def make_order(self, epoch: int) -> Tensor:
        """Return each member's order of the samples, (members, samples)."""
        n_samples = len(self.train_x)
        return torch.stack([sample_order(seed, epoch, n_samples) for seed in self.seeds])

    def losses(self, scores: Tensor, wanted: Tensor) -> Tensor:
        """Return each member's mean loss over its batch, (members,)."""
        if self.task.n_classes is None:
            return (scores.squeeze(-1) - wanted.to(scores)).square().mean(-1)
        losses = F.cross_entropy(scores.flatten(0, 1), wanted.flatten(), reduction="none")
        return losses.view(wanted.shape).mean(-1)

    def clip_gradients(self) -> None:
        """Shorten each member's gradient, as `torch.nn.utils.clip_grad_norm_` does for one."""
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        whole = torch.cat([g.reshape(len(g), -1) for g in gradients], 1)
        norm = torch.linalg.vector_norm(whole, dim=1)
        factor = (self.recipe.clip / (norm + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factor.view(-1, *[1] * (gradient.dim() - 1)))

    def measure(self, inputs: Any, targets: Tensor) -> Any:
        """Return the accuracy, or R^2, of each member on these samples, as a list."""
        size = TEST_BATCH_ON_A_GPU if self.device.type == "cuda" else TEST_BATCH

        def scores(batch: Tensor | ListedTree) -> Tensor:
            return self.model(batch, same=True)

        return evaluate(scores, inputs, targets, self.task.n_classes, size)

    def fingerprint(self) -> dict[str, Any]:
        """Return what must be equal for a checkpoint to be of this run."""
        members = {"seeds": self.seeds, **described(self.stacked)}
        return {**super().fingerprint(), "members": members}

    def finish(self) -> dict[str, Any]:
        """Measure the trained members, in the memory that the graph had."""
        self.captured = None
        return super().finish()

    def result_of(self, member: int) -> Result:
        """Return the Result of one member."""

        def of_member(values: dict[str, Any]) -> dict[str, Any]:
            return {name: numbers[member] for name, numbers in values.items()}

        return Result(
            self.task.measure,
            **of_member(self.finish()),
            history=[of_member(epoch) for epoch in self.history],
            seconds=self.seconds / len(self.seeds),
            device=device_name(self.device),
        )


class CapturedStep:
    """A step of training recorded once as a CUDA graph and then replayed, in one launch.

    PyTorch's recipe for capturing a whole iteration ("CUDA Graphs" in its notes on CUDA
    semantics): a few steps on a side stream, so that all that is made once is there;
    one recorded, in which nothing is computed; and then replays, which read their input
    where the recording did. The first steps are steps of the training like all others.

    Parameters
    ----------
    step
        Takes the static copy of the input; changes its own tensors in place, and neither
        waits for the GPU nor returns anything.
    before
        Called before the recording: it drops the gradients, so that the graph's are its own.
    """

    WARM_UP = 3

    def __init__(self, step: Callable[[Tensor], None], before: Callable[[], None]):
        self.step, self.before = step, before
        self.input: Tensor | None = None
        self.graph: torch.cuda.CUDAGraph | None = None
        self.warmed_up = 0

    def __call__(self, chosen: Tensor) -> None:
        """Make the step for this input; the shape is the same at every call."""
        with torch.cuda.device(chosen.device):
            if self.input is None:
                self.input = torch.empty_like(chosen)
            self.input.copy_(chosen)
            if self.warmed_up < self.WARM_UP:
                self._step_aside(self.input)
                self.warmed_up += 1
                return
            if self.graph is None:
                self.graph = self._record(self.input)
            self.graph.replay()

    def _step_aside(self, chosen: Tensor) -> None:
        """Make the step on a side stream: after all that was asked for, before what comes."""
        stream, main = torch.cuda.Stream(), torch.cuda.current_stream()
        stream.wait_stream(main)
        with torch.cuda.stream(stream), warnings.catch_warnings():
            # The optimizer wonders whether its steps will ever be recorded. They will.
            warnings.filterwarnings("ignore", "This instance was constructed with capturable")
            self.step(chosen)
        main.wait_stream(stream)

    def _record(self, chosen: Tensor) -> torch.cuda.CUDAGraph:
        self.before()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(chosen)
        return graph


def _all_but_weights(model: nn.Module) -> dict[str, Any]:
    """Return what must be equal for models to be stacked, as plain values."""
    plain = (bool, int, float, str, tuple, type(None), torch.dtype)
    parts = {
        name: {key: value for key, value in vars(part).items() if isinstance(value, plain)}
        | {"class": type(part).__qualname__}
        for name, part in model.named_modules()
    }
    return {
        **described(model),
        "parts": parts,
        "buffers digest": digest(dict(model.named_buffers())),
    }
