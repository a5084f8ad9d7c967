"""The min-cut bound."""

from itertools import combinations, pairwise

import networkx as nx
import numpy as np

from .by_hand import copy_tensor, cut, cut_of_graph, network_rank, rank, words
from .frame import statement

FIGURE_7 = [
    ("A", "a", 2), ("A", "b", 3), ("A", "b", 3), ("a", "b", 3), ("a", "c", 2), ("a", "d", 4),
    ("b", "e", 3), ("c", "B", 4), ("c", "f", 4), ("d", "f", 2), ("d", "g", 2), ("e", "g", 2),
    ("f", "B", 4), ("g", "B", 4),
]  # fmt: skip
INNER = "abcdefg"


def random_graph(seed):
    """A few nodes between A and B, joined at random by bonds of 2 and 3."""
    rng = np.random.default_rng(seed)
    edges = [("A", "a", 2), ("A", "b", 3), ("c", "B", 2), ("d", "B", 3)]
    for u, v in combinations("abcd", 2):
        if rng.random() < 0.7:
            edges.append((u, v, int(rng.integers(2, 4))))
    return edges


def rank_of_graph(edges, inner, copies="", seed=0):
    """Rank between the legs of A and those of B, with random integer nodes."""
    rng = np.random.default_rng(seed)
    legs = {n: [i for i, e in enumerate(edges) if n in e[:2]] for n in [*inner, "A", "B"]}
    operands = []
    for node in inner:
        shape = [edges[i][2] for i in legs[node]]
        array = rng.integers(1, 10, size=shape)
        if node in copies:
            array = copy_tensor(len(shape), shape[0]).astype(int)
        operands += [array, legs[node]]
    whole = np.einsum(*operands, legs["A"] + legs["B"], optimize=True)
    return rank(whole.reshape(np.prod([edges[i][2] for i in legs["A"]]), -1))


@statement(
    "thm-claim-1",
    inside=[(FIGURE_7, INNER, None), *[(random_graph(seed), "abcd", None) for seed in range(6)]],
    outside={"the severed edges separate": (FIGURE_7, INNER, 1)},
)
def rank_is_at_most_the_cut(edges, inner, weight):
    bound = cut_of_graph(edges, inner) if weight is None else weight
    return rank_of_graph(edges, inner) <= bound


@statement(
    "thm-max-flow",
    inside=[(FIGURE_7, INNER), *[(random_graph(seed), "abcd") for seed in range(6)]],
    nothing_to_drop="capacities are not negative in any graph of the book",
)
def flow_is_cut(edges, inner):
    graph = nx.Graph()
    for u, v, bond in edges:  # here the bonds themselves are capacities, and integers
        old = graph.get_edge_data(u, v, {"capacity": 0})["capacity"]
        graph.add_edge(u, v, capacity=old + bond)
    exponents = [(u, v, 2**bond) for u, v, bond in edges]
    return nx.maximum_flow_value(graph, "A", "B") == cut_of_graph(exponents, inner).bit_length() - 1


@statement(
    "thm-copy-rule",
    inside=[
        (FIGURE_7, INNER, "b", "b"),
        *[((2, r0, 2), 4, word, None) for r0 in (2, 3, 5) for word in words(16, 2, seed=r0)],
    ],
    outside={"b is a copy tensor": (FIGURE_7, INNER, "b", "")},
)
def legs_of_a_copy_tensor_once(network, window, counted, copies):
    if copies is None:
        return network_rank(network, window, counted) <= cut(network, window, counted)
    return rank_of_graph(network, window, copies) <= cut_of_graph(network, window, counted)


def tree_of_pairs(widths, word):
    """Edges of a network with windows of two, matrices included, and its copy tensors."""
    edges, copies, names = [], [], list(word)
    for layer, (below, width) in enumerate(pairwise(widths)):
        above = [f"copy {layer}.{k}" for k in range(len(names) // 2)]
        for k, name in enumerate(names):
            node = f"matrix {layer}.{k}"
            edges += [(name, node, below), (node, above[k // 2], width)]
        copies, names = [*copies, *above], above
    return edges, copies


def window_of_four(word):
    """One copy tensor with four legs and a fifth upwards, joined to A by a wide bond."""
    return [(letter, "w", 2) for letter in word] + [("w", "t", 2), ("t", "A", 9)], ["w"]


@statement(
    "prop-three-legs",
    inside=[
        (tree_of_pairs, widths, word)
        for seed, widths in enumerate([(2, 3, 5), (4, 2, 3), (3, 5, 2), (5, 3, 4)])
        for word in words(4, 3, seed)
    ],
    outside={"three legs each": (lambda _, word: window_of_four(word), None, "AABB")},
)
def counting_once_changes_nothing(make, widths, word):
    edges, copies = make(widths, word)
    inner = sorted({node for edge in edges for node in edge[:2]} - {"A", "B"})
    once, all_legs = (cut_of_graph(edges, inner, copies, once=flag) for flag in (True, False))
    return once == all_legs
