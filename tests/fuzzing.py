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
from convac_lib.learning.ensembles import Ensemble
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.tasks import Task, is_registered, make
from convac_lib.learning.training import Recipe
from convac_lib.networks import tensor_network
from convac_workbench import (
    additive,
    advice,
    arrangement,
    asking,
    bonds,
    interaction,
    model_files,
    profiles,
)
from convac_workbench.data import Preparation, is_data, named_task, read, task_of
from convac_workbench.experiments import Experiment

LONGEST = 5  # seconds

LINE = Architecture.line(2, (2, 3))
WEIGHTS = decompositions.random_weights(LINE, 0)
MODEL = ConvAC(LINE, share="none", seed=0)
make("digits")  # the first call loads scikit-learn, which takes its time
PAIR = np.array([0.75, 0.25])
SPECTRUM = bonds.BondSpectrum(
    LINE, (np.tile(PAIR, (4, 1)), np.tile(PAIR, (2, 1)), np.array([[1.0]])), (), 100
)
SAMPLES = np.random.default_rng(0).random((30, 4))
ANSWERS = np.random.default_rng(1).random((5, 5, 2))
WEIGHTED = np.array([[0, 1, 0, 0.5], [1, 0, 0, 0], [0, 0, 0, 1], [0.5, 0, 1, 0]])
PREPARED = Preparation.fitted(SAMPLES, np.arange(30) % 2)[0]
REGRESSION = Preparation.fitted(SAMPLES, SAMPLES[:, 0])[0]
TWO = ConvAC(Architecture.line(2, (2, 2), 2), seed=0)
TRAINED = model_files.Trained(TWO, PREPARED)
SMALL_TASK = Task(
    "small", SAMPLES[..., None].astype(np.float32), np.arange(30) % 2,
    SAMPLES[..., None].astype(np.float32), np.arange(30) % 2, 2, "sequences", PREPARED,
)  # fmt: skip


def linear(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))


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
    Preparation.from_plain: dict(values=PREPARED.plain),
    PREPARED.apply: dict(inputs=SAMPLES),
    PREPARED.targets: dict(targets=np.arange(30) % 2),
    REGRESSION.targets: dict(targets=SAMPLES[:, 0]),
    PREPARED.answers: dict(scores=np.ones((3, 2))),
    is_data: dict(name="a.csv"),
    named_task: dict(task="digits", seed=0), make: dict(task="digits", seed=0),
    is_registered: dict(name="digits"),
    read: dict(source=[(row, 0) for row in SAMPLES], targets="", labelled=True, columns=()),
    task_of: dict(source=[(row, n % 2) for n, row in enumerate(SAMPLES)], seed=0, kind="",
                  targets="", fit="pad", missing="refuse"),
    model_files.Trained: dict(model=TWO, preparation=PREPARED),
    model_files.load: dict(path="model.pt"),
    model_files.trained_on: dict(model=TWO, task=SMALL_TASK),
    TRAINED.scores: dict(inputs=SAMPLES),
    TRAINED.probabilities: dict(inputs=SAMPLES),
    TRAINED.predict: dict(inputs=SAMPLES),
    TRAINED.evaluate: dict(inputs=SAMPLES, targets=np.arange(30) % 2),
    TRAINED.save: dict(path="model.pt"),
    asking.answers: dict(function=lambda x: x[:, 0] * x[:, 1], inputs=SAMPLES[:6],
                         partition=[True, True, False, False], reading="values"),
    asking.as_mask: dict(partition=[True, True, False, False], inputs=SAMPLES),
    asking.as_inputs: dict(inputs=SAMPLES),
    interaction.interaction: dict(
        function=lambda x: x[:, :1] * x[:, 2:], inputs=SAMPLES,
        partition=[True, True, False, False], targets=np.arange(30) % 2, reading="logits",
        n=8, seed=0,
    ),
    interaction.variances: dict(matrix=ANSWERS),
    interaction.best_sum: dict(matrix=ANSWERS),
    interaction.effective_rank: dict(matrix=ANSWERS),
    interaction.additive_part: dict(matrix=ANSWERS),
    interaction.area_under_roc: dict(margin=[3.0, 1.0, 2.0], positive=[True, False, True]),
    arrangement.arrange: dict(inputs=SAMPLES, starts=2, seed=0),
    arrangement.as_sites: dict(inputs=SAMPLES),
    arrangement.correlations: dict(features=SAMPLES[..., None]),
    arrangement.tree_cost: dict(weights=WEIGHTED, order=[0, 2, 1, 3]),
    arrangement.tree_order: dict(weights=WEIGHTED, starts=2, rng=0),
    arrangement.bisect: dict(weights=WEIGHTED, starts=2, rng=0),
    arrangement.canonical_levels: dict(n_sites=8),
    arrangement.blocks: dict(n_sites=8),
    arrangement.canonical_entropies: dict(
        overlaps=arrangement.site_overlaps(SAMPLES[:6]), order=[3, 2, 1, 0], pairing=[*range(6)]
    ),
    arrangement.site_overlaps: dict(inputs=SAMPLES, theta=0.5),
    additive.Additive: dict(f=linear(0), g=linear(1), mask=[True, True, False, False],
                            filler=np.zeros(4)),
    additive.additive_control: dict(
        build=linear, task=SMALL_TASK, partition=[[True], [True], [False], [False]], seeds=1,
        device="cpu", epochs=1,
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
    except OSError as error:  # a file that is not there, or cannot be written
        return ("refusal" if error.filename else "unnamed"), str(error)
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
        known = signature(function).parameters
        assert set(arguments) <= {*known, *(["epochs"] if "changes" in known else [])}, function
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
