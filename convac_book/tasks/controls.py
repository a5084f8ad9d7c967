"""Digits whose label can be read off a small tile, and digits that fill the image."""

from dataclasses import replace

import numpy as np

from convac_lib._validation import as_int
from convac_lib.learning.tasks import Task
from convac_lib.learning.tasks.digits import digits


def filling(seed: int = 0, side: int = 16) -> Task:
    """Return digits that fill a side x side image: long correlations (the global control).

    Examples
    --------
    >>> filling(side=32).train_inputs.shape
    (1397, 32, 32)
    """
    return replace(digits(seed, side), name="filling")


def tiled(seed: int = 0, side: int = 16, tile: int = 4) -> Task:
    """Return digits of `tile` pixels that repeat over the image: one tile tells the answer.

    The pixels are correlated over the whole image; the function to be learned is local.

    Raises
    ------
    ValueError
        If `side` is no multiple of `tile`.

    Examples
    --------
    >>> inputs = tiled(side=8).train_inputs
    >>> bool((inputs[:, :4] == inputs[:, 4:]).all())
    True
    """
    copies = as_int("side", side, minimum=tile) // as_int("tile", tile, minimum=1)
    if copies * tile != side:
        raise ValueError(f"side must be a multiple of tile = {tile}, got {side}")
    small = digits(seed, tile)
    repeats = (1, copies, copies)
    return replace(
        small,
        name="tiled",
        train_inputs=np.tile(small.train_inputs, repeats),
        test_inputs=np.tile(small.test_inputs, repeats),
    )
