"""States and their entanglement, against formulas written out and values worked by hand."""

from fractions import Fraction
from itertools import product
from math import comb, inf, log, nan, prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_book import famous_states
from convac_lib import _arrays, states
from convac_lib.partitions import as_word

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


@pytest.mark.parametrize("dtype", [float, complex])
def test_random_state_is_normalised_and_repeatable(dtype):
    state = famous_states.random_state(4, 3, seed=5, dtype=dtype)
    assert state.shape == (3,) * 4 and state.dtype == dtype
    assert np.isclose(np.linalg.norm(state), 1)
    assert np.array_equal(state, famous_states.random_state(4, 3, seed=5, dtype=dtype))
    assert not np.array_equal(state, famous_states.random_state(4, 3, seed=6, dtype=dtype))


def test_named_states_by_hand():
    assert np.allclose(famous_states.bell(), np.eye(2) / sqrt(2))
    expected = np.zeros((3, 3, 3))
    expected[0, 0, 0] = expected[1, 1, 1] = expected[2, 2, 2] = 1 / sqrt(3)
    assert np.allclose(famous_states.ghz(3, local_dim=3), expected)
    expected = np.zeros((2, 2, 2))
    expected[1, 0, 0] = expected[0, 1, 0] = expected[0, 0, 1] = 1 / sqrt(3)
    assert np.allclose(famous_states.w_state(3), expected)


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


@pytest.mark.parametrize("n_sites", [2, 3, 5])
@pytest.mark.parametrize("local_dim", [2, 3])
def test_ghz_is_maximally_entangled_in_its_span(n_sites, local_dim):
    for word in all_partitions(n_sites):
        state = famous_states.ghz(n_sites, local_dim)
        exact = famous_states.ghz(n_sites, local_dim, normalize=False)
        assert states.schmidt_number(exact, word) == local_dim
        assert states.schmidt_number(state, word) == local_dim
        assert states.entanglement_entropy(state, word) == pytest.approx(log(local_dim))
        assert states.geometric_measure(state, word) == pytest.approx(sqrt(1 - 1 / local_dim))


@pytest.mark.parametrize("n_sites", [2, 3, 6])
def test_w_state_splits_its_one_excitation(n_sites):
    """W over k | n−k sites is √(k/n)|W_k 0⟩ + √((n−k)/n)|0 W_{n−k}⟩: two Schmidt values."""
    for word in all_partitions(n_sites):
        p = sorted((word.count("A") / n_sites, word.count("B") / n_sites))
        state = famous_states.w_state(n_sites)
        values = states.schmidt_values(state, word)
        assert values[:2] ** 2 == pytest.approx(p[::-1])
        assert values[2:] == pytest.approx(0, abs=1e-12)
        assert states.schmidt_number(famous_states.w_state(n_sites, normalize=False), word) == 2
        entropy = -sum(x * log(x) for x in p)
        assert states.entanglement_entropy(state, word) == pytest.approx(entropy)
        assert states.geometric_measure(state, word) == pytest.approx(sqrt(p[0]))


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
    with pytest.raises(ValueError, match="tolerance must be from 0 up to 1, got 1"):
        states.schmidt_number(state, "AB", tolerance=1)


# --- Page's formula -------------------------------------------------------------------


def test_page_entropy_by_hand_and_by_exact_fractions():
    assert famous_states.page_entropy(2, 2) == pytest.approx(1 / 3)
    assert famous_states.page_entropy(1, 7) == 0
    for m, n in product(range(1, 9), repeat=2):
        small, large = sorted((m, n))
        exact = sum(Fraction(1, k) for k in range(large + 1, m * n + 1))
        exact -= Fraction(small - 1, 2 * large)
        assert famous_states.page_entropy(m, n) == pytest.approx(float(exact), abs=1e-12)


