"""Checks of the exercises in the chapter on the min-cut bound."""

from collections.abc import Sequence
from math import prod
from typing import Any

from convac_book.answers import count, counts
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut

from ._feedback import Feedback, check, not_yet, right

FIGURE_7 = (
    ("A", "a", 2), ("A", "b", 6), ("A", "b", 6), ("a", "b", 6), ("a", "c", 2), ("a", "d", 10),
    ("b", "e", 6), ("c", "B", 10), ("c", "f", 10), ("d", "f", 2), ("d", "g", 2), ("e", "g", 2),
    ("f", "B", 10), ("g", "B", 10),
)  # fmt: skip


@check
def which_side(severed: Any, with_A: tuple[Any, ...] = ("a", "b")) -> Feedback:
    """Check the weight of the cut of the seven nodes in which those in `with_A` stand with A.

    Examples
    --------
    >>> which_side(18)
    Not yet: dimensions are multiplied, not added.
    """
    answer = count(severed)
    near = {"A", *with_A}
    bonds = [bond for u, v, bond in FIGURE_7 if (u in near) != (v in near)]
    weight = prod(bonds)
    if answer == weight:
        return right(f"{len(bonds)} bonds are severed")
    if answer == sum(bonds):
        return not_yet("dimensions are multiplied, not added")
    if 6 * answer == weight and "b" not in near:
        return not_yet("two bonds join A and b, and both are severed")
    return not_yet(f"it takes {len(bonds)} bonds, and {answer} is not their product")


@check
def most_entangled(most: Any, n_sites: int = 16, M: int = 3, r0: int = 4) -> Feedback:
    """Check the largest minimal cut over all partitions of a line with windows of two.

    Examples
    --------
    >>> most_entangled(9)
    Not yet: some partition has a larger minimal cut than 9.
    """
    answer = count(most, "an exact integer")
    depth = n_sites.bit_length() - 1
    line = Architecture.line(M, (r0, *[2] * (depth - 1)))
    largest = min_cut(line, "AB" * (n_sites // 2)).weight
    if answer == largest:
        return right("and no channel beyond the first layer has a say")
    if answer > largest:
        return not_yet(f"there is a lighter cut than {answer}, whatever the partition")
    return not_yet(f"some partition has a larger minimal cut than {answer}")


@check
def worth_widening(
    worth: Any, widths: tuple[int, ...] = (2, 3, 7, 4, 12), word: str = "ABBBAAAABBABBBAA"
) -> Feedback:
    """Check which of the widths, raised by one alone, make the minimal cut grow.

    Examples
    --------
    >>> worth_widening([2])
    Not yet: raising widths[2] alone leaves the minimal cut as it is.
    """
    places = counts(worth, what="a list of places in widths")
    outside = [place for place in places if not 0 <= place < len(widths)]
    if outside:
        return not_yet(f"places go from 0 to {len(widths) - 1}, got {outside[0]}")
    if places != sorted(set(places)):
        return not_yet(f"each place once, in order, is asked for, got {places}")
    now = _cut(widths, word)
    raised = [[w + (n == place) for n, w in enumerate(widths)] for place in range(len(widths))]
    grows = [_cut(wider, word) > now for wider in raised]
    idle = [place for place in places if not grows[place]]
    if idle:
        return not_yet(f"raising widths[{idle[0]}] alone leaves the minimal cut as it is")
    if len(places) < sum(grows):
        return not_yet("one more width is worth raising")
    return right(f"the minimal cut of {now} grows with these alone")


def _cut(widths: Sequence[int], word: str) -> int:
    return min_cut(Architecture.line(widths[0], tuple(widths[1:])), word).weight
