"""Limits of width, limits of training."""

import numpy as np

from .frame import statement


@statement(
    "prop-readout",
    inside=[(seed, kind, 0) for seed in range(2) for kind in ("product", "maximum")],
    outside={"no bias in the dense layer": (0, "product", 1)},
)
def scores_span_few_dimensions(seed, kind, bias):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(4, 5, 3)), rng.normal(size=(2, 2, 5))
    dense, shift = rng.normal(size=(6, 2)), bias * rng.normal(size=6)
    pool = np.multiply if kind == "product" else lambda a, b: np.maximum(np.maximum(a, b), 0)
    v = rng.normal(size=(50, 4, 3))
    for W in (first, second):
        z = np.einsum("joi,nji->njo", W, v)
        v = pool(z[:, 0::2], z[:, 1::2])
    return bool(np.linalg.matrix_rank(v[:, 0] @ dense.T + shift) <= 2)


@statement(
    "thm-couples",
    inside=[(n, s, k) for n, s, k in [(2, 2, 2), (2, 3, 2), (2, 3, 3), (2, 2, 3), (3, 2, 2)]],
    outside={"at least two couples": (1, 3, 2), "k is at least 2": (2, 2, 1)},
)
def best_subspaces_reach_the_bound_and_no_more(n, s, k):
    dimension, rng = s + 1, np.random.default_rng(0)
    target = np.zeros((dimension,) * (2 * n))
    for m in range(n):
        for a in range(1, dimension):
            index = [0] * (2 * n)
            index[2 * m] = index[2 * m + 1] = a
            target[tuple(index)] = (n * s) ** -0.5
    best = 0.0
    for _ in range(8):  # in turn, the best subspace of one block for those of the others
        bases = [np.linalg.qr(rng.normal(size=(dimension, k)))[0] for _ in range(2 * n)]
        for sweep in range(60):
            block = sweep % (2 * n)
            kept = target
            for other, basis in enumerate(bases):
                if other != block:
                    kept = np.moveaxis(np.tensordot(basis.T, kept, (1, other)), 0, other)
            unfolded = np.moveaxis(kept, block, 0).reshape(dimension, -1)
            u, values, _ = np.linalg.svd(unfolded, full_matrices=False)
            bases[block] = u[:, :k]
        best = max(best, np.sum(values[:k] ** 2))
    return bool(np.isclose(best, (k - 1) / s, atol=1e-5))
