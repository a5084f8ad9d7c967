"""Run the pages that Jupyter's cache does not hold as they are now, several at once.

Sphinx would run them one after the other. What it finds in the cache, it takes.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from notebooks import merged

TIMEOUT = 300  # seconds for a cell, as in _config.yml
MOST = 4  # at once: each is a process of up to a gigabyte


def run_stale(pages, cache_folder, tell, root):
    """Run what is stale and put it into the cache.

    Parameters
    ----------
    pages : list of Path
        The notebooks of the book.
    cache_folder : Path
        Jupyter's cache of what was run.
    tell : callable
        Gets a line for each page, as soon as it is done.
    root : Path
        What the names of the pages are relative to.

    Returns
    -------
    dict
        For each page that raised, what it said.
    """
    cache = get_cache(str(cache_folder))
    stale = [page for page in pages if not holds(cache, page)]
    if not stale:
        return {}
    at_once = max(1, min(MOST, os.cpu_count() or 1, len(stale)))
    tell(f"running {len(stale)} of {len(pages)} pages, {at_once} at a time ...")
    failed = {}
    with ProcessPoolExecutor(at_once) as pool:
        # The last first: the pages that train take longest, and stand towards the end.
        running = {pool.submit(run_page, page): page for page in reversed(stale)}
        for number, done in enumerate(as_completed(running), 1):
            page = running[done]
            notebook, seconds, busy, said = done.result()
            name = page.relative_to(root).with_suffix("").as_posix()
            tell(
                f"{number:>3}/{len(stale)}  {name:<28} {seconds:6.1f} s{' failed' if said else ''}"
            )
            if said:
                failed[name] = said
                continue
            made = CacheBundleIn(notebook, str(page), data={"execution_seconds": busy})
            cache.cache_notebook_bundle(made, check_validity=False, overwrite=True)
    return failed


def holds(cache, page):
    """Tell whether the cache holds a run of just these cells."""
    try:
        cache.match_cache_notebook(nbformat.read(page, as_version=4))
    except KeyError:
        return False
    return True


def run_page(page):
    """Run a page in its folder.

    Returns
    -------
    notebook : NotebookNode
        The page with what it shows.
    seconds, busy : float
        How long it took, and for how long its kernel kept a processor busy: on a machine that
        does other things too the second says more. Where it is not known, it is the first.
    said : str or None
        What the page said if it raised.
    """
    notebook = nbformat.read(page, as_version=4)
    began, before = time.monotonic(), of_children()
    folder, silent = str(Path(page).parent), ["--IPKernelApp.log_level=ERROR"]
    done = single_nb_execution(notebook, folder, TIMEOUT, False, extra_arguments=silent)
    seconds, busy = time.monotonic() - began, of_children() - before
    # Where a line comes in two pieces, myst-nb would make two lines of it.
    for cell in done.nb.cells:
        if cell.cell_type == "code":
            cell.outputs = merged(cell.outputs)
    return done.nb, seconds, busy or seconds, done.exc_string


def of_children():
    """Return the processor time of the processes that this one has started and seen the end of."""
    times = os.times()
    return times.children_user + times.children_system
