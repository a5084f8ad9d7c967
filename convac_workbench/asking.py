"""Ask a network about two groups of its inputs, as a black box: the matrix of answers.

Side A of input i is joined with side B of input j, for all pairs of n inputs, and the
network is asked n² questions. For a ConvAC the rank of the matrix is at most the minimal
cut; for any other network see :mod:`convac_workbench.interaction`.

Any torch module or Python function may be asked. torch is touched only for a torch module
or a tensor.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convac_lib._arrays import as_array, refuse_beyond_memory
from convac_lib._validation import as_choice, shown

READINGS = ("logits", "values")
QUESTIONS_AT_ONCE = 4096
_SAME = 1e-4  # answers that differ by less, relative to their size, are the same


def answers(
    function: Callable[[Any], Any], inputs: Any, partition: ArrayLike, reading: str = "logits"
) -> np.ndarray:
    """Return the matrix of answers H_ij = h(x_A of input i joined with x_B of input j).

    Parameters
    ----------
    function, inputs, partition, reading
        As for :func:`~convac_workbench.interaction.interaction`; all of `inputs` are used.

    Returns
    -------
    ndarray of float64, shape (n, n, outputs)

    Examples
    --------
    >>> answers(lambda x: x[:, 0] * x[:, 1], [[1, 2], [3, 4]], [True, False], "values")[..., 0]
    array([[ 2.,  4.],
           [ 6., 12.]])
    """
    as_choice("reading", reading, READINGS)
    inputs = as_inputs(inputs)
    ask = Asker(function, inputs, as_mask(partition, inputs), reading)
    return ask.all_pairs(np.arange(len(inputs)))


def as_inputs(inputs: Any) -> Any:
    """Return an array or tensor of samples as it is, or an array of one, or raise a ValueError."""
    array = as_array("inputs", inputs)
    if array.ndim < 2 or array.dtype.kind not in "biuf" or 0 in array.shape:
        raise ValueError(
            f"inputs must be real numbers, a sample a row, got dtype {array.dtype} and shape "
            f"{array.shape}"
        )
    return inputs if _is_tensor(inputs) else array


def as_mask(partition: ArrayLike, inputs: Any) -> np.ndarray:
    """Return `partition` as booleans that broadcast over one input, or raise a ValueError.

    Examples
    --------
    >>> as_mask([True, False, True], np.zeros((5, 3, 2))).shape  # three tokens of two numbers
    (3, 1)
    """
    shape = tuple(as_inputs(inputs).shape[1:])
    mask = as_array("partition", partition)
    if mask.dtype != bool:
        if mask.dtype.kind not in "iu" or not np.isin(mask, (0, 1)).all():
            raise ValueError(f"partition must hold booleans, got dtype {mask.dtype}")
        mask = mask.astype(bool)
    first, last = shape[: mask.ndim] == mask.shape, shape[len(shape) - mask.ndim :] == mask.shape
    if mask.ndim == 0 or not (first or last):
        raise ValueError(
            f"partition must have the shape of an input, {shape}, or of its first or last axes, "
            f"got {mask.shape}"
        )
    if first and last and mask.ndim < len(shape):
        raise ValueError(
            f"partition could mean the first or the last axes of inputs of shape {shape}: "
            "give it in the full shape"
        )
    if mask.all() or not mask.any():
        raise ValueError(f"partition must leave neither side empty, got all {bool(mask.all())}")
    return mask.reshape(mask.shape + (1,) * (len(shape) - mask.ndim)) if first else mask


class Asker:
    """A function and the inputs whose sides are joined."""

    def __init__(self, function: Any, inputs: Any, mask: np.ndarray, reading: str) -> None:
        if not callable(function):
            raise ValueError(
                f"function must be a torch module or a callable, got {shown(function)}"
            )
        self.function, self.reading, self.mask = function, reading, mask
        self.torch: Any = sys.modules.get("torch")  # where a module exists, torch is imported
        self.is_module = self.torch is not None and isinstance(function, self.torch.nn.Module)
        self.as_tensor = self.is_module or _is_tensor(inputs)
        self.inputs = inputs
        self.plain = as_numpy(inputs)

    def all_pairs(self, chosen: np.ndarray) -> np.ndarray:
        """Return the answers to all pairs of sides of the inputs chosen, (n, n, outputs)."""
        sides, n = self.plain[chosen], len(chosen)
        pairs, found = np.indices((n, n)).reshape(2, -1), []
        for start in range(0, n * n, QUESTIONS_AT_ONCE):
            a, b = pairs[:, start : start + QUESTIONS_AT_ONCE]
            found.append(self(np.where(self.mask, sides[a], sides[b])))
            if start == 0:
                shape = (n * n, found[0].shape[1])
                refuse_beyond_memory("n", shape, float, "take fewer images")
        return np.concatenate(found).reshape(n, n, -1)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Return the answers to a batch, (questions, outputs), centred if they are logits."""
        try:
            answer = self._raw(np.ascontiguousarray(batch))
        except Exception as error:
            raise ValueError(
                f"function must answer a batch of the shape {batch.shape} with numbers, got "
                f"{type(error).__name__}: {error}"
            ) from error
        if answer.ndim == 1:
            answer = answer[:, None]
        if answer.ndim != 2 or len(answer) != len(batch):
            raise ValueError(
                f"function must return (questions, outputs) for {len(batch)} questions, got the "
                f"shape {answer.shape}"
            )
        if not np.isfinite(answer).all():
            raise ValueError("function must return finite numbers, got NaN or infinity")
        if self.reading == "values" or answer.shape[1] == 1:
            return answer
        if (answer >= 0).all() and np.allclose(answer.sum(1), 1, atol=1e-3):
            raise ValueError(
                "function must return logits, got probabilities: a softmax couples the sides by "
                "itself, even a linear classifier's; give logits or the logarithms of the "
                "probabilities, and ask for softmax=True"
            )
        return answer - answer.mean(1, keepdims=True)

    def _raw(self, batch: np.ndarray) -> np.ndarray:
        if not self.as_tensor:
            return np.asarray(self.function(batch), dtype=float)
        torch = self.torch
        tensor = torch.from_numpy(batch)
        parameter = next(iter(self.function.parameters()), None) if self.is_module else None
        if parameter is not None:
            floating = tensor.dtype.is_floating_point and parameter.dtype.is_floating_point
            tensor = tensor.to(parameter.device, parameter.dtype if floating else None)
        elif _is_tensor(self.inputs):
            tensor = tensor.to(self.inputs.device)
        with torch.no_grad():
            answer = self.function(tensor)
        return as_numpy(answer).astype(float)

    def seconds(self, chosen: np.ndarray) -> float:
        """Return how long one question takes, measured on some."""
        some = self.plain[chosen]
        self(some)  # the first call may be slow
        started = time.perf_counter()
        self(some)
        return (time.perf_counter() - started) / len(some)

    def check(self, chosen: np.ndarray) -> None:
        """Raise a ValueError if the answers depend on chance or on the rest of the batch."""
        some = self.plain[chosen]
        once, few = self(some), self(some[::-1][: len(some) // 2])
        size = abs(once).max()
        off = abs(few - once[::-1][: len(few)]).max()
        if off > _SAME * size:
            raise ValueError(
                "function must give the same answer twice, whatever else is in the batch; got "
                f"answers that differ by {off:.2g} (dropout or batch statistics? call .eval())"
            )
        if size == 0 or abs(once - once[0]).max() <= 1e-12 * size:
            raise ValueError("function must not give one answer to all images, got the same twice")


def refuse_raw_scores(function: Any, reading: str) -> None:
    """Raise a ValueError for a ConvAC's scores: their scale differs from input to input."""
    if reading == "logits" and getattr(function, "head", None) == "scores":
        architecture = getattr(function, "architecture", None)
        if getattr(architecture, "n_outputs", 1) > 1:
            raise ValueError(
                "function must not give a ConvAC's raw scores: they are defined up to a factor of "
                'each input, which no decision sees; take head="normalized"'
            )


def refuse_constant(inputs: Any, chosen: np.ndarray, mask: np.ndarray) -> None:
    """Raise a ValueError if one side is the same in all inputs chosen."""
    some = as_numpy(inputs)[chosen]
    varies = (some != some[:1]).any(axis=0)
    for name, side in (("A", mask), ("B", ~mask)):
        if not (varies & side).any():
            raise ValueError(f"inputs must vary on side {name}, got the same there in all images")


def _is_tensor(inputs: Any) -> bool:
    return type(inputs).__module__.partition(".")[0] == "torch"


def as_numpy(array: Any) -> np.ndarray:
    """Return an array or a tensor as a NumPy array."""
    return array.detach().cpu().numpy() if _is_tensor(array) else np.asarray(array)
