"""A small network contracted from its graph alone, by one call of ``numpy.einsum``.

For looking, not for computing: slow, and independent of everything else that computes
the same numbers (:mod:`convac_lib.decompositions`).
"""

from typing import Any

import numpy as np

from convac_lib._arrays import Array, human_size
from convac_lib._validation import as_int
from convac_lib.decompositions import as_features, as_weights, in_one_dtype
from convac_lib.networks import OUTPUT, Graph, Node

MAX_ENTRIES = 2**24  # of one tensor
MAX_AXES = 64  # of a NumPy array
MAX_INDICES = 52  # numpy.einsum names an index by a letter


def delta_tensor(order: int, bond: int) -> Array:
    """Return the delta tensor: 1 where all `order` indices agree, else 0 (eq. 13).

    Examples
    --------
    >>> delta_tensor(order=2, bond=3)
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    order = as_int("order", order, 1, MAX_AXES)
    bond = as_int("bond", bond, 1, MAX_ENTRIES)
    _refuse_large(f"a delta tensor with order={order} and bond={bond}", bond**order)
    delta = np.zeros((bond,) * order, dtype=int)
    delta[(np.arange(bond),) * order] = 1
    return delta


def node_tensors(graph: Graph, weights: Any, features: Any = None) -> dict[Node, Array]:
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
    >>> from convac_lib.networks import tensor_network
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


def contract(graph: Graph, tensors: Any) -> Array:
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
    >>> from convac_lib.networks import tensor_network
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

    def indices(node: Node) -> list[int]:
        shared = [index[frozenset((node, leg))] for leg in graph.nodes[node]["legs"]]
        return [index_of_class, *shared] if node == OUTPUT else shared

    operands = []
    for node, tensor in tensors.items():
        operands += [tensor, indices(node)]
    answer = [index_of_class, *(i for node in open_inputs for i in indices(node))]
    return np.einsum(*operands, answer, optimize="greedy")


def _refuse_large(what: str, entries: int) -> None:
    if entries > MAX_ENTRIES:
        raise ValueError(
            f"{what} would be a tensor of {human_size(8 * entries)}, and at most "
            f"{human_size(8 * MAX_ENTRIES)} is formed here; use "
            "decompositions.coefficients_tensor or decompositions.scores"
        )
