"""Train ConvACs on data that are a tree, in the own order, shuffled, and arranged again.

    python tools/hierarchy_runs.py book/data/hierarchy_runs.json

Named before the runs: for each data set and width, shuffled against own order and arranged
against shuffled; the same on 8 x 8 digits, whose own order is that of the windows. One shuffle
and one start for each seed. The arrangement sees the training inputs and no labels. Rows that
the file has already are not made again. About half an hour on one core.
"""

import argparse
import os
import platform
from functools import reduce
from itertools import product
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from convac_book import book_data
from convac_book.random_hierarchy import draw_rules, sample
from convac_lib.partitions import morton_order
from convac_workbench.arrangement import (
    arrange,
    canonical_entropies,
    site_overlaps,
)

SYMBOLS, PRODUCTIONS, LEVELS = 4, 2, 4
N_TRAIN, N_TEST = 4000, 1500
ORDERS = ("own", "shuffled", "arranged")
KEY = ("data", "width", "order", "seed")


class ConvAC(nn.Module):
    """A ConvAC with nothing shared; features (batch, N, M) come in."""

    def __init__(self, n_sites, window, local_dim, width, classes):
        super().__init__()
        self.window, self.layers = window, nn.ParameterList()
        places, fan_in = n_sites, local_dim
        while places > 1:
            start = 1 + 0.3 * fan_in**0.5 * torch.randn(places, width, fan_in)
            self.layers.append(nn.Parameter(start / fan_in))
            places, fan_in = places // window, width
        self.dense = nn.Parameter(torch.randn(classes, width) / width**0.5)
        self.sharpness = nn.Parameter(torch.tensor(3.0))

    def forward(self, v):
        """Return scores divided by their common size."""
        for weight in self.layers:
            z = torch.einsum("bji,joi->bjo", v, weight)
            v = reduce(torch.mul, z.unflatten(1, (-1, self.window)).unbind(2))
            v = v / v.abs().amax(-1, keepdim=True).detach().clamp_min(1e-30)
        scores = v[:, 0] @ self.dense.T
        return self.sharpness * scores / scores.square().mean(-1, keepdim=True).sqrt()


def fit(x, y, window, width, seed, steps, batch):
    """Return a ConvAC trained on features (samples, N, M) and classes."""
    torch.manual_seed(seed)
    model = ConvAC(x.shape[1], window, x.shape[2], width, int(y.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, steps)
    for _ in range(steps):
        chosen = torch.randint(len(x), (batch,))
        loss = cross_entropy(model(x[chosen]), y[chosen])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def accuracy(model, x, y):
    """Return the part of the samples that are classified rightly."""
    return (model(x).argmax(1) == y).float().mean().item()


# --- the data -----------------------------------------------------------------------------


def hierarchy(number):
    """Return features (samples, 16, 4) and classes, to train on and to test on."""
    rng = np.random.default_rng(number)
    rules = draw_rules(rng, LEVELS, SYMBOLS, PRODUCTIONS)
    leaves, roots = sample(rules, rng, N_TRAIN + N_TEST)
    features = np.eye(SYMBOLS, dtype=np.float32)[leaves]
    return (features[:N_TRAIN], roots[:N_TRAIN]), (features[N_TRAIN:], roots[N_TRAIN:])


def digits(seed):
    """Return (numbers, classes) of digits in the order of the windows, split by a seed."""
    data = load_digits()
    numbers = (data.images / 16).reshape(-1, 64)[:, morton_order(8)]
    order = np.random.default_rng(seed).permutation(len(numbers))
    return tuple((numbers[part], data.target[part]) for part in (order[:1397], order[1397:]))


def waves(numbers):
    """Return the features cos and sin of a quarter turn, (samples, N, 2)."""
    angle = np.pi / 2 * numbers
    return np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)


def ordered(inputs, order, seed):
    """Return the order of the sites that a run sees."""
    own = np.arange(inputs.shape[1])
    shuffle = np.random.default_rng((seed, 1)).permutation(own)
    if order != "arranged":
        return shuffle if order == "shuffled" else own
    return shuffle[arrange(inputs[:, shuffle], starts=20, seed=seed).order]


def run(data, width, order, seed):
    """Return the row of one network."""
    if data == "digits":
        (x, y), (test_x, test_y) = digits(seed)
        sites = ordered(x, order, seed)
        overlaps = site_overlaps(x[:200], np.pi / 4)
        features, test_features = waves(x), waves(test_x)
        window, steps, batch = 4, 400, 64
    else:
        (x, y), (test_x, test_y) = hierarchy(data)
        sites = ordered(x, order, seed)
        overlaps = site_overlaps(x[:200])
        features, test_features = x, test_x
        window, steps, batch = 2, 500, 128
    train = torch.tensor(features[:, sites]), torch.tensor(y)
    test = torch.tensor(test_features[:, sites]), torch.tensor(test_y)
    model = fit(*train, window, width, seed, steps, batch)
    return {
        "data": data, "width": width, "order": order, "seed": seed,
        "train_accuracy": round(accuracy(model, *train), 5),
        "test_accuracy": round(accuracy(model, *test), 5),
        "entropies": [round(s, 5) for s in canonical_entropies(overlaps, sites)],
    }  # fmt: skip


# --- the file -----------------------------------------------------------------------------


def plan():
    """Return the keys of all runs."""
    trees = [(d, w, o, s) for d, w, s, o in product(range(5), (12, 8), range(5), ORDERS)]
    return trees + [("digits", 8, o, s) for s, o in product(range(5), ORDERS)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kept", type=Path, help="the JSON file to write")
    kept = parser.parse_args().kept
    torch.set_num_threads(1)
    book_data.complete(kept, plan(), KEY, run, as_table)


def as_table(rows):
    """Return the table of the book: what, who made it, what holds for all rows."""
    return {
        "what": "ConvACs on data made by a tree, and on digits, in three orders of the sites",
        "provenance": book_data.provenance(
            "python tools/hierarchy_runs.py book/data/hierarchy_runs.json",
            f"CPU ({platform.machine()}, {os.cpu_count()} cores, 1 thread)",
        ),
        "common": {
            "symbols": SYMBOLS,
            "productions": PRODUCTIONS,
            "sites": {"trees": 2**LEVELS, "digits": 64},
            "window": {"trees": 2, "digits": 4},
            "steps": {"trees": 500, "digits": 400},
            "training_samples": {"trees": N_TRAIN, "digits": 1397},
            "optimizer": "Adam, one cycle to 0.01",
        },
        "rows": rows,
    }


if __name__ == "__main__":
    main()
