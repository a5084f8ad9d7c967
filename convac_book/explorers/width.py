"""The width explorer: one parameter budget, spent on the layers as the reader likes."""

from collections.abc import Callable, Sequence
from math import floor, log2

import traitlets

from convac_lib._validation import as_choice, as_int
from convac_lib.architecture import SHARING, Architecture, graded_steps
from convac_lib.cuts import block_cuts

from ._base import Explorer, packed_module
from ._picture import INK, RULE, line, picture, polyline, shape, text

BASE, TIP = "#007A5A", "#946800"  # the two designs, as in the results explorer
PROFILES = {"wide-base": -1, "uniform": 0, "wide-tip": 1}


class WidthExplorer(Explorer):
    """Channel numbers under one parameter budget, and the minimal cut they buy at every scale.

    Parameters
    ----------
    budget : int
        Weights in all, dense layer included. The default is that of the paper's
        networks with r = 16 (section 8).
    n_sites, window, local_dim, n_outputs
        As for :class:`~convac_lib.architecture.Architecture`, with `window` 2 (a
        line) or 4 (an image). The default is the paper's 64x64 image.
    profile : str or sequence of float
        ``"wide-base"``, ``"uniform"``, ``"wide-tip"``, or the layers' widths in
        proportion.
    share : {"all", "window-position", "none"}
        Which weights are counted once; the paper's networks share all.

    Attributes
    ----------
    channels : list of int
        What the reader chose; can be set.
    architecture : Architecture

    Raises
    ------
    ValueError
        If an argument is not one of the above, or the budget does not reach one
        channel for each layer.

    Examples
    --------
    >>> WidthExplorer(profile="wide-base").channels
    [64, 64, 32, 32, 16, 16]
    """

    n_sites = traitlets.Int(4096).tag(sync=True)
    window = traitlets.Int(4).tag(sync=True)
    local_dim = traitlets.Int(10).tag(sync=True)
    n_outputs = traitlets.Int(10).tag(sync=True)
    share = traitlets.Unicode("all").tag(sync=True)
    budget = traitlets.Int(8736).tag(sync=True)
    channels = traitlets.List(traitlets.Int()).tag(sync=True)
    mode = traitlets.Enum(("perWindow", "total"), "perWindow").tag(sync=True)

    _parts = ("_designs", "width")
    _esm = packed_module(*_parts)

    def __init__(
        self,
        budget: int = 8736,
        *,
        n_sites: int = 4096,
        window: int = 4,
        local_dim: int = 10,
        n_outputs: int = 10,
        profile: str | Sequence[float] = "uniform",
        share: str = "all",
    ) -> None:
        as_choice("window", window, (2, 4))
        as_choice("share", share, SHARING)
        narrowest = _narrowest(n_sites, window, local_dim, n_outputs)
        as_int("budget", budget, minimum=narrowest.parameter_count(share))
        if isinstance(profile, str):
            as_choice("profile", profile, tuple(PROFILES))
            profile = tilted(narrowest.depth, PROFILES[profile])
        super().__init__(
            n_sites=n_sites,
            window=window,
            local_dim=local_dim,
            n_outputs=n_outputs,
            share=share,
            budget=budget,
            channels=fit_channels(narrowest.with_channels, profile, budget, share),
        )

    @property
    def architecture(self) -> Architecture:
        """The network on the page."""
        return Architecture(
            self.n_sites, self.window, self.local_dim, tuple(self.channels), self.n_outputs
        )

    def _ghost(self, tilt: float) -> list[int]:
        network = self.architecture
        profile = tilted(network.depth, tilt)
        return fit_channels(network.with_channels, profile, self.budget, self.share)

    def _describe(self) -> str:
        widths = ", ".join(f"r{layer} = {width}" for layer, width in enumerate(self.channels))
        spent = self.architecture.parameter_count(self.share)
        return (
            f"Width explorer: {self.n_sites} sites, M = {self.local_dim}, {widths}; "
            f"{spent} of {self.budget} parameters. Bits for each window, these widths, wide-base "
            f"and wide-tip: {self._bits(0)} for the finest blocks, {self._bits(-1)} for the "
            "coarsest."
        )

    def _bits(self, scale: int) -> str:
        network = self.architecture
        three = [network, *(network.with_channels(self._ghost(tilt)) for tilt in (-1, 1))]
        return ", ".join(f"{log_cuts(one)[scale]:.3g}" for one in three)

    def _picture(self) -> str:
        network = self.architecture
        curves = [
            ("wide-base", BASE, log_cuts(network.with_channels(self._ghost(-1)))),
            ("wide-tip", TIP, log_cuts(network.with_channels(self._ghost(1)))),
            ("these widths", INK, log_cuts(network)),
        ]
        highest = max(value for _, _, values in curves for value in values)
        drawn = [line(40, 180, 420, 180, stroke=RULE)]
        for number, (name, colour, values) in enumerate(curves):
            places = [
                (50 + 360 * k / max(1, network.depth - 1), 180 - 150 * value / highest)
                for k, value in enumerate(values)
            ]
            drawn.append(polyline(places, stroke=colour, stroke_width=2))
            drawn += [shape("circle", cx=x, cy=y, r=3, fill=colour) for x, y in places]
            drawn.append(text(430, 40 + 20 * number, name, fill=colour))
        for k in range(network.depth):
            x = 50 + 360 * k / max(1, network.depth - 1)
            drawn.append(text(x, 198, str(2**k), text_anchor="middle"))
        drawn.append(text(40, 18, "bits of minimal cut for each window, by block length"))
        return picture(530, 210, self._describe(), *drawn)


