"""What every bond of a trained ConvAC carries: its squared Schmidt values on data.

Take the block of sites below one node of the tree. The score is linear in the
node's vector v, which depends on the block alone:

    h_y(x) = u_y . v,    u_y = dh_y/dv depends on the other sites alone,

so u is the exact environment, and one backward pass gives it for all nodes at
once. With C_v = E[v v^T] = F F^T and C_u = E[sum_y u_y u_y^T] the eigenvalues of
F^T C_u F are the squared Schmidt values of the function h between the block and
the rest, when block and rest are drawn independently of each other. Another gauge,
a matrix put in below the node and its inverse above, changes v and u and not them.

*Levels.* The block of a node of level j has window^j sites: level 0 are the sites,
with v the M features; level j = 1..L are the outputs of pooling layer j - 1, with v
of r_{j-1} numbers. From there the bond runs through the matrix of layer j to the
copy tensor of that layer, so its rank is at most min(r_{j-1}, r_j). Level L is all
sites together; its other end is the class.

*The measure.* Of S samples, the block of each is combined with the rest of each: S^2
inputs of equal weight. In real data block and rest depend on each other, so there
this is a surrogate; where the sites are independent it is the data's own measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convac_lib._arrays import Array, as_generator, as_numbers
from convac_lib._validation import as_int, shown
from convac_lib.architecture import Architecture
from convac_lib.learning.models import ConvAC
from convac_lib.learning.models.pooling import product_pool
from convac_lib.learning.models.representations import window_first
from convac_lib.learning.models.tree import convolve


@dataclass(frozen=True, eq=False, repr=False)
class BondSpectrum:
    """The shares of the squared Schmidt values, for every level of a tree.

    Attributes
    ----------
    architecture
        Of the network that was measured.
    node_shares
        For level j = 0..L, lambda_k / sum lambda, largest first, shape (nodes, cap).
    nodes
        Which nodes of each level were looked at.
    n_samples
        How many samples it was measured on.
    """

    architecture: Architecture
    node_shares: tuple[Array, ...]
    nodes: tuple[Array, ...]
    n_samples: int

    COUNTS = 1e-3  # a share below this is noise of the sample and of the training

    @cached_property
    def shares(self) -> tuple[Array, ...]:
        """The shares of each level, averaged over its nodes: L + 1 arrays that sum to 1."""
        return tuple(shares.mean(axis=0) for shares in self.node_shares)

    @property
    def caps(self) -> tuple[int, ...]:
        """The most that each level's bond can carry: min(r_{j-1}, r_j), at the top min(r, Y)."""
        return bond_caps(self.architecture)

    @property
    def entropies(self) -> tuple[float, ...]:
        """The entropy of each level, in nats: the mean over its nodes."""
        return tuple(float(np.mean([_entropy(p) for p in shares])) for shares in self.node_shares)

    def ranks(self, threshold: float = COUNTS) -> tuple[int, ...]:
        """Return how many shares of each level exceed `threshold`: the rank that counts."""
        if not 0 <= threshold < 1:
            raise ValueError(f"threshold must be from 0 up to 1, got {threshold!r}")
        return tuple(int(np.count_nonzero(shares > threshold)) for shares in self.shares)

    def tails(self, level: int) -> Array:
        """Return the sum of the shares beyond the first 0, 1, ..., cap: what truncation loses."""
        level = as_int("level", level, minimum=0, maximum=self.architecture.depth)
        return np.append(np.cumsum(self.shares[level][::-1])[::-1], 0.0)

    @property
    def starving(self) -> tuple[bool, ...]:
        """For each level, whether its bond carries all it can, with a width in the way.

        A bond that is full because a site has only M features, or because there are
        only so many classes, starves for nothing.
        """
        ceilings = bond_ceilings(self.architecture)
        return tuple(
            rank == cap < ceiling
            for rank, cap, ceiling in zip(self.ranks(), self.caps, ceilings, strict=True)
        )

    @property
    def demands(self) -> tuple[int, ...]:
        """The width each layer needs to pass the rank that counts: the larger of its two bonds.

        The copy tensor of layer l is an end of the bonds of levels l and l + 1.
        """
        ranks = self.ranks()
        return tuple(max(pair) for pair in pairwise(ranks))

    @classmethod
    def pooled(cls, spectra: Sequence[BondSpectrum]) -> BondSpectrum:
        """Return the spectrum of several networks of one shape, the nodes of all side by side."""
        first = spectra[0]
        if any(spectrum.architecture != first.architecture for spectrum in spectra):
            raise ValueError("spectra must be of networks of one shape to be pooled")
        by_level = zip(*(spectrum.node_shares for spectrum in spectra), strict=True)
        nodes = zip(*(spectrum.nodes for spectrum in spectra), strict=True)
        return cls(
            first.architecture,
            tuple(np.concatenate(shares) for shares in by_level),
            tuple(np.concatenate(numbers) for numbers in nodes),
            first.n_samples,
        )

    def __repr__(self) -> str:
        return f"BondSpectrum(ranks={self.ranks()}, caps={self.caps})"


