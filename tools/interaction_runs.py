"""Train networks of several kinds, and ask each how it joins two groups of pixels.

    python tools/interaction_runs.py book/data/interaction_runs.json

Two settings. *Digits*: scikit-learn's 8 x 8 digits, left half against right half. *Pairs*: two
digits side by side, drawn independently, so that every joined pair of sides is a possible
input; three questions about them. Named before the runs: on pairs, the share for parity against
the share for the left digit, kind by kind; on digits, MLP against ConvAC against f + g, and the
MLP with and without layer normalisation.

Rows that the file has already are not made again. About half an hour on one core.
"""

import argparse
import os
import platform
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from convac_book import book_data
from convac_lib import Architecture
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.partitions import to_sites
from convac_workbench.additive import Additive
from convac_workbench.asking import answers
from convac_workbench.interaction import area_under_roc, best_sum, interaction

SEEDS = range(5)
N_TEST, BATCH = 400, 64
N_ASKED = {"digits": 40, "pairs": 80}
QUESTIONS = ("left", "parity", "equal")


# --- the networks -------------------------------------------------------------------------


def mlp(side, width, classes, norm=False):
    """Two hidden layers of 128; with `norm`, layer normalisation before each ReLU."""
    layers, incoming = [nn.Flatten()], side * width
    for _ in range(2):
        layers += [nn.Linear(incoming, 128), *([nn.LayerNorm(128)] * norm), nn.ReLU()]
        incoming = 128
    return nn.Sequential(*layers, nn.Linear(incoming, classes))


def linear(side, width, classes):
    """A linear classifier."""
    return nn.Sequential(nn.Flatten(), nn.Linear(side * width, classes))


def additive(side, width, classes):
    """One MLP for the left half and one for the right, added."""
    left = np.arange(side * width).reshape(side, width) % width < width // 2
    f, g = mlp(side, width, classes), mlp(side, width, classes)
    return Additive(f, g, left, np.zeros((side, width), dtype=np.float32))


def cnn(side, width, classes):
    """Two 3x3 convolutions of 16 and 32 channels, with max pooling, and one hidden layer."""
    return nn.Sequential(
        nn.Unflatten(1, (1, side)),
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * side * width // 16, 64), nn.ReLU(), nn.Linear(64, classes),
    )  # fmt: skip


