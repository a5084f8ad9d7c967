"""Products in parts are the same products, and how many parts there are."""

import pytest
import torch

from convac_lib.learning.models import products
from convac_lib.learning.models.representations import AffineReLU
from convac_lib.learning.models.tree import convolve


@pytest.mark.parametrize("share", ["all", "window-position", "none"])
def test_products_in_parts_are_the_same_products(share, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    g, n_sites, batch = {"all": 1, "window-position": 4, "none": 16}[share], 16, 6
    rows = torch.randn(n_sites * batch, 5, generator=generator, requires_grad=True)
    weight = torch.randn(g, 3, 5, generator=generator, requires_grad=True)

    def outputs():
        convolved = convolve(rows, weight, 4)
        return convolved, *torch.autograd.grad(convolved.square().sum(), (rows, weight))

    whole = outputs()
    assert products.parts(rows, 1) == 1  # on a CPU
    monkeypatch.setattr(products, "parts", lambda rows, n_blocks: 2)
    for ours, wanted in zip(outputs(), whole, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5)


def test_features_as_a_gpu_makes_them(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    affine = AffineReLU(3, 4, False, generator).float()
    numbers = torch.randn(3, 16, 6, generator=generator)
    monkeypatch.setattr(products, "parts", lambda rows, n_blocks: 8)
    product = products.matmul_in_parts(numbers.reshape(3, -1).T, affine.weight[None])
    assert len(product) == 8
    torch.testing.assert_close((product + affine.bias).relu().view(16, 6, 4), affine(numbers))


def test_on_a_gpu_blocks_are_cut_into_parts_of_some_hundred_rows():
    class Rows:
        is_cuda = True

        def __init__(self, length):
            self.length = length

        def __len__(self):
            return self.length

    for length, n_blocks, wanted in [
        (409_600, 1, 256),
        (409_600, 4, 256),
        (102_400, 1, 256),
        (6400, 1, 16),
        (6400, 4, 4),
        (511, 1, 1),
        (512, 1, 2),
        (5 * 999, 1, 1),
    ]:
        n_parts = products.parts(Rows(length), n_blocks)
        assert n_parts == wanted and length // n_blocks % n_parts == 0
