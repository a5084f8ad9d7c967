"""Where the bound is not met."""

from fractions import Fraction

import numpy as np

from .by_hand import cut, draw, matrix, rank, tensor
from .frame import statement

SEVEN = "BBBBBBBBBAAABAAA"


@statement(
    "thm-seven",
    inside=[("random", seed, 3) for seed in range(3)] + [("small", 0, 3), ("equal", 0, 3)],
    outside={"r_0 = 3": ("random", 0, 4), "r_0 = 3, and not 2": ("random", 0, 2)},
)
def seven_and_not_eight(kind, seed, r0):
    high = {"random": 2**31 - 1, "small": 3, "equal": 2}[kind]
    weights = draw((2, r0, 2), 4, 16, seed, high=high)
    found = rank(matrix(tensor(weights, 4), SEVEN))
    attained = found == 7 if kind == "random" else found <= 7
    return attained and cut((2, r0, 2), 4, SEVEN) == 8


def join(s, m, n, n2, m2, seed=0, special=False):
    rng = np.random.default_rng(seed)
    X, Y = rng.integers(-9, 10, size=(s, m, n)), rng.integers(-9, 10, size=(s, n2, m2))
    if special:
        X[1:] = X[0]
    return rank(sum(np.kron(X[g], Y[g]) for g in range(s)))


@statement(
    "thm-join-loses",
    inside=[
        *[(2, 6, 10, 10, 6), (2, 8, 14, 14, 8), (3, 8, 22, 22, 8), (2, 7, 10, 10, 7)],
        *[(2, 2, 4, 3, 3), (2, 3, 6, 4, 3), (3, 1, 3, 4, 2), (1, 3, 2, 3, 5), (2, 5, 9, 3, 4)],
        (2, 6, 10, 10, 6, 1, True),
    ],
    outside={"n is at most s m": (2, 1, 5, 2, 2)},
)
def a_join_loses_at_least_ab(s, m, n, n2, m2, seed=0, special=False):
    a, b = max(0, s * n - (s * s - 1) * m), max(0, s * m2 - n2)
    return join(s, m, n, n2, m2, seed, special) <= n * m2 - a * b


@statement(
    "thm-join-loses",
    inside=[(2, 6, 10), (2, 8, 14), (3, 8, 22), (2, 3, 5)],
    outside={"the bound is reached only where ab says so": (2, 7, 10)},
)
def reached(s, m, n):
    a, b = max(0, s * n - (s * s - 1) * m), max(0, s * m - n)
    return join(s, m, n, n, m) == n * m - a * b


@statement(
    "thm-generic-pencil",
    inside=[(6, 10, False), (8, 14, False), (5, 7, False), (7, 10, False), (4, 5, False)],
    outside={"almost every pencil": (6, 10, True)},
)
def blocks_of_nearly_equal_size(m, n, special):
    """A pencil's polynomial kernels of degree d have dimension sum max(0, d - eps + 1)."""
    rng = np.random.default_rng(0)
    X, Y = rng.integers(-9, 10, size=(2, m, n))
    if special:
        Y = X
    q, larger = divmod(m, n - m)
    sizes = [q] * (n - m - larger) + [q + 1] * larger
    for d in range(q + 3):
        shifts = np.zeros((m * (d + 2), n * (d + 1)), dtype=int)
        for k in range(d + 1):
            shifts[m * k : m * (k + 1), n * k : n * (k + 1)] = X
            shifts[m * (k + 1) : m * (k + 2), n * k : n * (k + 1)] = Y
        kernel = n * (d + 1) - rank(shifts)
        if kernel != sum(max(0, d - eps + 1) for eps in sizes):
            return False
    return True


@statement(
    "thm-no-fraction",
    inside=[(4, k, 7) for k in range(4)] + [(5, 2, 7), (6, 2, 7)],
    outside={
        "windows of four, and not three": (3, 2, 7),
        "windows of four, and not two": (2, 3, 7),
        "the copy loses enough": (4, 2, 10),
    },
)
def copies_lose_without_end(window, k, r0):
    """41 is a rank of subspaces, 49^n a recursion, and the ratio falls with the copies."""
    rng = np.random.default_rng(0)
    Y, Z = rng.integers(-9, 10, size=(2, 2, r0, 5))
    copy_rank = rank(np.hstack([np.kron(Y[g], Z[g]) for g in range(2)]))
    pure, mixed = "B" * window, "B" + "A" * (window - 1)
    word = pure * (window - 2) + mixed * 2
    n = window**k
    weight = cut((5, r0, 2) + (2,) * k, window, word * n)
    copies = cut((5, r0, 2), window, word)
    falls = Fraction(copy_rank**window * 2, copies**window) < 1  # for each w copies
    return falls and weight == copies**n
