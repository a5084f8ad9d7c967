"""Widths for a budget of weights, before any data is looked at.

The uniform profile is the one to beat; the paper's wide base and wide tip (Levine et al.
2018, section 8) are those it is compared with.
"""

from collections.abc import Callable, Sequence

from convac_lib._validation import as_choice, as_instance, as_int
from convac_lib.architecture import DESIGNS, Architecture, graded_steps


def uniform_profile(
    n_sites: int, window: int, local_dim: int, n_outputs: int, budget: int, share: str = "none"
) -> Architecture:
    """Return the most even Architecture within a budget of weights.

    All layers as wide as they can be alike; then, from the top down, one channel more
    where it still fits.

    The budget is of weights, as ``parameter_count(share)`` counts them; a ValueError if not
    even one channel a layer fits.

    Examples
    --------
    >>> uniform_profile(8, 2, 9, 1, budget=730).channels
    (6, 7, 7)
    """
    narrow = _one_channel(n_sites, window, local_dim, n_outputs)
    budget = _as_budget(narrow, budget, share)
    r = _largest(lambda r: fits(narrow, (r,) * narrow.depth, budget, share))
    channels = [r] * narrow.depth
    for layer in reversed(range(narrow.depth)):
        channels[layer] += 1
        if not fits(narrow, channels, budget, share):
            channels[layer] -= 1
    return narrow.with_channels(channels)


def graded_profile(
    kind: str,
    n_sites: int,
    window: int,
    local_dim: int,
    n_outputs: int,
    budget: int,
    share: str = "none",
) -> Architecture:
    """Return the paper's wide-base or wide-tip Architecture, as wide as the budget allows.

    The channels go in three steps as 4 : 2 : 1 or as 1 : 2 : 4 (section 8), for any depth,
    rounded down, but to no fewer than 2: a layer of one channel holds no correlation.

    Examples
    --------
    >>> graded_profile("wide-base", 4096, 4, 10, 10, budget=1416, share="all").channels
    (24, 24, 12, 12, 6, 6)
    """
    as_choice("kind", kind, tuple(DESIGNS))
    narrow = _one_channel(n_sites, window, local_dim, n_outputs)
    budget = _as_budget(narrow, budget, share)
    steps = graded_steps(kind, narrow.depth)
    least = 2 if fits(narrow, (2,) * narrow.depth, budget, share) else 1

    def channels(size: int) -> list[int]:  # of the widest layer
        return [max(least, size * step // 4) for step in steps]

    size = _largest(lambda size: fits(narrow, channels(size), budget, share), least)
    return narrow.with_channels(channels(size))


def level_names(architecture: Architecture) -> list[str]:
    """Return what stands at the lower end of each level's bond, in words.

    Examples
    --------
    >>> level_names(Architecture.for_image(8, 2, (3, 3, 3)))
    ['sites', 'blocks of 2 x 2', 'blocks of 4 x 4', 'all and output']
    """
    as_instance("architecture", architecture, Architecture)
    sizes = (
        f"{2**j} x {2**j}" if architecture.window == 4 else architecture.window**j
        for j in range(1, architecture.depth)
    )
    return ["sites", *(f"blocks of {size}" for size in sizes), "all and output"]


def _largest(fitting: Callable[[int], bool], least: int = 1) -> int:
    """Return the largest number from `least` on that fits; larger ones than that do not."""
    beyond = 2 * least
    while fitting(beyond):
        beyond *= 2
    low = beyond // 2
    while beyond - low > 1:
        middle = (low + beyond) // 2
        low, beyond = (middle, beyond) if fitting(middle) else (low, middle)
    return low


def _one_channel(n_sites: int, window: int, local_dim: int, n_outputs: int) -> Architecture:
    n_sites, window = as_int("n_sites", n_sites, minimum=2), as_int("window", window, minimum=2)
    depth, reached = 0, 1
    while reached < n_sites:
        reached, depth = reached * window, depth + 1
    return Architecture(n_sites, window, local_dim, (1,) * max(depth, 1), n_outputs)


def _as_budget(narrow: Architecture, budget: int, share: str) -> int:
    return as_int("budget", budget, minimum=narrow.parameter_count(share))


def fits(architecture: Architecture, channels: Sequence[int], budget: int, share: str) -> bool:
    """Return whether these channels on the same tree have at most `budget` weights."""
    return architecture.with_channels(channels).parameter_count(share) <= budget
