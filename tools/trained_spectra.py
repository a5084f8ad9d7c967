"""Train the designs of Fig. 10 and measure what their bonds carry; write trained_spectra.json.

Every network of a study with the chosen r and seeds and a named design is trained in the
study's way; and each ConvAC with one matrix for all locations once more with a matrix of its
own for each of the four positions in a pooling window (share = "window-position"). Then, for
squares of 2 x 2 to 32 x 32 pixels, the bond between a square and the rest of the image is
measured:

- `needed`: the least number of directions to which what *all* squares of that size send up
  can be cut down, such that at most one point of test accuracy is lost. It asks the
  network, on real images, and so holds for a ConvNet too. `lost` is the accuracy lost with
  1, 2, ... directions left, until it is at most a quarter of a point.
- `shares`, `effective_rank`, `rank_that_counts` (ConvAC): the squared Schmidt values that
  `convac_workbench.bonds.bond_spectrum` measures on training images, their
  exp(entropy), and how many exceed 0.001; a surrogate where a square and the rest depend
  on each other.
- `state_effective_rank` (ConvAC): exp(entropy) of the coefficients tensor itself, exact,
  with orthonormal features and the ten classes as one more index of the rest.

    CONVAC_DATA=... python tools/trained_spectra.py --folder runs    an hour on one core
    CONVAC_DATA=... python tools/trained_spectra.py --folder runs --study studies/fig10_he.toml \\
        --models convnet --output book/data/trained_bonds.json       an hour and a half

The folder keeps the trained weights. It may be stopped at any moment: started again, it
does what is missing.
"""

import argparse
import math
import os
import platform
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from convac_book import book_data
from convac_lib.learning.models.tree import convolve
from convac_lib.learning.training import evaluate, keep_freed_memory, train
from convac_workbench.bonds import bond_spectrum
from convac_workbench.sweeps import Study, run_key

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "book" / "data" / "trained_spectra.json"
STUDY = ROOT / "studies" / "fig10_convac_all.toml"
NAMES = {"convnet": "ConvNet", "convac": "ConvAC"}
N_MEASURED = 1000  # training images from which the directions are taken
N_TESTED = 10_000  # test images on which a cut-down network is tried
N_SPECTRUM, MAX_NODES = 300, 32  # training images and squares of a size for the Schmidt values
TOLERANCE, STRICT = 0.01, 0.0025  # of test accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--study", type=Path, default=STUDY, help="whose networks")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the file to write")
    parser.add_argument("--r", type=int, default=12, help="the width of the designs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--models", nargs="+", choices=sorted(NAMES), default=["convac"])
    parser.add_argument("--designs", nargs="+", default=["wide-base", "wide-tip"])
    parser.add_argument("--test-images", type=int, default=N_TESTED, help="to lose accuracy on")
    parser.add_argument("--folder", type=Path, required=True, help="for the trained weights")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    chosen = experiments(options.study, options.r, options.seeds, options.models)
    chosen = [e for e in chosen if e.design in options.designs]
    rows = read_rows(options.output)
    for done, experiment in enumerate(chosen, 1):
        key = run_key(experiment.settings)
        if key not in {row["run"] for row in rows}:
            rows.append({"run": key, **measured(experiment, options)})
            write(options, rows)
        end = "\n" if done == len(chosen) else ""
        print(f"\r{done} of {len(chosen)} networks", end=end, file=sys.stderr, flush=True)


def experiments(study, r, seeds, models):
    """Return the study's runs of designs with that r and those seeds, and the ConvACs' second kind.

    ConvNets with average pooling are left out.
    """
    chosen = [
        e
        for e in Study.read(study).experiments
        if e.r == r and e.seed in seeds and e.model in models and "pooling" not in e.model_options
    ]
    if {e.seed for e in chosen} != set(seeds):
        raise SystemExit(f"{study.name} does not have {models} with r = {r} and the seeds {seeds}")
    told_apart = [
        # With the channels of a design given, an experiment would take them for a second design.
        replace(e, model_options={"share": "window-position"}, channels=())
        for e in chosen
        if e.model_options.get("share") == "all"
    ]
    return sorted([*chosen, *told_apart], key=lambda e: (e.seed, e.task, e.model))


def measured(experiment, options):
    """Train, or take the trained weights in the folder; measure, and return a row."""
    task, checkpoint = experiment.load_task(), options.folder / f"{run_key(experiment.settings)}.pt"
    model = experiment.build_model(task)
    how = {"device": "cpu", "checkpoint": checkpoint, "show_progress": False}
    result = train(model, task, experiment.recipe, **how)
    return {
        "task": experiment.task,
        "model": NAMES[experiment.model],
        "share": experiment.model_options.get("share", "all"),
        "design": experiment.design,
        "r": experiment.r,
        "seed": experiment.seed,
        "channels": list(experiment.channels),
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_accuracy": result.train,
        "test_accuracy": result.test,
        "seconds": round(result.seconds),
        "bonds": bonds(model, task, options.test_images),
    }


