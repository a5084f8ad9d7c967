"""The architecture: its shapes and counts by hand, its refusals, and life without torch."""

import json
import subprocess
import sys
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture
from convac_lib.architecture import SHARING

CORE = [
    "architecture",
    "partitions",
    "states",
    "decompositions",
    "networks",
    "cuts",
    "modular",
    "folding",
    "ranks",
    "spectra",
]


@st.composite
def architectures(draw):
    window = draw(st.integers(2, 5))
    channels = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    return Architecture(
        window ** len(channels),
        window,
        draw(st.integers(1, 5)),
        channels,
        draw(st.integers(1, 4)),
    )


# --- what follows from the numbers ----------------------------------------------------


def test_a_line_of_eight_by_hand():
    """Layer 0 has 8 matrices 3x2, layer 1 has 4 of 4x3, layer 2 has 2 of 5x4, the top 6x5."""
    line = Architecture(8, 2, 2, (3, 4, 5), n_outputs=6)
    assert line.depth == 3 and line.widths == (2, 3, 4, 5)
    assert [line.locations(layer) for layer in range(3)] == [8, 4, 2]
    assert line.weight_shapes() == [(8, 3, 2), (4, 4, 3), (2, 5, 4), (6, 5)]
    assert line.parameter_count() == 48 + 48 + 40 + 30
    shared = [(2, 3, 2), (2, 4, 3), (2, 5, 4), (6, 5)]
    assert line.weight_shapes("window-position") == shared
    assert line.parameter_count("all") == 6 + 12 + 20 + 30


@pytest.mark.parametrize("r", [6, 8, 10, 12, 16, 20, 24, 30])
def test_the_papers_two_networks_have_equally_many_parameters(r):
    """Section 8: 31 r² + 50 r, the 3x3 layer left out."""
    base, tip = Architecture.wide_base(r), Architecture.wide_tip(r)
    assert base.widths == (10, 4 * r, 4 * r, 2 * r, 2 * r, r, r) and base.n_outputs == 10
    assert tip.widths == (10, r, r, 2 * r, 2 * r, 4 * r, 4 * r) and tip.n_outputs == 10
    assert base.n_sites == tip.n_sites == 64 * 64
    assert base.parameter_count("all") == tip.parameter_count("all") == 31 * r**2 + 50 * r


@settings(max_examples=60, deadline=None)
@given(architectures(), st.sampled_from(SHARING))
def test_shapes_and_counts_for_every_sharing(architecture, share):
    *hidden, dense = architecture.weight_shapes(share)
    assert len(hidden) == architecture.depth
    assert dense == (architecture.n_outputs, architecture.channels[-1])
    for layer, (matrices, outgoing, incoming) in enumerate(hidden):
        locations = architecture.n_sites // architecture.window**layer
        assert architecture.locations(layer) == locations
        window = architecture.window
        expected = {"none": locations, "window-position": window, "all": 1}[share]
        assert matrices == expected and locations % matrices == 0
        assert outgoing == architecture.channels[layer]
        assert incoming == (architecture.channels[layer - 1] if layer else architecture.local_dim)
    counted = sum(prod(shape) for shape in [*hidden, dense])
    assert architecture.parameter_count(share) == counted


# --- named shapes ---------------------------------------------------------------------


def test_named_constructors():
    assert Architecture.line(3, [4, 5], n_outputs=2) == Architecture(4, 2, 3, (4, 5), 2)
    assert Architecture.for_image(8, 3, (4, 5, 6)) == Architecture(64, 4, 3, (4, 5, 6))
    assert Architecture.shallow(10, 3, 7, n_outputs=2) == Architecture(10, 10, 3, (7,), 2)
    assert Architecture.line(3, (4, 5)).with_channels([6, 7]) == Architecture.line(3, (6, 7))


def test_an_architecture_is_a_value():
    line = Architecture.line(2, [3, 4])
    assert hash(line) == hash(Architecture.line(2, (3, 4)))
    with pytest.raises(AttributeError):
        line.local_dim = 5


def test_numpy_integers_become_pythons_and_products_do_not_overflow():
    channels = np.array([2**40, 2**40])
    line = Architecture(np.int64(4), np.int32(2), np.int64(2**40), channels, np.int64(1))
    numbers = [line.n_sites, line.window, line.local_dim, line.n_outputs, *line.channels]
    assert all(type(number) is int for number in numbers)
    assert line.parameter_count() == 4 * 2**80 + 2 * 2**80 + 2**40
    assert line.local_dim**line.n_sites == 2**160


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Architecture(6, 2, 2, (3, 3)),
            "n_sites must be a power of 2 .*4 or 8.* got 6",
        ),
        (lambda: Architecture(1, 2, 2, ()), "n_sites must be an integer of at least 2, got 1"),
        (lambda: Architecture(4.0, 2, 2, (3, 3)), "n_sites must be an integer .* got 4.0"),
        (lambda: Architecture(True, 2, 2, (3,)), "n_sites must be an integer"),
        (
            lambda: Architecture(4, 1, 2, (3, 3)),
            "window must be an integer of at least 2, got 1",
        ),
        (lambda: Architecture(4, 2, 0, (3, 3)), "local_dim must be an integer of at least 1"),
        (
            lambda: Architecture(4, 2, 2, (3, 3), 0),
            "n_outputs must be an integer of at least 1",
        ),
        (lambda: Architecture(4, 2, 2, (3, 0)), r"channels\[1\] must be .* at least 1, got 0"),
        (
            lambda: Architecture(4, 2, 2, (3, 2.5)),
            r"channels\[1\] must be an integer .* got 2.5",
        ),
        (lambda: Architecture(4, 2, 2, "34"), r"channels must be a list, got '34'"),
        (lambda: Architecture(4, 2, 2, 3), "channels must be a"),
        (lambda: Architecture(4, 2, 2, (3,)), "channels must have one width for each of the 2"),
        (lambda: Architecture(4, 2, 2, (3,) * 3), r"windows of 2, got 3: \(3, 3, 3\)"),
        (lambda: Architecture.line(2, 5), "channels must be a"),
        (lambda: Architecture.line(2, ()), "channels must be a"),
        (lambda: Architecture.for_image(6, 2, (3, 3)), "side must be a power of 2"),
        (lambda: Architecture.wide_base(0), "r must be an integer of at least 1"),
        (
            lambda: Architecture.line(2, (3,)).with_channels((3, 4)),
            "channels must have one width",
        ),
        (
            lambda: Architecture.line(2, (3,)).locations(1),
            "layer must be .* from 0 to 0, got 1",
        ),
        (
            lambda: Architecture.line(2, (3,)).weight_shapes("some"),
            "share must be one of 'none'",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- without torch --------------------------------------------------------------------


def test_the_exact_core_imports_where_torch_is_not_installed():
    program = f"""
import importlib, importlib.util, json, sys
sys.modules["torch"] = None  # any import of torch now raises ImportError
present = [name for name in {CORE!r} if importlib.util.find_spec("convac_lib." + name)]
for name in present:
    importlib.import_module("convac_lib." + name)
from convac_lib import Architecture
from convac_lib.decompositions import random_weights, scores
line = Architecture.line(2, (3, 4))
assert scores(line, random_weights(line, 0), [[1, 0]] * 4).shape == (1,)
print(json.dumps(present))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert set(CORE[:6]) <= set(json.loads(done.stdout))
