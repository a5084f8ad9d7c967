"""Which layers can enter a minimal cut between blocks of sites: the paper's rule and its scope.

The chapters on widths and on the two tasks reason with it (Levine et al. 2018,
section 7.3). The tests compare it with :func:`convac_lib.cuts.min_cut`.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from convac_lib._validation import as_int, integer_log
from convac_lib.partitions import PartitionLike, as_word


def block_rule(length: int, window: int = 2) -> int:
    """Return the deepest layer that enters for blocks of `length` sites, by section 7.3.

    The paper's rule: if A and B are made of contiguous blocks of `length` = ξ
    sites, the minimal cut involves only M, r_0, ..., r_l with l = ⌈log_window ξ⌉.

    *Its exact scope.* It is proven, at any offset, if 2ξ divides a power of the
    window; for windows of 2, if ξ is a power of 2. Then every branch of w^(l+1) sites
    spans whole periods and carries the same word of A and B, so all want the
    same side and nothing above is cut. For other ξ it is a rule of thumb: blocks of 3
    sites from site 5 of 16 (A A B B B A A A B B B A A A B B) have r_3 in the minimal cut.
    :func:`deepest_layer` decides for a given partition.

    Examples
    --------
    >>> block_rule(8), block_rule(3)
    (3, 2)
    """
    length = as_int("length", length, minimum=1)
    window = as_int("window", window, minimum=2)
    layer = 0
    while window**layer < length:
        layer += 1
    return layer


class DeepestLayer(NamedTuple):
    """The deepest layer whose width can enter a minimal cut lies in known..possible."""

    known: int
    possible: int


def deepest_layer(partition: PartitionLike, window: int = 2) -> DeepestLayer:
    """Return between which layers the deepest one lies that can enter the minimal cut.

    The width r_l *can enter* if, for some choice of the other widths, the minimal
    cut changes with r_l. M and r_0 always can, and the layers that can are always
    the lowest ones, because of the

    **Criterion.** r_l can enter if and only if, for some widths M, r_0, ..., r_{l-1},
    one branch of w^l sites is strictly cheaper on A's side and another on B's.
    *Proof.* If no branch is cheaper on B's side, all stand with A, nothing above is
    cut, and r_l is idle. If there is one of either kind, take the widths above layer
    l without limit. Then all branches must stand on one side, and one pays, or
    deltas of layer l are cut; r_l = 1 makes that free.

    What is returned is proven by that criterion, and exact where both agree:

    - up to layer `known` there is a witness: with the lower widths without limit, a
      branch wants the side of the majority of its sites, and both majorities occur;
    - no layer above `possible` can enter: there, for every pair of branches, either a
      symmetry of the tree carries the A sites of the first into those of the second,
      so that the second wants A at least as much, or such a symmetry between a
      branch and its own complement shows that it never wants the side in question.

    Parameters
    ----------
    partition : array_like of bool or str
        Of a power of `window` sites; meant for up to a few hundred.
    window : int

    Returns
    -------
    DeepestLayer
        ``(known, possible)``, with ``known <= possible``.

    Examples
    --------
    >>> from convac_lib.partitions import blocks
    >>> deepest_layer(blocks(16, 4))
    DeepestLayer(known=2, possible=2)
    >>> deepest_layer(blocks(16, 3, offset=5))  # although block_rule(3) = 2
    DeepestLayer(known=3, possible=3)
    """
    word = as_word(partition)
    window = as_int("window", window, minimum=2)
    depth = integer_log("the number of sites of partition", len(word), window)
    covers = _covering(window)
    known = possible = 0
    for layer in range(1, depth):
        size = window**layer
        branches = {word[start : start + size] for start in range(0, len(word), size)}
        lean = [2 * branch.count("A") - size for branch in branches]
        if not any(_may_disagree(p, q, covers) for p in branches for q in branches):
            break
        possible = layer
        if min(lean) < 0 < max(lean):
            known = layer
    return DeepestLayer(known, possible)


def _may_disagree(wants_a: str, wants_b: str, covers: Callable[[str, str], bool]) -> bool:
    """Whether it is not excluded that, for some widths, these words want A and B."""
    excluded = (
        covers(wants_b, wants_a)
        or covers(_complement(wants_a), wants_a)
        or covers(wants_b, _complement(wants_b))
    )
    return not excluded


def _complement(word: str) -> str:
    return word.translate(str.maketrans("AB", "BA"))


def _covering(window: int) -> Callable[[str, str], bool]:
    """Return a function that tells if a tree symmetry carries a word's A sites into another's."""

    @cache
    def covers(word: str, other: str) -> bool:
        if word.count("A") < other.count("A"):
            return False
        if len(word) == 1 or word == other:
            return True
        size = len(word) // window
        mine, others = (
            [text[start : start + size] for start in range(0, len(text), size)]
            for text in (word, other)
        )
        fits = csr_array([[covers(branch, child) for child in others] for branch in mine])
        return bool((maximum_bipartite_matching(fits) >= 0).all())

    return covers
