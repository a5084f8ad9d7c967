"""A task from a file of your own: a .npz with four arrays, refused by name if one is wrong."""

import zipfile
import zlib
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np

from ..._arrays import Array
from . import Task

ARRAYS = ("train_inputs", "train_targets", "test_inputs", "test_targets")
Arrays: TypeAlias = dict[str, Array]
FEWEST = 20  # samples to train on
_DAMAGE = (  # what NumPy, zipfile and zlib raise for files that are not whole
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, OSError, AttributeError,
    TypeError, NotImplementedError,
)  # fmt: skip


def read_npz(path: str | Path, kind: str | None = None) -> Task:
    """Return the task in a .npz file, as ``numpy.savez`` writes it.

    The arrays train_inputs and test_inputs are images (samples, side, side) or sequences
    (samples, N, numbers), side and N powers of two; of train_targets and test_targets
    integers are classes 0, 1, ..., others are numbers to regress. Without a `kind`, square
    inputs are images, others sequences.

    Raises
    ------
    ValueError
        If the file is missing, damaged or pickled, or an array has a wrong shape or type.
    """
    path = Path(path)
    try:
        arrays = _arrays(path)
        _check_numbers(arrays)
        _check_shapes(arrays)
        train, test, n_classes = _targets(arrays)
    except _Bad as problem:
        raise ValueError(f"{path}{problem}") from None
    inputs = [arrays[name].astype(np.float32) for name in ("train_inputs", "test_inputs")]
    if kind is None:
        kind = "images" if inputs[0].shape[1] == inputs[0].shape[2] else "sequences"
    return Task(path.stem, inputs[0], train, inputs[1], test, n_classes, kind)


class _Bad(Exception):
    """What is wrong, as the rest of a sentence that begins with the file."""


def _arrays(path: Path) -> Arrays:
    if not path.is_file():
        raise _Bad(" is not there, or is no file")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in ARRAYS if name not in file.files]
            if not missing:
                return {name: file[name] for name in ARRAYS}
    except _DAMAGE as error:
        raise _Bad(f" cannot be read as a .npz file of numbers ({error})") from None
    raise _Bad(f" must hold {', '.join(ARRAYS)}; missing: {', '.join(missing)}")


def _refuse(name: str, allowed: str, got: object) -> NoReturn:
    raise _Bad(f": {name} must {allowed}, got {got}")


def _check_numbers(arrays: Arrays) -> None:
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            _refuse(name, "hold real numbers", f"dtype {array.dtype}")
        if not np.isfinite(array).all():
            _refuse(name, "be finite", "NaN or infinity")


def _check_shapes(arrays: Arrays) -> None:
    for part in ("train", "test"):
        inputs, targets = arrays[f"{part}_inputs"], arrays[f"{part}_targets"]
        if inputs.ndim != 3 or 0 in inputs.shape:
            allowed = "have the shape (samples, side, side) or (samples, N, numbers)"
            _refuse(f"{part}_inputs", allowed, f"shape {inputs.shape}")
        if targets.shape != inputs.shape[:1]:
            allowed = f"have the shape ({len(inputs)},), one for each sample"
            _refuse(f"{part}_targets", allowed, f"shape {targets.shape}")
    train, test = arrays["train_inputs"], arrays["test_inputs"]
    samples, side, width = train.shape
    if test.shape[1:] != (side, width):
        _refuse("test_inputs", f"have the shape (samples, {side}, {width})", f"shape {test.shape}")
    if samples < FEWEST:
        _refuse("train_inputs", f"hold at least {FEWEST} samples", samples)
    if side < 2 or side & (side - 1):
        _refuse("train_inputs", "have a power of two as side or number of sites", side)


def _targets(arrays: Arrays) -> tuple[Array, Array, int | None]:
    """Return (to train on, to test on, number of classes or None)."""
    train, test = arrays["train_targets"], arrays["test_targets"]
    kinds = ["classes" if targets.dtype.kind in "biu" else "numbers" for targets in (train, test)]
    if kinds[0] != kinds[1]:
        _refuse("test_targets", f"be {kinds[0]} as train_targets are", f"dtype {test.dtype}")
    if kinds[0] == "numbers":
        return train.astype(np.float32), test.astype(np.float32), None
    seen = np.unique(train)
    n_classes = len(seen)
    if n_classes < 2 or not np.array_equal(seen, np.arange(n_classes)):
        few = ", ".join(map(str, seen[:5].tolist())) + (", ..." if n_classes > 5 else "")
        _refuse("train_targets", "be classes 0, 1, ..., at least two and each seen", few)
    if test.min() < 0 or test.max() >= n_classes:
        _refuse("test_targets", f"be classes from 0 to {n_classes - 1}", int(test.max()))
    return train.astype(np.int64), test.astype(np.int64), n_classes
