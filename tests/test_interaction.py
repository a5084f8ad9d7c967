"""The interaction of two groups of inputs, against sums over all quadruples and over all draws."""

import re
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from convac_lib import Architecture
from convac_lib.learning.models import ConvAC
from convac_workbench import interaction as module
from convac_workbench.interaction import (
    additive_part,
    effective_rank,
    interaction,
    variances,
)

LEFT = np.arange(64).reshape(8, 8) % 8 < 4


def images(n=200, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 8, 8)).astype(np.float32)


# --- the estimates ------------------------------------------------------------------------


def by_quadruples(matrix):
    """The three variances as means over all choices of different indices."""
    n = len(matrix)
    a, b, both = [], [], []
    for i, k, j, m in permutations(range(n), 4):
        apart = matrix[i, j] @ matrix[k, m]
        a.append(matrix[i, j] @ matrix[i, m] - apart)
        b.append(matrix[i, j] @ matrix[k, j] - apart)
        corner = matrix[i, j] - matrix[i, m] - matrix[k, j] + matrix[k, m]
        both.append(corner @ corner / 4)
    return np.mean(a), np.mean(b), np.mean(both)


@given(st.integers(4, 7), st.integers(1, 3), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_variances_are_means_over_all_quadruples(n, outputs, seed):
    matrix = np.random.default_rng(seed).normal(size=(n, n, outputs))
    np.testing.assert_allclose(variances(matrix), by_quadruples(matrix), atol=1e-12)


def test_variances_are_unbiased_exactly():
    # Five images; all 5^4 draws of four of them; integers, so the floats below are exact.
    population = np.array(
        [[3, -2, 7, 1, 0], [1, 1, 4, -5, 2], [0, 6, -3, 2, 2], [9, 0, 1, 1, -4], [2, 2, 8, -1, 5]]
    )
    mean = Fraction(int(population.sum()), 25)
    f = [Fraction(int(row.sum()), 5) - mean for row in population]
    g = [Fraction(int(column.sum()), 5) - mean for column in population.T]
    rest = [
        Fraction(int(population[i, j])) - mean - f[i] - g[j] for i, j in product(range(5), repeat=2)
    ]
    true = [sum(x * x for x in values) / len(values) for values in (f, g, rest)]
    drawn = [variances(population[np.ix_(d, d)][..., None].astype(float))
             for d in map(list, product(range(5), repeat=4))]  # fmt: skip
    np.testing.assert_allclose(np.mean(drawn, axis=0), [float(v) for v in true], rtol=1e-12)


def test_with_the_diagonal_the_estimate_would_be_biased():
    # Sides of one image belong together: here h is large on real images alone.
    rng = np.random.default_rng(0)
    with_diagonal, without = [], []
    for _ in range(300):
        image = rng.integers(0, 50, 12)
        matrix = (image[:, None] == image).astype(float)[..., None]
        without.append(variances(matrix)[2])
        centred = matrix - matrix.mean(0) - matrix.mean(1, keepdims=True) + matrix.mean((0, 1))
        with_diagonal.append((centred**2).sum() / 11**2)
    true = (1 / 50) * (1 - 1 / 50)  # of the indicator that two independent images agree
    assert abs(np.mean(without) - true) < 0.2 * true
    assert np.mean(with_diagonal) > 3 * true


@pytest.mark.parametrize("mean, share", [(0, 1), (1, 1 / 3), (3, 1 / 19)])
def test_a_product_of_two_sides(mean, share):
    x = np.random.default_rng(1).normal(mean, 1, size=(4000, 2))
    found = interaction(lambda x: x[:, 0] * x[:, 1], x, [True, False], reading="values", n=400)
    assert abs(found.share - share) < 3 * found.share_error + 1e-9
    assert found.share_error < 0.1
    if found.effective_rank is not None:
        assert abs(found.effective_rank - 1) < 1e-6


def test_the_error_bar_covers():
    # 2 standard errors hold the true share in about 95 % of draws; asked: 85 to 100 of 100.
    rng, true, inside = np.random.default_rng(3), 1 / 3, 0
    for _ in range(100):
        x = rng.normal(1, 1, size=(40, 2))
        found = interaction(lambda x: x[:, 0] * x[:, 1], x, [True, False], reading="values")
        inside += abs(found.share - true) < 2 * found.share_error
    assert 85 <= inside <= 100


def test_sums_have_no_interaction_at_any_size():
    x = images()
    for size in (1e-6, 1, 1e6):
        found = interaction(
            lambda x, size=size: size * np.stack(
                [x[:, :, :4].max((1, 2)), np.exp(x[:, :, 4:]).sum((1, 2)) + 1000], 1),
            x, LEFT, reading="values",
        )  # fmt: skip
        assert abs(found.share) < 1e-12
        assert found.h_squared < 1e-20
        assert found.effective_rank is None
        assert abs(found.share_a + found.share_b - 1) < 1e-12


def test_removing_the_interaction_from_a_sum_changes_nothing():
    f, g = np.random.default_rng(0).normal(size=(2, 9, 3))
    matrix = f[:, None] + g
    np.testing.assert_allclose(additive_part(matrix), f + g)


def test_removing_the_interaction_from_parity_leaves_chance():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, size=(400, 2)).astype(float)
    parity = (x.sum(1) % 2).astype(int)
    found = interaction(lambda x: (x[:, 0] - 0.5) * (0.5 - x[:, 1]), x, [True, False], parity,
                        n=80)  # fmt: skip
    assert found.quality == found.auc == 1
    assert found.auc_without < 0.7
    assert found.share > 0.97
    assert abs(found.effective_rank - 1) < 1e-9


