"""Fused layers against the plain ones: the same lists, scores and gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture
from convac_lib.learning.models import ConvAC, ConvNet, fused
from convac_lib.learning.models.black_windows import FoundTree
from convac_lib.learning.models.representations import SiteReader

pytestmark = pytest.mark.skipif(not fused.IS_THERE, reason="needs Numba")

DTYPES = [torch.float32, torch.float64]


def plainly(monkeypatch):
    monkeypatch.setattr(fused, "IS_THERE", False)


@st.composite
def sparse_images(draw):
    """A few images of 8 x 8 with little, something or nothing in them, whole numbers."""
    n = draw(st.integers(1, 4))
    images = torch.zeros(n, 8, 8, dtype=draw(st.sampled_from([torch.uint8, torch.float32])))
    pixels = st.tuples(st.integers(0, n - 1), st.integers(0, 7), st.integers(0, 7))
    for pixel in draw(st.sets(pixels, max_size=20)):
        images[pixel] = draw(st.integers(1, 9))
    return images


@settings(deadline=None, max_examples=60)
@given(sparse_images(), st.booleans())
def test_the_lists_are_those_that_torch_finds(images, neighbourhood):
    reader = SiteReader(Architecture.for_image(8, 2, (2, 2, 2)), neighbourhood=neighbourhood)
    ours = FoundTree(reader, images)
    with pytest.MonkeyPatch.context() as patch:
        plainly(patch)
        wanted = FoundTree(reader, images)
    assert torch.equal(ours.numbers, wanted.numbers)
    assert len(ours.tables) == len(wanted.tables) == 4
    for mine, its in zip(ours.tables, wanted.tables, strict=True):
        assert torch.equal(mine, its)


def images_on_black(n, scale=1.0):
    generator = torch.Generator().manual_seed(n)
    images = torch.zeros(n, 16, 16, dtype=torch.float64)
    images[: n // 2, 3:8, 5:12] = torch.rand(n // 2, 5, 7, generator=generator).double()
    images[n // 2 : -1] = torch.rand(n - n // 2 - 1, 16, 16, generator=generator).double()
    return images * scale


def convnet(network, dtype):
    model = ConvNet(network, seed=0, dtype=dtype, share_background=True)
    with torch.no_grad():
        for bias in model.biases:  # some channels are above zero on black, some below
            bias.copy_(torch.linspace(-0.3, 0.3, len(bias)))
    return model


def convac(network, dtype, **options):
    how = {"representation": "conv3x3", "head": "normalized", "share_background": True}
    return ConvAC(network, seed=0, dtype=dtype, **how, **options)


MODELS = {
    "maximum": convnet,
    "by position": convac,
    "by position, neutral": lambda *how: convac(*how, neutral_background=True),
    "one for all": lambda *how: convac(*how, share="all"),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [(5, 3, 4, 6), (1, 1, 1, 1), (17, 33, 8, 2)])
@pytest.mark.parametrize("scale", [1.0, 0.0, 1e-3, 1e4])
def test_scores_and_gradients_are_those_of_the_plain_layers(
    name, dtype, channels, scale, monkeypatch
):
    images = images_on_black(7, scale).to(dtype)
    network = Architecture.for_image(16, 10, channels, 3)
    weights = torch.arange(21.0, dtype=dtype).view(7, 3)
    found = []
    for plain in (False, True):
        if plain:
            plainly(monkeypatch)
        model = MODELS[name](network, dtype)
        scores = model(images)
        (scores * weights).sum().backward()
        found.append([scores.detach(), *(p.grad for p in model.parameters())])
    tolerance = 1e-5 if dtype is torch.float32 else 1e-12
    # Of the largest gradient: some are zero, and then rounding is all there is of them.
    (scores, *ours), (wanted, *theirs) = found
    size = max(float(gradient.abs().max()) for gradient in theirs)
    torch.testing.assert_close(scores, wanted, rtol=tolerance, atol=tolerance)
    for mine, its in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine / size, its / size, rtol=0, atol=tolerance)


def test_readers_turn_a_table_round():
    table = np.array([[0, 2, 1, 2], [2, 4, 0, 4]])  # 4 is black
    starts, sites = fused.readers_of(table, 5)
    read = [sorted(sites[starts[e] : starts[e + 1]]) for e in range(5)]
    assert read == [[0, 2], [2], [0, 1, 3], [], []]
