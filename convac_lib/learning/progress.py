"""One progress bar for the terminal and the notebook, silent where output is stored."""

import os
from collections.abc import Iterable
from typing import Any

from tqdm.auto import tqdm


def progress(iterable: Iterable[Any] | None, label: str | None = None, **options: Any) -> Any:
    """Wrap `iterable` in a progress bar; with TQDM_DISABLE set in the environment there is none.

    tqdm itself reads that variable for its terminal bar and not for its notebook
    bar, whose picture would end up in stored outputs.

    Examples
    --------
    >>> sum(progress(range(4), disable=True))
    6
    """
    options.setdefault("disable", bool(os.environ.get("TQDM_DISABLE")))
    return tqdm(iterable, desc=label, leave=False, **options)
