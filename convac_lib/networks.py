"""The tensor network of a ConvAC: a tree of weight matrices joined by delta tensors.

A node is a tensor, an edge an index that two tensors share and that is summed
over; its bond dimension is the number of values the index takes (Levine et al.
2018, sections 5 and 6, Fig. 4 and 5). The CP network is that of
:meth:`Architecture.shallow`: one delta tensor in the centre.
"""

from typing import Any, TypeAlias

import networkx as nx

from ._validation import as_instance, as_int
from .architecture import Architecture

Node: TypeAlias = tuple[Any, ...]
Graph: TypeAlias = Any  # networkx.Graph, which has no types of its own

MOST_SITES = 2**18  # in one graph: half a million nodes
OUTPUT: Node = ("output",)


def tensor_network(architecture: Architecture) -> Graph:
    """Return the tensor network of an architecture as a networkx.Graph, a tree.

    Nodes, with layers l = 0..L-1 counted from the inputs:

    - ``("input", j)``, the vector of features of site j (paper: a virtual vertex);
    - ``("weight", l, j)``, the matrix at location j of layer l, shape (r_l, r_{l-1});
    - ``("delta", l, k)``, the product pooling of window k: a delta tensor (eq. 13)
      whose ``window + 1`` legs all have bond r_l;
    - ``("output",)``, the dense layer, shape (Y, r_{L-1}). Its open leg of dimension
      Y is no edge.

    Node attributes: `kind`, the node's first entry, and `legs`, the neighbours
    in the order of the tensor's axes (after Y, for the output). Edge attribute:
    `bond`. The graph remembers its `architecture`.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> network = tensor_network(Architecture.line(local_dim=2, channels=(3, 4)))
    >>> print(network)
    Graph with 14 nodes and 13 edges
    >>> network.nodes["weight", 1, 0]["legs"]
    (('delta', 1, 0), ('delta', 0, 0))
    >>> network.edges[("weight", 1, 0), ("delta", 0, 0)]["bond"]
    3
    """
    as_instance("architecture", architecture, Architecture)
    as_int("architecture.n_sites", architecture.n_sites, 2, MOST_SITES)
    graph = nx.Graph(architecture=architecture)

    def add(node: Node, *legs: Node) -> None:
        graph.add_node(node, kind=node[0], legs=legs)

    for j in range(architecture.n_sites):
        add(("input", j), ("weight", 0, j))
        graph.add_edge(("input", j), ("weight", 0, j), bond=architecture.local_dim)
    for layer, bond in enumerate(architecture.channels):
        weights = [("weight", layer, j) for j in range(architecture.locations(layer))]
        deltas = [("delta", layer, k) for k in range(len(weights) // architecture.window)]
        for j, weight in enumerate(weights):
            above = deltas[j // architecture.window]
            add(weight, above, ("delta", layer - 1, j) if layer else ("input", j))
            graph.add_edge(weight, above, bond=bond)
        for k, delta in enumerate(deltas):
            above = ("weight", layer + 1, k) if layer + 1 < architecture.depth else OUTPUT
            add(delta, above, *weights[k * architecture.window : (k + 1) * architecture.window])
            graph.add_edge(delta, above, bond=bond)
    add(OUTPUT, ("delta", architecture.depth - 1, 0))
    return graph
