"""Layers, fused: the same numbers in half of the time, on a CPU, with Numba.

The plain layer looks up the rows that its windows join, multiplies them, and pools in
several passes. On black windows each row that is there is multiplied once here, and one
compiled pass over the windows looks up and pools; the backward pass writes every gradient
where it belongs. On whole trees a block of rows at a time is multiplied and pooled while it is
in the cache, in as many threads as torch has. What :mod:`.black_windows`, :mod:`.products` and
:mod:`.pooling` do is the reference, and what runs where Numba is not installed, or on a GPU.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..._arrays import Array
from .compiled import IS_THERE, compiled, has_openmp, in_parallel, parts_in_threads, prange
from .derivatives import is_differentiated, is_eager, pulled_back
from .pooling import as_divisor, orthogonal, plain_product

AT_ONCE = 2**18  # multiplications that BLAS does without a second thread of its own, at most
LARGEST = 96 * 96  # numbers in a matrix: the products of larger ones are nearly all of the work
# Multiplications of a product for which another thread is taken. OpenMP's wait for work. One of
# Python's must be started, while torch's own go on spinning for milliseconds after their work and
# take the core from it: so these must be many.
WORTH_A_THREAD = {"OpenMP": 2**20, "Python": 2**27}
NOT_ANY = 255  # no child won: ReLU let nothing through


def is_there() -> bool:
    """Return whether Numba is installed."""
    return IS_THERE


def applies(x: Tensor) -> bool:
    """Return whether these numbers can be computed with here."""
    return IS_THERE and is_eager(x) and x.dtype in (torch.float32, torch.float64)


# --- a layer of a ConvNet -----------------------------------------------------------------


def max_layer(rows: Tensor, kernel: Tensor, bias: Tensor, children: Tensor) -> Tensor:
    """Return ReLU(max over a window of (W row) + bias) for every window, (windows, r_out).

    `kernel` is W, (r_out, r_in); `children`, (window, windows), are the rows that each joins.
    """
    return _MaxLayer.apply(rows, kernel, bias, children)


class _MaxLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, kernel: Tensor, bias: Tensor, children: Tensor) -> Tensor:
        # These orders of the factors are those that MKL is quick at when r_in is small.
        mixed = rows @ kernel.T.contiguous()
        pooled = mixed.new_empty(children.shape[1], len(kernel))
        winner = torch.empty(pooled.shape, dtype=torch.uint8)
        tensors = (mixed, children, bias, pooled, winner)
        _pool_max(*(tensor.detach().numpy() for tensor in tensors))
        ctx.save_for_backward(rows, kernel, children, winner)
        return pooled

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, kernel, children, winner = ctx.saved_tensors
        if is_differentiated(gradient):

            def plain(rows: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
                return _won((rows @ kernel.T)[children], winner, bias)

            inputs = (rows, kernel, torch.zeros_like(kernel[:, 0]))
            return *pulled_back(plain, inputs, gradient), None
        mixed = gradient.new_zeros(len(rows), len(kernel))
        bias = gradient.new_zeros(len(kernel))
        tensors = (gradient.contiguous(), children, winner, mixed, bias)
        _unpool_max(*(tensor.numpy() for tensor in tensors))
        below = (kernel.T.contiguous() @ mixed.T).T if ctx.needs_input_grad[0] else None
        return below, (rows.T @ mixed).T, bias, None


def _won(joined: Tensor, winner: Tensor, bias: Tensor) -> Tensor:
    """Return what the winners, (windows, channels), of (window, windows, channels) hand on."""
    won = joined.gather(0, winner.clamp_max(len(joined) - 1).long()[None])[0]
    return (won + bias) * (winner != NOT_ANY)


@compiled
def _pool_max(mixed, children, bias, pooled, winner):
    for place in range(children.shape[1]):
        best, won = pooled[place], winner[place]
        best[:] = mixed[children[0, place]]
        won[:] = 0
        for position in range(1, len(children)):
            child = mixed[children[position, place]]
            for channel in range(len(best)):
                if _beats(child[channel], best[channel]):
                    best[channel] = child[channel]
                    won[channel] = position
        _add_bias(best, bias, won)


@compiled
def _beats(number, best):
    """Return whether a number is larger; of equals the first one stays, and NaN wins."""
    return number > best or number != number


@compiled
def _add_bias(best, bias, won):
    """Add the bias, and note where ReLU lets nothing through."""
    zero, not_any = best.dtype.type(0), np.uint8(NOT_ANY)
    for channel in range(len(best)):
        above = best[channel] + bias[channel]
        best[channel] = zero if above <= zero else above
        won[channel] = not_any if above <= zero else won[channel]


@compiled
def _unpool_max(gradient, children, winner, mixed, bias):
    for place in range(gradient.shape[0]):
        for channel in range(gradient.shape[1]):
            position = winner[place, channel]
            if position != NOT_ANY:
                mixed[children[position, place], channel] += gradient[place, channel]
                bias[channel] += gradient[place, channel]


# --- a layer of a ConvNet on a whole tree -------------------------------------------------


def whole_max_layer(rows: Tensor, kernel: Tensor, bias: Tensor, window: int) -> Tensor:
    """Return `max_layer` of all the windows of a tree: `rows` are (window, windows).

    `kernel` is (1, r_out, r_in). Backward needs to know who won, a byte a number, and not
    what was multiplied.
    """
    return _WholeMaxLayer.apply(rows.contiguous(), kernel.contiguous(), bias, window)


class _WholeMaxLayer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, kernel: Tensor, bias: Tensor, window: int) -> Tensor:
        pooled = rows.new_empty(len(rows) // window, kernel.shape[1])
        winner = torch.empty(pooled.shape, dtype=torch.uint8)
        tensors = (rows.view(window, -1, rows.shape[1]), kernel.transpose(1, 2).contiguous())
        arrays = [tensor.detach().numpy() for tensor in (*tensors, bias, pooled, winner)]
        bounds, at_once = _shares(rows, kernel, window)
        parts_in_threads(
            lambda _, *part: _multiply_max(*arrays, *part, at_once),
            lambda bounds: _multiply_max_parts(*arrays, bounds, at_once),
            bounds,
        )
        ctx.save_for_backward(rows, kernel, winner)
        ctx.window = window
        return pooled

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, kernel, winner = ctx.saved_tensors
        window, needs_rows = ctx.window, ctx.needs_input_grad[0]
        if is_differentiated(gradient):

            def plain(rows: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
                joined = rows.view(window, -1, rows.shape[1]) @ kernel[0].T
                return _won(joined, winner, bias)

            inputs = (rows, kernel, torch.zeros_like(kernel[0, :, 0]))
            return *pulled_back(plain, inputs, gradient), None
        below = torch.empty_like(rows if needs_rows else rows[:0])
        tensors = (rows.view(window, -1, rows.shape[1]), kernel[0], gradient.contiguous(), winner)
        tensors += (below.view(window, -1, rows.shape[1]),)
        arrays = [tensor.detach().numpy() for tensor in tensors]
        bounds, at_once = _shares(rows, kernel, window)
        of_kernel = kernel.new_zeros(len(bounds) - 1, *kernel.shape[1:])
        of_bias = kernel.new_zeros(len(bounds) - 1, kernel.shape[1])
        sums = of_kernel.numpy(), of_bias.numpy()
        parts_in_threads(
            lambda k, *part: _unmultiply_max(*arrays, sums[0][k], sums[1][k], *part, at_once),
            lambda bounds: _unmultiply_max_parts(*arrays, *sums, bounds, at_once),
            bounds,
        )
        return below if needs_rows else None, of_kernel.sum(0)[None], of_bias.sum(0), None


@compiled
def _multiply_max(x, matrices, bias, pooled, winner, begin, end, at_once):
    window, n_channels = len(x), matrices.shape[2]
    mixed = np.empty((window, at_once * n_channels), dtype=x.dtype)
    for first in range(begin, end, at_once):
        last = min(first + at_once, end)
        _mix(x, matrices, first, last, mixed)
        best = pooled[first:last].reshape((last - first) * n_channels)
        won = winner[first:last].reshape((last - first) * n_channels)
        best[:] = mixed[0, : len(best)]
        won[:] = 0
        for position in range(1, window):
            this = np.uint8(position)
            for j in range(len(best)):
                larger = _beats(mixed[position, j], best[j])
                best[j] = mixed[position, j] if larger else best[j]
                won[j] = this if larger else won[j]
        for place in range(first, last):
            _add_bias(pooled[place], bias, winner[place])


@in_parallel
def _multiply_max_parts(x, matrices, bias, pooled, winner, bounds, at_once):
    for k in prange(len(bounds) - 1):
        _multiply_max(x, matrices, bias, pooled, winner, bounds[k], bounds[k + 1], at_once)


@compiled
def _unmultiply_max(x, kernel, gradient, winner, below, of_kernel, of_bias, begin, end, at_once):
    window, n_channels = len(x), gradient.shape[1]
    flat = np.empty(at_once * n_channels, dtype=x.dtype)
    of_part, zero = np.empty(kernel.shape, dtype=x.dtype), x.dtype.type(0)
    for first in range(begin, end, at_once):
        last = min(first + at_once, end)
        size = last - first
        arriving = gradient[first:last].reshape(size * n_channels)
        won = winner[first:last].reshape(size * n_channels)
        of_mixed = flat[: size * n_channels].reshape(size, n_channels)
        for place in range(first, last):
            for channel in range(n_channels):
                passed = winner[place, channel] != np.uint8(NOT_ANY)
                of_bias[channel] += gradient[place, channel] if passed else zero
        for position in range(window):
            this = np.uint8(position)
            for j in range(len(won)):
                flat[j] = arriving[j] if won[j] == this else zero
            np.dot(of_mixed.T, x[position, first:last], of_part)
            of_kernel += of_part
            if below.shape[1]:
                np.dot(of_mixed, kernel, below[position, first:last])


@in_parallel
def _unmultiply_max_parts(x, kernel, gradient, winner, below, of_kernel, of_bias, bounds, at_once):
    for k in prange(len(bounds) - 1):
        sums, part = (of_kernel[k], of_bias[k]), (bounds[k], bounds[k + 1], at_once)
        _unmultiply_max(x, kernel, gradient, winner, below, *sums, *part)


# --- a layer of a ConvAC ------------------------------------------------------------------


def product_layer(
    rows: Tensor, kernel: Tensor, children: Tensor, smallest: float
) -> tuple[Tensor, Tensor]:
    """Return the products over a window of (W row), over their largest magnitude; and that.

    For a function that does not depend on the size of a row; see `pooling.product_pool`.

    Row 0 is the empty window; `children`, (window, windows), are the rows that each joins. The
    kernel (1 or window, r_out, r_in) is one matrix for all positions, or one for each; then
    rows at the first position in their windows come first, then those at the second, and so
    on. No row
    is divided by less than `smallest`. The magnitudes, (windows,), are 0 for rows of zeros.
    """
    return _ProductLayer.apply(rows, kernel, children, smallest)


class _ProductLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, kernel: Tensor, children: Tensor, smallest: float
    ) -> tuple[Tensor, Tensor]:
        window, n_rows = len(children), len(rows)
        ends = 1 + children.amax(1).cummax(0).values
        matrices = kernel.transpose(1, 2).contiguous()
        # W row for every row that is there; then, for each position, W row 0.
        mixed = rows.new_empty(n_rows + window, kernel.shape[1])
        mixed[0] = 0
        mixed[n_rows:] = (rows[0] @ matrices).expand(window, -1)
        for part, matrix in _parts(ends, matrices):
            torch.mm(rows[part], matrix, out=mixed[part])
        pooled = rows.new_empty(children.shape[1], mixed.shape[1])
        scale = rows.new_empty(len(pooled))
        integers = torch.int32 if rows.dtype is torch.float32 else torch.int64
        tensors = (mixed, children, pooled, scale, pooled.view(integers), scale.view(integers))
        _pool_product(n_rows, *(tensor.detach().numpy() for tensor in tensors), smallest)
        ctx.save_for_backward(rows, kernel, mixed, children, pooled, scale, ends)
        ctx.mark_non_differentiable(scale)
        ctx.again = False
        return pooled, scale

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Any) -> tuple[Tensor | None, ...]:
        rows, kernel, mixed, children, pooled, scale, ends = ctx.saved_tensors
        if is_differentiated(gradient) or ctx.again:
            if not ctx.again:
                gradient = orthogonal(gradient, pooled)
            ctx.again = True  # what comes back next is no gradient of a scale-free function

            def plain(rows: Tensor, kernel: Tensor) -> Tensor:
                return plain_product(rows[children] @ kernel.transpose(1, 2))

            gradient = gradient / as_divisor(scale).unsqueeze(1)

            return *pulled_back(plain, (rows, kernel), gradient), None, None
        n_rows, of_mixed = len(rows), torch.zeros_like(mixed)
        tensors = (gradient.contiguous(), pooled, scale, mixed, children, of_mixed)
        _unpool_product(n_rows, *(tensor.detach().numpy() for tensor in tensors))
        of_empty = of_mixed[n_rows:]
        if len(kernel) == 1:
            of_empty = of_empty.sum(0, keepdim=True)
        below = torch.empty_like(rows)
        below[0] = (of_empty.unsqueeze(1) @ kernel).sum((0, 1))
        of_kernel = of_empty.unsqueeze(2) * rows[0]
        for position, (part, matrix) in enumerate(_parts(ends, kernel)):
            below[part] = (matrix.T.contiguous() @ of_mixed[part].T).T
            of_kernel[position] += (rows[part].T @ of_mixed[part]).T
        return below, of_kernel, None, None


def _parts(ends: Any, matrices: Any) -> Any:
    """Return the rows at each position with their matrix; all of them if there is but one."""
    if len(matrices) == 1:
        return [(slice(1, int(ends[-1])), matrices[0])]
    starts = [1, *ends.tolist()]
    return [
        (slice(start, end), matrix)
        for start, end, matrix in zip(starts[:-1], starts[1:], matrices, strict=True)
    ]


@compiled
def _pool_product(n_rows, mixed, children, pooled, scale, pooled_bits, scale_bits, smallest):
    n_channels = pooled.shape[1]
    for place in range(len(pooled)):
        for position in range(len(children)):
            child = children[position, place]
            if child == 0:
                child = n_rows + position
            if position == 0:
                for channel in range(n_channels):
                    pooled[place, channel] = mixed[child, channel]
            else:
                for channel in range(n_channels):
                    pooled[place, channel] *= mixed[child, channel]
        _rescale(pooled, scale, pooled_bits, scale_bits, place, smallest)


@compiled
def _unpool_product(n_rows, gradient, pooled, scale, mixed, children, of_mixed):
    window, n_channels = len(children), gradient.shape[1]
    outer, others = np.empty((2, n_channels), dtype=gradient.dtype)
    for place in range(len(gradient)):
        _orthogonal(gradient, pooled, scale, place, outer, 0)
        for position in range(window):
            child = children[position, place]
            row = child if child else n_rows + position
            for channel in range(n_channels):
                others[channel] = outer[channel]
            for other in range(window):
                if other != position:
                    factor = children[other, place]
                    if factor == 0:
                        factor = n_rows + other
                    for channel in range(n_channels):
                        others[channel] *= mixed[factor, channel]
            for channel in range(n_channels):
                of_mixed[row, channel] += others[channel]


# --- a layer of a ConvAC on a whole tree --------------------------------------------------


def covers(rows: Tensor, kernel: Tensor, window: int) -> bool:
    """Return whether `whole_layer` takes these, and is the quicker way."""
    return (
        applies(rows)
        and window in (2, 4)
        and len(kernel) <= window  # with a matrix for every site little is gained
        and kernel[0].numel() <= LARGEST
        and torch._C._functorch.peek_interpreter_stack() is None  # nor inside of torch.func
    )


def whole_layer(
    rows: Tensor, kernel: Tensor, window: int, smallest: float
) -> tuple[Tensor, Tensor]:
    """Return the products over windows of (W row), over their largest magnitude; and that.

    As `product_layer`, of all the windows of a tree: `rows` are (window, windows).

    Forward reads the rows and writes the products; backward reads both, the gradient and
    the scales, and writes what it hands down. Nothing as long as the rows is kept or made
    on the way: a third more multiplications, half of the memory's traffic.
    """
    return _WholeLayer.apply(rows.contiguous(), kernel.contiguous(), window, smallest)


class _WholeLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, kernel: Tensor, window: int, smallest: float
    ) -> tuple[Tensor, Tensor]:
        pooled = rows.new_empty(len(rows) // window, kernel.shape[1])
        scale = rows.new_empty(len(pooled))
        integers = torch.int32 if rows.dtype is torch.float32 else torch.int64
        tensors = (rows.view(window, -1, rows.shape[1]), kernel.transpose(1, 2).contiguous())
        tensors += (pooled, scale, pooled.view(integers), scale.view(integers))
        arrays = [tensor.detach().numpy() for tensor in tensors]
        bounds, at_once = _shares(rows, kernel, window)
        parts_in_threads(
            lambda _, *part: _multiply_whole(*arrays, *part, at_once, smallest),
            lambda bounds: _multiply_whole_parts(*arrays, bounds, at_once, smallest),
            bounds,
        )
        ctx.save_for_backward(rows, kernel, pooled, scale)
        ctx.mark_non_differentiable(scale)
        ctx.window, ctx.again = window, False
        return pooled, scale

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Any) -> tuple[Tensor | None, ...]:
        rows, kernel, pooled, scale = ctx.saved_tensors
        window, needs = ctx.window, ctx.needs_input_grad[:2]
        if is_differentiated(gradient) or ctx.again:
            if not ctx.again:
                gradient = orthogonal(gradient, pooled)
            ctx.again = True  # what comes back next is no gradient of a scale-free function

            def plain(rows: Tensor, kernel: Tensor) -> Tensor:
                joined = rows.view(window, -1, rows.shape[1])
                return plain_product(joined @ kernel.transpose(1, 2))

            gradient = gradient / as_divisor(scale).unsqueeze(1)
            return *pulled_back(plain, (rows, kernel), gradient), None, None
        below = torch.empty_like(rows if needs[0] else rows[:0])
        tensors = (rows.view(window, -1, rows.shape[1]), kernel.transpose(1, 2).contiguous())
        tensors += (kernel, gradient.contiguous(), pooled, scale)
        tensors += (below.view(window, -1, rows.shape[1]),)
        arrays = [tensor.detach().numpy() for tensor in tensors]
        bounds, at_once = _shares(rows, kernel, window)
        of_kernel = kernel.new_zeros(len(bounds) - 1, *kernel.shape)
        sums = of_kernel.numpy()
        parts_in_threads(
            lambda k, *part: _unmultiply_whole(*arrays, sums[k], *part, at_once),
            lambda bounds: _unmultiply_whole_parts(*arrays, sums, bounds, at_once),
            bounds,
        )
        return below if needs[0] else None, of_kernel.sum(0), None, None


def _shares(rows: Tensor, kernel: Tensor, window: int) -> tuple[Array, int]:
    """Return the bounds of the windows of each thread, as many as torch has, and a block."""
    n_windows, size = len(rows) // window, kernel[0].numel()
    n_threads = torch.get_num_threads()
    if n_threads > 1:  # who computes on one never has a choice made for Numba
        worth = WORTH_A_THREAD["OpenMP" if has_openmp() else "Python"]
        n_threads = min(n_threads, 1 + len(rows) * size // worth)
    bounds = np.arange(n_threads + 1) * n_windows // n_threads
    return bounds, max(16, min(1024, AT_ONCE // size))


@compiled
def _mix(x, matrices, first, last, mixed):
    """Multiply the rows of the windows first..last, and keep the products flat."""
    size, n_channels = last - first, matrices.shape[2]
    for position in range(len(x)):
        out = mixed[position, : size * n_channels].reshape(size, n_channels)
        np.dot(x[position, first:last], matrices[min(position, len(matrices) - 1)], out)


@compiled
def _multiply_whole(x, matrices, pooled, scale, bits, scale_bits, begin, end, at_once, smallest):
    window, n_channels = len(x), matrices.shape[2]
    mixed = np.empty((window, at_once * n_channels), dtype=x.dtype)
    for first in range(begin, end, at_once):
        last = min(first + at_once, end)
        _mix(x, matrices, first, last, mixed)
        flat = pooled[first:last].reshape((last - first) * n_channels)
        if window == 2:
            for j in range(len(flat)):
                flat[j] = mixed[0, j] * mixed[1, j]
        else:
            for j in range(len(flat)):
                flat[j] = mixed[0, j] * mixed[1, j] * mixed[2, j] * mixed[3, j]
        for place in range(first, last):
            _rescale(pooled, scale, bits, scale_bits, place, smallest)


@in_parallel
def _multiply_whole_parts(x, matrices, pooled, scale, bits, scale_bits, bounds, at_once, smallest):
    for k in prange(len(bounds) - 1):
        part = bounds[k], bounds[k + 1], at_once
        _multiply_whole(x, matrices, pooled, scale, bits, scale_bits, *part, smallest)


@compiled
def _unmultiply_whole(
    x, matrices, kernel, gradient, pooled, scale, below, of_kernel, begin, end, at_once
):
    window, n_channels = len(x), matrices.shape[2]
    mixed = np.empty((window, at_once * n_channels), dtype=x.dtype)
    outer = np.empty(at_once * n_channels, dtype=x.dtype)
    of_part = np.empty(kernel.shape[1:], dtype=x.dtype)
    for first in range(begin, end, at_once):
        last = min(first + at_once, end)
        size = last - first
        _mix(x, matrices, first, last, mixed)
        for k in range(size):
            _orthogonal(gradient, pooled, scale, first + k, outer, k * n_channels)
        _times_the_others(outer, mixed, size * n_channels)
        for position in range(window):
            which = min(position, len(matrices) - 1)
            of_mixed = mixed[position, : size * n_channels].reshape(size, n_channels)
            np.dot(of_mixed.T, x[position, first:last], of_part)
            of_kernel[which] += of_part
            if below.shape[1]:
                np.dot(of_mixed, kernel[which], below[position, first:last])


@in_parallel
def _unmultiply_whole_parts(
    x, matrices, kernel, gradient, pooled, scale, below, of_kernel, bounds, at_once
):
    for k in prange(len(bounds) - 1):
        rows, part = (gradient, pooled, scale, below), (bounds[k], bounds[k + 1], at_once)
        _unmultiply_whole(x, matrices, kernel, *rows, of_kernel[k], *part)


@compiled
def _rescale(pooled, scale, bits, scale_bits, place, smallest):
    """Divide a row by its largest magnitude, which becomes its entry of `scale`."""
    # Magnitudes are ordered as their bits are, and integers have a quick maximum.
    magnitude = np.iinfo(bits.dtype).max  # all bits but the sign
    largest = bits.dtype.type(0)
    for channel in range(pooled.shape[1]):
        largest = max(largest, bits[place, channel] & magnitude)
    scale_bits[place] = largest
    divisor = scale[place]
    if largest == 0:
        divisor = pooled.dtype.type(1)
    elif divisor < smallest:
        divisor = scale[place] = smallest
    for channel in range(pooled.shape[1]):
        pooled[place, channel] /= divisor


@compiled
def _orthogonal(gradient, pooled, scale, place, out, start):
    """Write what of a row's gradient is orthogonal to the row, over its scale."""
    along = size = gradient.dtype.type(0)
    for channel in range(pooled.shape[1]):
        along += gradient[place, channel] * pooled[place, channel]
        size += pooled[place, channel] * pooled[place, channel]
    share = along / size if size > 0 else size
    divisor = scale[place] if scale[place] > 0 else gradient.dtype.type(1)
    for channel in range(pooled.shape[1]):
        orthogonal = gradient[place, channel] - share * pooled[place, channel]
        out[start + channel] = orthogonal / divisor


@compiled
def _times_the_others(outer, mixed, length):
    """Replace each of 2 or 4 factors by `outer` times the product of the others."""
    if len(mixed) == 2:
        for j in range(length):
            left = mixed[0, j]
            mixed[0, j] = outer[j] * mixed[1, j]
            mixed[1, j] = outer[j] * left
    else:
        for j in range(length):
            a, b, c, d = mixed[0, j], mixed[1, j], mixed[2, j], mixed[3, j]
            left, right = outer[j] * a * b, outer[j] * c * d
            mixed[0, j], mixed[1, j] = right * b, right * a
            mixed[2, j], mixed[3, j] = left * d, left * c
