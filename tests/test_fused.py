"""Fused layers against the plain ones: the same lists, scores and gradients."""

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture
from convac_lib.learning.models import ConvAC, ConvNet, compiled, fused
from convac_lib.learning.models.pooling import (
    in_range,
    largest_magnitude,
    max_pool,
    product_pool,
)
from convac_lib.learning.models.products import matmul_in_parts

pytestmark = pytest.mark.skipif(not fused.IS_THERE, reason="needs Numba")

DTYPES = [torch.float32, torch.float64]


def plainly(monkeypatch):
    monkeypatch.setattr(fused, "IS_THERE", False)


def images_on_black(n, scale=1.0):
    generator = torch.Generator().manual_seed(n)
    images = torch.zeros(n, 16, 16, dtype=torch.float64)
    images[: n // 2, 3:8, 5:12] = torch.rand(n // 2, 5, 7, generator=generator).double()
    images[n // 2 : -1] = torch.rand(n - n // 2 - 1, 16, 16, generator=generator).double()
    return images * scale


def convnet(network, dtype, share_background=True):
    model = ConvNet(network, seed=0, dtype=dtype, share_background=share_background)
    with torch.no_grad():
        for bias in model.biases:  # some channels are above zero on black, some below
            bias.copy_(torch.linspace(-0.3, 0.3, len(bias)))
    return model


def convac(network, dtype, **options):
    how = {"representation": "conv3x3", "head": "normalized", "share_background": True}
    return ConvAC(network, seed=0, dtype=dtype, **how | options)


MODELS = {
    "maximum": convnet,
    "maximum, whole": lambda *how: convnet(*how, share_background=False),
    "by position": convac,
    "by position, neutral": lambda *how: convac(*how, neutral_background=True),
    "one for all": lambda *how: convac(*how, share="all"),
    "whole": lambda *how: convac(*how, share_background=False),
    "whole, neutral": lambda *how: convac(*how, share_background=False, neutral_background=True),
    "whole, one for all": lambda *how: convac(*how, share_background=False, share="all"),
    "whole, none shared": lambda *how: convac(*how, share_background=False, share="none"),
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


# --- threads ------------------------------------------------------------------------------

THREADS = [None, "OpenMP", "Python"]


def in_threads_of(patch, kind):
    """Do layers of any size in three threads, or all in one."""
    patch.setattr(fused, "WORTH_A_THREAD", dict.fromkeys(fused.WORTH_A_THREAD, 1))
    patch.setattr(torch, "get_num_threads", lambda: 3 if kind else 1)
    if kind == "Python":
        patch.setattr(compiled, "_forked", True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they are Python's")
def test_openmp_has_the_threads_where_numba_can_start_them():
    pytest.importorskip("numba.np.ufunc.omppool")
    assert compiled.has_openmp()


CHILD = """
import os, sys
import numba, torch
from convac_lib.learning.models import compiled, fused

torch.set_num_threads(2)
rows, kernel = torch.rand(4 * 4096, 16), torch.rand(1, 16, 16)
wanted, _ = fused.whole_layer(rows, kernel, 4, 1e-30)
if compiled.has_openmp():
    assert numba.threading_layer() == "omp"
kept = numba.get_num_threads()
child = os.fork()
if child == 0:
    assert not compiled.has_openmp()
    fused.WORTH_A_THREAD["Python"] = 1
    found, _ = fused.whole_layer(rows, kernel, 4, 1e-30)
    os._exit(0 if (found.numpy() == wanted.numpy()).all() else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or kept != numba.get_num_threads())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_was_forked_takes_other_threads():
    """Numba ends a process that was forked after OpenMP had run, if it runs there again."""
    command = [sys.executable, "-c", CHILD]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_nobodys_choice_of_threads_is_changed():
    """Who chose a layer of threads for Numba keeps it, and then it is Python's that are taken."""
    code = (
        "from convac_lib.learning.models import compiled; import numba;"
        "numba.config.THREADING_LAYER = 'workqueue'; assert not compiled.has_openmp();"
        "assert numba.config.THREADING_LAYER == 'workqueue'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_on_one_thread_nothing_is_chosen_for_numba():
    code = (
        "import numba, torch; from convac_lib.learning.models import fused;"
        "torch.set_num_threads(1); before = numba.config.THREADING_LAYER;"
        "fused.whole_layer(torch.rand(64, 4), torch.rand(1, 4, 4), 4, 1e-30);"
        "assert numba.config.THREADING_LAYER == before == 'default'"
    )
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_THREADING_LAYER"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300, env=environment)


# --- layers of whole trees ----------------------------------------------------------------


def plain_layer(rows, kernel, window):
    values = matmul_in_parts(rows, kernel.transpose(1, 2)).view(window, -1, kernel.shape[1])
    return product_pool(values, scale_free=True)[0]


def fused_layer(rows, kernel, window):
    # As a model does: rows of zeros, and what left the range, are the plain layer's.
    pooled, scale = fused.whole_layer(rows, kernel, window, torch.finfo(rows.dtype).tiny)
    if len(scale) == 0 or scale.isnan().any() or in_range(scale):
        return pooled
    return plain_layer(rows, kernel, window)


def with_gradients(layer, rows, kernel, window, gradient, **options):
    pooled = layer(rows, kernel, window)
    return pooled, *torch.autograd.grad(pooled, (rows, kernel), gradient, **options)


@st.composite
def layers(draw):
    """Draw a layer: odd sizes, zeros, magnitudes from next to nothing to next to infinity."""
    dtype, window = draw(st.sampled_from(DTYPES)), draw(st.sampled_from([2, 4]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    n_windows, r_in, r_out = (draw(st.integers(1, most)) for most in (70, 19, 19))
    shapes = [(window * n_windows, r_in), (draw(st.sampled_from([1, window])), r_out, r_in)]
    rows, kernel = (torch.randn(s, generator=generator, dtype=dtype) for s in shapes)
    # The sizes of products of four reach 10 to the power of -28 to 28.
    spread = draw(st.sampled_from([0, 3, 7]))
    sizes = spread * (2 * torch.rand(len(rows), 1, generator=generator, dtype=dtype) - 1)
    rows *= 10**sizes
    rows[torch.rand(len(rows), generator=generator) < draw(st.sampled_from([0, 0.2]))] = 0
    rows[torch.rand(rows.shape, generator=generator) < draw(st.sampled_from([0, 0.3]))] = 0
    gradient = torch.randn(n_windows, r_out, generator=generator, dtype=dtype)
    return rows.requires_grad_(), kernel.requires_grad_(), window, gradient


def assert_alike(found, wanted, rows, kernel, window, gradient):
    """Compare, each number with the sum of the magnitudes of what it is a sum of."""
    dtype = rows.dtype
    tolerance = 1e-5 if dtype is torch.float32 else 1e-13
    sizes = [tensor.detach().double().abs().requires_grad_() for tensor in (rows, kernel)]
    values = matmul_in_parts(rows.detach(), kernel.detach().transpose(1, 2))
    scale = largest_magnitude(values.view(window, -1, kernel.shape[1]).prod(0)).double()
    values = matmul_in_parts(sizes[0], sizes[1].transpose(1, 2)).view(window, -1, kernel.shape[1])
    pooled = values.prod(0) / scale
    outer = gradient.double().abs()
    outer = outer + (outer * pooled).sum(-1, keepdim=True) * pooled
    bounds = pooled.detach(), *torch.autograd.grad(pooled, sizes, outer.detach())
    for mine, its, bound in zip(found, wanted, bounds, strict=True):
        assert mine.dtype == dtype and mine.shape == its.shape
        difference = (mine.double() - its.double()).abs()
        assert (difference <= tolerance * bound).all(), (difference / bound).nan_to_num().max()


@settings(deadline=None, max_examples=200)
@given(layers(), st.sampled_from([1, 40, 2**18]), st.sampled_from(THREADS))
def test_whole_layers_are_the_plain_ones(layer, at_once, threads):
    wanted = with_gradients(plain_layer, *layer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "AT_ONCE", at_once)
        in_threads_of(patch, threads)
        found = with_gradients(fused_layer, *layer)
    assert_alike(found, wanted, *layer)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_whole_layer_as_others_may_call_it(dtype):
    generator = torch.Generator().manual_seed(0)
    columns = torch.randn(5, 4 * 7, generator=generator, dtype=dtype)
    kernel = torch.randn(5, 3, 4, generator=generator, dtype=dtype).permute(2, 1, 0)
    rows = columns.T  # neither is contiguous
    gradient = torch.randn(3, 7, generator=generator, dtype=dtype).T
    layer = (rows.requires_grad_(), kernel.requires_grad_(), 4, gradient)
    wanted = with_gradients(plain_layer, *layer)
    assert_alike(with_gradients(fused_layer, *layer), wanted, *layer)
    # A graph of the backward pass is that of the plain layer.
    assert_alike(with_gradients(fused_layer, *layer, create_graph=True), wanted, *layer)
    # Only one of the two is wanted.
    for mine, its in ((0, 1), (1, 2)):
        alone = [tensor.detach() for tensor in layer[:2]]
        alone[mine].requires_grad_()
        (found,) = torch.autograd.grad(fused_layer(*alone, 4), alone[mine], gradient)
        torch.testing.assert_close(found, wanted[its], rtol=1e-4, atol=1e-4)
    # No window at all, and what is no number.
    nothing = with_gradients(fused_layer, rows[:0], kernel, 4, gradient[:0])
    assert nothing[0].shape == (0, 3) and nothing[1].shape == (0, 5) and not nothing[2].any()
    with torch.no_grad():
        rows[3] = torch.nan
    assert fused_layer(rows, kernel, 4)[3].isnan().all()
    assert not fused_layer(rows, kernel, 4)[:3].isnan().any()


def plain_max_layer(rows, kernel, bias, window):
    values = (rows @ kernel[0].T).view(window, -1, kernel.shape[1])
    return torch.relu(max_pool(values) + bias)


def max_gradients(layer, rows, kernel, bias, window, gradient, **options):
    pooled = layer(rows, kernel, bias, window)
    return pooled, *torch.autograd.grad(pooled, (rows, kernel, bias), gradient, **options)


@settings(deadline=None, max_examples=100)
@given(layers(), st.sampled_from([1, 40, 2**18]), st.sampled_from(THREADS))
def test_whole_layers_with_a_maximum_are_the_plain_ones(layer, at_once, threads):
    rows, kernel, window, gradient = layer
    # Small whole numbers: products are exact, so that it is the same child that wins, and there
    # are equals, of which the first one wins.
    rows = (2 * rows.detach()).clamp(-5, 5).round().requires_grad_()
    kernel = (2 * kernel.detach()[:1]).round().requires_grad_()
    bias = torch.linspace(-3, 3, kernel.shape[1], dtype=rows.dtype).round().requires_grad_()
    gradient = (3 * gradient).round()
    wanted = max_gradients(plain_max_layer, rows, kernel, bias, window, gradient)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "AT_ONCE", at_once)
        in_threads_of(patch, threads)
        found = max_gradients(fused.whole_max_layer, rows, kernel, bias, window, gradient)
    for mine, its in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_whole_layer_with_a_maximum_as_others_may_call_it(dtype):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(5, 4 * 7, generator=generator, dtype=dtype).T.requires_grad_()
    kernel = torch.randn(1, 5, 3, generator=generator, dtype=dtype).mT.requires_grad_()
    bias = torch.tensor([0.3, -0.2, 0.0], dtype=dtype, requires_grad=True)
    gradient = torch.randn(3, 7, generator=generator, dtype=dtype).T
    layer = (rows, kernel, bias, 4, gradient)
    wanted = max_gradients(plain_max_layer, *layer)
    for options in ({}, {"create_graph": True}):
        found = max_gradients(fused.whole_max_layer, *layer, **options)
        for mine, its in zip(found, wanted, strict=True):
            torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-5)
    for which in range(3):  # only one of the three is wanted
        alone = [tensor.detach() for tensor in layer[:3]]
        alone[which].requires_grad_()
        (found,) = torch.autograd.grad(fused.whole_max_layer(*alone, 4), alone[which], gradient)
        torch.testing.assert_close(found, wanted[1 + which], rtol=1e-5, atol=1e-5)
    nothing = max_gradients(fused.whole_max_layer, rows[:0], *layer[1:4], gradient[:0])
    assert nothing[0].shape == (0, 3) and not any(part.any() for part in nothing[2:])


@pytest.mark.parametrize("where", range(4))
@pytest.mark.parametrize("path", ["whole", "found"])
def test_a_maximum_over_what_is_no_number_is_none(path, where):
    # A comparison with NaN is false: whichever child it is, it must not get lost.
    rows, kernel, bias = torch.ones(4 * 3, 2), torch.ones(1, 5, 2), -torch.ones(5)
    rows[3 * where + 1] = torch.nan
    if path == "whole":
        pooled = fused.whole_max_layer(rows, kernel, bias, 4)
    else:
        pooled = fused.max_layer(rows, kernel[0], bias, torch.arange(12).view(4, 3))
    assert pooled[1].isnan().all() and torch.equal(pooled[::2], torch.ones(2, 5))


def test_what_whole_layers_do_not_cover():
    rows, kernel = torch.ones(16, 3), torch.ones(2, 5, 3)
    assert fused.covers(rows, kernel, 2) and fused.covers(rows.double(), kernel[:1], 4)
    assert not fused.covers(rows, torch.ones(8, 5, 3), 2)  # a matrix for every site
    assert not fused.covers(rows, kernel, 16)
    assert not fused.covers(rows, torch.ones(1, 300, 300), 2)
    assert not fused.covers(rows.half(), kernel, 2)
    inside = []
    torch.vmap(lambda x: inside.append(fused.covers(x, kernel, 2)) or x)(rows[None])
    assert inside == [False]


@pytest.mark.parametrize("window", [2, 3, 4])
def test_a_model_of_a_line_takes_them_where_it_may(window, monkeypatch):
    network = Architecture(window**4, window, 4, (5, 4, 6, 3), 4)
    how = {"representation": "linear", "site_size": 3, "head": "normalized"}
    model = ConvAC(network, seed=0, dtype=torch.float64, **how)
    x = torch.randn(7, window**4, 3, generator=torch.Generator().manual_seed(0))
    calls, whole_layer = [], fused.whole_layer
    monkeypatch.setattr(fused, "whole_layer", lambda *how: calls.append(how) or whole_layer(*how))
    found = model(x)
    assert len(calls) == (0 if window == 3 else 4)
    plainly(monkeypatch)
    torch.testing.assert_close(found, model(x), rtol=1e-10, atol=1e-10)


def test_without_numba_a_function_stays_what_it_is(monkeypatch):
    monkeypatch.setattr(compiled, "IS_THERE", False)
    assert compiled.compiled(len) is len
