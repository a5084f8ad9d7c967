"""Pooling over windows: the product of a ConvAC, and the maximum of a ConvNet.

Activations arrive as (window, rows, channels): the first axis is the position
inside a pooling window, and every row is one window of one sample. Pooling
removes the first axis.

A product of thousands of numbers leaves the range of any float, so each pooled
vector is divided by its largest magnitude. A ConvAC is linear in every such
vector: the divisor comes out of the whole network as one scalar. Hence it may
be treated as a constant, which keeps the gradients exact, and its logarithm can
be added up by whoever wants the true score.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from .derivatives import in_transform, is_differentiated, is_eager, pulled_back

# Of these sizes of a product neither its parts nor its inverse are near the ends of the range.
SAFE = {torch.float32: (1e-28, 1e28), torch.float64: (1e-230, 1e230)}

# Factors multiplied between two rescalings. Wider windows are multiplied in several rounds.
FACTORS_PER_ROUND = 4


def product_pool(
    factors: Tensor, rescale: bool = True, scale_free: bool = False
) -> tuple[Tensor, Any]:
    """Multiply over the first axis, channel by channel, and rescale every row.

    Returns the pooled vectors (rows, channels) and the logarithm (rows,) of their scales in
    float64: ``pooled * exp(log_scale)[:, None]`` is the product. The scale is a constant to
    autograd: gradients are exact for whatever depends on that product only.

    Parameters
    ----------
    factors
        The numbers to multiply, shape (window, rows, channels), floating point.
    rescale
        Divide each row by its largest magnitude, unless it is zero. Without it, deep networks
        overflow, and there is no logarithm (None).
    scale_free
        Promise that nothing downstream depends on the size of a row. No logarithm is then
        computed, and the gradient is orthogonal to the row; taking away the rounding error
        along it is what keeps float32 gradients good through many layers, where one channel
        dominates.

    Notes
    -----
    Same-channel product pooling, section 2.2 of Levine et al. The gradient is made of
    products of the other factors, never of a division, so zeros are harmless.

    Examples
    --------
    >>> pooled, log_scale = product_pool(torch.tensor([[[2.0, 1.0]], [[3.0, -3.0]]]))
    >>> pooled, round(float(log_scale.exp()), 6)
    (tensor([[ 1.0000, -0.5000]]), 6.0)
    """
    if not rescale:
        return _Product.apply(factors, False, False)[0], None
    log_scale: Any = 0.0
    while len(factors) > FACTORS_PER_ROUND:
        # The divisors of different factors of one row multiply: their logs add.
        whole = len(factors) - len(factors) % FACTORS_PER_ROUND
        groups = factors[:whole].unflatten(0, (FACTORS_PER_ROUND, -1)).flatten(1, 2)
        pooled, log = _one_round(groups, scale_free)
        pooled = pooled.unflatten(0, (-1, factors.shape[1]))
        if log is not None:
            log_scale = log_scale + log.view(len(pooled), -1).sum(0)
        factors = torch.cat([pooled, factors[whole:]])
    pooled, log = _one_round(factors, scale_free)
    return pooled, None if log is None else log_scale + log


def _one_round(factors: Tensor, scale_free: bool) -> tuple[Tensor, Tensor | None]:
    """Multiply a few factors and return (rows over their scales, logarithms or None).

    Where the product leaves the range of its dtype, and this can be looked at, the factors
    are rescaled before they are multiplied.
    """
    pooled, scale, largest = _Product.apply(factors, True, scale_free)
    scales = None
    if is_eager(factors) and not in_range(largest):
        factors, scales = rescaled(factors)
        pooled, scale, _ = _Product.apply(factors, True, scale_free)
    if scale_free:
        return pooled, None
    log = scale.double().log()
    return pooled, (log if scales is None else log + scales.double().log().sum(0)).squeeze(-1)


def rescaled(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows over their largest magnitudes, which are constants to autograd, and these.

    Examples
    --------
    >>> rescaled(torch.tensor([[4.0, 2.0], [0.0, 0.0]]))
    (tensor([[1.0000, 0.5000],
            [0.0000, 0.0000]]), tensor([[4.],
            [1.]]))
    """
    scale = largest_magnitude(rows.detach())
    return rows / scale, scale


def in_range(largest: Tensor) -> bool:
    """Return whether numbers are so far from the ends of their range that nothing was lost."""
    low, high = SAFE[largest.dtype]
    smallest, most = largest.aminmax()
    return smallest.item() >= low and most.item() <= high  # neither holds for NaN


