"""Data named on the command line: a task, or the arrays of a .npz file."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..learning.tasks import Task


def named_task(data: str) -> "Task":
    """Return the task of this name, or raise a ValueError."""
    if Path(data).exists():
        raise ValueError(f"DATA must be a task's name or a .npz file, got {data}")
    from ..learning import tasks

    return tasks.make(data)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz file, or raise a ValueError that names it."""
    if not path.is_file():
        raise ValueError(f"{path} is not there, or is no file")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read as a .npz file of numbers ({error})") from None


def first_inputs(
    path: Path, arrays: dict[str, np.ndarray], names: tuple[str, ...]
) -> tuple[str, np.ndarray]:
    """Return the first of the named arrays that is there, checked, with its name."""
    present = [name for name in names if name in arrays]
    if not present:
        raise ValueError(f"{path} must hold {' or '.join(names)}, got {', '.join(arrays)}")
    name, inputs = present[0], arrays[present[0]]
    if inputs.dtype.kind not in "biuf" or inputs.ndim < 2:
        raise ValueError(
            f"{path}: {name} must hold numbers, one sample a row, got dtype {inputs.dtype} and "
            f"shape {inputs.shape}"
        )
    if not np.isfinite(inputs).all():
        raise ValueError(f"{path}: {name} must be finite, got NaN or infinity")
    return name, inputs
