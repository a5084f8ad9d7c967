"""The minimal cut of a ConvAC's tensor network: what bounds its entanglement, exactly.

A cut parts the network into a piece that holds the sites of A and a piece that
holds the sites of B; its weight is the product of the bond dimensions it severs,
and no weights of the network can give a matricization of larger rank (Levine et
al. 2018, section 7 and Claim 1). The legs of one delta tensor carry one common
index, so all that are cut count once (appendix C, eq. 34).

`min_cut_weight` is the whole idea in ten lines. The rest of the module computes
the same numbers for a million sites, and says where the cut runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log10, prod
from typing import TYPE_CHECKING

import numpy as np

from ._validation import as_instance, as_list
from .architecture import Architecture
from .fast.cuts import minimal_sides
from .partitions import PartitionLike, Sides, as_partition

if TYPE_CHECKING:  # a cut needs no graph, and networkx takes a second to load
    from .networks import Node

# --- the recursion ------------------------------------------------------------------------


def min_cut_weight(architecture: Architecture, partition: PartitionLike) -> int:
    """Return the weight of the minimal cut, an exact int, straight from the recursion.

    A branch of the tree meets the rest of the network in one leg. It is described
    by two numbers, its cheapest cut with that leg on A's side, and on B's. A delta
    tensor joins the branches of its window. Either they all take its side, or the
    delta is cut: then r_l is paid once and every branch takes the side it likes
    (section 7.1 with the rule of appendix C).

    Examples
    --------
    >>> min_cut_weight(Architecture.line(local_dim=2, channels=(3, 5)), "ABAB")
    4
    """
    as_instance("architecture", architecture, Architecture)
    costs = [
        (1, architecture.local_dim) if in_a else (architecture.local_dim, 1)
        for in_a in as_partition(partition, architecture.n_sites)
    ]
    for width in architecture.channels:
        windows = zip(*[iter(costs)] * architecture.window, strict=True)
        costs = [delta_costs(window, width) for window in windows]
    return min(costs[0])


def delta_costs(branches: Sequence[tuple[int, int]], width: int) -> tuple[int, int]:
    """Return the costs (on A, on B) of a delta of bond `width` over branches with such costs.

    Examples
    --------
    >>> delta_costs([(1, 4), (4, 1)], width=3)  # cut the delta, on either side
    (3, 3)
    """
    parted = width * prod(min(branch) for branch in branches)
    on_a, on_b = (prod(side) for side in zip(*branches, strict=True))
    return min(on_a, parted), min(on_b, parted)


# --- the answer ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Cut:
    """A minimal cut: its exact weight, what it severs, and the side of every node.

    Where several cuts are minimal, this is the one that cuts a delta only where that
    is strictly cheaper than cutting below it; and of two sides that cost the same, a
    branch stands where its delta is whole, else on A's. A delta that is cut stands on
    the side of most of its legs, so that with windows of 2 it loses exactly one leg.

    Attributes
    ----------
    counts
        How many inputs (bond M) and how many deltas of each layer (bonds r_0, ...)
        are cut, in the order of ``architecture.widths``.
    weight_sides
        For each layer the side of its matrices, True = with A; the last one is the
        side of the top.
    parted
        For each layer, which deltas are cut.
    """

    architecture: Architecture
    partition: Sides
    counts: tuple[int, ...]
    weight_sides: tuple[Sides, ...]
    parted: tuple[Sides, ...]

    @cached_property
    def weight(self) -> int:
        """The product of the severed bond dimensions (eq. 34), an exact int."""
        return _product(self.architecture.widths, self.counts)

    @cached_property
    def edges(self) -> list[tuple[Node, Node]]:
        """The severed edges, each a pair of nodes, the one nearer to the inputs first."""
        inputs = np.flatnonzero(self.weight_sides[0] != self.partition).tolist()
        severed: list[tuple[Node, Node]]
        severed = [(("input", site), ("weight", 0, site)) for site in inputs]
        for layer, deltas in enumerate(self._delta_sides):
            below = self.weight_sides[layer] != np.repeat(deltas, self.architecture.window)
            severed += [
                (("weight", layer, j), ("delta", layer, j // self.architecture.window))
                for j in np.flatnonzero(below).tolist()
            ]
            if layer < self.architecture.depth - 1:
                above = deltas != self.weight_sides[layer + 1]
                severed += [
                    (("delta", layer, k), ("weight", layer + 1, k))
                    for k in np.flatnonzero(above).tolist()
                ]
        return severed

    @cached_property
    def sides(self) -> dict[Node, bool]:
        """The side of every node of the network, True = A."""
        sides: dict[Node, bool]
        sides = {("input", site): in_a for site, in_a in enumerate(self.partition.tolist())}
        for layer, deltas in enumerate(self._delta_sides):
            for j, in_a in enumerate(self.weight_sides[layer].tolist()):
                sides["weight", layer, j] = in_a
            for k, in_a in enumerate(deltas.tolist()):
                sides["delta", layer, k] = in_a
        sides["output",] = sides["delta", self.architecture.depth - 1, 0]
        return sides

    @cached_property
    def _delta_sides(self) -> list[Sides]:
        """The sides of each layer's deltas: for a cut one, where most of its legs lead."""
        legs = self.architecture.window + 1
        placed = []
        for layer, parted in enumerate(self.parted):
            above = self.weight_sides[layer + 1]
            below = self.weight_sides[layer].reshape(-1, legs - 1)
            most = 2 * (below.sum(axis=1) + above) > legs
            placed.append(np.where(parted, most, above))
        return placed

    def as_product(self) -> str:
        """Return the cut as a product of widths, such as ``'r0² · r1 = 36'``.

        A weight of more than 30 digits is given by its power of ten.

        Examples
        --------
        >>> min_cut(Architecture.line(2, (3, 4, 5)), "AABBAABB").as_product()
        'r0² = 9'
        """
        names = ["M", *(f"r{layer}" for layer in range(self.architecture.depth))]
        factors = [
            name + (str(count).translate(_SUPERSCRIPTS) if count > 1 else "")
            for name, count in zip(names, self.counts, strict=True)
            if count
        ]
        digits = sum(
            count * log10(width)
            for width, count in zip(self.architecture.widths, self.counts, strict=True)
        )
        value = f"= {self.weight}" if digits < 30 else f"≈ 10^{digits:.1f}"
        return f"{' · '.join(factors)} {value}"

    def __repr__(self) -> str:
        return f"Cut({self.as_product()})"


