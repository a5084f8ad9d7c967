"""States and their entanglement, against formulas written out and values worked by hand."""

from fractions import Fraction
from itertools import product
from math import inf, log, nan, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_book import famous_states
from convac_lib import states

MEASURES = [states.schmidt_number, states.entanglement_entropy, states.geometric_measure]


def all_partitions(n_sites):
    return ["A" + "".join(w) for w in product("AB", repeat=n_sites - 1) if "B" in w]


@st.composite
def tensors_with_partitions(draw):
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=5)))
    word = draw(st.sampled_from(all_partitions(len(shape))))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    tensor = rng.standard_normal(shape) + 1j * draw(st.booleans()) * rng.standard_normal(shape)
    return tensor, word


# --- the states -----------------------------------------------------------------------


@pytest.mark.parametrize("normalize", [True, False])
def test_product_state_is_eq_7(normalize):
    vectors = [np.array([1.0, 2.0]), np.array([1j, 0.0, -1.0]), np.array([3.0])]
    state = states.product_state(vectors, normalize=normalize)
    norm = prod(np.linalg.norm(v) for v in vectors) if normalize else 1
    assert state.shape == (2, 3, 1)
    for d in np.ndindex(state.shape):
        entry = prod(vector[i] for vector, i in zip(vectors, d, strict=True))
        assert np.isclose(state[d], entry / norm)


def test_product_state_of_integers_stays_exact_beyond_64_bits():
    state = states.product_state([[10**9, 1]] * 4, normalize=False)
    assert state[0, 0, 0, 0] == 10**36
    assert states.product_state([[2, 1]] * 4, normalize=False).dtype == np.int64


def test_small_integers_do_not_overflow_in_their_own_dtype():
    bytes_ = np.array([100, 100], dtype=np.int8)
    assert states.product_state([bytes_, bytes_], normalize=False)[0, 0] == 10_000
    assert states.inner_product(bytes_, bytes_) == 20_000


def test_normalized_survives_extreme_magnitudes():
    for scale in (1e-200, 1.0, 1e200):
        assert np.allclose(states.normalized(np.array([3.0, 4.0]) * scale), [0.6, 0.8])


def test_inner_product_conjugates_the_first_state():
    assert states.inner_product([1j, 2], [1, 1]) == 2 - 1j
    assert states.inner_product([10**18, 1], [10**18, 1]) == 10**36 + 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 3))
def test_inner_product_of_product_states_is_the_product(seed, n_sites, local_dim):
    rng = np.random.default_rng(seed)
    phi, psi = rng.standard_normal((2, n_sites, local_dim, 2)) @ [1, 1j]
    whole = states.inner_product(
        states.product_state(phi, normalize=False), states.product_state(psi, normalize=False)
    )
    assert np.isclose(whole, prod(np.vdot(a, b) for a, b in zip(phi, psi, strict=True)))


# --- matricization --------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(tensors_with_partitions())
def test_matricization_is_the_papers_formula(case):
    """Section 2.1, with its indices from 1: row 1 + Σ_t (d_{i_t} − 1) ∏_{t' > t} M_{i_t'}."""
    tensor, word = case
    matrix = states.matricization(tensor, word)
    side = {letter: [i for i, c in enumerate(word) if c == letter] for letter in "AB"}
    assert matrix.shape == tuple(prod(tensor.shape[i] for i in side[c]) for c in "AB")
    for index in np.ndindex(tensor.shape):
        row, column = (
            1
            + sum(
                (index[i] + 1 - 1) * prod(tensor.shape[later] for later in sites[t + 1 :])
                for t, i in enumerate(sites)
            )
            for sites in (side["A"], side["B"])
        )
        assert matrix[row - 1, column - 1] == tensor[index]


def test_matricization_by_hand():
    tensor = np.arange(12).reshape(2, 3, 2)  # entry 6a + 2b + c
    assert states.matricization(tensor, "BAB").tolist() == [
        [0, 1, 6, 7],
        [2, 3, 8, 9],
        [4, 5, 10, 11],
    ]


# --- the measures ---------------------------------------------------------------------


