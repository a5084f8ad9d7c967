"""`convac doctor`: which versions there are, and is all well."""

import platform
import time
from importlib import metadata

import typer

from .arguments import Device, one_sentence_errors

PACKAGES = (
    *("numpy", "scipy", "networkx", "python-flint", "torch", "scikit-learn"),
    *("pooch", "joblib", "tqdm", "dask", "distributed"),
)


def register(app):
    """Add the command of this module to a typer application."""
    app.command("doctor")(doctor)


def doctor(device: Device = "auto"):
    """Say which versions and which device there are, and test that all fits together.

    The test takes about five seconds: exact ranks, a model against its tensor,
    and a short training.
    """
    typer.echo(f"python        {platform.python_version()} on {platform.platform()}")
    typer.echo(f"convac        {metadata.version('convac-lib')}")
    for package in PACKAGES:
        typer.echo(f"{package:13} {_version(package)}")
    problems = []
    with one_sentence_errors("doctor"):
        _check("exact core", _test_exact_core, problems)
        if _version("torch") == "not installed":
            typer.echo("training      not tested: pip install 'convac-lib[train]'")
        else:
            from ..learning.training import pick_device

            chosen = pick_device(device)
            typer.echo(f"device        {_describe(chosen)}")
            _check("a model is its tensor", lambda: _test_model(chosen), problems)
            _check("training", lambda: _test_training(chosen), problems)
    if problems:
        raise typer.Exit(1)
    typer.echo("all is well")


# --- the doctor's tests -------------------------------------------------------------------


def _check(name, test, problems):
    started = time.perf_counter()
    try:
        found = test()
    except Exception as error:
        problems.append(name)
        typer.echo(f"{name}: FAILED, {type(error).__name__}: {error}", err=True)
    else:
        typer.echo(f"{name}: {found} ({time.perf_counter() - started:.1f} s)")


def _test_exact_core():
    from ..architecture import Architecture
    from ..partitions import interleaved
    from ..ranks import certify_rank

    found = certify_rank(Architecture.line(2, (3, 4, 5)), interleaved(8))
    if not found.certified or found.rank != 16:
        raise AssertionError(f"rank 16 expected, got {found.rank}")
    return "rank 16, certified"


def _test_model(device):
    import numpy as np
    import torch

    from ..architecture import Architecture
    from ..decompositions import scores
    from ..learning.models import ConvAC

    architecture = Architecture.for_image(4, 3, (4, 5), 10)
    model = ConvAC(architecture, seed=0, dtype=torch.float64).to(device)
    images = torch.rand(20, 4, 4, generator=torch.Generator().manual_seed(0))
    ours = model(images).detach().cpu().numpy()
    theirs = scores(architecture, model.to_weights(), model.features(images).detach().cpu())
    difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
    if not difference < 1e-9:
        raise AssertionError(f"the scores differ by {difference:.1e}")
    return f"scores agree to {difference:.0e}"


def _test_training(device):
    from ..architecture import Architecture
    from ..learning import tasks
    from ..learning.models import ConvAC
    from ..learning.training import train

    model = ConvAC(
        Architecture.for_image(8, 2, (8, 8, 16), 10),
        representation="cos-sin",
        head="normalized",
        seed=0,
    )
    result = train(
        model,
        tasks.make("digits"),
        epochs=8,
        learning_rate=0.02,
        device=device,
        show_progress=False,
    )
    if result.test < 0.85:
        raise AssertionError(f"only {result.test:.2f} of the digits are right")
    return f"{result.test:.0%} of unseen digits right"


def _describe(device):
    import torch

    from ..learning.training import device_name

    if device.type == "cpu":
        return f"cpu, {torch.get_num_threads()} threads"
    return device_name(device)


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
