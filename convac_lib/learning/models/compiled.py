"""Loops over arrays that Numba compiles, where it is installed.

It compiles at the first call, for some seconds, and keeps the result beside the file.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

IS_THERE = find_spec("numba") is not None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays with Numba, where it is installed."""
    if not IS_THERE:
        return function
    from numba import njit

    # Sums may be taken in any order, or they would not be vectorised; NaN stays NaN.
    return njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})(function)
