"""`convac doctor`: which versions there are, and is all well."""

import platform
import time
from collections.abc import Callable
from importlib import metadata

import typer

from .arguments import Device, echo, one_sentence_errors, say

PACKAGES = (
    *("numpy", "scipy", "networkx", "python-flint", "torch", "scikit-learn"),
    *("pooch", "joblib", "tqdm", "dask", "distributed"),
)


def doctor(device: Device = "auto") -> None:
    """Say which versions and which device there are, and test that all fits together.

    The test takes about five seconds: exact ranks, a model against its tensor,
    and a short training.
    """
    echo(f"python        {platform.python_version()} on {platform.platform()}")
    echo(f"convac        {metadata.version('convac-lib')}")
    for package in PACKAGES:
        echo(f"{package:13} {_version(package)}")
    tests: dict[str, Callable[[], str]] = {"exact core": _test_exact_core}
    with one_sentence_errors("doctor"):
        if _version("torch") == "not installed":
            echo("training      not tested: pip install 'convac-lib[train]'")
        else:
            from convac_lib.learning.training import device_name, pick_device

            chosen = pick_device(device)
            echo(f"device        {device_name(chosen)}")
            tests["a model is its tensor"] = lambda: _test_model(str(chosen))
            tests["training"] = lambda: _test_training(str(chosen))
    if not all([_passes(name, test) for name, test in tests.items()]):
        raise typer.Exit(1)
    echo("all is well")


# --- the doctor's tests -------------------------------------------------------------------


def _passes(name: str, test: Callable[[], str]) -> bool:
    started = time.perf_counter()
    try:
        found = test()
    except Exception as error:
        say(f"{name}: FAILED, {type(error).__name__}: {error}")
        return False
    echo(f"{name}: {found} ({time.perf_counter() - started:.1f} s)")
    return True


def _test_exact_core() -> str:
    from convac_lib import Architecture, certify_rank

    found = certify_rank(Architecture.line(2, (3, 4, 5)), "ABABABAB")
    if not found.certified or found.rank != 16:
        raise AssertionError(f"rank 16 expected, got {found.rank}")
    return "rank 16, certified"


def _test_model(device: str) -> str:
    import numpy as np
    import torch

    from convac_lib import Architecture, ConvAC
    from convac_lib.decompositions import scores

    architecture = Architecture.for_image(4, 3, (4, 5), 10)
    model = ConvAC(architecture, seed=0, dtype=torch.float64).to(device)
    images = torch.rand(20, 4, 4, generator=torch.Generator().manual_seed(0))
    ours = model.scores(images).detach().cpu().numpy()
    theirs = scores(architecture, model.to_weights(), model.features(images).detach().cpu())
    difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
    if not difference < 1e-9:
        raise AssertionError(f"the scores differ by {difference:.1e}")
    return f"scores agree to {difference:.0e}"


def _test_training(device: str) -> str:
    from ..experiments import Experiment

    run = Experiment(channels=(8, 8, 16), learning_rate=0.02)
    right = run.run(device=device, show_progress=False)["test_accuracy"]
    if right < 0.85:
        raise AssertionError(f"only {right:.2f} of the digits are right")
    return f"{right:.0%} of unseen digits right"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
