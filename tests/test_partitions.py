"""Partitions: each drawn by hand, and the symmetry classes against brute force."""

from collections import Counter
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import partitions
from convac_lib.partitions import as_word, morton_order, to_image, to_sites


def picture(partition):
    """Return an image partition as one word a row."""
    return ["".join("A" if side else "B" for side in row) for row in to_image(partition)]


# --- reading a partition --------------------------------------------------------------


@pytest.mark.parametrize(
    "given_as",
    [
        "ABBA",
        "abba",
        "AB BA",
        "AB|BA",
        [1, 0, 0, 1],
        [1.0, 0.0, 0.0, 1.0],
        (True, False, False, True),
    ],
)
def test_a_partition_may_be_a_word_or_numbers_or_booleans(given_as):
    partition = partitions.as_partition(given_as, n_sites=4)
    assert partition.dtype == bool and partition.tolist() == [True, False, False, True]


@settings(max_examples=50, deadline=None)
@given(st.text("AB", min_size=2, max_size=30).filter(lambda w: len(set(w)) == 2))
def test_words_there_and_back(word):
    assert as_word(partitions.as_partition(word)) == word
    sites = [site for site, letter in enumerate(word) if letter == "A"]
    assert as_word(partitions.from_sites(len(word), sites)) == word


# --- lines ----------------------------------------------------------------------------


