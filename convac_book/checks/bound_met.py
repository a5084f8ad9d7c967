"""Checks of the exercises in the chapter on when the bound is met."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from convac_book.answers import counts, listed, near, number
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut
from convac_lib.partitions import as_word

from ._feedback import Feedback, check, not_yet, right


@check
def two_paths(paths: Any, word: str = "ABBA") -> Feedback:
    """Check two paths from A to B that share no strand: four sites, M = 2, r_0 = r_1 = 4.

    Examples
    --------
    >>> two_paths([[(0, 0, 0), (1, 0, 0), (0, 1, 0)]])
    Not yet: a list of two paths is asked for, got 1 of them.
    """
    word = as_word(word)
    laid = [
        [tuple(counts(strand, 3, "a strand (level, place, digit)")) for strand in listed(path)]
        for path in listed(paths, 2, "a list of two paths")
    ]
    for path in laid:
        fault = _fault(path, word)
        if fault:
            return not_yet(fault)
    shared = set(laid[0]) & set(laid[1])
    if shared:
        return not_yet(f"both paths use the strand {min(shared)}")
    return right("the weights along these paths have rank 4")


def _fault(path: Any, word: str) -> str | None:
    """Say what is wrong with one path, or None."""
    strands = {(0, k, 0) for k in range(4)} | {(2, 0, 0), (2, 0, 1)}
    strands |= {(1, k, digit) for k in (0, 1) for digit in (0, 1)}
    for strand in path:
        if strand not in strands:
            return f"this network has no strand {strand}"
    for step in pairwise(path):
        (low, place, _), (high, above, _) = sorted(step)
        if (high, above) != (low + 1, place // 2):
            return f"no matrix joins {step[0]} and {step[1]}"
    if len({strand[:2] for strand in path}) < len(path):
        return "a path meets the same site or copy tensor twice"
    if not path or path[0][0] or path[-1][0]:
        return "a path begins and ends at a site, on level 0"
    if (word[path[0][1]], word[path[-1][1]]) != ("A", "B"):
        return "a path begins in A and ends in B"
    return None


@check
def how_lucky(luck: Any, q: int = 5) -> Feedback:
    """Check the probability that ten weights modulo q give the full rank of 2.

    Examples
    --------
    >>> how_lucky(0.768)
    Not yet: that is the probability for one of the factors, or for some of them.
    """
    answer = number(luck, "a probability")
    dense, site = (1 - 1 / q) ** 2, (1 - 1 / q) * (1 - 1 / q**2)
    if near(answer, dense * site**2, within=0.0001):
        return right("and near 1 for a large prime")
    if any(near(answer, part, within=0.0001) for part in (dense, site, dense * site, site**2)):
        return not_yet("that is the probability for one of the factors, or for some of them")
    if not 0 <= answer <= 1:
        return not_yet(f"a probability lies between 0 and 1, got {answer}")
    if answer > dense * site**2:
        return not_yet("it is less likely than that")
    return not_yet("it is likelier than that")


@check
def two_bases(
    twos: Any, threes: Any, case: tuple[Any, ...] = ((6, 6, 12, 3), "BBBAAAAA")
) -> Feedback:
    """Check factors, powers of 2 and of 3, whose two cuts multiply to the minimal cut.

    Examples
    --------
    >>> two_bases([4, 4, 8, 2], [1, 1, 1, 1])
    Not yet: the two cuts multiply to 8, and the minimal cut is 18.
    """
    widths, word = case
    twos, threes = (
        counts(factors, len(widths), f"a list of {len(widths)} factors, one for each width,")
        for factors in (twos, threes)
    )
    for base, factors in ((2, twos), (3, threes)):
        for factor in factors:
            if not _is_power(factor, base):
                return not_yet(f"{factor} is not a power of {base}")
    for a, b, width in zip(twos, threes, widths, strict=True):
        if a * b > width:
            return not_yet(f"{a} times {b} does not fit into the width {width}")
    reached = _cut(twos, word) * _cut(threes, word)
    cut = _cut(widths, word)
    if reached < cut:
        return not_yet(f"the two cuts multiply to {reached}, and the minimal cut is {cut}")
    return right(f"{_cut(twos, word)} times {_cut(threes, word)} is the minimal cut {cut}")


def _is_power(factor: float, base: Any) -> bool:
    while factor > 1 and factor % base == 0:
        factor //= base
    return factor == 1


def _cut(widths: Sequence[int], word: str) -> int:
    return min_cut(Architecture.line(widths[0], tuple(widths[1:])), word).weight