def bond_caps(architecture: Architecture) -> tuple[int, ...]:
    """Return min(r_{j-1}, r_j) for the levels j = 0..L, with r_{-1} = M and r_L = Y.

    Examples
    --------
    >>> bond_caps(Architecture.line(local_dim=5, channels=(4, 2, 6), n_outputs=3))
    (4, 2, 2, 3)
    """
    widths = (*architecture.widths, architecture.n_outputs)
    return tuple(min(ends) for ends in pairwise(widths))


def bond_ceilings(architecture: Architecture) -> tuple[int, ...]:
    """Return for each level the rank that no widths can exceed: the smaller side's dimension.

    M^(sites of the block) against Y M^(other sites), exact integers.
    """
    m, n = architecture.local_dim, architecture.n_sites
    sizes = [architecture.window**level for level in range(architecture.depth + 1)]
    return tuple(min(m**size, architecture.n_outputs * m ** (n - size)) for size in sizes)


def bond_spectrum(
    model: nn.Module, inputs: Any, *, max_nodes: int = 64, batch_size: int = 50, seed: int = 0
) -> BondSpectrum:
    """Measure what every bond of a trained ConvAC carries on some samples.

    Parameters
    ----------
    model
        Any kind of sharing and of head. It is left as it is; the work is done on a copy
        in double precision.
    inputs
        Samples as the model takes them. Some hundreds do; see Notes.
    max_nodes, seed
        Of a level with more nodes so many are drawn. All weigh the same in the averages.
    batch_size
        Samples in one forward pass.

    Raises
    ------
    TypeError
        If the model is no ConvAC: a ConvNet's score is linear in no node's vector.
    ValueError
        If there are fewer than 2 samples, or if its scores are zero.

    Notes
    -----
    A spectrum of S samples has at most S values: take several times the widths.

    With ``head="normalized"`` the size of a sample's scores means nothing, and there is
    no one function to decompose. A positive factor that depends on the block alone, or on
    the rest alone, changes no prediction. So these two factors are chosen, for each
    node, such that every block and every rest has the same mean square over its S
    partners (Sinkhorn's balancing). That choice is the same in every gauge.

    Examples
    --------
    >>> model = ConvAC(Architecture.line(2, (3, 4)), share="none", seed=0)
    >>> spectrum = bond_spectrum(model, torch.rand(100, 4))
    >>> spectrum.caps, [len(shares) for shares in spectrum.node_shares]
    ((2, 3, 1), [4, 2, 1])
    """
    if not isinstance(model, ConvAC):
        raise TypeError(
            "model must be of the class ConvAC, whose scores are linear in every node's vector, "
            f"got {shown(model)}"
        )
    max_nodes = as_int("max_nodes", max_nodes, minimum=1)
    batch_size = as_int("batch_size", batch_size, minimum=1)
    if not isinstance(inputs, Tensor):
        array = as_numbers("inputs", inputs)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"inputs must hold real numbers, got dtype {array.dtype}")
        inputs = torch.from_numpy(array.astype(float))
    if inputs.ndim < 2 or len(inputs) < 2:
        raise ValueError(
            f"inputs must be 2 samples or more, got an array of shape {tuple(inputs.shape)}"
        )
    rng = as_generator("seed", seed)
    nodes = [
        _some_nodes(model.architecture, level, max_nodes, rng)
        for level in range(model.architecture.depth + 1)
    ]
    copy = _measurable(model)
    try:
        copy.tree(inputs[:1])
    except ValueError as error:
        raise ValueError(f"inputs do not fit the model: {error}") from None
    batches = [_nodes_and_environments(copy, x, nodes) for x in inputs.split(batch_size)]
    shares = []
    for parts, cap in zip(zip(*batches, strict=True), bond_caps(model.architecture), strict=True):
        v, u, log_v, log_u = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
        if model.head == "normalized":
            v, u = _balanced(v, u)
        else:
            v, u = _scaled(v, log_v), _scaled(u, log_u[..., None])
        shares.append(_shares(v, u)[:, :cap])
    return BondSpectrum(model.architecture, tuple(shares), tuple(nodes), len(inputs))


# --- vectors and environments -------------------------------------------------------------


