"""What `convac design` prints, section by section."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from convac_lib.architecture import DESIGNS, Architecture
from convac_lib.cuts import block_cuts
from convac_lib.learning.safe_files import naming
from convac_lib.learning.tasks import Task
from convac_lib.learning.training import keep_freed_memory

from ..advice import suggest_profile
from ..bonds import BondSpectrum, bond_ceilings, bond_spectrum
from ..data import named_task
from ..experiments import Experiment
from ..profiles import graded_profile, level_names, uniform_profile
from .arguments import integers
from .pictures import draw_bond_spectrum, save


class Report:
    """A measurement in the making: the data, then the probes, their bonds, and the advice."""

    def __init__(self, data: str, options: dict[str, Any], budget: int, share: str, local_dim: int):
        self.task, self.budget, self.share = named_task(data, **options), budget, share
        self.held_out = self.task.hold_out(max(1, len(self.task.train_inputs) // 10))
        self.shape = _network(self.task, local_dim)
        self.uniform = uniform_profile(*self.shape, budget, share)

    def data(self) -> str:
        """Say what the data and the network are."""
        n_sites, window, local_dim, n_outputs = self.shape
        many, *form = self.task.train_inputs.shape
        to = "a number" if self.task.n_classes is None else f"{n_outputs} classes"
        return (
            f"data         {many:,} {self.task.kind} of {' x '.join(map(str, form))} to train on; "
            f"{to}\nnetwork      {n_sites} sites, windows of {window}, M = {local_dim}, "
            f"sharing: {self.share}" + "".join(f"\nnote         {note}" for note in self.task.notes)
        )

    def train_probes(
        self, widths: str, seeds: Sequence[int], recipe: dict[str, Any], device: str
    ) -> None:
        """Train the probes, one from each seed, on nine tenths of the training samples."""
        channels = integers("--probe", widths) or tuple(3 * r for r in self.uniform.channels)
        keep_freed_memory()
        trained = [self._train(channels, seed, recipe, device) for seed in seeds]
        self.models, self.reached = map(list, zip(*trained, strict=True))

    def _train(
        self, channels: tuple[int, ...], seed: int, recipe: dict[str, Any], device: str
    ) -> tuple[Any, float]:
        """Train a network on nine tenths of the training samples, and test it on the others."""
        options = {"share": self.share}
        if self.task.n_classes is None:
            options["init"] = "normal"  # regressions start better so
        experiment = Experiment(
            channels=channels, local_dim=self.shape[2], model_options=options, seed=seed, **recipe
        )
        model = experiment.build_model(self.held_out)
        return model, experiment.fit(model, self.held_out, device=device).test

    def probe(self) -> str:
        """Say how well the probes do."""
        of = "R^2"
        if self.task.n_classes is not None:
            of = f"accuracy (the largest class alone {self._largest_class():.2f})"
        return (
            f"probes       widths {_widths(self.models[0].architecture)}; on held-out samples: "
            f"{of} " + " ".join(f"{reached:.3f}" for reached in self.reached)
        )

    def measure(self, samples: int) -> None:
        """Measure the probes' bonds on some training samples, and take advice."""
        learned = min(self.reached)
        if self.task.n_classes is not None:
            # One answer to all is right for the largest class: that much is no learning.
            chance = self._largest_class()
            learned = (learned - chance) / (1 - chance) if chance < 1 else 0.0
        inputs = self.held_out.train_inputs[:samples]
        self.spectra = [bond_spectrum(model, inputs) for model in self.models]
        self.bonds = BondSpectrum.pooled(self.spectra)
        self.found = suggest_profile(self.bonds, self.budget, self.share, learned=learned)

    def _largest_class(self) -> float:
        """Return which share of the held-out samples is of their largest class."""
        targets = self.held_out.test_targets
        return float(np.bincount(targets).max() / len(targets))

    def spectrum(self) -> str:
        """Say, level by level, what the bonds carry."""
        bonds = self.bonds
        lines = ["", "  bond between            rank    cap   for 99 %   entropy"]
        names = level_names(bonds.architecture)
        rows = zip(names, bonds.ranks(), bonds.caps, bonds.entropies, self._states(), strict=True)
        for level, (name, rank, cap, entropy, state) in enumerate(rows):
            for_99 = int((bonds.tails(level) > 0.01).sum())
            lines.append(f"  {name:<22}{rank:>6}{cap:>7}{for_99:>11}{entropy:>10.2f}   {state}")
        lines += ["", "in demand    " + self._demand()]
        return "\n".join(lines)

    def _demand(self) -> str:
        """Return what the bonds ask of each layer; the probe's own width does not matter."""
        if not self.found.trusted:
            return "not said: the probe has not learnt enough, or starves"
        by_layer = zip(*(spectrum.demands for spectrum in self.spectra), strict=True)
        spans = [(min(found), max(found)) for found in by_layer]
        return "channels of each layer: " + ", ".join(
            f"r{layer} {low}" + (f" to {high}" if low < high else "")
            for layer, (low, high) in enumerate(spans)
        )

    def _states(self) -> list[str]:
        ceilings = bond_ceilings(self.bonds.architecture)
        rows = zip(self.bonds.ranks(), self.bonds.starving, ceilings, strict=True)
        return [
            "starves: the probe is too narrow here" if starves
            else "full: no widths could carry more" if rank == ceiling
            else ""
            for rank, starves, ceiling in rows
        ]  # fmt: skip

    def advice(self) -> str:
        """Say which widths are advised, and how far to trust that."""
        found = self.found
        lines = [
            f"advice       widths {_widths(found.architecture)}: {found.reason}",
            "             A heuristic. Nothing guarantees that it trains better than uniform.",
        ]
        if not found.trusted:
            lines.append("             These probes are NOT trusted: train them better or wider.")
        elif len(self.spectra) > 1:
            alone = [suggest_profile(one, self.budget, self.share) for one in self.spectra]
            same = sum(one.architecture == found.architecture for one in alone)
            lines.append(f"             Of the probes alone {same} of {len(alone)} advise it too.")
        return "\n".join(lines)

    def comparison(self) -> str:
        """Return each profile's weights and its minimal cuts, one window at a time."""
        graded = {
            kind: graded_profile(kind, *self.shape, self.budget, self.share) for kind in DESIGNS
        }
        profiles = {"advised": self.found.architecture, "uniform": self.uniform} | graded
        names = level_names(self.uniform)[:-1]
        lines = [
            "",
            f"  minimal cut of one window between {', '.join(names)}:",
            f"  {'':<11}{'widths':<26}{'weights':>8}   cuts",
        ]
        for name, network in profiles.items():
            cuts = "".join(f"{cut:>6}" for cut in block_cuts(network))
            weights = network.parameter_count(self.share)
            lines.append(f"  {name:<11}{_widths(network):<26}{weights:>8,}{cuts}")
        return "\n".join(lines)

    def trained(self, seeds: Sequence[int], recipe: dict[str, Any], device: str) -> str:
        """Train the advised and the uniform network, and say how far apart they end."""
        if self.found.architecture == self.uniform:
            return "\ntrained      nothing: the uniform network is advised"
        both = []
        for network in (self.found.architecture, self.uniform):
            both.append([self._train(network.channels, s, recipe, device)[1] for s in seeds])
        advised, uniform = both
        gap = np.mean(advised) - np.mean(uniform)
        interval = stats.ttest_ind(advised, uniform, equal_var=False).confidence_interval()
        low, high = interval.low, interval.high
        verdict = (
            "not told apart"
            if not (low > 0 or high < 0)
            else ("the advised network is ahead" if low > 0 else "the uniform network is ahead")
        )
        lines = [
            f"  {name:<11}" + " ".join(f"{reached:.3f}" for reached in found)
            for name, found in zip(("advised", "uniform"), both, strict=True)
        ]
        measure = "R^2" if self.task.n_classes is None else "accuracy"
        return "\n".join(
            [
                "",
                f"trained      {measure} on held-out samples, {len(advised)} seeds each",
                *lines,
                f"  difference {gap:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}: {verdict}",
            ]
        )

    def write(self, path: Path) -> None:
        """Write the advised profile to a file that `convac train --profile` reads."""
        found = self.found.architecture
        profile = {"channels": list(found.channels), "local_dim": found.local_dim}
        text = json.dumps(profile | {"share": self.share, "reason": self.found.reason}, indent=1)
        with naming(path):
            path.write_text(text + "\n", encoding="utf-8")

    def draw(self, path: Path) -> None:
        """Draw the spectrum, level by level, to a file."""
        draw_bond_spectrum(self.bonds)
        save(path)


def _network(task: Task, local_dim: int) -> tuple[int, int, int, int]:
    """Return (n_sites, window, M, Y) for a task."""
    *_, n_sites, width = task.train_inputs.shape[1:]
    n_outputs = task.n_classes or 1
    if task.kind == "images":
        return n_sites * width, 4, local_dim, n_outputs
    return n_sites, 2, local_dim if task.preparation and width == 1 else width + 1, n_outputs


def _widths(architecture: Architecture) -> str:
    return ", ".join(map(str, architecture.channels))
