"""The states with names, by hand and by their measures."""

from fractions import Fraction
from itertools import product
from math import log, sqrt

import numpy as np
import pytest

from convac_book import famous_states
from convac_lib import states


def all_partitions(n_sites):
    return ["A" + "".join(w) for w in product("AB", repeat=n_sites - 1) if "B" in w]


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: famous_states.random_state(0), "n_sites must be an integer of at least 1, got 0"),
        (lambda: famous_states.random_state(2, 0), "local_dim must be an integer of at least 1"),
        (lambda: famous_states.random_state(2, dtype=int), "dtype must be one of"),
        (lambda: famous_states.ghz(2.0), "n_sites must be an integer"),
        (lambda: famous_states.page_entropy(0, 2), "dim_a must be an integer of at least 1"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
