"""The checks of the chapter on depth: right answers pass, wrong ones learn what is off."""

from itertools import product

import numpy as np
import pytest

from convac_book.checks import depth as check
from convac_lib import Architecture


def test_channels_needed():
    assert check.channels_needed(3**16, 3**16 * 97)
    assert check.channels_needed(np.int64(2**32), np.int64(2**32 * 129), 64, 2, 3)
    assert check.channels_needed(4**8, 4**8 * 65, 16, 4, 4)
    assert "half as many" in str(check.channels_needed(3**32, 3**32 * 97))
    assert "other one" in str(check.channels_needed(5**16, 5**16 * 97))
    assert "multiply" in str(check.channels_needed(48, 48 * 97))
    assert "too small" in str(check.channels_needed(3**15, 3**15 * 97))
    assert "one weight more" in str(check.channels_needed(3**16, 3**16 * 96))
    assert "count the weights" in str(check.channels_needed(3**16, 3**16 * 33))
    assert not check.channels_needed(3.5, 10)
    assert not check.channels_needed("many", 10)


def flat(seed, r0, r1, all_channels=False):
    """Return v and a of the page's deep network, by expanding its sums."""
    generator = np.random.default_rng(seed)
    shapes = Architecture.line(2, (r0, r1)).weight_shapes()
    first, second, top = (generator.integers(0, 9, shape) for shape in shapes)
    v, a = [], []
    for i, j, g in product(range(r0), range(r0), range(r1)):
        v.append(top[0, g] * second[0, g, i] * second[1, g, j])
        a.append([first[0, i], first[1, i], first[2, j], first[3, j]])
    v, a = np.array(v), np.array(a)
    return (v, a) if all_channels else (v.reshape(-1, r1).sum(axis=1), a[::r1])


@pytest.mark.parametrize("seed, r0, r1", [(2, 3, 4), (4, 2, 5)])
def test_flatten_it(seed, r0, r1):
    v, a = flat(seed, r0, r1)
    assert check.flatten_it(v, a, seed, r0, r1)
    assert check.flatten_it((v / 2.0).tolist(), (a * [[[2], [1], [1], [1]]]).tolist(), seed, r0, r1)
    assert "enough" in str(check.flatten_it(*flat(seed, r0, r1, True), seed, r0, r1))
    assert "multiple" in str(check.flatten_it(3 * v, a, seed, r0, r1))
    assert "(1, 0, 2, 3)" in str(check.flatten_it(v, a[:, [1, 0, 2, 3]], seed, r0, r1))
    assert "(3, 2, 1, 0)" in str(check.flatten_it(v, a[:, ::-1], seed, r0, r1))
    assert "entries are off" in str(check.flatten_it(v[::-1], a, seed, r0, r1))
    assert "shape" in str(check.flatten_it(v, a[:, :3], seed, r0, r1))
    assert not check.flatten_it(["x"], a, seed, r0, r1)


def test_windows_of_four():
    assert check.windows_of_four(81)
    assert check.windows_of_four(256.0, 2, 6)
    assert "four windows in" in str(check.windows_of_four(3**8))
    assert "dimensions" in str(check.windows_of_four(6**4, 2, 6))
    assert "two sites in B" in str(check.windows_of_four(16))
    assert "too large" in str(check.windows_of_four(1000))
    assert "too small" in str(check.windows_of_four(2))
    assert not check.windows_of_four([1, 2])


@pytest.mark.parametrize("seed, tolerance", [(30, 0.05), (31, 0.1)])
def test_channels_for_most(seed, tolerance):
    # Another route: the tensor by loops over its two halves, the spectrum by a Gram matrix.
    generator = np.random.default_rng(seed)
    shapes = Architecture.line(3, (4, 6, 3)).weight_shapes()
    a, b, c, top = (generator.normal(size=shape) for shape in shapes)
    pair = [np.einsum("ga,ai,aj->gij", b[k], a[2 * k], a[2 * k + 1]) for k in range(4)]
    half = [np.einsum("hg,gij,gkl->hikjl", c[k], pair[2 * k], pair[2 * k + 1]) for k in range(2)]
    tensor = np.einsum("h,hikjl,hmnop->ikmnjlop", top[0], *half)
    matrix = tensor.reshape(81, 81)
    squares = np.linalg.eigvalsh(matrix @ matrix.T)[::-1]
    bounds = [np.sqrt(max(0, squares[k:].sum()) / squares.sum()) for k in range(81)]
    least = int(np.argmax(np.array(bounds) < tolerance))
    assert check.channels_for_most(least, seed, tolerance)
    assert "fewer than" in str(check.channels_for_most(least + 1, seed, tolerance))
    assert "no error is below" in str(check.channels_for_most(least - 1, seed, tolerance))
    assert not check.channels_for_most(0, seed, tolerance)
    assert not check.channels_for_most(-1, seed, tolerance)
    assert not check.channels_for_most(least + 0.5, seed, tolerance)
