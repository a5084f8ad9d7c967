import copy

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from torch import nn

from convac_lib import Architecture
from convac_lib.architecture import SHARING
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.models.convac import INITS
from convac_lib.learning.models.pooling import average_pool, max_pool, product_pool
from convac_lib.learning.models.representations import SiteReader, window_first
from convac_lib.learning.models.tree import convolve
from convac_lib.partitions import to_sites

SHAPES = [
    Architecture.line(2, (3, 4, 5), 3),
    Architecture.for_image(4, 2, (3, 5), 3),
    Architecture.shallow(16, 2, 4, 2),
    Architecture(9, 3, 2, (3, 4), 1),
]


def scores_by_hand(architecture, weights, features):
    """The recursion of eq. 18-21, one location at a time; features (N, M) of one sample."""
    vectors = list(features)
    for matrices in weights[:-1]:
        mapped = [matrices[j % len(matrices)] @ v for j, v in enumerate(vectors)]
        w = architecture.window
        vectors = [np.prod(mapped[k : k + w], axis=0) for k in range(0, len(mapped), w)]
    (top,) = vectors
    return weights[-1] @ top


# --- pooling --------------------------------------------------------------------------


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
    assert pooled.tolist() == [[0, 0]] and log_scale.tolist() == [0]
    pooled.sum().backward()
    assert factors.grad.tolist() == [[[2, 3]], [[0, 0]]]


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


# --- sites ----------------------------------------------------------------------------


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


# --- the ConvAC is its tensor ---------------------------------------------------------


@pytest.mark.parametrize("share", SHARING)
@pytest.mark.parametrize("representation", ["affine-relu", "linear", "cos-sin"])
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_scores_are_those_of_the_recursion(architecture, representation, share):
    model = ConvAC(architecture, share, representation, seed=3, dtype=torch.float64)
    x = torch.rand(3, architecture.n_sites, dtype=torch.float64)
    weights, features = model.to_weights(), model.features(x).detach().numpy()
    assert [w.shape for w in weights] == architecture.weight_shapes(share)
    expected = [scores_by_hand(architecture, weights, sample) for sample in features]
    np.testing.assert_allclose(model(x).detach(), expected, rtol=1e-9)


@pytest.mark.parametrize("share", SHARING)
def test_decompositions_give_the_same_scores(share):
    decompositions = pytest.importorskip("convac_lib.decompositions")
    for architecture in SHAPES:
        model = ConvAC(architecture, share, seed=1, dtype=torch.float64)
        x = torch.rand(4, architecture.n_sites)
        features = model.features(x).detach().numpy()
        scores = decompositions.scores(architecture, model.to_weights(), features)
        np.testing.assert_allclose(model(x).detach(), scores, rtol=1e-6)


def test_scores_are_the_contraction_with_the_coefficients_tensor():
    """Eq. 2 for N = 4, with the hierarchical Tucker tensor written out as one einsum."""
    model = ConvAC(Architecture.line(2, (3, 5), 2), "none", seed=0, dtype=torch.float64)
    a, b, dense = model.to_weights()
    tensor = np.einsum("xp,xq,yr,ys,zx,zy,oz->opqrs", *a, *b, dense, optimize=True)
    x = torch.rand(3, 4, dtype=torch.float64)
    f = model.features(x).detach().numpy()
    expected = np.einsum("opqrs,bp,bq,br,bs->bo", tensor, *f.swapaxes(0, 1), optimize=True)
    np.testing.assert_allclose(model(x).detach(), expected, rtol=1e-10)


def test_the_score_is_linear_in_every_site():
    model = ConvAC(Architecture.for_image(4, 2, (3, 3), 2), representation="linear", seed=5)
    x = torch.rand(2, 16, dtype=torch.float64)
    scores = []
    for value in (0.0, 1.0, 3.0):
        x[:, 7] = value
        scores.append(model.double()(x))
    torch.testing.assert_close(scores[2] - scores[0], 3 * (scores[1] - scores[0]))


