"""Slow and independent routes to what the library computes, for tests alone.

Each is written from its definition and shares no code with what it is compared with:
closed forms of minimal cuts, the minimal cut of any graph by a maximal flow, and the
largest rank of several draws.
"""

from decimal import Context
from math import prod
from typing import NamedTuple

import networkx as nx
import numpy as np

from convac_lib import modular
from convac_lib.partitions import as_partition
from convac_lib.ranks import certify_rank

# --- closed forms (sections 7.3 and 7.4) ------------------------------------------------------


def left_right_cut(architecture):
    """Return the minimal cut between the first and the second half of the sites (eq. 16).

    With windows of 2 it is

        min( r_{L-1}, r_{L-2}, ..., r_l^(2^(L-2-l)), ..., r_0^(N/4), M^(N/2) ):

    a cut through layer l severs every delta of one half, which is one for each of
    the 2^(L-1-l) / 2 windows there. Only the top layer is different: its single delta
    belongs to both halves and is severed once, so r_{L-1} has the exponent 1 (the
    general term would say 1/2). For a window w, even, half of the top's w branches are
    in A, and r_l has the exponent w^(L-1-l) / 2.
    """
    *lower, top = architecture.channels
    weights = [top, architecture.local_dim ** (architecture.n_sites // 2)]
    for layer, width in enumerate(lower):
        weights.append(width ** (architecture.locations(layer + 1) // 2))
    return min(weights)


def interleaved_cut(architecture):
    """Return the minimal cut of a partition with half of every window in A.

    Such as A B A B ..., or a chessboard under 2x2 windows. With N / w windows

        min( r_0^(N/w), M^(N/2) ),

    that is min(r_0, M)^(N/2) for windows of 2, and min(r_0^(N/4), M^(N/2)) for 2x2
    windows. No branch prefers a side, so the layers above never enter.

    Eq. 17 prints the second form for the network with windows of 2, for which the
    first one is right (and agrees with Theorem 1 of Cohen, Sharir, Shashua 2016).
    """
    windows = architecture.n_sites // architecture.window
    half = architecture.n_sites // 2
    return min(architecture.channels[0] ** windows, architecture.local_dim**half)


def shallow_cut(architecture, partition):
    """Return the minimal cut of a network with one hidden layer of K channels (section 7.4).

    min( M^min(|A|, |B|), K ) for every partition: to match a deep network, K must
    grow exponentially with the number of sites.
    """
    in_a = np.count_nonzero(as_partition(partition, architecture.n_sites))
    smaller = int(min(in_a, architecture.n_sites - in_a))
    return min(architecture.local_dim**smaller, architecture.channels[0])


# --- any network drawn as a graph -------------------------------------------------------------


class GraphCut(NamedTuple):
    """A minimal cut of a graph: its weight, the severed edges, and each node's side."""

    weight: int
    edges: list
    sides: dict


def multiplicative_min_cut(graph, sources, sinks):
    """Return the cut between two sets of nodes with the smallest product of bonds.

    The logarithms of the bonds are capacities, and the minimal cut is a maximal
    flow (found by networkx). A delta tensor is given two nodes joined by one arc
    of its own bond, and its legs have no limit: so its legs, together, count once
    (eq. 34). The result is exact, since the logarithms are integers with so many
    digits that two different products cannot be confused.

    Every edge of the graph has the attribute ``bond``; a node whose attribute ``kind``
    is ``"delta"`` is a copy tensor, with equal bonds on all legs.
    """
    bonds = [(u, v, data["bond"]) for u, v, data in graph.edges(data=True)]
    deltas = {}
    for u, v, bond in bonds:
        for node in (u, v):
            if graph.nodes[node].get("kind") == "delta":
                assert deltas.setdefault(node, bond) == bond
    free_edges = [edge for edge in bonds if edge[0] not in deltas and edge[1] not in deltas]
    capacity = _integer_logarithm([*deltas.values(), *(bond for _, _, bond in free_edges)])

    flow = nx.DiGraph()
    flow.add_nodes_from([_SOURCE, _SINK])
    flow.add_edges_from((_SOURCE, _entry(node)) for node in sources)
    flow.add_edges_from((_exit(node, deltas), _SINK) for node in sinks)
    for node, bond in deltas.items():
        flow.add_edge(_entry(node), _exit(node, deltas), capacity=capacity(bond))
    for u, v, bond in bonds:
        for start, end in ((_exit(u, deltas), _entry(v)), (_exit(v, deltas), _entry(u))):
            if u in deltas or v in deltas:
                flow.add_edge(start, end)  # no limit: the delta's own arc is cut instead
            else:
                parallel = flow.get_edge_data(start, end, {"capacity": 0})["capacity"]
                flow.add_edge(start, end, capacity=parallel + capacity(bond))

    _, (reached, _) = nx.minimum_cut(flow, _SOURCE, _SINK)
    sides = {node: _entry(node) in reached for node in graph}
    cut_deltas = [node for node in deltas if sides[node] and _exit(node, deltas) not in reached]
    weight = prod(deltas[node] for node in cut_deltas)
    weight *= prod(bond for u, v, bond in free_edges if sides[u] != sides[v])
    return GraphCut(weight, [(u, v) for u, v, _ in bonds if sides[u] != sides[v]], sides)


# The nodes of the flow problem are pairs, so that they differ from any node of the graph.
_SOURCE, _SINK = ("source", None), ("sink", None)


def _entry(node):
    return ("enter", node)


def _exit(node, deltas):
    """A flow leaves a delta by a second node, and any other tensor where it came in."""
    return ("leave" if node in deltas else "enter", node)


def _integer_logarithm(bonds):
    """Return a function that gives log(bond) as an integer multiple of a tiny unit.

    Two different products of these bonds, at most X, differ in their logarithms by at
    least 1 / (2X), and the rounding of a sum by at most one unit for each bond.
    """
    bits = prod(bonds).bit_length() + len(bonds).bit_length() + 2
    context = Context(prec=bits // 3 + len(str(bits)) + 20)  # a digit is more than 3 bits

    def logarithm(bond):
        return int(context.multiply(context.ln(bond), 1 << bits))

    return logarithm


# --- several draws ------------------------------------------------------------------------------


def generic_rank(architecture, partition, draws=2, seed=0, share="none"):
    """Return the rank that almost all weights give: the largest of several exact draws.

    Each draw has its own seed and its own prime. The first one that meets the
    minimal cut proves the answer and is the last; otherwise the answer is a proven
    lower bound, and right unless every draw was unlucky (:class:`RankCertificate`).

    Parameters
    ----------
    architecture, partition, seed, share
        As for :func:`certify_rank`.
    draws : int
        How many draws at most.
    """
    best = 0
    for draw in range(draws):
        prime = modular.large_prime(draw)
        found = certify_rank(architecture, partition, seed + draw, share, prime)
        best = max(best, found.rank)
        if found.certified:
            break
    return best
