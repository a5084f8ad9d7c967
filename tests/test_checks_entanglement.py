"""The checks of the chapter on entanglement, and what its prose states without a cell."""

from itertools import combinations, product

import numpy as np
import pytest
from sklearn.datasets import load_digits

from convac_book import famous_states
from convac_book.checks import entanglement as check
from convac_lib import states
from convac_lib.partitions import as_partition, halves, to_sites


@pytest.mark.parametrize("word", ["BAAB", "ABBA", "ABAB", "BBAA", "AABA"])
def test_matricize_by_hand_agrees_with_the_library(word):
    table = states.matricization(np.arange(16).reshape(2, 2, 2, 2), word)
    for number in range(16):
        accepted = [
            place
            for place in product(range(-1, 9), repeat=2)
            if check.matricize_by_hand(place, word, number)
        ]
        assert accepted == [tuple(np.argwhere(table == number)[0])]


@pytest.mark.parametrize("wrong", [None, 3, (1,), (1, 3, 0), (1.5, 3.0), "13", (3, 1), (1, 2)])
def test_matricize_by_hand_refuses_the_rest(wrong):
    assert not check.matricize_by_hand(wrong)


def test_matricize_by_hand_tells_row_from_column():
    assert "row" in check.matricize_by_hand((0, 3)).sentence
    assert "column" in check.matricize_by_hand((1, 0)).sentence
    assert "4 rows and 4 columns" in check.matricize_by_hand((4, 0)).sentence


@pytest.mark.parametrize("n_sites, in_a", [(6, 2), (5, 4), (8, 4), (10, 3)])
def test_w_state_entropy_agrees_with_the_state(n_sites, in_a):
    word = "A" * in_a + "B" * (n_sites - in_a)
    entropy = states.entanglement_entropy(famous_states.w_state(n_sites), word)
    for times in (1, 10):
        assert check.w_state_entropy(entropy, times * n_sites, times * in_a)
        assert not check.w_state_entropy(entropy + 0.01, times * n_sites, times * in_a)
        assert not check.w_state_entropy(entropy - 0.01, times * n_sites, times * in_a)


def test_w_state_entropy_knows_the_common_slips():
    assert "bits" in check.w_state_entropy(0.6109 / np.log(2)).sentence
    assert "at most ln 2" in check.w_state_entropy(1.2).sentence
    assert "not negative" in check.w_state_entropy(-0.6109).sentence
    assert not check.w_state_entropy(None)
    assert not check.w_state_entropy(float("nan"))


def partners_by_entropy(seed):
    state = check.paired_state(seed)
    partners = [None] * 8
    for i, j in combinations(range(8), 2):
        if states.entanglement_entropy(state, np.isin(np.arange(8), (i, j))) < 1e-6:
            partners[i], partners[j] = j, i
    return partners


@pytest.mark.parametrize("seed", range(1, 8))
def test_hidden_pairs_are_those_of_the_state(seed):
    right = partners_by_entropy(seed)
    assert check.hidden_pairs(right, seed)
    swapped = list(right)
    a, b = 0, next(s for s in range(8) if s not in (0, right[0]))
    c, d = right[a], right[b]
    swapped[a], swapped[b], swapped[c], swapped[d] = b, a, d, c
    assert check.hidden_pairs(swapped, seed).sentence == "2 of your 4 pairs are pairs"


def test_the_pairs_of_different_seeds_differ():
    found = [tuple(partners_by_entropy(seed)) for seed in (1, 2, 3, 4, 5, 6, 7)]
    assert len(set(found)) == len(found)


def test_the_paired_state_hides_its_pairs():
    state = check.paired_state(3)
    assert np.isclose(np.linalg.norm(state), 1)
    for site in range(8):  # every single site looks the same
        values = states.schmidt_values(state, np.arange(8) == site)
        assert np.allclose(values, np.sqrt(0.5))
    assert np.count_nonzero(abs(state) > 1e-9) > 100


@pytest.mark.parametrize(
    "wrong",
    [None, 5, [], [0] * 8, list(range(8)), [1, 2, 3, 4, 5, 6, 7, 0], [1, 0, 3, 2, 5, 4, 7, 8],
     [1, 0, 3, 2, 5, 4, 7, None]],
)  # fmt: skip
def test_hidden_pairs_refuses_what_is_no_pairing(wrong):
    assert not check.hidden_pairs(wrong)


# --- the prose ------------------------------------------------------------------------


def left_right_entropy(images, theta=np.pi / 4):
    """The entropy of the data tensor by a thin SVD of the roots of the Gram matrices."""
    factors = []
    for side in (halves(8), ~halves(8)):
        gram = np.prod([np.cos(theta * np.subtract.outer(x, x)) for x in images[:, side].T], 0)
        weight, vector = np.linalg.eigh(gram)
        keep = weight > 1e-14 * weight[-1]
        factors.append((vector[:, keep] * np.sqrt(weight[keep])).T)
    return states.entropy_of_schmidt_values(
        np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False)
    )


def paired_anew(images, order):
    """Every left half with the right half of another image."""
    mixed = images.copy()
    mixed[:, ~halves(8)] = images[order][:, ~halves(8)]
    return mixed


def test_zeros_are_the_least_entangled_digit_and_ones_the_most():
    digits = load_digits()
    assert min(np.bincount(digits.target)) >= 170
    sites = to_sites(digits.images / 16)
    images = [sites[digits.target == digit][:170] for digit in range(10)]
    found = np.array([left_right_entropy(some) for some in images])
    order = np.random.default_rng(0).permutation(170)
    control = np.array([left_right_entropy(paired_anew(some, order)) for some in images])
    assert np.argmin(found) == np.argmin(found - control) == 0
    assert np.argmax(found) == np.argmax(found - control) == 1
    assert found[:2].round(2).tolist() == [0.05, 0.50]
    assert (found - control)[:2].round(2).tolist() == [0.04, 0.42]
    assert [control.min().round(2), control.max().round(2)] == [0.02, 0.09]
    neighbours = paired_anew(images[1], np.roll(np.arange(170), 1))
    assert round(left_right_entropy(neighbours), 2) == 0.34


def test_the_exercise_s_numbers_of_sites_reduce_to_states_that_can_be_built():
    for n_sites, in_a in product([60, 120, 240], [20, 30, 40]):
        assert n_sites // np.gcd(n_sites, in_a) <= 12


def test_the_matrix_on_the_page_is_the_one_by_hand():
    by_hand = [[0b000, 0b010], [0b001, 0b011], [0b100, 0b110], [0b101, 0b111]]
    numbers = np.arange(8).reshape(2, 2, 2)
    assert states.matricization(numbers, as_partition("ABA")).tolist() == by_hand