@pytest.mark.parametrize("share", SHARING)
def test_weights_go_out_and_come_back(share):
    architecture = SHAPES[1]
    source = ConvAC(architecture, share, "linear", seed=1)
    target = ConvAC(architecture, share, "linear", seed=2)
    x = torch.rand(5, 4, 4)
    assert not torch.equal(source(x), target(x))
    target.load_weights(source.to_weights())
    assert torch.equal(source(x), target(x))
    out = source.to_weights()
    out[0][:] = 0  # a copy
    assert torch.equal(source(x), target(x))


def test_weights_of_other_shapes_or_complex_ones_are_refused():
    model = ConvAC(SHAPES[0])
    weights = model.to_weights()
    with pytest.raises(ValueError, match=r"weights must have the shapes \[\(2, 3, 2\)"):
        model.load_weights(weights[:-1])
    with pytest.raises(ValueError, match="weights must be real"):
        model.load_weights([w.astype(complex) for w in weights])


def test_a_seed_gives_the_same_model_at_either_precision():
    single = ConvAC(SHAPES[1], seed=4)
    double = ConvAC(SHAPES[1], seed=4, dtype=torch.float64)
    for ours, theirs in zip(single.parameters(), double.parameters(), strict=True):
        assert ours.dtype == torch.float32 and theirs.dtype == torch.float64
        assert torch.equal(ours, theirs.float())
    again = copy.deepcopy(single)
    x = torch.rand(2, 4, 4)
    assert torch.equal(again(x), single(x))


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


def test_options_are_checked():
    line = Architecture.line(2, (3, 3), 2)
    for wrong, message in [
        (dict(share="some"), "share must be one of"),
        (dict(head="softmax"), "head must be one of"),
        (dict(init="zeros"), "init must be one of"),
        (dict(representation="fourier"), "representation must be one of"),
        (dict(representation="linear", site_size=2), "local_dim must be 3"),
        (dict(representation="cos-sin", site_size=2), "site_size must be 1"),
        (dict(share="none", share_background=True), "share_background must be False"),
    ]:
        with pytest.raises(ValueError, match=message):
            ConvAC(line, **wrong)
    with pytest.raises(ValueError, match="head must be 'scores'"):
        ConvAC(Architecture.line(2, (3, 3)), head="normalized")
    with pytest.raises(ValueError, match="local_dim must be 2"):
        ConvAC(Architecture.line(3, (3, 3)), representation="cos-sin")
    with pytest.raises(ValueError, match="pooling must be one of"):
        ConvNet(line, pooling="product")


# --- heads and numbers out of range ---------------------------------------------------


def test_the_normalized_head_has_the_same_answer_and_a_size_of_one():
    architecture = Architecture.for_image(4, 3, (4, 4), 5)
    true, normal = (
        ConvAC(architecture, head=h, seed=1, dtype=torch.float64) for h in ("scores", "normalized")
    )
    x = torch.rand(20, 4, 4)
    scores, logits = true(x), normal(x)
    torch.testing.assert_close(scores / scores.norm(dim=1, keepdim=True), logits / 5**0.5)
    torch.testing.assert_close(normal.scores(x), scores)


def test_heads_have_exact_gradients():
    """The log of the scale is a constant to autograd; finite differences say it may be."""
    for head in ("scores", "normalized"):
        model = ConvAC(Architecture.line(2, (2, 3), 2), head=head, seed=0, dtype=torch.float64)
        weight = model.layers[0].detach().clone().requires_grad_()
        x = torch.rand(2, 4, dtype=torch.float64)

        def scores(w, model=model, x=x):
            return torch.func.functional_call(model, {"layers.0": w}, x)

        assert torch.autograd.gradcheck(scores, weight)


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize(
    "architecture, share, representation",
    [
        (Architecture.for_image(64, 4, (6,) * 6, 10), "window-position", "conv3x3"),
        (Architecture.for_image(64, 4, (6,) * 6, 10), "all", "affine-relu"),
        (Architecture.line(2, (3,) * 16, 10), "window-position", "cos-sin"),
        (Architecture.line(2, (3,) * 16, 10), "none", "linear"),
        (Architecture.shallow(256, 2, 6, 10), "none", "cos-sin"),
    ],
    ids=lambda v: f"N={v.n_sites},w={v.window}" if isinstance(v, Architecture) else str(v),
)
def test_never_a_nan(architecture, share, representation, init):
    torch.manual_seed(0)
    images = torch.rand(2, architecture.n_sites)
    if architecture.window == 4:
        images = images.view(2, 64, 64)
    single = ConvAC(architecture, share, representation, head="normalized", init=init, seed=1)
    gradients = []
    for model in (single, copy.deepcopy(single).double()):
        F.cross_entropy(model(images), torch.tensor([3, 8])).backward()
        gradients.append([w.grad.double() for w in model.layers])
        assert not model.scores(images).isnan().any()  # they may be infinite
        assert model.scaled_scores(images)[1].isfinite().all()
    # Layer by layer, though those near the inputs have by far the smaller gradients.
    # Independent normals make a function so steep that the rounding of its inputs shows.
    for ours, exact in zip(*gradients, strict=True):
        assert (ours - exact).norm() <= (1e-3 if init == "normal" else 1e-4) * exact.norm()


