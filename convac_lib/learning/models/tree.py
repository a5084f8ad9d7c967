"""What both models share: reading the sites, and climbing the tree layer by layer."""

import torch
import torch.nn.functional as F
from torch import nn

from .background import window_tables
from .products import multiply
from .representations import build
from .window_lists import Windows, join


class TreeModel(nn.Module):
    """A network in the shape of an Architecture; a model says how a layer pools.

    Rows are (site, batch) pairs, window first (see :mod:`.representations`), so that
    one layer is: blocks of rows times matrices, then a pooling over the first axis.

    With ``share_background=True`` the windows of one batch that see only zeros are
    computed once (see :mod:`.background`): the same function, several times faster on
    small digits on a black ground. A batch may also come as lists of windows, made
    beforehand (see :mod:`.window_lists`).
    """

    def __init__(
        self, architecture, representation, site_size, generator, share_background, positive
    ):
        super().__init__()
        self.architecture = architecture
        self.share_background = share_background
        self.reader, self.representation = build(
            representation, architecture, site_size, generator, positive
        )

    def climb(self, x, layers, pool):
        """Return the vector at the top of every sample's tree, (batch, r_{L-1}), and its row.

        `layers` are the weights (G, r_out, r_in); ``pool(layer, values, children)`` maps
        (window, rows, r_out) to (rows, r_out), where `children` are the rows of the layer
        below that each window joins, (window, rows), or None if those are all, in order;
        likewise the row at the top.
        """
        if isinstance(x, Windows):
            return self._climb_lists(x, layers, pool)
        x, tables, top = self._numbers(x), None, None
        if self.share_background:
            seen = self.reader.look_up(x)
            numbers, tables, top = window_tables(*seen, self.architecture.window)
        else:
            numbers = self.reader(x)
        rows = self.representation(numbers).flatten(0, 1)
        for layer, weight in enumerate(layers):
            children = None
            if tables is not None:
                children = tables[layer]
                rows = F.embedding(children, rows).flatten(0, 1)
            rows = pool(layer, convolve(rows, weight, self.architecture.window), children)
        return (rows if top is None else F.embedding(top, rows)), top

    def _climb_lists(self, windows, layers, pool):
        """Climb from samples that are listed already; see :mod:`.window_lists`."""
        numbers = windows.numbers.flatten(0, 1).T.unsqueeze(-1).to(self.dense)
        rows = self.representation(numbers).flatten(0, 1)
        *tables, (top, of_the_top) = windows.flat_tables()
        for layer, (weight, (children, parents)) in enumerate(zip(layers, tables, strict=True)):
            rows = join(rows, children.flatten(), parents)
            rows = pool(layer, convolve(rows, weight, len(children)), children)
        return join(rows, top[0], of_the_top), top[0]

    def features(self, x):
        """Return the representation of a batch, shape (batch, N, M), sites in order."""
        features = self.representation(self.reader(self._numbers(x)))
        ordered = torch.empty_like(features)
        ordered[torch.from_numpy(self.reader.order)] = features
        return ordered.transpose(0, 1)

    def _numbers(self, x):
        return torch.as_tensor(x).to(self.dense)


def seeded(seed):
    """Return a generator of random numbers; torch's own if `seed` is None."""
    return torch.default_generator if seed is None else torch.Generator().manual_seed(seed)


def convolve(rows, weight, window):
    """Apply a layer's matrices: (sites * batch, r_in) -> (window, windows * batch, r_out).

    The rows are window first, so a layer with G different matrices is one batched
    product of G blocks, whether G is 1, `window` or the number of sites.
    """
    return multiply(rows, weight.transpose(1, 2)).view(window, -1, weight.shape[1])
