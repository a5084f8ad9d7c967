"""The book's regression on pairs of sites, against its targets written out."""

import numpy as np
import pytest

from convac_book.tasks.pairs import global_target, local_target, paired_target
from convac_lib.learning import tasks


def test_pairs_by_hand():
    signs = np.ones((1, 8, 4), dtype=np.int8)
    signs[0, 1, 0] = -1  # spoils one of the sixteen local products
    signs[0, 6, 2] = -1  # and another one, and one of the four global products
    assert local_target(signs) == pytest.approx((14 - 2) / 4)
    assert global_target(signs) == pytest.approx((3 - 1) / 2)


def test_pairs_have_variance_one_whatever_the_mix():
    for mix in (0.0, 0.3, 1.0):
        target = tasks.make("pairs", mix=mix, seed=1).train_targets
        assert target.mean() == pytest.approx(0, abs=0.04)
        assert target.var() == pytest.approx(1, abs=0.05)


def test_the_global_target_has_four_equal_schmidt_values_across_the_middle():
    """So a bond that passes k of them explains k quarters: counted on all inputs."""
    # Only the eight numbers in the target matter; list all 2^4 x 2^4 values of theirs.
    values = np.array(np.meshgrid(*[[-1, 1]] * 4, indexing="ij")).reshape(4, -1)
    matrix = values.T @ values / 2 / 16  # left numbers x right numbers, normalised
    singular = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(singular[:4] ** 2, 0.25, rtol=1e-9)
    np.testing.assert_allclose(singular[4:], 0, atol=1e-9)
    signs = np.ones((256, 8, 4), dtype=np.int8)
    for i in range(4):
        signs[:, i, i] = np.repeat(values[i], 16)
        signs[:, 4 + i, i] = np.tile(values[i], 16)
    np.testing.assert_allclose(global_target(signs).reshape(16, 16) / 16, matrix)


@pytest.mark.parametrize("distance, ranks", [(1, (5, 2, 2)), (2, (3, 5, 2)), (4, (2, 3, 4))])
def test_pairs_at_a_distance_have_the_ranks_that_the_distance_says(distance, ranks):
    """Of the function itself: the table over a block's products and the rest's."""
    task = tasks.make("pairs", distance=distance, n_train=3000, n_test=1)
    assert abs(task.train_targets.mean()) < 0.1 and abs(task.train_targets.var() - 1) < 0.15
    rng = np.random.default_rng(0)
    one, other = rng.choice([-1, 1], (2, 60, 8, 4))
    for level, rank in enumerate(ranks):
        sites = np.arange(8) < 2**level
        mixed = np.where(sites[:, None], one[:, None], other[None])
        table = paired_target(mixed.reshape(-1, 8, 4), distance).reshape(60, 60)
        assert np.linalg.matrix_rank(table, tol=1e-3) == rank


def test_distance_one_and_four_are_the_local_and_the_global_target():
    near, far = tasks.make("pairs", mix=0.0), tasks.make("pairs", mix=1.0)
    for distance, other in ((1, near), (4, far)):
        task = tasks.make("pairs", distance=distance)
        assert np.array_equal(task.train_inputs, other.train_inputs)
        assert np.array_equal(task.train_targets, other.train_targets)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"mix": 1.5}, "mix must be a number from 0"),
        ({"distance": 3}, "distance must be one of 1, 2, 4, got 3"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        tasks.make("pairs", **options)
