"""Wrong arguments for every public function: only errors that name the argument may come out.

A call that is known to be right is made again and again with one argument replaced by a value
of another type or size. Then either an answer comes, or a ValueError or TypeError that says
the name of the argument (or of a part of it), in a time that nobody notices.
"""

import random
import re
import signal
from collections import Counter
from contextlib import contextmanager
from fractions import Fraction
from inspect import signature

import numpy as np
import torch

from convac_lib import (
    Architecture,
    cuts,
    decompositions,
    modular,
    partitions,
    ranks,
    spectra,
    states,
)
from convac_lib.learning import advice, bonds, profiles
from convac_lib.learning.data import Preparation
from convac_lib.learning.ensembles import Ensemble
from convac_lib.learning.experiments import Experiment
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.training import Recipe
from convac_lib.networks import tensor_network

LONGEST = 5  # seconds

LINE = Architecture.line(2, (2, 3))
WEIGHTS = decompositions.random_weights(LINE, 0)
MODEL = ConvAC(LINE, share="none", seed=0)
PAIR = np.array([0.75, 0.25])
SPECTRUM = bonds.BondSpectrum(
    LINE, (np.tile(PAIR, (4, 1)), np.tile(PAIR, (2, 1)), np.array([[1.0]])), (), 100
)

CALLS = {
    Architecture: dict(n_sites=4, window=2, local_dim=2, channels=(2, 3), n_outputs=1),
    Architecture.for_image: dict(side=4, local_dim=2, channels=(2, 3), n_outputs=1),
    Architecture.line: dict(local_dim=2, channels=(2, 3), n_outputs=1),
    Architecture.shallow: dict(n_sites=4, local_dim=2, channels=3, n_outputs=1),
    Architecture.wide_base: dict(r=2, local_dim=3, n_outputs=2),
    LINE.locations: dict(layer=0),
    LINE.weight_shapes: dict(share="none"),
    LINE.parameter_count: dict(share="none"),
    LINE.with_channels: dict(channels=(2, 2)),
    partitions.as_partition: dict(partition="ABAB", n_sites=4),
    partitions.as_word: dict(partition="ABAB"),
    partitions.from_sites: dict(n_sites=4, sites=[0, 2]),
    partitions.prefix: dict(n_sites=4, length=2),
    partitions.left_right: dict(n_sites=4),
    partitions.interleaved: dict(n_sites=4),
    partitions.blocks: dict(n_sites=4, length=2, offset=0),
    partitions.checkerboard: dict(side=4),
    partitions.halves: dict(side=4, axis="left-right"),
    partitions.image_blocks: dict(side=4, length=2, offset=(0, 0)),
    partitions.random_balanced: dict(n_sites=4, seed=0),
    partitions.morton_order: dict(side=4),
    partitions.to_sites: dict(images=np.zeros((2, 2))),
    partitions.to_image: dict(sites=np.zeros(4)),
    states.product_state: dict(vectors=[[1, 2], [3, 4]], normalize=True),
    states.normalized: dict(state=[3, 4]),
    states.inner_product: dict(phi=[1, 2], psi=[3, 4]),
    states.matricization: dict(tensor=np.eye(2), partition="AB"),
    states.schmidt_values: dict(tensor=np.eye(2), partition="AB"),
    states.schmidt_number: dict(tensor=np.eye(2), partition="AB", tolerance=None),
    states.entanglement_entropy: dict(tensor=np.eye(2), partition="AB", base=None),
    states.geometric_measure: dict(tensor=np.eye(2), partition="AB"),
    states.entropy_of_schmidt_values: dict(values=[1, 2], base=None),
    states.geometric_measure_of_schmidt_values: dict(values=[1, 2]),
    decompositions.random_weights: dict(
        architecture=LINE, seed=0, share="none", integers=None, dtype=float
    ),
    decompositions.coefficients_tensor: dict(architecture=LINE, weights=WEIGHTS),
    decompositions.scores: dict(architecture=LINE, weights=WEIGHTS, features=np.ones((4, 2))),
    decompositions.log_scores: dict(architecture=LINE, weights=WEIGHTS, features=np.ones((4, 2))),
    tensor_network: dict(architecture=LINE),
    cuts.min_cut: dict(architecture=LINE, partition="ABAB"),
    cuts.min_cut_weight: dict(architecture=LINE, partition="ABAB"),
    cuts.min_cut_weights: dict(architecture=LINE, partitions=["ABAB", "AABB"]),
    cuts.block_cuts: dict(architecture=LINE),
    cuts.theorem2_bound: dict(architecture=LINE, partition="ABAB"),
    modular.rank: dict(matrix=[[1, 2], [3, 4]], prime=7),
    modular.large_prime: dict(index=0),
    ranks.certify_rank: dict(architecture=LINE, partition="ABAB", seed=0, prime=None, share="none"),
    spectra.schmidt_spectrum: dict(
        architecture=LINE, weights=WEIGHTS, partition="ABAB", output=0
    ),
    profiles.uniform_profile: dict(
        n_sites=4, window=2, local_dim=2, n_outputs=1, budget=60, share="none"
    ),
    profiles.graded_profile: dict(
        kind="wide-base", n_sites=4, window=2, local_dim=2, n_outputs=1, budget=60, share="none"
    ),
    profiles.level_names: dict(architecture=LINE),
    advice.suggest_profile: dict(
        spectrum=SPECTRUM, budget=60, share="none", learned=None, floor=None, tie=0.01
    ),
    bonds.bond_spectrum: dict(model=MODEL, inputs=np.random.default_rng(0).random((9, 4))),
    ConvAC: dict(
        architecture=LINE, share="none", representation="affine-relu", site_size=1, head=None,
        init="averaging", seed=0, rescale=True, noise=0.3, share_background=False,
        neutral_background=False, dtype=torch.float32,
    ),
    ConvNet: dict(
        architecture=LINE, pooling="max", representation="affine-relu", site_size=1, init="he",
        seed=0, share_background=False, dtype=torch.float32,
    ),
    MODEL.forward: dict(x=np.ones((2, 4), np.float32)),
    MODEL.log_scores: dict(x=np.ones((2, 4), np.float32)),
    MODEL.load_weights: dict(weights=WEIGHTS),
    Recipe: dict(epochs=1, batch_size=2, learning_rate=0.1, optimizer="adam", weight_decay=0.0,
                 clip=1.0, seed=0),
    Experiment: dict(task="digits", task_seed=0, task_options={}, hold_out=0, model="convac",
                     model_options={}, design="", r=0, channels=(2, 2, 2), local_dim=2, seed=0,
                     epochs=1),
    Ensemble: dict(models=[MODEL]),
    Preparation.fitted: dict(
        inputs=np.random.default_rng(0).random((6, 4)), targets=np.arange(6) % 2, kind="",
        fit="pad", table=False,
    ),
}  # fmt: skip


