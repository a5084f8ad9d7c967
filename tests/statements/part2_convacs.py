"""Convolutional arithmetic circuits."""

from math import comb

import numpy as np
import torch

from .by_hand import draw, matrix, rank, tensor
from .frame import statement


def network(seed, places=(4, 2), widths=(2, 3, 3), sites_alike=False):
    torch.manual_seed(seed)
    layers = [
        torch.randn(n, r, s, dtype=torch.float64)
        for n, r, s in zip(places, widths[1:], widths[:-1], strict=True)
    ]
    if sites_alike:
        layers = [layer[:1].expand(len(layer), -1, -1) for layer in layers]
    return [*layers, torch.randn(4, widths[-1], dtype=torch.float64)]


def forward(weights, v, factor=1.0, at=None, pool=None):
    """Scores of one input; the vector at place 0 of layer `at` is multiplied by `factor`."""
    *layers, dense = weights
    for number, layer in enumerate(layers):
        z = torch.einsum("joi,ji->jo", layer, v)
        if pool is None:
            v = z[0::2] * z[1::2]
        else:
            v = pool(z[0::2], z[1::2])
        if number == at:
            v = torch.cat([v[:1] * factor, v[1:]])
    return dense @ v[0]


@statement(
    "thm-convacs-tensor",
    inside=[(seed, None) for seed in range(4)],
    outside={"product pooling": (0, torch.maximum)},
)
def unit_vectors_read_the_tensor(seed, pool):
    weights = network(seed)
    units = torch.eye(2, dtype=torch.float64)
    A = torch.stack([forward(weights, units[list(c)], pool=pool) for c in np.ndindex((2,) * 4)])
    v = torch.randn(4, 2, dtype=torch.float64)
    choices = torch.tensor(list(np.ndindex((2,) * 4)))
    factors = v[torch.arange(4), choices].prod(dim=1)
    return torch.allclose(factors @ A, forward(weights, v, pool=pool))


@statement(
    "prop-convacs-recursion",
    inside=[(seed, place, channel) for seed in range(2) for place in (0, 1) for channel in (0, 2)],
    nothing_to_drop="it rewrites the definition of the network",
)
def inner_nodes_are_inner_products(seed, place, channel):
    first, second, _ = (w.numpy() for w in network(seed))
    rows = first[2 * place], first[2 * place + 1]
    phi = np.einsum("k,ka,kb->ab", second[place, channel], *rows)
    v = np.random.default_rng(seed).normal(size=(2, 2))
    z = second[place, channel] @ ((rows[0] @ v[0]) * (rows[1] @ v[1]))
    return bool(np.isclose(z, np.sum(phi * np.outer(*v))))


def blind(scores):
    return scores / scores.square().mean().sqrt()


@statement(
    "lem-convacs-scale",
    inside=[(seed, c, at, blind) for seed, c in enumerate((0.01, 3.0)) for at in (0, 1)],
    outside={
        "the loss does not change with the size of all scores": (0, 3.0, 0, lambda s: s),
        "c is positive": (0, -1.0, 0, blind),
    },
)
def a_scale_changes_no_decision(seed, c, at, head):
    weights = [w.requires_grad_() for w in network(seed)]
    v = torch.randn(4, 2, dtype=torch.float64)

    def loss(factor):
        scores = forward(weights, v, factor, at)
        return torch.nn.functional.cross_entropy(head(scores)[None], torch.tensor([1]))

    def gradient(value):
        return torch.cat([g.flatten() for g in torch.autograd.grad(value, weights)])

    alike = torch.allclose(forward(weights, v, c, at), c * forward(weights, v))
    size = weights[0].abs().sum() * np.sign(c)  # a number made of the weights
    same_loss = torch.allclose(loss(c), loss(1.0))
    constant = torch.allclose(gradient(loss(size)), gradient(loss(size.detach())), atol=1e-12)
    return alike and same_loss and constant


@statement(
    "thm-convacs-sharing",
    inside=[
        (seed, order, True, True) for seed in range(2) for order in ([1, 0, 2, 3], [2, 3, 0, 1])
    ],
    outside={
        "one matrix for all places": (0, [1, 0, 2, 3], False, True),
        "all sites have the same features": (0, [1, 0, 2, 3], True, False),
        "children of one window": (0, [2, 1, 0, 3], True, True),
    },
)
def children_change_places(seed, order, alike, same_features):
    weights = network(seed, sites_alike=alike)
    x = torch.randn(4, dtype=torch.float64)

    def features(pixels):
        v = torch.stack([torch.cos(pixels), torch.sin(pixels)], dim=1)
        return v if same_features else v * torch.tensor([[1.0, 2.0]] + 3 * [[1.0, 1.0]])

    return torch.allclose(forward(weights, features(x)), forward(weights, features(x[order])))


@statement(
    "thm-symmetric",
    inside=[(2, 2, 6), (2, 4, 9), (3, 2, 8)],
    outside={"all sites share one matrix": (2, 2, 6, "window-position")},
)
def a_window_is_symmetric(M, w, r0, share="all"):
    word = "A" * w + "B" * (w * (w - 1) if w > 2 else 2)
    widths = (M, r0, M**w)
    found = rank(matrix(tensor(draw(widths, w, len(word), share=share), w), word))
    bound = comb(M + w - 1, w)
    return found == bound if w == 2 else found <= bound
