"""Minimal cuts as formulas, and which layers can enter one.

These are the formulas a designer reasons with (Levine et al. 2018, section 7.3 and
7.4): how far apart the correlated sites are says which layers must be wide. Each
holds for every choice of widths; the tests compare them with
:func:`convac_lib.cuts.min_cut`.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from ._validation import as_int, integer_log
from .partitions import as_partition, as_word

# --- formulas -----------------------------------------------------------------------------


def left_right_cut(architecture):
    """Return the minimal cut between the first and the second half of the sites (eq. 16).

    With windows of 2 it is

        min( r_{L-1}, r_{L-2}, ..., r_l^(2^(L-2-l)), ..., r_0^(N/4), M^(N/2) ):

    a cut through layer l severs every delta of one half, which is one for each of
    the 2^(L-1-l) / 2 windows there. Only the top layer is different: its single delta
    belongs to both halves and is severed once, so r_{L-1} has the exponent 1 (the
    general term would say 1/2). For a window w, even, half of the top's w branches are
    in A, and r_l has the exponent w^(L-1-l) / 2.

    Raises
    ------
    ValueError
        If the window is odd: no half of the sites is then made of whole branches.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> left_right_cut(Architecture.line(local_dim=2, channels=(2, 3, 9)))
    3
    """
    _require_even_window(architecture)
    *lower, top = architecture.channels
    weights = [top, architecture.local_dim ** (architecture.n_sites // 2)]
    for layer, width in enumerate(lower):
        weights.append(width ** (architecture.locations(layer + 1) // 2))
    return min(weights)


def interleaved_cut(architecture):
    """Return the minimal cut of a partition with half of every window in A.

    Such as A B A B ..., or a chessboard under 2x2 windows. With N / w windows

        min( r_0^(N/w), M^(N/2) ),

    that is min(r_0, M)^(N/2) for windows of 2, and min(r_0^(N/4), M^(N/2)) for 2x2
    windows. No branch prefers a side, so the layers above never enter.

    Eq. 17 prints the second form for the network with windows of 2, for which the
    first one is right (and agrees with Theorem 1 of Cohen, Sharir, Shashua 2016).

    Raises
    ------
    ValueError
        If the window is odd.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> interleaved_cut(Architecture.line(local_dim=3, channels=(3, 3, 3)))
    81
    """
    _require_even_window(architecture)
    windows = architecture.n_sites // architecture.window
    half = architecture.n_sites // 2
    return min(architecture.channels[0] ** windows, architecture.local_dim**half)


def block_cuts(architecture):
    """Return for each level the minimal cut of one mixed window, between blocks of w^j sites.

    With window^j sites to a block, alternately in A and in B, half of every window of
    layer j is on either side, and the minimal cut of all sites is this number to the
    power N / w^(j+1): the theorem on aligned blocks of the chapter on widths, exact ints.

    Raises
    ------
    ValueError
        If the window is odd.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> block_cuts(Architecture.line(local_dim=2, channels=(3, 5, 6)))
    [2, 3, 5]
    """
    window = architecture.window
    _require_even_window(architecture)
    cuts, pure = [], architecture.local_dim
    for width in architecture.channels:
        cuts.append(min(width, pure ** (window // 2)))
        pure = min(width, pure**window)
    return cuts


def shallow_cut(architecture, partition):
    """Return the minimal cut of a network with one hidden layer of K channels (section 7.4).

    min( M^min(|A|, |B|), K ) for every partition: to match a deep network, K must
    grow exponentially with the number of sites.

    Raises
    ------
    ValueError
        If the architecture has more than one layer.

    Examples
    --------
    >>> from convac_lib import Architecture
    >>> shallow_cut(Architecture.shallow(8, local_dim=2, channels=20), "ABABABAB")
    16
    """
    if architecture.depth != 1:
        raise ValueError(
            f"architecture must have one hidden layer, got {architecture.depth} of them"
        )
    in_a = np.count_nonzero(as_partition(partition, architecture.n_sites))
    smaller = int(min(in_a, architecture.n_sites - in_a))
    return min(architecture.local_dim**smaller, architecture.channels[0])


def _require_even_window(architecture):
    if architecture.window % 2:
        raise ValueError(
            f"architecture must have an even window, got window={architecture.window}"
        )


# --- which layers can enter ---------------------------------------------------------------


def block_rule(length, window=2):
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


def deepest_layer(partition, window=2):
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


def _may_disagree(wants_a, wants_b, covers):
    """Whether it is not excluded that, for some widths, these words want A and B."""
    excluded = (
        covers(wants_b, wants_a)
        or covers(_complement(wants_a), wants_a)
        or covers(wants_b, _complement(wants_b))
    )
    return not excluded


def _complement(word):
    return word.translate(str.maketrans("AB", "BA"))


def _covering(window):
    """Return a function: does a tree symmetry carry the A sites of a word into another's?"""

    @cache
    def covers(word, other):
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
