"""The Schmidt spectrum at scale, against the dense SVD, exact ranks and hand-worked numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import generic_rank

from convac_lib.architecture import SHARING, Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import coefficients_tensor, random_weights
from convac_lib.partitions import blocks, from_sites, halves, interleaved, left_right
from convac_lib.spectra import schmidt_spectrum
from convac_lib.states import entanglement_entropy, geometric_measure, schmidt_values

SMALL = [
    (Architecture.line(2, (3, 4, 5)), "AABABBBA"),
    (Architecture.line(3, (2, 7, 2)), "AAABBBAB"),
    (Architecture.line(2, (3, 11, 5, 2)), "AABABBBBABBBAAAA"),  # rank 56, cut 60
    (Architecture(16, 4, 2, (3, 2)), "BBBBBBBBBAAABAAA"),  # rank 7, cut 8
    (Architecture(16, 4, 2, (4, 2)), "BBAABBAABBAABAAA"),
    (Architecture(16, 4, 2, (2, 2)), "AAABAAABABBBABBB"),  # a top matrix larger than the cut
    (Architecture(9, 3, 3, (7, 2)), "AABABBABB"),
    (Architecture.shallow(6, 2, 3), "ABABAB"),
    (Architecture.line(5, (1, 2)), "ABBB"),
]


def assert_agrees_with_dense_svd(architecture, partition, weights, output=0):
    tensor = coefficients_tensor(architecture, weights)[output]
    dense = schmidt_values(tensor, partition)
    spectrum = schmidt_spectrum(architecture, partition, weights, output=output)
    found = spectrum.values * np.exp(spectrum.log_norm)
    assert len(found) <= min_cut_weight(architecture, partition)
    assert np.allclose(found, dense[: len(found)], rtol=0, atol=1e-12 * dense[0])
    assert np.allclose(dense[len(found) :], 0, atol=1e-12 * dense[0])
    norm = np.linalg.norm(tensor.astype(complex))
    assert np.isclose(spectrum.log_norm, np.log(norm), rtol=0, atol=1e-12)
    assert np.isclose(np.sum(spectrum.values**2), 1)
    assert np.isclose(spectrum.entropy, entanglement_entropy(tensor, partition))
    assert np.isclose(spectrum.geometric_measure, geometric_measure(tensor, partition))


# --- against the dense SVD --------------------------------------------------------------


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize(("architecture", "partition"), SMALL)
def test_agrees_with_the_dense_svd(architecture, partition, dtype):
    weights = random_weights(architecture, seed=1, dtype=dtype)
    assert_agrees_with_dense_svd(architecture, partition, weights)


@pytest.mark.parametrize("share", SHARING)
@pytest.mark.parametrize("output", [0, 2])
def test_agrees_for_any_sharing_and_output(share, output):
    architecture = Architecture(16, 4, 2, (5, 3), n_outputs=3)
    weights = random_weights(architecture, seed=2, share=share)
    assert_agrees_with_dense_svd(architecture, "AABBABABBBBBABBA", weights, output)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(st.integers(1, 6), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=8, max_size=8).filter(lambda sides: len(set(sides)) == 2),
)
def test_agrees_for_any_channels_and_partition(seed, channels, sides):
    architecture = Architecture.line(2, channels)
    assert_agrees_with_dense_svd(architecture, sides, random_weights(architecture, seed))


def test_weights_of_other_dtypes_are_computed_in_double_precision():
    architecture, partition = SMALL[0]
    single = [layer.astype(np.float32) for layer in random_weights(architecture, 0)]
    assert_agrees_with_dense_svd(architecture, partition, [layer.astype(float) for layer in single])
    assert schmidt_spectrum(architecture, partition, single).values.dtype == float
    assert_agrees_with_dense_svd(
        architecture, partition, random_weights(architecture, 0, integers=9)
    )


# --- by hand ----------------------------------------------------------------------------


def test_a_bell_state():
    # h = x_0 y_0 + x_1 y_1: the matrix is the identity.
    weights = [np.eye(2)[None], np.ones((1, 2))]
    spectrum = schmidt_spectrum(Architecture.line(2, (2,)), "AB", weights)
    assert np.allclose(spectrum.values, np.sqrt([0.5, 0.5]), rtol=0, atol=1e-15)
    assert np.isclose(spectrum.log_norm, np.log(2) / 2)
    assert np.isclose(spectrum.entropy, np.log(2))
    assert np.isclose(spectrum.geometric_measure, np.sqrt(0.5))


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_a_product_state_of_1024_sites_and_its_norm(size):
    # One channel everywhere: the state is v ⊗ ... ⊗ v times the other weights, each `size`.
    architecture = Architecture.line(2, (1,) * 10)
    weights = [np.full(shape, size) for shape in architecture.weight_shapes("none")]
    weights[0][:] = size * np.array([3.0, 4.0])
    spectrum = schmidt_spectrum(architecture, blocks(1024, 7), weights)
    n_weights = 1024 + 512 + 256 + 128 + 64 + 32 + 16 + 8 + 4 + 2 + 1
    assert spectrum.values.tolist() == [1.0]
    assert np.isclose(spectrum.log_norm, 1024 * np.log(5) + n_weights * np.log(size))
    assert spectrum.entropy == 0


# --- against exact ranks ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("architecture", "partition", "rank"),
    [
        (Architecture.line(2, (3, 5, 5, 2)), "AAABBBBBBBBAAAAA", 56),
        (Architecture.line(2, (3, 11, 5, 2)), from_sites(16, (0, 1, 3, 8, 12, 13, 14, 15)), 56),
        (Architecture(16, 4, 2, (3, 2)), "BBBBBBBBBAAABAAA", 7),
        (Architecture.line(2, (5, 3, 4, 6)), left_right(16), 4),
        (Architecture.for_image(64, 3, (8,) * 6), halves(64), 8),
        (Architecture.line(4, (16,) * 10), blocks(1024, 512, offset=256), 256),
    ],
)
def test_as_many_values_are_not_small_as_the_exact_rank_says(architecture, partition, rank):
    # The float decides nothing here: it is held against the exact rank.
    assert generic_rank(architecture, partition) == rank
    spectrum = schmidt_spectrum(architecture, partition, seed=3)
    assert (spectrum.values > 1e-12 * spectrum.values[0]).sum() == rank
    assert 0 < spectrum.entropy < np.log(rank)  # full rank, and yet not maximal entropy


# --- laws -------------------------------------------------------------------------------


def test_scaling_the_weights_scales_the_norm_only():
    architecture, partition = Architecture.line(2, (3, 4, 5)), interleaved(8)
    weights = random_weights(architecture, 0)
    plain = schmidt_spectrum(architecture, partition, weights)
    scaled = schmidt_spectrum(architecture, partition, [weights[0] * 1e30, *weights[1:]])
    assert np.allclose(plain.values, scaled.values, rtol=0, atol=1e-14)
    assert np.isclose(scaled.log_norm - plain.log_norm, 8 * np.log(1e30))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_local_rotations_change_no_schmidt_value(seed):
    architecture, partition = Architecture(16, 4, 3, (4, 3)), blocks(16, 8, offset=2)
    rng = np.random.default_rng(seed)
    weights = random_weights(architecture, seed)
    rotations = np.linalg.qr(rng.standard_normal((16, 3, 3)))[0]
    plain = schmidt_spectrum(architecture, partition, weights)
    rotated = schmidt_spectrum(architecture, partition, [weights[0] @ rotations, *weights[1:]])
    assert np.allclose(plain.values, rotated.values, rtol=0, atol=1e-13)
    exchanged = schmidt_spectrum(architecture, ~partition, weights)
    assert np.allclose(plain.values, exchanged.values, rtol=0, atol=1e-13)


def test_the_seed_draws_the_weights():
    architecture, partition = SMALL[0]
    drawn = schmidt_spectrum(architecture, partition, seed=5)
    given_weights = schmidt_spectrum(architecture, partition, random_weights(architecture, 5))
    assert drawn.values.tolist() == given_weights.values.tolist()


# --- bad input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"partition": "AB"}, "partition must have one entry for each of the 4 sites"),
        ({"output": 1}, "output must be an integer from 0 to 0, got 1"),
        ({"weights": [np.zeros((1, 2, 2)), np.ones((1, 2, 2)), np.ones((1, 2))]}, "zero state"),
        ({"weights": [np.ones((1, 2, 2)), np.ones((1, 2, 2)), np.zeros((1, 2))]}, "zero state"),
        (
            {"weights": [np.ones((1, 2, 2)), np.ones((1, 2))]},
            "weights must be a list of 3 arrays",
        ),
        (
            {"weights": [np.ones((3, 2, 2))] * 2 + [np.ones((1, 2))]},
            "weights[0] must have shape",
        ),
        (
            {"weights": [np.full((1, 2, 2), np.nan)] * 2 + [np.ones((1, 2))]},
            "weights[0] must be finite",
        ),
    ],
)
def test_bad_input_is_named(change, message):
    call = {"architecture": Architecture.line(2, (2, 2)), "partition": "AABB", **change}
    with pytest.raises(ValueError) as error:
        schmidt_spectrum(**call)
    assert message in str(error.value)


def test_a_spectrum_beyond_memory_is_refused_with_its_size():
    with pytest.raises(ValueError, match=r"partition .* would need a tensor of"):
        schmidt_spectrum(Architecture.line(2, (2,) * 6), interleaved(64))
