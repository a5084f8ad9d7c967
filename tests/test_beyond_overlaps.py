"""Part 6, Overlaps and recurrence: each boxed statement tried inside its hypotheses, and outside.

Every network goes image by image (`beyond_nets`), modulo a prime.
"""

from itertools import product
from math import comb, prod

import numpy as np
import pytest
from beyond_nets import (
    PRIME,
    images,
    overlap_values,
    overlap_weights,
    rank,
    recurrent_values,
    residues,
    sides,
    table,
    tree_values,
)

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
    """Return min(Q^a, Q^(N-a), R Q^S) with S = L(K - 1)."""
    reached = depth * (reach - 1)
    return min(n_templates**split, n_templates ** (n_sites - split), last * n_templates**reached)


# --- thm-overlap-bound --------------------------------------------------------------------


def local_values(rng, n_sites, n_templates, reached, last):
    """Return values of sum_c u_c prod_j g_cj(window of S + 1 sites), with any functions g."""
    x, places = images(n_sites, n_templates), n_sites - reached
    score = np.ones((len(x), last), dtype=np.int64)
    for j in range(places):
        number = 0
        for site in range(j, j + reached + 1):
            number = number * n_templates + x[:, site]
        functions = residues(rng, n_templates ** (reached + 1), last)
        score = score * functions[number] % PRIME
    return score.sum(1) % PRIME


def test_overlap_bound_holds_for_any_local_functions_and_is_met():
    rng, met = np.random.default_rng(0), 0
    cases = [(n, q, s, r) for n, q, s, r in product((4, 6, 7), (2, 3), (0, 1, 2, 3), (1, 2, 5))
             if q**n < 3000 and s < n]  # fmt: skip
    for n_sites, q, reached, last in cases:
        values = local_values(rng, n_sites, q, reached, last)
        for split in range(1, n_sites):
            found = rank(table(values, sides(n_sites, range(split)), q))
            bound = min(q**split, q ** (n_sites - split), last * q**reached)
            assert found <= bound
            met += found == bound
    assert met > 100


