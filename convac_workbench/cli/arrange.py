"""`convac arrange`: in which order the sites of some data suit a tree."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from convac_lib.partitions import morton_order

from . import arguments as given
from .arguments import echo, one_sentence_errors
from .own_data import read_data

if TYPE_CHECKING:
    from ..arrangement import Arrangement

MOST_SAMPLES = 5000  # for correlations; more change nothing that is seen


def arrange(
    data: Annotated[
        str,
        typer.Argument(
            help="A task's name, such as digits; or a file or folder of yours, with targets or "
            "without: images (samples, side, side), tables (samples, columns), or sites of "
            "several numbers (samples, N, numbers)."
        ),
    ],
    targets: given.Targets = "",
    symbols: Annotated[
        bool, typer.Option(help="The numbers are symbols: only equal or not counts.")
    ] = False,
    sequence: Annotated[
        bool, typer.Option(help="(samples, N, N) holds N sites of N numbers, and no images.")
    ] = False,
    theta: Annotated[
        float, typer.Option(help="In units of pi: a number from 0 to 1 is turned by it.")
    ] = 0.25,
    samples: Annotated[int, typer.Option(help="Samples in the data tensor.")] = 200,
    starts: Annotated[int, typer.Option(help="Random halves that a bisection starts from.")] = 10,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    save: Annotated[Path | None, typer.Option(help="Write the order to this .npy file.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw correlations and entropies to this file.")
    ] = None,
) -> None:
    """Find an order of the sites in which data suit a tree, and say what it is worth.

    The sites are parted in two halves with the least correlation across, then each half
    again. Before and after: how high up the tree correlated pairs are parted, and the
    entropy of the data tensor across each level of the tree. Labels are not used. If the
    correlations are arranged no better than by chance, the data have no tree to find.

    Example: convac arrange digits --picture digits.png
    """
    from .. import arrangement

    with one_sentence_errors("arrange"):
        if not 0 < theta <= 0.5:
            raise ValueError(f"--theta must be above 0 and at most 0.5, got {theta}")
        if samples < arrangement.FEWEST:
            raise ValueError(f"--samples must be at least {arrangement.FEWEST}, got {samples}")
        inputs, side = _sites(_read(data, targets), symbols, sequence)
        rng = np.random.default_rng(seed)
        shuffled = inputs[rng.permutation(len(inputs))]
        found = arrangement.arrange(shuffled[:MOST_SAMPLES], starts=starts, seed=seed)
        orders = _orders(found.order, side)
        table = _entropies(shuffled[:samples], orders, theta * np.pi, rng)
        measured = min(samples, len(inputs))
        echo("\n".join(_report(found, orders, table, inputs, side, measured)))
        if save is not None:
            np.save(save, found.order)
            echo(f"saved        {save}")
        if picture is not None:
            from .pictures import draw_arrangement

            weights = arrangement.correlations(arrangement.as_sites(shuffled[:MOST_SAMPLES]))
            figure = draw_arrangement(weights, orders, table)
            figure.savefig(picture, facecolor="white", bbox_inches="tight")
            echo(f"picture      {picture}")


def _orders(order: np.ndarray, side: int) -> dict[str, np.ndarray]:
    """Return the orders to compare, by name."""
    orders = {"as given": np.arange(len(order))}
    if side and side & (side - 1) == 0:
        orders["windows"] = morton_order(side)
    orders["arranged"] = order
    return orders


def _entropies(
    inputs: np.ndarray,
    orders: dict[str, np.ndarray],
    theta: float,
    rng: np.random.Generator,
) -> dict[str, list[float]]:
    """Return entropies by order and level, and the control's."""
    from .. import arrangement

    overlaps = arrangement.site_overlaps(inputs, theta)
    table = {
        name: arrangement.canonical_entropies(overlaps, order) for name, order in orders.items()
    }
    pairing = rng.permutation(len(inputs))
    table["re-paired"] = arrangement.canonical_entropies(overlaps, orders["arranged"], pairing)
    return table


def _report(
    found: "Arrangement",
    orders: dict[str, np.ndarray],
    table: dict[str, list[float]],
    inputs: np.ndarray,
    side: int,
    samples: int,
) -> list[str]:
    n_sites = inputs.shape[1]
    what = f"images of {side} x {side}" if side else f"{n_sites} sites"
    lines = [f"data         {len(inputs):,} samples, {what}"]
    if found.constant:
        lines.append(f"             {found.constant} sites are constant, and may hang anywhere")
    lines.append(
        f"cost         {found.cost_before:.3f} as given, {found.cost_after:.3f} arranged; dealt "
        f"out by chance {found.cost_by_chance:.3f} or more (1 is an average order)"
    )
    if found.has_tree:
        lines.append("tree         yes: pairs that go together can be kept together")
    else:
        lines.append(
            "tree         NO: these pairwise correlations are arranged no better than by chance. "
            "Do not use the order."
        )
    levels = [f"1/{2 ** (k + 1)}" for k in range(len(table["arranged"]))]
    lines += ["", f"  entropy of the data tensor ({samples} samples, in nats; at most "
              f"{np.log(samples):.2f}), a block of the tree against the rest:",
              f"  {'block':<12}" + "".join(f"{level:>8}" for level in levels)]  # fmt: skip
    for name, entropies in table.items():
        lines.append(f"  {name:<12}" + "".join(f"{value:8.3f}" for value in entropies))
    if max(table["arranged"]) > 0.9 * np.log(samples):
        lines.append("  Near its ceiling: take a smaller --theta or more --samples.")
    if n_sites <= 64:
        lines += ["", "order        " + " ".join(map(str, orders["arranged"].tolist()))]
    return lines


# --- the data -----------------------------------------------------------------------------


def _read(data: str, targets: str) -> np.ndarray:
    from ..data import is_data, named_task

    if is_data(data):
        return read_data(data, targets, labelled=False).train[0]
    return np.asarray(named_task(data).train_inputs)


def _sites(inputs: np.ndarray, symbols: bool, sequence: bool) -> tuple[np.ndarray, int]:
    """Return numbers (samples, N) from 0 to 1 or vectors (samples, N, features), and the side."""
    side = 0
    if inputs.ndim == 3 and inputs.shape[1] == inputs.shape[2] and not sequence:
        side = inputs.shape[1]
        inputs = inputs.reshape(len(inputs), -1)
    if symbols:
        kinds = np.unique(inputs)
        if inputs.ndim != 2 or len(kinds) > 64:
            raise ValueError(
                f"--symbols needs one symbol a site and at most 64 kinds, got inputs of shape "
                f"{inputs.shape} with {len(kinds)} kinds"
            )
        return (inputs[..., None] == kinds).astype(float), side
    inputs = inputs.astype(float)
    if inputs.ndim == 2:
        # Pixels share one scale; columns of a table have each their own.
        axis = None if side else 0
        low, high = inputs.min(axis=axis), inputs.max(axis=axis)
        inputs = (inputs - low) / np.where(high > low, high - low, 1)
    return inputs, side