class Hostile:
    """Says nothing about itself."""

    def __repr__(self):
        raise RuntimeError("no")


VALUES = [
    None, True, False, 0, 1, -1, 2, 3, 7, 2**31, 2**63, 10**15, 10**30, -(10**30),
    0.0, 0.5, 2.0, -0.5, 1e308, float("nan"), float("inf"), 1j, Fraction(1, 3),
    "", "A", "ABAB", "none", "é", "x" * 1000, b"AB", (), [], {}, set(), [None], [[]], ["a"],
    [1, [2, 3]], [1, 2], (2, 3), (2.0, 3), [0, 10**30], [True, False, True, False], range(4),
    np.int64(2), np.uint8(2), np.float32(2), np.array(2), np.array(2.5), np.zeros(0),
    np.zeros((2, 2)), np.zeros((2, 2, 2), int), np.full(4, np.nan), np.full((2, 2), 1e308),
    np.array([1, "a"], dtype=object), np.array(["a", "b"]), np.array([1 + 1j, 2]),
    np.ma.masked_array([1.0, 2, 3, 4], [0, 1, 0, 0]), np.array([np.datetime64("2020-01-01")]),
    torch.tensor(2), torch.tensor(2.5), torch.ones(4, requires_grad=True), torch.zeros(2, 2),
    torch.tensor([1, 0, 1, 0]), torch.empty(0), object(), Hostile(), int, len, LINE, MODEL, WEIGHTS,
    {"a": 1}, iter([1, 2]), (n for n in (1, 2)), slice(3), Ellipsis, NotImplemented, torch.float16,
]  # fmt: skip


class Hang(BaseException):
    pass


@contextmanager
def in_time(seconds):
    def ring(*_):
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(function, arguments, replaced):
    """Return (kind, what was said): an answer, a refusal, or one of what must not be."""
    try:
        with in_time(LONGEST):
            function(**arguments)
    except Hang:
        return "hang", ""
    except (ValueError, TypeError) as error:
        text = str(error).lower()
        # Two arguments may not fit together: then it may name the other one.
        named = any(re.search(rf"\b{name}\b", text) for name in arguments)
        return ("refusal" if named else "unnamed"), str(error)
    except Exception as error:
        return "other exception", f"{type(error).__name__}: {error}"
    return "answer", ""


def trials(seed, share):
    """Yield (function, argument, value, kind, text) for a share of all single replacements."""
    rng = random.Random(seed)
    for function, arguments in CALLS.items():
        assert set(arguments) <= set(signature(function).parameters), function
        for name in arguments:
            for value in VALUES:
                if rng.random() < share:
                    kind, text = outcome(function, {**arguments, name: value}, name)
                    yield function, name, value, kind, text


def count(found):
    """Return how many of each kind, and in words those that must not be."""
    counts, bad = Counter(), []
    for function, name, value, kind, text in found:
        counts[kind] += 1
        if kind not in ("answer", "refusal"):
            shown = f"a {type(value).__name__}" if isinstance(value, Hostile) else repr(value)
            called = getattr(function, "__qualname__", function)
            bad.append(f"{kind}: {called}({name}={shown[:60]}): {text[:150]}")
    return counts, bad
