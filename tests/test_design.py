"""Profiles from budgets and spectra, against enumeration and exact cuts."""

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.learning import design
from convac_lib.learning.bonds import BondSpectrum

SHARES = st.sampled_from(["none", "window-position", "all"])


def spectrum_of(architecture, levels):
    """Return a BondSpectrum whose nodes of a level are all alike, padded to the caps."""
    shares = []
    for level, (p, cap) in enumerate(
        zip(levels, design.bond_caps(architecture), strict=True)
    ):
        p = np.pad(np.asarray(p, dtype=float), (0, cap - len(p)))
        n_nodes = architecture.n_sites // architecture.window**level
        shares.append(np.tile(p / p.sum(), (n_nodes, 1)))
    nodes = tuple(np.arange(len(s)) for s in shares)
    return BondSpectrum(architecture, tuple(shares), nodes, 1000)


PROBE = Architecture.line(5, (12, 12, 12))
NEAR = spectrum_of(PROBE, [[12, 1, 1, 1, 1], [3, 1], [1, 1], [1]])
FAR = spectrum_of(PROBE, [[3, 1], [2, 1, 1], [1, 1, 1, 1], [1]])


# --- profiles that need no data -----------------------------------------------------------


@given(
    window=st.sampled_from([2, 3, 4]), depth=st.integers(1, 4), local_dim=st.integers(1, 9),
    n_outputs=st.integers(1, 10), extra=st.integers(0, 4000), share=SHARES,
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_uniform_profile_is_even_and_full(
    window, depth, local_dim, n_outputs, extra, share
):
    shape = (window**depth, window, local_dim, n_outputs)
    least = Architecture(*shape[:3], (1,) * depth, n_outputs).parameter_count(share)
    found = design.uniform_profile(*shape, least + extra, share)
    channels = found.channels
    assert found.parameter_count(share) <= least + extra
    assert max(channels) - min(channels) <= 1
    wider = found.with_channels((max(channels) + (min(channels) == max(channels)),) * depth)
    assert wider.parameter_count(share) > least + extra


@pytest.mark.parametrize("r", [6, 8, 12, 30])
def test_graded_profiles_are_the_papers(r):
    for kind, paper in (("wide-base", Architecture.wide_base), ("wide-tip", Architecture.wide_tip)):
        budget = paper(r).parameter_count("all")
        found = design.graded_profile(kind, 4096, 4, 10, 10, budget, "all")
        assert found == paper(r)
        assert found.parameter_count("all") == budget


def test_graded_profiles_of_three_layers():
    base = design.graded_profile("wide-base", 8, 2, 5, 1, 260)
    tip = design.graded_profile("wide-tip", 8, 2, 5, 1, 260)
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
        design.uniform_profile(**shape)
    with pytest.raises(ValueError, match=message):
        design.graded_profile("wide-tip", **shape)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of 'wide-base', 'wide-tip'"):
        design.graded_profile("wide-middle", 8, 2, 5, 1, 260)


# --- the tail sum -------------------------------------------------------------------------


def test_the_tail_sum_by_hand():
    # Sites: the least of 5 equal 1/16 is lost 8 times; blocks of 2: 1/4 lost 4 times.
    found = design.tail_sum(NEAR, PROBE.with_channels((4, 1, 2)))
    assert found == pytest.approx(8 / 16 + 4 / 4 + 2 / 2)
    assert design.tail_sum(NEAR, PROBE.with_channels((5, 2, 2))) == 0


def test_noise_does_not_move_the_advice():
    noisy = spectrum_of(PROBE, [[12, 1, 1, 1, 1], [3, 1] + [1e-3] * 6, [1, 1] + [1e-3] * 6, [1]])
    assert design.tail_sum(noisy, PROBE.with_channels((5, 2, 2))) > 0
    found = design.suggest_profile(noisy, 260, score=1.0)
    assert found.architecture.channels == (5, 2, 4)
    flat = spectrum_of(PROBE, [[1, 1e-4], [1, 1e-4], [1, 1e-4], [1]])
    found = design.suggest_profile(flat, 260, floor=1)
    assert found.architecture == found.uniform and found.tail < 1e-3


def test_a_spectrum_of_another_tree_is_refused():
    with pytest.raises(ValueError, match="architecture must be the tree of the spectrum"):
        design.tail_sum(NEAR, Architecture.line(4, (3, 3, 3)))


@given(data=st.data(), share=SHARES)
@settings(max_examples=40, deadline=None)
def test_no_profile_within_the_budget_has_a_smaller_tail_sum(data, share):
    probe = Architecture.line(3, (4, 4, 4), n_outputs=data.draw(st.integers(1, 3)))
    weights = st.lists(st.floats(0.01, 1), min_size=1, max_size=4)
    spectrum = spectrum_of(
        probe, [data.draw(weights)[:cap] for cap in design.bond_caps(probe)]
    )
    least = probe.with_channels((1, 1, 1)).parameter_count(share)
    budget = least + data.draw(st.integers(0, 150))
    found = design.suggest_profile(spectrum, budget, share, floor=1, tie=0.0)
    assert found.architecture.parameter_count(share) <= budget
    best = min(
        design.tail_sum(spectrum, probe.with_channels(channels))
        for channels in product(range(1, 5), repeat=3)
        if probe.with_channels(channels).parameter_count(share) <= budget
    )
    assert found.tail == pytest.approx(best, abs=1e-9)
    assert found.tail <= found.uniform_tail + 1e-9


# --- the heuristic ------------------------------------------------------------------------


def test_near_data_get_a_wide_base_and_far_data_keep_the_uniform_profile():
    near = design.suggest_profile(NEAR, 260, score=0.95)
    assert near.architecture.channels == (5, 2, 4) and near.trusted
    assert near.tail == 0 and near.uniform_tail == pytest.approx(0.5)
    far = design.suggest_profile(FAR, 260, score=0.95)
    assert far.architecture == far.uniform and far.uniform.channels == (4, 4, 4)
    assert "no profile discards clearly less" in far.reason and far.trusted


def test_pairs_at_distance_two_keep_the_uniform_profile():
    """The page: a failed probe cost nothing here, since the exact spectrum says uniform too."""
    middle = spectrum_of(PROBE, [[6, 1, 1], [4, 1, 1, 1, 1], [1, 1], [1]])
    found = design.suggest_profile(middle, 260, score=1.0)
    assert found.architecture == found.uniform and found.trusted


def test_a_poor_probe_is_not_trusted():
    found = design.suggest_profile(NEAR, 260, score=0.4)
    assert found.architecture == found.uniform and not found.trusted
    assert "0.40" in found.reason
    assert not design.suggest_profile(NEAR, 260, score=float("nan")).trusted


def test_a_probe_that_starves_says_so():
    narrow = spectrum_of(Architecture.line(5, (4, 4, 4)), [[1] * 4, [1, 1], [1, 1], [1]])
    assert narrow.starving == (True, False, False, False)
    found = design.suggest_profile(narrow, 130)
    assert not found.trusted and "starves at level [0]" in found.reason


def test_the_floor_holds():
    flat = spectrum_of(PROBE, [[1, 1, 1, 1, 1], [1], [1], [1]])
    found = design.suggest_profile(flat, 260, floor=3)
    assert min(found.architecture.channels) >= 3
    assert min(design.suggest_profile(flat, 260).architecture.channels) >= 2
    with pytest.raises(ValueError, match="floor must leave the profile within the budget"):
        design.suggest_profile(flat, 260, floor=9)


def test_a_deep_network_of_many_widths_is_advised_at_once():
    probe = Architecture.for_image(64, 10, (40,) * 6, n_outputs=10)
    decay = (0.9, 0.9, 0.9, 0.5, 0.2, 0.2, 0.2)
    levels = [d ** np.arange(cap) for d, cap in zip(decay, design.bond_caps(probe), strict=True)]
    found = design.suggest_profile(spectrum_of(probe, levels), 1416, "all")
    assert 1200 < found.architecture.parameter_count("all") <= 1416
    assert found.tail < found.uniform_tail


# --- cuts and pictures --------------------------------------------------------------------


@given(
    window=st.sampled_from([2, 4]), local_dim=st.integers(1, 6),
    channels=st.lists(st.integers(1, 12), min_size=1, max_size=3),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_block_cuts_are_minimal_cuts(window, local_dim, channels):
    network = Architecture(window ** len(channels), window, local_dim, channels)
    for level, cut in enumerate(design.block_cuts(network)):
        blocks = np.arange(network.n_sites) // window**level % 2 == 0
        assert cut ** (network.n_sites // window ** (level + 1)) == min_cut_weight(network, blocks)


def test_block_cuts_of_odd_windows_are_refused():
    with pytest.raises(ValueError, match="even window, got window=3"):
        design.block_cuts(Architecture(9, 3, 2, (2, 2)))


def test_the_picture_shows_bars_caps_and_who_starves():
    narrow = spectrum_of(Architecture.line(5, (4, 4, 4)), [[1] * 4, [1, 1], [1, 1], [1]])
    axes = design.draw_bond_spectrum(narrow)
    assert [len(ax.patches) for ax in axes] == [4, 4, 4, 1]
    assert axes[0].patches[0].get_hatch() and not axes[1].patches[0].get_hatch()
    assert axes[0].get_xlabel() == "sites\n4 of 4, starves"
    assert axes[2].get_xlabel() == "blocks of 4\n2 of 4"
    _, given_axes = plt.subplots(1, 4)
    assert design.draw_bond_spectrum(narrow, given_axes) is given_axes
    plt.close("all")
