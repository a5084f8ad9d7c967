import gzip
import hashlib
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from convac_lib.learning import tasks
from convac_lib.learning.tasks import mnist, photos
from convac_lib.learning.tasks.digits import place, resize
from convac_lib.learning.tasks.regression import global_target, local_target, paired_target

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(
    not SHARED.is_dir(), reason="no MNIST in ../shared/data/mnist beside the project"
)


# --- digits ---------------------------------------------------------------------------


def test_digits_are_split_by_the_seed_and_none_is_lost():
    from sklearn.datasets import load_digits

    task = tasks.make("digits", seed=3)
    together = np.concatenate([task.train_inputs, task.test_inputs]).reshape(-1, 64) * 16
    everything = load_digits().images.reshape(-1, 64)
    assert sorted(map(bytes, together.astype(np.uint8))) == sorted(
        map(bytes, everything.astype(np.uint8))
    )
    again, other = tasks.make("digits", seed=3), tasks.make("digits", seed=4)
    assert np.array_equal(task.test_targets, again.test_targets)
    assert not np.array_equal(task.test_targets, other.test_targets)


def test_resizing_averages_areas():
    images = np.random.default_rng(0).random((2, 6, 6))
    thirds = images.reshape(2, 2, 3, 2, 3).mean((2, 4))
    np.testing.assert_allclose(resize(images, 2), thirds, rtol=1e-5)
    np.testing.assert_allclose(resize(images, 12), images.repeat(2, 1).repeat(2, 2), rtol=1e-5)
    # 3 -> 2: the first new pixel is the first old one and half of the second.
    np.testing.assert_allclose(resize(np.diag([3.0, 6, 9])[None], 2)[0, 0, 0], (3 + 6 / 4) / 2.25)
    np.testing.assert_allclose(resize(images, 4).mean(), images.mean(), rtol=1e-5)


def test_placing_keeps_the_digit_and_reaches_every_corner():
    images = np.arange(1, 5, dtype=np.uint8).reshape(1, 2, 2).repeat(400, 0)
    placed = place(images, 4, np.random.default_rng(0))
    corners = set()
    for image in placed:
        rows, columns = image.nonzero()
        assert image[rows.min() :, columns.min() :][:2, :2].tolist() == [[1, 2], [3, 4]]
        assert image.sum() == 10
        corners.add((rows.min(), columns.min()))
    assert corners == {(r, c) for r in range(3) for c in range(3)}


@pytest.mark.parametrize("name, size", [("local", 8), ("global", 32)])
def test_the_papers_tasks(name, size):
    task = tasks.make(name, seed=1, n_train=1500, n_test=30)
    assert task.train_inputs.shape == (1500, 64, 64) and task.test_inputs.shape == (30, 64, 64)
    assert task.train_inputs.dtype == np.uint8 and set(np.unique(task.train_inputs)) == {0, 1}
    for image in task.train_inputs[:200]:
        rows, columns = image.nonzero()
        assert rows.max() - rows.min() < size and columns.max() - columns.min() < size
    # 1,500 images of 1,397 digits: each at least once, none more than twice.
    again = tasks.make(name, seed=1, n_train=1500, n_test=30)
    assert np.array_equal(task.train_inputs, again.train_inputs)
    assert np.bincount(task.train_targets).sum() == 1500 and task.n_classes == 10
    other = tasks.make(name, seed=2, n_train=1500, n_test=30)
    assert not np.array_equal(task.train_inputs, other.train_inputs)


def test_training_and_test_images_are_of_different_digits():
    """No 8 x 8 picture of the training part of `digits` is found in the test part."""
    task = tasks.make("digits", seed=0)
    train = {image.tobytes() for image in task.train_inputs}
    assert sum(image.tobytes() in train for image in task.test_inputs) <= 2


def test_the_controls_fill_the_image():
    filling, tiled = tasks.make("filling"), tasks.make("tiled")
    assert filling.train_inputs.shape == tiled.train_inputs.shape == (1397, 16, 16)
    tile = tiled.train_inputs[:, :4, :4]
    assert (tiled.train_inputs == np.tile(tile, (1, 4, 4))).all()
    np.testing.assert_allclose(resize(filling.train_inputs, 4), tile, rtol=1e-5, atol=1e-6)


def test_a_validation_set_is_cut_from_the_training_set():
    task = tasks.make("digits")
    held = task.hold_out(97)
    assert len(held.train_inputs) == 1300 and len(held.test_inputs) == 97
    assert np.array_equal(held.test_inputs, task.train_inputs[-97:])
    with pytest.raises(ValueError, match="n_samples must be an integer from 1 to 1396, got 1397"):
        task.hold_out(1397)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("cats", {}, "task must be one of 'digits'"),
        ("digits", {"source": "mnist"}, "option of task 'digits' must be one of 'seed', 'side'"),
        ("local", {"source": "svhn"}, "source must be one of 'digits', 'mnist'"),
        ("local", {"side": 7}, "side must be an integer of at least 8, got 7"),
        ("local", {"n_train": 0}, "n_train must be"),
        ("tiled", {"side": 15}, "side must be a multiple of tile = 4, got 15"),
        ("pairs", {"mix": 1.5}, "mix must be a number from 0"),
        ("pairs", {"distance": 3}, "distance must be one of 1, 2, 4, got 3"),
    ],
)
def test_bad_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        tasks.make(name, **options)


