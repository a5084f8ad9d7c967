"""Pictures of networks and partitions, drawn from the objects that are computed with.

Colours and shapes mean the same in the whole book: see :mod:`convac_workbench.cli.pictures`,
whose pictures are the pages' too.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from convac_lib.partitions import PartitionLike, as_partition, to_image
from convac_workbench.cli.pictures import COLOURS, draw_bond_spectrum, draw_network, node_positions

__all__ = ["COLOURS", "draw_bond_spectrum", "draw_network", "draw_partition", "node_positions"]


def draw_partition(partition: PartitionLike, ax: Any = None) -> Axes:
    """Draw a partition of an image (Morton order) as its pixels: A blue, B vermilion and hatched.

    Examples
    --------
    >>> from convac_lib.partitions import checkerboard
    >>> ax = draw_partition(checkerboard(4))
    """
    pixels = to_image(as_partition(partition))
    if ax is None:
        _, ax = plt.subplots(figsize=(2.2, 2.2))
    side = len(pixels)
    for row, column in np.ndindex(pixels.shape):
        in_a = pixels[row, column]
        ax.add_patch(
            Rectangle(
                (column, row), 1, 1,
                facecolor=COLOURS["A" if in_a else "B"],
                edgecolor="white", linewidth=0.5, hatch=None if in_a else "//",
            )
        )  # fmt: skip
    ax.set(xlim=(0, side), ylim=(side, 0), aspect="equal")
    ax.set_axis_off()
    return ax
