"""All partitions at once: up to the symmetries of the tree there are few."""

from itertools import combinations_with_replacement, groupby
from math import comb

from convac_lib._validation import as_int, integer_log
from convac_lib.partitions import Sides, as_partition

MAX_CLASSES = 1_000_000  # that are listed


def symmetry_classes(n_sites: int, window: int, size: int | None = None) -> list[tuple[Sides, int]]:
    """List partitions up to the symmetries of the tree, each with its multiplicity.

    Exchanging the sub-trees below one pooling window changes neither a minimal
    cut nor the generic rank of an unshared network, so one partition of each class
    stands for all. With `size` only partitions with that many sites in A are
    listed. A and B are not exchanged, and the two partitions with an empty side
    are left out.

    Returns
    -------
    list of (ndarray of bool, int)
        A representative, and how many partitions it stands for.

    Raises
    ------
    ValueError
        If there are more than a million classes; then draw some partitions
        with :func:`random_balanced`.

    Examples
    --------
    >>> from convac_lib.partitions import as_word
    >>> [(as_word(p), count) for p, count in symmetry_classes(4, 2, size=2)]
    [('BBAA', 2), ('BABA', 4)]
    """
    n_sites = as_int("n_sites", n_sites, minimum=2)
    window = as_int("window", window, minimum=2)
    depth = integer_log("n_sites", n_sites, window)
    if size is not None:
        size = as_int("size", size, minimum=1, maximum=n_sites - 1)
    # A class of a sub-tree is the sorted tuple of its children's classes; the two
    # leaves are the words "B" and "A".
    classes = [("B", 1), ("A", 1)]
    for _ in range(depth):
        n_classes = comb(len(classes) + window - 1, window)
        if n_classes > MAX_CLASSES:
            raise ValueError(
                f"n_sites must give at most {MAX_CLASSES:,} classes to list, got {n_sites} "
                f"with {n_classes:,} or more; draw some with partitions.random_balanced"
            )
        classes = _merge_classes(classes, window)
    listed = []
    for word, count in classes:
        in_a = word.count("A")
        if 0 < in_a < n_sites and (size is None or in_a == size):
            listed.append((as_partition(word), count))
    return listed


def _merge_classes(classes: list[tuple[str, int]], window: int) -> list[tuple[str, int]]:
    """Return the classes of a tree whose `window` children each have one of `classes`."""
    merged = []
    for children in combinations_with_replacement(range(len(classes)), window):
        arrangements, left = 1, window
        for _, same in groupby(children):
            repeated = len(list(same))
            arrangements *= comb(left, repeated)
            left -= repeated
        word, count = "", arrangements
        for child in children:
            word += classes[child][0]
            count *= classes[child][1]
        merged.append((word, count))
    return merged
