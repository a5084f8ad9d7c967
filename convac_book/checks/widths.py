"""Checks of the exercises in the chapter on widths and what they hold."""

from typing import Any

from convac_book.answers import count, count_set, counts
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut, min_cut_weight
from convac_lib.partitions import blocks, from_sites

from ._feedback import Feedback, check, not_yet, right


@check
def narrowest_level(
    narrow: Any, local_dim: int = 2, channels: tuple[int, ...] = (3, 8, 20, 6, 2), k: int = 2
) -> Feedback:
    """Check (layer, cut) of a line whose sites are in blocks of 2^k.

    Examples
    --------
    >>> narrowest_level((4, 2))
    Not yet: layer 4 is above the blocks and cannot enter.
    """
    layer, weight = counts(narrow, 2, "a pair of integers (layer, cut)")
    line = Architecture.line(local_dim, channels)
    found = min_cut(line, blocks(line.n_sites, 2**k))
    windows = line.n_sites // 2 ** (k + 1)
    if not -1 <= layer < line.depth:
        return not_yet(f"the levels are -1, 0, ..., {line.depth - 1}; got {layer}")
    if layer > k:
        return not_yet(f"layer {layer} is above the blocks and cannot enter")
    if not found.counts[layer + 1]:
        return not_yet("another level has a smaller entry")
    if weight**windows == found.weight:
        return not_yet(f"that is the cut of one window, and there are {windows}")
    if weight != found.weight:
        return not_yet("the level is right, the cut is another")
    return right(f"the cut is {found.as_product()}")


@check
def few_in_each_window(
    cut: Any, n_sites: int = 64, window: int = 4, in_a: int = 1, local_dim: int = 3, r0: int = 5
) -> Feedback:
    """Check the minimal cut for `in_a` sites of A in each window.

    Examples
    --------
    >>> few_in_each_window(3)
    Not yet: that is the cost of one window, and there are 16.
    """
    cut = count(cut)
    windows, depth = n_sites // window, 1
    while window**depth < n_sites:
        depth += 1
    network = Architecture(n_sites, window, local_dim, (r0,) + (2,) * (depth - 1))
    few = from_sites(n_sites, [j for j in range(n_sites) if j % window < in_a])
    wanted = min_cut_weight(network, few)
    if cut == wanted:
        return right("nothing above the first layer is cut")
    if cut**windows == wanted:
        return not_yet(f"that is the cost of one window, and there are {windows}")
    if cut == min(local_dim ** (window - in_a), r0) ** windows:
        return not_yet("that is the cost with all windows on A's side; there is a cheaper one")
    if cut == local_dim ** (in_a * windows):
        return not_yet("cutting off all sites of A is one way; the copy tensors are cheaper")
    return not_yet(f"that cut is too {'large' if cut > wanted else 'small'}")


@check
def break_the_rule(offsets: Any, n_sites: int = 32, length: int = 5) -> Feedback:
    """Check the set of offsets at which blocks of `length` sites break the paper's rule.

    Examples
    --------
    >>> break_the_rule({0, 9})
    Not yet: 1 of these offsets keep to the rule, and 5 that break it are missing.
    """
    answered = count_set(offsets)
    if answered - set(range(2 * length)):
        return not_yet(f"offsets from 0 to {2 * length - 1} are asked for")
    rule, depth = (length - 1).bit_length(), n_sites.bit_length() - 1
    broken = {
        offset
        for offset in range(2 * length)
        if any(
            _changes_with(blocks(n_sites, length, offset=offset), layer)
            for layer in range(rule + 1, depth)
        )
    }
    if answered == broken:
        return right(f"{len(broken)} of {2 * length} offsets break the rule")
    wrong, missing = len(answered - broken), len(broken - answered)
    return not_yet(
        f"{wrong} of these offsets keep to the rule, and {missing} that break it are missing"
    )


def _changes_with(partition: Any, layer: int) -> bool:
    """Whether the cut changes with one layer's width while no other layer is worth cutting."""
    wide = [2 ** len(partition)] * (len(partition).bit_length() - 1)
    free = [1 if other == layer else width for other, width in enumerate(wide)]
    cuts = {min_cut_weight(Architecture.line(2, channels), partition) for channels in (wide, free)}
    return len(cuts) == 2
