"""The coefficients tensor and the scores, against equations 2, 11 and 12 written out."""

from fractions import Fraction
from functools import reduce
from itertools import product
from math import log, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture, decompositions
from convac_lib.architecture import SHARING
from convac_lib.states import inner_product, product_state

ARCHITECTURES = [
    Architecture.line(2, (3,)),
    Architecture.line(2, (3, 4), n_outputs=3),
    Architecture.line(3, (2, 1, 4), n_outputs=2),
    Architecture(9, 3, 2, (3, 2), n_outputs=2),
    Architecture.for_image(4, 2, (3, 2)),
    Architecture.shallow(5, 3, 4, n_outputs=2),
    Architecture.line(1, (1, 1)),
]
HAND_WEIGHTS = [[[[1, 2], [3, 4]], [[1, 0], [0, 1]]], [[1, 1]]]


def outer(tensors):
    return reduce(np.multiply.outer, tensors)


def matrix_at(weights, architecture, share, layer, location):
    """Return the matrix at a location by the words of the three kinds of sharing."""
    number = {"none": location, "window-position": location % architecture.window, "all": 0}
    return weights[layer][number[share]]


def literal_cp(architecture, weights, share):
    """Eq. 11: A^y = Σ_k v^y_k a^{k,1} ⊗ ... ⊗ a^{k,N}."""
    (K,), N = architecture.channels, architecture.n_sites

    def a(k, j):
        return matrix_at(weights, architecture, share, 0, j - 1)[k - 1]

    return np.stack(
        [
            sum(v[k - 1] * outer([a(k, j) for j in range(1, N + 1)]) for k in range(1, K + 1))
            for v in weights[-1]
        ]
    )


def literal_ht(architecture, weights, share):
    """Eq. 12, level by level; in the paper locations and channels count from 1."""
    r, L = architecture.channels, architecture.depth

    def a(level, j, gamma):
        return matrix_at(weights, architecture, share, level, j - 1)[gamma - 1]

    def phi(level, j, gamma):
        if level == 0:
            return a(0, j, gamma)
        return sum(
            a(level, j, gamma)[alpha - 1]
            * np.multiply.outer(phi(level - 1, 2 * j - 1, alpha), phi(level - 1, 2 * j, alpha))
            for alpha in range(1, r[level - 1] + 1)
        )

    return np.stack(
        [
            sum(
                top[alpha - 1] * np.multiply.outer(phi(L - 1, 1, alpha), phi(L - 1, 2, alpha))
                for alpha in range(1, r[L - 1] + 1)
            )
            for top in weights[-1]
        ]
    )


# --- the coefficients tensor ----------------------------------------------------------


def test_two_sites_by_hand():
    """[1, 2] ⊗ [1, 0] + [3, 4] ⊗ [0, 1]; then 1·1·1 + 3·1·(−1) + 2·1·1 + 4·1·(−1) = −4."""
    two_sites = Architecture.line(2, (2,))
    tensor = decompositions.coefficients_tensor(two_sites, HAND_WEIGHTS)
    assert tensor.tolist() == [[[1, 3], [2, 4]]]
    assert decompositions.scores(two_sites, HAND_WEIGHTS, [[1, 1], [1, -1]]).tolist() == [-4]


def test_four_sites_by_hand():
    """All weights 1 but a^{0,1} = [1, 2]: channels multiply, so A = r_0² r_1 · (1 or 2)."""
    line = Architecture.line(2, (3, 5))
    weights = [np.ones(shape, dtype=int) for shape in line.weight_shapes()]
    weights[0][0, :, 1] = 2
    tensor = decompositions.coefficients_tensor(line, weights)[0]
    assert (tensor[0] == 3 * 3 * 5).all() and (tensor[1] == 2 * 3 * 3 * 5).all()


@pytest.mark.parametrize("share", SHARING)
@pytest.mark.parametrize("channels", [1, 4])
def test_cp_is_eq_11(share, channels):
    shallow = Architecture.shallow(4, 3, channels, n_outputs=2)
    weights = decompositions.random_weights(shallow, 1, share, integers=9)
    tensor = decompositions.coefficients_tensor(shallow, weights)
    assert np.array_equal(tensor, literal_cp(shallow, weights, share))


