"""A ConvAC is a tensor network."""

from itertools import permutations

import numpy as np

from .by_hand import copy_tensor, rank
from .frame import statement


@statement(
    "prop-copy-fuse",
    inside=[("abx,xcd->abcd", 3), ("axy,xyb->ab", 4), ("axyz,xyz->a", 2), ("xy,xya->a", 3)],
    outside={"at least one leg is open": ("xy,xy->", 3)},
)
def two_are_one(formula, bond):
    words, result = formula.split("->")
    first, second = words.split(",")
    joined = np.einsum(formula, *(copy_tensor(len(w), bond).astype(int) for w in (first, second)))
    one = copy_tensor(len(result), bond) if result else np.array(1)
    return bool(np.array_equal(joined, one.astype(int)))


@statement(
    "prop-no-copying",
    inside=[(seed, "any vector") for seed in range(5)],
    outside={"all vectors": (0, "basis vectors")},
)
def it_fails_to_copy(seed, which):
    rng = np.random.default_rng(seed)
    T = copy_tensor(3, 2).astype(float) if seed == 0 else rng.normal(size=(2, 2, 2))
    vectors = np.eye(2) if which == "basis vectors" else [v := rng.normal(size=2), 2 * v]
    copied = [np.allclose(np.einsum("abc,a->bc", T, u), np.outer(u, u)) for u in vectors]
    return not all(copied)


@statement(
    "thm-convac-tree",
    inside=[(seed, "copy") for seed in range(4)],
    outside={"windows are copy tensors": (0, "general")},
)
def contracting_is_the_forward_pass(seed, joint):
    rng = np.random.default_rng(seed)
    W, U, dense = (rng.integers(-4, 5, size=s) for s in ((4, 3, 2), (2, 5, 3), (2, 5)))
    low, top = copy_tensor(3, 3).astype(int), copy_tensor(3, 5).astype(int)
    if joint == "general":
        low = rng.integers(-4, 5, size=low.shape)
    v = rng.integers(-4, 5, size=(4, 2))
    network = np.einsum(
        "pa,qb,rc,sd,pqm,rsn,um,vn,uvt,yt,a,b,c,d->y",
        *W, low, low, *U, top, dense, *v, optimize=True,
    )  # fmt: skip
    z = np.einsum("joi,ji->jo", W, v)
    z = np.einsum("joi,ji->jo", U, z[::2] * z[1::2])
    return bool(np.array_equal(network, dense @ (z[0] * z[1])))


@statement(
    "prop-count-once",
    inside=[(seed, K, "copy") for seed in range(2) for K in (2, 3)],
    outside={"the node is a copy tensor": (0, 3, "general")},
)
def legs_count_once(seed, K, kind):
    rng = np.random.default_rng(seed)
    matrices = rng.integers(-9, 10, size=(4, K, 2))
    core = copy_tensor(4, K).astype(int)
    if kind == "general":
        core = rng.integers(-9, 10, size=core.shape)
    A = np.einsum("klmn,ka,lb,mc,nd->acbd", core, *matrices, optimize=True)  # 1, 3 against 2, 4
    return rank(A.reshape(4, 4)) <= K


def formed(W, a, b):
    return np.einsum("gk,ka,kb->gab", W, a, b)


@statement(
    "prop-joint",
    inside=[(seed, M, M * M) for seed in range(3) for M in (2, 3)],
    outside={"r_0 at least the CP rank": (0, 2, 1)},
)
def general_joint_with_enough_channels(seed, M, r0):
    T = np.random.default_rng(seed).normal(size=(4, M, M))
    left = np.repeat(np.eye(M), M, axis=0)[:r0]
    right = np.tile(np.eye(M), (M, 1))[:r0]
    fitted = np.linalg.lstsq(
        np.einsum("ka,kb->abk", left, right).reshape(M * M, r0), T.reshape(4, -1).T, rcond=None
    )[0].T
    return bool(np.allclose(formed(fitted, left, right), T))


@statement(
    "prop-joint",
    inside=[(seed, M, M) for seed in range(3) for M in (2, 3)],
    outside={"r_0 = M": (0, 2, 4), "r_0 = M, three features": (0, 3, 4)},
)
def narrow_joints_commute(seed, M, r0):
    rng = np.random.default_rng(seed)
    X = formed(rng.normal(size=(3, r0)), *rng.normal(size=(2, r0, M)))
    first, second = np.linalg.solve(X[0], X[1:])
    return bool(np.allclose(first @ second, second @ first, atol=1e-8))


def monomial(seed, n, K=3):
    rng = np.random.default_rng(seed)
    P = np.eye(K)[rng.permutation(K)]
    D = rng.uniform(0.5, 2, size=(n, K))
    D[-1] = 1 / D[:-1].prod(axis=0)
    return [np.diag(d) @ P for d in D]


def turned(seed, n, K=3):
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(K, K)))[0]
    return [Q] * n


def orders_that_differ(seed, n, K=3):
    return [np.eye(K)[list(p)] for p in list(permutations(range(K)))[:n]]


def scales_that_do_not_cancel(seed, n, K=3):
    return [2 * np.eye(K), *[np.eye(K)] * (n - 1)]


@statement(
    "prop-copy-gauge",
    inside=[
        (make, seed, n)
        for make in (monomial, turned, orders_that_differ, scales_that_do_not_cancel)
        for seed, n in ((0, 3), (1, 4))
    ],
    outside={"at least three legs": (turned, 0, 2)},
)
def unchanged_exactly_if_monomial(make, seed, n):
    X = make(seed, n)
    letters = "abcd"[:n]
    formula = letters + "," + ",".join(f"{x}{x.upper()}" for x in letters)
    changed = np.einsum(formula + "->" + letters.upper(), copy_tensor(n, 3).astype(float), *X)
    supports = [abs(x) > 1e-12 for x in X]
    one_order = all(
        np.array_equal(s, supports[0]) and (s.sum(axis=0) == 1).all() and (s.sum(axis=1) == 1).all()
        for s in supports
    )
    scales = np.prod([x.sum(axis=1) for x in X], axis=0)
    claimed = one_order and bool(np.allclose(scales, 1))
    return bool(np.allclose(changed, copy_tensor(n, 3).astype(float))) == claimed
