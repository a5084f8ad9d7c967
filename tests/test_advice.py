"""Advised profiles against enumeration, and when no advice is given."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectra_by_hand import FAR, NEAR, PROBE, spectrum_of

from convac_lib import Architecture
from convac_workbench.advice import suggest_profile, tail_sum
from convac_workbench.bonds import bond_caps

SHARES = st.sampled_from(["none", "window-position", "all"])


# --- the tail sum -------------------------------------------------------------------------


def test_the_tail_sum_by_hand():
    # Sites: the least of 5 equal 1/16 is lost 8 times; blocks of 2: 1/4 lost 4 times.
    found = tail_sum(NEAR, PROBE.with_channels((4, 1, 2)))
    assert found == pytest.approx(8 / 16 + 4 / 4 + 2 / 2)
    assert tail_sum(NEAR, PROBE.with_channels((5, 2, 2))) == 0


def test_noise_does_not_move_the_advice():
    noisy = spectrum_of(PROBE, [[12, 1, 1, 1, 1], [3, 1] + [1e-3] * 6, [1, 1] + [1e-3] * 6, [1]])
    assert tail_sum(noisy, PROBE.with_channels((5, 2, 2))) > 0
    found = suggest_profile(noisy, 260, learned=1.0)
    assert found.architecture.channels == (5, 2, 4)
    flat = spectrum_of(PROBE, [[1, 1e-4], [1, 1e-4], [1, 1e-4], [1]])
    found = suggest_profile(flat, 260, floor=1)
    assert found.architecture == found.uniform and found.tail < 1e-3


def test_a_spectrum_of_another_tree_is_refused():
    with pytest.raises(ValueError, match="architecture must be the tree of the spectrum"):
        tail_sum(NEAR, Architecture.line(4, (3, 3, 3)))


@given(data=st.data(), share=SHARES)
@settings(max_examples=40, deadline=None)
def test_no_profile_within_the_budget_has_a_smaller_tail_sum(data, share):
    probe = Architecture.line(3, (4, 4, 4), n_outputs=data.draw(st.integers(1, 3)))
    weights = st.lists(st.floats(0.01, 1), min_size=1, max_size=4)
    spectrum = spectrum_of(probe, [data.draw(weights)[:cap] for cap in bond_caps(probe)])
    least = probe.with_channels((1, 1, 1)).parameter_count(share)
    budget = least + data.draw(st.integers(0, 150))
    found = suggest_profile(spectrum, budget, share, floor=1, tie=0.0)
    assert found.architecture.parameter_count(share) <= budget
    best = min(
        tail_sum(spectrum, probe.with_channels(channels))
        for channels in product(range(1, 5), repeat=3)
        if probe.with_channels(channels).parameter_count(share) <= budget
    )
    assert found.tail == pytest.approx(best, abs=1e-9)
    assert found.tail <= found.uniform_tail + 1e-9


# --- the heuristic ------------------------------------------------------------------------


def test_near_data_get_a_wide_base_and_far_data_keep_the_uniform_profile():
    near = suggest_profile(NEAR, 260, learned=0.95)
    assert near.architecture.channels == (5, 2, 4) and near.trusted
    assert near.tail == 0 and near.uniform_tail == pytest.approx(0.5)
    far = suggest_profile(FAR, 260, learned=0.95)
    assert far.architecture == far.uniform and far.uniform.channels == (4, 4, 4)
    assert "no profile discards clearly less" in far.reason and far.trusted


def test_pairs_at_distance_two_keep_the_uniform_profile():
    """The page: a failed probe cost nothing here, since the exact spectrum says uniform too."""
    middle = spectrum_of(PROBE, [[6, 1, 1], [4, 1, 1, 1, 1], [1, 1], [1]])
    found = suggest_profile(middle, 260, learned=1.0)
    assert found.architecture == found.uniform and found.trusted


def test_a_poor_probe_is_not_trusted():
    found = suggest_profile(NEAR, 260, learned=0.4)
    assert found.architecture == found.uniform and not found.trusted
    assert "0.40" in found.reason
    assert not suggest_profile(NEAR, 260, learned=float("nan")).trusted


def test_a_probe_that_starves_says_so():
    narrow = spectrum_of(Architecture.line(5, (4, 4, 4)), [[1] * 4, [1, 1], [1, 1], [1]])
    assert narrow.starving == (True, False, False, False)
    found = suggest_profile(narrow, 130)
    assert not found.trusted and "starves at level [0]" in found.reason


def test_the_floor_holds():
    flat = spectrum_of(PROBE, [[1, 1, 1, 1, 1], [1], [1], [1]])
    found = suggest_profile(flat, 260, floor=3)
    assert min(found.architecture.channels) >= 3
    assert min(suggest_profile(flat, 260).architecture.channels) >= 2
    with pytest.raises(ValueError, match="floor must leave the profile within the budget"):
        suggest_profile(flat, 260, floor=9)


def test_a_deep_network_of_many_widths_is_advised_at_once():
    probe = Architecture.for_image(64, 10, (40,) * 6, n_outputs=10)
    decay = (0.9, 0.9, 0.9, 0.5, 0.2, 0.2, 0.2)
    levels = [d ** np.arange(cap) for d, cap in zip(decay, bond_caps(probe), strict=True)]
    found = suggest_profile(spectrum_of(probe, levels), 1416, "all")
    assert 1200 < found.architecture.parameter_count("all") <= 1416
    assert found.tail < found.uniform_tail
