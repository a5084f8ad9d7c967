"""The pictures that the commands draw, and the pages too: a network with its cut, a spectrum.

One meaning for each colour: blue is side A, vermilion side B, purple the cut, grey a bond.
Shapes say the same again, for readers who do not see the colours: A is a disc, B a
square, a cut bond is thick and dashed.
"""

import matplotlib.pyplot as plt
import numpy as np

from .._validation import as_int
from ..learning.profiles import level_names
from ..networks import tensor_network
from ..partitions import as_partition

COLOURS = {"A": "#0072B2", "B": "#D55E00", "cut": "#AA3377", "bond": "#777777"}
_NODE = "#e8e8e8"
_EDGE = "#444444"


def draw_network(architecture, partition=None, cut=None, ax=None):
    """Draw the tensor network of an architecture as its tree, leaves below.

    Discs are weight matrices, triangles are copy (delta) tensors. The bond
    dimensions stand at the left, one for each level.

    Parameters
    ----------
    architecture : Architecture
        At most 256 sites, or nothing would be seen.
    partition : array of bool, optional
        Colours the leaves: True = A.
    cut : Cut, optional
        As :func:`convac_lib.cuts.min_cut` returns it; its bonds are drawn dashed.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

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


def node_positions(architecture):
    """Return the place of every node of the network: {node: (x, y)}, leaf j at x = j."""
    window, top = architecture.window, 2 * architecture.depth + 1
    place = {("input", j): (float(j), 0.0) for j in range(architecture.n_sites)}
    for layer in range(architecture.depth):
        span = window**layer
        for j in range(architecture.locations(layer)):
            place["weight", layer, j] = ((j + 0.5) * span - 0.5, 2 * layer + 1)
        for k in range(architecture.locations(layer) // window):
            place["delta", layer, k] = ((k + 0.5) * span * window - 0.5, 2 * layer + 2)
    place["output",] = ((architecture.n_sites - 1) / 2, float(top))
    return place


def draw_bond_spectrum(spectrum, axes=None):
    """Draw the shares of every level as bars, with the cap of its bond as a dashed line.

    A level that starves is hatched: its bars reach the cap. Shares below the dotted line
    do not count. A cap far beyond the bars is not shown, only named.

    Parameters
    ----------
    spectrum : BondSpectrum
    axes : sequence of L + 1 matplotlib Axes, optional

    Returns
    -------
    array of matplotlib Axes
    """
    n_levels = len(spectrum.shares)
    if axes is None:
        _, axes = plt.subplots(
            1, n_levels, figsize=(1.4 + 1.5 * n_levels, 2.6), sharey=True, squeeze=False
        )
        axes = axes[0]
    rows = zip(axes, level_names(spectrum.architecture), spectrum.shares, spectrum.caps,
               spectrum.ranks(), spectrum.starving, strict=True)  # fmt: skip
    for ax, name, shares, cap, rank, starves in rows:
        ax.bar(
            np.arange(1, len(shares) + 1), np.maximum(shares, 1e-6),
            color="#E69F00" if starves else "#009E73", hatch="///" if starves else None,
            edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        ax.axvline(cap + 0.5, color="#444444", linestyle="--", linewidth=1.2)
        ax.axhline(spectrum.COUNTS, color="#777777", linestyle=":", linewidth=1)
        shown = min(cap, max(2 * rank, 8))  # a cap far beyond would squeeze the bars
        ax.set(
            yscale="log",
            ylim=(1e-5, 1.5),
            xlim=(0.2, shown + 1.2),
            xlabel=f"{name}\n{rank} of {cap}" + (", starves" if starves else ""),
        )
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("share of squared\nSchmidt value")
    return axes


def _draw_bond(ax, place, edge, is_cut):
    (x0, y0), (x1, y1) = (place[node] for node in edge)
    if is_cut:
        style = {"color": COLOURS["cut"], "linewidth": 2.8, "linestyle": (0, (2, 1.2)), "zorder": 2}
    else:
        style = {"color": COLOURS["bond"], "linewidth": 1.2, "zorder": 1}
    ax.plot([x0, x1], [y0, y1], **style)


def _draw_node(ax, node, place, scale, partition):
    kind = node[0]
    marker, size, fill = {
        "input": ("o", 10, "white"),
        "weight": ("o", 7, _NODE),
        "delta": ("^", 10, _NODE),
        "output": ("o", 9, _NODE),
    }[kind]
    if kind == "input" and partition is not None:
        side = "A" if partition[node[1]] else "B"
        marker, fill = ("o" if side == "A" else "s"), COLOURS[side]
    ax.plot(
        *place, marker=marker, markersize=size * scale, markerfacecolor=fill,
        markeredgecolor=_EDGE, markeredgewidth=0.8, zorder=3,
    )  # fmt: skip


def _label_levels(ax, architecture):
    """Write each level's bond dimension at the left, at the height of its bonds."""
    x = -1.0
    names = ["M", *(f"r_{{{layer}}}" for layer in range(architecture.depth))]
    for level, (name, width) in enumerate(zip(names, architecture.widths, strict=True)):
        # M sits on the bond above the leaves, r_l on the legs around the delta of layer l.
        y = 0.5 if level == 0 else 2 * level
        ax.text(x, y, f"${name} = {width}$", ha="right", va="center", fontsize=9)
