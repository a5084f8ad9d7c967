"""The book's two controls: tiled digits, and digits that fill the image."""

import numpy as np
import pytest

from convac_lib.learning import tasks
from convac_lib.learning.tasks.digits import resize


def test_the_controls_fill_the_image():
    filling, tiled = tasks.make("filling"), tasks.make("tiled")
    assert filling.train_inputs.shape == tiled.train_inputs.shape == (1397, 16, 16)
    tile = tiled.train_inputs[:, :4, :4]
    assert (tiled.train_inputs == np.tile(tile, (1, 4, 4))).all()
    np.testing.assert_allclose(resize(filling.train_inputs, 4), tile, rtol=1e-5, atol=1e-6)


def test_a_side_that_is_no_multiple_of_the_tile_is_refused():
    with pytest.raises(ValueError, match="side must be a multiple of tile = 4, got 15"):
        tasks.make("tiled", side=15)
