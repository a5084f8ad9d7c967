"""Two photographs: natural images, which have no single correlation length.

scikit-learn ships a photograph of a Chinese temple and one of a flower. The task is
to tell from which of them a small grey patch was cut. Patches to train on come from
the left part of each photograph, those to test on from the right part, so that no
pixel is in both. A patch carries neither brightness nor contrast: its grey values
are made to have the mean 1/2 and one and the same spread.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convac_lib._validation import as_int
from convac_lib.learning.tasks import Task

LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue (ITU-R BT.601)
TRAIN_PART = 0.7
SPREAD = 0.2


def photos(seed: int = 0, side: int = 32, n_train: int = 4_000, n_test: int = 1_000) -> Task:
    """Return square patches (samples, side, side) from 0 to 1, in two classes of equal size.

    Class 0 is the temple, class 1 the flower. Patches are cut at random places, so they
    overlap each other within the part that they are from.

    Raises
    ------
    ValueError
        If `side` is no integer from 2 to 128.

    Examples
    --------
    >>> task = photos(side=8, n_train=6, n_test=2)
    >>> task.train_inputs.shape, sorted(task.train_targets.tolist())
    ((6, 8, 8), [0, 0, 0, 1, 1, 1])
    """
    from sklearn.datasets import load_sample_images

    side = as_int("side", side, minimum=2, maximum=128)
    sizes = as_int("n_train", n_train, minimum=2), as_int("n_test", n_test, minimum=2)
    grey = [image / 255 @ LUMINANCE for image in load_sample_images().images]
    arrays: list[Any] = []
    for part, size in enumerate(sizes):
        rng = np.random.default_rng([seed, part])
        labels = rng.permutation(np.arange(size) % 2)
        patches = np.empty((size, side, side), dtype=np.float32)
        for label, image in enumerate(grey):
            border = round(TRAIN_PART * image.shape[1])
            half = image[:, border:] if part else image[:, :border]
            chosen = labels == label
            patches[chosen] = _cut(half, side, chosen.sum(), rng)
        arrays += [patches, labels.astype(np.int64)]
    train_x, train_y, test_x, test_y = arrays
    return Task("photos", train_x, train_y, test_x, test_y, n_classes=2, kind="images")


def _cut(image: NDArray[Any], side: int, n: int, rng: np.random.Generator) -> NDArray[Any]:
    """Return n patches at random places, standardised and clipped to [0, 1]."""
    rows = rng.integers(0, image.shape[0] - side + 1, n)
    columns = rng.integers(0, image.shape[1] - side + 1, n)
    views = np.lib.stride_tricks.sliding_window_view(image, (side, side))
    patches = views[rows, columns]
    patches = patches - patches.mean((1, 2), keepdims=True)
    # A patch of blank sky has no contrast to divide by.
    patches /= np.maximum(patches.std((1, 2), keepdims=True), 1e-3)
    return (0.5 + SPREAD * patches).clip(0, 1)
