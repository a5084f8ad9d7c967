"""Arrays of numbers: what is exact, what fits, how sizes are said."""

import pytest

from convac_book import famous_states
from convac_lib import _arrays
from convac_lib._validation import shown


def test_the_limit_is_a_quarter_of_the_memory(monkeypatch):
    monkeypatch.setattr(_arrays, "machine_memory", lambda: 4096)
    assert famous_states.random_state(7).nbytes == 1024
    with pytest.raises(ValueError, match=r"tensor of 2.0 KiB, and at most 1.0 KiB"):
        famous_states.random_state(8)
    with pytest.raises(ValueError, match="65 axes"):
        famous_states.random_state(65, local_dim=1)


def test_sizes_in_human_units():
    sizes = [0, 1023, 1024, 1536, 1024**2 - 1, 2**20, 5 * 2**40, 2**89, 2**90, 10**100]
    assert [_arrays.human_size(size) for size in sizes] == [
        "0 bytes",
        "1023 bytes",
        "1.0 KiB",
        "1.5 KiB",
        "1024.0 KiB",
        "1.0 MiB",
        "5.0 TiB",
        "512.0 YiB",
        "10^27 bytes",
        "10^100 bytes",
    ]


def test_memory_of_the_machine_is_plausible():
    assert 2**27 < _arrays.machine_memory() < 2**50


def test_what_is_no_array_is_named_with_what_came():
    with pytest.raises(ValueError, match="x must be an array or lists of numbers of equal"):
        _arrays.as_array("x", [[1, 2], [3]])
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got -1"):
        _arrays.as_generator("seed", -1)


def test_memory_where_the_system_does_not_say(monkeypatch):
    monkeypatch.delattr("os.sysconf")
    monkeypatch.setattr(_arrays, "CONTAINER_LIMITS", ())
    assert _arrays.machine_memory.__wrapped__() == 8 * 2**30


def test_what_cannot_be_shown_is_named_by_its_kind():
    class Unshowable:
        def __repr__(self):
            raise RuntimeError

    assert shown(Unshowable()) == "a Unshowable"
    assert len(shown("x" * 500)) == 80
