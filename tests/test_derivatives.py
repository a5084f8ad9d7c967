"""Derivatives of any order and by any of torch's ways: right, or refused."""

import pytest
import torch
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, vmap

from convac_lib import Architecture, ConvAC, ConvNet
from convac_lib.learning.models import fused

IMAGE = Architecture.for_image(4, 3, (3, 2), 3)
LINE = Architecture(9, 3, 3, (2, 3), 2)
DOUBLE = {"seed": 1, "dtype": torch.float64}
MODELS = {
    f"{head}, {share}, {kind}": (
        lambda head=head, share=share, kind=kind: ConvAC(IMAGE, share, kind, head=head, **DOUBLE)
    )
    for head in ("scores", "normalized")
    for share, kind in [("none", "affine-relu"), ("window-position", "conv3x3"), ("all", "conv3x3")]
} | {
    "linear": lambda: ConvAC(LINE, representation="linear", site_size=2, **DOUBLE),
    "cos-sin": lambda: ConvAC(
        Architecture.line(2, (3, 2), 2), "none", "cos-sin", head="normalized", **DOUBLE
    ),
    "black": lambda: ConvAC(
        IMAGE, representation="conv3x3", head="normalized", share_background=True, **DOUBLE
    ),
    "maximum": lambda: ConvNet(IMAGE, **DOUBLE),
    "average": lambda: ConvNet(IMAGE, "average", **DOUBLE),
    "maximum, black": lambda: ConvNet(IMAGE, share_background=True, **DOUBLE),
}


def build(name):
    """Return a model away from the kinks of its ReLUs, its parameters, and two samples."""
    torch.manual_seed(0)
    model = MODELS[name]()
    for parameter_name, parameter in model.named_parameters():
        if "bias" in parameter_name:
            parameter.data += 0.1 + 0.05 * torch.rand_like(parameter)
    shape = {"linear": (9, 2), "cos-sin": (4,)}.get(name, (4, 4))
    x = torch.rand(2, *shape, dtype=torch.float64)
    if "black" in name:
        x[:, :2, :2] = 0
    parameters = {key: value.detach() for key, value in model.named_parameters()}
    return model, parameters, x


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("numba", [True, False])
def test_a_batch_of_gradients_is_what_each_of_them_is(name, numba, monkeypatch):
    """``is_grads_batched=True``, as in ``jacobian(vectorize=True)``."""
    monkeypatch.setattr(fused, "IS_THERE", numba and fused.IS_THERE)
    model, parameters, x = build(name)
    names = list(parameters)

    def scores(*values):
        return functional_call(model, dict(zip(names, values, strict=True)), (x,))

    jacobian = torch.autograd.functional.jacobian
    one_by_one = jacobian(scores, tuple(parameters.values()))
    together = jacobian(scores, tuple(parameters.values()), vectorize=True)
    for mine, its in zip(together, one_by_one, strict=True):
        torch.testing.assert_close(mine, its)


@pytest.mark.parametrize("name", MODELS)
def test_first_and_second_derivatives_are_those_of_finite_differences(name):
    model, parameters, x = build(name)
    names, values = zip(*parameters.items(), strict=True)
    values = [value.clone().requires_grad_() for value in values]

    def scores(*values):
        return functional_call(model, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(scores, values, fast_mode=True)
    assert torch.autograd.gradgradcheck(scores, values, fast_mode=True)
    if "black" not in name:  # at a black pixel a ReLU or a maximum may have a kink
        samples = x.clone().requires_grad_()
        assert torch.autograd.gradcheck(model, samples, fast_mode=True)
        assert torch.autograd.gradgradcheck(model, samples, fast_mode=True)


@pytest.mark.parametrize("name", MODELS)
def test_transforms_agree_with_the_backward_pass(name):
    model, parameters, x = build(name)

    def scores(parameters, x=x):
        return functional_call(model, parameters, (x,))

    def loss(parameters, sample):
        return scores(parameters, sample[None]).square().sum()

    one_by_one = vmap(grad(loss), (None, 0))(parameters, x)
    model(x).square().sum().backward()
    for key, parameter in model.named_parameters():
        expected = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(one_by_one[key].sum(0), expected)
    backward, forward = jacrev(scores)(parameters), jacfwd(scores)(parameters)
    for key in parameters:
        torch.testing.assert_close(backward[key], forward[key])

    def of_a_layer(weight):
        return scores({**parameters, "layers.0": weight}).sin().sum()

    weight = parameters["layers.0"]
    torch.testing.assert_close(
        hessian(of_a_layer)(weight), torch.autograd.functional.hessian(of_a_layer, weight)
    )


def test_a_sample_is_differentiated_through_its_black_windows():
    """Windows found black are constants, so a batch that wants a gradient is computed whole."""
    model, _, x = build("black")
    gradients = []
    for shared in (True, False):
        model.share_background = shared
        samples = x.clone().requires_grad_()
        model(samples)[:, 0].sum().backward()
        gradients.append(samples.grad)
    torch.testing.assert_close(*gradients)
    assert gradients[0][:, 0, 0].abs().min() > 0


@pytest.mark.parametrize(
    "name", ["normalized, all, conv3x3", "scores, none, affine-relu", "maximum"]
)
def test_compiled_models_are_the_models(name):
    model, _, x = build(name)
    compiled = torch.compile(model, backend="aot_eager")
    scores = compiled(x)
    torch.testing.assert_close(scores, model(x))
    gradients = []
    for value in (scores, model(x)):
        model.zero_grad()
        value.square().sum().backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    torch.testing.assert_close(*gradients)
