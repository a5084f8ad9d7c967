"""The cut explorer: a ConvAC as its tree, a partition of its leaves, the minimal cut."""

from collections.abc import Callable
from typing import Any

import traitlets

from convac_lib._validation import as_choice, as_int
from convac_lib.architecture import Architecture
from convac_lib.cuts import Cut, min_cut, theorem2_bound
from convac_lib.networks import Node, tensor_network
from convac_lib.partitions import (
    PartitionLike,
    Sides,
    as_partition,
    as_word,
    checkerboard,
    halves,
    interleaved,
    left_right,
)

from ..drawing import node_positions
from ._base import Explorer, packed_module
from ._picture import BOND, CUT, INK, A, B, line, picture, shape, text

_NAMED: dict[str, Callable[[int], Sides]] = {
    "interleaved": interleaved,
    "left-right": left_right,
    "checkerboard": lambda n_sites: checkerboard(_side(n_sites)),
    "halves": lambda n_sites: halves(_side(n_sites)),
}


class CutExplorer(Explorer):
    """A tree whose leaves the reader puts in A or B, and its minimal cut, found in the page.

    Parameters
    ----------
    n_sites, local_dim, channels, window, n_outputs
        As for :class:`~convac_lib.architecture.Architecture`; at most 64 sites.
    partition : str or array_like of bool
        A word such as ``"AABB"``, an array, or one of ``"interleaved"``,
        ``"left-right"`` and, for ``window=4``, ``"checkerboard"`` and ``"halves"``.
    profiles : dict of str to sequence of int, optional
        Channels by name, each a button that sets them.

    Attributes
    ----------
    partition : str
        What the reader drew, as a word of A and B; can be set.
    architecture : Architecture
        The tree with the reader's widths; can be set.

    Raises
    ------
    ValueError
        If the numbers are no architecture or the partition does not fit it.

    Examples
    --------
    >>> explorer = CutExplorer(8, 2, (3, 4, 5), partition="left-right")
    >>> explorer
    Cut explorer: 8 sites, M = 2, r0 = 3, r1 = 4, r2 = 5, partition AAAABBBB. \
The minimal cut is r1 = 4, and for almost all weights the rank is exactly that.
    """

    n_sites = traitlets.Int(8).tag(sync=True)
    window = traitlets.Int(2).tag(sync=True)
    local_dim = traitlets.Int(2).tag(sync=True)
    channels = traitlets.List(traitlets.Int()).tag(sync=True)
    n_outputs = traitlets.Int(1).tag(sync=True)
    partition = traitlets.Any().tag(sync=True)
    profiles = traitlets.Dict().tag(sync=True)

    _parts = ("_tree", "cut")
    _esm = packed_module(*_parts)

    def __init__(
        self,
        n_sites: int = 8,
        local_dim: int = 2,
        channels: tuple[int, ...] = (3, 4, 5),
        partition: PartitionLike = "interleaved",
        *,
        window: int = 2,
        n_outputs: int = 1,
        profiles: dict[str, tuple[int, ...]] | None = None,
    ) -> None:
        as_int("n_sites", n_sites, minimum=2, maximum=64)
        network = Architecture(n_sites, window, local_dim, channels, n_outputs)
        named = {name: list(network.with_channels(widths).channels)
                 for name, widths in (profiles or {}).items()}  # fmt: skip
        partition = _as_word(partition, n_sites)
        super().__init__(**_traits(network), partition=partition, profiles=named)

    @property
    def architecture(self) -> Architecture:
        """The tree as it stands on the page, an :class:`Architecture`."""
        return Architecture(
            self.n_sites, self.window, self.local_dim, tuple(self.channels), self.n_outputs
        )

    @architecture.setter
    def architecture(self, network: Architecture) -> None:
        as_int("architecture.n_sites", network.n_sites, 2, 64)
        values = _traits(network)
        if network.n_sites != self.n_sites:
            values["partition"] = as_word(interleaved(network.n_sites))
        # One message, so that the page never sees half of a change.
        with self.hold_sync(), self.hold_trait_notifications():
            for name, value in values.items():
                setattr(self, name, value)

    @traitlets.validate("partition")
    def _check_partition(self, proposal: Any) -> str:
        return _as_word(proposal["value"], self.n_sites)

    def _describe(self) -> str:
        network, partition = self.architecture, self.partition
        cut = min_cut(network, partition)
        bound, _ = theorem2_bound(network, partition)
        widths = ", ".join(f"r{layer} = {width}" for layer, width in enumerate(network.channels))
        carried = "" if network.window == 2 else ", with Theorem 2 carried over to these windows"
        known = "exactly that" if bound == cut.weight else f"from {bound} to {cut.weight}"
        return (
            f"Cut explorer: {network.n_sites} sites, M = {network.local_dim}, {widths}, "
            f"partition {partition}. The minimal cut is {cut.as_product()}, and for almost all "
            f"weights the rank is {known}{carried}."
        )

    def _picture(self) -> str:
        return draw_cut(min_cut(self.architecture, self.partition), self._describe())


