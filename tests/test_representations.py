"""What every site sees, and the features it makes of that."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from convac_lib import Architecture
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.models.representations import SiteReader, window_first
from convac_lib.partitions import to_sites


def test_window_first_puts_the_members_of_a_window_one_block_apart():
    order = window_first(16, 4)
    assert sorted(order) == list(range(16))
    assert order.reshape(4, 4).T.tolist() == np.arange(16).reshape(4, 4).tolist()
    assert (window_first(27, 3)[window_first(27, 3)] == np.arange(27)).all()


def test_a_reader_sees_sequences_pixels_squares_and_colours():
    image = Architecture.for_image(4, 2, (2, 2))
    order = window_first(16, 4)
    pixels = torch.arange(16.0).view(1, 4, 4)
    seen = SiteReader(image)(pixels)
    assert seen.shape == (1, 16, 1)
    assert seen[0, :, 0].tolist() == to_sites(np.arange(16).reshape(4, 4))[order].tolist()
    assert torch.equal(SiteReader(image)(pixels.flatten(1)), pixels.view(1, 16, 1)[:, order])
    # Squares of 2x2 pixels, and two colours: site 1 is the second square of the first row.
    big = torch.arange(128.0).view(1, 2, 8, 8)
    seen = SiteReader(image, site_size=8)(big)
    assert seen[:, order.tolist().index(1), 0].tolist() == [2, 3, 10, 11, 66, 67, 74, 75]


def test_a_neighbourhood_is_black_beyond_the_frame():
    image = Architecture.for_image(2, 2, (2,))
    seen = SiteReader(image, neighbourhood=True)(torch.tensor([[[1.0, 2], [3, 4]]]))
    assert seen[:, 0, 0].tolist() == [0, 0, 0, 0, 1, 2, 0, 3, 4]


@pytest.mark.parametrize("shape", [(2, 15), (2, 16, 2), (2, 3, 4), (2, 8, 8), (2, 3, 4, 4)])
def test_other_shapes_are_refused_by_name(shape):
    model = ConvAC(Architecture.for_image(4, 2, (2, 2)))
    with pytest.raises(ValueError, match=r"x must be sequences .*16.* images .*4, 4"):
        model(torch.zeros(shape))
    with pytest.raises(ValueError, match="x must be images"):
        ConvNet(Architecture.for_image(4, 2, (2, 2)))(torch.zeros(2, 16))


def test_a_representation_of_your_own():
    class Square(nn.Module):
        def forward(self, numbers):
            return torch.cat([numbers, numbers**2]).movedim(0, -1)

    model = ConvAC(Architecture.line(2, (3, 3), 2), representation=Square())
    assert model.features(torch.tensor([[1.0, 2, 3, 4]]))[0].tolist() == [
        [1, 1],
        [2, 4],
        [3, 9],
        [4, 16],
    ]
    assert model(torch.rand(3, 4)).shape == (3, 2)


def test_the_conv_representation_starts_as_the_layers_do():
    network = Architecture.for_image(4, 3000, (1, 1))
    for init, variance in (("he", 2 / 9), ("pytorch", 1 / 27)):
        weight = ConvNet(network, init=init, seed=0).representation.weight.detach()
        assert float(weight.var()) == pytest.approx(variance, rel=0.03)
    with pytest.raises(ValueError, match="init must be one of 'he', 'pytorch', got 'zeros'"):
        ConvNet(network, init="zeros")


@pytest.mark.parametrize("n_sites", [8, 9, 36])
def test_a_network_that_could_read_nothing_is_refused_when_it_is_made(n_sites):
    window = {8: 2, 9: 3, 36: 6}[n_sites]
    network = Architecture(n_sites, window, 3, (3,) * round(np.log(n_sites) / np.log(window)))
    for model in (ConvNet, partial(ConvAC, representation="conv3x3")):
        with pytest.raises(ValueError, match=f"'conv3x3' only for .* got .* {n_sites} sites"):
            model(network)
