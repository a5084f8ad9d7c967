"""Part 6, Ask the network: each boxed statement tried inside its hypotheses, and outside."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from beyond_nets import PRIME, rank

from convac_lib import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import random_weights
from convac_lib.partitions import as_partition, blocks, random_balanced


def matrix_of_answers(weights, powers, x, partition):
    """Return H of n images of integers modulo PRIME; features are powers of the pixel."""
    n, n_sites = x.shape
    joined = np.where(partition, x[:, None], x[None]).reshape(n * n, n_sites) % PRIME
    v = np.stack([_power(joined, k) for k in powers], -1)
    *layers, dense = weights
    for layer in layers:
        places = []
        for j in range(v.shape[1]):
            z = 0
            for channel in range(v.shape[2]):
                z = (z + v[:, j, channel, None] * layer[j % len(layer)][:, channel] % PRIME) % PRIME
            places.append(z)
        window = n_sites // (n_sites // 2)  # windows of two
        v = np.stack([places[k] * places[k + 1] % PRIME for k in range(0, len(places), window)], 1)
    return ((v[:, 0] * dense[0] % PRIME).sum(1) % PRIME).reshape(n, n)


def _power(x, k):
    out = np.ones_like(x)
    for _ in range(k):
        out = out * x % PRIME
    return out


def generic_images(n, n_sites, seed=0):
    return np.random.default_rng(seed).integers(0, PRIME, (n, n_sites))


# --- thm-answers --------------------------------------------------------------------------


@pytest.mark.parametrize("channels, share", [
    ((4, 3, 2), "none"), ((2, 5, 3), "none"), ((2, 4, 4), "all"), ((3, 2, 2), "window-position"),
])  # fmt: skip
@pytest.mark.parametrize("local_dim", [2, 3])
def test_rank_of_answers_is_the_rank_of_the_state(channels, share, local_dim):
    net = Architecture.line(local_dim, channels)
    weights = random_weights(net, 3, share, integers=10**6)
    full = local_dim**4 + 5
    for seed in range(4):
        partition = random_balanced(8, seed)
        # The state itself: every site shows as many pixels as there are features.
        corners = np.arange(1, local_dim + 1)
        state = matrix_of_state(net, weights, partition, corners)
        H = matrix_of_answers(weights, range(local_dim), generic_images(full, 8, seed), partition)
        for n in (1, 2, 5, full):
            assert rank(H[:n, :n]) == min(n, state)
        assert state <= min_cut_weight(net, partition)


def matrix_of_state(net, weights, partition, corners):
    """Return the rank of the table of all images made of `corners`: that of the state."""
    sides = [np.array(list(product(corners, repeat=int(k))))
             for k in (partition.sum(), (~partition).sum())]  # fmt: skip
    n = max(map(len, sides))
    x = np.ones((n, len(partition)), dtype=int)
    x[: len(sides[0]), partition] = sides[0]
    x[: len(sides[1]), ~partition] = sides[1]
    H = matrix_of_answers(weights, range(net.local_dim), x, partition)
    return rank(H[: len(sides[0]), : len(sides[1])])


def test_rank_of_answers_is_the_cut_where_the_rank_meets_it():
    for channels in [(4, 4, 2, 2), (2, 2, 4, 4), (3, 5, 7, 2)]:
        net = Architecture.line(2, channels)
        weights = random_weights(net, 0, integers=10**6)
        for length in (2, 4, 8):
            cut = min_cut_weight(net, blocks(16, length))
            x = generic_images(cut + 5, 16)
            assert rank(matrix_of_answers(weights, (0, 1), x, blocks(16, length))) == cut


def test_rank_of_answers_may_be_below_the_cut_where_the_state_is():
    # Shared weights: the state's rank is 3, the cut 4 (the chapter on where the bound is not met).
    net = Architecture.line(2, (2, 4, 4))
    weights = random_weights(net, 0, "all", integers=10**6)
    partition = as_partition("AAAABBBB")
    H = matrix_of_answers(weights, (0, 1), generic_images(20, 8), partition)
    assert rank(H) == 3 < min_cut_weight(net, partition) == 4


def test_rank_of_answers_needs_independent_features():
    net = Architecture.line(3, (3, 3, 3))
    weights = random_weights(net, 0, integers=10**6)
    partition = blocks(8, 1)
    H = matrix_of_answers(weights, (0, 1, 1), generic_images(90, 8), partition)
    assert (
        rank(H)
        == 2**4
        < rank(matrix_of_answers(weights, (0, 1, 2), generic_images(90, 8), partition))
    )


@pytest.mark.parametrize("why", ["rare", "constant"])
def test_rank_of_answers_needs_patches_with_a_density(why):
    net = Architecture.line(2, (4, 4, 2, 2))
    weights = random_weights(net, 1, integers=10**6)
    partition = blocks(16, 1)
    x = generic_images(270, 16)
    if why == "rare":
        x = (np.random.default_rng(0).uniform(size=x.shape) < 0.02).astype(int)
    else:
        x[:, :4] = 7
    found = rank(matrix_of_answers(weights, (0, 1), x, partition))
    assert found <= (64 if why == "constant" else 60) < 256


def test_rank_of_answers_needs_true_scores():
    # Divided by something of each image, as a normalised head does, the rank is not bounded.
    net = Architecture.line(2, (2, 2))
    weights = random_weights(net, 0, integers=10**6)
    partition = as_partition("AABB")
    x = generic_images(20, 4)
    H = matrix_of_answers(weights, (0, 1), x, partition)
    other = matrix_of_answers(random_weights(net, 1, integers=10**6), (0, 1), x, partition)
    size = (H * H % PRIME + other * other % PRIME) % PRIME
    inverse = np.array([[pow(int(s), -1, PRIME) for s in row] for row in size])
    assert rank(H) == 2
    assert rank(H * inverse % PRIME) > 2


def test_rank_of_answers_with_biases_is_another():
    # A bias adds the constant function to every branch: M + 1 features, of which one is 1.
    x = generic_images(30, 4)
    rng = np.random.default_rng(0)
    W, b = rng.integers(0, PRIME, (4, 2, 2)), rng.integers(0, PRIME, (4, 2))
    joined = np.where(as_partition("ABAB"), x[:, None], x[None]).reshape(-1, 4)
    v = np.stack([joined * joined % PRIME, joined], -1)

    def step(v, W, b):
        z = [((v[:, j, :1] * W[j][:, 0] % PRIME + v[:, j, 1:] * W[j][:, 1] % PRIME) + b[j]) % PRIME
             for j in range(len(W))]  # fmt: skip
        return np.stack([z[k] * z[k + 1] % PRIME for k in range(0, len(z), 2)], 1)

    top = step(step(v, W, b), W[:2], b[:2])
    assert rank((top[:, 0].sum(1) % PRIME).reshape(30, 30)) > 2**2


# --- prop-two-groups ----------------------------------------------------------------------


def parts(table, weights_a, weights_b):
    """Return the exact variances of f, g and e of a function on two finite sides."""
    table = [[Fraction(int(value)) for value in row] for row in table]
    mean = sum(p * q * table[i][j] for (i, p), (j, q) in
               product(enumerate(weights_a), enumerate(weights_b)))  # fmt: skip
    f = [sum(q * table[i][j] for j, q in enumerate(weights_b)) - mean
         for i in range(len(weights_a))]  # fmt: skip
    g = [sum(p * table[i][j] for i, p in enumerate(weights_a)) - mean
         for j in range(len(weights_b))]  # fmt: skip
    var_f = sum(p * x * x for p, x in zip(weights_a, f, strict=True))
    var_g = sum(q * x * x for q, x in zip(weights_b, g, strict=True))
    pairs = list(product(enumerate(weights_a), enumerate(weights_b)))
    var_e = sum(p * q * (table[i][j] - mean - f[i] - g[j]) ** 2 for (i, p), (j, q) in pairs)
    whole = sum(p * q * (table[i][j] - mean) ** 2 for (i, p), (j, q) in pairs)
    return var_f, var_g, var_e, whole


def test_three_parts_add_up_exactly():
    rng = np.random.default_rng(0)
    for _ in range(30):
        table = rng.integers(-9, 10, (4, 3))
        a, b = (rng.integers(1, 6, n) for n in (4, 3))
        a, b = ([Fraction(int(x), int(side.sum())) for x in side] for side in (a, b))
        var_f, var_g, var_e, whole = parts(table, a, b)
        assert var_f + var_g + var_e == whole
        corner = table[0, 0] - table[0, 1] - table[1, 0] + table[1, 1]
        assert (var_e == 0) <= (corner == 0)
    sums = rng.integers(-9, 10, (4, 1)) + rng.integers(-9, 10, 3)
    assert parts(sums, [Fraction(1, 4)] * 4, [Fraction(1, 3)] * 3)[2] == 0


def test_three_parts_do_not_add_up_if_the_sides_depend_on_each_other():
    # h = a + b with b = a: f and g are as before, but the variance is four times, not twice.
    a = np.array([-1, 1])
    dependent = np.var(a + a)
    assert dependent == 4 != np.var(a) + np.var(a)


# --- prop-mean-squares --------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3])
def test_mean_squares_are_unbiased_over_all_draws(n):
    table = np.array([[3, -2, 7], [1, 1, 4], [0, 6, -3]])
    third = [Fraction(1, 3)] * 3
    true = parts(table, third, third)[2]
    left = []
    for rows in product(range(3), repeat=n):
        for columns in product(range(3), repeat=n):
            H = table[np.ix_(rows, columns)].astype(float)
            e = H - H.mean(0) - H.mean(1, keepdims=True) + H.mean()
            left.append((e**2).sum())
    assert abs(np.mean(left) - (n - 1) ** 2 * float(true)) < 1e-9


def test_mean_squares_need_independent_rows_and_columns():
    # The same images on both sides, diagonal kept: h = 1 if both sides are of one image.
    rng = np.random.default_rng(0)
    found = []
    for _ in range(500):
        image = rng.integers(0, 20, 6)
        H = (image[:, None] == image).astype(float)
        e = H - H.mean(0) - H.mean(1, keepdims=True) + H.mean()
        found.append((e**2).sum() / 25)
    assert np.mean(found) > 2 * (1 / 20) * (1 - 1 / 20)


def test_a_softmax_of_a_sum_couples_and_more_so_at_high_temperature_factors():
    rng = np.random.default_rng(0)
    f, g = rng.normal(size=(2, 60, 5))
    shares = []
    for factor in (0.1, 1, 10):
        z = factor * (f[:, None] + g)
        p = np.exp(z - z.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        e = p - p.mean(0) - p.mean(1, keepdims=True) + p.mean((0, 1))
        shares.append((e**2).sum() / ((p - p.mean((0, 1))) ** 2).sum())
    assert shares[0] < 0.01 < shares[1] < shares[2]
