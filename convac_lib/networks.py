"""The tensor network of a ConvAC: a tree of weight matrices joined by delta tensors.

A node is a tensor, an edge an index that two tensors share and that is summed
over; its bond dimension is the number of values the index takes (Levine et al.
2018, sections 5 and 6, Fig. 4 and 5). The CP network is that of
:meth:`Architecture.shallow`: one delta tensor in the centre.

:func:`contract` computes with the graph alone, by one call of ``numpy.einsum``:
slow, for small networks, and independent of everything else in the library.
"""

import networkx as nx
import numpy as np

from ._memory import human_size
from ._validation import as_int
from .decompositions import as_features, as_weights, in_one_dtype

OUTPUT = ("output",)
MAX_ENTRIES = 2**24  # of one tensor: these networks are for looking, not for computing
MAX_INDICES = 52  # numpy.einsum names an index by a letter


def tensor_network(architecture):
    """Return the tensor network of an architecture as a graph.

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

    Returns
    -------
    networkx.Graph
        A tree.

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
    graph = nx.Graph(architecture=architecture)

    def add(node, *legs):
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


def delta_tensor(order, bond):
    """Return the delta tensor: 1 where all `order` indices agree, else 0 (eq. 13).

    Examples
    --------
    >>> delta_tensor(order=2, bond=3)
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    order = as_int("order", order, minimum=1)
    bond = as_int("bond", bond, minimum=1)
    _refuse_large(f"a delta tensor with order={order} and bond={bond}", bond**order)
    delta = np.zeros((bond,) * order, dtype=int)
    delta[(np.arange(bond),) * order] = 1
    return delta


def node_tensors(graph, weights, features=None):
    """Return the tensor of every node, axes in the order of the node's `legs`.

    Parameters
    ----------
    graph : networkx.Graph
        From :func:`tensor_network`.
    weights : list of ndarray
        With any kind of sharing.
    features : array_like, shape (n_sites, local_dim), optional
        The input vectors, the lower dashed box of Fig. 5. Left out, the inputs'
        nodes have no tensors.

    Returns
    -------
    dict from node to ndarray

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> from convac_lib.decompositions import random_weights
    >>> line = Architecture.line(local_dim=2, channels=(3, 4))
    >>> tensors = node_tensors(tensor_network(line), random_weights(line, seed=0))
    >>> tensors["delta", 0, 1].shape, tensors["weight", 0, 1].shape
    ((3, 3, 3), (3, 2))
    """
    architecture = graph.graph["architecture"]
    weights = as_weights(architecture, weights)
    if features is None:
        weights = in_one_dtype(architecture, weights)
    else:
        features = as_features(architecture, features)
        if features.ndim != 2:
            raise ValueError(
                f"features must be one input, shape {features.shape[-2:]}, got {features.shape}"
            )
        *weights, features = in_one_dtype(architecture, weights, features)
    order = architecture.window + 1
    deltas = [delta_tensor(order, r).astype(weights[0].dtype) for r in architecture.channels]
    tensors = {}
    for node in graph:
        match node:
            case ("input", j):
                if features is not None:
                    tensors[node] = features[j]
            case ("weight", layer, j):
                tensors[node] = weights[layer][j % len(weights[layer])]
            case ("delta", layer, _):
                tensors[node] = deltas[layer]
            case ("output",):
                tensors[node] = weights[-1]
    return tensors


def contract(graph, tensors):
    """Sum over every index that two tensors share, by one call of ``numpy.einsum``.

    Parameters
    ----------
    graph : networkx.Graph
        From :func:`tensor_network`.
    tensors : dict from node to ndarray
        From :func:`node_tensors`. The leg of an input that has no tensor stays open.

    Returns
    -------
    ndarray, shape (Y, M, ..., M)
        One axis for the class, and one for each open input in the order of the
        sites: with no inputs the coefficients tensor (eq. 12, 14), with all of
        them the scores, shape (Y,) (Fig. 5).

    Raises
    ------
    ValueError
        If the network is too large for ``einsum`` or the answer for this use.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> network = tensor_network(Architecture.line(local_dim=2, channels=(2,)))
    >>> weights = [[[[1, 2], [3, 4]], [[1, 0], [0, 1]]], [[1, 1]]]
    >>> contract(network, node_tensors(network, weights))
    array([[[1, 3],
            [2, 4]]])
    >>> contract(network, node_tensors(network, weights, [[1, 1], [1, -1]]))
    array([-4])
    """
    index = {frozenset(edge): number for number, edge in enumerate(graph.edges)}
    index_of_class = len(index)
    if index_of_class >= MAX_INDICES:
        raise ValueError(
            f"graph must have at most {MAX_INDICES - 1} edges for numpy.einsum, got "
            f"{len(index)}; use decompositions.coefficients_tensor or decompositions.scores"
        )
    architecture = graph.graph["architecture"]
    inputs = [("input", j) for j in range(architecture.n_sites)]
    open_inputs = [node for node in inputs if node not in tensors]
    entries = architecture.n_outputs * architecture.local_dim ** len(open_inputs)
    _refuse_large("the answer", entries)

    def indices(node):
        shared = [index[frozenset((node, leg))] for leg in graph.nodes[node]["legs"]]
        return [index_of_class, *shared] if node == OUTPUT else shared

    operands = []
    for node, tensor in tensors.items():
        operands += [tensor, indices(node)]
    answer = [index_of_class, *(i for node in open_inputs for i in indices(node))]
    return np.einsum(*operands, answer, optimize="greedy")


def _refuse_large(what, entries):
    if entries > MAX_ENTRIES:
        raise ValueError(
            f"{what} would be a tensor of {human_size(8 * entries)}, and at most "
            f"{human_size(8 * MAX_ENTRIES)} is formed here; use "
            "decompositions.coefficients_tensor or decompositions.scores"
        )
