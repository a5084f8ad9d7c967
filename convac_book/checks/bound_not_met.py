"""Checks of the exercises in the chapter on networks that miss their minimal cut."""

from fractions import Fraction
from typing import Any

from convac_book.answers import count, count_table, counts, fraction

from ._feedback import Feedback, check, not_yet, right


@check
def spaces_that_meet(gap: Any, local_dim: int = 3, r0: int = 4) -> Feedback:
    """Check (rank, cut) of the network with two pairs of subspaces of dimension `local_dim`.

    Examples
    --------
    >>> spaces_that_meet((18, 16))
    Not yet: the rank is too large: the two products of subspaces share some directions.
    """
    rank, cut = counts(gap, 2, "a pair of integers (rank, cut)")
    products, common = 2 * local_dim**2, 2 * local_dim - r0
    wanted, least = products - common**2, min(products, r0**2)
    if (rank, cut) == (least, wanted):
        return not_yet("rank and cut are exchanged")
    if cut != least:
        size = "large: there is a cheaper cut" if cut > least else "small: nothing so cheap cuts"
        return not_yet(f"the cut is too {size}")
    if rank == products - common != wanted:
        return not_yet("that takes away the common part of one factor, not of the product")
    if rank > wanted:
        return not_yet("the rank is too large: the two products of subspaces share some directions")
    if rank < wanted:
        return not_yet("the rank is too small: generic subspaces share fewer directions")
    return right(f"no weights give more than {rank}, and the cut is {cut}")


@check
def tiles_of_a_join(blocks: Any, rank: Any, m: int = 9, n: int = 14) -> Feedback:
    """Check the blocks {epsilon: number} of a generic m x n pencil, and the rank of its join.

    Examples
    --------
    >>> tiles_of_a_join({9: 5}, 126)
    Not yet: the sizes of the blocks add up to 45, not to m = 9.
    """
    held = {size: times for size, times in count_table(blocks).items() if times}
    rank = count(rank)
    number = sum(held.values())
    if number != n - m:
        return not_yet(f"there are {number} blocks; n - m = {n - m} are needed")
    total = sum(size * count for size, count in held.items())
    if total != m:
        return not_yet(f"the sizes of the blocks add up to {total}, not to m = {m}")
    if min(held) < 0 or min(held.values()) < 0:
        return not_yet("sizes and numbers of blocks are not negative")
    if max(held) - min(held) > 1:
        return not_yet("almost every pencil has blocks whose sizes differ by at most one")
    wanted = sum(min(p * (q + 1), (p + 1) * q) * held[p] * held[q] for p in held for q in held)
    if rank == m * n:
        return not_yet("the blocks are right, but tiles that are not square lose something")
    if rank == 2 * wanted - m * n:
        return not_yet("lost rows and lost columns are not both to be taken away")
    if rank != wanted:
        return not_yet(f"the blocks are right, but their tiles do not have rank {rank} together")
    return right(f"the blocks are {held}, and the join loses {m * n - wanted}")


@check
def worst_pencil(worst: Any, largest: int = 20) -> Feedback:
    """Check the largest fraction of the cut that the join of a pencil with n <= largest loses.

    Examples
    --------
    >>> worst_pencil(Fraction(1, 15))
    Not yet: some pencil loses a larger fraction.
    """
    worst = fraction(worst)
    best = max(
        Fraction((m % (n - m)) * (n - m - m % (n - m)), m * n)
        for n in range(2, largest + 1)
        for m in range((n + 1) // 2, n)
    )
    if worst == 1 - best:
        return not_yet("that is the fraction that is kept")
    if worst > best:
        return not_yet("no pencil with m < n <= 2 m and such an n loses so much")
    if worst < best:
        return not_yet("some pencil loses a larger fraction")
    return right(f"{worst} of the cut, about {100 * float(worst):.2f} %")
