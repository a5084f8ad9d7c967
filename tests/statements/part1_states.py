"""Many-body states."""

import numpy as np

from .frame import statement


def product_state(vectors):
    state = np.ones(())
    for v in vectors:
        state = np.multiply.outer(state, v)
    return state


@statement(
    "thm-product-overlap",
    inside=[(seed, 3, M) for seed in range(3) for M in (2, 3)],
    outside={"both are product states": (0, 3, 2, 1.0)},
)
def overlap_of_product_states(seed, n_sites, M, mixed_in=0.0):
    rng = np.random.default_rng(seed)
    v, w, other = rng.normal(size=(3, n_sites, M))
    psi = product_state(w) + mixed_in * product_state(other)
    by_sites = np.prod([a @ b for a, b in zip(v, w, strict=True)])
    return bool(np.isclose(np.sum(product_state(v) * psi), by_sites))


@statement(
    "thm-change-of-basis",
    inside=[[[1, 0], [1, 1]], [[2, -1], [3, 5]], [[0, 1], [1, 0]], [[1, 0.9], [0, 1]]],
    outside={"an invertible matrix": [[1, 2], [2, 4]]},
)
def score_survives_the_change(Q):
    Q, rng = np.array(Q, dtype=float), np.random.default_rng(0)
    A, f = rng.normal(size=(2, 2, 2)), rng.normal(size=(3, 2))
    inverse = np.linalg.pinv(Q)
    changed = np.einsum("abc,ai,bj,ck->ijk", A, inverse, inverse, inverse)
    g = f @ Q.T
    before = np.einsum("abc,a,b,c", A, *f)
    return bool(np.isclose(np.einsum("abc,a,b,c", changed, *g), before))


@statement(
    "thm-unique-tensor",
    inside=[
        lambda x: [1, x],
        lambda x: [np.cos(x), np.sin(x)],
        lambda x: [1, x, x * x],
        lambda x: [np.exp(-x * x), np.exp(-((x - 1) ** 2))],
    ],
    outside={"linearly independent": lambda x: [x, 2 * x]},
)
def scores_at_many_points_fix_the_tensor(features):
    points = np.random.default_rng(0).uniform(-1, 1, size=(60, 2))
    table = [np.kron(features(x), features(y)) for x, y in points]
    return bool(np.linalg.matrix_rank(table) == len(table[0]))
