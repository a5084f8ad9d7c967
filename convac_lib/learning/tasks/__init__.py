"""Tasks to train on: by name, seeded, and nothing downloaded unless asked for.

``make("digits")`` and its relatives need no network. The paper's tasks take
``source="mnist"``, which is fetched once; see :mod:`convac_lib.learning.tasks.mnist`.
"""

from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from inspect import signature
from typing import Any

from ..._arrays import Array
from ..._validation import as_choice, as_instance, as_int

KINDS = ("images", "sequences")


@dataclass(frozen=True, eq=False)
class Task:
    """Inputs and targets, to train on and to test on.

    Attributes
    ----------
    name
        What was asked for.
    train_inputs, test_inputs
        Images (samples, [colours,] side, side) or sequences (samples, N, s).
    train_targets, test_targets
        One for each sample: classes (int64), or numbers to regress (float32).
    n_classes
        None for a regression.
    kind
        ``"images"`` or ``"sequences"``; a square array alone would not tell.
    preparation, notes
        Of data of your own: a :class:`~convac_workbench.data.preparation.Preparation`, and
        what was found and guessed.
    """

    name: str
    train_inputs: Array
    train_targets: Array
    test_inputs: Array
    test_targets: Array
    n_classes: int | None
    kind: str
    preparation: Any = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        as_choice("kind", self.kind, KINDS)

    @property
    def measure(self) -> str:
        """How well a network does is told by: ``"accuracy"``, or ``"r2"`` for a regression."""
        return "accuracy" if self.n_classes else "r2"

    def hold_out(self, n_samples: int) -> "Task":
        """Return the task whose test set is the last `n_samples` of the training set.

        For choosing rates and epochs: the true test set is not touched.
        """
        n = as_int("n_samples", n_samples, minimum=1, maximum=len(self.train_inputs) - 1)
        return replace(
            self,
            train_inputs=self.train_inputs[:-n],
            train_targets=self.train_targets[:-n],
            test_inputs=self.train_inputs[-n:],
            test_targets=self.train_targets[-n:],
        )


def is_registered(name: str) -> bool:
    """Return whether an installed package has a task called `name`."""
    as_instance("name", name, str)
    return name in entry_points(group="convac.tasks").names


def make(task: str, seed: int = 0, **options: Any) -> Task:
    """Return the task called `task`, drawn with `seed`.

    A package gives its tasks names by entry points of the group ``convac.tasks``: functions
    of a seed and of options that return a :class:`Task`. Ours are ``"digits"``, ``"local"``
    and ``"global"`` (:mod:`.digits`), those of the book's pages ``"tiled"``, ``"filling"``,
    ``"photos"`` and ``"pairs"``. For data of your own see :mod:`convac_workbench.data`.

    Raises
    ------
    ValueError
        If there is no such task or several, or it has no such option.

    Examples
    --------
    >>> task = make("digits")
    >>> task.train_inputs.shape, task.test_inputs.shape, task.n_classes
    ((1397, 8, 8), (400, 8, 8), 10)
    """
    seed = as_int("seed", seed, minimum=0)
    known = entry_points(group="convac.tasks")
    as_choice("task", task, sorted(known.names))
    draw, *others = [entry.load() for entry in known.select(name=task)]
    if others:
        raise ValueError(f"task must be the name of one installed task, got several {task!r}")
    for option in options:
        as_choice(f"option of task {task!r}", option, tuple(signature(draw).parameters))
    drawn: Task = draw(seed=seed, **options)
    return drawn
