"""Checks of the exercises in the chapter on overlaps and recurrence."""

from collections.abc import Sequence
from math import comb
from typing import Any

from convac_book.answers import counts

from ._feedback import Feedback, check, not_yet, right


@check
def two_boundaries(
    answer: Any,
    n_sites: int = 16,
    local_dim: int = 2,
    depth: int = 3,
    window: int = 2,
    channels: int = 3,
    first: int = 5,
    last: int = 10,
) -> Feedback:
    """Check (straddling, bound) for a block of sites inside a line.

    Examples
    --------
    >>> two_boundaries((3, 24))
    Not yet: the block has two boundaries.
    """
    straddling, bound = counts(answer, 2, "a pair (straddling, bound) of integers")
    reach, size = depth * (window - 1), last - first + 1
    block = set(range(first, last + 1))
    seen = [len(block & set(range(j, j + reach + 1))) for j in range(n_sites - reach)]
    wanted = sum(0 < inside < reach + 1 for inside in seen)
    sides = min(local_dim**size, local_dim ** (n_sites - size))
    if 2 * straddling == wanted or bound == min(sides, channels * local_dim**reach) != min(
        sides, channels * local_dim ** (2 * reach)
    ):
        return not_yet("the block has two boundaries")
    if straddling != wanted:
        return not_yet(
            "a last position sees one site more than the reach; count those that see both sides"
        )
    if bound == channels * local_dim ** (2 * reach) > sides:
        return not_yet("no rank exceeds the smaller side of the matrix")
    if bound != min(sides, channels * local_dim ** (2 * reach)):
        return not_yet("the number of positions is right, the bound is another")
    return right(f"{straddling} positions straddle, the rank is at most {bound}")


@check
def enough_layers(
    answer: Any, n_sites: int = 20, local_dim: int = 2, window: int = 2, channels: int = 6
) -> Feedback:
    """Check (layers, rank_before): the least depth with full rank between the halves.

    Examples
    --------
    >>> enough_layers((10, 512))
    Not yet: fewer layers are enough.
    """
    pair = counts(answer, 2, "a pair (layers, rank_before) of integers")
    full, layers = local_dim ** (n_sites // 2), 0
    while channels * local_dim ** (layers * (window - 1)) < full:
        layers += 1
    before = channels * local_dim ** ((layers - 1) * (window - 1))
    if pair[0] != layers:
        return not_yet(f"{'fewer' if pair[0] > layers else 'more'} layers are enough")
    if pair[1] == full:
        return not_yet("with one layer less the rank is not full")
    if pair[1] != before:
        return not_yet("the depth is right, the rank with one layer less is another")
    return right(f"{layers} layers; with {layers - 1} the rank is {before} of {full}")


@check
def where_depth_two_ends(answer: Any, local_dim: int = 2, channels: int = 5) -> Feedback:
    """Check (N_first, bound): where a recurrent circuit of depth 2 cannot be full any more.

    Examples
    --------
    >>> where_depth_two_ends((7, 3))
    Not yet: an even number of sites is asked for.
    """
    pair = counts(answer, 2, "a pair (N_first, bound) of integers")
    if pair[0] % 2 or pair[0] < 2:
        return not_yet("an even number of sites is asked for")
    n = 1
    while _second_bound(n, local_dim, channels) >= local_dim**n:
        n += 1
    bound, given = _second_bound(n, local_dim, channels), pair[0] // 2
    if given > n:
        return not_yet("a shorter input is already excluded")
    if given < n:
        return not_yet(f"at {pair[0]} sites the theorem still allows full rank")
    if pair[1] == channels * comb(channels + n - 1, n) != bound:
        return not_yet("the length is right; the theorem has a smaller bound for depth 2")
    if pair[1] != bound:
        return not_yet("the length is right, the bound is another")
    return right(f"at {2 * n} sites at most {bound} of {local_dim**n}")


@check
def any_function(
    vector: Any, prime: int = 31, root: int = 6, theta: Sequence[int] = (0, 1, 0, 0, 5, 2)
) -> Feedback:
    """Check that a vector times the characters gives the function `theta`, modulo a prime.

    Examples
    --------
    >>> any_function([0, 1, 0, 0, 5, 2])
    Not yet: those are theta's own values; its Fourier transform is asked for.
    """
    size = len(theta)
    found = counts(vector, size, f"a list of {size} integers")
    if not all(0 <= number < prime for number in found):
        return not_yet(f"residues from 0 to {prime - 1} are asked for")
    values = [
        sum(b * pow(root, c * place % size, prime) for c, b in enumerate(found)) % prime
        for place in range(size)
    ]
    wanted = [value % prime for value in theta]
    if values == wanted:
        return right("every value comes out")
    if found == wanted:
        return not_yet("those are theta's own values; its Fourier transform is asked for")
    if values == [size * value % prime for value in wanted]:
        return not_yet("all values come out M times too large")
    if values == [wanted[-place % size] for place in range(size)]:
        return not_yet("that is the function of minus the sum")
    right_ones = sum(a == b for a, b in zip(values, wanted, strict=True))
    return not_yet(f"{right_ones} of {size} values come out")


def _second_bound(n: int, local_dim: int, channels: int) -> int:
    """Return the smaller of the theorem's two bounds at depth 2, for the last n steps."""
    missing = comb(channels - local_dim + n - 1, n) if channels > local_dim else 0
    return channels * (comb(channels + n - 1, n) - missing)