# --- photographs ----------------------------------------------------------------------


def test_photos_are_balanced_seeded_and_without_brightness_or_contrast():
    task = tasks.make("photos", seed=2, side=16, n_train=60, n_test=20)
    assert task.train_inputs.shape == (60, 16, 16) and task.n_classes == 2
    assert task.train_inputs.dtype == np.float32
    assert np.bincount(task.train_targets).tolist() == [30, 30]
    assert task.train_inputs.min() >= 0 and task.train_inputs.max() <= 1
    np.testing.assert_allclose(task.train_inputs.mean((1, 2)), 0.5, atol=0.05)
    assert (task.train_inputs.std((1, 2)) <= 0.2 + 1e-5).all()
    assert np.median(task.train_inputs.std((1, 2))) > 0.18
    again, other = (tasks.make("photos", seed=s, side=16, n_train=60, n_test=20) for s in (2, 3))
    assert np.array_equal(task.train_inputs, again.train_inputs)
    assert not np.array_equal(task.train_inputs, other.train_inputs)


def test_no_pixel_of_a_photo_is_both_trained_and_tested_on(monkeypatch):
    """Pictures whose grey values say in which column they are."""
    import sklearn.datasets

    columns = np.broadcast_to(np.arange(40.0)[None, :, None], (30, 40, 3))
    images = type("Images", (), {"images": [columns, columns]})
    monkeypatch.setattr(sklearn.datasets, "load_sample_images", lambda: images)
    seen, cut = [], photos._cut

    def spy(image, *how):
        seen.append(set(np.round(image * 255).astype(int).ravel().tolist()))
        return cut(image, *how)

    monkeypatch.setattr(photos, "_cut", spy)
    tasks.make("photos", side=4, n_train=4, n_test=4)
    assert seen == [set(range(28))] * 2 + [set(range(28, 40))] * 2


@pytest.mark.parametrize("side", [1, 129, 8.5, "8"])
def test_photos_refuse_sides_that_do_not_fit(side):
    with pytest.raises(ValueError, match="side"):
        tasks.make("photos", side=side)


# --- the regression -------------------------------------------------------------------


def test_pairs_by_hand():
    signs = np.ones((1, 8, 4), dtype=np.int8)
    signs[0, 1, 0] = -1  # spoils one of the sixteen local products
    signs[0, 6, 2] = -1  # and another one, and one of the four global products
    assert local_target(signs) == pytest.approx((14 - 2) / 4)
    assert global_target(signs) == pytest.approx((3 - 1) / 2)


def test_pairs_have_variance_one_whatever_the_mix():
    for mix in (0.0, 0.3, 1.0):
        target = tasks.make("pairs", mix=mix, seed=1).train_targets
        assert target.mean() == pytest.approx(0, abs=0.04)
        assert target.var() == pytest.approx(1, abs=0.05)


def test_the_global_target_has_four_equal_schmidt_values_across_the_middle():
    """So a bond that passes k of them explains k quarters: counted on all inputs."""
    # Only the eight numbers in the target matter; list all 2^4 x 2^4 values of theirs.
    values = np.array(np.meshgrid(*[[-1, 1]] * 4, indexing="ij")).reshape(4, -1)
    matrix = values.T @ values / 2 / 16  # left numbers x right numbers, normalised
    singular = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(singular[:4] ** 2, 0.25, rtol=1e-9)
    np.testing.assert_allclose(singular[4:], 0, atol=1e-9)
    signs = np.ones((256, 8, 4), dtype=np.int8)
    for i in range(4):
        signs[:, i, i] = np.repeat(values[i], 16)
        signs[:, 4 + i, i] = np.tile(values[i], 16)
    np.testing.assert_allclose(global_target(signs).reshape(16, 16) / 16, matrix)


# --- MNIST on disk --------------------------------------------------------------------


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """Stand-ins for the four files, with their own checksums; returns their folder."""
    rng, checksums = np.random.default_rng(0), {}
    folder = tmp_path / "data"
    folder.mkdir()
    for name in mnist.CHECKSUMS:
        shape = (7, 28, 28) if "images" in name else (7,)
        header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
        contents = header + rng.integers(0, 10, shape, dtype=np.uint8).tobytes()
        (folder / name).write_bytes(gzip.compress(contents))
        checksums[name] = (
            hashlib.md5(contents).hexdigest(),
            hashlib.sha256(contents).hexdigest(),
        )
    monkeypatch.setattr(mnist, "CHECKSUMS", checksums)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setenv("CONVAC_DATA", str(folder))
    return folder


def test_files_are_read(small_mnist):
    (images, labels), (_, test_labels) = mnist.read_mnist()
    assert images.shape == (7, 28, 28) and labels.shape == test_labels.shape == (7,)
    assert images.dtype == labels.dtype == np.uint8


