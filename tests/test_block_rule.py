"""Which layers can enter a minimal cut: the paper's rule, and where it holds."""

import numpy as np
import pytest

from convac_book.block_rule import block_rule, deepest_layer
from convac_book.symmetry_classes import symmetry_classes
from convac_lib import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.partitions import as_word, blocks, from_sites


def enters(window, partition, layer, rng, tries):
    """Whether r_layer changes the cut for some of many choices of the other widths."""
    depth = round(np.log(partition.size) / np.log(window))
    for attempt in range(tries):
        widths = [2] + [10**30] * depth
        if attempt:
            widths = [int(2 ** rng.integers(0, 8)) for _ in widths]
            widths[layer + 2 :] = [10**30] * (depth - layer - 1)
        cuts = []
        for width in (1, 10**30):
            widths[layer + 1] = width
            network = Architecture(partition.size, window, widths[0], tuple(widths[1:]))
            cuts.append(min_cut_weight(network, partition))
        if cuts[0] != cuts[1]:
            return True
    return False


def test_layers_that_enter_are_those_named():
    rng = np.random.default_rng(11)
    for window, n_sites in ((2, 32), (3, 27), (4, 64)):
        depth = round(np.log(n_sites) / np.log(window))
        for attempt in range(40):
            length = int(rng.integers(1, n_sites // 2))
            partition = blocks(n_sites, length, int(rng.integers(2 * length)))
            if attempt % 2:  # some disorder: the criterion asks for no blocks
                rng.shuffle(partition[: n_sites // 4])
            known, possible = deepest_layer(partition, window)
            assert 0 <= known <= possible < depth
            assert enters(window, partition, known, rng, tries=1)
            for layer in range(possible + 1, depth):
                assert not enters(window, partition, layer, rng, tries=12)


@pytest.mark.parametrize("length", [1, 2, 4, 8, 16])
def test_block_rule_is_exact_for_powers_of_two_at_any_offset(length):
    for offset in range(2 * length):
        known, possible = deepest_layer(blocks(64, length, offset))
        assert known == possible <= block_rule(length)
        if offset == 0:  # aligned blocks: the rule is reached
            assert known == block_rule(length)


def test_block_rule_fails_for_blocks_of_three():
    partition = from_sites(16, (0, 1, 5, 6, 7, 11, 12, 13))
    assert as_word(partition) == as_word(blocks(16, 3, offset=5))
    assert block_rule(3) == 2 and deepest_layer(partition) == (3, 3)
    # The ranks 64, 128, 256, 256 were found for these r_3.
    lines = [Architecture.line(2, (4, 8, 8, r3)) for r3 in (1, 2, 4, 16)]
    assert [min_cut_weight(line, partition) for line in lines] == [64, 128, 256, 256]
    assert deepest_layer(blocks(32, 3))[0] > block_rule(3)


def test_block_rule_holds_for_figure_8():
    known, possible = deepest_layer("AAAB BBAA ABBB AAAB")
    assert known <= possible <= block_rule(3)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: block_rule(0), "length must be an integer of at least 1, got 0"),
        (lambda: deepest_layer("AAB"), "must be a power of 2"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


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
