"""Part 6, Overlaps and recurrence: what the prose says beside its boxes.

Every network goes image by image (`beyond_nets`), modulo a prime.
"""

from math import comb

import numpy as np
import pytest
from beyond_nets import (
    PRIME,
    overlap_values,
    overlap_weights,
    rank,
    recurrent_values,
    residues,
    sides,
    table,
    tree_values,
)
from statements.part6_overlaps import bound_of_two, depth_bound

from convac_lib import Architecture
from convac_lib.decompositions import random_weights


def overlap_rank(n_sites, split, reach, widths, seed=0, n_templates=None, features=None, **how):
    """Return the rank, first `split` sites against the rest, of a random overlapping network."""
    rng = np.random.default_rng(seed)
    layers, v, u = overlap_weights(rng, n_sites, reach, widths, **how)
    n_templates = n_templates or widths[0]
    features = np.eye(n_templates, dtype=int) if features is None else features
    values = overlap_values(n_sites, layers, v, u, features)
    return rank(table(values, sides(n_sites, range(split)), n_templates))


def law(n_sites, split, reach, depth, n_templates, last):
    """Return the law of the overlaps' theorem."""
    reached = depth * (reach - 1)
    return min(n_templates**split, n_templates ** (n_sites - split), last * n_templates**reached)


# --- overlaps -----------------------------------------------------------------------------


@pytest.mark.parametrize("depth, r", [(0, 2), (1, 2), (2, 2), (1, 3), (2, 3)])
def test_a_block_inside_has_two_boundaries(depth, r):
    layers, v, u = overlap_weights(np.random.default_rng(0), 12, 2, (2,) + (r,) * (depth + 1))
    values = overlap_values(12, layers, v, u, np.eye(2, dtype=int))
    assert rank(table(values, sides(12, range(3, 9)), 2)) == min(2**6, r * 2 ** (2 * depth))


def test_interleaved_is_not_full_with_widths_below_m():
    values = overlap_values(8, *overlap_weights(np.random.default_rng(0), 8, 2, (3, 2, 2)),
                            np.eye(3, dtype=int))  # fmt: skip
    assert rank(table(values, sides(8, range(0, 8, 2)), 3)) == 54 < 81


# --- the rank depends on the templates ----------------------------------------------------


def test_the_rank_grows_with_the_templates():
    features = np.random.default_rng(1).integers(-99, 100, (6, 2))
    found = [overlap_rank(8, 4, 2, (2, 2, 2, 2, 2), n_templates=q, features=features[:q])
             for q in range(2, 6)]  # fmt: skip
    assert found == [16, 24, 32, 32]
    for depth in (1, 2):
        few = [overlap_rank(8, 4, 2, (2,) * (depth + 2), n_templates=q, features=features[:q])
               for q in (2, 3, 4)]  # fmt: skip
        assert few == [2 ** (depth + 1)] * 3


def test_in_a_tree_it_never_does():
    features = np.random.default_rng(1).integers(-99, 100, (5, 2))
    weights = random_weights(Architecture.line(2, (4, 4, 4)), 0, integers=999)
    weights = [w.astype(object) for w in weights]
    for q in (2, 3, 4):
        found = tree_values(weights, features[:q].astype(object), pooling="product")
        assert rank(table(found, sides(8, range(4)), q)) == 4


@pytest.mark.parametrize("m, copies", [(2, 2), (2, 3), (3, 2)])
def test_copies_of_an_input_act_as_a_symmetric_power(m, copies):
    vectors = np.random.default_rng(0).integers(-99, 100, (60, m))
    powers = np.ones((60, 1), dtype=int)
    for _ in range(copies):
        powers = (powers[:, :, None] * vectors[:, None]).reshape(60, -1)
    assert rank(powers) == comb(m + copies - 1, copies) < m**copies


def test_a_linear_map_cannot_copy():
    # v -> v (x) v agrees with the copy tensor on basis vectors and not on their sum.
    copy = np.zeros((2, 2, 2), dtype=int)
    copy[0, 0, 0] = copy[1, 1, 1] = 1
    for v in np.eye(2, dtype=int):
        assert (np.tensordot(copy, v, 1) == np.outer(v, v)).all()
    both = np.array([1, 1])
    assert not (np.tensordot(copy, both, 1) == np.outer(both, both)).all()


# --- recurrence ---------------------------------------------------------------------------


def recurrent_rank(n_steps, split, m, width, depth, seed=0, features=None, start=None):
    features = np.eye(m, dtype=int) if features is None else features
    rng = np.random.default_rng(seed)
    values = recurrent_values(n_steps, depth, width, features, rng, start)
    return rank(table(values, sides(n_steps, range(split)), len(features)))


