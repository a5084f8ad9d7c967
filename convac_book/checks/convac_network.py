"""Checks of the exercises in the chapter on the tensor network of a ConvAC."""

from typing import Any

import numpy as np

from convac_book.answers import array, count, einsum_words, listed, near
from convac_lib.architecture import Architecture
from convac_lib.decompositions import coefficients_tensor, random_weights

from ._feedback import Feedback, check, not_yet, right


@check
def letters_only(formula: Any, order: tuple[int, ...] = (2, 0, 6, 1, 3, 5, 4)) -> Feedback:
    """Check the einsum formula of a four-site ConvAC whose seven matrices come in `order`.

    Examples
    --------
    >>> letters_only("ma,mb->ab")
    Not yet: 7 words are asked for before the arrow, got 2.
    """
    words = einsum_words(formula, 7)
    network = Architecture.line(local_dim=2, channels=(3, 4), n_outputs=5)
    weights = random_weights(network, seed=0, integers=9)
    matrices = [*weights[0], *weights[1], weights[2]]
    try:
        tensor = np.einsum(words, *(matrices[k] for k in order), optimize=True)
    except ValueError:
        return not_yet("einsum refuses it: does each word fit the axes of its matrix?")
    true = coefficients_tensor(network, weights)
    if tensor.shape != true.shape:
        return not_yet(f"the result must have axes (Y, d1, d2, d3, d4), got shape {tensor.shape}")
    if not np.array_equal(tensor, true):
        return not_yet("the axes are right and the tensor is not: which matrices share a letter?")
    return right("one letter for each copy tensor, and einsum does the rest")


def web(seed: int) -> list[tuple[int, int]]:
    """Return the bonds of a closed network of copy tensors, as pairs of node numbers.

    Examples
    --------
    >>> bonds = web(seed=3)
    >>> len({node for pair in bonds for node in pair}) > 100
    True
    """
    rng = np.random.default_rng(seed)
    pairs, start = [], 0
    for size in rng.integers(12, 31, size=rng.integers(6, 10)).tolist():
        # A random tree, and a few loops.
        tree = [(int(rng.integers(node)), node) for node in range(1, size)]
        loops = [tuple(rng.choice(size, 2, replace=False).tolist()) for _ in range(size // 4)]
        pairs += [(start + i, start + j) for i, j in tree + loops]
        start += size
    names = rng.permutation(start).tolist()
    shuffled = [pairs[k] for k in rng.permutation(len(pairs))]
    return [(names[i], names[j]) for i, j in shuffled]


@check
def web_of_copies(value: Any, seed: int = 3, bond: int = 5) -> Feedback:
    """Check the value of the web of `seed` with bonds of dimension `bond`.

    Examples
    --------
    >>> web_of_copies(5)
    Not yet: 5 is the value of a connected web, and this one has more pieces.
    """
    answer = count(value)
    pairs = web(seed)
    pieces = _count_pieces(pairs)
    if answer == bond**pieces:
        return right(f"{pieces} pieces, and each is worth {bond}")
    if answer == bond:
        return not_yet(f"{bond} is the value of a connected web, and this one has more pieces")
    if answer == bond * pieces:
        return not_yet("separate pieces of a network multiply, they do not add")
    nodes = len({node for pair in pairs for node in pair})
    if answer in (bond**nodes, bond ** len(pairs)):
        return not_yet("that counts settings in which the legs of a copy tensor disagree")
    return not_yet("the web has another value")


@check
def dense_joint(imitation: Any, seed: int = 3, local_dim: int = 3) -> Feedback:
    """Check (left, right, mix), matrices of a ConvAC that form the joint T of the exercise.

    Examples
    --------
    >>> dense_joint(([[1]], [[1]]))
    Not yet: a triple of matrices (left, right, mix) is asked for, got 2 of them.
    """
    three = listed(imitation, 3, "a triple of matrices (left, right, mix)")
    left, right_, mix = (array(matrix, (None, None)) for matrix in three)
    joint = np.random.default_rng(seed).normal(size=(4, local_dim, local_dim))
    channels = len(left)
    wanted = {
        "left": (left.shape, (channels, local_dim)),
        "right": (right_.shape, (channels, local_dim)),
        "mix": (mix.shape, (4, channels)),
    }
    for name, (got, shape) in wanted.items():
        if got != shape:
            return not_yet(
                f"{name} must have shape {shape}, as left has {channels} rows; got {got}"
            )
    if channels > local_dim**2:
        return not_yet(f"r0 = {channels} is more than M^2 = {local_dim**2}")
    formed = np.einsum("gk,ka,kb->gab", mix, left, right_)
    if near(formed, joint, within=1e-6):
        return right(f"a ConvAC with r0 = {channels} forms the joint")
    if near(formed, joint.transpose(0, 2, 1), within=1e-6):
        return not_yet("left and right are exchanged")
    wrong = int(np.sum(abs(formed - joint) > 1e-6))
    return not_yet(f"{wrong} of the {joint.size} entries are not those of T")


def _count_pieces(pairs: Any) -> int:
    parent = {node: node for pair in pairs for node in pair}

    def root(node: Any) -> Any:
        while parent[node] != node:
            node = parent[node]
        return node

    for i, j in pairs:
        parent[root(i)] = root(j)
    return sum(parent[node] == node for node in parent)