_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _product(widths: Iterable[int], counts: Iterable[int]) -> int:
    return prod(width**count for width, count in zip(widths, counts, strict=True))


def min_cut(architecture: Architecture, partition: PartitionLike) -> Cut:
    """Return the minimal :class:`Cut` between the two sides of a partition.

    Exact for any widths, with time and memory linear in the number of sites: a
    million sites take some tens of milliseconds.

    Raises
    ------
    ValueError
        If the partition has another length or an empty side.

    Examples
    --------
    >>> cut = min_cut(Architecture.line(local_dim=2, channels=(9, 3, 8)), "AAAABBBB")
    >>> cut.weight, cut.counts, cut.edges
    (3, (0, 0, 1, 0), [(('delta', 1, 1), ('weight', 2, 1))])
    """
    as_instance("architecture", architecture, Architecture)
    partition = as_partition(partition, architecture.n_sites)
    counts, weight_sides, parted = minimal_sides(architecture, partition[None])
    return Cut(
        architecture,
        partition.copy(),  # the caller's array may change; the cut must not
        tuple(counts[0].tolist()),
        tuple(sides[0] for sides in weight_sides),
        tuple(cut[0] for cut in parted),
    )


def min_cut_weights(
    architecture: Architecture, partitions: Sequence[PartitionLike] | Sides
) -> list[int]:
    """Return the exact weights of the minimal cuts for many partitions, quickly for an array.

    Examples
    --------
    >>> min_cut_weights(Architecture.line(2, (3, 5)), ["ABAB", "AABB", "ABBB"])
    [4, 3, 2]
    """
    as_instance("architecture", architecture, Architecture)
    partitions = _as_partitions(partitions, architecture.n_sites)
    counts, _, _ = minimal_sides(architecture, partitions)
    return [_product(architecture.widths, row) for row in counts.tolist()]


