"""The minimal multiplicative cut of any tensor network drawn as a graph.

Meant for networks of some dozens of nodes, such as the figures of Levine et al.
(2018); for a ConvAC, :func:`convac_lib.cuts.min_cut` knows the tree and is
thousands of times faster.
"""

from decimal import Context
from math import prod
from typing import NamedTuple

import networkx as nx

from ._validation import as_int


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

    Parameters
    ----------
    graph : networkx.Graph or networkx.MultiGraph
        Every edge has the attribute ``bond``, a positive integer; a node whose
        attribute ``kind`` is ``"delta"`` is a copy tensor with equal bonds on all legs.
    sources, sinks : iterable of nodes
        The nodes of A and of B; the other nodes may stand on either side.

    Returns
    -------
    GraphCut
        ``weight`` (int); ``edges``, the severed ones as pairs of nodes, those of a cut
        delta being its legs towards B; ``sides``, a dict from node to True (with A).

    Raises
    ------
    ValueError
        If `sources` and `sinks` are not two sets of nodes apart, a bond is missing or
        not a positive integer, or a delta has legs of different bonds.

    Examples
    --------
    >>> chain = nx.Graph()
    >>> chain.add_edge("A", "x", bond=6)
    >>> chain.add_edge("x", "B", bond=4)
    >>> multiplicative_min_cut(chain, ["A"], ["B"]).weight
    4
    """
    sources, sinks = _terminals(graph, sources, sinks)
    bonds = [(u, v, _bond(u, v, data)) for u, v, data in graph.edges(data=True)]
    deltas = _delta_bonds(graph, bonds)
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


def _terminals(graph, sources, sinks):
    sources, sinks = set(sources), set(sinks)
    for name, nodes in (("sources", sources), ("sinks", sinks)):
        unknown = [node for node in nodes if node not in graph]
        if unknown or not nodes:
            came = f"{unknown[0]!r}, which is not one" if nodes else "none"
            raise ValueError(f"{name} must be at least one of the graph's nodes, got {came}")
    if sources & sinks:
        both = next(iter(sources & sinks))
        raise ValueError(f"sinks must not be sources too, got {both!r} in both")
    return sources, sinks


def _bond(u, v, data):
    return as_int(f"the bond of edge {u!r} - {v!r}", data.get("bond"), minimum=1)


def _delta_bonds(graph, bonds):
    """Return the bond of every delta tensor that has legs, or raise if its legs differ."""
    deltas = {}
    for u, v, bond in bonds:
        for node in (u, v):
            if graph.nodes[node].get("kind") == "delta":
                if deltas.setdefault(node, bond) != bond:
                    raise ValueError(
                        "the legs of a delta must have one bond dimension, got "
                        f"{deltas[node]} and {bond} at {node!r}"
                    )
    return deltas


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