@pytest.mark.parametrize("share", SHARING)
@pytest.mark.parametrize("channels", [(2,), (3, 2), (2, 3, 2)])
def test_ht_is_eq_12(share, channels):
    line = Architecture.line(2, channels, n_outputs=2)
    weights = decompositions.random_weights(line, 2, share, integers=3)
    tensor = decompositions.coefficients_tensor(line, weights)
    assert np.array_equal(tensor, literal_ht(line, weights, share))


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("share", SHARING)
def test_a_coefficient_is_the_score_of_a_one_hot_input(architecture, share):
    weights = decompositions.random_weights(architecture, 3, share, integers=2)
    tensor = decompositions.coefficients_tensor(architecture, weights)
    M, N = architecture.local_dim, architecture.n_sites
    assert tensor.shape == (architecture.n_outputs, *[M] * N)
    chosen = np.random.default_rng(0).integers(M, size=(20, N))
    values = decompositions.scores(architecture, weights, np.eye(M, dtype=int)[chosen])
    for d, value in zip(chosen, values, strict=True):
        assert np.array_equal(value, tensor[(slice(None), *d)])


@pytest.mark.parametrize("dtype", [float, complex])
def test_float_tensors_agree_with_exact_ones(dtype):
    line = Architecture.line(2, (3, 2, 2))
    weights = decompositions.random_weights(line, 4, integers=5)
    exact = decompositions.coefficients_tensor(line, weights)
    assert exact.dtype == np.int64
    weights = [layer.astype(dtype) for layer in weights]
    inexact = decompositions.coefficients_tensor(line, weights)
    assert inexact.dtype == dtype
    assert np.allclose(inexact, exact)


def test_integers_grow_past_64_bits():
    line = Architecture.line(2, (2, 2))
    weights = [np.full(shape, 10**9) for shape in line.weight_shapes()]
    tensor = decompositions.coefficients_tensor(line, weights)
    # A product of seven weights, summed over r_0² r_1 = 2³ settings of the inner indices.
    assert (tensor == 2**3 * 10 ** (9 * 7)).all()
    assert decompositions.scores(line, weights, np.ones((4, 2), int)) == 2**7 * 10**63


def test_a_sum_may_pass_64_bits_where_no_term_does():
    line = Architecture.line(1, (4,))
    weights = [np.full(shape, 2 * 10**6) for shape in line.weight_shapes()]
    assert 8 * 10**18 < 2**63 < 4 * 8 * 10**18
    assert decompositions.coefficients_tensor(line, weights).item() == 4 * 8 * 10**18


def test_fractions_stay_fractions():
    line = Architecture.line(2, (2,))
    weights = [np.asarray(layer, dtype=object) * Fraction(1, 3) for layer in HAND_WEIGHTS]
    tensor = decompositions.coefficients_tensor(line, weights)
    assert tensor.tolist() == [[[Fraction(c, 27) for c in row] for row in ([1, 3], [2, 4])]]


# --- the scores -----------------------------------------------------------------------


@pytest.mark.parametrize("share", SHARING)
def test_scores_are_eq_2_summed_by_brute_force(share):
    line = Architecture.line(3, (2, 3), n_outputs=2)
    weights = decompositions.random_weights(line, 5, share, integers=4)
    f = np.random.default_rng(6).integers(-4, 5, (4, 3))
    A = decompositions.coefficients_tensor(line, weights)
    for y, score in enumerate(decompositions.scores(line, weights, f)):
        assert score == sum(
            A[y][d] * prod(f[j, d[j]] for j in range(4)) for d in product(range(3), repeat=4)
        )


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("share", SHARING)
@pytest.mark.parametrize("dtype", [float, complex])
def test_scores_of_a_batch_are_inner_products_with_product_states(architecture, share, dtype):
    """Eq. 8. The score has no complex conjugate, so the input's is taken twice."""
    rng = np.random.default_rng(7)
    weights = decompositions.random_weights(architecture, rng, share, dtype=dtype)
    shape = (2, 3, architecture.n_sites, architecture.local_dim)
    batch = rng.standard_normal(shape).astype(dtype)
    if dtype is complex:
        batch *= np.exp(1j)
    values = decompositions.scores(architecture, weights, batch)
    assert values.shape == (2, 3, architecture.n_outputs) and values.dtype == dtype
    tensor = decompositions.coefficients_tensor(architecture, weights)
    for index in np.ndindex(2, 3):
        state = product_state(batch[index], normalize=False)
        for y in range(architecture.n_outputs):
            assert np.isclose(values[(*index, y)], inner_product(state.conj(), tensor[y]))


