"""The checks of the chapter on widths, and the statements of the page that no cell runs."""

import numpy as np
import pytest

from convac_book.block_rule import deepest_layer
from convac_book.checks import widths as check
from convac_book.symmetry_classes import symmetry_classes
from convac_lib import Architecture
from convac_lib.cuts import min_cut_weight
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


def test_majorities_decide_on_sixteen_sites_and_leave_a_question_on_64():
    for partition, _ in symmetry_classes(16, 2):
        layer = deepest_layer(partition)
        assert layer.known == layer.possible
    for length, offset in [(12, 5), (13, 4), (14, 3)]:
        layers = [deepest_layer(blocks(64, length, offset=o)) for o in range(2 * length)]
        assert any(layer.known < layer.possible for layer in layers), (length, offset)


@pytest.mark.parametrize("length", [1, 2, 4, 8])
def test_blocks_of_a_power_of_two_never_feel_the_layers_above(length):
    rng = np.random.default_rng(length)
    for offset in range(2 * length):
        partition = blocks(32, length, offset=offset)
        local_dim, *channels = map(int, rng.integers(1, 9, size=6))
        rule = length.bit_length() - 1
        wide = [*channels[: rule + 1], *[100] * (4 - rule)]
        narrow = [*channels[: rule + 1], *[1] * (4 - rule)]
        cuts = [min_cut_weight(Architecture.line(local_dim, c), partition) for c in (wide, narrow)]
        assert cuts[0] == cuts[1]