def _as_partitions(partitions: Sequence[PartitionLike] | Sides, n_sites: int) -> Sides:
    """Return partitions as a boolean array (P, N); a boolean array is checked as a whole."""
    if (
        isinstance(partitions, np.ndarray)
        and partitions.dtype == bool
        and partitions.shape[1:] == (n_sites,)
    ):
        in_a = np.count_nonzero(partitions, axis=1)
        if ((in_a > 0) & (in_a < n_sites)).all():
            return partitions
    listed = [as_partition(p, n_sites, "partitions") for p in as_list("partitions", partitions)]
    if not listed:
        raise ValueError("partitions must hold at least one partition, got none")
    return np.stack(listed)


# --- many cuts at once --------------------------------------------------------------------


def block_cuts(architecture: Architecture) -> list[int]:
    """Return for each level the minimal cut of one mixed window, between blocks of w^j sites.

    With window^j sites to a block, alternately in A and in B, half of every window of
    layer j is on either side, and the minimal cut of all sites is this number to the
    power N / w^(j+1): the theorem on aligned blocks of the chapter on widths, exact ints.
    The window must be even.

    Examples
    --------
    >>> block_cuts(Architecture.line(local_dim=2, channels=(3, 5, 6)))
    [2, 3, 5]
    """
    as_instance("architecture", architecture, Architecture)
    window = architecture.window
    if window % 2:
        raise ValueError(f"architecture must have an even window, got window={window}")
    in_a, cuts = (1, architecture.local_dim), []
    for width in architecture.channels:
        mixed = [in_a, in_a[::-1]] * (window // 2)
        cuts.append(min(delta_costs(mixed, width)))
        in_a = delta_costs([in_a] * window, width)
    return cuts


def theorem2_bound(architecture: Architecture, partition: PartitionLike) -> tuple[int, int]:
    """Return the largest lower bound of Theorem 2 on the rank, and the integer p that gives it.

    With every width, M included, rounded down to a power of one integer p, the
    minimal cut is reached by almost all weights; so the matricization of the given
    network has at least that rank for almost all weights. The bound is the largest
    over p = 2, 3, ... (Levine et al. 2018, Theorem 2). The paper writes the proof for
    windows of 2; with a delta as one vertex, and Menger's theorem for vertices in the
    place of the one for edges, it holds for every window.

    Only some p need a try. Where no width's exponent changes, a larger p gives a
    larger cut, so the best p is the largest with p^n <= width, for some width and n.
    Of several that give the bound the smallest is returned.

    Examples
    --------
    >>> line = Architecture.line(local_dim=2, channels=(3, 11, 5, 2))
    >>> theorem2_bound(line, "AABABBBB ABBBAAAA")
    (32, 2)
    """
    as_instance("architecture", architecture, Architecture)
    partition = as_partition(partition, architecture.n_sites)
    worth_trying = {2} | {
        _root(width, exponent)
        for width in architecture.widths
        for exponent in range(1, width.bit_length())
    }
    best, best_p = 0, 2
    for p in sorted(worth_trying):
        local_dim, *channels = (_power_below(width, p) for width in architecture.widths)
        rounded = replace(architecture, local_dim=local_dim, channels=tuple(channels))
        bound = min_cut(rounded, partition).weight
        if bound > best:
            best, best_p = bound, p
    return best, best_p


def _root(number: int, exponent: int) -> int:
    """Return the root of a positive integer, rounded down, by Newton's steps from above."""
    closer = 1 << -(-number.bit_length() // exponent)  # above the root
    while True:
        root = closer
        closer = ((exponent - 1) * root + number // root ** (exponent - 1)) // exponent
        if closer >= root:
            return root


def _power_below(width: int, p: int) -> int:
    """Return the largest power of p that is at most `width`."""
    power = 1
    while power * p <= width:
        power *= p
    return power
