"""The pictures that the commands draw, and the pages too: a network with its cut, a spectrum.

One meaning for each colour: blue is side A, vermilion side B, purple the cut, grey a bond.
Shapes say the same again, for readers who do not see the colours: A is a disc, B a
square, a cut bond is thick and dashed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convac_lib._validation import as_int
from convac_lib.architecture import Architecture
from convac_lib.cuts import Cut
from convac_lib.networks import Node, tensor_network
from convac_lib.partitions import PartitionLike, Sides, as_partition

from ..profiles import level_names

if TYPE_CHECKING:  # the picture of a network needs no torch
    from ..bonds import BondSpectrum

MARKERS = {  # of each kind of node: shape, size, colour
    "input": ("o", 10, "white"),
    "weight": ("o", 7, "#e8e8e8"),
    "delta": ("^", 10, "#e8e8e8"),
    "output": ("o", 9, "#e8e8e8"),
}
Places: TypeAlias = dict[Node, tuple[float, float]]

COLOURS = {"A": "#0072B2", "B": "#D55E00", "cut": "#AA3377", "bond": "#777777"}


def draw_network(
    architecture: Architecture,
    partition: PartitionLike | None = None,
    cut: Cut | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the tensor network of an architecture as its tree, leaves below.

    Discs are weight matrices, triangles are copy (delta) tensors. The bond
    dimensions stand at the left, one for each level. A partition colours the leaves, the
    bonds of a cut are dashed. At most 256 sites, or nothing would be seen.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> ax = draw_network(Architecture.line(2, (3, 2)))
    """
    n_sites = as_int("architecture.n_sites", architecture.n_sites, 2, 256)
    if partition is not None:
        partition = as_partition(partition, n_sites)
    if ax is None:
        width = float(np.clip(0.55 * n_sites, 5, 11))
        _, ax = plt.subplots(figsize=(width, 1.4 + 0.75 * architecture.depth))
    graph = tensor_network(architecture)
    place = node_positions(architecture)
    crossed = set() if cut is None else {frozenset(edge) for edge in cut.edges}
    for edge in graph.edges:
        _draw_bond(ax, place, edge, is_cut=frozenset(edge) in crossed)
    scale = min(1.0, 16 / n_sites)
    for node in graph.nodes:
        _draw_node(ax, node, place[node], scale, partition)
    _label_levels(ax, architecture)
    ax.set_xlim(-1.2 - 0.09 * n_sites, n_sites - 0.4)
    ax.set_ylim(-0.7, 2 * architecture.depth + 1.6)
    ax.set_axis_off()
    return ax


def node_positions(architecture: Architecture) -> Places:
    """Return the place of every node of the network: {node: (x, y)}, leaf j at x = j."""
    window, top = architecture.window, 2 * architecture.depth + 1
    place: Places = {("input", j): (float(j), 0.0) for j in range(architecture.n_sites)}
    for layer in range(architecture.depth):
        span = window**layer
        for j in range(architecture.locations(layer)):
            place["weight", layer, j] = ((j + 0.5) * span - 0.5, 2 * layer + 1)
        for k in range(architecture.locations(layer) // window):
            place["delta", layer, k] = ((k + 0.5) * span * window - 0.5, 2 * layer + 2)
    place["output",] = ((architecture.n_sites - 1) / 2, float(top))
    return place


def draw_bond_spectrum(spectrum: BondSpectrum, axes: Any = None) -> Any:
    """Draw the shares of every level as bars, with the cap of its bond as a dashed line.

    A level that starves is hatched: its bars reach the cap. Shares below the dotted line
    do not count. A cap far beyond the bars is not shown, only named. The L + 1 axes are
    made unless they are given, and returned.
    """
    n_levels = len(spectrum.shares)
    if axes is None:
        size = (1.4 + 1.5 * n_levels, 2.6)
        axes = plt.subplots(1, n_levels, figsize=size, sharey=True, squeeze=False)[1][0]
    names, starving = level_names(spectrum.architecture), spectrum.starving
    for level, (ax, shares) in enumerate(zip(axes, spectrum.shares, strict=True)):
        cap, rank = spectrum.caps[level], spectrum.ranks()[level]
        colour, hatch = ("#E69F00", "///") if starving[level] else ("#009E73", None)
        bars = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0.4}
        ax.bar(np.arange(1, len(shares) + 1), np.maximum(shares, 1e-6), **bars)
        ax.axvline(cap + 0.5, color="#444444", linestyle="--", linewidth=1.2)
        ax.axhline(spectrum.COUNTS, color="#777777", linestyle=":", linewidth=1)
        shown = min(cap, max(2 * rank, 8))  # a cap far beyond would squeeze the bars
        ax.set(yscale="log", ylim=(1e-5, 1.5), xlim=(0.2, shown + 1.2))
        starves = ", starves" if starving[level] else ""
        ax.set_xlabel(f"{names[level]}\n{rank} of {cap}{starves}")
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("share of squared\nSchmidt value")
    return axes