def test_partitions_of_a_line_by_hand():
    assert as_word(partitions.prefix(5, 2)) == "AABBB"
    assert as_word(partitions.left_right(6)) == "AAABBB"
    assert as_word(partitions.interleaved(6)) == "ABABAB"
    assert as_word(partitions.blocks(8, 3)) == "AAABBBAA"
    assert as_word(partitions.blocks(8, 2, offset=1)) == "BAABBAAB"
    assert as_word(partitions.blocks(8, 2, offset=-1)) == "ABBAABBA"
    assert as_word(partitions.from_sites(4, [3, 1])) == "BABA"


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 20), st.integers(1, 6), st.integers(-30, 30))
def test_blocks_have_their_length_and_start_at_the_offset(half, length, offset):
    n_sites = 2 * half + 2 * length
    partition = partitions.blocks(n_sites, length, offset)
    for site in range(n_sites):
        assert partition[site] == (((site - offset) // length) % 2 == 0)
    assert (partition[: n_sites - length] != partition[length:]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_random_balanced_halves_the_sites_and_repeats(half, seed):
    partition = partitions.random_balanced(2 * half, seed)
    assert partition.shape == (2 * half,) and partition.sum() == half
    assert np.array_equal(partition, partitions.random_balanced(2 * half, seed))


def test_random_balanced_reaches_every_half_about_equally_often():
    drawn = Counter(as_word(partitions.random_balanced(4, seed)) for seed in range(600))
    assert len(drawn) == comb(4, 2) and min(drawn.values()) > 60


# --- images ---------------------------------------------------------------------------


def test_partitions_of_an_image_by_hand():
    assert picture(partitions.checkerboard(4)) == ["ABAB", "BABA"] * 2
    assert picture(partitions.halves(4)) == ["AABB"] * 4
    assert picture(partitions.halves(4, "top-bottom")) == ["AAAA"] * 2 + ["BBBB"] * 2
    assert picture(partitions.image_blocks(4, 2)) == ["AABB"] * 2 + ["BBAA"] * 2
    assert picture(partitions.image_blocks(4, 2, offset=(1, 0))) == [
        "BBAA",
        "AABB",
        "AABB",
        "BBAA",
    ]
    assert picture(partitions.image_blocks(4, 3, offset=(0, 1))) == ["BAAA"] * 3 + ["ABBB"]
    assert np.array_equal(partitions.image_blocks(8, 1), partitions.checkerboard(8))


def test_a_checkerboard_splits_every_window_evenly():
    assert (partitions.checkerboard(16).reshape(-1, 4).sum(axis=1) == 2).all()


def test_halves_split_no_window_below_the_top():
    for axis in ("left-right", "top-bottom"):
        quarters = partitions.halves(16, axis).reshape(4, 64)
        assert (quarters.all(axis=1) | ~quarters.any(axis=1)).all()


# --- symmetry classes -----------------------------------------------------------------


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: partitions.as_partition("ABC"),
            "partition must be a word in the letters A, B",
        ),
        (lambda: partitions.as_partition(""), "partition must be one-dimensional"),
        (lambda: partitions.as_partition([[1, 0]]), r"one-dimensional .* shape \(1, 2\)"),
        (lambda: partitions.as_partition([0, 1, 2]), "zeros and ones.*partitions.from_sites"),
        (lambda: partitions.as_partition([1, np.nan]), "zeros and ones"),
        (lambda: partitions.as_partition(["A", "B"]), "booleans"),
        (lambda: partitions.as_partition("AB", n_sites=4), "each of the 4 sites, got 2"),
        (lambda: partitions.as_partition("AAA"), "a site on each side, but B is empty"),
        (lambda: partitions.as_partition([0, 0]), "a site on each side, but A is empty"),
        (lambda: partitions.from_sites(4, [4]), "sites must be an integer from 0 to 3, got 4"),
        (lambda: partitions.from_sites(4, [-1]), "sites must be an integer from 0 to 3"),
        (lambda: partitions.from_sites(4, []), "A is empty"),
        (lambda: partitions.prefix(4, 4), "length must be an integer from 1 to 3, got 4"),
        (lambda: partitions.left_right(5), "n_sites must be even, got 5"),
        (lambda: partitions.interleaved(3), "n_sites must be even, got 3"),
        (lambda: partitions.blocks(4, 0), "length must be an integer from 1"),
        (lambda: partitions.blocks(4, 8), "B is empty"),
        (lambda: partitions.checkerboard(6), "side must be a power of 2"),
        (lambda: partitions.halves(1), "side must be an integer from 2"),
        (lambda: partitions.halves(4, "diagonal"), "axis must be one of 'left-right'"),
        (
            lambda: partitions.image_blocks(4, 2, (0.5, 0)),
            "offset must be an integer from",
        ),
        (lambda: partitions.random_balanced(3, 0), "n_sites must be even"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- images as sites ----------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, 2, 4, 8, 32])
def test_the_order_interleaves_bits(side):
    order = morton_order(side)
    assert sorted(order) == list(range(side * side))
    bits = side.bit_length() - 1
    for site, pixel in enumerate(order):
        row, column = (f"{number:0{bits}b}" if bits else "" for number in divmod(pixel, side))
        interleaved = "".join(r + c for r, c in zip(row, column, strict=True))
        assert site == int(interleaved or "0", 2)


def test_two_by_two_by_hand():
    image = np.array([["upper left", "upper right"], ["lower left", "lower right"]])
    expected = ["upper left", "upper right", "lower left", "lower right"]
    assert to_sites(image).tolist() == expected


@pytest.mark.parametrize("block", [2, 4, 8])
def test_every_square_block_is_a_run_of_sites(block):
    """So that pooling windows of 4 sites are 2x2 squares at every level of the network."""
    rows, columns = np.indices((16, 16))
    squares = to_sites((rows // block) * 16 + columns // block)
    assert (squares.reshape(-1, block * block) == squares[:: block * block, None]).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 4), st.lists(st.integers(0, 3), max_size=2))
def test_images_there_and_back(level, batch):
    side = 2**level
    images = np.arange(np.prod(batch, dtype=int) * side * side).reshape(*batch, side, side)
    sites = to_sites(images)
    assert sites.shape == (*batch, side * side)
    assert np.array_equal(to_image(sites), images)


def test_torch_tensors_are_reordered_alike():
    torch = pytest.importorskip("torch")
    images = torch.arange(2 * 8 * 8).reshape(2, 8, 8)
    sites = to_sites(images)
    assert np.array_equal(sites.numpy(), to_sites(images.numpy()))
    assert torch.equal(to_image(sites), images)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: morton_order(3), "side must be a power of 2 .*2 or 4.* got 3"),
        (lambda: morton_order(0), "side must be an integer from 1 to 4096, got 0"),
        (lambda: to_sites(np.zeros((2, 4))), r"images must be square .* got shape \(2, 4\)"),
        (lambda: to_sites(np.zeros(4)), "images must be square"),
        (lambda: to_sites(np.zeros((6, 6))), "side must be a power of 2"),
        (lambda: to_image(np.zeros(8)), "sites must have a square number of entries .* got 8"),
        (lambda: to_image(np.zeros((3, 0))), "sites must have a square number .* got 0"),
        (lambda: to_image(np.zeros(9)), "side must be a power of 2"),
    ],
)
def test_bad_images_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "partition",
    [
        [True, False, False, True],
        (1, 0, 0, 1),
        "A BB|A",
        np.array([1.0, 0, 0, 1]),
        np.array([1, 0, 0, 1], np.uint8),
    ],
)
def test_a_partition_is_one_however_it_is_written(partition):
    assert partitions.as_word(partition) == "ABBA"


def test_tensors_are_partitions_and_masked_arrays_are_none():
    torch = pytest.importorskip("torch")
    for tensor in (torch.tensor([True, False, False, True]), torch.tensor([1, 0, 0, 1])):
        assert partitions.as_word(tensor) == "ABBA"
    gradient = torch.tensor([1.0, 0, 0, 1], requires_grad=True)
    assert partitions.as_word(gradient) == "ABBA"
    assert partitions.as_partition(list(torch.tensor([1, 0, 0, 1]))).tolist() == [1, 0, 0, 1]
    assert partitions.left_right(torch.tensor(4)).tolist() == [1, 1, 0, 0]
    with pytest.raises(ValueError, match="partition must have no mask"):
        partitions.as_partition(np.ma.masked_array([1, 0, 0, 1], [0, 1, 0, 0]))


def test_sizes_that_cannot_end_are_refused():
    for what in (partitions.left_right, partitions.interleaved):
        with pytest.raises(ValueError, match="n_sites must be an integer from 2 to 16777216"):
            what(10**15)
    with pytest.raises(ValueError, match="side must be an integer from 2 to 4096"):
        partitions.checkerboard(2**30)
