"""Overlaps and recurrence: every network goes image by image, modulo a prime."""

from math import comb, prod

import numpy as np
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
)

from .frame import statement

# --- overlaps -----------------------------------------------------------------------------


def local_values(rng, n_sites, J, reach, K):
    """A sum of K products of any functions of neighbouring sites, one more than the reach."""
    x, score = images(n_sites, J), 1
    for j in range(n_sites - reach):
        number = x[:, j : j + reach + 1] @ J ** np.arange(reach + 1)
        score = score * residues(rng, J ** (reach + 1), K)[number] % PRIME
    return score.sum(1) % PRIME


def first_sites(values, n_sites, J):
    """Ranks of the first a sites against the rest, a = 1, 2, ..."""
    return [rank(table(values, sides(n_sites, range(a)), J)) for a in range(1, n_sites)]


@statement(
    "thm-overlap-bound",
    inside=[
        (n, J, reach, K)
        for n, J in [(4, 2), (6, 2), (7, 2), (4, 3), (6, 3)]
        for reach in (0, 1, 2, 3)
        for K in (1, 2, 5)
    ],
    outside={
        "functions of neighbours": (6, 2, 1, 1, "all sites"),
        "the first sites": (8, 2, 1, 2, "interleaved"),
        "a sum of K products": (6, 2, 1, 1, "added"),
    },
)
def locality_bounds_the_rank(n_sites, J, reach, K, form="local"):
    rng = np.random.default_rng(n_sites + reach)
    if form == "all sites":
        values = residues(rng, J**n_sites)
    elif form == "added":  # to one product another, of K = 1 each
        values = (
            local_values(rng, n_sites, J, reach, K) + local_values(rng, n_sites, J, reach, K)
        ) % PRIME
    else:
        values = local_values(rng, n_sites, J, reach, K)
    if form == "interleaved":
        found = rank(table(values, sides(n_sites, range(0, n_sites, 2)), J))
        return found <= min(J ** (n_sites // 2), K * J**reach)
    bounds = [min(J**a, J ** (n_sites - a), K * J**reach) for a in range(1, n_sites)]
    return all(r <= b for r, b in zip(first_sites(values, n_sites, J), bounds, strict=True))


def random_case(rng):
    """A network that meets all hypotheses: (sites, a, window, widths, shared)."""
    m = int(rng.integers(2, 5))
    n_sites, window = int(rng.integers(3, {2: 11, 3: 8, 4: 7}[m])), int(rng.integers(2, 5))
    a = int(rng.integers(1, n_sites))
    depth = int(rng.integers(0, min(a, n_sites - a) // (window - 1) + 1))
    layers = map(int, rng.integers(m, m + 3, depth))
    return n_sites, a, window, (m, *layers, int(rng.integers(1, 9))), bool(rng.integers(2))


def is_telling(n_sites, a, window, widths, shared):
    """Whether there are layers, and the matrix has room for more than the law."""
    depth = len(widths) - 2
    return depth and widths[-1] * widths[0] ** (depth * (window - 1)) < widths[0] ** min(
        a, n_sites - a
    )


def random_cases():
    rng = np.random.default_rng(0)
    cases = [random_case(rng) for _ in range(600)]
    return cases[:20] + [case for case in cases[20:] if is_telling(*case)][:40]


@statement(
    "thm-overlap-equality",
    inside=random_cases(),
    outside={
        "the reach fits into both sides": (4, 2, 4, (4, 4, 4)),
        "the reach fits into both sides, K = 1": (6, 3, 5, (2, 2, 1)),
        "last vectors differ": (4, 2, 2, (2, 4), False, "shared v"),
        "widths of at least M": (8, 4, 2, (4, 2, 2)),
        "widths of at least M, two layers": (8, 4, 2, (4, 3, 3, 3)),
        "one-hot features": (6, 3, 2, (2, 2, 2), False, "equal features"),
        "as many templates as features": (8, 4, 2, (2, 2, 2, 2, 2), False, "three templates"),
        "almost all weights": (6, 3, 2, (2, 2, 2), False, "u = 0"),
        "the last product": (8, 4, 2, (2, 2, 2), False, "interleaved"),
    },
)
def overlaps_meet_the_law(n_sites, a, window, widths, shared=False, change=None):
    m, *_, K = widths
    rng = np.random.default_rng(n_sites * a)
    layers, v, u = overlap_weights(
        rng, n_sites, window, widths, shared, shared_v=change == "shared v"
    )
    features = np.eye(m, dtype=int)
    if change == "equal features":
        features = np.array([[1, 2], [2, 4]])
    if change == "three templates":
        features = np.array([[1, 0], [0, 1], [3, 5]])
    u = 0 * u if change == "u = 0" else u
    values = overlap_values(n_sites, layers, v, u, features)
    in_a = range(0, n_sites, 2) if change == "interleaved" else range(a)
    reach = (len(widths) - 2) * (window - 1)
    law = min(m**a, m ** (n_sites - a), K * m**reach)
    return rank(table(values, sides(n_sites, in_a), len(features))) == law


def by_characters(n_sites, window, depth, m, K, a):
    """The proof's network, modulo a prime that has roots of 1 of order m; and the prime."""
    prime = next(q for q in range(2**20 // m * m + 1, 2**21, m) if is_prime(q))
    powers = (pow(base, (prime - 1) // m, prime) for base in range(2, 99))
    root = next(z for z in powers if len({pow(z, k, prime) for k in range(m)}) == m)
    chi = np.array([[pow(root, c * d, prime) for d in range(m)] for c in range(m)])
    first, later = np.zeros((2, 1, window, m, m), dtype=np.int64)
    first[:], later[..., 0] = 1, 1
    for end in (0, window - 1):
        first[0, end], later[0, end] = chi, np.eye(m)
    reach = depth * (window - 1)
    back = [[pow(root, -c * d % m, prime) for c in range(m)] for d in range(m)]
    theta = np.array(back) * pow(m, -1, prime) % prime if depth else np.eye(m, dtype=int)
    v = np.zeros((n_sites - reach, K, m), dtype=np.int64)
    for j in range(n_sites - reach):
        for c in range(K):
            digit = c // m ** (j if j < a else j - a) % m
            v[j, c] = theta[0 if a - reach <= j < a else digit]
    return ([first] + [later] * (depth - 1))[:depth], v, np.ones(K, dtype=np.int64), prime


def is_prime(q):
    return all(q % d for d in range(2, int(q**0.5) + 1))


SIZES = [(2, 6, 2), (2, 8, 2), (2, 8, 3), (2, 9, 4), (3, 6, 2), (3, 6, 3)]


@statement(
    "thm-overlap-equality",
    inside=[
        (n, window, depth, m, K, a)
        for m, n, window in SIZES
        for a in {n // 2, n // 2 - 1}
        for depth in range(min(a, n - a) // (window - 1) + 1)
        for K in (1, m**2 + 1)
    ],
    outside={"the reach fits into both sides": (6, 4, 2, 2, 1, 3)},
)
def the_construction_of_the_proof_meets_the_law(n_sites, window, depth, m, K, a):
    layers, v, u, prime = by_characters(n_sites, window, depth, m, K, a)
    x = images(n_sites, m)
    state = np.eye(m, dtype=np.int64)[x]
    for layer in layers:
        places, out = state.shape[1] - window + 1, 1
        for offset in range(window):
            out = out * (state[:, offset : offset + places] @ layer[0, offset].T % prime) % prime
        state = out
    score = np.ones((len(x), K), dtype=np.int64)
    for j in range(len(v)):
        score = score * (state[:, j] @ v[j].T % prime) % prime
    found = rank(table(score @ u % prime, sides(n_sites, range(a)), m), prime)
    return found == min(m**a, m ** (n_sites - a), K * m ** (depth * (window - 1)))


# --- recurrence ---------------------------------------------------------------------------


def depth_bound(K, L, n):
    degrees = [comb(n + i - 1, i) for i in range(L)]
    return prod(comb(K + d - 1, d) for d in degrees)


def bound_of_two(m, K, n):
    missing = comb(K - m + n - 1, n) if K > m else 0
    return K * (comb(K + n - 1, n) - missing)


def recurrent_rank(n_steps, in_a, m, K, L, features=None, bias=False):
    rng = np.random.default_rng(n_steps)
    features = np.eye(m, dtype=int) if features is None else features
    if bias:
        values = with_bias(rng, n_steps, features, K, L)
    else:
        values = recurrent_values(n_steps, L, K, features, rng)
    return rank(table(values, sides(n_steps, in_a), len(features)))


def with_bias(rng, n_steps, features, K, L):
    """As recurrent_values, with a bias beside what is kept."""
    x = features[images(n_steps, len(features))]
    W, V, bias = residues(rng, L, K, K), residues(rng, L, K, K), residues(rng, L, K)
    h = [np.broadcast_to(residues(rng, K), (len(x), K)) for _ in range(L)]
    for step in range(n_steps):
        below = x[:, step]
        for k in range(L):
            kept = sum(h[k][:, c, None] * W[k, :, c] % PRIME for c in range(K)) + bias[k]
            new = sum(below[:, c, None] * V[k, :, c] % PRIME for c in range(K)) % PRIME
            h[k] = below = kept % PRIME * new % PRIME
    return h[-1].sum(1) % PRIME


@statement(
    "thm-recurrence",
    inside=[
        *[
            (steps, range(a), m, K, L)
            for m, K in [(2, 1), (2, 2), (2, 3), (3, 2)]
            for L in (1, 2, 3)
            for steps in ((4, 8) if m == 2 else (4, 6))
            for a in {steps // 2, steps - 1, 2}
        ],
        (14, range(7), 2, 2, 2),
        (14, range(7), 2, 3, 2),
        (6, range(3), 2, 2, 2, np.array([[1, 2], [3, 1], [4, 7]])),
    ],
    outside={
        "no biases": (14, range(7), 2, 2, 2, None, True),
        "the last steps": (8, range(0, 8, 2), 2, 2, 1),
        "the last steps, depth 2": (14, range(0, 14, 2), 2, 2, 2),
    },
)
def a_recurrent_circuit_stays_below(n_steps, in_a, m, K, L, features=None, bias=False):
    n = n_steps - len(in_a)
    found = recurrent_rank(n_steps, in_a, m, K, L, features, bias)
    return found <= depth_bound(K, L, n) and (L != 2 or found <= bound_of_two(m, K, n))


def constant(value):
    return lambda n: value


@statement(
    "cor-recurrence-logarithm",
    inside=[(constant(K), constant(L)) for K, L in [(2, 1), (2, 2), (2, 3), (3, 2), (3, 3)]],
    outside={
        "fixed depth": (constant(2), lambda n: n),
        "fixed width": (lambda n: 2**n, constant(2)),
    },
)
def rank_is_at_most_a_power_of_the_length(K_of, L_of):
    # A power: doubling n never multiplies the bound by more than 2 to its degree at the start.
    degree = (K_of(1) - 1) * sum(range(L_of(1)))
    for n in (2, 3):
        found = recurrent_rank(2 * n, range(n), 2, K_of(n), L_of(n))
        if found > depth_bound(K_of(n), L_of(n), n):
            return False
    return all(
        depth_bound(K_of(2 * n), L_of(2 * n), 2 * n) <= 2**degree * depth_bound(K_of(n), L_of(n), n)
        for n in (2, 4, 8)
    )


@statement(
    "cor-recurrence-logarithm",
    inside=[(2, 1, 5), (3, 1, 5), (2, 2, 5), (3, 2, 7)],
    outside={"fixed depth": (2, 5, 5), "fixed width": (2**5, 2, 5)},
)
def the_halves_are_not_full(K, L, n):
    return recurrent_rank(2 * n, range(n), 2, K, L) < 2**n
