"""The checks of the chapter on widths, and the statements of the page that no cell runs."""

import numpy as np
import pytest

from convac_book.block_rule import deepest_layer
from convac_book.checks import widths as check
from convac_lib.partitions import blocks

LEVELS = [
    ((2, (3, 8, 20, 6, 2), 2), (1, 8**4)),
    ((3, (7, 9, 8, 40, 2), 2), (2, 8**4)),
    ((2, (3, 12, 30, 11, 4), 2), (0, 9**4)),
    ((5, (3, 17, 6, 20, 2), 3), (2, 6**2)),
    ((2, (20, 300, 900, 400, 2), 3), (-1, 256**2)),
]


@pytest.mark.parametrize("given, answer", LEVELS)
def test_narrowest_level(given, answer):
    layer, weight = answer
    assert check.narrowest_level(answer, *given)
    assert check.narrowest_level(np.array(answer), *given)
    assert "above the blocks" in str(check.narrowest_level((4, weight), *given))
    assert "another level" in str(
        check.narrowest_level(((layer + 2) % (given[2] + 2) - 1, weight), *given)
    )
    windows = 32 // 2 ** (given[2] + 1)
    inside = round(weight ** (1 / windows))
    assert "one window" in str(check.narrowest_level((layer, inside), *given))
    assert "another" in str(check.narrowest_level((layer, weight + 1), *given))
    assert not check.narrowest_level((7, weight), *given)
    assert not check.narrowest_level(weight, *given)


def test_few_in_each_window():
    assert check.few_in_each_window(3**16)
    assert check.few_in_each_window(7**8, 64, 8, 3, 2, 7)
    assert "one window" in str(check.few_in_each_window(3))
    assert "on A's side" in str(check.few_in_each_window(5**16))
    assert "cheaper" in str(check.few_in_each_window(2**24, 64, 8, 3, 2, 7))
    assert "large" in str(check.few_in_each_window(10**30))
    assert "small" in str(check.few_in_each_window(5))
    assert not check.few_in_each_window("many")


@pytest.mark.parametrize("n_sites, length", [(32, 5), (32, 6), (32, 7), (64, 7), (64, 9)])
def test_break_the_rule(n_sites, length):
    rule = (length - 1).bit_length()
    broken = {
        offset
        for offset in range(2 * length)
        if deepest_layer(blocks(n_sites, length, offset=offset)).known > rule
    }
    # The majorities are all there is, at these lengths: the solution says so.
    assert broken == {
        offset
        for offset in range(2 * length)
        if deepest_layer(blocks(n_sites, length, offset=offset)).possible > rule
    }
    assert check.break_the_rule(broken, n_sites, length)
    assert check.break_the_rule(sorted(broken), n_sites, length)
    assert "missing" in str(check.break_the_rule(list(broken)[1:], n_sites, length))
    assert "keep to the rule" in str(check.break_the_rule(set(), n_sites, length))
    assert "from 0 to" in str(check.break_the_rule({2 * length}, n_sites, length))
    assert not check.break_the_rule(3, n_sites, length)
