"""The first layer: from raw numbers to M features at every site.

Two steps. A :class:`SiteReader` hands every site the numbers it sees, as
(taps, site, batch); a representation turns them into features, as
(site, batch, M). Section 2.2 of Levine et al. calls the M functions f_theta.

Sites are listed *window first*: the position inside the finest pooling window
is the slowest index, then the position of that window inside the next one, and
so on (the digits of the site number in base `window`, reversed). Then at every
layer the windows' first members lie in one block, their second members in the
next: a pooling multiplies whole blocks, a convolution shared between windows is
one product of matrices for each block, and nothing is ever moved.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..._validation import as_choice, as_int
from ...architecture import Architecture
from ...partitions import morton_order
from .products import matmul_in_parts

MOST_NUMBERS = 2**16  # at a site
REPRESENTATIONS = ("affine-relu", "conv3x3", "linear", "cos-sin")


def window_first(n_sites: int, window: int) -> NDArray[np.int64]:
    """Return the site number at each place of the window-first list, shape (n_sites,).

    Examples
    --------
    >>> window_first(8, 2)
    array([0, 4, 2, 6, 1, 5, 3, 7])
    """
    depth, reached = 0, 1
    while reached < n_sites:
        reached, depth = reached * window, depth + 1
    return np.arange(n_sites).reshape((window,) * depth).transpose().ravel()


def readers_of(
    table: NDArray[np.int64], n_entries: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Turn a table (taps, sites) of entries round: the sites that read entry e.

    They are ``sites[starts[e]:starts[e + 1]]``; the last entry, black, has none.
    """
    entries = table.ravel()
    order = np.argsort(entries, kind="stable")
    starts = np.searchsorted(entries[order], np.arange(n_entries + 1))
    return np.minimum(starts, starts[n_entries - 1]), order % table.shape[1]


class SiteReader(nn.Module):
    """Hand every site the numbers it sees.

    A site of a sequence (batch, N, s) has s = `site_size` numbers; of an image sites are
    squares of pixels, s = colours * square side^2. With `neighbourhood` they are pixels, and
    see the 3x3 pixels around them, black beyond the frame.
    """

    def __init__(self, architecture: Architecture, site_size: int = 1, neighbourhood: bool = False):
        super().__init__()
        self.n_sites, self.window = architecture.n_sites, architecture.window
        self.site_size = as_int("site_size", site_size, 1, MOST_NUMBERS)
        self.neighbourhood = neighbourhood
        if neighbourhood and not self._are_pixels():
            raise ValueError(
                "representation can be 'conv3x3' only for the pixels of a square whose side is a "
                f"power of 2, got an architecture with {self.n_sites} sites"
            )
        self.order = window_first(self.n_sites, self.window)
        self.n_taps = self.site_size * (9 if neighbourhood else 1)
        self._tables: dict[Any, Tensor] = {}
        self._readers: dict[Any, Any] = {}

    def _are_pixels(self) -> bool:
        """Return whether the sites can be the squares of an image."""
        side = round(self.n_sites**0.5)
        return side * side == self.n_sites and side & (side - 1) == 0

    def forward(self, x: Tensor) -> Tensor:
        """Read sequences (batch, N), (batch, N, s) or images (batch, [colours,] height, width).

        Into shape (taps, N, batch), sites window first, in the dtype of `x`.
        """
        entries, table = self.look_up(x)
        # Twice as fast as entries[table], which is for indices of any shape and sign.
        return entries.index_select(0, table.flatten()).view(*table.shape, -1)

    def look_up(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `forward` reads from: (entries, table) with entries[table] the result.

        The entries are (numbers of a sample + 1, batch), the last one black; the table is
        (taps, N), int64.
        """
        entries = F.pad(x.flatten(1).T, (0, 0, 0, 1))
        return entries, self._table(tuple(x.shape[1:]), x.device)

    def readers(self, x: Tensor) -> Any:
        """Return which sites read each entry of `look_up`; see `readers_of`."""
        shape = tuple(x.shape[1:])
        if shape not in self._readers:
            table = self._table(shape, torch.device("cpu")).numpy()
            self._readers[shape] = readers_of(table, 1 + int(np.prod(shape)))
        return self._readers[shape]

    def _table(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """Return which entry of a flattened sample each (tap, site) sees; the last is black."""
        if (shape, device) not in self._tables:
            self._tables[shape, device] = self._make_table(shape).to(device)
        return self._tables[shape, device]

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # no part of what is computed
    def _make_table(self, shape: tuple[int, ...]) -> Tensor:
        n, s = self.n_sites, self.site_size
        if not self.neighbourhood and (shape == (n, s) or (s == 1 and shape == (n,))):
            entries = np.arange(n * s).reshape(n, s).T
        else:
            entries = self._image_entries(shape)
        black = np.prod(shape)
        return torch.from_numpy(np.where(entries < 0, black, entries)[:, self.order])

    def _image_entries(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return the pixels each site of an image sees, (taps, N), sites in Morton order."""
        side = round(self.n_sites**0.5)
        colours, height, width = (1, *shape) if len(shape) == 2 else (*shape, 0, 0, 0)[:3]
        square = height // side
        fits = square and height == width == square * side
        wanted = colours if self.neighbourhood else colours * square * square
        if (
            len(shape) not in (2, 3)
            or not self._are_pixels()
            or not fits
            or wanted != self.site_size
            or (self.neighbourhood and square != 1)
        ):
            raise ValueError(self.complaint(shape))
        pixels = np.arange(colours * height * width).reshape(colours, height, width)
        if self.neighbourhood:
            framed = np.pad(pixels, ((0, 0), (1, 1), (1, 1)), constant_values=-1)
            views = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), (1, 2))
        else:
            views = pixels.reshape(colours, side, square, side, square).swapaxes(2, 3)
        # (colours, side, side, k, k) -> (taps, pixel of the coarse image)
        views = views.transpose(0, 3, 4, 1, 2).reshape(self.n_taps, self.n_sites)
        return views[:, morton_order(side)]

    def complaint(self, shape: tuple[int, ...], n_axes: int = 2) -> str:
        """Return which samples are read, and that those of this shape are not."""
        n, s, side = self.n_sites, self.site_size, round(self.n_sites**0.5)
        allowed = [] if self.neighbourhood else [f"sequences (batch, {n}, {s})"]
        if s == 1 and not self.neighbourhood:
            allowed.append(f"(batch, {n})")
        if self._are_pixels():
            allowed.append(
                f"images (batch, {side}, {side}) with one number a pixel"
                if s == 1
                else f"images whose {side} x {side} squares of pixels hold {s} numbers each"
            )
        return (
            f"x must be {' or '.join(allowed)} for a network of {n} sites with "
            f"site_size {s}, got shape (batch, {', '.join(map(str, shape))})"
            if n_axes > 1
            else f"x must be {' or '.join(allowed)}, got {n_axes} axes"
        )


