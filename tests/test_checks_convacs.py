"""The checks of the chapter on ConvACs: right answers pass, wrong ones learn what is off."""

import numpy as np
import pytest

from convac_book.checks import convacs as check
from convac_lib import Architecture
from convac_lib.decompositions import scores


def amplitude(seed, choice):
    """Return the network's score on unit vectors: the page's own recipe."""
    network = Architecture.line(local_dim=3, channels=(4, 2))
    generator = np.random.default_rng(seed)
    weights = [generator.integers(1, 9, shape) for shape in network.weight_shapes()]
    return scores(network, weights, np.eye(3, dtype=int)[list(choice)]).item()


@pytest.mark.parametrize("seed, choice", [(3, [1, 0, 2, 0]), (5, [2, 0, 1, 1])])
def test_one_amplitude(seed, choice):
    true = amplitude(seed, choice)
    assert check.one_amplitude(true, seed, choice)
    assert check.one_amplitude(np.array([true]), seed, choice)
    assert "order" in str(check.one_amplitude(amplitude(seed, choice[::-1]), seed, choice))
    assert not check.one_amplitude(true + 1, seed, choice)
    assert not check.one_amplitude([true, true], seed, choice)
    assert not check.one_amplitude(None, seed, choice)


def test_one_amplitude_sees_features_numbered_from_one():
    answer = check.one_amplitude(amplitude(4, [0, 1, 0, 0]), 4, [1, 2, 1, 1])
    assert not answer and "from 0" in str(answer)


def test_how_scores_grow():
    assert check.how_scores_grow([64, 16, 4, 1])
    assert check.how_scores_grow((729, 243, 81, 27, 9, 3, 1), 729, 3)
    assert "round" in str(check.how_scores_grow([1, 4, 16, 64]))
    assert "need 4" in str(check.how_scores_grow([64, 16, 4]))
    assert "dense" in str(check.how_scores_grow([64, 16, 4, 4]))
    assert "layer 1 is too large" in str(check.how_scores_grow([64, 64, 64, 1]))
    assert "layer 0 is too small" in str(check.how_scores_grow([16, 4, 1, 1]))
    assert not check.how_scores_grow(64)


def true_log_score(seed):
    """Return sign and logarithm place by place, each vector scaled by its Euclidean norm."""
    network = Architecture.for_image(64, local_dim=2, channels=(3,) * 6)
    generator = np.random.default_rng(seed)
    shapes = network.weight_shapes("window-position")
    *layers, dense = [generator.normal(size=shape) for shape in shapes]
    v, log_size = generator.normal(size=(4096, 2)), 0.0
    for W in layers:
        z = np.stack([W[j % 4] @ u for j, u in enumerate(v)]).reshape(-1, 4, 3)
        v = z.prod(axis=1)
        scale = np.linalg.norm(v, axis=1)
        v, log_size = v / scale[:, None], log_size + np.log(scale).sum()
    score = (dense @ v[0]).item()
    return np.sign(score), log_size + np.log(abs(score))


@pytest.mark.parametrize("seed", [11, 12])
def test_log_score(seed):
    sign, size = true_log_score(seed)
    assert check.log_score(size, sign, seed)
    assert check.log_score(np.array(size), int(sign), seed)
    assert "sign is not" in str(check.log_score(size, -sign, seed))
    assert "base 10" in str(check.log_score(size / np.log(10), sign, seed))
    assert "base 2" in str(check.log_score(size / np.log(2), sign, seed))
    assert "one scale" in str(check.log_score(size + 0.7, sign, seed))
    assert "off by far" in str(check.log_score(0.5, sign, seed))
    assert "finite" in str(check.log_score(-np.inf, sign, seed))
    assert "sign must" in str(check.log_score(size, 0, seed))


def test_symmetric_halves():
    assert check.symmetric_halves(6)
    assert check.symmetric_halves(15.0, 5)
    assert "without sharing" in str(check.symmetric_halves(9))
    assert "equal ones" in str(check.symmetric_halves(3))
    assert "too large" in str(check.symmetric_halves(81))
    assert "too small" in str(check.symmetric_halves(1))
    assert not check.symmetric_halves(5.5)
    assert not check.symmetric_halves("six")
