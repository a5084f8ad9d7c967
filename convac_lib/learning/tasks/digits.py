"""Handwritten digits: as they are, or somewhere on a black canvas.

The paper's two tasks (section 8) put a small digit (local) or a large one (global)
at a random place on a black 64 x 64 canvas. Which places, and how digits are made
smaller and binary, it does not say: here an area average, then a threshold, and one
place for each image, drawn once. The first two can be chosen otherwise.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..._arrays import Array
from ..._validation import as_choice, as_int, as_number
from . import Task
from .mnist import read_mnist

SOURCES = ("digits", "mnist")
INTERPOLATIONS = ("area", "bilinear")
Part: TypeAlias = tuple[Array, Array]  # images, labels
Sizes: TypeAlias = tuple[int, int]  # of the training and of the test set
N_TEST_DIGITS = 400  # of scikit-learn's 1797


def digits(seed: int = 0, side: int = 8) -> Task:
    """Return scikit-learn's 1797 digits, from 0 to 1, split in 1397 and 400 by `seed`.

    They are 8 x 8; another `side` resizes them.
    """
    parts = [(resize(images, side), labels) for images, labels in _read("digits", seed)]
    return _task("digits", *parts)


def local(
    seed: int = 0,
    source: str = "digits",
    side: int = 64,
    n_train: int = 60_000,
    n_test: int = 10_000,
    threshold: float = 0.35,
    interpolation: str = "area",
) -> Task:
    """Return the paper's local task: binary 8 x 8 digits anywhere on black 64 x 64 images.

    `interpolation` makes them 8 x 8, see `resize`; lit is what is above `threshold` then.
    """
    drawn = _Drawn(8, threshold, interpolation)
    return _placed("local", drawn, seed, source, side, (n_train, n_test))


def global_(
    seed: int = 0,
    source: str = "digits",
    side: int = 64,
    n_train: int = 60_000,
    n_test: int = 10_000,
    threshold: float = 0.5,
    interpolation: str = "area",
) -> Task:
    """Return the paper's global task: binary 32 x 32 digits anywhere on black 64 x 64 images.

    `interpolation` makes them 32 x 32, see `resize`; lit is what is above `threshold` then.
    """
    drawn = _Drawn(32, threshold, interpolation)
    return _placed("global", drawn, seed, source, side, (n_train, n_test))


def resize(images: Array, side: int, interpolation: str = "area") -> NDArray[np.float32]:
    """Resize square images (samples, a, a) to (samples, side, side).

    A new pixel is the average over its area, or between the four old pixels nearest to its
    centre (``"bilinear"``, which looks at no others, however many there are).

    Examples
    --------
    >>> resize(np.arange(16.0).reshape(1, 4, 4), 2)
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]], dtype=float32)
    """
    side, old = as_int("side", side, minimum=1), images.shape[-1]
    as_choice("interpolation", interpolation, INTERPOLATIONS)
    # Pixel i of the new image covers [i, i + 1) * old / side of the old one.
    start, pixel = np.arange(side)[:, None] * old / side, np.arange(old)
    if interpolation == "area":
        overlap = np.minimum(start + old / side, pixel + 1) - np.maximum(start, pixel)
        weights = overlap.clip(0) * side / old
    else:
        centre = (start + (old / side - 1) / 2).clip(0, old - 1)
        weights = (1 - np.abs(centre - pixel)).clip(0)
    weights = weights.astype(np.float32)
    return weights @ images.astype(np.float32) @ weights.T


def place(images: Array, side: int, rng: np.random.Generator) -> Array:
    """Put images (samples, a, a) at random places on black images (samples, side, side)."""
    n, small = len(images), images.shape[-1]
    as_int("side", side, minimum=small)
    canvas = np.zeros((n, side, side), dtype=images.dtype)
    row, column = rng.integers(0, side - small + 1, size=(2, n))
    places = sliding_window_view(canvas, (small, small), axis=(1, 2), writeable=True)
    places[np.arange(n), row, column] = images
    return canvas


class _Drawn(NamedTuple):
    """How digits are drawn, before they are placed."""

    side: int
    threshold: float
    interpolation: str

    def __call__(self, images: Array) -> NDArray[np.uint8]:
        return (resize(images, self.side, self.interpolation) > self.threshold).astype(np.uint8)


def _placed(name: str, drawn: _Drawn, seed: int, source: str, side: int, sizes: Sizes) -> Task:
    """Place binary digits on black; a part with too few digits uses them several times."""
    as_number("threshold", drawn.threshold, minimum=0, below=1)
    for size, argument in zip(sizes, ("n_train", "n_test"), strict=True):
        as_int(argument, size, minimum=1)
    parts = []
    for part, ((images, labels), size) in enumerate(zip(_read(source, seed), sizes, strict=True)):
        rng = np.random.default_rng([seed, part])
        if size != len(images):
            rounds = -(-size // len(images))
            chosen = np.concatenate([rng.permutation(len(images)) for _ in range(rounds)])[:size]
            images, labels = images[chosen], labels[chosen]
        parts.append((place(drawn(images), side, rng), labels))
    return _task(name, *parts)


def _read(source: str, seed: int) -> list[Part]:
    """Return ((images, labels), (images, labels)), images as floats from 0 to 1."""
    if as_choice("source", source, SOURCES) == "mnist":
        return [(images / np.float32(255), labels) for images, labels in read_mnist()]
    from sklearn.datasets import load_digits

    data = load_digits()
    images, labels = (data.images / 16).astype(np.float32), data.target
    order = np.random.default_rng(seed).permutation(len(images))
    train, test = order[:-N_TEST_DIGITS], order[-N_TEST_DIGITS:]
    return [(images[train], labels[train]), (images[test], labels[test])]


def _task(name: str, train: Part, test: Part) -> Task:
    arrays = train[0], train[1].astype(np.int64), test[0], test[1].astype(np.int64)
    return Task(name, *arrays, n_classes=10, kind="images")
