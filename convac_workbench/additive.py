"""The additive control: whether a task needs two groups of inputs together at all.

The interaction a trained network *uses* says little about what its task *needs*. So train
the same kind of network in a form that has none, f(x_A) + g(x_B), beside the network itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import nn

from convac_lib._arrays import as_array, as_numbers
from convac_lib._validation import as_instance, as_int, shown
from convac_lib.learning.tasks import Task
from convac_lib.learning.training import Recipe, train

from .asking import as_mask

MOST_SEEDS = 1000


class Additive(nn.Module):
    """f(x_A) + g(x_B) from two networks: each sees its own side, and a filler on the other.

    Parameters
    ----------
    f, g : torch.nn.Module
        Each maps inputs of the full shape to (batch, outputs).
    mask : array_like of bool
        True = in A; it broadcasts over one input.
    filler : array_like
        What stands on the other side, such as the mean input; of the shape of one input.

    Examples
    --------
    >>> import numpy as np
    >>> f = g = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    >>> Additive(f, g, [True, True, False, False], np.zeros(4))(torch.rand(5, 4)).shape
    torch.Size([5, 3])
    """

    mask: torch.Tensor
    filler: torch.Tensor

    def __init__(self, f: nn.Module, g: nn.Module, mask: ArrayLike, filler: ArrayLike) -> None:
        super().__init__()
        self.f, self.g = as_instance("f", f, nn.Module), as_instance("g", g, nn.Module)
        whole, side = as_numbers("filler", filler), as_array("mask", mask)
        if whole.dtype.kind not in "iuf":
            raise ValueError(f"filler must be real numbers, got dtype {whole.dtype}")
        fits = len(side.shape) <= len(whole.shape) and all(
            n in (1, m) for n, m in zip(side.shape[::-1], whole.shape[::-1], strict=False)
        )
        if side.dtype != bool or not fits:
            raise ValueError(
                f"mask must be booleans that broadcast over one input of shape {whole.shape}, got "
                f"dtype {side.dtype} and shape {side.shape}"
            )
        self.register_buffer("mask", torch.tensor(side))
        self.register_buffer("filler", torch.tensor(whole))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of the two networks' answers."""
        filler = self.filler.to(x)
        left, right = torch.where(self.mask, x, filler), torch.where(self.mask, filler, x)
        return self.f(left) + self.g(right)


@dataclass(frozen=True)
class Control:
    """Test scores of networks with and without interaction, one for each seed.

    Accuracies for classes, R² for a regression.
    """

    whole: tuple[float, ...]
    additive: tuple[float, ...]

    def __str__(self) -> str:
        listed = [" ".join(f"{score:.3f}" for score in s) for s in (self.whole, self.additive)]
        return f"as it is {listed[0]}; f(A) + g(B) {listed[1]}"


def additive_control(
    build: Callable[[int], nn.Module],
    task: Task,
    partition: ArrayLike,
    *,
    seeds: int = 3,
    recipe: Recipe | None = None,
    device: str = "auto",
    **changes: Any,
) -> Control:
    """Train networks as they are and in the form f(x_A) + g(x_B), and return their scores.

    Parameters
    ----------
    build : callable
        ``build(seed)`` returns a new torch module that maps a batch to (batch, outputs).
    task : Task
        See :mod:`convac_lib.learning.tasks`.
    partition : array_like of bool
        True = in A; as for :func:`~convac_workbench.interaction.interaction`.
    seeds : int
        How many of either kind. One is an anecdote.
    recipe, device, **changes
        As for :func:`~convac_lib.learning.training.train`; the same for both kinds.

    Returns
    -------
    Control

    Raises
    ------
    ValueError
        If an argument is not of the kind above.

    Examples
    --------
    >>> import numpy as np
    >>> from convac_lib.learning import tasks
    >>> def build(seed):
    ...     torch.manual_seed(seed)
    ...     return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    >>> left = np.arange(64).reshape(8, 8) % 8 < 4
    >>> found = additive_control(build, tasks.make("digits"), left, seeds=1, epochs=2)
    >>> len(found.whole), len(found.additive)
    (1, 1)
    """
    seeds = as_int("seeds", seeds, minimum=1, maximum=MOST_SEEDS)
    as_instance("task", task, Task)
    if not callable(build):
        raise ValueError(
            f"build must be a function of a seed that returns a module, got {shown(build)}"
        )
    mask = as_mask(partition, task.train_inputs)
    filler = task.train_inputs.mean(axis=0)
    scores: dict[str, list[float]] = {"whole": [], "additive": []}
    for seed in range(seeds):
        # The two networks of the sum have seeds of their own, far from those of the whole.
        try:
            whole, f, g = (build(number) for number in (seed, 1000 + 2 * seed, 1001 + 2 * seed))
        except Exception as error:
            raise ValueError(
                f"build must return a module, got {type(error).__name__}: {error}"
            ) from error
        as_instance("what build returns", whole, nn.Module)
        models = {"whole": whole, "additive": Additive(f, g, mask, filler)}
        for kind, model in models.items():
            result = train(
                model, task, recipe, device=device, show_progress=False, seed=seed, **changes
            )
            scores[kind].append(result.test)
    return Control(**{kind: tuple(found) for kind, found in scores.items()})
