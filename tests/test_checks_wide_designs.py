"""The checks of the chapter on wide-base and wide-tip networks, and how its data were measured."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from load_script import load_script
from scipy import stats

from convac_book.checks import wide_designs as check
from convac_lib import Architecture, ConvAC, ConvNet
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import random_weights
from convac_lib.learning.bonds import bond_caps
from convac_lib.partitions import image_blocks, prefix
from convac_lib.spectra import schmidt_spectrum

PROFILES = [
    (3, (24, 24, 3, 12, 6, 6), (3, 6, 9, 16, 24, 24), 4),
    (2, (20, 40, 12, 3, 9, 9), (3, 10, 12, 40, 8, 20), 8),
    (4, (30, 4, 15, 15, 7, 5), (5, 20, 18, 20, 4, 20), 2),
    (5, (32, 16, 9, 64, 8, 8), (2, 5, 9, 16, 32, 32), 16),
]


@pytest.mark.parametrize("r, m, y", [(6, 10, 10), (5, 10, 4), (7, 3, 10), (4, 20, 2)])
def test_count_the_weights(r, m, y):
    low, high = 31 * r**2 + 4 * m * r, 31 * r**2 + m * r
    base, tip = low + y * r, high + 4 * y * r
    assert check.count_the_weights((base, tip), r, m, y)
    assert check.count_the_weights(np.array([base, tip]), r, m, y)
    assert "dense" in str(check.count_the_weights((low, high), r, m, y))
    assert "first" in str(check.count_the_weights((base - 4 * m * r, tip - m * r), r, m, y))
    assert "tip:" in str(check.count_the_weights((base, tip + 1), r, m, y))
    if m != y:
        assert "exchanged" in str(check.count_the_weights((tip, base), r, m, y))
        assert "31 r^2" in str(check.count_the_weights((31 * r**2 + 50 * r,) * 2, r, m, y))
    assert not check.count_the_weights(base, r, m, y)


def test_paired_interval():
    base, tip = np.array([0.61, 0.66, 0.60, 0.64, 0.65]), np.array([0.58, 0.61, 0.59, 0.60, 0.62])
    found = stats.ttest_rel(base, tip).confidence_interval()
    low, high = found.low, found.high
    centre, half = (low + high) / 2, (high - low) / 2
    assert check.paired_interval((low, high), base, tip)
    assert "outside" in str(check.paired_interval([low, high], list(base), list(tip)))
    told = {
        "tip - base": (-high, -low),
        "above": (high, low),
        "centre of": (low + 0.01, high + 0.01),
        "not by n": (centre - half * 0.8**0.5, centre + half * 0.8**0.5),
        "one difference": (centre - half * 5**0.5, centre + half * 5**0.5),
        "half width is not": (centre - 2.2 * half, centre + 2.2 * half),
    }
    spread = np.std(base - tip, ddof=1) / 5**0.5
    for factor, words in ((1.96, "1.96"), (2.1318, "one-sided"), (2.5706, "n - 1")):
        told[words] = (centre - factor * spread, centre + factor * spread)
    unpaired = stats.ttest_ind(base, tip).confidence_interval()
    told["does not pair"] = (unpaired.low, unpaired.high)
    for words, answer in told.items():
        verdict = check.paired_interval(answer, base, tip)
        assert not verdict and words in str(verdict), (words, verdict)
    assert not check.paired_interval(centre, base, tip)


@pytest.mark.parametrize("gap, spread", [(0.02, 0.015), (0.03, 0.01), (0.01, 0.02), (0.5, 0.01)])
def test_enough_seeds(gap, spread):
    def seen(n):  # by the p-value of the t test instead of by the interval
        return 2 * stats.t.sf(gap * n**0.5 / spread, n - 1) < 0.05

    least = next(n for n in range(2, 1000) if seen(n))
    assert check.enough_seeds(least, gap, spread)
    if least > 2:
        assert "so few" in str(check.enough_seeds(least - 1, gap, spread))
    assert "fewer are too" in str(check.enough_seeds(least + 1, gap, spread))
    assert "unknown" in str(check.enough_seeds(1, gap, spread))
    assert not check.enough_seeds("some", gap, spread)


@pytest.mark.parametrize("m, base, tip, first", PROFILES)
def test_where_they_cross(m, base, tip, first):
    cuts = {}
    for name, channels in (("base", base), ("tip", tip)):
        net = Architecture.for_image(64, m, channels)
        weights = [min_cut_weight(net, image_blocks(64, 2**k)) for k in range(6)]
        # The cut of one window: the root of the whole cut.
        cuts[name] = [
            next(c for c in range(1, 100) if c ** (4096 // 4 ** (k + 1)) == weight)
            for k, weight in enumerate(weights)
        ]
    assert check.where_they_cross(cuts, first, base, tip, m)
    assert "lead" in str(check.where_they_cross(cuts, 2 * first, base, tip, m))
    assert "lighter" in str(
        check.where_they_cross(cuts | {"tip": [n + 1 for n in cuts["tip"]]}, first, base, tip, m)
    )
    assert "heavier" in str(check.where_they_cross(cuts | {"base": [1] * 6}, first, base, tip, m))
    assert "six integers" in str(check.where_they_cross(cuts | {"base": [9]}, first, base, tip, m))
    assert "dict" in str(check.where_they_cross(cuts["base"], first, base, tip, m))
    assert not check.where_they_cross(cuts | {"base": 9}, first, base, tip, m)


# --- tools/trained_spectra.py, which made the page's data -----------------------------------


@pytest.fixture(scope="module")
def tool():
    return load_script("tools/trained_spectra.py")


@pytest.mark.parametrize("share", ["all", "window-position"])
def test_the_exact_spectrum_is_that_of_the_folded_network(tool, share):
    net = Architecture.for_image(16, 3, (4, 5, 3, 6))
    weights = random_weights(net, 1, share)
    found = tool.state_spectra(weights)
    assert len(found) == 3
    for k, shares in enumerate(found, 1):
        values = schmidt_spectrum(net, prefix(256, 4**k), weights).values
        assert np.allclose(shares[: len(values)], values**2, atol=1e-9)
        assert np.allclose(shares[len(values) :], 0, atol=1e-9)


@pytest.mark.parametrize("share", ["all", "window-position", None])
def test_all_directions_change_no_score_and_fewer_do(tool, share):
    x = torch.zeros(30, 8, 8)
    x[:, 2:5, 3:7] = torch.rand(30, 3, 4, generator=torch.Generator().manual_seed(0))
    net = Architecture.for_image(8, 4, (5, 6, 3), 10)
    model = ConvNet(net, seed=0, share_background=True)
    if share is not None:
        how = {"head": "normalized", "share_background": True, "neutral_background": True}
        model = ConvAC(net, share, "conv3x3", seed=0, **how)
    before = model(x).detach()
    seen = tool.moments(model, x)
    for layer in (1, 2):
        positions = [dict(tool.projectors(*one)) for one in zip(*seen[layer], strict=True)]
        assert len(positions) == 4
        for projectors, empty in zip(positions, seen[layer][2], strict=True):
            assert list(projectors) == list(range(1, net.channels[layer] + 1))
            for count, projector in projectors.items():
                assert torch.linalg.matrix_rank(projector, rtol=1e-7) <= count
                assert torch.allclose(projector @ projector, projector, atol=1e-4)
                assert torch.allclose(projector @ empty, empty, atol=1e-4)
        lost = []
        for count in (1, min(net.channels[layer - 1 : layer + 1])):
            change = tool.cut_down(layer, [projectors[count] for projectors in positions])
            scores = tool.scores_with(model, x, change).detach()
            lost.append(float((scores - before).abs().max()))
        # As many directions as the bond's ceiling are enough, one is not.
        assert lost[1] < 1e-3 and lost[0] > 20 * lost[1]
    same = tool.scores_with(model, x, lambda _, z, __: z).detach()
    torch.testing.assert_close(same, before)


def test_the_networks_are_the_studys_and_the_second_kind(tool):
    chosen = tool.experiments(6, [0, 1])
    kinds = {(e.model, e.model_options.get("share")) for e in chosen}
    assert kinds == {("convnet", None), ("convac", "all"), ("convac", "window-position")}
    assert len(chosen) == 24 and {e.r for e in chosen} == {6}
    with pytest.raises(SystemExit, match="does not have r = 7"):
        tool.experiments(7, [0])


def test_no_bond_needs_more_than_its_ceiling():
    data = Path(__file__).parents[1] / "book" / "data" / "trained_spectra.json"
    rows = json.loads(data.read_text(encoding="utf-8"))["rows"]
    assert len({row["run"] for row in rows}) == len(rows)
    for row in rows:
        make = {"wide-base": Architecture.wide_base, "wide-tip": Architecture.wide_tip}
        net = make[row["design"]](row["r"])
        assert tuple(row["channels"]) == net.channels
        assert [bond["side"] for bond in row["bonds"]] == [2, 4, 8, 16, 32]
        for k, bond in enumerate(row["bonds"], 1):
            assert bond["cap"] == bond_caps(net)[k]
            assert 1 <= bond["needed"] <= bond["cap"]
            if row["model"] == "ConvAC":
                assert 1 <= bond["effective_rank"] <= bond["cap"]
                assert 1 <= bond["state_effective_rank"] <= bond["cap"]