@pytest.mark.parametrize("word", all_partitions(4))
def test_product_states_are_unentangled_under_every_partition(word):
    vectors = [[1, 2], [1, -1, 3], [5], [2, 7]]
    exact = states.product_state(vectors, normalize=False)
    assert states.schmidt_number(exact, word) == 1
    assert len(states.schmidt_values(exact, word)) == min(states.matricization(exact, word).shape)
    for state in (exact, states.product_state(vectors)):
        assert states.entanglement_entropy(state, word) == pytest.approx(0, abs=1e-12)
        assert states.geometric_measure(state, word) == pytest.approx(0, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(tensors_with_partitions())
def test_measures_agree_with_the_reduced_density_matrix(case):
    tensor, word = case
    matrix = states.matricization(tensor, word)
    density = matrix @ matrix.conj().T / np.vdot(tensor, tensor).real
    p = np.linalg.eigvalsh(density)
    p = p[p > 1e-15]
    entropy = states.entanglement_entropy(tensor, word)
    assert entropy == pytest.approx(-sum(p * np.log(p)), abs=1e-9)
    assert states.entanglement_entropy(tensor, word, base=2) == pytest.approx(entropy / log(2))
    assert states.geometric_measure(tensor, word) ** 2 == pytest.approx(1 - p.max(), abs=1e-9)
    assert entropy <= log(states.schmidt_number(tensor, word)) + 1e-12


def test_geometric_measure_is_the_distance_to_the_nearest_separable_state():
    """Search for the nearest state u ⊗ v by improving u and v in turn, with no SVD."""
    state = famous_states.random_state(4, 2, seed=3)
    matrix = states.matricization(state, "ABBA")
    distances = []
    for start in range(5):
        v = np.random.default_rng(start).standard_normal(4)
        for _ in range(300):
            u = matrix @ v / (v @ v)
            v = u @ matrix / (u @ u)
        distances.append(np.linalg.norm(matrix - np.outer(u, v)))
    assert states.geometric_measure(state, "ABBA") == pytest.approx(min(distances), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    tensors_with_partitions(),
    st.sampled_from([1e-170, 1e-3, 7.0, 1e170]),
    st.sampled_from([1, -1, 1j]),
)
def test_measures_ignore_norm_and_phase_and_the_names_of_the_sides(case, scale, phase):
    tensor, word = case
    exchanged = word.translate(str.maketrans("AB", "BA"))
    for measure in MEASURES:
        expected = pytest.approx(measure(tensor, word), abs=1e-7)
        assert measure(scale * phase * tensor, word) == expected
        assert measure(tensor, exchanged) == expected


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(all_partitions(4)))
def test_a_unitary_on_one_site_changes_no_schmidt_value(seed, word):
    state = famous_states.random_state(4, 3, seed=seed, dtype=complex)
    site = seed % 4
    unitary, _ = np.linalg.qr(famous_states.random_state(2, 3, seed=seed + 1, dtype=complex))
    rotated = np.moveaxis(np.tensordot(unitary, state, axes=(1, site)), 0, site)
    assert np.allclose(states.schmidt_values(rotated, word), states.schmidt_values(state, word))


def test_measures_of_a_spectrum_alone():
    assert states.entropy_of_schmidt_values([3, 3, 3, 0]) == pytest.approx(log(3))
    assert states.entropy_of_schmidt_values([1e-200, 1e-200], base=2) == pytest.approx(1)
    assert states.geometric_measure_of_schmidt_values([3, 4]) == pytest.approx(0.6)  # any order
    assert str(states.entropy_of_schmidt_values([5])) == "0.0"  # and not -0.0
    assert states.geometric_measure_of_schmidt_values([1, 1e-12]) == pytest.approx(1e-12)


def test_single_precision_stays_single():
    state = famous_states.random_state(4, seed=1).astype(np.float32)
    assert states.schmidt_values(state, "AABB").dtype == np.float32
    assert states.schmidt_number(state, "AABB") == 4
    assert states.schmidt_number(famous_states.ghz(4).astype(np.float32), "AABB") == 2


# --- exact rank against numerical rank ------------------------------------------------


def test_schmidt_number_of_integers_is_exact_where_floats_fail():
    big = 10**17
    tensor = np.array([[big + 1, big], [big, big - 1]])  # determinant −1
    assert states.schmidt_number(tensor, "AB") == 2
    assert states.schmidt_number(tensor.astype(float), "AB") == 1
    beyond_64_bits = np.array([[10**30 + 1, 10**30], [10**30, 10**30 - 1]], dtype=object)
    assert states.schmidt_number(beyond_64_bits, "AB") == 2


def test_schmidt_number_of_fractions_is_exact():
    third, seventh = Fraction(1, 3), Fraction(1, 7)
    proportional = np.array([[third, seventh], [7 * third, 7 * seventh]])
    assert states.schmidt_number(proportional, "AB") == 1
    proportional[1, 1] += Fraction(1, 10**40)
    assert states.schmidt_number(proportional, "AB") == 2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_schmidt_number_of_a_sum_of_products_with_a_known_rank(rank, seed):
    """Unit triangular times diag(1 ... 1 0 ... 0) times unit triangular keeps the rank."""
    rng = np.random.default_rng(seed)
    lower = np.tril(rng.integers(-5, 6, (8, 8)), -1) + np.eye(8, dtype=int)
    upper = np.triu(rng.integers(-5, 6, (8, 8)), 1) + np.eye(8, dtype=int)
    matrix = lower @ np.diag([1] * rank + [0] * (8 - rank)) @ upper
    assert states.schmidt_number(matrix.reshape((2,) * 6), "AAABBB") == rank


