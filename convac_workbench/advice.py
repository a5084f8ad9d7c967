"""Which widths for these data and this budget: a measurement, and a heuristic made of it.

The measurement is :func:`bond_spectrum`: what each bond of a trained, generously wide
network (the *probe*) carries. It says which layers starve and which are idle.

The heuristic is the tail sum: of all profiles within the budget take one that throws
away the least of the probe's squared Schmidt values, summed over all nodes. Such a sum bounds
the squared error of truncating to the hierarchical Tucker format (Grasedyck 2010). But a
ConvAC joins its bonds by copy tensors, and may need more channels than a bond's rank; and
training has its own will. So it is no theorem, and the uniform profile, which is the
default here, is hard to beat. The chapter "Choosing widths for your data" tests it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan
from typing import TypeAlias

import numpy as np

from convac_lib._arrays import Array
from convac_lib._validation import as_instance, as_int, as_number
from convac_lib.architecture import Architecture

from .bonds import BondSpectrum, bond_caps
from .profiles import fits, uniform_profile

Partial: TypeAlias = tuple[int, float, tuple[int, ...]]  # weights, tail, channels so far
TRUSTED = 0.5
LARGEST_BUDGET = 10**8  # is filled channel by channel
SMALLEST = 1e-6  # a share below this is rounding


def tail_sum(spectrum: BondSpectrum, architecture: Architecture) -> float:
    """Return what a profile would discard: shares beyond its caps, over all nodes of all levels.

    The levels are weighted by how many nodes they have, looked at or not. The architecture
    has the spectrum's tree, with other widths.

    Examples
    --------
    >>> from convac_workbench.bonds import BondSpectrum
    >>> line = Architecture.line(3, (3, 2))
    >>> shares = [np.array([[0.6, 0.3, 0.1]] * 4), np.array([[0.5, 0.5]] * 2), np.array([[1.0]])]
    >>> spectrum = BondSpectrum(line, tuple(shares), (), 100)
    >>> round(tail_sum(spectrum, line.with_channels((2, 1))), 6)  # 4 x 0.1 + 2 x 0.5
    1.4
    """
    measured = spectrum.architecture
    if architecture.with_channels(measured.channels) != measured:
        raise ValueError(
            "architecture must be the tree of the spectrum with other channels, got "
            f"{architecture} for {measured}"
        )
    levels = zip(bond_caps(architecture), _level_tails(spectrum), strict=True)
    return float(sum(tails[min(cap, len(tails) - 1)] for cap, tails in levels))


@dataclass(frozen=True)
class Suggestion:
    """A profile for a budget, and why.

    Attributes
    ----------
    architecture, uniform
        What is suggested, and the most even profile of the same budget, which to beat.
    tail, uniform_tail
        The tail sums of both; see :func:`tail_sum`.
    trusted
        False if the probe was too poor, or starved itself, to say anything.
    reason
        In words.
    """

    architecture: Architecture
    uniform: Architecture
    tail: float
    uniform_tail: float
    trusted: bool
    reason: str


def suggest_profile(
    spectrum: BondSpectrum,
    budget: int,
    share: str = "none",
    *,
    learned: float | None = None,
    floor: int | None = None,
    tie: float = 0.01,
) -> Suggestion:
    """Return the profile with the smallest tail sum within a budget: a HEURISTIC.

    No theorem says that it trains better than the uniform profile, and in our study it
    mostly did not. What makes it cautious: it answers the uniform profile if the probe
    is poor, and if that loses hardly more; no layer becomes narrower than half of the
    uniform width; what is left of the budget widens the narrowest layers.

    Parameters
    ----------
    spectrum
        Of a trained probe, two to four times as wide as the budget allows.
    budget, share
        The most weights, counted by ``parameter_count(share)``.
    learned
        How much the probe has learned, on data it has not seen: from 0 (chance) to 1
        (perfect), such as R^2. Below one half it is not trusted.
    floor
        The narrowest layer allowed. Half of the uniform profile's width by default.
    tie
        Tail sums that differ by less than this part of the squared scores tie. Of profiles
        that tie, the uniform one is preferred, then the cheapest.

    Examples
    --------
    >>> from convac_workbench.bonds import BondSpectrum
    >>> probe = Architecture.line(5, (10, 10, 10))  # pairs of neighbours: exact shares
    >>> pair = np.array([0.75] + [1 / 16] * 4)
    >>> levels = [pair, [0.75, 0.25], [0.5, 0.5], [1.0]]
    >>> shares = [np.tile(p, (8 >> j, 1)) for j, p in enumerate(levels)]
    >>> spectrum = BondSpectrum(probe, tuple(shares), (), 1000)
    >>> suggest_profile(spectrum, budget=260).architecture.channels
    (5, 2, 4)
    """
    as_instance("spectrum", spectrum, BondSpectrum)
    as_number("tie", tie, minimum=0)
    if learned is not None and not (isinstance(learned, float) and isnan(learned)):
        learned = as_number("learned", learned)
    probe = spectrum.architecture
    budget = as_int("budget", budget, minimum=1, maximum=LARGEST_BUDGET)
    shape = (probe.n_sites, probe.window, probe.local_dim, probe.n_outputs)
    uniform = uniform_profile(*shape, budget, share)
    narrowest = max(1, min(uniform.channels) // 2)
    floor = narrowest if floor is None else as_int("floor", floor, minimum=1)
    if not fits(probe, (floor,) * probe.depth, budget, share):
        raise ValueError(f"floor must leave the profile within the budget of {budget}, got {floor}")
    flat = tail_sum(spectrum, uniform)

    def keep_uniform(reason: str, trusted: bool) -> Suggestion:
        return Suggestion(uniform, uniform, flat, flat, trusted, reason)

    if learned is not None and not learned >= TRUSTED:
        return keep_uniform(
            f"the probe is at {learned:.2f} between chance and perfect, below "
            f"{TRUSTED}: what it has not learnt its spectrum does not show",
            False,
        )
    starved = ""
    if levels := [level for level, starves in enumerate(spectrum.starving) if starves]:
        starved = f"the probe itself starves at level {levels}: "
    best = _fill(_least_tail(spectrum, budget, share, floor, tie), budget, share)
    tail = tail_sum(spectrum, best)
    if flat - tail < tie:
        reason = starved + "no profile discards clearly less than the uniform one"
        return keep_uniform(reason, not starved)
    reason = f"{starved}its tail sum is {tail:.2f}, that of the uniform profile {flat:.2f}"
    return Suggestion(best, uniform, tail, flat, not starved, reason)


def _level_tails(spectrum: BondSpectrum) -> list[Array]:
    """Return for each level the sum over its nodes of the shares beyond 0, 1, ..., cap."""
    n_sites, window = spectrum.architecture.n_sites, spectrum.architecture.window
    levels = range(spectrum.architecture.depth + 1)
    return [n_sites // window**level * spectrum.tails(level) for level in levels]


def _least_tail(
    spectrum: BondSpectrum, budget: int, share: str, floor: int, tie: float
) -> Architecture:
    """Return the cheapest profile within the budget that ties with the least tail sum.

    Layer by layer: for every width of the last layer only those lower layers are kept
    that no others beat in weights and in tail. Wider than the spectrum is never needed.
    """
    probe = spectrum.architecture
    copies = [*(shape[0] for shape in probe.weight_shapes(share)[:-1]), 1]
    lengths = [int(np.count_nonzero(shares > SMALLEST)) for shares in spectrum.shares]
    fronts: dict[int, list[Partial]] = {probe.local_dim: [(0, 0.0, ())]}  # by the last width
    for level, tails in enumerate(_level_tails(spectrum)):
        widest = max(floor, *lengths[level : level + 2])
        widths = range(floor, widest + 1) if level < probe.depth else [probe.n_outputs]
        fronts = {
            r: _undominated(
                (
                    weights + copies[level] * r * below,
                    lost + tails[min(r, below, len(tails) - 1)],
                    (*channels, r),
                )
                for below, front in fronts.items()
                for weights, lost, channels in front
                if weights + copies[level] * r * below <= budget
            )
            for r in widths
        }
    finished = fronts[probe.n_outputs]
    enough = [profile for profile in finished if profile[1] <= finished[-1][1] + tie + 1e-12]
    return probe.with_channels(min(enough)[2][:-1])


def _undominated(candidates: Iterable[Partial]) -> list[Partial]:
    """Return the candidates of which no other has both fewer weights and a smaller tail."""
    front: list[Partial] = []
    for weights, lost, channels in sorted(candidates):
        if not front or lost < front[-1][1] - 1e-12:
            front.append((weights, lost, channels))
    return front


def _fill(architecture: Architecture, budget: int, share: str) -> Architecture:
    """Widen the narrowest layer that the budget allows, again and again; of equals the lowest."""
    channels = list(architecture.channels)
    while True:
        for _, layer in sorted((width, layer) for layer, width in enumerate(channels)):
            channels[layer] += 1
            if fits(architecture, channels, budget, share):
                break
            channels[layer] -= 1
        else:
            return architecture.with_channels(channels)
