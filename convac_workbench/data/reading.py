"""Samples from where they are: .npz, .npy, CSV, a folder of images by class, a torch Dataset."""

import csv
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from convac_lib._arrays import Array, as_array
from convac_lib._validation import as_instance, as_list, as_path, shown
from convac_lib.learning.safe_files import naming

INPUTS, TARGETS = ("inputs", "x", "data", "images"), ("targets", "y", "target", "labels")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
FILES = (".npz", ".npy", ".csv", ".tsv", ".txt")
MISSING = ("", "?", "NA", "N/A", "nan", "NaN")  # in a table, a number or an answer that is none
MOST_SAMPLES = 10_000_000
_DAMAGE = (  # what NumPy, zipfile and zlib raise for files that are not whole
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, OSError, AttributeError,
    TypeError, NotImplementedError,
)  # fmt: skip
Part: TypeAlias = tuple[Array, Array | None]


@dataclass(frozen=True, eq=False)
class Samples:
    """What was read: inputs (samples, ...) of real numbers, and a target for each, or None.

    Attributes
    ----------
    name
        Of the file or folder.
    train, test
        (inputs, targets); `test` is None where the data are in one piece.
    table
        Whether the numbers of a sample are columns, each with a meaning of its own.
    notes
        What was found and guessed, in words.
    """

    name: str
    train: Part
    test: Part | None = None
    table: bool = False
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def is_data(name: str) -> bool:
    """Return whether a name is that of a file or folder, and not of a task.

    Examples
    --------
    >>> is_data("digits"), is_data("~/wine.csv")
    (False, True)
    """
    as_instance("name", name, str)
    return Path(name).suffix.lower() in FILES or any(c in name for c in "/\\~")


def read(
    source: Any, targets: str = "", labelled: bool = True, columns: Sequence[str] = ()
) -> Samples:
    """Return the samples of a file, a folder, or a `torch.utils.data.Dataset`.

    Parameters
    ----------
    source
        A .npz file with ``train_inputs``, ``train_targets``, ``test_inputs`` and
        ``test_targets``, or only ``inputs`` and ``targets`` (or ``x`` and ``y``). A .npy file
        of inputs. A CSV file with a first line of names. A folder with a folder of images
        for each class, or with two such folders ``train`` and ``test``. A Dataset of pairs.
    targets
        The .npy file of the targets, or the name of a CSV file's column; else its last one.
    labelled
        False for samples to predict: they may come without targets.
    columns
        Of a CSV file, those to take for inputs, in this order; else all but the target.

    Raises
    ------
    ValueError
        If the file is missing, damaged, or not of numbers; it says what to do.
    """
    as_instance("targets", targets, str)
    as_instance("labelled", labelled, bool)
    columns = as_list("columns", columns)
    if not isinstance(source, str | Path):
        return _read_dataset(source)
    path = as_path("source", source)
    if not path.exists():
        raise ValueError(f"{path} is not there; DATA, the source, is a file, a folder or a task")
    if path.is_dir():
        samples = _read_folder(path, labelled)
    elif path.suffix.lower() == ".npz":
        samples = _read_npz(path, labelled)
    elif path.suffix.lower() == ".npy":
        samples = _read_npy(path, targets, labelled)
    elif path.suffix.lower() in FILES:
        samples = _read_csv(path, targets, labelled, columns)
    else:
        raise ValueError(
            f"DATA, the source, must be a .npz, .npy or .csv file or a folder of images, got {path}"
        )
    for inputs, answers in filter(None, (samples.train, samples.test)):
        if inputs.dtype.kind not in "biuf" or inputs.ndim < 2 or 0 in inputs.shape:
            raise ValueError(
                f"{path}: inputs must be real numbers with one sample a row, got dtype "
                f"{inputs.dtype} and shape {inputs.shape}"
            )
        if answers is not None and len(answers) != len(inputs):
            raise ValueError(
                f"{path}: targets must be one for each of {len(inputs)} samples, got {len(answers)}"
            )
    if samples.test is not None and samples.test[0].shape[1:] != samples.train[0].shape[1:]:
        raise ValueError(
            f"{path}: test samples must have the shape {samples.train[0].shape[1:]} of those to "
            f"train on, got {samples.test[0].shape[1:]}"
        )
    return samples


def _read_npz(path: Path, labelled: bool) -> Samples:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name.lower(): file[name] for name in file.files}
    except _DAMAGE as error:
        reason = str(error).split(";")[0].replace("allow_pickle=True", "pickles")
        if "pickle" in reason.lower():
            reason = "it holds Python objects, or is no .npz file at all"
        raise ValueError(f"{path} cannot be read as a .npz file of numbers ({reason})") from None

    def part(prefix: str, suffix: str = "") -> Part | None:
        x = [arrays[f"{prefix}{n}{suffix}"] for n in INPUTS if f"{prefix}{n}{suffix}" in arrays]
        y = [arrays[f"{prefix}{n}{suffix}"] for n in TARGETS if f"{prefix}{n}{suffix}" in arrays]
        return (x[0], y[0] if y else None) if x and (y or not labelled) else None

    train = part("train_") or part("", "_train") or part("")
    test = part("test_") or part("", "_test")
    if train is None and not labelled:
        train, test = test, None
    if train is None:
        wanted = "train_inputs and train_targets, or inputs and targets"
        raise ValueError(
            f"{path} must hold {wanted if labelled else 'inputs, train_inputs or test_inputs'}, "
            f"got {', '.join(arrays) or 'no array'}"
        )
    return Samples(path.stem, train, test)


