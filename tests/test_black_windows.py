"""Black windows once, found in a batch or listed beforehand: the scores of the whole tree."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture
from convac_lib.learning.ensembles import Ensemble
from convac_lib.learning.models import ConvAC, ConvNet, black_windows
from convac_lib.learning.models.black_windows import WindowLists, find_tree, join
from convac_lib.learning.models.representations import SiteReader

ARCHITECTURE = Architecture.for_image(16, 4, (5, 3, 4, 6), 3)
ALL = torch.arange(5)

MODELS = {
    "maximum": lambda **k: ConvNet(ARCHITECTURE, **k),
    "average": lambda **k: ConvNet(ARCHITECTURE, "average", **k),
    "normalized": lambda **k: ConvAC(
        ARCHITECTURE, representation="conv3x3", head="normalized", neutral_background=True, **k
    ),
    "by position": lambda **k: ConvAC(ARCHITECTURE, representation="conv3x3", **k),
    "one for all": lambda **k: ConvAC(ARCHITECTURE, "all", "affine-relu", **k),
}


def things_on_black(seed=0):
    """Five images of 16 x 16: two small things, a large one, noise, and nothing."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.zeros(5, 16, 16, dtype=torch.float64)
    images[0, 3:6, 9:11] = torch.rand(3, 2, generator=generator, dtype=torch.float64)
    images[1, 0, 0] = images[1, 15, 15] = 1.0
    images[2, 2:13, 4:15] = torch.rand(11, 11, generator=generator, dtype=torch.float64)
    images[3] = torch.rand(16, 16, generator=generator, dtype=torch.float64)
    return images


@pytest.mark.parametrize("name", MODELS)
def test_a_listed_batch_gives_the_scores_and_gradients_of_the_images(name):
    plain, listed = (MODELS[name](seed=0, dtype=torch.float64) for _ in range(2))
    images = things_on_black()
    batch = WindowLists(plain.reader, images)[ALL]
    weights = torch.arange(15.0, dtype=torch.float64).view(5, 3)
    for model, inputs in ((plain, images), (listed, batch)):
        (model(inputs) * weights).sum().backward()
    torch.testing.assert_close(listed(batch), plain(images))
    for ours, wanted in zip(listed.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, wanted.grad)
    if isinstance(plain, ConvAC):
        torch.testing.assert_close(listed.scores(batch), plain.scores(images))


@pytest.mark.parametrize("name", MODELS)
def test_members_on_lists_are_the_models_on_images(name):
    models = [MODELS[name](seed=seed, dtype=torch.float64) for seed in (0, 3)]
    images = things_on_black()
    lists = WindowLists(models[0].reader, images)
    chosen = torch.tensor([[0, 4, 2], [2, 1, 3]])
    ensemble = Ensemble(models)
    scores, same = ensemble(lists[chosen]), ensemble(lists[chosen[0]], same=True)
    (scores.sum() + same.square().sum()).backward()
    for member, model in enumerate(models):
        own, given_to_all = model(images[chosen[member]]), model(images[chosen[0]])
        torch.testing.assert_close(scores[member], own)
        torch.testing.assert_close(same[member], given_to_all)
        (own.sum() + given_to_all.square().sum()).backward()
        for name_, stack in ensemble.stacked.named_parameters():
            torch.testing.assert_close(stack.grad[member], model.get_parameter(name_).grad)


@st.composite
def sparse_lines(draw):
    """A window, and samples of a line of sites of which few are not zero."""
    window, depth = draw(st.sampled_from([(2, 1), (2, 3), (3, 2), (4, 2)]))
    n_sites, n_samples = window**depth, draw(st.integers(1, 4))
    lit = st.sets(st.integers(0, n_sites - 1), max_size=3)
    samples = torch.zeros(n_samples, n_sites)
    for sample in samples:
        sample[sorted(draw(lit))] = 1.0
    return window, depth, samples


