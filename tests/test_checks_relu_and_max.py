"""The checks of the chapter on ReLU and max."""

from fractions import Fraction

import numpy as np
import pytest

from convac_book.checks import relu_and_max as check

WORDS = [("AABABBAA", 3), ("ABBABABB", 3), ("BBABAABA", 4), ("AABABBBB", 3), ("BABBBBAA", 4)]


def taking_turns(word, n_templates):
    sites = {side: [j for j, letter in enumerate(word) if letter == side] for side in "AB"}
    few = min(map(len, sites.values()))
    turns = [site for pair in zip(sites["A"], sites["B"], strict=False) for site in pair]
    values = np.zeros((8, n_templates), dtype=int)
    for place, site in enumerate(turns[: 2 * few]):
        values[site] = 1 + place + 2 * few * np.arange(n_templates)
    return values


@pytest.mark.parametrize("word, n_templates", WORDS)
def test_interlace(word, n_templates):
    values = taking_turns(word, n_templates)
    assert check.interlace(values, word, n_templates)
    assert check.interlace(values.astype(float).tolist(), word, n_templates)
    worse = values.copy()
    worse[:, -1] = values[:, 0]
    assert "the ceiling is higher" in check.interlace(worse, word, n_templates).sentence
    assert "shape" in check.interlace(values.T, word, n_templates).sentence
    assert "ReLU" in check.interlace(-values, word, n_templates).sentence
    assert "million" in check.interlace(values * 10**7, word, n_templates).sentence
    for nonsense in (5, "values", [[1.5] * n_templates] * 8, np.full((8, n_templates), np.nan)):
        assert not check.interlace(nonsense, word, n_templates)


@pytest.mark.parametrize("word, n_templates, bound, room", [
    ("ABABBBBB AAAABABB", 3, 36, 3**7),
    ("AABAABBB BBABBABB", 3, 3**4 + 3**2 - 1, 3**6),
    ("ABAAAAAA ABBBABAB", 2, 2 + 2**3, 2**6),
    ("BBBBBABB AABABABB", 3, 3**1 + 3**4 - 1, 3**5),
    ("AABBABAB ABBBBBBB", 4, 4**4 + 4 - 1, 4**5),
])  # fmt: skip
def test_sum_bound(word, n_templates, bound, room):
    assert check.sum_bound((bound, room), word, n_templates)
    assert check.sum_bound(np.array([bound, room]), word, n_templates)
    assert "room" in check.sum_bound((bound, room + 1), word, n_templates).sentence
    assert not check.sum_bound((2, room), word, n_templates)
    assert "small" in check.sum_bound((3, room), word, n_templates).sentence
    assert "large" in check.sum_bound((10**9, room), word, n_templates).sentence
    assert not check.sum_bound(bound, word, n_templates)


def test_sum_bound_names_the_bound_that_was_taken():
    assert "of A's" in check.sum_bound((3**2 + 3**5 - 1, 3**7)).sentence
    assert "of B's" in check.sum_bound((3**6 + 3**3 - 1, 3**7)).sentence
    assert "halves' ranks" in check.sum_bound((90, 3**6), "AABAABBB BBABBABB").sentence
    assert "between the left and the right half" in check.sum_bound((2, 3**7)).sentence


PRICES = {
    "s*t": 1, "s + t": 2, "s + t - s*t": 2, "(s + t)**2": 3, "(s - t)**2": 3, "(s + t)**3": 4,
    "s*t*(s + t)": 2, "s*s + t*t": 2, "(s*t + 1)**2": 3, "s*t + s + t": 2, "max(s, t)": None,
    "min(s, t)": None, "abs(s - t)": None, "1/(s + t)": None,
}  # fmt: skip


def test_price_of_a_pooling():
    assert check.price_of_a_pooling(PRICES, tuple(PRICES))
    for formula, price in PRICES.items():
        other = PRICES | {formula: 5 if price is None else price + 1}
        verdict = check.price_of_a_pooling(other, tuple(PRICES))
        assert formula in verdict.sentence
        assert not verdict
        assert not check.price_of_a_pooling(PRICES | {formula: 2.5}, tuple(PRICES))
    assert "finitely" in check.price_of_a_pooling(PRICES | {"s*t": None}, tuple(PRICES)).sentence
    assert "missing" in check.price_of_a_pooling({}, ("s*t",)).sentence
    assert not check.price_of_a_pooling([1], ("s*t",))


@pytest.mark.parametrize("formula", [f for f, price in PRICES.items() if price is None])
def test_kernels_without_a_price_have_full_rank_over_the_rationals(formula):
    for size in (3, 6, 12):
        rows = [[Fraction(eval(formula, {"s": Fraction(s), "t": Fraction(t)}))
                 for t in range(1, size + 1)] for s in range(1, size + 1)]  # fmt: skip
        assert determinant(rows) != 0


def determinant(rows):
    """Return the determinant of a matrix of fractions, by elimination."""
    rows, product = [list(row) for row in rows], Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return Fraction(0)
        if pivot != k:
            rows[k], rows[pivot], product = rows[pivot], rows[k], -product
        product *= rows[k][k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return product
