"""The ConvNet is the network that torch's own layers make, and starts as it says."""

import pytest
import torch
from torch import nn

from convac_lib import Architecture
from convac_lib.learning.models import ConvNet


def obvious_network(model):
    """The same function from torch's own layers on NCHW images."""
    a, pool = model.architecture, {"max": nn.MaxPool2d, "average": nn.AvgPool2d}
    first = nn.Conv2d(1, a.local_dim, 3, padding=1)
    first.weight.data = model.representation.weight.detach().T.reshape(-1, 1, 3, 3).clone()
    first.bias.data = model.representation.bias.detach().clone()
    modules = [first, nn.ReLU()]
    for weight, bias in zip(model.layers, model.biases, strict=True):
        convolution = nn.Conv2d(weight.shape[2], weight.shape[1], 1)
        convolution.weight.data = weight.detach()[0, :, :, None, None].clone()
        convolution.bias.data = bias.detach().clone()
        modules += [convolution, nn.ReLU(), pool[model.pooling](2)]
    dense = nn.Linear(*model.dense.shape[::-1])
    dense.weight.data = model.dense.detach().clone()
    dense.bias.data = model.dense_bias.detach().clone()
    return nn.Sequential(*modules, nn.Flatten(), dense)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_the_convnet_is_the_one_made_of_torch_layers(pooling):
    architecture = Architecture.for_image(8, 5, (4, 6, 3), 10)
    model = ConvNet(architecture, pooling, seed=0, dtype=torch.float64)
    reference = obvious_network(model).double()
    x = torch.rand(7, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(model(x), reference(x[:, None]))
    model(x).square().sum().backward()
    reference(x[:, None]).square().sum().backward()
    torch.testing.assert_close(model.layers[0].grad[0], reference[2].weight.grad[:, :, 0, 0])
    torch.testing.assert_close(
        model.representation.weight.grad.T, reference[0].weight.grad.flatten(1)
    )
    torch.testing.assert_close(model.biases[1].grad, reference[5].bias.grad)


def test_parameter_counts_are_the_papers():
    for r, count in [(6, 1416), (30, 29400)]:
        for design in (Architecture.wide_base, Architecture.wide_tip):
            model = ConvNet(design(r))
            biases = sum(b.numel() for b in [*model.biases, model.dense_bias])
            all_of_it = sum(p.numel() for p in model.parameters())
            assert all_of_it - biases - (9 * 10 + 10) == count


def deep_signal(init, seed=0, width=64, depth=8):
    """The root mean square of each layer's vectors on random inputs, nothing pooled."""
    network = Architecture(2**depth, 2, width, (width,) * depth)
    model = ConvNet(network, representation="affine-relu", init=init, seed=seed)
    rows, sizes = torch.randn(500, width), []
    for kernel, bias in zip(model.layers, model.biases, strict=True):
        rows = torch.relu(rows @ kernel[0].T + bias)
        sizes.append(float(rows.detach().square().mean().sqrt()))
    return sizes


def test_a_he_start_keeps_the_size_of_the_signal_and_pytorchs_divides_it():
    """He et al. 2015: Var W = 2 / fan_in keeps E[x^2] through a ReLU layer; 1 / (3 fan_in)
    divides its root by the root of 6 in each."""
    kept, divided = deep_signal("he"), deep_signal("pytorch")
    assert 0.5 < kept[-1] / kept[0] < 2
    network = Architecture(4, 4, 1000, (1000,))
    model = ConvNet(network, init="pytorch", seed=1)
    assert float(model.layers[0].detach().var() * 1000) == pytest.approx(1 / 3, rel=0.02)
    model = ConvNet(network, init="he", seed=1)
    assert float(model.layers[0].detach().var() * 1000) == pytest.approx(2, rel=0.02)
    assert not model.biases[0].any() and not model.dense_bias.any()
    assert divided[-1] < 0.1 * kept[-1]
