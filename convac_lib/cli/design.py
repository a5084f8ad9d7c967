"""`convac design`: from data and a budget to widths, by way of a probe and its bonds."""

from pathlib import Path
from typing import Annotated

import typer

from .training import Device, _integers, _one_sentence_errors, _require_torch


def register(app):
    """Add the command of this module to a typer application."""
    app.command("design")(design)


def design(
    data: Annotated[
        str,
        typer.Argument(
            help="A task's name, such as tiled or pairs; or a .npz file with the arrays "
            "train_inputs, train_targets, test_inputs, test_targets. Inputs are images "
            "(samples, side, side) or sequences (samples, N, numbers); integer targets are "
            "classes, others are numbers to regress."
        ),
    ],
    budget: Annotated[int, typer.Option(help="The most weights of the network.")],
    share: Annotated[
        str, typer.Option(help="Which weights are equal: none, window-position or all.")
    ] = "window-position",
    local_dim: Annotated[int, typer.Option(help="M, the features of a pixel.")] = 10,
    source: Annotated[
        str, typer.Option(help="For local and global: digits, or mnist (fetched once).")
    ] = "",
    probe: Annotated[
        str,
        typer.Option(help="r0,r1,...: the probe's widths. By default three times uniform."),
    ] = "",
    epochs: Annotated[int, typer.Option(help="Of the probe's training.")] = 20,
    batch_size: Annotated[int, typer.Option(help="Samples in one step.")] = 100,
    learning_rate: Annotated[float, typer.Option(help="The largest of the schedule.")] = 1e-2,
    samples: Annotated[int, typer.Option(help="Training samples to measure on.")] = 500,
    seed: Annotated[int, typer.Option(help="Of the probe.")] = 0,
    device: Device = "auto",
    picture: Annotated[
        Path | None, typer.Option(help="Draw the spectrum, level by level, to this file.")
    ] = None,
):
    """Measure how far correlations reach in some data, and advise widths for a budget.

    A generously wide network, the probe, is trained on nine tenths of the training
    samples. What each bond of it carries is measured; that part is exact. The widths
    advised from it are a heuristic: compare them with the uniform profile before you
    rely on them. The test samples are not looked at.

    Example: convac design tiled --budget 1440 --epochs 28
    """
    with _one_sentence_errors("design"):
        _require_torch()
        task = _read(data, source)
        held_out = task.hold_out(max(1, len(task.train_inputs) // 10))
        shape, options = _network(task, local_dim, share)
        report = _Report(task, shape, budget, share)
        how = {
            "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate,
            "seed": seed, "model_options": options, "local_dim": shape[2],
        }  # fmt: skip
        typer.echo(report.data())
        model, score = _trained(held_out, report.probe_widths(probe), how, device)
        typer.echo(report.probe(model, score))
        report.measure(model, held_out.train_inputs[:samples], score)
        typer.echo(report.spectrum())
        typer.echo(report.advice())
        typer.echo(report.comparison())
        if picture is not None:
            from ..learning.design import draw_bond_spectrum

            axes = draw_bond_spectrum(report.bonds)
            axes[0].figure.savefig(picture, facecolor="white", bbox_inches="tight")
            typer.echo(f"picture      {picture}")


# --- the steps ----------------------------------------------------------------------------


def _trained(task, widths, how, device):
    """Return a probe and its score on the held-out samples."""
    from ..learning.experiments import Experiment
    from ..learning.training import keep_freed_memory

    keep_freed_memory()
    experiment = Experiment(channels=widths, **how)
    model = experiment.build_model(task)
    return model, experiment.fit(model, task, device=device).test_score


def _network(task, local_dim, share):
    """Return (n_sites, window, M, Y) for a task, and options of the model."""
    n_sites, width = task.train_inputs.shape[1:]
    n_outputs = task.n_classes or 1
    options = {"share": share}
    if task.n_classes is None:
        options["init"] = "normal"  # regressions start better so
    if n_sites == width:
        return (n_sites * width, 4, local_dim, n_outputs), options
    return (n_sites, 2, width + 1, n_outputs), options


class _Report:
    """What is printed, section by section."""

    def __init__(self, task, shape, budget, share):
        from ..learning import design

        self.lib, self.task, self.shape, self.budget, self.share = (
            design, task, shape, budget, share,
        )  # fmt: skip
        self.uniform = design.uniform_profile(*shape, budget, share)

    def data(self):
        n_sites, window, local_dim, _ = self.shape
        many, *form = self.task.train_inputs.shape
        kind = "images" if window == 4 else "sequences"
        to = "a number" if self.task.n_classes is None else f"{self.task.n_classes} classes"
        return (
            f"data         {many:,} {kind} of {' x '.join(map(str, form))} to train on; {to}\n"
            f"network      {n_sites} sites, windows of {window}, M = {local_dim}, "
            f"sharing: {self.share}"
        )

    def probe_widths(self, given):
        try:
            widths = _integers(given)
        except ValueError:
            raise ValueError(
                f"--probe must be integers with commas between them, got {given!r}"
            ) from None
        return widths or tuple(3 * r for r in self.uniform.channels)

    def probe(self, model, score):
        n_classes = self.task.n_classes
        of = "R^2" if n_classes is None else f"accuracy (chance {1 / n_classes:.2f})"
        return (
            f"probe        widths {_widths(model.architecture)}; on held-out samples: "
            f"{of} {score:.3f}"
        )

    def measure(self, model, inputs, score):
        chance = 1 / self.task.n_classes if self.task.n_classes else 0.0
        self.bonds = self.lib.bond_spectrum(model, inputs)
        self.found = self.lib.suggest_profile(
            self.bonds, self.budget, self.share, score=(score - chance) / (1 - chance)
        )

    def spectrum(self):
        bonds = self.bonds
        lines = ["", "  bond between            rank    cap   for 99 %   entropy"]
        names = self.lib.level_names(bonds.architecture)
        rows = zip(names, bonds.ranks(), bonds.caps, bonds.entropies, self._states(), strict=True)
        for level, (name, rank, cap, entropy, state) in enumerate(rows):
            for_99 = int((bonds.tails(level) > 0.01).sum())
            lines.append(
                f"  {name:<22}{rank:>6}{cap:>7}{for_99:>11}{entropy:>10.2f}   {state}"
            )
        lines += ["", "in demand    " + self._demand()]
        return "\n".join(lines)

    def _demand(self):
        """Return what the bonds ask of each layer; the probe's own width does not matter."""
        demands = enumerate(self.bonds.demands)
        return "channels of each layer: " + ", ".join(f"r{layer} {d}" for layer, d in demands)

    def _states(self):
        ceilings = self.lib.bond_ceilings(self.bonds.architecture)
        rows = zip(self.bonds.ranks(), self.bonds.starving, ceilings, strict=True)
        return [
            "starves: the probe is too narrow here" if starves
            else "full: no widths could carry more" if rank == ceiling
            else ""
            for rank, starves, ceiling in rows
        ]  # fmt: skip

    def advice(self):
        found = self.found
        lines = [
            f"advice       widths {_widths(found.architecture)}: {found.reason}",
            "             A heuristic. Nothing guarantees that it trains better than uniform.",
        ]
        if not found.trusted:
            lines.append("             This probe is NOT trusted: train it better or wider.")
        return "\n".join(lines)

    def comparison(self):
        """Return each profile's weights and its minimal cuts, one window at a time."""
        graded = {
            kind: self.lib.graded_profile(kind, *self.shape, self.budget, self.share)
            for kind in self.lib.KINDS
        }
        profiles = {"advised": self.found.architecture, "uniform": self.uniform} | graded
        names = self.lib.level_names(self.uniform)[:-1]
        lines = [
            "",
            f"  minimal cut of one window between {', '.join(names)}:",
            f"  {'':<11}{'widths':<26}{'weights':>8}   cuts",
        ]
        for name, network in profiles.items():
            cuts = "".join(f"{cut:>6}" for cut in self.lib.block_cuts(network))
            weights = network.parameter_count(self.share)
            lines.append(f"  {name:<11}{_widths(network):<26}{weights:>8,}{cuts}")
        return "\n".join(lines)


def _widths(architecture):
    return ", ".join(map(str, architecture.channels))


# --- the data -----------------------------------------------------------------------------


def _read(data, source):
    """Return the task that `data` names: one of ours, or the arrays of a .npz file."""
    from ..learning import tasks
    from ..learning.tasks.files import read_npz

    path = Path(data)
    if path.suffix != ".npz":
        if path.exists():
            raise ValueError(f"DATA must be a task's name or a .npz file, got {data}")
        return tasks.make(data, **({"source": source} if source else {}))
    if source:
        raise ValueError("--source must be left out with a file")
    return read_npz(path)
