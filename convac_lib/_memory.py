"""The size of a tensor that is about to be formed, and the refusal when it will not fit."""

import os
from functools import cache
from math import log10, prod
from pathlib import Path

import numpy as np

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
MAX_AXES = 64  # of a NumPy array
CONTAINER_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def human_size(n_bytes):
    """Return a number of bytes in the units people read.

    Examples
    --------
    >>> human_size(2**64), human_size(10**60)
    ('16.0 EiB', '10^60 bytes')
    """
    for power, unit in enumerate(UNITS):
        if n_bytes < 1024 ** (power + 1):
            return f"{n_bytes / 1024**power:.1f} {unit}" if power else f"{n_bytes} bytes"
    return f"10^{log10(n_bytes):.0f} bytes"


@cache
def machine_memory():
    """Return the bytes of memory of this machine, or of the container it runs in."""
    sizes = []
    try:
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # not on Windows
        sizes.append(8 * 2**30)
    for path in CONTAINER_LIMITS:
        try:
            sizes.append(int(Path(path).read_text()))
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
    return min(sizes)


def refuse_beyond_memory(what, shape, dtype, instead):
    """Raise a ValueError if a tensor of this shape takes over a quarter of the memory.

    A quarter, because forming a tensor and then studying it takes a few copies.
    The message says `what` would need it, its size, and what to use `instead`.
    """
    allowed = machine_memory() // 4
    needed = prod(shape) * np.dtype(dtype).itemsize
    if needed > allowed:
        raise ValueError(
            f"{what} would need a tensor of {human_size(needed)}, and at most "
            f"{human_size(allowed)} is formed on this machine; {instead}"
        )
    if len(shape) > MAX_AXES:
        raise ValueError(
            f"{what} would need a tensor with {len(shape)} axes, and NumPy has at most "
            f"{MAX_AXES}; {instead}"
        )
