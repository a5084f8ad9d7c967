"""`convac interaction`: how much of a network's answer is not f(x_A) + g(x_B)."""

import inspect
import runpy
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from . import arguments as given
from .arguments import echo, one_sentence_errors, require_torch
from .masks import mask_of
from .own_data import read_data

if TYPE_CHECKING:
    from convac_lib.learning.tasks import Task

    from ..interaction import Interaction


def interaction(
    network: Annotated[
        str,
        typer.Argument(
            help="FILE.py:NAME, a torch module in evaluation mode, a function of a batch, or a "
            "function without arguments that returns one of these. The file is run."
        ),
    ],
    data: Annotated[
        str,
        typer.Argument(
            help="A task's name, such as digits (its test set), or a file or folder of yours, "
            "with targets or without; its test part, if it has one."
        ),
    ],
    targets: given.Targets = "",
    partition: Annotated[
        str,
        typer.Option(
            help="Which entries are in A. Images: left-right, top-bottom, checkerboard, "
            "blocks:SIDE. Sequences and tables: left-right, interleaved, blocks:LENGTH, "
            "first:COUNT, sites:0,3,4, or a word such as AABB. Both: random:SEED, or the "
            "name of a .npy file of booleans."
        ),
    ] = "left-right",
    layout: Annotated[
        str,
        typer.Option(
            help="image or sequence; by itself: squares, and three axes one of which is at most "
            "4, are images, one axis is a sequence."
        ),
    ] = "",
    reading: Annotated[
        str, typer.Option(help="logits (centred over the classes) or values (a regression).")
    ] = "logits",
    n: Annotated[int, typer.Option("--n", help="Images; the cost is their square.")] = 40,
    seed: Annotated[int, typer.Option(help="Of the choice of images.")] = 0,
    softmax: Annotated[
        bool, typer.Option(help="Also the share after a softmax, beside that of a sum's.")
    ] = False,
    control: Annotated[
        int,
        typer.Option(
            help="Train this many additive controls f(A) + g(B) as well; NETWORK must then be a "
            "function of a seed, and DATA a task's name or a file with a training set."
        ),
    ] = 0,
    epochs: Annotated[int, typer.Option(help="Of the training of controls.")] = 10,
) -> None:
    """Ask a network, as a black box, how it joins two groups of its inputs.

    Sides of different samples are joined and the network is asked about all pairs. What no
    sum f(A) + g(B) explains is the interaction; its share of the variance is printed with
    a standard error. It describes this network on these data. Whether the task needs the
    interaction is another question: --control trains networks that have none.

    Example: convac interaction mynet.py:model digits --partition left-right
    """
    with one_sentence_errors("interaction"):
        if control:
            require_torch()
        inputs, answers, task = _read(data, targets)
        mask = mask_of(partition, inputs.shape[1:], layout)
        thing = _load(network)
        if control:
            _print_control(thing, task, mask, control, epochs)
            return
        from ..interaction import interaction as measure

        function = _build(thing, network)
        in_a = int(np.broadcast_to(mask, inputs.shape[1:]).sum())
        shape = " x ".join(map(str, inputs.shape[1:]))
        echo(f"data         {len(inputs):,} samples of {shape}; n = {n} of them")
        echo(f"partition    {in_a:,} entries in A, {inputs[0].size - in_a:,} in B")
        found = measure(
            function, inputs, mask, answers, reading=reading, n=n, seed=seed, softmax=softmax,
            say=lambda cost: echo(f"cost         {cost}"),
        )  # fmt: skip
        echo("\n".join(_report(found, reading)))


def _report(found: "Interaction", reading: str) -> list[str]:
    what = "centred logits" if reading == "logits" else "values"
    lines = [
        f"interaction  {_percent(found.share, found.share_error)} of the variance of the {what} "
        "is not f(A) + g(B)",
        f"             A alone {found.share_a:.1%}, B alone {found.share_b:.1%}; on the real "
        f"samples H² = {found.h_squared:.3f}",
    ]
    if found.same_class_share is not None and found.same_class_error is not None:
        alike = _percent(found.same_class_share, found.same_class_error)
        lines.append(f"same class   {alike}, if only sides of one class are joined")
    for name, kept, removed in (
        ("accuracy" if reading == "logits" else "R²", found.quality, found.quality_without),
        ("AUC", found.auc, found.auc_without),
    ):
        if kept is not None and removed is not None:
            lines.append(
                f"{name:13}{kept:.3f}, with the interaction removed {removed:.3f} "
                f"({found.n} samples)"
            )
    if found.effective_rank is not None:
        lines.append(f"rank         effectively {found.effective_rank:.1f}, at n = {found.n}")
    if found.softmax_share is not None:
        lines.append(
            f"softmax      {found.softmax_share:.1%}; the softmax of a sum alone has "
            f"{found.softmax_share_additive:.1%}"
        )
    if found.quality is None:
        lines.append("             Without targets: see to it that the network is any good.")
    lines.append(
        "             This is about this network on these data, not about what the task needs."
    )
    return lines


