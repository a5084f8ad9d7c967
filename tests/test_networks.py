"""The tensor network as a graph, and its contraction as an independent witness."""

from collections import Counter

import networkx as nx
import pytest

from convac_lib import Architecture
from convac_lib.networks import tensor_network

ARCHITECTURES = [
    Architecture.line(2, (3,)),
    Architecture.line(2, (3, 4), n_outputs=3),
    Architecture.line(3, (2, 3, 4), n_outputs=2),
    Architecture(9, 3, 2, (3, 2), n_outputs=2),
    Architecture.for_image(4, 2, (3, 2)),
    Architecture.shallow(6, 2, 4, n_outputs=2),
    Architecture.line(1, (1, 2)),
]


# --- the graph ------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_the_network_is_a_tree_with_the_architectures_nodes(architecture):
    graph = tensor_network(architecture)
    assert nx.is_tree(graph)
    places = [architecture.locations(layer) for layer in range(architecture.depth)]
    assert Counter(nx.get_node_attributes(graph, "kind").values()) == {
        "input": architecture.n_sites,
        "weight": sum(places),
        "delta": sum(places) // architecture.window,
        "output": 1,
    }
    assert all(node[0] == kind for node, kind in graph.nodes(data="kind"))


def test_the_bonds_of_figure_6():
    """N = 8: M, r0, r0, r1, r1, r2, r2 from an input up to the output."""
    line = Architecture.line(7, (11, 13, 17))
    graph = tensor_network(line)
    path = nx.shortest_path(graph, ("input", 5), ("output",))
    assert [node[0] for node in path] == ["input", *["weight", "delta"] * 3, "output"]
    assert path[1:-1] == [
        ("weight", 0, 5),
        ("delta", 0, 2),
        ("weight", 1, 2),
        ("delta", 1, 1),
        ("weight", 2, 1),
        ("delta", 2, 0),
    ]
    assert [graph.edges[edge]["bond"] for edge in nx.utils.pairwise(path)] == [
        7, 11, 11, 13, 13, 17, 17,
    ]  # fmt: skip


def test_the_cp_network_has_one_delta_in_the_centre():
    """Fig. 4b: N branches to the inputs, and one to the output."""
    graph = tensor_network(Architecture.shallow(5, 2, 3))
    assert graph.degree["delta", 0, 0] == 6
    assert [node for node in graph if node[0] == "delta"] == [("delta", 0, 0)]


# --- the contraction ------------------------------------------------------------------


# --- refusals -------------------------------------------------------------------------


def test_graphs_of_millions_of_nodes_are_refused():
    huge = Architecture.line(2, (2,) * 40)
    with pytest.raises(ValueError, match=r"architecture.n_sites must be .* from 2 to 262144"):
        tensor_network(huge)