def test_page_entropy_is_the_average_over_random_complex_states():
    entropies = [
        states.entanglement_entropy(famous_states.random_state(3, 2, seed, dtype=complex), "ABB")
        for seed in range(2000)
    ]
    error = np.std(entropies) / sqrt(len(entropies))
    assert abs(np.mean(entropies) - famous_states.page_entropy(2, 4)) < 4 * error
    assert error < 0.005  # so that a wrong formula would be seen


def test_page_entropy_of_huge_sides_joins_on_smoothly():
    just_below, just_above = (famous_states.page_entropy(2**20, 10**8 + k) for k in (0, 1))
    assert just_above == pytest.approx(just_below, abs=1e-10)
    assert famous_states.page_entropy(2**500, 2**600) == pytest.approx(500 * log(2))
    assert famous_states.page_entropy(2**2000, 2**2000) == pytest.approx(2000 * log(2) - 0.5)


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "size"),
    [
        (lambda: famous_states.random_state(61), "16.0 EiB"),
        (lambda: famous_states.random_state(30, 4, dtype=complex), "16.0 EiB"),
        (lambda: famous_states.ghz(81), "16.0 YiB"),
        (lambda: famous_states.w_state(1000), r"10\^302 bytes"),
    ],
)
def test_a_state_beyond_memory_is_refused_with_its_size(form, size):
    with pytest.raises(ValueError, match=f"n_sites=.* tensor of {size}.*spectra.schmidt_spectrum"):
        form()


def test_a_product_state_beyond_memory_names_the_way_without_it():
    with pytest.raises(ValueError, match=r"n_sites=61 .* 16.0 EiB.*decompositions.scores"):
        states.product_state([[1.0, 0.0]] * 61)


def test_the_limit_is_a_quarter_of_the_memory(monkeypatch):
    monkeypatch.setattr(_arrays, "machine_memory", lambda: 4096)
    assert famous_states.random_state(7).nbytes == 1024
    with pytest.raises(ValueError, match=r"tensor of 2.0 KiB, and at most 1.0 KiB"):
        famous_states.random_state(8)
    with pytest.raises(ValueError, match="65 axes"):
        famous_states.random_state(65, local_dim=1)


def test_sizes_in_human_units():
    sizes = [0, 1023, 1024, 1536, 1024**2 - 1, 2**20, 5 * 2**40, 2**89, 2**90, 10**100]
    assert [_arrays.human_size(size) for size in sizes] == [
        "0 bytes",
        "1023 bytes",
        "1.0 KiB",
        "1.5 KiB",
        "1024.0 KiB",
        "1.0 MiB",
        "5.0 TiB",
        "512.0 YiB",
        "10^27 bytes",
        "10^100 bytes",
    ]


def test_memory_of_the_machine_is_plausible():
    assert 2**27 < _arrays.machine_memory() < 2**50


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: states.product_state([]), "vectors must have one vector"),
        (lambda: states.product_state([[1, 0], [0, 0]]), r"vectors\[1\] must not be zero"),
        (lambda: states.product_state([[1, 0], [[1]]]), r"vectors\[1\] must be one vector"),
        (lambda: states.product_state([[1, nan]]), r"vectors\[0\] must be finite"),
        (lambda: states.product_state([["a"]]), r"vectors\[0\] must hold numbers"),
        (lambda: famous_states.random_state(0), "n_sites must be an integer of at least 1, got 0"),
        (lambda: famous_states.random_state(2, 0), "local_dim must be an integer of at least 1"),
        (lambda: famous_states.random_state(2, dtype=int), "dtype must be one of"),
        (lambda: famous_states.ghz(2.0), "n_sites must be an integer"),
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
        (lambda: famous_states.page_entropy(0, 2), "dim_a must be an integer of at least 1"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_all_partitions_of_this_file():
    assert len(all_partitions(4)) == sum(comb(4, k) for k in (1, 2, 3)) // 2
    assert as_word(all_partitions(3)[0]) == "AAB"
