"""Widths for a budget: even, graded, never over it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture
from convac_workbench.profiles import graded_profile, uniform_profile

SHARES = st.sampled_from(["none", "window-position", "all"])


@given(
    window=st.sampled_from([2, 3, 4]), depth=st.integers(1, 4), local_dim=st.integers(1, 9),
    n_outputs=st.integers(1, 10), extra=st.integers(0, 4000), share=SHARES,
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_uniform_profile_is_even_and_full(window, depth, local_dim, n_outputs, extra, share):
    shape = (window**depth, window, local_dim, n_outputs)
    least = Architecture(*shape[:3], (1,) * depth, n_outputs).parameter_count(share)
    found = uniform_profile(*shape, least + extra, share)
    channels = found.channels
    assert found.parameter_count(share) <= least + extra
    assert max(channels) - min(channels) <= 1
    wider = found.with_channels((max(channels) + (min(channels) == max(channels)),) * depth)
    assert wider.parameter_count(share) > least + extra


@pytest.mark.parametrize("r", [6, 8, 12, 30])
def test_graded_profiles_are_the_papers(r):
    for kind, paper in (("wide-base", Architecture.wide_base), ("wide-tip", Architecture.wide_tip)):
        budget = paper(r).parameter_count("all")
        found = graded_profile(kind, 4096, 4, 10, 10, budget, "all")
        assert found == paper(r)
        assert found.parameter_count("all") == budget


def test_graded_profiles_of_three_layers():
    base = graded_profile("wide-base", 8, 2, 5, 1, 260)
    tip = graded_profile("wide-tip", 8, 2, 5, 1, 260)
    assert base.channels == (5, 2, 2) and tip.channels == (2, 5, 11)
    assert max(base.parameter_count(), tip.parameter_count()) <= 260


@pytest.mark.parametrize(
    "change, message",
    [
        ({"budget": 7}, "budget must be an integer of at least"),
        ({"budget": 20.5}, "budget must be an integer"),
        ({"n_sites": 6}, "n_sites must be a power of 2"),
        ({"window": 1}, "window must be an integer of at least 2"),
        ({"share": "some"}, "share must be one of"),
    ],
)
def test_nonsense_budgets_are_refused(change, message):
    shape = {"n_sites": 8, "window": 2, "local_dim": 5, "n_outputs": 1, "budget": 260} | change
    with pytest.raises(ValueError, match=message):
        uniform_profile(**shape)
    with pytest.raises(ValueError, match=message):
        graded_profile("wide-tip", **shape)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of 'wide-base', 'wide-tip'"):
        graded_profile("wide-middle", 8, 2, 5, 1, 260)


def test_no_budget_is_too_large_to_end():
    """A width is found by halving, so that 10^15 weights take no longer than a thousand."""
    wide = uniform_profile(8, 2, 9, 1, budget=10**15)
    assert (
        wide.parameter_count()
        <= 10**15
        < wide.with_channels([r + 1 for r in wide.channels]).parameter_count()
    )
    graded = graded_profile("wide-tip", 8, 2, 9, 1, budget=10**15)
    assert 0.99e15 < graded.parameter_count() <= 10**15