class Sites(nn.Module):
    """An image of one or two squares as a line of sites, each square in Morton order."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        """Return the scores of images (batch, side, side) or (batch, side, 2 side)."""
        squares = [to_sites(square) for square in x.split(x.shape[1], dim=2)]
        return self.model(torch.cat(squares, 1)[..., None])


def convac(side, width, classes):
    """A ConvAC, weights by position: an image tree of 16 channels, a line of 32 for two squares.

    The start and the rate of the line were chosen on seed 0, among ten, for parity to be learned.
    """
    if side == width:
        net = Architecture.for_image(side, 2, (16, 16, 16), n_outputs=classes)
        return ConvAC(net, representation="cos-sin", head="normalized")
    depth = int(np.log2(side * width))
    net = Architecture.line(2, (32,) * depth, n_outputs=classes)
    return Sites(ConvAC(net, representation="cos-sin", head="normalized", noise=1.0))


def convnet(side, width, classes):
    """The paper's ConvNet, with the library's start, which keeps the signal."""
    return ConvNet(Architecture.for_image(side, 10, (16, 16, 16), n_outputs=classes))


DIGITS = {
    "linear": linear, "f + g": additive, "MLP": mlp, "MLP, LayerNorm": partial(mlp, norm=True),
    "CNN": cnn, "ConvNet": convnet, "ConvAC": convac,
}  # fmt: skip
PAIRS = {"MLP": mlp, "CNN": cnn, "ConvAC": convac, "f + g": additive}
STEPS = {
    "ConvNet": {"digits": 1600},
    "ConvAC": {"digits": 800, "left": 1600, "parity": 3000, "equal": 3000},
}
RATE = {"ConvNet": 5e-3, "CNN": 5e-3, ("pairs", "ConvAC"): 3e-3}


# --- the data -----------------------------------------------------------------------------


def split(seed):
    """Return (images, labels) to train on and to test on."""
    data = load_digits()
    images, labels = torch.tensor(data.images / 16).float(), torch.tensor(data.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    learn, test = order[:-N_TEST], order[-N_TEST:]
    return (images[learn], labels[learn]), (images[test], labels[test])


def pair(images, labels, question, count, generator):
    """Return images (count, 8, 16) of two digits, and the answers to a question."""
    a, b = torch.randint(len(images), (2, count), generator=generator)
    both = torch.cat([images[a], images[b]], 2)
    return both, answer(labels[a], labels[b], question)


def answer(a, b, question):
    """Return the class of two digits: is the left one odd, the sum, or are they equal?"""
    a = a + 0 * b
    return {"left": a % 2, "parity": (a + b) % 2, "equal": (a == b).long()}[question]


# --- one run ------------------------------------------------------------------------------


def train(model, draw, steps, rate):
    """Train on `steps` batches that `draw` gives; AdamW, one cycle."""
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    for _ in range(steps):
        x, y = draw()
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()


def run(setting, kind, question, seed):
    """Return the row of one network."""
    (x, y), (test_x, test_y) = split(seed)
    generator = torch.Generator().manual_seed(1000 + seed)
    torch.manual_seed(seed)
    if setting == "digits":
        model, steps = DIGITS[kind](8, 8, 10), STEPS.get(kind, {}).get("digits", 400)

        def draw():
            chosen = torch.randint(len(x), (BATCH,), generator=generator)
            return x[chosen], y[chosen]
    else:
        model, steps = PAIRS[kind](8, 16, 2), STEPS.get(kind, {}).get(question, 800)
        draw = partial(pair, x, y, question, BATCH, generator)
        test_x, test_y = pair(test_x, test_y, question, 2000, generator)
    train(model, draw, steps, RATE.get((setting, kind), RATE.get(kind, 1e-2)))
    model.eval()
    width = test_x.shape[2]
    left = np.arange(8 * width).reshape(8, width) % width < width // 2
    found = interaction(
        model, test_x.numpy(), left, test_y.numpy(), n=N_ASKED[setting], softmax=True
    )
    with torch.no_grad():
        accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
    row = {"setting": setting, "kind": kind, "question": question, "seed": seed,
           "steps": steps, "accuracy": accuracy, **vars(found)}  # fmt: skip
    if setting == "pairs":
        row |= areas(model, *split(seed)[1], question)
    return {key: round(v, 5) if isinstance(v, float) else v for key, v in row.items()}


def areas(model, images, labels, question, n=80):
    """Return the area under the ROC curve over all pairs of n digits, with and without f + g."""
    images, labels = images[:n].numpy(), labels[:n]
    both = np.concatenate([images, images], 2)
    left = np.arange(128).reshape(8, 16) % 16 < 8
    matrix = answers(model, both, left)
    off = ~np.eye(n, dtype=bool)
    mean, f, g = best_sum(matrix)
    positive = (answer(labels[:, None], labels, question) > 0).numpy()[off]
    areas = {}
    for name, logits in (("auc_pairs", matrix), ("auc_pairs_without", mean + f[:, None] + g)):
        areas[name] = area_under_roc((logits[..., 1] - logits[..., 0])[off], positive)
    return areas


# --- the file -----------------------------------------------------------------------------

KEY = ("setting", "kind", "question", "seed")


def plan():
    """Return the keys of all runs."""
    runs = [("digits", kind, "which digit", seed) for kind in DIGITS for seed in SEEDS]
    return runs + [("pairs", *rest) for rest in product(PAIRS, QUESTIONS, SEEDS)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kept", type=Path, help="the JSON file to write")
    kept = parser.parse_args().kept
    torch.set_num_threads(1)
    book_data.complete(kept, plan(), KEY, run, as_table)


def as_table(rows):
    """Return the table of the book: what, who made it, what holds for all rows."""
    return {
        "what": "how networks of several kinds join the left and the right half of an image",
        "provenance": book_data.provenance(
            "python tools/interaction_runs.py book/data/interaction_runs.json",
            f"CPU ({platform.machine()}, {os.cpu_count()} cores, 1 thread)",
        ),
        "common": {
            "test_images": N_TEST,
            "batch": BATCH,
            "optimizer": "AdamW, one cycle",
            "images_asked": N_ASKED,
        },
        "rows": rows,
    }


if __name__ == "__main__":
    main()
