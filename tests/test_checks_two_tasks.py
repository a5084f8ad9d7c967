"""The checks of the chapter on the two tasks, and the statements of the page that no cell runs."""

from fractions import Fraction
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from convac_book.checks import two_tasks as check
from convac_lib.learning import tasks
from convac_lib.learning.tasks import digits
from convac_lib.partitions import image_blocks, to_sites

MNIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(
    not MNIST.is_dir(), reason="no MNIST in ../shared/data/mnist beside the project"
)


# --- the checks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern, n, distance, answer",
    [
        ([1, 1, 0, 1], 10, 2, Fraction(1, 100)),
        ([1, 0, 1, 1], 12, 1, Fraction(3, 144)),
        ([1, 1, 1, 0, 1], 15, 2, Fraction(14, 225)),
        ([1, 0, 0, 1], 9, 3, Fraction(5, 81)),
    ],
)
def test_pattern_on_a_ring(pattern, n, distance, answer):
    def verdict(value):
        return check.pattern_on_a_ring(value, pattern, n, distance)

    mean = Fraction(sum(pattern), n)
    both = answer + mean**2
    assert verdict(answer) and verdict(float(answer)) and verdict(np.float32(answer))
    assert "subtracted" in str(verdict(both))
    assert "square of one's chance" in str(verdict(both - mean))
    assert "sign" in str(verdict(-answer))
    assert "among all places" in str(verdict(both / mean - mean**2))
    assert "part of the variance" in str(verdict(answer / (mean - mean**2)))
    assert "large" in str(verdict(7)) and "small" in str(verdict(-7))
    assert not verdict("none") and not verdict(None)


@pytest.mark.parametrize("size, side, k", [(8, 64, 3), (6, 32, 2), (8, 64, 4), (12, 64, 3)])
def test_windows_touched(size, side, k):
    def verdict(value):
        return check.windows_touched(value, size, side, k)

    window = np.arange(side) // 2**k
    one_way = [len(set(window[a : a + size])) for a in range(side - size + 1)]
    mean = np.mean(one_way)
    assert verdict(mean**2)
    assert "one direction" in str(verdict(mean))
    assert "equally often" in str(verdict((1 + (size - 1) / 2**k) ** 2))
    assert "no mean of squares" in str(verdict(np.mean(np.square(one_way))))
    assert "between 1 and" in str(verdict(0.5)) and "between 1 and" in str(verdict(40))
    assert "large" in str(verdict(mean**2 + 0.01)) and "small" in str(verdict(mean**2 - 0.01))
    assert not verdict([1, 2])