def _read_npy(path: Path, targets: str, labelled: bool) -> Samples:
    def load(file: Path) -> Array:
        try:
            array: Array = np.load(file, allow_pickle=False)
        except _DAMAGE as error:
            raise ValueError(f"{file} cannot be read as a .npy file of numbers ({error})") from None
        return array

    if labelled and not targets:
        raise ValueError(f"{path} has only inputs; name the .npy file of targets: --targets FILE")
    answers = load(Path(targets).expanduser()) if targets else None
    return Samples(path.stem, (load(path), answers))


def _read_csv(path: Path, target: str, labelled: bool, inputs: Sequence[str]) -> Samples:
    with naming(path):
        text = path.read_bytes()
    try:
        lines = text.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text in UTF-8; save it as such") from None
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    if len(rows) < 2:
        raise ValueError(
            f"{path} must have a line of names and a line for each sample, got {len(rows)}"
        )
    names = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {number}, must have {len(names)} columns, got {len(row)}"
            )
    if all(_is_number(name) for name in names):
        raise ValueError(f"{path} must begin with a line of names, got numbers: {names[:4]}")
    columns = {name: [row[j].strip() for row in rows[1:]] for j, name in enumerate(names) if name}
    if twice := sorted({name for name in columns if names.count(name) > 1}):
        raise ValueError(f"{path} must have each column once, got {', '.join(twice)} several times")
    if lacking := [name for name in inputs if name not in columns]:
        raise ValueError(f"{path} must have the columns trained on, lacks {', '.join(lacking)}")
    answers, notes = None, ["a column without a name is left out"] if "" in names else []
    if labelled or target:
        others = [name for name in columns if name not in inputs]
        if target not in columns and (target or not others):
            got = repr(target) if target else "none beside the inputs"
            raise ValueError(f"--targets must be a column of {path}, got {got}: {', '.join(names)}")
        notes += [] if target else [f"the last column, {others[-1]!r}, is taken for the target"]
        answers = _column(columns.pop(target or others[-1]))
    if inputs:
        unused = [name for name in columns if name not in inputs]
        notes += [f"no inputs, and left out: {', '.join(unused)}"] if unused else []
        columns = {name: columns[name] for name in inputs}
    words = [name for name, values in columns.items() if not all(map(_is_number, values))]
    if words:
        word = next(value for value in columns[words[0]] if not _is_number(value))
        raise ValueError(
            f"{path}: the columns {', '.join(map(repr, words))} hold words, such as {word!r}; turn "
            "them into numbers (a column for each word, 0 or 1) or leave them out"
        )
    table = [list(map(_number, values)) for values in columns.values()]
    samples = Samples(path.stem, (np.array(table).T, answers), table=True)
    return replace(samples, columns=tuple(columns), notes=tuple(notes))


def _number(text: str) -> float:
    return float("nan" if text in MISSING else text)


def _is_number(text: str) -> bool:
    try:
        _number(text)
    except ValueError:
        return False
    return True


def _column(values: Sequence[str]) -> Array:
    """Return a column as integers, else floats, NaN where missing, else words, or none."""
    kinds: tuple[Any, ...] = (int, _number)
    for kind in kinds:
        try:
            return np.array([kind(value) for value in values])
        except (ValueError, OverflowError):
            continue
    return np.array(["" if value in MISSING else value for value in values])


def _read_folder(path: Path, labelled: bool) -> Samples:
    parts = [path / "train", path / "test"]
    if all(part.is_dir() for part in parts):
        train, test = (_pictures_by_class(part, labelled) for part in parts)
        return Samples(path.name, train, test)
    return Samples(path.name, _pictures_by_class(path, labelled))


def _pictures_by_class(path: Path, labelled: bool) -> Part:
    from PIL import Image, UnidentifiedImageError

    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in PICTURES)
    classes = [file.relative_to(path).parts[0] for file in files]
    if not files or (labelled and any(file.parent == path for file in files)):
        raise ValueError(
            f"{path} must hold a folder of pictures for each class, got {len(files)} "
            "pictures" + (" beside the folders" if files else "")
        )
    pictures = []
    for file in files:
        try:
            with Image.open(file) as picture:
                grey = picture.mode in ("1", "L", "I;16", "I", "F")
                pictures.append(np.asarray(picture if grey else picture.convert("RGB")))
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            raise ValueError(f"{file} cannot be read as a picture ({error})") from None
    shapes = {picture.shape for picture in pictures}
    if len(shapes) > 1:
        raise ValueError(
            f"{path}: pictures must be of one size and either grey or coloured, got "
            f"{', '.join(map(str, sorted(shapes)[:4]))}; resize them first"
        )
    stacked = np.stack(pictures)
    stacked = stacked if stacked.ndim == 3 else stacked.transpose(0, 3, 1, 2)
    return stacked, np.array(classes) if labelled else None


def _read_dataset(dataset: Any) -> Samples:
    try:
        length = len(dataset)
        if not 0 < length <= MOST_SAMPLES:
            raise ValueError(f"it must hold from 1 to {MOST_SAMPLES:,} samples, got {length}")
        pairs = [dataset[number] for number in range(length)]
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            raise ValueError("it gives no pairs")
    except Exception as error:
        raise ValueError(
            "source must be the name of a file or folder, or a Dataset of pairs (input, target), "
            f"got {shown(dataset)} ({error})"
        ) from error
    name = type(dataset).__name__
    return Samples(
        name, (_stack("inputs", (x for x, _ in pairs)), _stack("targets", (y for _, y in pairs)))
    )


def _stack(name: str, values: Iterable[Any]) -> Array:
    arrays = [as_array(name, value) for value in values]
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(
            f"{name} must be of one shape, got {sorted({a.shape for a in arrays})[:4]}"
        )
    return np.stack(arrays)
