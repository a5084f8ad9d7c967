"""Two tasks."""

import numpy as np

from .frame import statement


@statement(
    "prop-block-on-a-ring",
    inside=[(8, 2), (9, 4), (12, 5), (16, 8)],
    outside={"n is at least 2 D": (8, 6)},
)
def connected_correlation_of_a_block(n, D):
    places = np.array([np.roll(np.arange(n) < D, s) for s in range(n)]).astype(float)
    c = places.T @ places / n - np.outer(places.mean(0), places.mean(0))
    wanted = [max(D - d, 0) / n - D**2 / n**2 for d in range(n // 2 + 1)]
    return bool(np.allclose(c[0, : n // 2 + 1], wanted))


@statement(
    "prop-small-angle",
    inside=[(seed, 0.02, "binary") for seed in range(3)] + [(3, 0.02, "grey")],
    outside={"theta tends to 0": (0, 1.2, "binary")},
)
def shares_tend_to_squared_singular_values(seed, theta, kind):
    rng = np.random.default_rng(seed)
    common = rng.random((40, 1))
    x = np.concatenate([common + rng.random((40, 3)) for _ in range(2)], axis=1) / 2
    if kind == "binary":
        x = (x > 0.5) * 1.0
    sides = [np.ones((40, 1)), np.ones((40, 1))]
    for j in range(6):  # the states of both sides, written out
        f = np.stack([np.cos(theta * x[:, j]), np.sin(theta * x[:, j])], axis=1)
        side = j // 3
        sides[side] = np.einsum("ni,nj->nij", sides[side], f).reshape(40, -1)
    s = np.linalg.svd(sides[0].T @ sides[1] / 40, compute_uv=False) ** 2
    p = s / s.sum()
    c = x.T @ x / 40 - np.outer(x.mean(0), x.mean(0))
    limit = np.linalg.svd(c[:3, 3:], compute_uv=False) ** 2
    found = p[1:4] / theta**4
    return bool(
        np.allclose(found, limit, rtol=0.1, atol=1e-4)
        and np.isclose((1 - p[0]) / theta**4, limit.sum(), rtol=0.1)
    )