class AffineReLU(nn.Module):
    """ReLU(w_d . x + b_d), d = 1..M: the paper's representation, on a patch or on 3x3 pixels.

    The start ``"positive"`` is where none of the products that follow has a vector of zeros
    for a factor: for one number features that fall from 1 and features that rise from 0, in
    turn; for a patch features that are 1 on black and differ on patterns. ``"he"`` and
    ``"pytorch"`` are for ReLU networks; see :class:`convac_lib.learning.models.ConvNet`.
    """

    def __init__(self, n_taps: int, n_features: int, start: str, generator: torch.Generator):
        super().__init__()
        draw = torch.randn if start == "he" else torch.rand
        drawn = draw(n_taps + 1, n_features, generator=generator, dtype=torch.float64)
        if start == "he":
            weight, bias = drawn[:-1] * (2 / n_taps) ** 0.5, torch.zeros(n_features)
        elif start == "pytorch":
            weight, bias = (2 * drawn - 1).div(n_taps**0.5).split([n_taps, 1])
        elif n_taps > 1:
            weight, bias = (2 * drawn[:-1] - 1) / n_taps**0.5, torch.ones(n_features)
        else:
            rises = torch.arange(n_features) % 2
            weight, bias = (2 * rises - 1) * (1 + drawn[:-1]) / (2 * n_taps), 1.0 - rises
        # (taps, M): this way round its gradient is a product of matrices MKL is quick at.
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.flatten())

    def forward(self, numbers: Tensor) -> Tensor:
        """Map (taps, site, batch) to (site, batch, M)."""
        n_taps, n_sites, batch = numbers.shape
        rows = numbers.reshape(n_taps, -1).T
        if rows.is_cuda:
            features = matmul_in_parts(rows, self.weight[None]) + self.bias
        else:
            features = torch.addmm(self.bias, rows, self.weight)
        return torch.relu_(features).view(n_sites, batch, -1)


class Linear(nn.Module):
    """[1, x_1, ..., x_s]: then the score is a polynomial of degree one in each number."""

    def forward(self, numbers: Tensor) -> Tensor:
        """Map (taps, site, batch) to (site, batch, taps + 1)."""
        return torch.stack([torch.ones_like(numbers[0]), *numbers], -1)


class CosSin(nn.Module):
    """[cos(pi x / 2), sin(pi x / 2)] for x from 0 to 1: two features of unit length."""

    def forward(self, numbers: Tensor) -> Tensor:
        """Map (1, site, batch) to (site, batch, 2)."""
        angle = numbers[0] * (torch.pi / 2)
        return torch.stack([angle.cos(), angle.sin()], -1)


def build(
    representation: str | nn.Module,
    architecture: Architecture,
    site_size: int,
    generator: torch.Generator,
    start: str = "positive",
) -> tuple[SiteReader, nn.Module]:
    """Return the reader and the representation that `representation` names.

    A module of your own maps (taps, site, batch) to (site, batch, M); a name that is unknown,
    or gives another number of features than ``architecture.local_dim``, is refused.
    """
    conv3x3 = isinstance(representation, str) and representation == "conv3x3"
    reader = SiteReader(architecture, site_size, neighbourhood=conv3x3)
    if isinstance(representation, nn.Module):
        return reader, representation
    as_choice("representation", representation, REPRESENTATIONS)
    m = architecture.local_dim
    if representation == "linear":
        _require_features("linear", m, site_size + 1)
        return reader, Linear()
    if representation == "cos-sin":
        if site_size != 1:
            raise ValueError(
                f"site_size must be 1 for the representation 'cos-sin', got {site_size}"
            )
        _require_features("cos-sin", m, 2)
        return reader, CosSin()
    return reader, AffineReLU(reader.n_taps, m, start, generator)


def _require_features(name: str, local_dim: int, n_features: int) -> None:
    if local_dim != n_features:
        raise ValueError(
            f"architecture.local_dim must be {n_features} for the representation {name!r}, "
            f"got {local_dim}"
        )
