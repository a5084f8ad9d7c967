"""Words for a partition on the command line."""

import pytest

from convac_workbench.cli.masks import mask_of


def test_masks_of_words():
    assert mask_of("left-right", (4, 4))[0].tolist() == [True, True, False, False]
    assert mask_of("top-bottom", (4, 4))[:, 0].tolist() == [True, True, False, False]
    assert mask_of("left-right", (3, 8, 8)).shape == (3, 8, 8)
    assert mask_of("left-right", (5, 6, 3))[0, :, 0].tolist() == [True] * 3 + [False] * 3
    assert mask_of("left-right", (4, 6), "image")[0].tolist() == [True] * 3 + [False] * 3
    assert mask_of("left-right", (4, 6), "sequence")[:, 0].tolist() == [True] * 2 + [False] * 2
    assert mask_of("checkerboard", (2, 2)).tolist() == [[True, False], [False, True]]
    assert mask_of("blocks:2", (4, 4))[0].tolist() == [True, True, False, False]
    assert mask_of("interleaved", (5,)).tolist() == [True, False, True, False, True]
    assert mask_of("random:3", (10,)).sum() == 5
    assert mask_of("random:3", (4, 4)).sum() == 8
    with pytest.raises(ValueError, match="--layout"):
        mask_of("left-right", (4, 6))
    with pytest.raises(ValueError, match="--layout"):
        mask_of("left-right", (4, 6, 3))


@pytest.mark.parametrize(
    "word, shape, sum_of",
    [
        ("random:3", (4, 4), 8),
        ("blocks:2", (4, 4), 8),
        ("interleaved", (6,), 3),
        ("random:1", (6,), 3),
    ],
)
def test_halves_by_chance_and_in_blocks(word, shape, sum_of):
    mask = mask_of(word, shape, "")
    assert mask.shape == shape and mask.sum() == sum_of
    assert (mask_of(word, shape, "") == mask).all()


def test_blocks_of_a_sequence_and_what_no_partition_of_a_picture_is():
    assert mask_of("blocks:2", (8,)).tolist() == [True, True, False, False] * 2
    with pytest.raises(ValueError, match="--partition must be left-right, top-bottom"):
        mask_of("diagonal", (4, 4))
