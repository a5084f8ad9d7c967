"""Files are what was written, to the last bit, or refused by name."""

import random

import pytest
import torch

from convac_lib.learning.safe_files import read_sealed, write_sealed

CONTENTS = {"weights": torch.arange(300.0), "steps": 12, "names": ["a", "b"]}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "made" / "state.pt"
    write_sealed(file, "checkpoint", CONTENTS)
    return file


def test_what_was_written_comes_back(path):
    found = read_sealed(path, "checkpoint")
    assert torch.equal(found.pop("weights"), CONTENTS["weights"])
    assert found == {"steps": 12, "names": ["a", "b"]}
    assert torch.load(path)["steps"] == 12  # it is a file of torch's, too
    assert [file.name for file in path.parent.iterdir()] == ["state.pt"]


def test_every_bit_counts(path):
    """A sample; `python tools/trials.py flips` tries a thousand in a checkpoint."""
    whole = path.read_bytes()
    rng = random.Random(0)
    bits = [*range(8 * 100), *(rng.randrange(8 * len(whole)) for _ in range(100))]
    for bit in bits:
        spoiled = bytearray(whole)
        spoiled[bit // 8] ^= 1 << bit % 8
        path.write_bytes(spoiled)
        with pytest.raises(ValueError, match=r"state.pt is .* left as it is"):
            read_sealed(path, "checkpoint")
        assert path.read_bytes() == spoiled


def test_a_file_of_another_kind_is_named(path):
    with pytest.raises(ValueError, match="is no model but a checkpoint"):
        read_sealed(path, "model")


def test_what_cannot_be_written_names_the_file(path, monkeypatch):
    (path.parent / "folder").mkdir()
    with pytest.raises(OSError) as caught:
        write_sealed(path.parent / "folder", "checkpoint", {})
    assert caught.value.filename.endswith("folder")

    def full(*_):
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_sealed(path, "checkpoint", {})
    assert caught.value.filename == str(path) and path.read_bytes() == before
