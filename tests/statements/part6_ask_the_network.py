"""Ask the network: what a matrix of answers holds."""

from fractions import Fraction
from itertools import product

import numpy as np

from .by_hand import PRIME, cut, draw, matrix, rank, tensor, words
from .frame import statement

# --- a ConvAC -----------------------------------------------------------------------------


def scores(weights, x, powers, bias=0):
    """Scores modulo the prime of images of integers; the features are powers of a pixel."""
    *layers, dense = [w.astype(np.int64) for w in weights]
    v = np.stack([np.array([pow(int(p), k, PRIME) for p in x.flat]) for k in powers], -1)
    v = v.reshape(*x.shape, -1)
    for layer in layers:
        z = sum(v[:, :, None, c] * layer[..., c] % PRIME for c in range(v.shape[2]))
        z = (z + bias) % PRIME
        v = z[:, 0::2] * z[:, 1::2] % PRIME
    return (v[:, 0] * dense % PRIME).sum(1) % PRIME


def answers(score, x, word):
    """Scores of A's sites of image i with B's of image j."""
    in_a, n = np.array([letter == "A" for letter in word]), len(x)
    return score(np.where(in_a, x[:, None], x[None]).reshape(n * n, -1)).reshape(n, n)


def images(n, n_sites, kind):
    rng = np.random.default_rng(1)
    x = rng.integers(0, PRIME, (n, n_sites))
    if kind == "rare":
        x = (rng.uniform(size=x.shape) < 0.03).astype(int)
    if kind == "two sites of each side held":
        x[:, :4] = 7
    return x


@statement(
    "thm-answers",
    inside=[
        *[((M, 4, 3, 2), word) for M in (2, 3) for word in words(8, 2, M)],
        *[((2, 5, 3), "ABBA"), ((2, 3, 5), "AABB"), ((3, 2, 4), "ABAB")],
        ((2, 2, 4, 4), "AAAABBBB", "all"),  # the state's rank is 3, its cut 4
        ((3, 3, 2, 2), "ABABBABA", "window-position"),
    ],
    outside={
        "independent features": ((3, 3, 3), "ABAB", "none", (0, 1, 1)),
        "a joint density: rare": ((2, 4, 4, 2), "ABABABAB", "none", (0, 1), "rare"),
        "a joint density: held": (
            (2, 4, 4, 2),
            "ABABABAB",
            "none",
            (0, 1),
            "two sites of each side held",
        ),
        "no biases": ((2, 2, 2), "ABAB", "none", (1, 2), "generic", "bias"),
        "not rescaled": ((2, 2, 2), "AABB", "none", (0, 1), "generic", "rescaled"),
    },
)
def answers_have_the_rank_of_the_state(
    widths, word, share="none", powers=None, kind="generic", change=None
):
    weights = draw(widths, 2, len(word), 3, share)
    powers = range(widths[0]) if powers is None else powers
    state = rank(matrix(tensor(weights, 2), word))
    x = images(min(state + 6, 60), len(word), kind)
    bias = 5 if change == "bias" else 0
    H = answers(lambda images: scores(weights, images, powers, bias), x, word)
    if change == "rescaled":  # divided by the size of two scores
        other = draw(widths, 2, len(word), 4, share)
        G = answers(lambda images: scores(other, images, powers), x, word)
        size = (H * H + G * G) % PRIME
        H = H * np.array([[pow(int(s), -1, PRIME) for s in row] for row in size]) % PRIME
    small = state <= cut(widths, 2, word)
    return small and all(rank(H[:n, :n]) == min(n, state) for n in (1, 2, 5, len(x)))


# --- any function -------------------------------------------------------------------------


def uniform(n):
    return [Fraction(1, n)] * n


def weighted(seed, n):
    parts = np.random.default_rng(seed).integers(1, 6, n)
    return [Fraction(int(part), int(parts.sum())) for part in parts]


def some_table(seed, rows, columns):
    return np.random.default_rng(seed).integers(-9, 10, (rows, columns))


SUMS = np.add.outer([3, -1, 4, 1], [2, 7, 1])


def three_parts(h, joint):
    """Var f, Var g, Var e and Var h, with each side drawn by itself and h by the joint."""
    rows, columns = range(len(joint)), range(len(joint[0]))
    p = [sum(row) for row in joint]
    q = [sum(row[j] for row in joint) for j in columns]
    h = [[Fraction(int(h[i][j])) for j in columns] for i in rows]
    mean = sum(joint[i][j] * h[i][j] for i in rows for j in columns)
    f = [sum(q[j] * h[i][j] for j in columns) - mean for i in rows]
    g = [sum(p[i] * h[i][j] for i in rows) - mean for j in columns]

    def var(value):
        return sum(joint[i][j] * value(i, j) ** 2 for i in rows for j in columns)

    def rest(i, j):
        return h[i][j] - mean - f[i] - g[j]

    values = (lambda i, _: f[i], lambda _, j: g[j], rest, lambda i, j: h[i][j] - mean)
    return tuple(map(var, values))


def independent(p, q):
    return [[a * b for b in q] for a in p]


@statement(
    "prop-two-groups",
    inside=[
        *[(some_table(s, 4, 3), independent(weighted(s, 4), weighted(s + 9, 3))) for s in range(8)],
        *[(SUMS, independent(weighted(s, 4), weighted(s + 9, 3))) for s in range(4)],
        (np.outer([1, -1], [1, -1]), independent(uniform(2), uniform(2))),
    ],
    outside={
        "the sides are independent": (SUMS[:2, :2], [[Fraction(1, 2), 0], [0, Fraction(1, 2)]]),
        "a variance that is not zero": (np.ones((2, 2)), independent(uniform(2), uniform(2))),
    },
)
def the_three_shares_add_up(h, joint):
    f, g, e, whole = three_parts(h, joint)
    if whole == 0:
        return False  # no share is defined
    corners = np.array(h)[1:, 1:] - np.array(h)[:1, 1:] - np.array(h)[1:, :1] + np.array(h)[0, 0]
    return (f + g + e) / whole == 1 and (e == 0) == (not corners.any())


@statement(
    "prop-mean-squares",
    inside=[(some_table(seed, 3, 3), n, "independent") for seed in range(3) for n in (2, 3)],
    outside={
        "rows and columns are independent": (some_table(0, 3, 3), 2, "both of one image"),
        "rows are independent": (some_table(0, 3, 3), 2, "without repetition"),
    },
)
def what_is_left_has_this_mean(h, n, how):
    """Over all draws there are, exactly."""
    sites, left = range(len(h)), []
    for rows, columns in product(product(sites, repeat=n), repeat=2):
        if how == "both of one image" and rows != columns:
            continue
        if how == "without repetition" and len(set(rows)) < n:
            continue
        H = [[Fraction(int(h[i][j])) for j in columns] for i in rows]
        by_row = [sum(row) / n for row in H]
        by_column = [sum(column) / n for column in zip(*H, strict=True)]
        mean = sum(by_row) / n
        left.append(
            sum(
                (H[i][j] - by_row[i] - by_column[j] + mean) ** 2 for i in range(n) for j in range(n)
            )
        )
    e = three_parts(h, independent(uniform(len(h)), uniform(len(h))))[2]
    return sum(left) / len(left) == (n - 1) ** 2 * e
