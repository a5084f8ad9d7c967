"""Asking a network about joined sides: any torch module, any function, any partition."""

from itertools import product

import numpy as np
import torch
from torch import nn

from convac_workbench.asking import answers, as_mask
from convac_workbench.interaction import interaction

LEFT = np.arange(64).reshape(8, 8) % 8 < 4


def test_answers_joins_the_sides():
    x = np.arange(12).reshape(3, 4)
    found = answers(lambda x: x @ [1000, 100, 10, 1], x, [True, False, True, False], "values")
    for i, j in product(range(3), repeat=2):
        assert found[i, j, 0] == np.dot([x[i, 0], x[j, 1], x[i, 2], x[j, 3]], [1000, 100, 10, 1])


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.read = nn.Embedding(7, 4), nn.Linear(4, 3)
        self.mix = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, tokens):
        x = self.embed(tokens)
        return self.read(self.mix(x, x, x)[0].mean(1))


def test_a_module_of_tokens():
    tokens = torch.randint(0, 7, (100, 6), generator=torch.Generator().manual_seed(0))
    found = interaction(Tokens().eval(), tokens, [True] * 3 + [False] * 3)
    assert 0 < found.share < 1
    assert found.n == 40


def test_a_module_of_images_with_channels_in_either_order():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    x = np.random.default_rng(0).normal(size=(60, 3, 8, 8))  # float64 to a float32 module
    first = interaction(net, x, LEFT)
    last = interaction(lambda x: net(torch.tensor(x).float().permute(0, 3, 1, 2)).detach(),
                       x.transpose(0, 2, 3, 1), LEFT)  # fmt: skip
    assert abs(first.share - last.share) < 1e-5


def test_masks():
    x = np.zeros((4, 3, 8, 8))
    assert as_mask(LEFT, x).shape == (8, 8)
    assert as_mask(np.ones((3, 8, 8)) * LEFT == 1, x).shape == (3, 8, 8)
    assert as_mask([1, 0, 0], x).shape == (3, 1, 1)


def test_a_module_without_weights_gets_tensors_where_they_are():
    inputs = torch.rand(20, 6)
    summed = nn.Sequential(nn.Flatten(), nn.AvgPool1d(6))
    found = answers(summed, inputs, np.arange(6) < 3)
    assert found.shape[:2] == (20, 20) and np.isfinite(found).all()
