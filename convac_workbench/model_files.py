"""A trained model in a file that knows all of it: architecture, preparation, classes.

So the file alone predicts: samples go in as they come from the camera or the instrument, and
names of classes, or numbers, come out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convac_lib._arrays import Array
from convac_lib._validation import as_instance, as_path
from convac_lib.architecture import Architecture
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.models.tree import TreeModel
from convac_lib.learning.safe_files import naming, read_sealed, write_sealed
from convac_lib.learning.tasks import Task
from convac_lib.learning.training import TEST_BATCH, evaluate

from .data import Preparation

MODELS: dict[str, Any] = {"ConvAC": ConvAC, "ConvNet": ConvNet}


@dataclass(frozen=True, eq=False)
class Trained:
    """A model and what is done with samples before and with scores after it.

    Examples
    --------
    >>> from convac_lib import Architecture, ConvAC
    >>> pictures = np.random.default_rng(0).random((4, 7, 7))
    >>> preparation = Preparation.fitted(pictures, np.array(["cat", "dog"] * 2))[0]
    >>> model = ConvAC(Architecture.for_image(8, 3, (4, 4, 4), n_outputs=2), seed=0)
    >>> set(Trained(model, preparation).predict(pictures)) <= {"cat", "dog"}
    True
    """

    model: ConvAC | ConvNet
    preparation: Preparation

    def __post_init__(self) -> None:
        as_instance("model", self.model, TreeModel)
        as_instance("preparation", self.preparation, Preparation)

    @torch.no_grad()
    def scores(self, inputs: Any) -> Array:
        """Return the scores of samples as they come, shape (samples, Y)."""
        prepared = torch.from_numpy(self.preparation.apply(inputs))
        scores = [self.model(batch) for batch in prepared.split(TEST_BATCH)]
        return torch.cat(scores).cpu().numpy() if scores else np.empty((0, 1))

    def probabilities(self, inputs: Any) -> Array:
        """Return the softmax of the scores, (samples, classes); a ValueError for a regression."""
        if not self.preparation.classes:
            raise ValueError("probabilities are of classes, and this model regresses a number")
        return torch.from_numpy(self.scores(inputs)).softmax(-1).numpy()

    def predict(self, inputs: Any) -> Array:
        """Return the name of each sample's class, or its number."""
        return self.preparation.answers(self.scores(inputs))

    def evaluate(self, inputs: Any, targets: Any) -> float:
        """Return the accuracy on samples with their targets, or R^2 of a regression."""
        prepared, wanted = self.preparation.apply(inputs), self.preparation.targets(targets)
        if len(prepared) != len(wanted):
            raise ValueError(
                f"targets must be one for each of {len(prepared)} samples, got {len(wanted)}"
            )
        tensors = torch.from_numpy(prepared), torch.from_numpy(wanted)
        return float(evaluate(self.model, *tensors, len(self.preparation.classes) or None))

    def save(self, path: str | Path) -> None:
        """Write a file that `load` reads."""
        contents = {
            "class": type(self.model).__name__,
            "options": self.model.options,
            "share_background": self.model.share_background,
            "dtype": str(self.model.dense.dtype).removeprefix("torch."),
            "weights": self.model.state_dict(),
            "preparation": self.preparation.plain,
        }
        write_sealed(as_path("path", path), "model", contents)

    def export(self, path: str | Path, inputs: Any) -> None:
        """Write a program of `torch.export`, which needs no more than torch, and try it.

        It maps samples as they come, float32 of any number, to scores. The `inputs` are a few
        samples to try it on: a RuntimeError if its scores are others.
        """
        path = as_path("path", path)
        samples = torch.from_numpy(np.asarray(inputs, dtype=np.float32))
        if len(samples) < 2:
            samples = samples.repeat(2, *[1] * (samples.dim() - 1))
        served = _Served(self).eval()
        wanted = served(samples)  # which also makes the tables of what a site sees
        shapes = ({0: torch.export.Dim("samples", min=1)},)
        program = torch.export.export(served, (samples,), dynamic_shapes=shapes, strict=False)
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.export.save(program, path)
        again: Any = torch.export.load(path).module()
        for some in (samples, samples[:1]):
            if not torch.allclose(again(some), wanted[: len(some)], rtol=1e-4, atol=1e-5):
                raise RuntimeError(f"{path} does not give the scores of the model; do not use it")


class _Served(nn.Module):
    """From samples as they come to scores, by torch's operations alone."""

    def __init__(self, trained: Trained):
        super().__init__()
        self.model, preparation = trained.model, trained.preparation
        # What `Preparation.apply` does, as places and factors of one flat list of numbers.
        places = np.arange(1, 1 + int(np.prod(preparation.shape))).reshape(preparation.shape)
        plain = Preparation(**{**preparation.plain, "offset": (0.0,), "scale": (1.0,)})
        table = plain.apply(places[None].astype(float))[0]
        self.register_buffer("table", torch.from_numpy(table.astype(np.int64)))
        for name in ("offset", "scale"):
            values = np.broadcast_to(getattr(preparation, name), preparation.shape)
            self.register_buffer(name, torch.from_numpy(values.astype(np.float32)))

    def forward(self, x: Tensor) -> Tensor:
        offset, scale, table = (self.get_buffer(name) for name in ("offset", "scale", "table"))
        numbers = nn.functional.pad(((x - offset) * scale).flatten(1), (1, 0))
        read = numbers.index_select(1, table.flatten()).unflatten(1, table.shape)
        model: Any = self.model
        shared, model.share_background = model.share_background, False
        try:
            return model(read)
        finally:
            model.share_background = shared


def load(path: str | Path) -> Trained:
    """Return the trained model in a file; a ValueError if it is damaged or no model file.

    Examples
    --------
    >>> import tempfile
    >>> from convac_lib import Architecture, ConvAC
    >>> preparation = Preparation.fitted(np.eye(4), np.array([0.5, 1, 2, 3]))[0]
    >>> trained = Trained(ConvAC(Architecture.line(3, (2, 2)), seed=0), preparation)
    >>> trained.save(tempfile.gettempdir() + "/line.pt")
    >>> load(tempfile.gettempdir() + "/line.pt").predict(np.eye(4)).shape
    (4,)
    """
    contents = read_sealed(as_path("path", path), "model")
    options = dict(contents["options"])
    architecture = Architecture(**options.pop("architecture"))
    model = MODELS[contents["class"]](
        architecture,
        **options,
        share_background=contents["share_background"],
        dtype=getattr(torch, contents["dtype"]),
    )
    model.load_state_dict(contents["weights"])
    return Trained(model, Preparation.from_plain(contents["preparation"]))


def trained_on(model: Any, task: Task) -> Trained:
    """Return the model with the preparation of the task that it was trained on."""
    as_instance("task", task, Task)
    if task.preparation is not None:
        return Trained(model, task.preparation)
    shape, classes = task.train_inputs.shape[1:], tuple(map(str, range(task.n_classes or 0)))
    size = shape[0] if task.kind == "sequences" else shape[-1]
    return Trained(model, Preparation(task.kind, shape, False, size, (0.0,), (1.0,), classes))
