"""The ConvAC is its tensor: scores, gradients, heads, and weights that go out and come back."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from convac_lib import Architecture
from convac_lib.architecture import SHARING
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.models.convac import INITS
from convac_lib.learning.models.tree import convolve

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
    np.testing.assert_allclose(model.scores(x).detach(), expected, rtol=1e-9)


@pytest.mark.parametrize("share", SHARING)
def test_decompositions_give_the_same_scores(share):
    decompositions = pytest.importorskip("convac_lib.decompositions")
    for architecture in SHAPES:
        model = ConvAC(architecture, share, seed=1, dtype=torch.float64)
        x = torch.rand(4, architecture.n_sites)
        features = model.features(x).detach().numpy()
        scores = decompositions.scores(architecture, model.to_weights(), features)
        np.testing.assert_allclose(model.scores(x).detach(), scores, rtol=1e-6)


def test_scores_are_the_contraction_with_the_coefficients_tensor():
    """Eq. 2 for N = 4, with the hierarchical Tucker tensor written out as one einsum."""
    model = ConvAC(Architecture.line(2, (3, 5), 2), "none", seed=0, dtype=torch.float64)
    a, b, dense = model.to_weights()
    tensor = np.einsum("xp,xq,yr,ys,zx,zy,oz->opqrs", *a, *b, dense, optimize=True)
    x = torch.rand(3, 4, dtype=torch.float64)
    f = model.features(x).detach().numpy()
    expected = np.einsum("opqrs,bp,bq,br,bs->bo", tensor, *f.swapaxes(0, 1), optimize=True)
    np.testing.assert_allclose(model.scores(x).detach(), expected, rtol=1e-10)


def test_the_score_is_linear_in_every_site():
    model = ConvAC(Architecture.for_image(4, 2, (3, 3), 2), representation="linear", seed=5)
    x = torch.rand(2, 16, dtype=torch.float64)
    scores = []
    for value in (0.0, 1.0, 3.0):
        x[:, 7] = value
        scores.append(model.double().scores(x))
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
        assert model.log_scores(images)[1].isfinite().all()  # of scores beyond a float
        assert model.scaled_scores(images)[1].isfinite().all()
    # Layer by layer, though those near the inputs have by far the smaller gradients.
    # Independent normals make a function so steep that the rounding of its inputs shows:
    # over seeds, float32 is off by 1e-4 to 1e-2, whichever way the layers are computed.
    for ours, exact in zip(*gradients, strict=True):
        assert (ours - exact).norm() <= (2e-2 if init == "normal" else 1e-4) * exact.norm()


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
    scores, empty = model.scores(x), model.features(torch.zeros(1, 4, 4))[0, 0].detach().numpy()
    weights = model.to_weights()
    first = weights[0] @ empty
    neutral = [weights[0] / first[..., None]]
    below = (first if share != "all" else first.repeat(4, 0)).prod(0)
    scaled = weights[1] * below
    second = scaled.sum(-1)
    neutral.append(scaled / second[..., None])
    top = (second if share != "all" else second.repeat(4, 0)).prod(0)
    model.load_weights([*neutral, weights[-1] * top])
    torch.testing.assert_close(model.scores(x), scores)
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
        head="scores",
        init="normal",
        seed=1,
        neutral_background=True,
        dtype=torch.float64,
    )
    black = torch.zeros(1, 8, 8)
    torch.testing.assert_close(model.scores(black)[0], model.dense.sum(1))
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


# --- against torch's own layers -------------------------------------------------------


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
    torch.testing.assert_close(model.scores(x), v.flatten(1) @ model.dense.T)


# --- far from the middle of the range -------------------------------------------------


class PassOn(torch.nn.Module):
    """The numbers of a site are its features: scores are homogeneous in the samples."""

    def forward(self, numbers):
        return numbers.movedim(0, -1)


@pytest.mark.parametrize("share", SHARING)
@pytest.mark.parametrize("dtype, rtol", [(torch.float32, 1e-4), (torch.float64, 1e-11)])
@pytest.mark.parametrize(
    "architecture",
    [Architecture.for_image(8, 3, (4, 4, 4), 5), Architecture.line(3, (4,) * 16, 5)],
    ids=["8 x 8", "2^16"],
)
def test_weights_and_samples_of_any_size_give_the_same_answers(architecture, dtype, rtol, share):
    torch.manual_seed(0)
    model = ConvAC(architecture, share, PassOn(), 3, seed=0, dtype=dtype)
    x = torch.rand(2, architecture.n_sites, 3, dtype=dtype) + 0.1
    signs, logs = model.log_scores(x)
    scores = model(x)
    (gradient,) = torch.autograd.grad(scores[:, 0].sum(), model.layers[0])
    degrees = [architecture.locations(layer) for layer in range(architecture.depth)]
    for size in (1e-30, 1e30):
        scaled = copy.deepcopy(model)
        with torch.no_grad():
            for weight in scaled.layers:
                weight *= size
        for ours, samples, degree in [
            (scaled, x, sum(degrees)),
            (model, x * size, architecture.n_sites),
            (scaled, x * size, sum(degrees) + architecture.n_sites),
        ]:
            torch.testing.assert_close(ours(samples), scores, rtol=rtol, atol=rtol)
            moved = ours.log_scores(samples)
            assert torch.equal(moved[0], signs)
            torch.testing.assert_close(moved[1] - degree * np.log(size), logs, rtol=1e-5, atol=1e-2)
        whole = torch.func.vmap(scaled)((x * size)[:, None])[:, 0]  # numbers cannot be looked at
        torch.testing.assert_close(whole, scores, rtol=rtol, atol=rtol)
        (ours,) = torch.autograd.grad(scaled(x)[:, 0].sum(), scaled.layers[0])
        assert (ours * size - gradient).norm() <= 10 * rtol * gradient.norm()


def test_scores_beyond_a_float_are_refused_and_have_logarithms():
    line = Architecture.line(2, (2,) * 12, 3)
    x = torch.rand(2, 4096, dtype=torch.float64)
    for size in (0.1, 10.0):
        model = ConvAC(line, init="positive", head="scores", seed=0, dtype=torch.float64)
        with torch.no_grad():
            model.layers[0].mul_(size)
        with pytest.raises(ValueError, match=r"got \d of 6 beyond it; use log_scores"):
            model(x)
        signs, logs = model.log_scores(x)
        assert logs.isfinite().all() and set(signs.unique().tolist()) <= {-1.0, 1.0}


def test_the_default_head_is_one_that_cross_entropy_can_train():
    """With scores that underflow the loss is ln Y and every gradient exactly zero."""
    deep = Architecture.for_image(64, 4, (4,) * 6, 10)
    assert ConvAC(Architecture.line(2, (2, 2)), seed=0).head == "scores"
    model = ConvAC(deep, init="normal", seed=0)
    assert model.head == "normalized"
    F.cross_entropy(model(torch.rand(4, 64, 64)), torch.arange(4)).backward()
    assert all(layer.grad.abs().max() > 0 for layer in model.layers)
