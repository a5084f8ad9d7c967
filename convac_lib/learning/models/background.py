"""Black windows once: most of a small digit's image is the same empty sub-tree.

With shared weights every window that sees only zeros gives the same vector, at
every layer. So the rows of a batch become a list: row 0 is the empty window, the
others are the windows with something in them. A table says which rows of the
layer below each window joins. Nothing is approximated.
"""

import torch
import torch.nn.functional as F


def window_tables(entries, table, window):
    """Return what is left to compute for a batch in which empty windows are one.

    Parameters
    ----------
    entries : torch.Tensor, shape (entries, batch)
        The numbers of the samples.
    table : torch.Tensor, shape (taps, sites), int64
        The entries that every site sees, sites window first.
    window : int
        Sites of one pooling window.

    Returns
    -------
    numbers : torch.Tensor, shape (taps, rows, 1)
        Row 0 is an empty site, the others are the sites that see anything but zero.
    tables : list of torch.Tensor, shape (window, rows), int64
        For each layer, the rows of the layer below that each of its rows joins.
    top : torch.Tensor, shape (batch,), int64
        Each sample's row at the top.

    Examples
    --------
    >>> entries = torch.tensor([[0.0, 0], [0, 0], [0, 0], [7, 0]])  # 4 sites, 2 samples
    >>> numbers, tables, top = window_tables(entries, torch.arange(4)[None], 2)
    >>> numbers.flatten().tolist(), [table.tolist() for table in tables], top.tolist()
    ([0.0, 7.0], [[[0, 0], [0, 1]], [[0, 0], [0, 1]]], [1, 0])
    """
    n_sites, batch = table.shape[1], entries.shape[1]
    not_black = entries != 0
    active = not_black[table[0]]
    for tap in table[1:]:
        active |= not_black[tap]
    active = active.flatten().nonzero().squeeze(1)  # site * batch + sample
    kept = entries[table[:, active // batch], active % batch]
    kept = F.pad(kept, (1, 0)).unsqueeze(-1)
    tables, places = [], n_sites * batch
    while places > batch:
        places //= window
        # Window first: the place of a site's window is its own place, modulo.
        parent = active % places
        number = _number(parent, places)
        row_below = torch.arange(1, len(active) + 1, device=active.device)
        position = active // places
        active = number.nonzero().squeeze(1)
        table = active.new_zeros(window, 1 + len(active))
        table[position, number[parent]] = row_below
        tables.append(table)
    return kept, tables, number


def _number(parent, places):
    """Number the places that occur in `parent` from 1, in order; the others are 0."""
    occurs = parent.new_zeros(places)
    occurs[parent] = 1
    return occurs.cumsum(0) * occurs
