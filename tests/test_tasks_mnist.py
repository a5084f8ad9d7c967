"""MNIST on disk: read, fetched from mirrors on this machine, refused by name."""

import gzip
import hashlib
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from convac_lib.learning import tasks
from convac_lib.learning.tasks import mnist

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"
needs_mnist = pytest.mark.skipif(
    not SHARED.is_dir(), reason="no MNIST in ../shared/data/mnist beside the project"
)


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
        (folder / f"{name}.gz").write_bytes(gzip.compress(contents))
        checksums[name] = hashlib.sha256(contents).hexdigest()
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
    assert sorted(p.name for p in small_mnist.iterdir()) == sorted(
        f"{name}.gz" for name in mnist.CHECKSUMS
    )


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


def test_the_folder_is_the_platforms_cache_unless_named(monkeypatch):
    monkeypatch.delenv("CONVAC_DATA", raising=False)
    assert mnist.data_folder().parts[-2:] == ("convac", "mnist")
    monkeypatch.setenv("CONVAC_DATA", "~/images")
    assert mnist.data_folder() == Path.home() / "images"