def damage(contents):
    return contents[:200] + bytes([contents[200] ^ 1]) + contents[201:]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda c: c[: len(c) // 2], "does not unpack"),
        (lambda c: b"", "is not the known file|does not unpack"),
        (damage, "does not unpack|is not the known file"),
        (lambda c: b"<html>not found</html>", "does not unpack"),
        (lambda c: gzip.compress(gzip.decompress(c) + b"x"), "is not the known file"),
    ],
    ids=["truncated", "empty", "damaged", "a web page", "longer"],
)
def test_a_spoiled_file_is_refused_by_name_and_left_in_place(small_mnist, spoil, message):
    path = small_mnist / "train-images-idx3-ubyte.gz"
    spoiled = spoil(path.read_bytes())
    path.write_bytes(spoiled)
    with pytest.raises(ValueError, match=rf"train-images-idx3-ubyte.gz ({message})"):
        mnist.read_mnist()
    assert path.read_bytes() == spoiled


def test_swapped_files_are_refused_by_name(small_mnist):
    path = small_mnist / "train-labels-idx1-ubyte.gz"
    path.write_bytes((small_mnist / "t10k-labels-idx1-ubyte.gz").read_bytes())
    with pytest.raises(ValueError, match=r"train-labels\S+ holds t10k-labels-idx1-ubyte.gz"):
        mnist.read_mnist()


@pytest.fixture
def mirrors(small_mnist, tmp_path):
    """Three mirrors on this machine: one without files, one with spoiled ones, a good one."""
    for name in ("empty", "spoiled", "good"):
        (tmp_path / name).mkdir()
    for path in small_mnist.iterdir():
        (tmp_path / "good" / path.name).write_bytes(path.read_bytes())
        (tmp_path / "spoiled" / path.name).write_bytes(path.read_bytes()[:-9])

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield {name: f"{address}/{name}/" for name in ("empty", "spoiled", "good")}
    server.shutdown()
    server.server_close()


def test_a_missing_file_comes_from_the_first_mirror_that_gives_the_right_bytes(
    small_mnist, mirrors, monkeypatch
):
    monkeypatch.setattr(mnist, "MIRRORS", tuple(mirrors.values()))
    path = small_mnist / "t10k-images-idx3-ubyte.gz"
    good = path.read_bytes()
    path.unlink()
    mnist.read_mnist()
    assert path.read_bytes() == good
    assert sorted(p.name for p in small_mnist.iterdir()) == sorted(mnist.CHECKSUMS)


def test_no_mirror_leaves_nothing_behind(small_mnist, mirrors, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", (mirrors["empty"], mirrors["spoiled"]))
    path = small_mnist / "t10k-images-idx3-ubyte.gz"
    path.unlink()
    with pytest.raises(OSError, match=r"t10k-images-idx3-ubyte.gz is not in .* no mirror gave it"):
        mnist.read_mnist()
    assert len(list(small_mnist.iterdir())) == 3


def test_mirrors_are_several_and_safe():
    assert len(mnist.MIRRORS) >= 2
    assert all(mirror.startswith("https://") for mirror in mnist.MIRRORS)


@needs_mnist
def test_the_real_mnist(monkeypatch):
    monkeypatch.setenv("CONVAC_DATA", str(SHARED))
    (images, labels), (test_images, test_labels) = mnist.read_mnist()
    assert images.shape == (60_000, 28, 28) and test_images.shape == (10_000, 28, 28)
    assert np.bincount(labels)[[0, 9]].tolist() == [5923, 5949]
    assert test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    task = tasks.make("local", source="mnist", n_train=2000, n_test=100)
    assert len(task.train_inputs) == 2000 and set(np.unique(task.test_inputs)) == {0, 1}


@pytest.mark.parametrize("distance, ranks", [(1, (5, 2, 2)), (2, (3, 5, 2)), (4, (2, 3, 4))])
def test_pairs_at_a_distance_have_the_ranks_that_the_distance_says(distance, ranks):
    """Of the function itself: the table over a block's products and the rest's."""
    task = tasks.make("pairs", distance=distance, n_train=3000, n_test=1)
    assert abs(task.train_targets.mean()) < 0.1 and abs(task.train_targets.var() - 1) < 0.15
    rng = np.random.default_rng(0)
    one, other = rng.choice([-1, 1], (2, 60, 8, 4))
    for level, rank in enumerate(ranks):
        sites = np.arange(8) < 2**level
        mixed = np.where(sites[:, None], one[:, None], other[None])
        table = paired_target(mixed.reshape(-1, 8, 4), distance).reshape(60, 60)
        assert np.linalg.matrix_rank(table, tol=1e-3) == rank


def test_distance_one_and_four_are_the_local_and_the_global_target():
    near, far = tasks.make("pairs", mix=0.0), tasks.make("pairs", mix=1.0)
    for distance, other in ((1, near), (4, far)):
        task = tasks.make("pairs", distance=distance)
        assert np.array_equal(task.train_inputs, other.train_inputs)
        assert np.array_equal(task.train_targets, other.train_targets)
