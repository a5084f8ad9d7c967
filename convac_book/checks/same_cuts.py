"""Checks of the exercises in the chapter on networks with the same cuts."""

from math import comb
from typing import Any

from convac_book.answers import count, count_set, counts
from convac_lib.architecture import Architecture
from convac_lib.cuts import block_cuts

from ._feedback import Feedback, check, not_yet, right

SIDE = 64  # of the paper's images
BASE, TIP = (24, 24, 3, 12, 6, 6), (3, 6, 9, 16, 24, 24)


@check
def where_they_cross(
    cuts: Any, crossing: Any, base: Any = BASE, tip: Any = TIP, local_dim: int = 3
) -> Feedback:
    """Check both profiles' cuts of one window, by block side, and where the tip leads first.

    Examples
    --------
    >>> flat = {"base": [24, 24, 3, 12, 6, 6], "tip": [3, 6, 9, 16, 24, 24]}
    >>> where_they_cross(flat, 8)
    Not yet: base, squares of 1: the cheapest way is lighter.
    """
    wanted = {
        name: block_cuts(Architecture.for_image(SIDE, local_dim, channels))
        for name, channels in (("base", base), ("tip", tip))
    }
    if not isinstance(cuts, dict) or set(cuts) != set(wanted):
        return not_yet(f'cuts must be a dict with "base" and "tip", got {cuts!r}')
    for name, numbers_ in wanted.items():
        answered = counts(cuts[name], len(numbers_), f"{name}: a list of six integers")
        for k, (mine, number) in enumerate(zip(answered, numbers_, strict=True)):
            if mine != number:
                word = "lighter" if mine > number else "heavier"
                return not_yet(f"{name}, squares of {2**k}: the cheapest way is {word}")
    pairs = zip(wanted["base"], wanted["tip"], strict=True)
    first = next(2**k for k, (b, t) in enumerate(pairs) if t > b)
    if count(crossing) != first:
        return not_yet("the cuts are right; the tip does not take the lead at that side")
    return right(f"squares of {first} are the smallest for which the tip's cut is larger")


@check
def too_wide(
    layers: Any,
    local_dim: int = 2,
    window: int = 4,
    channels: tuple[int, ...] = (4, 9, 60, 20),
) -> Feedback:
    """Check which layers have more channels than half a window of like branches has dimensions.

    Examples
    --------
    >>> too_wide({0})
    Not yet: layer 2 has 60 channels for 45 symmetric dimensions.
    """
    found, half = count_set(layers, "a set of layers"), window // 2
    room = [comb(p + half - 1, half) for p in (local_dim, *channels[:-1])]
    wanted = {layer for layer, r in enumerate(channels) if r > room[layer]}
    if found == wanted:
        return right(f"{len(wanted)} of {len(channels)} layers are too wide")
    full = {
        layer
        for layer, (p, r) in enumerate(zip((local_dim, *channels[:-1]), channels, strict=True))
        if r > p**half
    }
    if found == full != wanted:
        return not_yet("p^k counts the products in every order; like branches have none")
    for layer in sorted(wanted - found):
        return not_yet(
            f"layer {layer} has {channels[layer]} channels for {room[layer]} symmetric dimensions"
        )
    extra = min(found - wanted)
    if not 0 <= extra < len(channels):
        return not_yet(f"there is no layer {extra}")
    return not_yet(f"layer {extra} has room for {room[extra]}, and {channels[extra]} channels")
