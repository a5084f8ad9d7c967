"""Derivatives beyond the first: where a layer's own backward pass is not enough.

The layers come with backward passes that write into arrays made beforehand. These are quick,
but nothing can be differentiated through them, or batched. So each of them has a plain twin,
made of torch's own operations, that gives the same numbers: it is used wherever the backward
pass is itself differentiated (``create_graph=True``) or runs under a transform of
:mod:`torch.func`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def in_transform() -> bool:
    """Return whether a transform of `torch.func` is at work: `vmap`, `grad`, `jvp`, ...

    Examples
    --------
    >>> in_transform(), torch.func.grad(lambda x: x * in_transform())(torch.tensor(3.0))
    (False, tensor(1.))
    """
    return bool(torch._C._are_functorch_transforms_active())


def is_eager(x: Tensor) -> bool:
    """Return whether `x` holds numbers of a CPU that may be looked at now."""
    return x.device.type == "cpu" and not in_transform() and not torch.compiler.is_compiling()


def is_differentiated(gradient: Tensor) -> bool:
    """Return, within a backward pass, whether its operations must be torch's own.

    They are differentiated, or the gradient is a batch of gradients (``is_grads_batched=True``,
    which is older than the transforms of :mod:`torch.func`).
    """
    batched = "Batched" in str(torch._C._dispatch_keys(gradient))
    return torch.is_grad_enabled() or in_transform() or batched


def pulled_back(
    plain: Callable[..., Tensor], inputs: tuple[Tensor, ...], gradient: Tensor
) -> tuple[Tensor, ...]:
    """Return the gradients of the inputs of `plain`, for the gradient of what it returns.

    Examples
    --------
    >>> pulled_back(torch.mul, (torch.tensor(2.0), torch.tensor(3.0)), torch.tensor(1.0))
    (tensor(3.), tensor(2.))
    """
    pull: Any = torch.func.vjp(plain, *inputs)[1]
    return pull(gradient)