def draw_cut(cut: Cut, label: str) -> str:
    """Return the tree, coloured by side, with its cut dashed, as an SVG text."""
    network = cut.architecture
    step = min(44, 680 / network.n_sites)
    width, pitch = 40 + step * network.n_sites, 26
    place = {
        node: (34 + step * (x + 0.5), pitch * (2 * network.depth + 1 - y))
        for node, (x, y) in node_positions(network).items()
    }
    severed = {frozenset(edge) for edge in cut.edges}
    drawn = [
        _bond(place, edge, cut.sides, is_cut=frozenset(edge) in severed)
        for edge in tensor_network(network).edges
    ]
    drawn += [_node(node, *place[node], cut.sides[node], step) for node in place]
    names = ["M", *(f"r{layer}" for layer in range(network.depth))]
    for level, (name, count) in enumerate(zip(names, cut.counts, strict=True)):
        y = pitch * (2 * (network.depth - level) + (1 if level else 0.5)) + 4
        drawn.append(text(4, y, name, fill=CUT if count else INK))
    height = pitch * (2 * network.depth + 1) + 34
    drawn.append(text(4, height - 8, f"minimal cut {cut.as_product()}", fill=CUT))
    return picture(round(width), height, label, *drawn)


def _bond(place: Any, edge: Any, sides: dict[Node, bool], is_cut: bool) -> str:
    style: dict[str, Any] = {"stroke": A if sides[edge[0]] else B, "stroke_width": 1.6}
    if is_cut:
        style = {"stroke": CUT, "stroke_width": 3.4, "stroke_dasharray": "5 3"}
    return line(*place[edge[0]], *place[edge[1]], **style)


def _node(node: Node, x: float, y: float, in_a: bool, step: Any) -> str:
    """Draw a node: A is a disc and B a square, a copy tensor a triangle."""
    size = min(8 if node[0] == "input" else 3.5, 0.42 * step)
    if node[0] == "delta":
        points = f"{x:.1f},{y - 6:.1f} {x + 6:.1f},{y + 5:.1f} {x - 6:.1f},{y + 5:.1f}"
        return shape("polygon", points=points, fill="#f2f4f6", stroke=BOND)
    if in_a:
        return shape("circle", cx=x, cy=y, r=float(size), fill=A)
    return shape("rect", x=x - size, y=y - size, width=2 * size, height=2 * size, fill=B)


def _traits(network: Architecture) -> dict[str, Any]:
    return {
        "n_sites": network.n_sites,
        "window": network.window,
        "local_dim": network.local_dim,
        "channels": list(network.channels),
        "n_outputs": network.n_outputs,
    }


def _as_word(partition: PartitionLike, n_sites: int) -> str:
    """Return a named partition, a word or an array as a word of A and B."""
    if isinstance(partition, str) and set(partition.upper()) - set("AB| "):
        as_choice("partition", partition, tuple(_NAMED))
        partition = _NAMED[partition](n_sites)
    return as_word(as_partition(partition, n_sites))


def _side(n_sites: int) -> int:
    return round(n_sites**0.5)
