"""Classes of partitions against the orbits of the tree's symmetries, listed one by one."""

from itertools import product
from math import comb

import pytest

from convac_book.symmetry_classes import symmetry_classes
from convac_lib.partitions import as_word


def orbits(n_sites, window):
    """Group all partitions by exchanging neighbouring sub-trees until nothing new appears."""
    swaps = []
    size = 1
    while size < n_sites:
        for start in range(0, n_sites, size):
            if (start // size + 1) % window:  # the next sub-tree is in the same window
                order = list(range(n_sites))
                first, second = (
                    slice(start, start + size),
                    slice(start + size, start + 2 * size),
                )
                order[first], order[second] = order[second], order[first]
                swaps.append(order)
        size *= window
    unseen, found = set(product("AB", repeat=n_sites)), []
    while unseen:
        orbit, frontier = set(), [unseen.pop()]
        while frontier:
            word = frontier.pop()
            orbit.add(word)
            images = {tuple(word[site] for site in order) for order in swaps}
            frontier += images - orbit
        unseen -= orbit
        found.append({"".join(word) for word in orbit})
    return [orbit for orbit in found if len(set(min(orbit))) == 2]


@pytest.mark.parametrize(("n_sites", "window"), [(2, 2), (4, 2), (8, 2), (3, 3), (9, 3), (6, 6)])
def test_symmetry_classes_are_the_orbits(n_sites, window):
    listed = symmetry_classes(n_sites, window)
    found = orbits(n_sites, window)
    assert len(listed) == len(found)
    for partition, count in listed:
        (orbit,) = (orbit for orbit in found if as_word(partition) in orbit)
        assert len(orbit) == count


@pytest.mark.parametrize(("n_sites", "window"), [(8, 2), (16, 2), (16, 4), (9, 3)])
def test_multiplicities_count_every_partition(n_sites, window):
    assert sum(count for _, count in symmetry_classes(n_sites, window)) == 2**n_sites - 2
    for size in (1, n_sites // 2, n_sites - 1):
        classes = symmetry_classes(n_sites, window, size)
        assert sum(count for _, count in classes) == comb(n_sites, size)
        assert all(partition.sum() == size for partition, _ in classes)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: symmetry_classes(6, 2), "n_sites must be a power of 2"),
        (lambda: symmetry_classes(4, 1), "window must be an integer of at least 2, got 1"),
        (lambda: symmetry_classes(4, 2, size=4), "size must be an integer from 1 to 3"),
        (lambda: symmetry_classes(64, 2), "at most 1,000,000 classes.* 359,026,206 or more"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