@pytest.mark.parametrize("m, width, longest", [(2, 2, 14), (2, 3, 14), (2, 4, 12), (3, 2, 8),
                                               (3, 3, 8), (3, 4, 8)])  # fmt: skip
def test_recurrent_ranks_between_the_halves(m, width, longest):
    for n_steps in range(2, longest + 1, 2):
        n = n_steps // 2
        assert recurrent_rank(n_steps, n, m, width, 1) == min(width, m**n)
        bound = min(m**n, min(m, width) * m ** (n - 1), bound_of_two(m, width, n))
        assert recurrent_rank(n_steps, n, m, width, 2) == bound


def test_recurrent_second_bound_is_below_the_first_where_the_width_exceeds_m():
    assert recurrent_rank(14, 7, 2, 3, 2) == 105 == bound_of_two(2, 3, 7) < depth_bound(3, 2, 7)
    assert depth_bound(3, 2, 7) == 108


def test_depth_three_is_full_for_longer():
    assert [recurrent_rank(n, n // 2, 2, 2, 3) for n in (8, 10, 12)] == [16, 32, 64]
    assert [recurrent_rank(n, n // 2, 2, 2, 2) for n in (8, 10, 12)] == [10, 12, 14]


def test_recurrence_needs_initial_states_that_are_not_zero_to_be_anything():
    assert recurrent_rank(6, 3, 2, 3, 2, start=0) == 0


# --- chains, trees, MERA ------------------------------------------------------------------


def bare_tree(n_sites, bond, rng):
    """Return the state of a tree of general three-legged tensors, and its number of weights."""
    count, parts = 0, [np.eye(2, dtype=np.int64)] * n_sites  # (bond below, states)
    while len(parts) > 1:
        up = 1 if len(parts) == 2 else bond
        joined = []
        for left, right in zip(parts[::2], parts[1::2], strict=True):
            joint = residues(rng, up, len(left), len(right))
            count += joint.size
            joined.append(contract(joint, left, right))
        parts = joined
    return parts[0][0], count


def contract(joint, left, right):
    up = []
    for matrix in joint:
        half = sum(matrix[:, k, None] * right[k] % PRIME for k in range(len(right))) % PRIME
        both = sum(left[k][:, None] * half[k] % PRIME for k in range(len(left))) % PRIME
        up.append(both.ravel())
    return np.array(up)


def test_a_tree_holds_its_bond_between_the_halves():
    for n_sites, bond, weights in [(8, 2, 52), (16, 2, 116), (16, 4, 528)]:
        state, count = bare_tree(n_sites, bond, np.random.default_rng(0))
        assert count == weights
        assert rank(state.reshape(2 ** (n_sites // 2), -1)) == bond


def mera(n_sites, rng):
    """Return the state of an open MERA of bond 2, built by applying matrices, and its weights."""
    state, count = residues(rng, 4), 4
    n = 2
    while n < n_sites:
        for site in range(n):
            joint = residues(rng, 4, 2)
            count += 8
            state = apply(joint, state, 4**site, 2)
        n *= 2
        for site in range(1, n - 1, 2):
            mixer = residues(rng, 4, 4)
            count += 16
            state = apply(mixer, state, 2**site, 4)
    return state, count


def apply(matrix, state, before, size):
    """Return the state with `matrix` on the index of `size` behind `before` states."""
    parts = state.reshape(before, size, -1)
    out = sum(matrix[None, :, k, None] * parts[:, None, k] % PRIME for k in range(size)) % PRIME
    return out.ravel()


@pytest.mark.parametrize("n_sites, weights, halves", [(8, 116, 8), (16, 292, 16)])
def test_mera_has_one_disentangler_a_level_across_the_middle(n_sites, weights, halves):
    state, count = mera(n_sites, np.random.default_rng(0))
    assert count == weights
    assert rank(state.reshape(2 ** (n_sites // 2), -1)) == halves == n_sites


def test_a_short_side_is_full_all_the_same():
    # The self-check question: L = 4 is longer than a side of two sites.
    assert overlap_rank(12, 2, 2, (2,) * 6) == 4


@pytest.mark.parametrize("depth, width", [(1, 2), (1, 3)])
def test_one_narrow_layer_has_the_easy_bound(depth, width):
    found = overlap_rank(8, 4, 2, (4, width, width))
    assert found == width * width < law(8, 4, 2, depth, 4, width)


def test_the_open_question_s_ranks():
    assert [overlap_rank(8, 4, 2, (4,) + (3,) * depth + (3,)) for depth in range(4)] == [
        3, 9, 27, 108,
    ]  # fmt: skip
