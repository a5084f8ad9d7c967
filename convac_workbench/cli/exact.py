"""`convac cut` and `convac rank`: the exact answers for one network and one partition."""

from collections.abc import Callable
from math import isqrt
from pathlib import Path
from typing import Annotated

import typer

from convac_lib import partitions
from convac_lib._arrays import human_integer
from convac_lib.architecture import Architecture
from convac_lib.cuts import Cut, min_cut, theorem2_bound
from convac_lib.partitions import Sides

from .arguments import LocalDim, Share, echo, integers, one_sentence_errors

LARGEST = 2**26  # sites: beyond that a cut needs more memory than a laptop has to spare

Window = Annotated[
    int, typer.Option(help="Sites that one pooling multiplies: 2 for a line, 4 for an image.")
]
Channels = Annotated[
    str,
    typer.Option(
        help="r0,r1,...: the width of each layer, from the inputs to the top. There are "
        "window^(number of widths) sites."
    ),
]
Partition = Annotated[
    str,
    typer.Option(
        help="Which sites are in A: a word such as AABB, one letter a site; left-right; "
        "interleaved; blocks:LENGTH or blocks:LENGTH:OFFSET; random:SEED. With --window 4, "
        "left-right, top-bottom, checkerboard and blocks are those of the image, whose "
        "pixels are listed window by window (Morton order)."
    ),
]


def cut(
    channels: Channels,
    partition: Partition,
    window: Window = 2,
    local_dim: LocalDim = 2,
    draw: Annotated[
        Path | None, typer.Option(help="Draw the network and the cut to this picture file.")
    ] = None,
) -> None:
    """Find the minimal cut between two groups of sites, A and B.

    The cut is the smallest product of bond dimensions that parts A from B in
    the tensor network of a convolutional arithmetic circuit. It bounds how
    strongly the network can correlate the two groups: the rank of its
    coefficients, arranged as a matrix of A against B, is never larger.

    Example: convac cut --local-dim 2 --channels 3,4,5 --partition AABBAABB
    """
    with one_sentence_errors("cut"):
        architecture, sides = _network(channels, partition, window, local_dim)
        minimal = min_cut(architecture, sides)
        bound, p = theorem2_bound(architecture, sides)
        echo(_describe(architecture, sides))
        echo(f"minimal cut  {minimal.as_product()}")
        echo(_table(minimal))
        echo("rank         at most the minimal cut, for any weights")
        echo(
            f"             at least {human_integer(bound)}, for almost all weights "
            f"(Theorem 2, widths rounded down to powers of {p})"
        )
        if draw is not None:
            from . import pictures

            pictures.draw_network(architecture, sides, cut=minimal)
            pictures.save(draw)
            echo(f"picture      {draw}")


def rank(
    channels: Channels,
    partition: Partition,
    window: Window = 2,
    local_dim: LocalDim = 2,
    share: Share = "none",
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 0,
) -> None:
    """Compute the exact rank of a random network, and compare it with its minimal cut.

    The rank of the coefficients, arranged as a matrix of A against B, says how
    strongly the network correlates the two groups of sites. The weights are
    random integers and all arithmetic is exact, modulo a prime. If the rank
    reaches the minimal cut, almost all weights reach it: this is then proven,
    and the rank is called certified.

    Example: convac rank --local-dim 2 --channels 3,4,5 --partition interleaved
    """
    from convac_lib.ranks import certify_rank

    with one_sentence_errors("rank"):
        architecture, sides = _network(channels, partition, window, local_dim)
        found = certify_rank(architecture, sides, seed=seed, share=share)
        echo(_describe(architecture, sides))
        echo(f"minimal cut  {human_integer(found.cut)}")
        echo(f"rank         {found.rank} (modulo {found.prime}, seed {found.seed})")
        if found.certified:
            echo("certified    yes: almost all weights reach the minimal cut")
        else:
            echo("certified    no: these weights stay below the minimal cut")


# --- from words to a network and a partition ----------------------------------------------


def _network(
    channels: str, partition: str, window: int, local_dim: int
) -> tuple[Architecture, Sides]:
    widths = integers("--channels", channels)
    n_sites = window ** len(widths) if window > 1 else 2  # Architecture refuses the window
    if n_sites > LARGEST:
        raise ValueError(
            f"--channels with {len(widths)} widths and windows of {window} mean "
            f"{window}^{len(widths)} sites; at most {LARGEST} are allowed"
        )
    architecture = Architecture(n_sites, window, local_dim, widths)
    return architecture, _partition(partition, architecture)


def _partition(text: str, architecture: Architecture) -> Sides:
    """Return the partition that --partition names, as a boolean array."""
    name, *numbers = text.split(":")
    if not numbers and set(text.upper()) <= set("AB |"):
        return partitions.as_partition(text, architecture.n_sites)
    known = _named_partitions(architecture)
    lengths = {"blocks": (1, 2), "random": (1,)}.get(name, (0,))
    try:
        values = [int(number) for number in numbers]
    except ValueError:
        values = []
    if name not in known or len(values) not in lengths or len(values) < len(numbers):
        raise ValueError(
            "--partition must be a word of A and B, "
            f"{', '.join(n for n in known if n not in ('blocks', 'random'))}, "
            f"blocks:LENGTH, blocks:LENGTH:OFFSET or random:SEED; got {text!r}"
        )
    return known[name](*values)


def _named_partitions(architecture: Architecture) -> dict[str, Callable[..., Sides]]:
    n_sites, side = architecture.n_sites, isqrt(architecture.n_sites)
    named: dict[str, Callable[..., Sides]] = {
        "left-right": lambda: partitions.left_right(n_sites),
        "interleaved": lambda: partitions.interleaved(n_sites),
        "blocks": lambda length, offset=0: partitions.blocks(n_sites, length, offset),
        "random": lambda seed: partitions.random_balanced(n_sites, seed),
    }
    if architecture.window == 4:
        named |= {
            "left-right": lambda: partitions.halves(side, "left-right"),
            "top-bottom": lambda: partitions.halves(side, "top-bottom"),
            "checkerboard": lambda: partitions.checkerboard(side),
            "blocks": lambda length, offset=0: partitions.image_blocks(side, length, (offset,) * 2),
        }
    return named


# --- from answers to words ----------------------------------------------------------------


def _describe(architecture: Architecture, sides: Sides) -> str:
    word = partitions.as_word(sides) if sides.size <= 64 else f"{sides.sum()} sites in A"
    return (
        f"network      {architecture.n_sites} sites, windows of {architecture.window}\n"
        f"partition    {word}"
    )


def _table(minimal: Cut) -> str:
    """Return the cut as a table: for each kind of bond, how many there are and are cut."""
    network = minimal.architecture
    lines = ["", "  bonds          width    cut     of"]
    for level, (width, count) in enumerate(zip(network.widths, minimal.counts, strict=True)):
        name = f"layer {level - 1} (r{level - 1})" if level else "inputs (M)"
        there = network.n_sites // network.window**level
        lines.append(f"  {name:<12}{width:>8}{count:>7}{there:>7}")
    return "\n".join([*lines, ""])