def test_few_small_digits_lie_within_one_window():
    whole = [(a // 8 == (a + 7) // 8, a // 16 == (a + 7) // 16) for a in range(57)]
    assert np.mean(whole, axis=0) ** 2 == pytest.approx([0.02, 0.40], abs=0.005)


@pytest.mark.parametrize(
    "pairs, k, answer",
    [
        ([[0, 4], [0, 5], [1, 6], [2, 7], [2, 3]], 2, 3 / 5),
        ([[0, 4], [0, 5], [1, 4], [1, 5], [2, 6], [2, 3]], 1, 4 / 6),
        ([[0, 4], [0, 5], [1, 5], [6, 7], [4, 7]], 2, (2 + (3 + 5**0.5) / 2) / 5),
        ([[0, 1], [2, 3], [1, 4], [3, 6], [5, 7]], 3, 4 / 5),
    ],
)
def test_best_with_k(pairs, k, answer):
    assert check.best_with_k(answer, pairs, k)
    assert "hold several pairs" in str(check.best_with_k(k / len(pairs), pairs, k))
    assert "root" in str(check.best_with_k(answer**0.5, pairs, k))
    assert "between 0 and 1" in str(check.best_with_k(2, pairs, k))
    assert "large" in str(check.best_with_k(0.99, pairs, k))
    assert "small" in str(check.best_with_k(0.01, pairs, k))
    assert not check.best_with_k("all", pairs, k)


def test_best_with_k_knows_values_from_their_squares():
    roots = np.sqrt([2, 1, 1, 1])
    assert "squared" in str(check.best_with_k(roots[:2].sum() / roots.sum()))


# --- what the page states -------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 30))
def test_a_block_on_a_ring(length, more):
    n = 2 * length + more
    x = np.array([np.roll(np.arange(n) < length, s) for s in range(n)]).astype(float)
    c = np.cov(x.T, bias=True)[0]
    distance = np.minimum(np.arange(n), n - np.arange(n))
    np.testing.assert_allclose(
        c, np.maximum(length - distance, 0) / n - length**2 / n**2, atol=1e-12
    )
    assert abs(c.sum()) < 1e-9  # the number of lit pixels never changes


@settings(max_examples=20, deadline=None)
@given(arrays(float, (9, 5), elements=st.floats(0, 1, width=32)), st.integers(1, 4))
def test_small_angles_see_pairs(x, in_a):
    """All Schmidt values of the data tensor against those of the correlations, as θ → 0."""
    covariance = np.linalg.svd(
        (x - x.mean(0))[:, :in_a].T @ (x - x.mean(0))[:, in_a:] / 9, compute_uv=False
    )
    theta = 1e-3
    tensor = 0
    for image in theta * x:
        state = np.ones(1)
        for angle in image:
            state = np.kron(state, [np.cos(angle), np.sin(angle)])
        tensor = tensor + state.reshape(2**in_a, -1)
    values = np.linalg.svd(tensor, compute_uv=False)
    found = np.zeros(5)
    found[: len(values) - 1] = values[1:6] / values[0] / theta**2
    wanted = np.zeros(5)
    wanted[: len(covariance)] = covariance
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_the_papers_numbers_of_images_are_the_default():
    for task in (digits.local, digits.global_):
        options = signature(task).parameters
        assert (options["n_train"].default, options["n_test"].default) == (60_000, 10_000)


def correlation(images):
    """Return c(Δ) along rows and columns by Fourier transform, not by slices."""
    x = np.concatenate([images, images.mean(0, keepdims=True)]).astype(float)
    side = x.shape[-1]
    power = np.abs(np.fft.rfft2(x, s=(2 * side, 2 * side))) ** 2
    sums = np.fft.irfft2(power[:-1].mean(0) - power[-1], s=(2 * side, 2 * side))
    pairs = side * (side - np.arange(side))
    return (sums[:side, 0] + sums[0, :side]) / 2 / pairs


def first_zero(c):
    d = int(np.argmax(c <= 0))
    assert d > 0, "no zero"
    return d - 1 + c[d - 1] / (c[d - 1] - c[d])


def test_lengths_of_the_tasks_without_mnist():
    for name, low, high in [("local", 7, 8), ("global", 26, 32)]:
        images = tasks.make(name, seed=3, n_train=1500, n_test=1).train_inputs
        assert low < first_zero(correlation(images)) < high


@needs_mnist
@pytest.mark.slow
def test_lengths_and_shares_on_mnist(monkeypatch):
    """Zeros at about 6 and 18 pixels; squares of 32 cut less than 0.1, and more than 0.2."""
    monkeypatch.setenv("CONVAC_DATA", str(MNIST))
    board, found = image_blocks(64, 32), {}
    for name in ("local", "global"):
        images = tasks.make(name, source="mnist", n_train=1200, n_test=1).train_inputs
        halves = np.split(to_sites(images).astype(np.float32), 2)
        first, second = (np.cov(half, rowvar=False, dtype=np.float32) for half in halves)
        squares = first * second
        np.fill_diagonal(squares, 0)
        share = 2 * squares[board][:, ~board].sum() / squares.sum()
        found[name] = first_zero(correlation(images)), share
    assert found["local"][0] == pytest.approx(6, abs=0.5) and found["local"][1] < 0.1
    assert found["global"][0] == pytest.approx(18, abs=1) and found["global"][1] > 0.2


def test_a_photograph_has_the_length_of_its_patches():
    from sklearn.datasets import load_sample_images

    for image in load_sample_images().images:
        grey = image.mean(axis=-1) / 255
        for side in (64, 128):
            rng = np.random.default_rng(0)
            rows, columns = (rng.integers(0, n - side + 1, 400) for n in grey.shape)
            patches = np.array(
                [grey[r : r + side, c : c + side] for r, c in zip(rows, columns, strict=True)]
            )
            assert side > 64 or correlation(patches).min() > 0
            own = patches - patches.mean(axis=(1, 2), keepdims=True)
            assert 0.45 < first_zero(correlation(own)) / side < 0.6
