"""Training."""

import torch

from .frame import statement


def weights_of(seed):
    torch.manual_seed(seed)
    shapes = (4, 3, 2), (2, 3, 3), (2, 3)
    return [torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def scores(weights, v, divide):
    """Scores of one input, each pooled vector divided by `divide(vector)`; and what was divided."""
    *layers, dense = weights
    total = torch.ones((), dtype=torch.float64)
    for layer in layers:
        z = torch.einsum("joi,ji->jo", layer, v)
        v = z[0::2] * z[1::2]
        c = torch.stack([divide(row) for row in v])[:, None]
        v, total = v / c, total * c.prod()
    return dense @ v[0], total


def of_size(row):
    return row.abs().max()


def odd(row):
    return -1 - row.square().sum()


@statement(
    "prop-any-constant",
    inside=[(seed, divide, True) for seed in range(2) for divide in (of_size, odd)],
    outside={"all scores are multiplied by c": (0, of_size, False)},
)
def the_divisor_may_be_detached(seed, divide, given_back):
    weights = weights_of(seed)
    v = torch.randn(4, 2, dtype=torch.float64)

    def gradient(divisor):
        found, total = scores(weights, v, divisor)
        value = (found * total if given_back else found).sin().sum()
        return value, torch.cat([g.flatten() for g in torch.autograd.grad(value, weights)])

    (plain, exact), (same, constant), (_, through) = (
        gradient(d)
        for d in (
            lambda row: torch.ones((), dtype=row.dtype),
            lambda row: divide(row).detach(),
            divide,
        )
    )
    return all(
        torch.allclose(a, b) for a, b in [(plain, same), (exact, constant), (exact, through)]
    )


@statement(
    "prop-neutral",
    inside=[(seed, "both") for seed in range(3)],
    outside={"rows of the first layer": (0, "upper"), "rows of every other layer": (0, "first")},
)
def empty_windows_hold_ones(seed, normalised):
    torch.manual_seed(seed)
    f = torch.tensor([0.3, -1.2], dtype=torch.float64)
    first = torch.randn(4, 3, 2, dtype=torch.float64)
    upper = torch.randn(2, 4, 3, dtype=torch.float64)
    if normalised in ("both", "first"):
        first = first + (1 - first @ f)[..., None] * f / f.dot(f)
    if normalised in ("both", "upper"):
        upper = upper / upper.sum(-1, keepdim=True)
    z = first @ f
    v = z[0::2] * z[1::2]
    z = torch.einsum("joi,ji->jo", upper, v)
    top = z[0] * z[1]
    return torch.allclose(v, torch.ones_like(v)) and torch.allclose(top, torch.ones_like(top))
