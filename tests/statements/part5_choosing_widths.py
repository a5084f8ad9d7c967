"""Choosing widths for your data."""

import numpy as np

from .frame import statement


@statement(
    "prop-environment",
    inside=[(seed, True, "linear") for seed in range(4)],
    outside={
        "drawn independently": (0, False, "linear"),
        "linear in the vector": (0, True, "square"),
    },
)
def two_moments_give_the_schmidt_values(seed, independent, kind):
    rng = np.random.default_rng(seed)
    v, u = rng.normal(size=(30, 3)), rng.normal(size=(40, 3))  # for 30 settings of A, 40 of B
    chance = np.full((30, 40), 1 / 1200)
    if not independent:
        chance = rng.random((30, 40)) ** 8
        chance /= chance.sum()
    table = v @ u.T if kind == "linear" else (v @ u.T) ** 2
    C_v = v.T @ (v * chance.sum(axis=1)[:, None])
    C_u = u.T @ (u * chance.sum(axis=0)[:, None])
    direct = np.linalg.svd(table * np.sqrt(chance), compute_uv=False)[:3] ** 2
    gauge = rng.normal(size=(3, 3))
    inverse = np.linalg.inv(gauge)
    found = []
    for C, D in [(C_v, C_u), (gauge @ C_v @ gauge.T, inverse.T @ C_u @ inverse)]:
        root = np.linalg.cholesky(C)
        found.append(np.linalg.eigvalsh(root.T @ D @ root)[::-1])
    return bool(np.allclose(found[0], direct) and np.allclose(found[0], found[1]))
