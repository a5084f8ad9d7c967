"""Entanglement."""

from math import log, sqrt

import numpy as np

from .by_hand import matrix, rank
from .frame import statement


@statement(
    "thm-separation-rank",
    inside=[(seed, word, ((1, 0), (2, 1), (3, 5))) for seed in range(3) for word in ("ABA", "AAB")],
    outside={"linearly independent": (0, "ABA", ((1, 2), (2, 4), (3, 6)))},
)
def rank_of_function_is_rank_of_tensor(seed, word, features):
    rng = np.random.default_rng(seed)
    A = rng.integers(-3, 4, size=(2, 2, 2))
    values = np.zeros((3, 3, 3), dtype=int)  # the scores at three points on each site
    for points in np.ndindex(values.shape):
        values[points] = np.einsum("abc,a,b,c", A, *(features[p] for p in points))
    return rank(matrix(values, word)) == rank(matrix(A, word))


@statement(
    "thm-schmidt",
    inside=[(seed, word) for seed in range(3) for word in ("ABBA", "AABB", "ABBB")],
    nothing_to_drop="every state but 0 has one; the zero state has no term",
)
def schmidt_decomposition(seed, word):
    rng = np.random.default_rng(seed)
    A = rng.integers(-2, 3, size=(2,) * 4)
    X = matrix(A, word).astype(float)
    squares, a = np.linalg.eigh(X @ X.T)  # by the side A alone; B's states follow
    kept = squares > 1e-9
    a, values = a[:, kept], np.sqrt(squares[kept])
    b = X.T @ a / values
    orthonormal = np.allclose(b.T @ b, np.eye(len(values)))
    return bool(
        orthonormal and np.allclose((a * values) @ b.T, X) and len(values) == rank(matrix(A, word))
    )


@statement(
    "thm-nearest",
    inside=[(seed, 1.0) for seed in range(4)],
    outside={"length 1": (0, 2.0)},
)
def nearest_separable(seed, length):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(3, 4))
    X *= length / np.linalg.norm(X)
    p = np.linalg.eigvalsh(X @ X.T)[::-1]
    measure = sqrt(1 - p[0] / p.sum())
    b = rng.normal(size=4)
    for _ in range(500):  # alternately the best a for b and the best b for a
        a = X @ b / (b @ b)
        b = X.T @ a / (a @ a)
    attained = np.linalg.norm(X - np.outer(a, b))
    unit = np.outer(a, b) / np.linalg.norm(np.outer(a, b))
    tried = rng.normal(size=(500, 3)), rng.normal(size=(500, 4))
    products = np.einsum("ni,nj->nij", *tried)
    scale = np.einsum("nij,ij->n", products, X) / np.sum(products**2, axis=(1, 2))
    others = np.linalg.norm(scale[:, None, None] * products - X, axis=(1, 2))
    return bool(
        np.isclose(attained, measure)
        and others.min() >= measure - 1e-9
        and np.isclose(np.linalg.norm(X - unit), sqrt(2 - 2 * sqrt(p[0])))
    )


@statement(
    "thm-entropy-rank",
    inside=[[0.5, 0.5], [1.0], [0.2] * 5, [0.9, 0.1], [0.4, 0.3, 0.2, 0.1], [0.5, 0.25, 0.25]],
    outside={"shares of squares that add up to 1": [0.5, 0.5, 0.5]},
)
def entropy_is_at_most_the_logarithm_of_the_number(p):
    S = -sum(x * log(x) for x in p)
    flat = max(p) - min(p) < 1e-12
    return S <= log(len(p)) + 1e-12 and (abs(S - log(len(p))) < 1e-9) == flat


@statement(
    "thm-page",
    inside=[(2, 2, True), (2, 4, True), (3, 5, True), (4, 4, True)],
    outside={"complex": (2, 2, False), "m is at most n": (4, 2, True)},
)
def mean_entropy_of_random_states(m, n, complex_numbers):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, m, n))
    if complex_numbers:
        X = X + 1j * rng.normal(size=X.shape)
    p = np.linalg.svd(X, compute_uv=False) ** 2
    p /= p.sum(axis=1, keepdims=True)
    S = -np.sum(p * np.log(p.clip(1e-300)), axis=1)
    formula = sum(1 / k for k in range(n + 1, m * n + 1)) - (m - 1) / (2 * n)
    return bool(abs(S.mean() - formula) < 4 * S.std() / sqrt(len(S)))


@statement(
    "thm-gram",
    inside=[(seed, terms) for seed in range(3) for terms in (2, 3, 6)],
    nothing_to_drop="any sum of products is allowed; the trials have fewer and more than the sides",
)
def schmidt_values_from_gram_matrices(seed, terms):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(terms, 3)), rng.normal(size=(terms, 5))
    direct = np.linalg.svd(np.einsum("ia,ib->ab", a, b), compute_uv=False) ** 2
    found = np.sort(np.linalg.eigvals((a @ a.T) @ (b @ b.T)).real)[::-1]
    count = min(terms, 3)
    return bool(
        np.allclose(found[:count], direct[:count]) and np.allclose(found[count:], 0, atol=1e-9)
    )
