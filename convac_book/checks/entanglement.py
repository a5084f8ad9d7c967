"""Checks of the exercises in the chapter on entanglement."""

from typing import Any

import numpy as np

from convac_book.answers import counts, near, number
from convac_lib.partitions import as_partition

from ._feedback import Feedback, check, not_yet, right


@check
def matricize_by_hand(place: Any, word: str = "BAAB", number: int = 11) -> Feedback:
    """Check the row and column where `number` stands in the matricized numbers 0 to 2^N − 1.

    Examples
    --------
    >>> matricize_by_hand((3, 1), "BAAB", 11)
    Not yet: the row is the one of another number.
    """
    row, column = counts(place, 2, "a pair of integers (row, column)")
    sides = as_partition(word)
    digits = [(number >> s) & 1 for s in reversed(range(sides.size))]  # d_1 first
    rows, columns = 2 ** int(sides.sum()), 2 ** int((~sides).sum())
    if not (0 <= row < rows and 0 <= column < columns):
        return not_yet(f"the matrix for {word} has {rows} rows and {columns} columns, from 0")
    for name, found, side in [("row", row, sides), ("column", column, ~sides)]:
        in_order = [d for d, chosen in zip(digits, side, strict=True) if chosen]
        if found != int("".join(map(str, in_order)), 2):
            return not_yet(f"the {name} is the one of another number")
    return right(f"{number} stands in row {row}, column {column}")


@check
def w_state_entropy(w_entropy: Any, n_sites: int = 100, in_a: int = 30) -> Feedback:
    """Check the entanglement entropy of a W state, in nats.

    Examples
    --------
    >>> w_state_entropy(-0.1)
    Not yet: an entropy is not negative.
    """
    found = number(w_entropy)
    p = in_a / n_sites
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    if near(found, entropy, within=0.001):
        return right(f"the entropy is {entropy:.4f} nats")
    if found < 0:
        return not_yet("an entropy is not negative")
    if near(found, entropy / np.log(2), within=0.001):
        return not_yet("that is the entropy in bits, and nats are asked for")
    if found > np.log(2) + 1e-3:
        return not_yet("with two Schmidt values the entropy is at most ln 2")
    return not_yet(f"{found:.4f} nats is not the entropy of this partition")


def paired_state(seed: int) -> np.ndarray:
    """Return eight sites in four Bell pairs, each site turned by an angle: shape (2,) * 8.

    Examples
    --------
    >>> paired_state(seed=3).shape
    (2, 2, 2, 2, 2, 2, 2, 2)
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(8)  # its neighbours form the pairs
    state = np.ones(())
    for angle in rng.uniform(0, 2 * np.pi, 4):
        # Turning both sites of a Bell pair is the same as turning one by the difference.
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        state = np.multiply.outer(state, turned / np.sqrt(2))
    return state.transpose(np.argsort(order))


@check
def hidden_pairs(partners: Any, seed: int = 3) -> Feedback:
    """Check who is paired with whom in the state of `seed`.

    Examples
    --------
    >>> hidden_pairs([1, 0, 3, 2])
    Not yet: a list of eight site numbers is asked for, got 4 of them.
    """
    partners = _paired(partners)
    if isinstance(partners, Feedback):
        return partners
    order = np.random.default_rng(seed).permutation(8)
    true = {int(i): int(j) for i, j in zip(order, order.reshape(4, 2)[:, ::-1].flat, strict=True)}
    found = sum(true[i] == j for i, j in enumerate(partners)) // 2
    if found < 4:
        return not_yet(f"{found} of your 4 pairs are pairs")
    return right("all four pairs are found")


def _paired(answer: Any) -> Any:
    """Return the answer as a list of four pairs, or the verdict if it is none."""
    partners = counts(answer, 8, "a list of eight site numbers")
    for site, partner in enumerate(partners):
        if not 0 <= partner < 8:
            return not_yet(f"sites are numbered from 0 to 7, and site {site} has partner {partner}")
        if partner == site:
            return not_yet(f"site {site} cannot be its own partner")
        if partners[partner] != site:
            return not_yet(f"site {site} has partner {partner}, but not the other way round")
    return partners