def test_effective_rank_of_equality():
    equal = np.kron(np.eye(8), np.ones((3, 3)))  # eight kinds, three of each
    assert abs(effective_rank(equal[..., None]) - 7) < 1e-9  # centring takes one direction


def test_logits_and_log_probabilities_are_the_same():
    weights = np.random.default_rng(0).normal(size=(64, 5))

    def logits(x):
        flat = x.reshape(len(x), -1)
        return flat @ weights + np.abs(flat[:, :5]) * flat[:, 59:]

    def logarithms(x):
        z = logits(x)
        return z - np.log(np.exp(z).sum(1, keepdims=True))

    x = images()
    one, two = (interaction(f, x, LEFT, softmax=True) for f in (logits, logarithms))
    assert abs(one.share - two.share) < 1e-9
    assert abs(one.softmax_share - two.softmax_share) < 1e-9
    assert one.share > 0.001


def test_a_linear_classifier_has_a_softmax_share_and_no_share():
    weights = np.random.default_rng(0).normal(size=(64, 10)) / 4
    found = interaction(lambda x: x.reshape(len(x), -1) @ weights, images(), LEFT, softmax=True)
    assert abs(found.share) < 1e-12
    assert found.softmax_share > 0.1
    assert abs(found.softmax_share - found.softmax_share_additive) < 1e-12


def test_a_common_addition_to_all_logits_is_not_seen():
    weights = np.random.default_rng(0).normal(size=(64, 3))

    def logits(x, extra=0.0):
        flat = x.reshape(len(x), -1)
        coupled = flat[:, :32].sum(1) * flat[:, 32:].sum(1)
        return np.tanh(flat @ weights) + extra * coupled[:, None]

    plain, moved = (interaction(lambda x, e=e: logits(x, e), images(), LEFT) for e in (0.0, 1.0))
    assert abs(plain.share - moved.share) < 1e-9


def test_sides_of_one_class_are_joined_apart():
    # Classes are told by both sides; within a class nothing is coupled.
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, 300)
    x = rng.normal(size=(300, 2)) * 0.1 + kinds[:, None]

    def logits(x):
        return np.stack([0 * x[:, 0], (x[:, 0] > 0.5) * (x[:, 1] > 0.5) + x[:, 0]], 1)

    found = interaction(logits, x, [True, False], kinds)
    assert found.share > 0.03
    assert abs(found.same_class_share) < 0.01
    assert found.questions > 2 * 40**2 - 200


def test_columns_of_a_table_with_a_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5))
    y = x[:, 0] + x[:, 1] * x[:, 3]
    found = interaction(lambda x: x[:, 0] + x[:, 1] * x[:, 3], x, [1, 1, 0, 0, 0], y,
                        reading="values", n=100)  # fmt: skip
    assert found.quality == 1
    assert 0 < found.quality_without < 0.9
    assert found.auc is None