def bonds(model, task, n_tested=N_TESTED):
    """Return what is measured of the bonds, one dict for each size of a square."""
    channels = model.architecture.channels
    found = [
        {
            "side": 2**k,
            "cap": min(channels[k - 1], channels[k]),
            "needed": needed(lost),
            "lost": [round(part, 4) for part in lost],
        }
        for k, lost in enumerate(accuracy_lost(model, task, n_tested), 1)
    ]
    if hasattr(model, "to_weights"):
        spectrum = bond_spectrum(model, task.train_inputs[:N_SPECTRUM], max_nodes=MAX_NODES)
        exact = state_spectra(model.to_weights())
        for k, bond in enumerate(found, 1):
            bond["effective_rank"] = round(float(np.exp(spectrum.entropies[k])), 3)
            bond["rank_that_counts"] = spectrum.ranks()[k]
            bond["shares"] = [round(float(share), 6) for share in spectrum.shares[k]]
            bond["state_effective_rank"] = round(math.exp(entropy(exact[k - 1])), 3)
    return found


# --- directions needed ---------------------------------------------------------------------


def accuracy_lost(model, task, n_tested=N_TESTED):
    """Return for layers 1 to L-1 the accuracy lost with 1, 2, ... directions left, until it is
    next to nothing.

    What is cut down is z = W v, what the squares below a layer send into its products, for
    each of the positions in a window by a projection of its own, as the matrices may be.
    Which directions: that of an empty square always, since most squares are empty; then
    those that move the scores most, the principal components of z in the metric E[u u^T],
    where u is the gradient of a score by z, over the squares that are not empty.
    """
    images = torch.from_numpy(task.test_inputs[:n_tested])
    labels = torch.from_numpy(task.test_targets[:n_tested])
    seen = moments(model, torch.from_numpy(task.train_inputs[:N_MEASURED]))
    whole = evaluate(model, images, labels, task.n_classes)
    lost = []
    for layer in range(1, model.architecture.depth):
        positions = [dict(projectors(*moment)) for moment in zip(*seen[layer], strict=True)]
        counts = range(1, min(model.architecture.channels[layer - 1 : layer + 1]) + 1)
        changes = (cut_down(layer, [projector[n] for projector in positions]) for n in counts)
        lost.append([])
        for change in changes:
            lost[-1].append(whole - accuracy_with(model, change, images, labels))
            if round(lost[-1][-1], 6) <= STRICT:
                break
    return lost


def needed(lost):
    """Return the least number of directions that keeps the accuracy; by rounding, all of them."""
    return next((n for n, part in enumerate(lost, 1) if round(part, 6) <= TOLERANCE), len(lost))


def accuracy_with(model, change, images, labels):
    """Return the accuracy of a model with `change` at work; see `scores_with`."""

    def changed(batch):
        return scores_with(model, batch, change)

    return evaluate(changed, images, labels, model.architecture.n_outputs)


def scores_with(model, x, change):
    """Return the scores with ``change(layer, values, children)`` before every pooling.

    `values` has shape (window, rows, r), `children` are the rows below that each window
    joins, (window, rows); row 0 is the empty window.
    """
    tree, window = model.tree(x), model.architecture.window
    rows = model.start(tree)
    for layer, kernel in enumerate(model.kernels()):
        values = convolve(tree.join(layer, rows), kernel, window)
        rows = model.pool(layer, change(layer, values, tree.tables[layer]))
    return model.read(tree.join(model.architecture.depth, rows))


def moments(model, images, batch_size=250):
    """Return for each layer (E[u u^T], E[z z^T], z of an empty square), each for all positions.

    The means are over the squares with something in them; shapes (window, r, r) twice, and
    (window, r).
    """
    depth, kept = model.architecture.depth, {}

    def keep(layer, values, children):
        kept[layer] = values, children
        return values

    sums = [[0.0, 0.0, None] for _ in range(depth)]
    for batch in images.split(batch_size):
        scores = scores_with(model, batch, keep)
        layers = [kept[layer][0] for layer in range(depth)]
        for y in range(scores.shape[1]):
            gradients = torch.autograd.grad(scores[:, y].sum(), layers, retain_graph=True)
            for layer, gradient in enumerate(gradients):
                sums[layer][0] = sums[layer][0] + _second(gradient, kept[layer][1])
        for layer, values in enumerate(layers):
            sums[layer][1] = sums[layer][1] + _second(values.detach(), kept[layer][1])
            sums[layer][2] = values.detach()[:, 0].double()  # row 0 is the empty window
    return sums