def is_ordinary(numbers: Tensor) -> bool:
    """Return whether the largest of some numbers is `in_range`."""
    low, high = SAFE[numbers.dtype]
    smallest, most = numbers.detach().aminmax()
    return low <= max(-smallest.item(), most.item()) <= high


def largest_magnitude(rows: Tensor) -> Tensor:
    """Return a divisor of every row, (..., 1): its largest magnitude, or 1 if it is zero."""
    return as_divisor(rows.abs().amax(-1, keepdim=True))


def as_divisor(largest: Tensor) -> Tensor:
    """Return magnitudes to divide by: 1 in the place of 0, and none whose inverse overflows.

    Any positive divisor is allowed, so that a floor costs no accuracy.
    """
    return largest.masked_fill(largest == 0, 1.0).clamp_min_(torch.finfo(largest.dtype).tiny)


class _Product(torch.autograd.Function):
    """The product over the axis before rows and channels, every row over a divisor.

    It returns the divisors too, and the largest magnitudes: these are 0 for rows of zeros.

    An axis more in front is one of models that are computed together (see
    :mod:`convac_lib.learning.ensembles`), for which torch calls `vmap`.
    """

    @staticmethod
    def forward(factors: Tensor, rescale: bool, scale_free: bool) -> tuple[Tensor | None, ...]:
        pooled = _multiply(*factors.unbind(-3))
        if not rescale:
            return pooled, None, None
        largest = pooled.abs().amax(-1, keepdim=True)
        scale = as_divisor(largest)
        return pooled.div_(scale) if factors.shape[-3] > 1 else pooled / scale, scale, largest

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor | None, ...]) -> None:
        factors, rescale, scale_free = inputs
        pooled, scale, largest = output
        if rescale:
            ctx.mark_non_differentiable(scale, largest)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(factors, scale, pooled if scale_free else None)
        ctx.save_for_forward(factors, scale)
        ctx.promised = scale_free

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, ...], factors: Tensor, rescale: bool, scale_free: bool
    ) -> Any:
        outputs = _Product.apply(factors.movedim(in_dims[0], 0), rescale, scale_free)
        return outputs, (0, 0, 0) if rescale else (0, None, None)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: None) -> tuple[Tensor, None, None]:
        pushed: Any
        factors, scale = ctx.saved_tensors
        parts, along = list(factors.unbind(-3)), tangent.unbind(-3)
        pushed = sum(
            reduce(torch.mul, [*parts[:k], along[k], *parts[k + 1 :]]) for k in range(len(parts))
        )
        return pushed if scale is None else pushed / scale, None, None

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, *_: Any) -> tuple[Tensor | None, ...]:
        if gradient is None:
            return None, None, None
        factors, scale, pooled = ctx.saved_tensors
        if is_differentiated(gradient):
            if pooled is not None and ctx.promised:
                # What is taken away is rounding, of a function that is zero: a constant. What
                # comes back next is a derivative of this gradient, and no longer scale-free.
                ctx.promised = False
                gradient = orthogonal(gradient, pooled)
            if scale is not None:
                gradient = gradient / scale
            return *pulled_back(plain_product, (factors,), gradient), None, None
        if pooled is not None and ctx.promised:
            along = torch.linalg.vecdot(gradient, pooled)
            size = torch.linalg.vecdot(pooled, pooled)
            size.clamp_min_(torch.finfo(size.dtype).tiny)  # of a row of zeros
            share = (along / size).unsqueeze(-1)
            gradient = torch.addcmul(gradient, pooled, share, value=-1).div_(scale)
        elif scale is not None:
            gradient = gradient / scale
        gradients = torch.empty_like(factors)
        _products_of_the_others(gradient, factors.unbind(-3), gradients.unbind(-3))
        return gradients, None, None


def orthogonal(gradient: Tensor, pooled: Tensor) -> Tensor:
    """Return gradients of rows less their parts along the rows, which are constants.

    Examples
    --------
    >>> orthogonal(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 0.0]]))
    tensor([[0., 1.]])
    """
    p = pooled.detach()
    g = gradient.detach() if gradient.requires_grad or in_transform() else gradient
    size = (p * p).sum(-1, keepdim=True)
    return gradient - p * ((g * p).sum(-1, keepdim=True) / as_divisor(size))


def plain_product(factors: Tensor) -> Tensor:
    """Return the product over the axis before rows and channels, by torch's own operations."""
    return reduce(torch.mul, factors.unbind(-3))