def test_scores_are_the_recursion_of_eq_18_to_21():
    """In plain floats, location by location: scaling by powers of two has rounded nothing."""
    line = Architecture.line(4, (4, 4, 4), n_outputs=2)
    weights = decompositions.random_weights(line, 8)
    features = np.random.default_rng(9).standard_normal((5, 8, 4))
    for sample, values in zip(
        features, decompositions.scores(line, weights, features), strict=True
    ):
        v = [sample[j] for j in range(8)]
        for layer in weights[:-1]:
            z = [layer[j] @ v[j] for j in range(len(v))]
            v = [z[2 * k] * z[2 * k + 1] for k in range(len(z) // 2)]
        assert np.allclose(values, weights[-1] @ v[0], rtol=1e-13, atol=0)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(ARCHITECTURES),
    st.integers(0, 2**32 - 1),
    st.integers(-9, 9),
    st.integers(-9, 9),
)
def test_scores_are_linear_in_the_features_of_each_site(architecture, seed, a, b):
    rng = np.random.default_rng(seed)
    weights = decompositions.random_weights(architecture, rng, integers=3)
    f = rng.integers(-5, 6, (architecture.n_sites, architecture.local_dim))
    g, mixed = f.copy(), f.copy()
    site = seed % architecture.n_sites
    g[site] = rng.integers(-5, 6, architecture.local_dim)
    mixed[site] = a * f[site] + b * g[site]
    h = decompositions.scores(architecture, weights, np.stack([f, g, mixed]))
    assert np.array_equal(h[2], a * h[0] + b * h[1])


def test_an_empty_batch_and_a_single_input():
    line = Architecture.line(2, (3, 4), n_outputs=5)
    weights = decompositions.random_weights(line, 0)
    assert decompositions.scores(line, weights, np.ones((0, 4, 2))).shape == (0, 5)
    assert decompositions.scores(line, weights, np.ones((4, 2))).shape == (5,)


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture.line(2, (3,) * 9, n_outputs=2),
        Architecture.for_image(16, 2, (3,) * 4),
        Architecture.shallow(300, 2, 3),
    ],
    ids=str,
)
def test_log_scores_of_many_sites_are_those_of_big_integers(architecture):
    weights = decompositions.random_weights(architecture, 10, integers=9)
    features = np.random.default_rng(11).integers(1, 99, (3, architecture.n_sites, 2))
    exact = decompositions.scores(architecture, weights, features)
    sign, logarithm = decompositions.log_scores(architecture, weights, features)
    assert abs(exact).max() > 10**400  # far beyond a float
    for s, value, integer in zip(sign.flat, logarithm.flat, exact.flat, strict=True):
        assert s == (integer > 0) - (integer < 0)
        assert value == pytest.approx(log(abs(integer)), rel=1e-12)
    with pytest.raises(ValueError, match=r"range of a float.*decompositions.log_scores"):
        decompositions.scores(architecture, weights, features.astype(float))


def test_log_scores_of_zero_and_of_complex_scores():
    two_sites = Architecture.line(2, (2,))
    sign, logarithm = decompositions.log_scores(two_sites, HAND_WEIGHTS, np.zeros((2, 2)))
    assert sign.tolist() == [0] and logarithm.tolist() == [-np.inf]
    features = np.array([[1j, 1], [1, -1]])
    sign, logarithm = decompositions.log_scores(two_sites, HAND_WEIGHTS, features)
    expected = decompositions.scores(two_sites, HAND_WEIGHTS, features)
    assert np.allclose(sign * np.exp(logarithm), expected)
    assert np.allclose(expected, [1j * 1 - 3j + 2 - 4])


# --- another basis --------------------------------------------------------------------


def in_another_basis(weights, matrix):
    """Footnote 1: for features g with f = matrix @ g, layer 0 absorbs the matrix."""
    first, *others = weights
    return [first @ matrix, *others]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(ARCHITECTURES), st.integers(0, 2**32 - 1), st.sampled_from(SHARING))
def test_a_change_of_basis_leaves_every_score(architecture, seed, share):
    """Footnote 1, exactly: weights on f = T g and new weights on g give one score."""
    rng = np.random.default_rng(seed)
    weights = decompositions.random_weights(architecture, rng, share, integers=3)
    matrix = rng.integers(-3, 4, (architecture.local_dim,) * 2)
    g = rng.integers(-3, 4, (4, architecture.n_sites, architecture.local_dim))
    new_weights = in_another_basis(weights, matrix)
    old = decompositions.scores(architecture, weights, g @ matrix.T)
    assert np.array_equal(decompositions.scores(architecture, new_weights, g), old)


def test_a_change_of_basis_acts_on_every_mode_of_the_tensor():
    line = Architecture.line(3, (2, 3))
    rng = np.random.default_rng(12)
    weights = decompositions.random_weights(line, rng, integers=3)
    matrix = rng.integers(-3, 4, (3, 3))
    new = decompositions.coefficients_tensor(line, in_another_basis(weights, matrix))
    old = decompositions.coefficients_tensor(line, weights)
    assert np.array_equal(new, np.einsum("ypqrs,pa,qb,rc,sd->yabcd", old, *[matrix] * 4))


