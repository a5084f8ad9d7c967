"""Words for the two sides of a partition, as on the command line: masks of one input."""

from pathlib import Path

import numpy as np

from convac_lib._validation import as_choice


def mask_of(partition: str, shape: tuple[int, ...], layout: str = "") -> np.ndarray:
    """Return the entries in A of a word, as booleans of the full shape of an input.

    Parameters
    ----------
    partition : str
        Such as ``"left-right"``, ``"sites:0,3"`` or the name of a .npy file.
    shape : tuple of int
        Of one input.
    layout : {"", "image", "sequence"}
        What the input is, where the shape does not tell.

    Raises
    ------
    ValueError
        If the word is not known, or what the axes are is not clear.

    Examples
    --------
    >>> mask_of("left-right", (4, 4))[0]
    array([ True,  True, False, False])
    >>> mask_of("sites:0,3", (5,))
    array([ True, False, False,  True, False])
    """
    if partition.endswith(".npy"):
        path = Path(partition)
        if not path.is_file():
            raise ValueError(f"--partition: there is no file {path}")
        return np.load(path, allow_pickle=False)
    kind, _, argument = partition.partition(":")
    axes = _picture_axes(shape, as_choice("--layout", layout, ("", "image", "sequence")))
    if axes is None:
        line = _line(kind, argument, partition, shape[0])
        return np.broadcast_to(line.reshape(-1, *[1] * (len(shape) - 1)), shape)
    rows, columns = axes
    y, x = np.ogrid[: shape[rows], : shape[columns]]
    picture = _image(kind, argument, partition, y, x)
    if columns == len(shape) - 1:  # channels first, or none
        return np.broadcast_to(picture, shape)
    return np.broadcast_to(picture[..., None], shape)


def _picture_axes(shape: tuple[int, ...], layout: str) -> tuple[int, int] | None:
    """Return the axes of rows and columns, or None for a sequence or a table."""
    if layout == "sequence" or len(shape) == 1:
        return None
    if len(shape) == 2 and (layout == "image" or shape[0] == shape[1]):
        return 0, 1
    if len(shape) == 3 and (shape[0] <= 4) != (shape[2] <= 4):  # channels first, or last
        return (1, 2) if shape[0] <= 4 else (0, 1)
    raise ValueError(
        f"--layout must be image or sequence, or --partition a .npy file of booleans: what "
        f"inputs of the shape {shape} are is not clear"
    )


def _image(kind: str, argument: str, partition: str, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    height, width = len(y), x.shape[1]
    if kind == "left-right" and not argument:
        return np.broadcast_to(2 * x < width, (height, width))
    if kind == "top-bottom" and not argument:
        return np.broadcast_to(2 * y < height, (height, width))
    if kind == "checkerboard" and not argument:
        return (x + y) % 2 == 0
    if kind == "blocks" and argument.isdecimal() and int(argument):
        return (x // int(argument) + y // int(argument)) % 2 == 0
    if kind == "random" and argument.isdecimal():
        return _half(height * width, int(argument)).reshape(height, width)
    raise ValueError(
        "--partition must be left-right, top-bottom, checkerboard, blocks:SIDE, random:SEED or a "
        f".npy file for images, got {partition}"
    )


def _line(kind: str, argument: str, partition: str, length: int) -> np.ndarray:
    places = np.arange(length)
    if kind == "left-right" and not argument:
        return 2 * places < length
    if kind == "interleaved" and not argument:
        return places % 2 == 0
    if kind == "blocks" and argument.isdecimal() and int(argument):
        return places // int(argument) % 2 == 0
    if kind == "first" and argument.isdecimal():
        return places < int(argument)
    if kind == "random" and argument.isdecimal():
        return _half(length, int(argument))
    if kind == "sites" and all(site.strip().isdecimal() for site in argument.split(",")):
        sites = [int(site) for site in argument.split(",")]
        if max(sites) >= length:
            raise ValueError(f"--partition: sites go from 0 to {length - 1}, got {max(sites)}")
        return np.isin(places, sites)
    if set(partition) <= {"A", "B"} and len(partition) == length:
        return np.array([letter == "A" for letter in partition])
    raise ValueError(
        "--partition must be left-right, interleaved, blocks:LENGTH, first:COUNT, sites:0,3,4, "
        f"random:SEED, a word of {length} letters A and B, or a .npy file, got {partition}"
    )


def _half(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(count) < count // 2