def test_the_same_seed_gives_the_same_images():
    weights = np.random.default_rng(0).normal(size=(64, 3))
    one, two, other = (
        interaction(lambda x: np.tanh(x.reshape(len(x), -1) @ weights), images(), LEFT, seed=seed)
        for seed in (0, 0, 1)
    )
    assert one == two != other


# --- refusals -----------------------------------------------------------------------------


def linear(x):
    return x.reshape(len(x), -1)[:, :10]


@pytest.mark.parametrize("change, word", [
    ({"function": 3}, "callable"),
    ({"function": nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Dropout(0.5))}, "eval"),
    ({"function": nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10))}, "eval"),
    ({"function": lambda x: linear(x) * np.nan}, "NaN"),
    ({"function": lambda x: linear(x)[:5]}, "questions"),
    ({"function": lambda x: x}, "shape"),
    ({"function": lambda x: 0 * linear(x)}, "one answer"),
    ({"function": lambda x: 0 * linear(x) + np.arange(10)}, "one answer"),
    ({"function": lambda x: np.exp(linear(x)) / np.exp(linear(x)).sum(1, keepdims=True)},
     "probabilities"),
    ({"partition": np.ones((8, 8), dtype=bool)}, "empty"),
    ({"partition": np.zeros((8, 8), dtype=bool)}, "empty"),
    ({"partition": np.ones((4, 4), dtype=bool)}, "shape"),
    ({"partition": True}, "shape"),
    ({"partition": np.full((8, 8), 0.5)}, "booleans"),
    ({"partition": np.arange(8) < 4}, "first or the last"),
    ({"inputs": images(20)}, "at least n = 40"),
    ({"inputs": np.where(LEFT, 1.0, images())}, "side A"),
    ({"inputs": np.where(LEFT, images(), 1.0)}, "side B"),
    ({"targets": np.zeros(3)}, "targets"),
    ({"targets": np.array(["a"] * 200)}, "targets"),
    ({"targets": np.linspace(0, 1, 200)}, "the classes"),
    ({"n": 4}, "n must"),
    ({"n": 40.0}, "n must"),
    ({"seed": -1}, "seed"),
    ({"reading": "softmax"}, "reading"),
])  # fmt: skip
def test_refusals(change, word):
    arguments = {"function": linear, "inputs": images(), "partition": LEFT} | change
    with pytest.raises(ValueError, match=word):
        interaction(**arguments)


def test_raw_scores_of_a_convac_are_refused_and_normalised_ones_are_not():
    net = Architecture.for_image(8, 2, (3, 3, 3), n_outputs=10)
    x = np.random.default_rng(0).uniform(size=(60, 8, 8)).astype(np.float32)
    with pytest.raises(ValueError, match="normalized"):
        interaction(ConvAC(net, seed=0, head="scores"), x, LEFT)
    assert 0 <= interaction(ConvAC(net, seed=0), x, LEFT).share <= 1


def test_the_cost_is_said_before_the_questions():
    events = []

    def function(x):
        events.append(len(x))
        return linear(x)

    interaction(function, images(), LEFT, say=events.append)
    told = next(i for i, event in enumerate(events) if isinstance(event, str))
    assert events[told].startswith("1,600 questions")
    assert sum(events[:told]) < 200 < sum(events[told + 1 :])


def test_what_is_found_can_be_read():
    found = interaction(lambda x: x[:, 0, 0] * x[:, 0, 7], images(), LEFT, reading="values")
    assert re.match(r"\d+\.\d% ± \d+\.\d% of the variance is not f\(A\) \+ g\(B\)", str(found))


def test_measures_of_answers_that_do_not_vary():
    matrix = np.ones((5, 5, 1))
    with pytest.raises(ValueError, match="function must vary over the joined sides"):
        module._measure(matrix)
    assert module._same_class([matrix]) == {}
    assert module.area_under_roc(np.arange(3.0), np.ones(3, bool)) is None
    outputs = np.array([[0.0, 1, 2], [3, 0, 0], [0, 5, 0], [1, 0, 0]])
    assert module._quality(outputs, np.array([2, 0, 0, 0]), "logits") == 0.75


def test_a_sum_has_no_effective_rank():
    with pytest.raises(ValueError, match="no sum of a row and a column"):
        module.effective_rank(np.zeros((5, 5, 1)))