def log_cuts(network: Architecture) -> list[float]:
    """Return log2 of the minimal cut for each window, for blocks of 1, 2, 4, ... sites across.

    For a line these are ``partitions.blocks(n_sites, 2**k)``, for an image
    ``partitions.image_blocks(side, 2**k)``; the whole cut is the sum over the
    N / window^(k+1) windows of layer k.

    Examples
    --------
    >>> log_cuts(Architecture.line(2, (2, 4, 2)))
    [1.0, 1.0, 1.0]
    """
    return [log2(cut) for cut in block_cuts(network)]


def tilted(depth: int, tilt: float) -> list[float]:
    """Return a profile from wide-base (-1: 4 4 2 2 1 1) over uniform (0) to wide-tip (1).

    Examples
    --------
    >>> tilted(6, -1), tilted(3, 1)
    ([4.0, 4.0, 2.0, 2.0, 1.0, 1.0], [1.0, 2.0, 4.0])
    """
    ends = graded_steps("wide-base", depth), graded_steps("wide-tip", depth)
    steps = zip(*ends, strict=True)
    return [2 ** (((1 - tilt) * log2(base) + (1 + tilt) * log2(tip)) / 2) for base, tip in steps]


def fit_channels(
    network_with: Callable[[Sequence[int]], Architecture],
    profile: Sequence[float],
    budget: int,
    share: str,
) -> list[int]:
    """Return the widest whole channel numbers in the profile's proportions within the budget.

    `network_with(channels)` is the network whose parameters are counted.
    """

    def scaled(factor: float) -> list[int]:
        return [max(1, floor(factor * part)) for part in profile]

    low, high = 0.0, float(budget)
    for _ in range(60):
        middle = (low + high) / 2
        if network_with(scaled(middle)).parameter_count(share) <= budget:
            low = middle
        else:
            high = middle
    return scaled(low)


def _narrowest(n_sites: int, window: int, local_dim: int, n_outputs: int) -> Architecture:
    """Return the network with one channel in each layer."""
    depth, reached = 0, 1
    while reached < n_sites:
        reached, depth = reached * window, depth + 1
    return Architecture(n_sites, window, local_dim, (1,) * depth, n_outputs)