@given(sparse_lines())
@settings(deadline=None)
def test_lists_name_every_window_with_something_in_it_once(case):
    window, depth, samples = case
    line = Architecture(window**depth, window, 1, (1,) * depth, 1)
    lists = WindowLists(SiteReader(line), samples)
    batch = lists[torch.arange(len(samples))]
    assert len(lists) == len(samples)
    assert (batch.seen != 0).sum() == (samples != 0).sum()
    lit = samples != 0
    for level, (children, parents) in zip(batch.levels.levels, batch.tables, strict=True):
        assert children.shape == (level.window * len(samples) * level.above,)
        named = children[children > 0]
        assert len(named) == len(named.unique()) == lit.sum()
        places = parents[parents >= 0]
        assert torch.equal(children[places], (parents >= 0).nonzero().squeeze(1))
        assert len(places) == len(named)
        if lit.shape[1] > 1:
            lit = lit.view(len(samples), -1, window).any(-1)


def test_the_lists_of_many_samples_are_made_in_parts(monkeypatch):
    images = things_on_black()
    reader = MODELS["maximum"]().reader
    whole = WindowLists(reader, images)
    monkeypatch.setattr(black_windows, "SAMPLES_AT_ONCE", 2)
    parts = WindowLists(reader, images)
    for ours, wanted in zip(parts.listed.tensors, whole.listed.tensors, strict=True):
        assert torch.equal(ours, wanted)
    joined = [torch.cat(c) for c in zip(*(w.tensors for w in whole.split(3)), strict=True)]
    for ours, wanted in zip(joined, whole.listed.tensors, strict=True):
        assert torch.equal(ours, wanted)


def test_long_lists_can_be_cut_into_parts():
    lists = WindowLists(MODELS["maximum"]().reader, things_on_black())
    rows = [level.below for level in lists.listed.levels.levels]
    assert rows[0] == 256 + 8 and all(n <= 8 or n % 8 == 0 for n in rows)


def test_members_that_share_the_black_are_given_lists():
    images = things_on_black()
    for shared in (True, False):
        models = [MODELS["maximum"](seed=seed, share_background=shared) for seed in (0, 1)]
        prepared = Ensemble(models).prepare(images)
        assert isinstance(prepared, WindowLists) if shared else prepared is images


def test_images_with_nothing_in_them():
    model = MODELS["normalized"](seed=0, dtype=torch.float64)
    images = torch.zeros(5, 16, 16, dtype=torch.float64)
    batch = WindowLists(model.reader, images)[ALL]
    assert batch.seen.shape == (5, 1, 9)
    torch.testing.assert_close(model(batch), model(images))


def test_the_gradient_of_a_join_is_that_of_a_lookup():
    generator = torch.Generator().manual_seed(0)
    children = torch.tensor([[3, 0, 1, 0, 0], [0, 2, 0, 0, 4]])
    parents = torch.tensor([[-1, 2, -1, 0, -1, -1], [-1, -1, 1, -1, 4, -1]])
    rows = torch.randn(2, 6, 3, generator=generator, requires_grad=True)
    joined = torch.vmap(join)(rows, children, parents)
    looked_up = torch.stack([member[c] for member, c in zip(rows, children, strict=True)])
    assert torch.equal(joined, looked_up)
    assert torch.equal(black_windows._gather(rows, children), looked_up)
    weights = torch.randn(2, 5, 3, generator=generator)
    ours, wanted = (torch.autograd.grad((x * weights).sum(), rows)[0] for x in (joined, looked_up))
    torch.testing.assert_close(ours, wanted)


def test_a_found_tree_lists_only_windows_with_something_in_them():
    reader = SiteReader(Architecture(16, 4, 1, (1, 1)))
    samples = torch.zeros(2, 16)
    samples[0, [3, 9]] = 1.0
    samples[1, 3] = 2.0
    tree = find_tree(reader, samples)
    assert tree.numbers.shape == (1, 4, 1) and sorted(tree.numbers.flatten()) == [0, 1, 1, 2]
    assert [table.shape for table in tree.tables] == [(4, 4), (4, 3), (1, 2)]
    assert tree.tables[-1].tolist() == [[1, 2]]
    empty = find_tree(reader, samples * 0)
    assert [table.tolist() for table in empty.tables] == [[[0]] * 4, [[0]] * 4, [[0, 0]]]


def test_joined_rows_have_second_derivatives_and_forward_ones():
    rows = torch.tensor([[0.5], [2.0], [3.0]], dtype=torch.float64, requires_grad=True)
    children, parents = torch.tensor([0, 2, 0, 1]), torch.tensor([-1, 3, 1])
    how = (lambda rows: black_windows.join(rows, children, parents) ** 3, rows)
    assert torch.autograd.gradcheck(*how, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(*how)