def draw_arrangement(
    weights: np.ndarray, orders: dict[str, np.ndarray], entropies: dict[str, list[float]]
) -> Figure:
    """Draw pairwise correlations in two orders of the sites, and entropies level by level.

    Parameters
    ----------
    weights : ndarray, shape (N, N)
        As :func:`convac_workbench.arrangement.correlations` gives them.
    orders : dict of str to ndarray
        The first and the last are drawn.
    entropies : dict of str to list of float
        One for each level, from the halves down.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> orders = {"as given": np.arange(4), "arranged": np.array([0, 2, 1, 3])}
    >>> figure = draw_arrangement(np.eye(4), orders, {"as given": [0.5], "arranged": [0.3]})
    >>> len(figure.axes)
    3
    """
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained")
    names = [next(iter(orders)), list(orders)[-1]]
    for ax, name in zip(axes, names, strict=False):
        order = orders[name]
        ax.imshow(weights[np.ix_(order, order)], cmap="magma", vmin=0)
        ax.set(xlabel=f"sites, {name}", xticks=[], yticks=[])
    for (name, values), marker in zip(entropies.items(), "o^sx", strict=False):
        axes[2].plot(range(1, len(values) + 1), values, marker=marker, label=name)
    axes[2].set(xlabel="block 1/2, 1/4, ...", ylabel="entropy (nats)", ylim=(0, None))
    axes[2].xaxis.get_major_locator().set_params(integer=True)
    axes[2].legend(fontsize=7)
    return figure


def save(path: Path) -> None:
    """Write the picture drawn last to a file."""
    plt.savefig(path.expanduser(), facecolor="white", bbox_inches="tight")
    plt.close()


def _draw_bond(ax: Axes, place: Places, edge: tuple[Node, Node], is_cut: bool) -> None:
    ends = np.array([place[node] for node in edge]).T
    if is_cut:
        ax.plot(*ends, color=COLOURS["cut"], linewidth=2.8, linestyle=(0, (2, 1.2)), zorder=2)
    else:
        ax.plot(*ends, color=COLOURS["bond"], linewidth=1.2, zorder=1)


def _draw_node(
    ax: Axes, node: Node, place: tuple[float, float], scale: float, partition: Sides | None
) -> None:
    marker, size, fill = MARKERS[node[0]]
    if node[0] == "input" and partition is not None:
        marker, fill = ("o", COLOURS["A"]) if partition[node[1]] else ("s", COLOURS["B"])
    look: dict[str, Any]
    look = {"markersize": size * scale, "markerfacecolor": fill, "markeredgecolor": "#444444"}
    ax.plot(*place, marker=marker, markeredgewidth=0.8, zorder=3, **look)


def _label_levels(ax: Axes, architecture: Architecture) -> None:
    """Write each level's bond dimension at the left, at the height of its bonds."""
    x = -1.0
    names = ["M", *(f"r_{{{layer}}}" for layer in range(architecture.depth))]
    for level, (name, width) in enumerate(zip(names, architecture.widths, strict=True)):
        # M sits on the bond above the leaves, r_l on the legs around the delta of layer l.
        y = 0.5 if level == 0 else 2 * level
        ax.text(x, y, f"${name} = {width}$", ha="right", va="center", fontsize=9)