def _second(vectors, children):
    """Sum z z^T over the rows, for each position, where the child has something in it."""
    vectors = vectors.double() * (children != 0).unsqueeze(-1)
    return vectors.transpose(1, 2) @ vectors


def projectors(push, spread, empty):
    """Yield (number of directions, projector), from one direction to all of them."""
    values, vectors = torch.linalg.eigh(push)
    values = values.clamp_min(0) + 1e-6 * values.max()
    if not values.max() > 0:  # nothing there moves a score
        values = torch.ones_like(values)
    root = (vectors * values.sqrt()) @ vectors.T
    inverse = (vectors * values.rsqrt()) @ vectors.T
    kept = (root @ empty)[:, None]
    kept = kept / kept.norm() if kept.norm() > 0 else kept[:, :0]  # a ConvNet's may be zero
    # The columns of Q beyond the first ones are all that is orthogonal to what is kept.
    others = torch.linalg.qr(kept, mode="complete").Q[:, kept.shape[1] :]
    _, components = torch.linalg.eigh(others.T @ root @ spread @ root @ others)
    basis = torch.cat([kept, others @ components.flip(1)], dim=1)
    for count in range(1, len(empty) + 1):
        some = basis[:, :count]
        yield count, inverse @ some @ some.T @ root


def cut_down(layer, projectors):
    """Return a change that projects what enters one layer's products, position by position."""
    stack = torch.stack(projectors)

    def change(at, values, children):
        return values @ stack.transpose(1, 2).to(values) if at == layer else values

    return change


# --- the state itself ----------------------------------------------------------------------


def state_spectra(weights):
    """Return the Schmidt probabilities of the first square of each size against the rest.

    Two Gram matrices of the bond's r vectors, one from below and one from above, have all
    of it: the eigenvalues of their product are the squared Schmidt values. From below, a
    layer maps G to the elementwise product over the window of W G W^T; from above, a child
    gets W^T (H * the same product over its three siblings) W. Windows of one layer are
    alike, so one is enough. Features are taken as orthonormal, as in the theory.

    Parameters
    ----------
    weights : list of ndarray
        [W_0, ..., W_{L-1}, dense], shared by all locations or by positions in windows of 4.

    Returns
    -------
    list of ndarray
        For squares of 2, 4, ... pixels; each sums to 1, largest first.
    """
    *layers, dense = [np.asarray(layer, dtype=float) for layer in weights]
    below, mixed = [np.eye(layers[0].shape[2])], []
    for kernels in layers:
        kernels = np.broadcast_to(kernels, (4, *kernels.shape[1:]))
        mixed.append(_unit(kernels @ below[-1] @ kernels.transpose(0, 2, 1)))
        below.append(_unit(mixed[-1].prod(axis=0)))
    above, spectra = dense.T @ dense, []
    for layer in reversed(range(1, len(layers))):
        first, siblings = layers[layer][0], mixed[layer][1:].prod(axis=0)
        above = _unit(first.T @ (above * siblings) @ first)
        squares = np.sort(np.linalg.eigvals(below[layer] @ above).real.clip(0))[::-1]
        spectra.append(squares / squares.sum())
    return spectra[::-1]


def _unit(matrices):
    return matrices / np.abs(matrices).max(axis=(-2, -1), keepdims=True)


def entropy(shares):
    """Return the entropy of shares that sum to 1, in nats."""
    shares = np.asarray(shares)[np.asarray(shares) > 0]
    return float(-(shares * np.log(shares)).sum())


# --- the file ------------------------------------------------------------------------------


def read_rows(path):
    """Return the rows of a file that is there."""
    return book_data.read(path)["rows"] if path.exists() else []


def write(options, rows):
    """Write the file whole or not at all, one network a line."""
    made = book_data.provenance(
        f"CONVAC_DATA=... python tools/trained_spectra.py {' '.join(sys.argv[1:])}",
        f"CPU ({platform.machine()}, {os.cpu_count()} cores, 1 thread)",
        models=sorted({row["model"] for row in rows}),
    )
    common = {
        "study": options.study.name,
        "images_measured": N_MEASURED,
        "images_tested": options.test_images,
        "images_for_schmidt_values": N_SPECTRUM,
        "accuracy_lost_at_most": TOLERANCE,
    }
    what = "what the bonds of trained wide-base and wide-tip networks carry, by block side"
    table = {"what": what, "provenance": made, "common": common, "rows": rows}
    book_data.write(options.output, table)


if __name__ == "__main__":
    main()
