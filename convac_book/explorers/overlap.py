"""The overlap explorer: which windows straddle the middle, and the rank they can carry."""

import traitlets

from convac_lib._validation import as_int

from ._base import Explorer, packed_module
from ._picture import BOND, CUT, A, B, line, picture, shape, text

LARGEST = {"n_sites": 24, "window": 4, "depth": 12, "local_dim": 4, "channels": 64}
SMALLEST = {"n_sites": 4, "window": 2, "depth": 0, "local_dim": 2, "channels": 1}


class OverlapExplorer(Explorer):
    """Overlapping windows on a line: the positions that see both halves, and the rank law.

    Parameters
    ----------
    n_sites : int
        Even, from 4 to 24.
    window, depth : int
        Neighbours that one window sees, and layers; the last one must have a position left.
    local_dim, channels : int
        M, and the channels K of the last product. All widths between are taken to be at
        least M, as the law asks.

    Raises
    ------
    ValueError
        If a number is out of its range, or nothing is left after so many layers.

    Examples
    --------
    >>> OverlapExplorer(n_sites=8, window=2, depth=2)
    Overlap explorer: 8 sites, windows of 2, depth 2, M = 2, K = 2. 2 of 6 positions straddle; rank between the halves 8 of 16, in a tree 2.
    """  # noqa: E501

    n_sites = traitlets.Int(12).tag(sync=True)
    window = traitlets.Int(2).tag(sync=True)
    depth = traitlets.Int(2).tag(sync=True)
    local_dim = traitlets.Int(2).tag(sync=True)
    channels = traitlets.Int(2).tag(sync=True)

    _parts = ("overlap",)
    _esm = packed_module(*_parts)

    def __init__(
        self,
        n_sites: int = 12,
        window: int = 2,
        depth: int = 2,
        local_dim: int = 2,
        channels: int = 2,
    ) -> None:
        given = {"n_sites": n_sites, "window": window, "depth": depth,
                 "local_dim": local_dim, "channels": channels}  # fmt: skip
        for name, value in given.items():
            given[name] = as_int(name, value, minimum=SMALLEST[name], maximum=LARGEST[name])
        if n_sites % 2:
            raise ValueError(f"n_sites must be even, got {n_sites}")
        if depth * (window - 1) >= n_sites:
            raise ValueError(
                f"depth must leave a position: at most {(n_sites - 1) // (window - 1)} for "
                f"{n_sites} sites and windows of {window}, got {depth}"
            )
        super().__init__(**given)

    def _numbers(self) -> dict[str, int]:
        return overlap_numbers(self.n_sites, self.window, self.depth, self.local_dim, self.channels)

    def _describe(self) -> str:
        found = self._numbers()
        words = "rank between the halves" if found["exact"] else "rank between the halves at most"
        return (
            f"Overlap explorer: {self.n_sites} sites, windows of {self.window}, depth "
            f"{self.depth}, M = {self.local_dim}, K = {self.channels}. {found['straddling']} of "
            f"{found['positions']} positions straddle; {words} {found['rank']} of "
            f"{found['full']}, in a tree {found['tree']}."
        )

    def _picture(self) -> str:
        n_sites, step = self.n_sites, 480 / self.n_sites
        height = 60 + 34 * self.depth

        def place(layer: int, j: int) -> tuple[float, float]:
            shift = layer * (self.window - 1) / 2
            return 40 + step * (j + shift + 0.5), height - 34 * layer

        drawn = []
        for layer in range(self.depth):
            for j in range(n_sites - (layer + 1) * (self.window - 1)):
                for k in range(self.window):
                    drawn.append(line(*place(layer + 1, j), *place(layer, j + k), stroke=BOND))
        reach = self.depth * (self.window - 1)
        for layer in range(1, self.depth + 1):
            for j in range(n_sites - layer * (self.window - 1)):
                both = j < n_sites // 2 <= j + layer * (self.window - 1)
                x, y = place(layer, j)
                drawn.append(shape("circle", cx=x, cy=y, r=5, fill=CUT if both else BOND))
        for site in range(n_sites):
            x, y = place(0, site)
            drawn.append(
                shape("circle", cx=x, cy=y, r=6, fill=A) if site < n_sites // 2
                else shape("rect", x=x - 5.5, y=y - 5.5, width=11, height=11, fill=B)
            )  # fmt: skip
        drawn.append(text(40, 16, f"last positions see {reach + 1} sites; purple ones both halves"))
        return picture(560, height + 20, self._describe(), *drawn)


def overlap_numbers(
    n_sites: int, window: int, depth: int, local_dim: int, channels: int
) -> dict[str, int]:
    """Return what is to be known of an overlapping network between the halves of its line.

    Examples
    --------
    >>> overlap_numbers(12, 2, 3, 2, 3)["rank"]
    24
    """
    half, reach = n_sites // 2, depth * (window - 1)
    positions = n_sites - reach
    full = local_dim**half
    return {
        "reach": reach,
        "positions": positions,
        "straddling": sum(j < half <= j + reach for j in range(positions)),
        "rank": min(full, channels * local_dim**reach),
        "full": full,
        "tree": min(full, channels),
        # With a reach beyond a half the law is a bound only.
        "exact": reach <= half,
    }
