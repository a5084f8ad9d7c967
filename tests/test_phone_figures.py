"""The second drawing of a figure, for a narrow screen."""

import json
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from convac_book.phone_figures import DPI, NARROW, holds_pictures, keep, narrow

matplotlib.use("Agg")


def panels(rows, columns, width=6.6, height=3.0):
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.plot([0, 1])
    return figure, axes


def test_panels_with_labels_stand_one_below_the_other():
    figure, axes = panels(1, 3)
    narrow(figure)
    figure.canvas.draw()
    boxes = [ax.get_position() for ax in axes.flat]
    assert figure.get_size_inches()[0] == pytest.approx(NARROW)
    assert all(a.y0 > b.y1 for a, b in pairwise(boxes))
    assert all(np.isclose(box.x1, boxes[0].x1, atol=0.02) for box in boxes)


def test_a_panel_that_lent_its_label_to_a_neighbour_is_labelled_again():
    figure = Figure(figsize=(6.6, 3), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    left.plot([0, 1])
    right.plot([1, 0])
    left.set_ylabel("rank")
    narrow(figure)
    assert right.get_ylabel() == "rank"


@pytest.mark.parametrize("make", [lambda: panels(1, 1)[0], lambda: spanning()])
def test_what_cannot_be_stacked_is_made_narrower(make):
    figure = make()
    narrow(figure)
    width, height = figure.get_size_inches()
    assert width == pytest.approx(NARROW) and 1.6 < height < 3


def spanning():
    figure = Figure(figsize=(6.6, 3.0))
    grid = figure.add_gridspec(2, 2)
    for cell in (grid[0, :], grid[1, 0], grid[1, 1]):
        figure.add_subplot(cell).plot([0, 1])
    return figure


def test_a_figure_is_kept_under_its_digest_and_left_as_it_was(tmp_path):
    figure, _ = panels(1, 2)
    keep(figure, tmp_path / "new", "abc")
    assert json.loads((tmp_path / "new" / "abc.json").read_text()) == {"keeps_lightness": False}
    with Image.open(tmp_path / "new" / "abc.png") as drawn:
        assert drawn.width == pytest.approx(NARROW * DPI, rel=0.06)
    assert tuple(figure.get_size_inches()) == (6.6, 3.0)


def test_a_narrow_figure_needs_no_second_drawing(tmp_path):
    figure, _ = panels(1, 1, width=3.0)
    keep(figure, tmp_path, "abc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["abc.json"]


def test_pictures_keep_their_lightness():
    figure, axes = panels(1, 2)
    assert not holds_pictures(figure)
    axes[0, 0].imshow(np.eye(3))
    assert holds_pictures(figure)
