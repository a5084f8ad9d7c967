"""How answers are read: one form for whatever made them, and a sentence for what is none."""

from fractions import Fraction

import flint
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convac_book import answers
from convac_book.answers import NotAnAnswer

KINDS = [
    int,
    float,
    np.int64,
    np.float64,
    Fraction,
    flint.fmpz,
    torch.tensor,
    np.array,
    lambda n: np.array([[n]]),
    lambda n: torch.tensor([float(n)]),
]
NONE_OF_ALL = [
    None,
    True,
    np.True_,
    "3",
    "",
    b"3",
    [3],
    (3,),
    {3},
    {},
    3j,
    np.nan,
    np.inf,
    pytest.param(object(), id="an object"),
]


@given(st.integers(-(2**40), 2**40), st.sampled_from(KINDS[:9]))
def test_a_count_is_a_count_whoever_made_it(n, kind):
    assert answers.count(kind(n)) == n and type(answers.count(kind(n))) is int


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_a_number_whoever_made_it(kind):
    assert answers.number(kind(3)) == 3.0 and type(answers.number(kind(3))) is float


@pytest.mark.parametrize("read", [answers.count, answers.number, answers.fraction])
@pytest.mark.parametrize("value", NONE_OF_ALL, ids=repr)
def test_what_is_no_number_is_refused(read, value):
    with pytest.raises(NotAnAnswer, match="is asked for"):
        read(value)


def test_what_is_exact():
    assert answers.count(10**40) == 10**40
    assert answers.fraction(flint.fmpq(1, 3)) == Fraction(1, 3)
    for value in (2.5, Fraction(5, 2), np.array([1, 2])):
        with pytest.raises(NotAnAnswer):
            answers.count(value)
    with pytest.raises(NotAnAnswer):
        answers.fraction(0.5)


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_lists(kind):
    assert answers.counts(kind([1, 2]), 2) == [1, 2]
    assert answers.numbers(kind([0.5, 2.0]), 2) == [0.5, 2.0]
    assert answers.count_set(kind([2, 2, 1])) == {1, 2}
    with pytest.raises(NotAnAnswer, match="got 2 of them"):
        answers.counts(kind([1, 2]), 3)


@pytest.mark.parametrize(
    "value", [3, "12", {1, 2}, {1: 2}, None, [1, "2"], [1.5, 2], [[1], [2, 3]]][:]
)
def test_what_is_no_list_of_counts(value):
    with pytest.raises(NotAnAnswer):
        answers.counts(value, 2)


def test_sets_and_tables():
    assert answers.count_set({1, 2.0}) == {1, 2}
    assert answers.count_table({1.0: np.int64(4)}) == {1: 4}
    for value in ([(1, 4)], {1: "4"}, {"a": 1}, None):
        with pytest.raises(NotAnAnswer):
            answers.count_table(value)


@pytest.mark.parametrize(
    "value", [np.eye(2), np.eye(2, dtype=int), torch.eye(2), [[1, 0], [0, Fraction(1)]]]
)
def test_arrays(value):
    found = answers.array(value, (2, None))
    assert found.dtype == float and np.array_equal(found, np.eye(2))


@pytest.mark.parametrize(
    "value",
    [
        np.ones(4),
        np.ones((2, 2, 1)),
        [[1, 2], [3]],
        [["1", "2"], ["3", "4"]],
        np.eye(2, dtype=bool),
        np.eye(2, dtype=complex),
        np.eye(2, dtype=object),
        [[1, np.nan], [0, 1]],
        None,
    ],
    ids=str,
)
def test_what_is_no_array_of_that_shape(value):
    with pytest.raises(NotAnAnswer):
        answers.array(value, (2, 2))


def test_near():
    assert answers.near([1.0, 2.0], [1.0005, 2.0], within=0.001)
    assert not answers.near([1.0, 2.0], [1.002, 2.0], within=0.001)
    assert answers.near(-100.4, -100, percent=0.5)
    assert not answers.near(-100.6, -100, percent=0.5)
    assert not answers.near([1.0], 1.0, within=1)


@pytest.mark.parametrize("formula", ["ij,jk", "ij->j->i", 3, "ij,jk,->ik", "i1,jk->ik", "ij->i"])
def test_what_is_no_einsum_formula(formula):
    with pytest.raises(NotAnAnswer):
        answers.einsum_words(formula, 2)


def test_a_refusal_shows_what_came_if_it_is_short():
    with pytest.raises(NotAnAnswer, match=r"got \[1, 2\]"):
        answers.number([1, 2])
    with pytest.raises(NotAnAnswer, match="got a list"):
        answers.number(list(range(1000)))