@pytest.mark.parametrize("dtype", [float, complex])
def test_an_orthonormal_basis_scores_the_same_once_absorbed(dtype):
    """Footnote 1 as the physics uses it: any independent functions, made orthonormal by QR."""
    line = Architecture.line(3, (4, 4), n_outputs=2)
    weights = decompositions.random_weights(line, 13, dtype=dtype)
    x = np.linspace(-1, 1, 40)[:, None]
    values = np.exp(-((x - [-0.5, 0.0, 0.5]) ** 2)).astype(dtype)
    if dtype is complex:
        values *= np.exp(1j * x * [1, 2, 3])
    orthonormal, triangular = np.linalg.qr(values)
    points = np.random.default_rng(14).integers(40, size=(6, 4))
    old = decompositions.scores(line, weights, values[points])
    absorbed = in_another_basis(weights, triangular.T)
    assert np.allclose(decompositions.scores(line, absorbed, orthonormal[points]), old)


# --- random weights -------------------------------------------------------------------


@pytest.mark.parametrize("share", SHARING)
@pytest.mark.parametrize("kind", [{}, {"dtype": complex}, {"integers": 7}])
def test_random_weights_have_the_architectures_shapes_and_repeat(share, kind):
    architecture = Architecture.for_image(4, 2, (3, 5), n_outputs=4)
    weights = decompositions.random_weights(architecture, 15, share, **kind)
    assert [layer.shape for layer in weights] == architecture.weight_shapes(share)
    again = decompositions.random_weights(architecture, 15, share, **kind)
    assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))
    other = decompositions.random_weights(architecture, 16, share, **kind)
    assert not np.array_equal(weights[0], other[0])


def test_random_weights_are_drawn_as_they_say():
    wide = Architecture.line(50, (400,))
    integers = decompositions.random_weights(wide, 0, integers=2)[0]
    assert set(np.unique(integers)) == {-2, -1, 0, 1, 2}
    for dtype in (float, complex):
        normal = decompositions.random_weights(wide, 0, dtype=dtype)[0]
        assert normal.dtype == dtype
        assert abs(normal.mean()) < 0.03 and abs((abs(normal) ** 2).mean() - 1) < 0.05


# --- refusals -------------------------------------------------------------------------


def test_a_tensor_beyond_memory_is_refused_with_its_size():
    line = Architecture.line(2, (2,) * 6)
    weights = decompositions.random_weights(line, 0)
    with pytest.raises(ValueError, match=r"n_sites=64 .* 128.0 EiB.*decompositions.scores"):
        decompositions.coefficients_tensor(line, weights)
    assert np.isfinite(decompositions.scores(line, weights, np.ones((64, 2)))).all()


def test_overflow_is_refused_and_no_nan_returned():
    line = Architecture.line(2, (2, 2))
    weights = [np.full(shape, 1e200) for shape in line.weight_shapes()]
    with pytest.raises(ValueError, match="overflow; scale the weights down"):
        decompositions.coefficients_tensor(line, weights)
    huge = [np.full(shape, 1.7e308) for shape in line.weight_shapes()]
    with pytest.raises(ValueError, match="overflow; scale the weights down"):
        decompositions.log_scores(line, huge, np.ones((4, 2)))


LINE = Architecture.line(2, (3, 4))
WEIGHTS = decompositions.random_weights(LINE, 0)
ONES = np.ones((4, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: decompositions.scores(LINE, WEIGHTS[:2], ONES),
            "weights must be a list of 3 arrays.* got 2",
        ),
        (
            lambda: decompositions.scores(LINE, [WEIGHTS[0][:3], *WEIGHTS[1:]], ONES),
            r"weights\[0\] must have shape \(1, 3, 2\) or \(2, 3, 2\) or \(4, 3, 2\), "
            r"got \(3, 3, 2\)",
        ),
        (
            lambda: decompositions.coefficients_tensor(LINE, [*WEIGHTS[:2], WEIGHTS[2][0]]),
            r"weights\[2\] must have shape \(1, 4\), got \(4,\)",
        ),
        (
            lambda: decompositions.scores(LINE, [WEIGHTS[0] * np.nan, *WEIGHTS[1:]], ONES),
            r"weights\[0\] must be finite",
        ),
        (
            lambda: decompositions.scores(LINE, WEIGHTS, ONES.T),
            r"features must have shape .* = \(..., 4, 2\), got \(2, 4\)",
        ),
        (
            lambda: decompositions.scores(LINE, WEIGHTS, ONES * np.inf),
            "features must be finite",
        ),
        (lambda: decompositions.random_weights(LINE, 0, "some"), "share must be one of"),
        (lambda: decompositions.random_weights(LINE, 0, dtype=int), "dtype must be one of"),
        (lambda: decompositions.random_weights(LINE, 0, integers=0), "integers must be"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
