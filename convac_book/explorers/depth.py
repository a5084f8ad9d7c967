"""The depth explorer: one layer against many, as the sites become more."""

from math import log10

import traitlets

from convac_lib._validation import as_choice, as_int
from convac_lib.architecture import Architecture

from ._base import Explorer, packed_module
from ._picture import RULE, line, picture, polyline, shape, text
from .width import BASE, TIP

SITES = tuple(2**k for k in range(1, 11))


class DepthExplorer(Explorer):
    """Weights of a deep network, and of a shallow one that holds the same correlations.

    Nothing is shared, windows are of two, and all layers of the deep network have the same
    number of channels. For almost all its weights the rank between even and odd sites is
    min(M, r)^(N/2); one layer of K channels has rank K at most.

    Parameters
    ----------
    n_sites : int
        A power of two from 2 to 1024.
    local_dim : int
        M, from 1 to 8.
    channels : int
        r, from 1 to 16.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> DepthExplorer(32)
    Depth explorer: 32 sites, M = 2, 2 channels in each layer. The deep network has 250 weights; \
one layer needs at least 65536 channels and 4259840 weights.
    """

    n_sites = traitlets.Int(8).tag(sync=True)
    local_dim = traitlets.Int(2).tag(sync=True)
    channels = traitlets.Int(2).tag(sync=True)

    _parts = ("_designs", "depth")
    _esm = packed_module(*_parts)

    def __init__(self, n_sites: int = 8, local_dim: int = 2, channels: int = 2) -> None:
        super().__init__(
            n_sites=as_choice("n_sites", n_sites, SITES),
            local_dim=as_int("local_dim", local_dim, minimum=1, maximum=8),
            channels=as_int("channels", channels, minimum=1, maximum=16),
        )

    def _describe(self) -> str:
        rank, deep, shallow = depth_numbers(self.n_sites, self.local_dim, self.channels)
        return (
            f"Depth explorer: {self.n_sites} sites, M = {self.local_dim}, {self.channels} "
            f"channel{'s' * (self.channels > 1)} in each layer. The deep network has {deep} "
            f"weights; one layer needs at least {_size(rank)} channel{'s' * (rank > 1)} and "
            f"{_size(shallow)} weights."
        )

    def _picture(self) -> str:
        curves = [depth_numbers(n, self.local_dim, self.channels)[1:] for n in SITES]
        drawn = [text(40, 16, "weights against sites N: one layer (upper), many layers (lower)")]
        for power in (0, 5, 10, 15, 20):
            y = 196 - 8.5 * power
            drawn += [line(46, y, 520, y, stroke=RULE), text(8, y + 4, f"1e{power}")]
        for number, colour in [(1, TIP), (0, BASE)]:
            places = [(60 + 50 * k, 196 - 8.5 * log10(found[number]))
                      for k, found in enumerate(curves) if found[number] < 10**20]  # fmt: skip
            drawn.append(polyline(places, stroke=colour, stroke_width=2))
            drawn += [shape("circle", cx=x, cy=y, r=3.5, fill=colour) for x, y in places]
        drawn += [text(60 + 50 * k, 216, str(n), text_anchor="middle") for k, n in enumerate(SITES)]
        return picture(540, 226, self._describe(), *drawn)


def depth_numbers(n_sites: int, local_dim: int, channels: int) -> tuple[int, int, int]:
    """Return the rank between even and odd sites, and the weights of many layers and of one.

    Examples
    --------
    >>> depth_numbers(8, 2, 2)
    (16, 58, 272)
    """
    deep = Architecture.line(local_dim, (channels,) * (n_sites.bit_length() - 1))
    rank = min(local_dim, channels) ** (n_sites // 2)
    shallow = rank * (n_sites * local_dim + 1)
    return rank, deep.parameter_count(), shallow


def _size(n: int) -> str:
    return str(n) if n < 10**15 else f"{n // 10 ** (len(str(n)) - 3) / 100:.1f}e{len(str(n)) - 1}"
