"""What is done with samples before a network sees them: said, stored, and done again later.

A network reads a number of sites that is a power of its window. So images are padded to a
square with a power of two as its side, and sequences to a power of two; or cropped, where that
is asked for. Numbers are moved to lie between 0 and 1, by what the training part alone says.
"""

from dataclasses import asdict, dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convac_lib._arrays import Array, as_array, as_numbers
from convac_lib._validation import as_choice, as_instance, as_int
from convac_lib.learning.tasks import KINDS, Task, is_registered, make

from .reading import Samples, is_data, read

FITS, MISSING = ("pad", "crop"), ("refuse", "drop")
MOST_CLASSES = 1000
FEW_VALUES, PER_CLASS = 20, 5  # whole numbers: more values, with fewer samples each, are regressed
FEWEST = 20  # samples to train on
COLOURS = (1, 2, 3, 4)
HELD_OUT = 5  # one in so many samples is tested on, where the data are in one piece


@dataclass(frozen=True)
class Preparation:
    """How samples become what a network reads, and its scores become answers.

    All of it plain values: it lies in a model file.

    Attributes
    ----------
    kind
        ``"images"`` or ``"sequences"``.
    shape
        Of a sample as it comes: (height, width), (colours, height, width), (N,) or (N, s).
    colours_last
        Whether images come as (height, width, colours).
    size
        How many sites a side of the network's images has, or its line.
    offset, scale
        What is taken away and then multiplied with: one number, or one for each of a row.
    classes
        The names of the classes; none for a regression.
    target_offset, target_scale
        Of the numbers to regress: what the network learns times the scale, plus the offset.
    columns
        The names of a table's inputs, in order: new tables may have theirs in another.

    Examples
    --------
    >>> pictures = np.arange(2 * 6 * 6).reshape(2, 6, 6)
    >>> preparation = Preparation.fitted(pictures, np.array(["a", "b"]))[0]
    >>> preparation.size, preparation.classes, preparation.apply(pictures).shape
    (8, ('a', 'b'), (2, 8, 8))
    """

    kind: str
    shape: tuple[int, ...]
    colours_last: bool
    size: int
    offset: tuple[float, ...]
    scale: tuple[float, ...]
    classes: tuple[str, ...] = ()
    target_offset: float = 0.0
    target_scale: float = 1.0
    columns: tuple[str, ...] = ()

    @classmethod
    def fitted(
        cls,
        inputs: Array,
        targets: Array,
        kind: str = "",
        fit: str = "pad",
        table: bool = False,
    ) -> tuple["Preparation", list[str]]:
        """Return what to do with samples like these, and what was guessed, in words."""
        as_choice("fit", fit, FITS)
        as_instance("table", table, bool)
        inputs = as_array("inputs", inputs)
        if inputs.dtype.kind not in "biuf" or inputs.ndim < 2 or 0 in inputs.shape:
            raise ValueError(
                f"inputs must be real numbers, a sample a row, got dtype {inputs.dtype} and shape "
                f"{inputs.shape}"
            )
        kind, notes = _kind(inputs.shape[1:], kind)
        shape, last = inputs.shape[1:], False
        if kind == "images" and len(shape) == 3:
            last = shape[0] not in COLOURS and shape[2] in COLOURS
            notes.append(f"{shape[2] if last else shape[0]} colours, {'last' if last else 'first'}")
        sides = _sides(kind, shape, last)
        size = _power_of_two(max(sides)) if fit == "pad" else _power_of_two(min(sides) + 1) // 2
        size = max(size, 2)
        if set(sides) != {size}:
            done = "padded with zeros" if fit == "pad" else "cropped in the middle"
            where = "in the middle" if kind == "images" and fit == "pad" else "at the end"
            where = "" if fit == "crop" else " " + where
            notes.append(f"{' x '.join(map(str, sides))} is {done}{where} to {size}")
        offset, scale, said = _scaling(inputs, table)
        preparation = cls(kind, tuple(shape), last, size, offset, scale)
        preparation, more = preparation._with_targets(targets)
        return preparation, [*notes, said, *more]

    def apply(self, inputs: Any) -> NDArray[np.float32]:
        """Return samples as a network reads them.

        Images (samples, [colours,] size, size) or sequences (samples, size, numbers).

        Raises
        ------
        ValueError
            If they have another shape than those that this was fitted on, or are not finite.
        """
        inputs = as_array("inputs", inputs)
        if inputs.shape[1:] != self.shape or inputs.dtype.kind not in "biuf":
            raise ValueError(
                f"inputs must be numbers of the shape (samples, {str(self.shape)[1:]}, as those "
                f"trained on, got {inputs.dtype} of shape {inputs.shape}"
            )
        bad = ~np.isfinite(inputs).reshape(len(inputs), -1).all(1)
        if bad.any():
            raise ValueError(
                f"inputs must be finite, got {bad.sum()} samples with missing or infinite numbers, "
                f"the first number {bad.argmax()}"
            )
        scaled = (inputs - np.array(self.offset)) * np.array(self.scale)
        scaled = scaled.astype(np.float32)
        if self.kind == "sequences":
            scaled = scaled.reshape(*scaled.shape[:2], -1)
            return _fitted_axis(scaled, 1, self.size, middle=False)
        if self.colours_last:
            scaled = np.moveaxis(scaled, -1, 1)
        for axis in (-2, -1):
            scaled = _fitted_axis(scaled, axis, self.size, middle=True)
        if scaled.ndim == 4 and scaled.shape[1] == 1:
            return scaled[:, 0]
        return scaled

    def targets(self, targets: Array) -> Array:
        """Return targets as a network learns them: int64 classes, or float32 numbers."""
        targets = as_array("targets", targets)
        kinds, axes = ("biufU", (1, 2)) if self.classes else ("biuf", (1,))
        fits = targets.dtype.kind in kinds and targets.ndim in axes and 0 not in targets.shape[1:]
        if not fits or not _present(targets).all():
            raise ValueError(
                f"targets must be one a sample, and none missing, got dtype {targets.dtype} and "
                f"shape {targets.shape}"
            )
        if not self.classes:
            return ((targets - self.target_offset) / self.target_scale).astype(np.float32)
        names = _names(_flat(targets))
        number = {name: index for index, name in enumerate(self.classes)}
        unknown = sorted({name for name in names if name not in number})
        if unknown:
            raise ValueError(
                f"targets must be of the classes {', '.join(self.classes[:10])}, got "
                f"{', '.join(unknown[:5])}"
            )
        return np.array([number[name] for name in names], dtype=np.int64)

    def answers(self, scores: Array) -> Array:
        """Return what scores (samples, Y) say: names of classes, or numbers."""
        scores, n_outputs = as_numbers("scores", scores), len(self.classes) or 1
        if scores.ndim != 2 or scores.shape[1] != n_outputs or scores.dtype.kind == "c":
            raise ValueError(
                f"scores must be real, of the shape (samples, {n_outputs}), got {scores.shape}"
            )
        if self.classes:
            return np.array(self.classes)[scores.argmax(-1)]
        return scores[:, 0].astype(float) * self.target_scale + self.target_offset

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> "Preparation":
        """Return what `plain` described."""
        as_instance("values", values, dict)
        lists = {key: tuple(v) for key, v in values.items() if isinstance(v, list | tuple)}
        try:
            return cls(**{**values, **lists})
        except TypeError as error:
            raise ValueError(f"values must be those of a Preparation: {error}") from None

    @property
    def plain(self) -> dict[str, Any]:
        """All of it as a dict of plain values."""
        return asdict(self)

    def _with_targets(self, targets: Array) -> tuple["Preparation", list[str]]:
        targets = as_array("targets", targets)
        if targets.size == 0 or targets.dtype.kind not in "biufU":
            raise ValueError(
                f"targets must be numbers or words, got dtype {targets.dtype} and shape "
                f"{targets.shape}"
            )
        if targets.ndim == 2 and targets.shape[1] > 1:
            if not (np.isin(targets, (0, 1)).all() and (targets.sum(1) == 1).all()):
                raise ValueError(
                    "targets must be one a sample, or rows with a single 1 (one-hot), got shape "
                    f"{targets.shape}"
                )
            names = tuple(map(str, range(targets.shape[1])))
            return replace(self, classes=names), [f"targets are one-hot: {len(names)} classes"]
        targets = _flat(targets)
        if missing := int((~_present(targets)).sum()):
            raise ValueError(
                f"targets must be there, got {missing} missing or infinite of {len(targets)}; "
                "leave these samples out with --missing drop"
            )
        values, kind = np.unique(targets), targets.dtype.kind
        whole = kind == "f" and (targets % 1 == 0).all()
        few = len(values) <= FEW_VALUES
        many = kind in "iu" and not few and len(targets) < PER_CLASS * len(values)
        if many or (kind == "f" and not (whole and few)):
            spread = float(targets.std()) or 1.0
            said = f"targets are numbers from {targets.min():g} to {targets.max():g}: a regression"
            said += f" (whole numbers, but of {len(values)} values)" if many else ""
            return replace(self, target_offset=float(targets.mean()), target_scale=spread), [said]
        if not 2 <= len(values) <= MOST_CLASSES:
            raise ValueError(f"targets must be of 2 to {MOST_CLASSES} classes, got {len(values)}")
        names = tuple(_names(values))
        said = f"targets are {len(names)} classes: {', '.join(names[:10])}"
        said += ", ..." if len(names) > 10 else ""
        if whole:
            said += " (whole numbers as floats: taken for classes)"
        return replace(self, classes=names), [said]


