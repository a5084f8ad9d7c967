"""Loops over arrays that Numba compiles, where it is installed.

It compiles at the first call, for some seconds, and keeps the result beside the file.

Loops in parallel run on the threads of OpenMP, which start in microseconds. Where it is missing,
`parts_in_threads` takes threads of Python.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

IS_THERE = find_spec("numba") is not None
numba: Any = import_module("numba") if IS_THERE else None  # its types do not cover what we use
prange: Any = numba.prange if IS_THERE else range

_forked = False  # an OpenMP library that has run does not survive a fork: Numba ends the process


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def compiled(function: Callable[..., Any], parallel: bool = False) -> Callable[..., Any]:
    """Compile a function of arrays with Numba, where it is installed."""
    if not IS_THERE:
        return function
    # Sums may be taken in any order, or they would not be vectorised; NaN stays NaN.
    how = {"cache": True, "nogil": True, "fastmath": {"reassoc", "contract"}}
    return numba.njit(parallel=parallel, **how)(function)


def in_parallel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function whose `prange` shares its work among threads; see `parts_in_threads`."""
    return compiled(function, parallel=True)


def has_openmp() -> bool:
    """Return whether loops in parallel may run here, on threads of OpenMP."""
    return IS_THERE and not _forked and _openmp_is_chosen()


@cache
def _openmp_is_chosen() -> bool:
    """Choose OpenMP for Numba's threads if it is there and nobody chose anything.

    Of the others, Numba's own pool ends the process if two threads use it at once. Outside of
    Linux torch and Numba may each bring an OpenMP, and some of these end a process with two.
    """
    if sys.platform != "linux":
        return False
    try:
        import_module("numba.np.ufunc.omppool")
    except ImportError:
        return False
    try:
        return bool(numba.threading_layer() == "omp")
    except ValueError:  # no thread has been started yet
        if numba.config.THREADING_LAYER == "default":
            numba.config.THREADING_LAYER = "omp"
        return bool(numba.config.THREADING_LAYER == "omp")


def parts_in_threads(
    one: Callable[..., None], all_of_them: Callable[..., None], bounds: Any
) -> None:
    """Do the parts of a range in as many threads.

    `one(k, first, last)` does a part; `all_of_them(bounds)` does all, with `in_parallel`.
    """
    n_parts = len(bounds) - 1
    if n_parts == 1:
        one(0, *bounds)
    elif has_openmp():
        most = numba.get_num_threads()
        numba.set_num_threads(min(n_parts, numba.config.NUMBA_NUM_THREADS))
        try:
            all_of_them(bounds)
        finally:
            numba.set_num_threads(most)
    else:
        with ThreadPoolExecutor(n_parts) as pool:
            list(pool.map(one, range(n_parts), bounds[:-1], bounds[1:]))