def test_numerical_tolerance_is_relative_and_only_for_floats():
    state = np.diag([1.0, 1e-3, 1e-6])
    counts = [states.schmidt_number(state, "AB", tolerance=t) for t in (0, 1e-4, 0.5)]
    assert counts == [3, 2, 1]
    assert states.schmidt_number(np.zeros((2, 2)), "AB") == 0
    with pytest.raises(ValueError, match="tolerance must be left out for an exact tensor"):
        states.schmidt_number(np.eye(2, dtype=int), "AB", tolerance=1e-9)
    with pytest.raises(ValueError, match=r"tolerance must be .* and below 1, got 1"):
        states.schmidt_number(state, "AB", tolerance=1)


# --- refusals -------------------------------------------------------------------------


def test_a_product_state_beyond_memory_names_the_way_without_it():
    with pytest.raises(ValueError, match=r"n_sites=61 .* 16.0 EiB.*decompositions.scores"):
        states.product_state([[1.0, 0.0]] * 61)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: states.product_state([]), "vectors must have one vector"),
        (lambda: states.product_state([[1, 0], [0, 0]]), r"vectors\[1\] must not be zero"),
        (lambda: states.product_state([[1, 0], [[1]]]), r"vectors\[1\] must be one vector"),
        (lambda: states.product_state([[1, nan]]), r"vectors\[0\] must be finite"),
        (lambda: states.product_state([["a"]]), r"vectors\[0\] must hold numbers"),
        (lambda: states.normalized(np.zeros((2, 2))), "state must not be zero"),
        (lambda: states.inner_product([1, 2], [1, 2, 3]), "phi and psi must have one shape"),
        (lambda: states.matricization(1.0, "AB"), "tensor must have one axis for each site"),
        (lambda: states.matricization(np.ones((0, 2)), "AB"), "tensor must have one axis"),
        (lambda: states.matricization(np.eye(2), "AAB"), "partition must have one entry"),
        (
            lambda: states.matricization(np.ones((1, 2, 2)), "AB"),
            r"take one class, tensor\[y\]",
        ),
        (lambda: states.matricization(np.eye(2), "AA"), "B is empty"),
        (lambda: states.schmidt_values([[inf, 0], [0, 1]], "AB"), "tensor must be finite"),
        (lambda: states.schmidt_values([[10**400, 0], [0, 1]], "AB"), "range of a float"),
        (lambda: states.entanglement_entropy(np.zeros((2, 2)), "AB"), "a zero state has no"),
        (lambda: states.geometric_measure(np.zeros((2, 2)), "AB"), "a zero state has no"),
        (
            lambda: states.entanglement_entropy(famous_states.bell(), "AB", base=1),
            "base must be above 1",
        ),
        (lambda: states.entropy_of_schmidt_values([1, -1]), "none negative"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- far from the middle of the range -------------------------------------------------


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300, 1e308])
def test_a_multiple_of_a_state_is_as_entangled_whatever_its_size(size):
    state = np.array([[1.0, 0.5], [0.25, 1.0]])
    assert states.schmidt_number(size * state, "AB") == 2
    assert states.schmidt_number(np.full((2, 2), size), "AB") == 1
    for measure in (states.entanglement_entropy, states.geometric_measure):
        assert measure(size * state, "AB") == pytest.approx(measure(state, "AB"), rel=1e-12)
    if size < 1e308:
        values = states.schmidt_values(size * state, "AB")
        np.testing.assert_allclose(values / size, states.schmidt_values(state, "AB"), rtol=1e-12)


@pytest.mark.parametrize(
    "what, named",
    [
        (lambda: states.schmidt_values(np.full((9, 9), 1e308), "AB"), "tensor"),
        (lambda: states.schmidt_values(np.full((2, 2), 1.7e308 * (1 + 1j)), "AB"), "tensor"),
        (lambda: states.inner_product([1e200, 1], [1e200, 1]), "phi and psi"),
        (lambda: states.inner_product([1e200, 1e200], [1e200, -1e200]), "phi and psi"),
        (lambda: states.product_state([[1e200], [1e200]], normalize=False), "vectors"),
    ],
)
def test_what_a_float_cannot_hold_is_an_error_that_says_how_to_scale(what, named):
    with pytest.raises(ValueError, match=f"{named}.* in the range of a float, .* divide by the"):
        what()