def _multiply(first: Tensor, *others: Tensor) -> Tensor:
    """Return the product of some tensors; torch.prod over a short axis is much slower."""
    product = first
    for position, other in enumerate(others):
        product = product * other if position == 0 else product.mul_(other)
    return product


def _products_of_the_others(
    outer: Tensor, factors: Sequence[Tensor], out: Sequence[Tensor]
) -> None:
    """Write into out[k] the product of `outer` and all factors but the k-th."""
    if len(factors) == 1:
        out[0].copy_(outer)
    elif len(factors) == 2:
        torch.mul(outer, factors[1], out=out[0])
        torch.mul(outer, factors[0], out=out[1])
    else:
        half = len(factors) // 2
        left, right = factors[:half], factors[half:]
        _products_of_the_others(_multiply(outer, *right), left, out[:half])
        _products_of_the_others(_multiply(outer, *left), right, out[half:])


def max_pool(values: Tensor) -> Tensor:
    """Return the maximum over the first axis: (window, rows, channels) -> (rows, channels).

    Where several are largest, the first one receives the gradient.

    Examples
    --------
    >>> max_pool(torch.tensor([[[1.0, 5.0]], [[2.0, -3.0]]]))
    tensor([[2., 5.]])
    """
    return _Maximum.apply(values)[0]


class _Maximum(torch.autograd.Function):
    """The maximum over the axis before rows and channels, as a tournament.

    It remembers who won each match: torch wants what is remembered among the outputs.
    """

    @staticmethod
    def forward(values: Tensor) -> tuple[Tensor, ...]:
        matches: list[Tensor] = []
        return _play(values.unbind(-3), matches), *matches

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, ...]) -> None:
        _, *matches = output
        ctx.mark_non_differentiable(*matches)
        ctx.set_materialize_grads(False)  # or there would be zeros for every match
        ctx.save_for_backward(*matches)
        ctx.save_for_forward(*matches)
        ctx.window = len(matches) + 1

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, ...], values: Tensor) -> Any:
        outputs = _Maximum.apply(values.movedim(in_dims[0], 0))
        return outputs, (0,) * len(outputs)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> tuple[Tensor | None, ...]:
        matches = list(ctx.saved_tensors)
        return _replay(tangent.unbind(-3), matches), *[None] * (ctx.window - 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, *_: Any) -> Tensor | None:
        if gradient is None:
            return None
        if is_differentiated(gradient):
            handed = _handed_down(gradient, list(ctx.saved_tensors), ctx.window)
            return torch.stack(handed, -3)
        shape = (*gradient.shape[:-2], ctx.window, *gradient.shape[-2:])
        gradients = gradient.new_empty(shape)
        _hand_down(gradient, list(ctx.saved_tensors), gradients.unbind(-3))
        return gradients


def _play(values: Sequence[Tensor], matches: list[Tensor]) -> Tensor:
    """Return the winners, and append to `matches` where the left half won, last match last."""
    if len(values) == 1:
        return values[0]
    half = len(values) // 2
    left, right = _play(values[:half], matches), _play(values[half:], matches)
    matches.append(left >= right)
    return torch.maximum(left, right)


def _replay(values: Sequence[Tensor], matches: list[Tensor]) -> Tensor:
    """Return what `_play` does with the matches as they were decided, first match first."""
    if len(values) == 1:
        return values[0]
    half = len(values) // 2
    left, right = _replay(values[:half], matches), _replay(values[half:], matches)
    return torch.where(matches.pop(0), left, right)


def _handed_down(gradient: Tensor, matches: list[Tensor], window: int) -> list[Tensor]:
    """Return what `_hand_down` writes, by operations that can be differentiated."""
    if window == 1:
        return [gradient]
    half = window // 2
    to_left = gradient * matches.pop()
    right = _handed_down(gradient - to_left, matches, window - half)
    return [*_handed_down(to_left, matches, half), *right]


def _hand_down(gradient: Tensor, matches: list[Tensor], out: Sequence[Tensor]) -> None:
    """Give the gradient to the winner of every match, from the last match to the first."""
    if len(out) == 1:
        out[0].copy_(gradient)
    elif len(out) == 2:
        torch.mul(gradient, matches.pop(), out=out[0])
        torch.sub(gradient, out[0], out=out[1])
    else:
        half = len(out) // 2
        to_left = gradient * matches.pop()
        _hand_down(gradient - to_left, matches, out[half:])
        _hand_down(to_left, matches, out[:half])


def average_pool(values: Tensor) -> Tensor:
    """Return the mean over the first axis: (window, rows, channels) -> (rows, channels)."""
    return values.mean(0)