def _some_nodes(
    architecture: Architecture, level: int, max_nodes: int, rng: np.random.Generator
) -> Array:
    there = architecture.n_sites // architecture.window**level
    if there <= max_nodes:
        return np.arange(there)
    return np.sort(rng.choice(there, max_nodes, replace=False))


def _measurable(model: ConvAC) -> ConvAC:
    """Return a copy in double precision that computes every window, empty or not."""
    copy = deepcopy(model).double().requires_grad_(False)
    copy.share_background = False  # an empty window has another environment at every place
    return copy


def _nodes_and_environments(
    model: ConvAC, x: Tensor, nodes: list[Array]
) -> list[tuple[Tensor, ...]]:
    """Return for each level (v, u, log of v's scale, log of u's), for the given nodes.

    Shapes (nodes, batch, r), (nodes, batch, Y, r), (nodes, batch) twice.
    """
    architecture, tree = model.architecture, model.tree(x)
    # Every window's gradient is followed from its features; the weights need none.
    vectors = [model.start(tree).detach().requires_grad_()]
    logs = [vectors[0].new_zeros(len(vectors[0]))]
    for layer, kernel in enumerate(model.kernels()):
        values = convolve(tree.join(layer, vectors[-1]), kernel, architecture.window)
        rows, scale = product_pool(values)
        logs.append(scale + logs[-1].view(architecture.window, -1).sum(0))
        vectors.append(rows)
    scores = (vectors[-1] @ model.dense.T).sum(0)  # samples do not meet: their gradients stay apart
    gradients = [torch.autograd.grad(score, vectors, retain_graph=True) for score in scores]
    found: list[tuple[Tensor, ...]] = []
    for level, (rows, log, chosen) in enumerate(zip(vectors, logs, nodes, strict=True)):
        n_nodes = architecture.n_sites // architecture.window**level
        # The model keeps its places window first; reversing the digits is its own inverse.
        place = torch.from_numpy(window_first(n_nodes, architecture.window)[chosen])
        place = place.to(rows.device)
        v = rows.detach().view(n_nodes, len(x), -1)[place]
        u = torch.stack(
            [gradient[level].view(n_nodes, len(x), -1)[place] for gradient in gradients], dim=2
        )
        log_v = log.view(n_nodes, len(x))[place]
        found.append((v, u, log_v, logs[-1] - log_v))
    return found


def _scaled(vectors: Tensor, log_scale: Tensor) -> Tensor:
    """Return the vectors times exp(log_scale), up to one factor for each node."""
    largest = log_scale.amax(dim=1, keepdim=True)
    return vectors * (log_scale - largest).exp().unsqueeze(-1)


def _balanced(
    v: Tensor, u: Tensor, tolerance: float = 1e-10, rounds: int = 500
) -> tuple[Tensor, Tensor]:
    """Divide every sample's v, and its u, so that each has mean square 1 against all others."""
    for _ in range(rounds):
        v, _ = _divided(v, _second_moment(u.flatten(1, 2)))
        u, change = _divided(u, _second_moment(v))
        if change < tolerance:
            break
    return v, u


def _divided(vectors: Tensor, moment: Tensor) -> tuple[Tensor, float]:
    """Divide each sample's vectors, (nodes, S, [Y,] r), by their length in a metric."""
    squares = torch.einsum("ns...i,nij,ns...j->ns...", vectors, moment, vectors)
    if squares.ndim == 3:
        squares = squares.sum(2)
    squares = squares / squares.mean(dim=1, keepdim=True).clamp_min(1e-300)
    length = squares.clamp_min(1e-30).sqrt()
    change = float((length - 1).abs().max())
    return vectors / length.view(*length.shape, *[1] * (vectors.ndim - 2)), change


# --- from moments to shares ---------------------------------------------------------------


def _second_moment(vectors: Tensor) -> Tensor:
    return vectors.transpose(1, 2) @ vectors / vectors.shape[1]


def _shares(v: Tensor, u: Tensor) -> Array:
    """Return the eigenvalues of F^T C_u F, largest first, over their sum: (nodes, r)."""
    values, directions = torch.linalg.eigh(_second_moment(v))
    f = directions * values.clamp_min(0).sqrt().unsqueeze(1)
    environment = _second_moment(u.flatten(1, 2))
    squares = torch.linalg.eigvalsh(f.transpose(1, 2) @ environment @ f).flip(1).clamp_min(0)
    total = squares.sum(dim=1, keepdim=True)
    if not (total > 0).all() or not torch.isfinite(total).all():
        raise ValueError("model must have scores that are finite and not zero on the inputs")
    return (squares / total).cpu().numpy()


def _entropy(p: Array) -> float:
    p = p[p > 0]
    return abs(float(p @ np.log(p)))
