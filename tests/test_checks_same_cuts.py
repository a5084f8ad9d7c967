"""The checks of the chapter on networks with the same cuts, and how its data were measured."""

import json
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import pytest
import torch
from load_script import load_script

from convac_book.checks import same_cuts as check
from convac_lib import Architecture, ConvAC, ConvNet
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import random_weights
from convac_lib.partitions import image_blocks, prefix
from convac_lib.spectra import schmidt_spectrum
from convac_workbench.bonds import bond_caps

PROFILES = [
    (3, (24, 24, 3, 12, 6, 6), (3, 6, 9, 16, 24, 24), 4),
    (2, (20, 40, 12, 3, 9, 9), (3, 10, 12, 40, 8, 20), 8),
    (4, (30, 4, 15, 15, 7, 5), (5, 20, 18, 20, 4, 20), 2),
    (5, (32, 16, 9, 64, 8, 8), (2, 5, 9, 16, 32, 32), 16),
]


@pytest.mark.parametrize(
    "m, window, channels",
    [
        (2, 4, (4, 9, 60, 20)),
        (3, 4, (6, 22, 300, 40)),
        (2, 6, (4, 30, 12, 400)),
        (2, 8, (6, 20, 3)),
    ],
)
def test_too_wide(m, window, channels):
    below = (m, *channels[:-1])
    room = [len(list(combinations_with_replacement(range(p), window // 2))) for p in below]
    wanted = {k for k, (r, most) in enumerate(zip(channels, room, strict=True)) if r > most}
    assert check.too_wide(wanted, m, window, channels)
    assert check.too_wide(np.array(sorted(wanted)), m, window, channels)
    for layer in wanted:
        told = check.too_wide(wanted - {layer}, m, window, channels)
        assert not told and ("symmetric" in str(told) or "every order" in str(told))
    for layer in set(range(len(channels))) - wanted:
        told = check.too_wide(wanted | {layer}, m, window, channels)
        assert not told and f"layer {layer} has room" in str(told)
    assert "no layer 9" in str(check.too_wide(wanted | {9}, m, window, channels))
    assert not check.too_wide("0, 1", m, window, channels)


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
    both = ["convac", "convnet"]
    chosen = tool.experiments(tool.STUDY.with_name("fig10.toml"), 6, [0, 1], both)
    kinds = {(e.model, e.model_options.get("share")) for e in chosen}
    assert kinds == {("convnet", None), ("convac", "all"), ("convac", "window-position")}
    assert len(chosen) == 24 and {e.r for e in chosen} == {6}
    later = tool.experiments(tool.STUDY.with_name("fig10_he.toml"), 6, [0, 1], ["convnet"])
    designs = ["uniform", "wide-base", "wide-tip"]
    assert sorted(e.design for e in later) == sorted(4 * designs)  # no average pooling
    with pytest.raises(SystemExit, match=r"does not have .* r = 7"):
        tool.experiments(tool.STUDY, 7, [0], ["convac"])


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