def scale_free_scores(model, x):
    """The scores that a head which needs no scale is given."""
    tree, window = model.tree(x), model.architecture.window
    rows = model.start(tree)
    for layer, kernel in enumerate(model.kernels()):
        rows = model.pool(layer, convolve(tree.join(layer, rows), kernel, window))
    return tree.join(model.architecture.depth, rows) @ model.dense.T


def test_promising_a_scale_free_function_keeps_gradients_good():
    """Where one channel dominates, rounding along a row would drown the true gradient."""
    architecture = Architecture.line(2, (3,) * 12, 10)
    x = torch.rand(4, 4096)
    errors = []
    for promise in (True, False):
        single = ConvAC(architecture, representation="cos-sin", init="positive", seed=0)
        gradients = []
        for model in (single, copy.deepcopy(single).double()):
            scores = scale_free_scores(model, x) if promise else model.scaled_scores(x)[0]
            (scores[:, 0] / scores.norm(dim=1)).sum().backward()
            gradients.append(model.layers[0].grad.double())
        errors.append(float((gradients[0] - gradients[1]).norm() / gradients[1].norm()))
    assert errors[0] < 1e-4 < 1e-2 < errors[1]


def test_plain_products_leave_the_range_of_floats():
    architecture = Architecture.for_image(64, 4, (6,) * 6, 10)
    x = torch.rand(2, 64, 64)
    for init in INITS:
        model = ConvAC(architecture, init=init, seed=1, rescale=False, head="normalized")
        plain = model.scores(x)
        assert ((plain == 0) | ~plain.isfinite()).all()
        model.rescale = True
        assert model(x).isfinite().all()


def test_an_all_zero_score_is_zero():
    model = ConvAC(Architecture.line(2, (2, 2), 2), head="normalized")
    model.load_weights([np.zeros_like(w) for w in model.to_weights()])
    x = torch.rand(1, 4)
    assert model.scores(x).tolist() == model(x).tolist() == [[0, 0]]
    model(x).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


# --- black that multiplies by one -----------------------------------------------------


@pytest.mark.parametrize("share", ["window-position", "all"])
@pytest.mark.parametrize("representation", ["affine-relu", "linear", "cos-sin"])
def test_any_network_has_a_neutral_form_with_the_same_scores(representation, share):
    architecture = Architecture.for_image(4, 2, (3, 5), 3)
    model = ConvAC(architecture, share, representation, seed=1, dtype=torch.float64)
    x = torch.rand(4, 4, 4)
    scores, empty = model(x), model.features(torch.zeros(1, 4, 4))[0, 0].detach().numpy()
    weights = model.to_weights()
    first = weights[0] @ empty
    neutral = [weights[0] / first[..., None]]
    below = (first if share != "all" else first.repeat(4, 0)).prod(0)
    scaled = weights[1] * below
    second = scaled.sum(-1)
    neutral.append(scaled / second[..., None])
    top = (second if share != "all" else second.repeat(4, 0)).prod(0)
    model.load_weights([*neutral, weights[-1] * top])
    torch.testing.assert_close(model(x), scores)
    # And that form is one which the option leaves as it is.
    for ours, kept in zip(neutral, model.neutral_layers(), strict=True):
        np.testing.assert_allclose(kept.detach(), ours, rtol=1e-9)


