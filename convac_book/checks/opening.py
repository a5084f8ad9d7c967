"""Checks of the exercises in the opening chapter."""

from typing import Any

from convac_book.answers import counts
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut
from convac_lib.partitions import left_right

from ._feedback import Feedback, check, not_yet, right


@check
def widest_across(channels: Any, budget: int = 220) -> Feedback:
    """Check the channels (r0, r1, r2) with the widest left-right cut within a budget of weights.

    Examples
    --------
    >>> widest_across((2, 5, 6))
    Not yet: (2, 5, 6) has a cut of 4, and a larger one fits the budget.
    """
    widths = counts(channels, 3, "a triple of integers (r0, r1, r2)")
    if min(widths) < 1:
        return not_yet(f"a layer has at least one channel, got {tuple(widths)}")
    network = Architecture.line(local_dim=4, channels=widths)
    spent = network.parameter_count()
    if spent > budget:
        return not_yet(f"{network.channels} has {spent} weights, {spent - budget} over the budget")
    reached = min_cut(network, left_right(8)).weight
    if reached < _widest(budget):
        return not_yet(
            f"{network.channels} has a cut of {reached}, and a larger one fits the budget"
        )
    return right(f"{network.channels} has {spent} weights and a cut of {reached}")


def _widest(budget: int) -> int:
    """Return the largest left-right cut that fits, by trying every triple that could."""
    best, widths = 0, range(1, 13)
    for channels in ((a, b, c) for a in widths for b in widths for c in widths):
        network = Architecture.line(local_dim=4, channels=channels)
        if network.parameter_count() <= budget:
            best = max(best, min_cut(network, left_right(8)).weight)
    return best
