"""A network contracted from its graph is the coefficients tensor, and the scores."""

from functools import reduce

import numpy as np
import pytest

from convac_book.contraction import contract, delta_tensor, node_tensors
from convac_lib import Architecture
from convac_lib.architecture import SHARING
from convac_lib.decompositions import coefficients_tensor, random_weights, scores
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


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_legs_are_the_axes_of_the_tensors(architecture):
    graph = tensor_network(architecture)
    features = np.ones((architecture.n_sites, architecture.local_dim))
    tensors = node_tensors(graph, random_weights(architecture, 0), features)
    assert set(tensors) == set(graph)
    for node, tensor in tensors.items():
        legs = graph.nodes[node]["legs"]
        assert sorted(legs) == sorted(graph.neighbors(node))
        bonds = tuple(graph.edges[node, leg]["bond"] for leg in legs)
        open_leg = (architecture.n_outputs,) if node == ("output",) else ()
        assert tensor.shape == open_leg + bonds


@pytest.mark.parametrize(("order", "bond"), [(1, 3), (2, 4), (3, 2), (4, 3), (3, 1)])
def test_delta_tensor_is_eq_13(order, bond):
    delta = delta_tensor(order, bond)
    assert delta.shape == (bond,) * order
    for index in np.ndindex(delta.shape):
        assert delta[index] == (1 if len(set(index)) == 1 else 0)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("share", SHARING)
def test_the_contracted_network_is_the_coefficients_tensor(architecture, share):
    weights = random_weights(architecture, 1, share, integers=5)
    graph = tensor_network(architecture)
    tensor = contract(graph, node_tensors(graph, weights))
    assert np.array_equal(tensor, coefficients_tensor(architecture, weights))
    assert len(np.unique(tensor)) > 1 or tensor.size == 1  # not a comparison of zeros


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("share", SHARING)
def test_with_its_inputs_the_network_is_the_scores(architecture, share):
    """Fig. 5: both dashed boxes."""
    rng = np.random.default_rng(2)
    weights = random_weights(architecture, rng, share, integers=5)
    features = rng.integers(-9, 10, (architecture.n_sites, architecture.local_dim))
    graph = tensor_network(architecture)
    value = contract(graph, node_tensors(graph, weights, features))
    assert np.array_equal(value, scores(architecture, weights, features))


@pytest.mark.parametrize("dtype", [float, complex])
def test_float_and_complex_networks(dtype):
    line = Architecture.line(2, (3, 4))
    weights = random_weights(line, 3, dtype=dtype)
    graph = tensor_network(line)
    tensor = contract(graph, node_tensors(graph, weights))
    assert tensor.dtype == dtype
    assert np.allclose(tensor, coefficients_tensor(line, weights))


def test_integers_grow_past_64_bits():
    line = Architecture.line(2, (2, 2))
    weights = [np.full(shape, 10**9) for shape in line.weight_shapes()]
    graph = tensor_network(line)
    assert (contract(graph, node_tensors(graph, weights)) == 2**3 * 10**63).all()


def test_inputs_left_out_stay_open():
    """Sites fixed by one-hot inputs leave a slice of the whole tensor."""
    line = Architecture.line(3, (2, 2), n_outputs=2)
    weights = random_weights(line, 4, integers=5)
    graph = tensor_network(line)
    one_hot = np.eye(3, dtype=int)[[2, 0, 1, 2]]
    tensors = node_tensors(graph, weights, one_hot)
    del tensors["input", 1], tensors["input", 3]
    whole = coefficients_tensor(line, weights)
    assert np.array_equal(contract(graph, tensors), whole[:, 2, :, 1, :])


def test_a_general_core_in_place_of_the_delta_gives_tucker():
    """Footnote 6; and a proof that the graph's own tensors are what is contracted."""
    shallow = Architecture.shallow(3, 2, 3)
    weights = random_weights(shallow, 5, integers=5)
    graph = tensor_network(shallow)
    tensors = node_tensors(graph, weights)
    core = np.random.default_rng(6).integers(-5, 6, (3,) * 4)  # axes: output, three sites
    tensors["delta", 0, 0] = core
    tucker = np.einsum("yg,gabc,ai,bj,ck->yijk", weights[1], core, *weights[0])
    assert np.array_equal(contract(graph, tensors), tucker)


def test_the_tensor_of_a_line_matches_a_product_of_matrices():
    """N = 2 written as matrices: A = W_0[0]ᵀ diag(a) W_0[1]."""
    line = Architecture.line(3, (4,))
    weights = random_weights(line, 7, integers=5)
    left, right = weights[0]
    graph = tensor_network(line)
    expected = reduce(np.matmul, [left.T, np.diag(weights[1][0]), right])
    assert np.array_equal(contract(graph, node_tensors(graph, weights))[0], expected)


def nodes_of(architecture, features=None):
    graph = tensor_network(architecture)
    return graph, node_tensors(graph, random_weights(architecture, 0), features)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: contract(*nodes_of(Architecture.line(2, (2,) * 4))),
            "graph must have at most 51 edges.* got 61; use decompositions.coefficients_tensor",
        ),
        (
            lambda: contract(*nodes_of(Architecture.for_image(4, 4, (2, 2)))),
            "the answer would be a tensor of 32.0 GiB.*128.0 MiB.*coefficients_tensor",
        ),
        (
            lambda: nodes_of(Architecture.shallow(20, 2, 3)),
            "delta tensor with order=21 and bond=3 would be a tensor of 77.9 GiB",
        ),
        (
            lambda: nodes_of(Architecture.line(2, (2,)), np.ones((5, 2, 2))),
            r"features must be one input, shape \(2, 2\), got \(5, 2, 2\)",
        ),
        (
            lambda: nodes_of(Architecture.line(2, (2,)), np.ones((3, 2))),
            "features must have shape",
        ),
        (lambda: delta_tensor(0, 2), "order must be an integer from 1"),
        (lambda: delta_tensor(10**30, 2), "order must be an integer from 1"),
        (lambda: delta_tensor(2, 0), "bond must be an integer from 1"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
