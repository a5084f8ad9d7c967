"""What both models share: seeds, precision, and black windows that change nothing."""

import copy

import pytest
import torch

from convac_lib import Architecture
from convac_lib.learning.models import ConvAC, ConvNet

SHAPES = [
    Architecture.line(2, (3, 4, 5), 3),
    Architecture.for_image(4, 2, (3, 5), 3),
    Architecture.shallow(16, 2, 4, 2),
    Architecture(9, 3, 2, (3, 4), 1),
]


def test_a_seed_gives_the_same_model_at_either_precision():
    single = ConvAC(SHAPES[1], seed=4)
    double = ConvAC(SHAPES[1], seed=4, dtype=torch.float64)
    for ours, theirs in zip(single.parameters(), double.parameters(), strict=True):
        assert ours.dtype == torch.float32 and theirs.dtype == torch.float64
        assert torch.equal(ours, theirs.float())
    again = copy.deepcopy(single)
    x = torch.rand(2, 4, 4)
    assert torch.equal(again(x), single(x))


def small_things_on_black(n, side):
    images = torch.zeros(n, side, side)
    for k in range(n - 1):  # the last one stays black
        images[k, k : k + 3, 1:4] = torch.rand(3, 3) * (torch.rand(3, 3) > 0.4)
    return images


@pytest.mark.parametrize(
    "make",
    [
        lambda a, **k: ConvNet(a, **k),
        lambda a, **k: ConvNet(a, "average", **k),
        lambda a, **k: ConvAC(a, representation="conv3x3", head="normalized", **k),
        lambda a, **k: ConvAC(a, "all", "affine-relu", **k),
    ],
)
def test_sharing_the_background_changes_nothing(make):
    architecture = Architecture.for_image(16, 4, (5, 3, 4, 6), 3)
    plain, shared = (
        make(architecture, seed=0, dtype=torch.float64, share_background=b) for b in (False, True)
    )
    images = small_things_on_black(5, 16)
    torch.testing.assert_close(shared(images), plain(images))
    for model in (plain, shared):
        model(images)[:, 0].sum().backward()
    for a, b in zip(plain.parameters(), shared.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    if isinstance(plain, ConvAC):
        torch.testing.assert_close(shared.scores(images), plain.scores(images))


def test_samples_that_are_no_real_numbers_are_refused():
    model = ConvAC(Architecture.line(2, (2, 2)), seed=0)
    whole = [[0, 1, 0, 1]]
    assert torch.equal(model(whole), model(torch.tensor(whole)))
    for wrong, named in (
        ("abcd", "dtype <U4"),
        ([[1j] * 4], "complex"),
        (torch.ones(1, 4) * 1j, "complex"),
    ):
        with pytest.raises(ValueError, match=f"x must hold real numbers, got .*{named}"):
            model(wrong)
    with pytest.raises(ValueError, match="x must be"):
        model([0.0, 1.0])
