"""Checks of the exercises in the chapter on limits of width and of training."""

from typing import Any

from convac_book.answers import count, near, numbers
from convac_lib.cuts import delta_costs

from ._feedback import Feedback, check, not_yet, right


@check
def score_dimension(
    dimension: Any,
    local_dim: int = 2,
    window: int = 2,
    channels: tuple[int, ...] = (2, 3, 12),
    n_outputs: int = 10,
) -> Feedback:
    """Check the dimension of the space that the score functions span.

    Examples
    --------
    >>> score_dimension(11)
    Not yet: so few scores cannot span so many dimensions.
    """
    found = count(dimension)
    branch = (1, local_dim)  # all of its sites in A: what it costs to cut it off
    for width in channels:
        branch = delta_costs([branch] * window, width)
    independent = branch[1]
    if found == min(n_outputs, independent):
        narrow = "the classes" if n_outputs <= independent else "a layer"
        return right(f"what limits it is {narrow}")
    if found > n_outputs:
        return not_yet("so few scores cannot span so many dimensions")
    if found > channels[-1]:
        return not_yet("the scores are combinations of the last channels, and those are fewer")
    if found > independent:
        return not_yet("a narrow layer further down allows fewer independent channels")
    return not_yet("there are more: a window multiplies, so few functions make many products")


@check
def new_ceilings(
    ceilings: Any, n_products: int = 3, channels: tuple[int, ...] = (3, 2, 3)
) -> Feedback:
    """Check the ceilings (local, global) of R^2 for `n_products` in each couple of sites.

    Examples
    --------
    >>> new_ceilings((2, 0.5))
    Not yet: local: R^2 is at most 1.
    """
    found = numbers(ceilings, 2, "a pair of numbers (local, global)")
    r0, r1, r2 = channels
    at_site, at_pair, at_half = min(n_products + 1, r0), min(r0, r1), min(r1, r2)
    said = _ceiling_is_off("local", found[0], at_site, n_products, 1.0)
    said = said or _ceiling_is_off("global", found[1], at_pair, 2, at_half / 4)
    return not_yet(said) if said else right("both are ceilings, and none is a promise")


def _ceiling_is_off(
    name: str, found: Any, width: float, n_products: Any, elsewhere: Any
) -> str | None:
    """Say what is wrong with a ceiling, or return None."""
    here = (width - 1) / n_products
    wanted = min(1.0, here, elsewhere)
    if _near(found, wanted):
        return None
    if found > 1:
        return f"{name}: R^2 is at most 1"
    if found < 0:
        return f"{name}: R^2 of a best approximation is not negative"
    if _near(found, min(1.0, width / n_products, elsewhere)) and here < elsewhere:
        return f"{name}: the blocks must keep one more function than their products"
    if _near(found, min(1.0, here)) or _near(found, elsewhere):
        return f"{name}: that is the bound of one level, and another level allows less"
    return f"{name}: that is too {'high' if found > wanted else 'low'}"


def _near(found: float, wanted: float) -> bool:
    return near(found, wanted, within=0.001)
