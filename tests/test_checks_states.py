"""The checks of the chapter on many-body states, and what its prose states without a cell."""

from itertools import product

import numpy as np
import pytest

from convac_book.checks import states as check

CASES = [(2**33, 2), (2**34, 3), (2**35, 3), (2**40, 4)]


@pytest.mark.parametrize("memory, local_dim", CASES)
def test_largest_state_is_right_for_one_number_only(memory, local_dim):
    accepted = [n for n in range(-1, 80) if check.largest_state(n, memory, local_dim)]
    assert len(accepted) == 1
    n = accepted[0]
    assert np.log(8) + n * np.log(local_dim) <= np.log(memory) + 1e-9
    assert np.log(8) + (n + 1) * np.log(local_dim) > np.log(memory)


@pytest.mark.parametrize("wrong", [None, "19", 19.5, [19], 10**9, -3])
def test_largest_state_refuses_what_is_not_a_sensible_integer(wrong):
    assert not check.largest_state(wrong)


def test_largest_state_says_in_which_direction_it_is_off():
    assert "so does one more" in check.largest_state(18).sentence
    assert "bytes, and there are" in check.largest_state(20).sentence


def sum_tensor(slopes, constant):
    """The tensor of the sum, entry by entry from what the entry stands before."""
    tensor = np.zeros((2,) * len(slopes))
    for index in np.ndindex(tensor.shape):
        chosen = [slope for slope, d in zip(slopes, index, strict=True) if d]
        tensor[index] = {0: constant, 1: sum(chosen)}.get(len(chosen), 0)
    return tensor


@pytest.mark.parametrize("slopes, constant", [([2, -1, 3], 5), ([3, 1, -5, 2], -1), ([-2, 7], 4)])
def test_sum_of_pixels_knows_the_tensor(slopes, constant):
    right = sum_tensor(slopes, constant)
    assert check.sum_of_pixels(right, slopes, constant)
    assert check.sum_of_pixels(right.astype(int).tolist(), slopes, constant)
    for index in np.ndindex(right.shape):  # any one entry changed is found
        wrong = right.copy()
        wrong[index] += 1
        assert not check.sum_of_pixels(wrong, slopes, constant)


@pytest.mark.parametrize(
    "wrong", [None, 5, [2, -1, 3], np.zeros((3, 3, 3)), np.full((2, 2, 2), np.nan), "tensor"]
)
def test_sum_of_pixels_refuses_what_is_no_tensor(wrong):
    assert not check.sum_of_pixels(wrong)


def test_sum_of_pixels_says_nothing_of_the_right_entries():
    sentence = check.sum_of_pixels(np.zeros((2, 2, 2))).sentence
    assert "(0, 0, 0)" in sentence and "shape" not in sentence


def interpolated(seed):
    """The tensor in the box from its values at 0, 1, 2: differences in place of a matrix."""
    box = check.black_box(seed)
    values = np.array([box(p) for p in product([0, 1, 2], repeat=3)]).reshape(3, 3, 3)
    for axis in range(3):
        v0, v1, v2 = np.moveaxis(values, axis, 0)
        second = (v2 - 2 * v1 + v0) / 2
        values = np.stack([v0, v1 - v0 - second, second], axis=axis)
    return values


@pytest.mark.parametrize("seed", range(1, 7))
def test_recover_tensor_knows_what_is_in_the_box(seed):
    right = interpolated(seed)
    assert check.recover_tensor(right, seed)
    assert not check.recover_tensor(right, seed + 1)
    assert "opposite order" in check.recover_tensor(right.transpose(2, 1, 0), seed).sentence
    assert not check.recover_tensor(right + 0.5, seed)
    wrong = right.copy()
    wrong[2, 0, 1] += 1
    assert check.recover_tensor(wrong, seed).sentence.startswith("1 of the 27")


@pytest.mark.parametrize("wrong", [None, 7, np.zeros((3, 3)), np.zeros((2, 2, 2)), [[1], [2, 3]]])
def test_recover_tensor_refuses_what_has_another_shape(wrong):
    assert not check.recover_tensor(wrong)


def test_the_box_takes_three_pixels():
    with pytest.raises(ValueError, match=r"pixels must be three numbers, got shape \(2,\)"):
        check.black_box(1)([0, 1])


def test_the_condition_number_in_the_open_exercise():
    for sigma, close_to_limit in [(0.5, False), (1, False), (3, True), (10, True)]:
        q = np.exp(-1 / (2 * sigma**2))
        condition = np.linalg.cond([[1, q], [q, 1]])
        assert np.isclose(condition, (1 + q) / (1 - q))
        assert (abs(condition / (4 * sigma**2) - 1) < 0.01) == close_to_limit
    assert condition**8 > 1e20