def test_overlap_bound_for_random_networks_of_any_widths():
    rng = np.random.default_rng(1)
    for seed in range(150):
        m = int(rng.integers(2, 4))
        n_sites = int(rng.integers(3, 9 if m == 2 else 7))
        reach = int(rng.integers(2, 5))
        depth = int(rng.integers(0, (n_sites - 1) // (reach - 1) + 1))
        widths = (m, *map(int, rng.integers(1, 5, depth)), int(rng.integers(1, 6)))
        how = {"share": bool(rng.integers(2)), "shared_v": bool(rng.integers(2))}
        for split in range(1, n_sites):
            found = overlap_rank(n_sites, split, reach, widths, seed, **how)
            assert found <= law(n_sites, split, reach, depth, m, widths[-1])


def test_overlap_bound_needs_windows_that_are_local():
    # One position may see everything: then one channel has any rank.
    rng = np.random.default_rng(0)
    values = residues(rng, 2**6)
    assert rank(table(values, sides(6, range(3)), 2)) == 8 > law(6, 3, 2, 1, 2, 1)


def test_overlap_bound_needs_the_sites_of_a_to_be_consecutive():
    found = rank(table(
        overlap_values(8, *overlap_weights(np.random.default_rng(0), 8, 2, (2, 2, 2)),
                       np.eye(2, dtype=int)),
        sides(8, range(0, 8, 2)), 2))  # fmt: skip
    assert found == 16 > law(8, 4, 2, 1, 2, 2)


@pytest.mark.parametrize("depth, r", [(0, 2), (1, 2), (2, 2), (1, 3), (2, 3)])
def test_a_block_inside_has_two_boundaries(depth, r):
    layers, v, u = overlap_weights(np.random.default_rng(0), 12, 2, (2,) + (r,) * (depth + 1))
    values = overlap_values(12, layers, v, u, np.eye(2, dtype=int))
    assert rank(table(values, sides(12, range(3, 9)), 2)) == min(2**6, r * 2 ** (2 * depth))


# --- thm-overlap-equality -----------------------------------------------------------------


def test_overlap_equality_in_random_draws():
    rng = np.random.default_rng(2)
    for seed in range(200):
        m = int(rng.integers(2, 5))
        n_sites = int(rng.integers(3, {2: 11, 3: 8, 4: 7}[m]))
        reach, split = int(rng.integers(2, 5)), int(rng.integers(1, n_sites))
        depth = int(rng.integers(0, min(split, n_sites - split) // (reach - 1) + 1))
        widths = (m, *map(int, rng.integers(m, m + 3, depth)), int(rng.integers(1, 9)))
        found = overlap_rank(n_sites, split, reach, widths, seed, share=bool(seed % 2))
        assert found == law(n_sites, split, reach, depth, m, widths[-1])


def character_network(n_sites, reach, depth, m, last, split):
    """Return layers, v, u of the proof, modulo a prime with an m-th root of unity."""
    prime = next(q for q in range(2**20 // m * m + 1, 2**21, m) if is_prime(q))
    root = next(pow(a, (prime - 1) // m, prime) for a in range(2, 99)
                if len({pow(a, (prime - 1) // m * k, prime) for k in range(m)}) == m)  # fmt: skip
    characters = np.array([[pow(root, c * d, prime) for d in range(m)] for c in range(m)])
    layers, places = [], n_sites
    for number in range(depth):
        places -= reach - 1
        offsets = np.zeros((1, reach, m, m), dtype=np.int64)
        for offset in range(reach):
            ends = offset in (0, reach - 1)
            if number == 0:
                offsets[0, offset] = characters if ends else 1
            elif ends:
                offsets[0, offset] = np.eye(m)
            else:
                offsets[0, offset, :, 0] = 1
        layers.append(offsets)
    # A function phi of l in Z_m is v . characters with v = phi characters^-1.
    inverse = (
        pow(m, -1, prime)
        * np.array([[pow(root, -c * d % m, prime) for c in range(m)] for d in range(m)])
        % prime
    )
    reached, v = depth * (reach - 1), np.zeros((places, last, m), dtype=np.int64)
    one_hot = np.eye(m, dtype=np.int64)
    for j, c in product(range(places), range(last)):
        if split - reached <= j < split:
            phi = one_hot[0]
        elif j < split:
            phi = one_hot[c // m**j % m]
        else:
            phi = one_hot[c // m ** (j - split) % m]
        # Before the first layer the vectors are the one-hot features themselves.
        v[j, c] = phi @ inverse % prime if depth else phi
    return layers, v, np.ones(last, dtype=np.int64), prime


def is_prime(q):
    return all(q % d for d in range(2, int(q**0.5) + 1))


@pytest.mark.parametrize("m, n_sites, reach", [
    (2, 6, 2), (2, 8, 2), (2, 8, 3), (2, 9, 4), (3, 6, 2), (3, 6, 3), (4, 6, 2),
])  # fmt: skip
def test_overlap_equality_by_characters(monkeypatch, m, n_sites, reach):
    built = 0
    for split in range(1, n_sites):
        for depth in range(min(split, n_sites - split) // (reach - 1) + 1):
            for last in (1, 2, 3, m, m**2 + 1):
                *net, prime = character_network(n_sites, reach, depth, m, last, split)
                monkeypatch.setattr("beyond_nets.PRIME", prime)
                values = overlap_values(n_sites, *net, np.eye(m, dtype=int))
                found = rank(table(values, sides(n_sites, range(split)), m), prime)
                digits = m ** (min(split, n_sites - split) - depth * (reach - 1))
                assert found == m ** (depth * (reach - 1)) * min(last, digits)
                assert found == law(n_sites, split, reach, depth, m, last)
                built += 1
    assert built >= 25


def test_overlap_equality_needs_its_hypotheses():
    # Windows longer than the shorter side: one position, and only R products.
    assert overlap_rank(4, 2, 4, (4, 4, 4)) == 4 < law(4, 2, 4, 1, 4, 4) == 16
    assert overlap_rank(6, 3, 5, (2, 2, 1)) == 4 < law(6, 3, 5, 1, 2, 1) == 8
    # Final vectors shared by all positions.
    assert overlap_rank(4, 2, 2, (2, 4), shared_v=True) == 3 < overlap_rank(4, 2, 2, (2, 4)) == 4
    # Widths below M.
    assert overlap_rank(8, 4, 2, (4, 2, 2)) == 4 < law(8, 4, 2, 1, 4, 2) == 8
    assert overlap_rank(8, 4, 2, (4, 3, 3, 3)) == 27 < law(8, 4, 2, 2, 4, 3) == 48
    # Features that are not independent on the templates.
    same = np.array([[1, 2], [2, 4]])
    assert overlap_rank(6, 3, 2, (2, 2, 2), features=same) < law(6, 3, 2, 1, 2, 2)


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


# --- thm-recurrence -----------------------------------------------------------------------


def recurrent_rank(n_steps, split, m, width, depth, seed=0, features=None, start=None):
    features = np.eye(m, dtype=int) if features is None else features
    rng = np.random.default_rng(seed)
    values = recurrent_values(n_steps, depth, width, features, rng, start)
    return rank(table(values, sides(n_steps, range(split)), len(features)))


def depth_bound(width, depth, n):
    """Return the product over layers of C(R + d_i - 1, d_i), d_i = C(n + i - 1, i)."""
    degrees = [comb(n + i - 1, i) for i in range(depth)]
    return prod(comb(width + d - 1, d) for d in degrees)


def second_bound(m, width, n):
    """Return R (C(R + n - 1, n) - C(R - M + n - 1, n))."""
    missing = comb(width - m + n - 1, n) if width > m else 0
    return width * (comb(width + n - 1, n) - missing)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_recurrent_bound(depth):
    for m, width in [(2, 1), (2, 2), (2, 3), (3, 2)]:
        for n_steps in range(2, 11 if m == 2 else 8):
            for split in range(1, n_steps):
                n = n_steps - split
                found = recurrent_rank(n_steps, split, m, width, depth)
                assert found <= min(m**split, m**n, depth_bound(width, depth, n))
                if depth == 2:
                    assert found <= min(second_bound(m, width, n), min(m, width) * m ** (n - 1))


@pytest.mark.parametrize("m, width, longest", [(2, 2, 14), (2, 3, 14), (2, 4, 12), (3, 2, 8),
                                               (3, 3, 8), (3, 4, 8)])  # fmt: skip
def test_recurrent_ranks_between_the_halves(m, width, longest):
    for n_steps in range(2, longest + 1, 2):
        n = n_steps // 2
        assert recurrent_rank(n_steps, n, m, width, 1) == min(width, m**n)
        bound = min(m**n, min(m, width) * m ** (n - 1), second_bound(m, width, n))
        assert recurrent_rank(n_steps, n, m, width, 2) == bound


def test_recurrent_second_bound_is_below_the_first_where_the_width_exceeds_m():
    assert recurrent_rank(14, 7, 2, 3, 2) == 105 == second_bound(2, 3, 7) < depth_bound(3, 2, 7)
    assert depth_bound(3, 2, 7) == 108


def test_depth_three_is_full_for_longer():
    assert [recurrent_rank(n, n // 2, 2, 2, 3) for n in (8, 10, 12)] == [16, 32, 64]
    assert [recurrent_rank(n, n // 2, 2, 2, 2) for n in (8, 10, 12)] == [10, 12, 14]


@pytest.mark.parametrize("width, depth, n", [(2, 3, 20), (3, 4, 200), (8, 5, 2000)])
def test_a_fixed_depth_has_no_volume_law(width, depth, n):
    assert depth_bound(width, depth, n) < 2**n
    # A polynomial in n: doubling n multiplies it by at most 2 to its degree, and no more.
    degree = (width - 1) * sum(range(depth))
    assert depth_bound(width, depth, 2 * n) < 2**degree * depth_bound(width, depth, n)


def test_recurrence_needs_initial_states_that_are_not_zero_to_be_anything():
    assert recurrent_rank(6, 3, 2, 3, 2, start=0) == 0


def test_recurrent_bound_needs_no_bias():
    # With a bias the polynomials are not homogeneous: one more channel, which is always 1.
    rng, n_steps = np.random.default_rng(0), 14
    x = np.eye(2, dtype=int)[images(n_steps, 2)]
    W, V = residues(rng, 2, 2, 2), residues(rng, 2, 2, 2)
    bias = residues(rng, 2, 2)
    h = [np.broadcast_to(residues(rng, 2), (len(x), 2)) for _ in range(2)]
    for step in range(n_steps):
        below = x[:, step]
        for layer in range(2):
            kept = (h[layer][:, :1] * W[layer][:, 0] % PRIME
                    + h[layer][:, 1:] * W[layer][:, 1] % PRIME + bias[layer]) % PRIME  # fmt: skip
            new = (below[:, :1] * V[layer][:, 0] % PRIME
                   + below[:, 1:] * V[layer][:, 1] % PRIME) % PRIME  # fmt: skip
            h[layer] = below = kept * new % PRIME
    found = rank(table(h[1].sum(1) % PRIME, sides(n_steps, range(7)), 2))
    assert found > second_bound(2, 2, 7) == 16


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