def named_task(task: str, seed: int = 0, **options: Any) -> Task:
    """Return the task called `task`, or the data in the file or folder of that name.

    Parameters
    ----------
    options
        Of the task (:func:`~convac_lib.learning.tasks.make`), or of :func:`task_of`.

    Raises
    ------
    ValueError
        If there is no such task or file, or it has no such option.

    Examples
    --------
    >>> named_task("digits").train_inputs.shape
    (1397, 8, 8)
    """
    if not isinstance(task, str) or not is_data(task):
        if isinstance(task, str) and Path(task).is_dir() and not is_registered(task):
            raise ValueError(f"task must be a task's name; for the folder {task} write ./{task}")
        return make(task, seed, **options)
    for option in options:
        as_choice(f"option of {task}", option, tuple(signature(task_of).parameters)[2:])
    return task_of(task, seed, **options)


def task_of(
    source: Any,
    seed: int = 0,
    kind: str = "",
    targets: str = "",
    fit: str = "pad",
    missing: str = "refuse",
) -> Task:
    """Return data of your own as a Task, with its `preparation` and `notes`.

    Parameters
    ----------
    source, targets
        As for :func:`.reading.read`; or `Samples`.
    seed
        Of the fifth of the samples that is held out to test on, where there is no test part.
    kind
        ``"images"`` or ``"sequences"``; else it is guessed from the shape, and noted.
    fit
        ``"pad"`` or ``"crop"`` sizes that are no power of two.
    missing
        ``"refuse"`` samples with missing numbers, or ``"drop"`` them.
    """
    seed = as_int("seed", seed, minimum=0)
    samples = source if isinstance(source, Samples) else read(source, targets)
    as_choice("missing", missing, MISSING)
    notes = list(samples.notes)
    train, test = _complete(samples.train, missing, notes), samples.test
    answers = train[1]
    if test is None:
        order = np.random.default_rng(seed).permutation(len(train[0]))
        n_test = max(1, len(order) // HELD_OUT)
        train, test = (
            (train[0][chosen], train[1][chosen]) for chosen in (order[n_test:], order[:n_test])
        )
        notes.append(
            f"no test part: {n_test} samples are held out to test on, drawn with seed {seed}"
        )
    else:
        test = _complete(test, missing, notes)
    if len(train[0]) < FEWEST:
        raise ValueError(
            f"there must be at least {FEWEST} samples to train on, got {len(train[0])}"
        )
    preparation, more = Preparation.fitted(train[0], train[1], kind, fit, samples.table)
    preparation = replace(preparation, columns=samples.columns)
    if preparation.classes and samples.test is None:  # a rare class may be held out whole
        preparation, said = preparation._with_targets(answers)
        more[-1:] = said
    return Task(
        samples.name,
        preparation.apply(train[0]),
        preparation.targets(train[1]),
        preparation.apply(test[0]),
        preparation.targets(test[1]),
        len(preparation.classes) or None,
        preparation.kind,
        preparation=preparation,
        notes=(*notes, *more),
    )


def _kind(shape: tuple[int, ...], kind: str) -> tuple[str, list[str]]:
    """Return the kind of samples of a shape, and how it was found."""
    if as_choice("kind", kind, ("", *KINDS)):
        if len(shape) not in ((2, 3) if kind == "images" else (1, 2)):
            raise ValueError(f"kind must fit samples of the shape {shape}, got {kind!r}")
        return kind, []
    if len(shape) == 1:
        return "sequences", [f"a sample is a line of {shape[0]} numbers"]
    if len(shape) == 3 and (shape[0] in COLOURS or shape[2] in COLOURS):
        return "images", [f"samples of shape {shape} are taken for coloured images"]
    if len(shape) != 2:
        raise ValueError(
            f"a sample must be a line, an image or a coloured image, got the shape {shape}"
        )
    kind = "images" if min(shape) > 4 and max(shape) <= 2 * min(shape) else "sequences"
    other = "sequences" if kind == "images" else "images"
    return kind, [f"samples of shape {shape} are taken for {kind}; for {other}: --kind {other}"]


def _sides(kind: str, shape: tuple[int, ...], last: bool) -> tuple[int, ...]:
    if kind == "sequences":
        return shape[:1]
    return shape[:2] if last else shape[-2:]


def _scaling(inputs: Array, table: bool) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """Return (offset, scale, words); of each column for a table, else of all numbers."""
    axes = 0 if table else None
    if not np.isfinite(inputs).all():
        bad = int((~np.isfinite(inputs)).reshape(len(inputs), -1).any(1).sum())
        raise ValueError(
            f"{bad} of {len(inputs)} samples have missing or infinite numbers; fill them, or "
            "leave these samples out with --missing drop"
        )
    low, high = np.atleast_1d(inputs.min(axes)), np.atleast_1d(inputs.max(axes))
    low, high = low.astype(float), high.astype(float)
    if not table and low[0] >= 0 and high[0] <= 1:
        return (0.0,), (1.0,), "numbers lie between 0 and 1 and stay as they are"
    with np.errstate(over="ignore"):
        wide = np.where(high > low, high - low, 1.0)
    if not np.isfinite(wide).all():
        raise ValueError("inputs must span less than the range of a float; divide them first")
    said = "every column" if table else f"numbers from {low[0]:g} to {high[0]:g}"
    words = f"{said} moved to lie between 0 and 1 on the training part"
    return tuple(low.tolist()), tuple((1 / wide).tolist()), words


def _complete(part: Any, missing: str, notes: list[str]) -> tuple[Array, Array]:
    inputs, targets = part
    if missing == "refuse":
        return inputs, targets
    whole = np.isfinite(inputs).reshape(len(inputs), -1).all(1)
    whole &= _present(targets).reshape(len(inputs), -1).all(1)
    if not whole.all():
        notes.append(f"{(~whole).sum()} samples with missing numbers are left out")
    return inputs[whole], targets[whole]


def _present(targets: Array) -> Array:
    """Return which targets are there: numbers that are finite, words that are not empty."""
    present: Array = targets != "" if targets.dtype.kind == "U" else np.isfinite(targets)
    return present


def _fitted_axis(array: Array, axis: int, size: int, middle: bool) -> Array:
    """Return an array padded with zeros, or cropped, along an axis."""
    there = array.shape[axis]
    if there > size:
        first = (there - size) // 2
        return array.take(range(first, first + size), axis)
    before = (size - there) // 2 if middle else 0
    widths = [(0, 0)] * array.ndim
    widths[axis] = (before, size - there - before)
    return np.pad(array, widths)


def _power_of_two(number: int) -> int:
    return 1 << max(number - 1, 0).bit_length()


def _flat(targets: Array) -> Array:
    if targets.ndim == 2:  # one-hot, or a column
        return targets.argmax(1) if targets.shape[1] > 1 else targets[:, 0]
    if targets.ndim != 1:
        raise ValueError(f"targets must be one a sample, got shape {targets.shape}")
    return targets


def _names(values: Array) -> list[str]:
    if values.dtype.kind == "f":
        return [str(int(v)) if v == int(v) else str(v) for v in values.tolist()]
    return list(map(str, values.tolist()))