@pytest.mark.parametrize("share", SHARING)
def test_empty_windows_multiply_by_one_whatever_the_weights(share):
    architecture = Architecture.for_image(8, 3, (4, 5, 6), 3)
    model = ConvAC(
        architecture,
        share,
        "conv3x3",
        init="normal",
        seed=1,
        neutral_background=True,
        dtype=torch.float64,
    )
    black = torch.zeros(1, 8, 8)
    torch.testing.assert_close(model(black)[0], model.dense.sum(1))
    # One digit's worth of pixels: the other quarters of the image change nothing at all.
    image = black.clone()
    image[0, 1:3, 1:3] = torch.rand(2, 2)
    features = model.features(image)[0].detach().numpy()
    weights = model.to_weights()
    np.testing.assert_allclose(
        model(image)[0].detach(), scores_by_hand(architecture, weights, features), rtol=1e-9
    )
    quarter = Architecture.for_image(4, 3, (4, 5))
    parts = [w[: len(w) // 4] if share == "none" else w for w in weights[:2]]
    top = scores_by_hand(quarter, [*parts, np.eye(5)], features[:16])
    last = weights[2][0] @ top
    np.testing.assert_allclose(model(image)[0].detach(), weights[3] @ last, rtol=1e-9)


def test_a_neutral_model_takes_no_weights_from_outside():
    model = ConvAC(Architecture.line(2, (2, 2), 2), neutral_background=True)
    with pytest.raises(ValueError, match="neutral_background must be False"):
        model.load_weights(model.to_weights())


# --- the ConvNet ----------------------------------------------------------------------


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


def test_the_shared_convac_is_the_one_made_of_torch_convolutions():
    """An image in Morton order pools the 2x2 windows of the picture."""
    model = ConvAC(Architecture.for_image(8, 3, (4, 2, 5), 3), "all", seed=0, dtype=torch.float64)
    x = torch.rand(4, 8, 8, dtype=torch.float64)
    v = torch.relu(
        x[:, None] * model.representation.weight[0, :, None, None]
        + model.representation.bias[:, None, None]
    )
    for weight in model.layers:
        v = F.conv2d(v, weight[0, :, :, None, None])
        v = v[..., ::2, ::2] * v[..., ::2, 1::2] * v[..., 1::2, ::2] * v[..., 1::2, 1::2]
    torch.testing.assert_close(model(x), v.flatten(1) @ model.dense.T)


def test_parameter_counts_are_the_papers():
    for r, count in [(6, 1416), (30, 29400)]:
        for design in (Architecture.wide_base, Architecture.wide_tip):
            model = ConvNet(design(r))
            biases = sum(b.numel() for b in [*model.biases, model.dense_bias])
            all_of_it = sum(p.numel() for p in model.parameters())
            assert all_of_it - biases - (9 * 10 + 10) == count


# --- black windows once ---------------------------------------------------------------


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


# --- starts -------------------------------------------------------------------------------


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
    network = Architecture(2, 2, 1000, (1000,))
    model = ConvNet(network, init="pytorch", seed=1)
    assert float(model.layers[0].detach().var() * 1000) == pytest.approx(1 / 3, rel=0.02)
    model = ConvNet(network, init="he", seed=1)
    assert float(model.layers[0].detach().var() * 1000) == pytest.approx(2, rel=0.02)
    assert not model.biases[0].any() and not model.dense_bias.any()
    assert divided[-1] < 0.1 * kept[-1]


def test_the_conv_representation_starts_as_the_layers_do():
    network = Architecture.for_image(4, 3000, (1, 1))
    for init, variance in (("he", 2 / 9), ("pytorch", 1 / 27)):
        weight = ConvNet(network, init=init, seed=0).representation.weight.detach()
        assert float(weight.var()) == pytest.approx(variance, rel=0.03)
    with pytest.raises(ValueError, match="init must be one of 'he', 'pytorch', got 'zeros'"):
        ConvNet(network, init="zeros")