def _percent(share: float, error: float) -> str:
    return f"{share:.2%} ± {error:.2%}"


def _print_control(
    thing: Any, task: "Task | None", mask: np.ndarray, seeds: int, epochs: int
) -> None:
    """Train networks as they are and as sums, and print their test scores."""
    if task is None:
        raise ValueError(
            "DATA must have a training set for --control: a task's name, or a file with "
            "train_inputs, train_targets, test_inputs and test_targets"
        )
    if not callable(thing) or len(_needed(thing)) != 1:
        raise ValueError(
            "NETWORK must be a function of a seed that returns a new module for --control"
        )
    from ..additive import additive_control

    found = additive_control(thing, task, mask, seeds=seeds, epochs=epochs)
    score = "R²" if task.n_classes is None else "accuracy"
    for name, scores in (("as it is", found.whole), ("f(A) + g(B)", found.additive)):
        listed = ", ".join(f"{value:.3f}" for value in scores)
        echo(f"{name:13}{score} {listed}")


# --- the network --------------------------------------------------------------------------


def _load(network: str) -> Any:
    """Return what FILE.py:NAME names."""
    file, _, name = network.rpartition(":")
    path = Path(file)
    if not file or not name or path.suffix != ".py":
        raise ValueError(f"NETWORK must be FILE.py:NAME, got {network}")
    if not path.is_file():
        raise ValueError(f"NETWORK: there is no file {path}")
    sys.path.insert(0, str(path.resolve().parent))  # it may import its neighbours
    try:
        names = runpy.run_path(str(path), run_name=path.stem)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"NETWORK: {path} cannot be run ({reason})") from None
    finally:
        del sys.path[0]
    if name not in names:
        raise ValueError(f"NETWORK: {path} has no {name}")
    return names[name]


def _build(thing: Any, network: str) -> Any:
    """Return the module or function; call what takes no arguments, or a seed alone."""
    if not callable(thing):
        raise ValueError(f"NETWORK must be a module or a function, got {type(thing).__name__}")
    if hasattr(thing, "parameters"):
        return thing
    needed = _needed(thing)
    if not needed:
        return _build(thing(), network)
    return thing


def _needed(thing: Any) -> list[str]:
    """Return the names of the arguments that a function must be given."""
    if hasattr(thing, "parameters"):  # a torch module
        return ["batch"]
    return [
        name
        for name, parameter in inspect.signature(thing).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]


# --- the data -----------------------------------------------------------------------------


def _read(data: str, targets: str) -> tuple[np.ndarray, np.ndarray | None, "Task | None"]:
    """Return inputs, targets or None, and the task or None."""
    from ..data import is_data, named_task

    if not is_data(data):
        task = named_task(data)
        return task.test_inputs, task.test_targets, task
    samples = read_data(data, targets, labelled=False)
    parts: list[Any] = [part for part in (samples.train, samples.test) if part is not None]
    if not all(np.isfinite(inputs).all() for inputs, _ in parts):
        raise ValueError(f"{data}: inputs must be finite, got NaN or infinity")
    if all(answers is not None and answers.dtype.kind == "U" for _, answers in parts):
        names = np.unique(np.concatenate([answers for _, answers in parts]))
        parts = [(inputs, np.searchsorted(names, answers)) for inputs, answers in parts]
    return *parts[-1], _task(samples.name, parts)


def _task(name: str, parts: list[Any]) -> "Task | None":
    """Return the task of a file that has a training set, whatever the shape of its inputs."""
    if len(parts) < 2 or any(answers is None for _, answers in parts):
        return None
    from convac_lib.learning.tasks import Task

    classes = parts[0][1].dtype.kind in "biu"
    train_x, train_y, test_x, test_y = (
        array.astype(np.int64 if array.dtype.kind in "biu" else np.float32)  # tokens stay integers
        for array in chain(*parts)
    )
    n_classes = int(train_y.max()) + 1 if classes else None
    # Every training here takes the inputs in their own shape; the kind plays no part.
    return Task(name, train_x, train_y, test_x, test_y, n_classes, "sequences")
