"""Equal windows once: graphs of samples against the windows that torch finds one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture
from convac_lib.learning import tasks
from convac_lib.learning.models import ConvAC, ConvNet, equal_windows, fused
from convac_lib.learning.models.black_windows import find_tree
from convac_lib.learning.models.equal_windows import EqualWindows
from convac_lib.learning.models.representations import SiteReader, readers_of
from convac_lib.learning.training import train

pytestmark = pytest.mark.skipif(not fused.IS_THERE, reason="needs Numba")

SMALL = Architecture.for_image(8, 2, (2, 2, 2))


@st.composite
def sparse_images(draw):
    """A few images of 8 x 8 with little, something or nothing in them, some of them twice."""
    n = draw(st.integers(1, 4))
    images = torch.zeros(n, 8, 8, dtype=draw(st.sampled_from([torch.uint8, torch.float32])))
    pixels = st.tuples(st.integers(0, n - 1), st.integers(0, 7), st.integers(0, 7))
    largest = draw(st.sampled_from([1, 9]))
    for pixel in draw(st.sets(pixels, max_size=40)):
        images[pixel] = draw(st.integers(1, largest))
    return images[torch.tensor(draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=6)))]


def seen_by_rows(tree):
    """Return, for each level from the sites up, all that its rows see, in order."""
    levels = [[tuple(row) for row in tree.numbers.squeeze(-1).T.tolist()]]
    for table in tree.tables:
        levels.append([sum((levels[-1][k] for k in row), ()) for row in table.T.tolist()])
    return levels


def positions_of_rows(tree):
    """Return, for each level, the positions at which each row is read by the level above."""
    found = []
    for table in tree.tables:
        read = [set() for _ in range(1 + int(table.max()))]
        for position, row in enumerate(table.tolist()):
            for child in row:
                read[child].add(position)
        found.append(read)
    return found


@settings(deadline=None, max_examples=80)
@given(sparse_images(), st.booleans(), st.booleans(), st.sampled_from([1, 2, 500]))
def test_rows_are_the_windows_that_differ_and_samples_are_as_they_were(
    images, neighbourhood, by_position, at_once
):
    reader = SiteReader(SMALL, neighbourhood=neighbourhood)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(equal_windows, "SAMPLES_AT_ONCE", at_once)
        graph = EqualWindows(reader, images, by_position)
    assert len(graph) == len(images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "IS_THERE", False)
        whole = find_tree(reader, images)
    for tree in (graph[torch.arange(len(images))], *graph[:].split(len(images))):
        levels = seen_by_rows(tree)
        assert levels[-1] == seen_by_rows(whole)[-1]  # every sample, number by number
        for rows, table, read in zip(levels, tree.tables, positions_of_rows(tree), strict=False):
            assert not any(rows[0])
            assert len(read) == len(rows)  # each one is read
            if by_position:
                assert all(len(positions) == 1 for positions in read[1:])
                named = [(row, *read[k]) for k, row in enumerate(rows[1:], start=1)]
                places = [place for *_, place in named]
                assert places == sorted(places)  # those at the first position come first
            else:
                named = rows[1:]
            assert len(set(named)) == len(named)
            assert table.shape[1] >= 1


def test_any_samples_of_a_graph_are_the_tree_of_these_alone():
    images = (torch.rand(40, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.8).float()
    reader = SiteReader(SMALL, neighbourhood=True)
    graph = EqualWindows(reader, images, by_position=False)
    for chosen in (torch.tensor([3, 39, 3]), torch.tensor([0]), torch.arange(40)):
        ours, alone = graph[chosen], find_tree(reader, images[chosen], by_position=False)
        assert torch.equal(ours.numbers, alone.numbers)
        assert all(map(torch.equal, ours.tables, alone.tables))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32, torch.float64])
def test_what_is_no_number_is_found_again(dtype):
    images = torch.zeros(3, 8, 8, dtype=dtype)
    images[1:, 2, 3] = torch.nan if dtype.is_floating_point else 200
    tree = EqualWindows(SiteReader(SMALL), images, by_position=False)[torch.arange(3)]
    assert tree.numbers.dtype == dtype and tree.numbers.shape == (1, 2, 1)
    assert tree.tables[-1].tolist() == [[0, 1, 1]]


def test_readers_turn_a_table_round():
    table = np.array([[0, 2, 1, 2], [2, 4, 0, 4]])  # 4 is black
    starts, sites = readers_of(table, 5)
    read = [sorted(sites[starts[e] : starts[e + 1]]) for e in range(5)]
    assert read == [[0, 2], [2], [0, 1, 3], [], []]


MODELS = {
    "maximum": lambda network, **how: ConvNet(network, **how),
    "average": lambda network, **how: ConvNet(network, "average", **how),
    "by position": lambda network, **how: ConvAC(network, **how),
    "by position, neutral": lambda network, **how: ConvAC(
        network, representation="conv3x3", neutral_background=True, **how
    ),
    "one for all": lambda network, **how: ConvAC(network, "all", **how),
}


@pytest.mark.parametrize("name", MODELS)
def test_scores_and_gradients_are_those_of_the_whole_images(name):
    network = Architecture.for_image(16, 4, (5, 3, 4, 6), 3)
    images = (torch.rand(9, 16, 16, generator=torch.Generator().manual_seed(1)) > 0.8).double()
    images[4], images[7] = 0, images[2]
    models = [
        MODELS[name](network, seed=0, dtype=torch.float64, share_background=share)
        for share in (False, True)
    ]
    prepared = EqualWindows(models[1].reader, images, models[1].by_position)
    weights, chosen = torch.arange(21.0).double().view(7, 3), torch.tensor([8, 2, 7, 4, 2, 0, 1])
    for model, batch in zip(models, (images[chosen], prepared[chosen]), strict=True):
        (model(batch) * weights).sum().backward()
    torch.testing.assert_close(models[1](prepared[torch.arange(9)]), models[0](images))
    for ours, wanted in zip(models[1].parameters(), models[0].parameters(), strict=True):
        torch.testing.assert_close(ours.grad, wanted.grad)


def test_images_that_see_ever_new_things_are_left_as_they_are():
    images = torch.rand(20, 8, 8, generator=torch.Generator().manual_seed(0))
    model = ConvNet(SMALL, seed=0, share_background=True)
    assert model.prepare(images) is images
    black = torch.zeros(20, 8, 8)
    black[:, 2:5, 3] = 1
    assert isinstance(model.prepare(black), EqualWindows)
    assert ConvNet(SMALL, seed=0).prepare(black) is black
    assert len(model.prepare(images[:0])) == 0


def test_a_training_on_a_graph_is_one_on_images(monkeypatch):
    task = tasks.make("local")
    parts = {
        name: getattr(task, name)[:60]
        for name in ("train_inputs", "train_targets", "test_inputs", "test_targets")
    }
    small = replace(task, **parts)
    network = Architecture.for_image(64, 4, (4,) * 6, 10)
    ends = []
    for prepares in (True, False):
        if not prepares:
            monkeypatch.setattr(ConvNet, "prepare", lambda self, samples: samples)
        model = ConvNet(network, seed=0, dtype=torch.float64, share_background=True)
        result = train(model, small, epochs=2, batch_size=20, show_progress=False)
        ends.append((result, *model.parameters()))
    (ours, *numbers), (theirs, *wanted) = ends
    torch.testing.assert_close(numbers, wanted)
    assert (ours.train, ours.test) == (theirs.train, theirs.test)


def test_nodes_whose_hashes_collide_are_told_apart(monkeypatch):
    monkeypatch.setattr(equal_windows, "_slot", lambda *_: 6)
    keys, positions = np.zeros((5, 2), dtype=np.int64), np.zeros(5, dtype=np.int64)
    slots, count, found = np.zeros(8, dtype=np.int64), 0, []
    for key, position in [((1, 2), 0), ((1, 2), 1), ((1, 3), 1), ((2, 2), 1), ((1, 2), 1)]:
        node = equal_windows._node.py_func(
            np.array(key), position, keys, positions, slots, count
        )  # as Numba compiles it
        count = max(count, node)
        found.append(node)
    assert found == [1, 2, 3, 4, 2]
