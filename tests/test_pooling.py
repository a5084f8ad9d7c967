"""Products and maxima over windows, and their gradients, against torch's own."""

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from convac_lib.learning.models.pooling import average_pool, max_pool, product_pool


@pytest.mark.parametrize("window", [1, 2, 3, 4, 5, 9, 16, 21])
def test_product_and_its_gradient(window):
    torch.manual_seed(window)
    factors = torch.randn(window, 3, 2, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        factors[0, 0, 0] = 0.0  # one zero: only its own gradient survives
        factors[-1, 1, :] = 0.0  # a row whose product is zero
        factors[window // 2, 1, :] = 0.0  # and one with two zeros

    def product(z):
        pooled, log_scale = product_pool(z)
        return pooled * log_scale.exp()[:, None]

    torch.testing.assert_close(product(factors), factors.prod(0))
    assert torch.autograd.gradcheck(product, factors)
    outer = torch.randn(3, 2, dtype=torch.float64)
    (ours,) = torch.autograd.grad(product(factors), factors, outer)
    (torchs,) = torch.autograd.grad(factors.prod(0), factors, outer)
    torch.testing.assert_close(ours, torchs)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12),
    st.integers(1, 3),
)
@settings(max_examples=40, deadline=None)
def test_rescaled_rows_have_magnitude_one(numbers, channels):
    factors = torch.tensor(numbers, dtype=torch.float64)[:, None, None].repeat(1, 1, channels)
    pooled, log_scale = product_pool(factors)
    torch.testing.assert_close(pooled * log_scale.exp(), factors.prod(0))
    if abs(np.prod(numbers)) > 1e-20:
        torch.testing.assert_close(pooled.abs(), torch.ones_like(pooled))


def test_a_row_of_zeros_stays_and_its_gradient_is_of_ordinary_size():
    factors = torch.tensor([[[0.0, 0.0]], [[2.0, 3.0]]], requires_grad=True)
    pooled, log_scale = product_pool(factors)
    assert pooled.tolist() == [[0, 0]]
    (pooled * log_scale.exp()).sum().backward()
    torch.testing.assert_close(factors.grad, torch.tensor([[[2.0, 3]], [[0, 0]]]))


@pytest.mark.parametrize("dtype, far", [(torch.float32, 1e-30), (torch.float64, 1e-300)])
def test_factors_are_rescaled_before_they_are_multiplied(dtype, far):
    """In range or far from it: the same rows, and logarithms that know how far."""
    torch.manual_seed(0)
    factors = torch.rand(7, 5, 3, dtype=dtype) + 0.5
    sizes = torch.tensor([far, 1 / far, far, far, far, 1, 1], dtype=dtype)[:, None, None]
    wanted, log = product_pool(factors)
    for free in (False, True):
        pooled, moved = product_pool(factors * sizes, scale_free=free)
        torch.testing.assert_close(pooled, wanted)
    moved = product_pool(factors * sizes)[1]
    torch.testing.assert_close(moved - log, torch.full((5,), 3 * np.log(far)).double())


def test_product_without_rescaling_is_the_plain_product():
    factors = torch.randn(4, 5, 3)
    pooled, log_scale = product_pool(factors, rescale=False)
    torch.testing.assert_close(pooled, factors.prod(0))
    assert log_scale is None


@pytest.mark.parametrize("window", [1, 2, 3, 4, 7])
def test_maximum_and_average(window):
    values = torch.randn(window, 6, 3, dtype=torch.float64, requires_grad=True)
    assert torch.equal(max_pool(values), values.amax(0))
    assert torch.autograd.gradcheck(max_pool, values)
    torch.testing.assert_close(average_pool(values), values.sum(0) / window)


def test_ties_of_a_maximum_go_to_the_first():
    values = torch.tensor([1.0, 3.0, 3.0, 2.0, 3.0])[:, None, None].requires_grad_()
    max_pool(values).backward(torch.tensor([[5.0]]))
    assert values.grad.flatten().tolist() == [0, 5, 0, 0, 0]
