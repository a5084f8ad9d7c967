"""Layers on black windows, fused: the same numbers in half of the time, on a CPU, with Numba.

The plain layer looks up the rows that its windows join, multiplies them, and pools in
several passes. Here each row that is there is multiplied once, and one compiled pass over
the windows looks up and pools; the backward pass writes every gradient where it belongs.
The lists of windows are made by compiled loops too. What :mod:`.black_windows`,
:mod:`.products` and :mod:`.pooling` do is the reference, and what runs where Numba is not
installed, or on a GPU.

Numba compiles at the first call, for some seconds, and keeps the result beside this file.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

IS_THERE = find_spec("numba") is not None
NOT_ANY = 255  # no child won: ReLU let nothing through


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays with Numba, where it is installed."""
    if not IS_THERE:
        return function
    from numba import njit

    return njit(cache=True, nogil=True)(function)


def applies(x: torch.Tensor) -> bool:
    """Return whether these numbers can be computed with here."""
    return IS_THERE and x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


# --- which windows have something in them -------------------------------------------------


def readers_of(table: np.ndarray, n_entries: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn a table (taps, sites) of entries round: the sites that read entry e.

    They are ``sites[starts[e]:starts[e + 1]]``; the last entry, black, has none.
    """
    entries = table.ravel()
    order = np.argsort(entries, kind="stable")
    starts = np.searchsorted(entries[order], np.arange(n_entries + 1))
    return np.minimum(starts, starts[n_entries - 1]), order % table.shape[1]


def window_tables(
    entries: np.ndarray, table: np.ndarray, readers: tuple[np.ndarray, np.ndarray], window: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the numbers and the tables of a `FoundTree`, as that makes them.

    Parameters
    ----------
    entries : ndarray, shape (entries, batch)
        The numbers of the samples, any type.
    table : ndarray of int64, shape (taps, sites)
    readers
        From `readers_of`.
    window : int
    """
    n_sites, batch = table.shape[1], entries.shape[1]
    filled = np.zeros((n_sites, batch), dtype=np.bool_)
    _fill(entries, *readers, filled)
    number = np.empty((n_sites, batch), dtype=np.int64)
    count = _number(filled, number)
    numbers = np.empty((len(table), 1 + count), dtype=entries.dtype)
    _look_up(entries, table, number, numbers)
    tables = []
    while len(number) > 1:
        above = np.empty((len(number) // window, batch), dtype=np.int64)
        children = np.empty((window, 1 + min(count, above.size)), dtype=np.int64)
        count = _join_windows(number, above, children)
        tables.append(np.ascontiguousarray(children[:, : 1 + count]))
        number = above
    return numbers, [*tables, number]


@compiled
def _fill(entries, starts, sites, filled):
    for entry in range(len(entries)):
        for sample in range(entries.shape[1]):
            if entries[entry, sample] != 0:
                for reader in range(starts[entry], starts[entry + 1]):
                    filled[sites[reader], sample] = True


@compiled
def _number(filled, number):
    """Number what is filled from 1, in order; the rest is 0."""
    count = 0
    for site in range(filled.shape[0]):
        for sample in range(filled.shape[1]):
            count += filled[site, sample]
            number[site, sample] = count if filled[site, sample] else 0
    return count


@compiled
def _look_up(entries, table, number, numbers):
    numbers[:, 0] = 0
    for site in range(number.shape[0]):
        for sample in range(number.shape[1]):
            row = number[site, sample]
            if row:
                for tap in range(len(table)):
                    numbers[tap, row] = entries[table[tap, site], sample]


@compiled
def _join_windows(number, above, children):
    window, n_above, count = len(children), len(above), 0
    children[:, 0] = 0
    for place in range(n_above):
        for sample in range(above.shape[1]):
            filled = False
            for position in range(window):
                filled |= number[position * n_above + place, sample] > 0
            count += filled
            above[place, sample] = count if filled else 0
            if filled:
                for position in range(window):
                    children[position, count] = number[position * n_above + place, sample]
    return count


# --- a layer of a ConvNet -----------------------------------------------------------------


def max_layer(
    rows: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor, children: torch.Tensor
) -> torch.Tensor:
    """Return ReLU(max over a window of (W row) + bias) for every window, (windows, r_out).

    Parameters
    ----------
    rows : torch.Tensor, shape (rows, r_in)
    kernel : torch.Tensor, shape (r_out, r_in)
    bias : torch.Tensor, shape (r_out,)
    children : torch.Tensor of int64, shape (window, windows)
        The rows that each window joins.
    """
    return _MaxLayer.apply(rows, kernel, bias, children)


class _MaxLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows, kernel, bias, children):
        # These orders of the factors are those that MKL is quick at when r_in is small.
        mixed = rows @ kernel.T.contiguous()
        pooled = mixed.new_empty(children.shape[1], len(kernel))
        winner = torch.empty(pooled.shape, dtype=torch.uint8)
        tensors = (mixed, children, bias, pooled, winner)
        _pool_max(*(tensor.detach().numpy() for tensor in tensors))
        ctx.save_for_backward(rows, kernel, children, winner)
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        rows, kernel, children, winner = ctx.saved_tensors
        mixed = gradient.new_zeros(len(rows), len(kernel))
        bias = gradient.new_zeros(len(kernel))
        tensors = (gradient.contiguous(), children, winner, mixed, bias)
        _unpool_max(*(tensor.numpy() for tensor in tensors))
        below = (kernel.T.contiguous() @ mixed.T).T if ctx.needs_input_grad[0] else None
        return below, (rows.T @ mixed).T, bias, None


@compiled
def _pool_max(mixed, children, bias, pooled, winner):
    for place in range(children.shape[1]):
        best, won = pooled[place], winner[place]
        best[:] = mixed[children[0, place]]
        won[:] = 0
        for position in range(1, len(children)):
            child = mixed[children[position, place]]
            for channel in range(len(best)):
                if child[channel] > best[channel]:  # of equals the first one
                    best[channel] = child[channel]
                    won[channel] = position
        for channel in range(len(best)):
            best[channel] += bias[channel]
            if not best[channel] > 0:
                best[channel] = 0
                won[channel] = NOT_ANY


@compiled
def _unpool_max(gradient, children, winner, mixed, bias):
    for place in range(gradient.shape[0]):
        for channel in range(gradient.shape[1]):
            position = winner[place, channel]
            if position != NOT_ANY:
                mixed[children[position, place], channel] += gradient[place, channel]
                bias[channel] += gradient[place, channel]
