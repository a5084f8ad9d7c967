"""Checks of the exercises in the chapter on diagrams."""

from typing import Any

import numpy as np

from convac_book.answers import array, count, listed, near, number

from ._feedback import Feedback, check, not_yet, right


@check
def fewest_multiplications(fewest: Any, sizes: tuple[int, ...] = (40, 5, 60, 8)) -> Feedback:
    """Check the least number of multiplications for a product of three matrices.

    Examples
    --------
    >>> fewest_multiplications(96_000)
    Not yet: 96000 is one for each setting of all four legs: contract two nodes at a time.
    """
    answer = count(fewest)
    p, q, r, s = sizes
    steps = (p * q * r, p * r * s), (q * r * s, p * q * s)
    costs = [sum(order) for order in steps]
    if answer == min(costs):
        return right(f"the other order takes {max(costs):,}")
    if answer == max(costs):
        return not_yet(f"{answer} is right for one order, and the other is cheaper")
    if answer in (p * q * r * s, 2 * p * q * r * s):
        return not_yet(
            f"{answer} is one for each setting of all four legs: contract two nodes at a time"
        )
    if answer in (step for order in steps for step in order):
        return not_yet(f"{answer} is one step of an order, and each order has two")
    return not_yet(f"neither order takes {answer}")


@check
def sum_as_chain(
    chain: Any, slopes: tuple[int, ...] = (2, -1, 3, 5, -4), constant: int = 7
) -> Feedback:
    """Check a matrix product state that scores constant + Σ slopes_j x_j with features 1, x.

    Examples
    --------
    >>> sum_as_chain([[[[5]], [[3]]]], slopes=[3], constant=5)
    Not yet: node 0 must have shape (left, 2, right), got (2, 1, 1).
    """
    nodes = _as_chain(chain, len(slopes))
    if isinstance(nodes, Feedback):
        return nodes
    widest = max(node.shape[2] for node in nodes)
    if widest > 2:
        return not_yet(f"a bond has dimension {widest}, and no more than 2 is needed")
    tensor = nodes[0]
    for node in nodes[1:]:
        tensor = np.tensordot(tensor, node, axes=1)
    tensor = tensor[0, ..., 0]
    for place in np.ndindex(tensor.shape):
        chosen = [slope for slope, d in zip(slopes, place, strict=True) if d]
        if abs(tensor[place] - _entry_of_sum(chosen, constant)) > 1e-6:
            return not_yet(_what_is_off(chosen, place))
    return right(f"the chain scores the sum, with bonds of at most {widest}")


def two_chains(seed: int) -> list[list[np.ndarray]]:
    """Return two matrix product states of 64 sites, M = 2, bonds 4: lists of (left, 2, right).

    Examples
    --------
    >>> first, second = two_chains(seed=3)
    >>> len(first), first[0].shape, second[1].shape
    (64, (1, 2, 4), (4, 2, 4))
    """
    rng = np.random.default_rng(seed)
    bonds = [1, *[4] * 63, 1]
    return [[rng.normal(size=(bonds[j], 2, bonds[j + 1])) / 2 for j in range(64)] for _ in range(2)]


@check
def ladder(overlap: Any, seed: int = 3) -> Feedback:
    """Check the inner product of the two chains of `seed`.

    Examples
    --------
    >>> ladder("large")
    Not yet: one finite number is asked for, got 'large'.
    """
    answer = number(overlap, "one finite number")
    first, second = two_chains(seed)
    true = _inner_product(first, second)
    if near(answer, true, percent=0.0001):
        return right(f"the two states have the inner product {true:.6e}")
    for chain in (first, second):
        if near(answer, _inner_product(chain, chain), percent=0.0001):
            return not_yet("that is the inner product of one of the states with itself")
    if near(-answer, true, percent=0.0001):
        return not_yet("the size is right and the sign is not")
    return not_yet("the ladder has another value")


def _inner_product(first: Any, second: Any) -> Any:
    X = np.ones((1, 1))
    for upper, lower in zip(first, second, strict=True):
        X = np.einsum("ab,adc,bde->ce", X, upper, lower, optimize=True)
    return X[0, 0]


def _entry_of_sum(chosen: Any, constant: Any) -> Any:
    """Return the amplitude before the product of the x of some sites, with their slopes."""
    return constant if not chosen else chosen[0] if len(chosen) == 1 else 0


def _what_is_off(chosen: Any, place: Any) -> str:
    if not chosen:
        return "with all pixels 0 the chain does not score the constant"
    if len(chosen) == 1:
        return f"the slope of site {place.index(1)}, counted from 0, is not right"
    return "the score holds a product of pixels, and a sum has none"


def _as_chain(answer: Any, length: int) -> Any:
    """Return the answer as a list of float arrays that fit together, or the verdict."""
    nodes = [array(node) for node in listed(answer, length, f"a list of {length} nodes")]
    bond = 1
    for j, node in enumerate(nodes):
        if node.ndim != 3 or node.shape[1] != 2:
            return not_yet(f"node {j} must have shape (left, 2, right), got {node.shape}")
        if node.shape[0] != bond:
            return not_yet(f"node {j} must have left dimension {bond}, got {node.shape[0]}")
        bond = node.shape[2]
    if bond != 1:
        return not_yet(f"the last node must have right dimension 1, got {bond}")
    return nodes
