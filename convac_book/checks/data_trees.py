"""Checks of the exercises in the chapter on data that suit a tree."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from convac_book.answers import count, count_set, counts, listed

from ._feedback import Feedback, check, not_yet, right

_WEIGHTS = (
    (0, 1, 5), (1, 4, 6), (4, 6, 4), (0, 6, 3), (2, 3, 7),
    (3, 5, 2), (5, 7, 8), (2, 7, 3), (0, 2, 4), (4, 5, 3),
)  # fmt: skip
_BLOCKS = {
    "the first half": (0, 4),
    "the first pair": (0, 2),
    "the second pair": (2, 4),
    "the third pair": (4, 6),
    "the fourth pair": (6, 8),
}


@check
def couples(ranks: Any, seats: str = "aabcdbcd", colours: int = 3) -> Feedback:
    """Check the ranks of a row of couples across the canonical partitions of eight seats.

    Examples
    --------
    >>> couples([9, 9, 9, 9, 9])
    Not yet: the first pair: count the couples that are parted.
    """
    found = counts(ranks, 5, "a list of five integers")
    wanted = []
    for first, last in _BLOCKS.values():
        inside, outside = set(seats[first:last]), set(seats[:first] + seats[last:])
        wanted.append(colours ** len(inside & outside))
    if found == wanted:
        return right("all five ranks")
    for name, got, rank in zip(_BLOCKS, found, wanted, strict=True):
        if got != rank:
            if colours**got == rank:
                return not_yet(f"{name}: that is the number of parted couples; what does each add?")
            return not_yet(f"{name}: count the couples that are parted")
    raise AssertionError("equal ranks were found above")


@check
def least_cut(half: Any, weights: Sequence[Sequence[int]] = _WEIGHTS) -> Feedback:
    """Check the half with site 0 of the least balanced cut of eight sites.

    Examples
    --------
    >>> least_cut({0, 1, 2, 3})
    Not yet: 14 across; there is a cut with less.
    """
    sites = count_set(half, "a set of four sites")
    if not sites <= set(range(8)) or len(sites) != 4:
        return not_yet("four different sites from 0 to 7 are asked for")
    if 0 not in sites:
        return not_yet("that is the other half; the one with site 0 is asked for")

    def across(part: set[int]) -> int:
        return sum(weight for i, j, weight in weights if (i in part) != (j in part))

    least = min(across({0, *others}) for others in combinations(range(1, 8), 3))
    if across(sites) > least:
        return not_yet(f"{across(sites)} across; there is a cut with less")
    return right(f"{least} across, and no cut has less")


@check
def grammar_widths(
    answer: Any, symbols: int = 4, productions: Sequence[int] = (3, 1, 2, 4)
) -> Feedback:
    """Check (widths, bound) of the network that equals a hierarchy.

    Examples
    --------
    >>> grammar_widths(((12, 4, 8, 16), 3))
    Not yet: layers are counted from the leaves, productions from the root.
    """
    widths, bound = listed(answer, 2, "a pair (widths, bound)")
    found = counts(widths, len(productions), f"a list of {len(productions)} widths")
    bound = count(bound, "an integer as the bound")
    wanted = [symbols * many for many in productions[::-1]]
    if found == wanted[::-1] != wanted:
        return not_yet("layers are counted from the leaves, productions from the root")
    for layer, (got, width) in enumerate(zip(found, wanted, strict=True)):
        if got != width:
            off = "few" if got < width else "many"
            return not_yet(f"layer {layer} has too {off} channels for the construction")
    if bound == min(productions[0], symbols):
        return right("one channel for each production of each symbol")
    if bound == symbols * productions[0]:
        return not_yet("that is the width of the last layer; one class has one root")
    return not_yet("the widths are right, the bound of the halves is another")
