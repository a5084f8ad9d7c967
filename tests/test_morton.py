"""Morton order: the bits of a site number are those of its row and column, interleaved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib.morton import morton_order, to_image, to_sites


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
        (lambda: morton_order(0), "side must be an integer of at least 1, got 0"),
        (lambda: to_sites(np.zeros((2, 4))), r"images must be square .* got shape \(2, 4\)"),
        (lambda: to_sites(np.zeros(4)), "images must be square"),
        (lambda: to_sites(np.zeros((6, 6))), "side must be a power of 2"),
        (lambda: to_image(np.zeros(8)), "sites must have a square number of entries .* got 8"),
        (lambda: to_image(np.zeros((3, 0))), "sites must have a square number .* got 0"),
        (lambda: to_image(np.zeros(9)), "side must be a power of 2"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
