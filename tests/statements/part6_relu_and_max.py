"""ReLU and max: every network goes image by image (`beyond_nets`), in exact integers."""

from itertools import product

import numpy as np
from beyond_nets import rank, table, tree_values

from .by_hand import shapes, words
from .frame import statement

MOST = {"none": 10**6, "window-position": 2, "all": 1}  # different matrices of a layer


def drawn(widths, n_sites, seed, window=2, share="none", high=9):
    """Random weights of both signs; the dense layer is a row."""
    rng = np.random.default_rng(seed)
    layers = [
        rng.integers(-high, high + 1, (min(places, MOST[share]), *matrix))
        for places, *matrix in shapes(widths, window, n_sites)
    ]
    return [*layers, rng.integers(-high, high + 1, (1, widths[-1]))]


def one_hot(J):
    return np.eye(J, dtype=int)


def as_sides(word):
    return np.array([letter == "A" for letter in word])


def rank_of(word, weights, features, **how):
    """Rank of the grid tensor of a tree."""
    return rank(table(tree_values(weights, features, **how), as_sides(word), len(features)))


def interleaved_word(n_sites):
    return "AB" * (n_sites // 2)


def halves_word(n_sites):
    return "A" * (n_sites // 2) + "B" * (n_sites // 2)


# --- max pooling --------------------------------------------------------------------------


def passing(widths, n_sites, direction, window, share):
    """The largest of the sites' values of one combination, and room to move the weights."""
    weights = [0 * w for w in drawn(widths, n_sites, 0, window, share)]
    weights[0][:, 0] = 1000 * np.asarray(direction)
    for layer in weights[1:]:
        layer[..., 0, 0] = 1000
    return weights


def near(weights, seed, with_biases):
    rng = np.random.default_rng(seed)
    moved = [w + rng.integers(-9, 10, w.shape) for w in weights]
    biases = [rng.integers(-9, 10, w.shape[:2]) for w in weights[:-1]]
    return {"weights": moved, "biases": biases if with_biases else None}


@statement(
    "thm-one-max-channel",
    inside=[
        *[((J, 1, 1, 1), word, one_hot(J)) for J in (2, 3) for word in words(8, 3, J)],
        *[((3, 3, 1, 2), word, one_hot(3), "max", 2, "none", True) for word in words(8, 3)],
        *[
            ((3, 2, 2), word, one_hot(3), "max", 2, share)
            for word in ("ABBB", "AABB")
            for share in ("window-position", "all")
        ],
        ((2, 2, 1), "ABBABAAAB", one_hot(2), "max", 3),
        ((4, 3), "ABAA", one_hot(4), "max", 4),
        ((2, 1, 2), "ABBA", np.array([[1, 1], [2, 1], [3, 2]])),  # 2 x - y takes 1, 3, 4
    ],
    outside={
        "different positive values": ((1, 1), "AB", np.array([[-2], [-1], [1], [2]])),
        "max pooling, not average": ((4, 1, 1), "AABB", one_hot(4), "average"),
        "max pooling, not products": ((4, 1), "AB", one_hot(4), "product"),
        "neither side is empty": ((3, 1, 1), "AAAA", one_hot(3)),
    },
)
def all_weights_near_some_have_rank_j(
    widths, word, features, pooling="max", window=2, share="none", biases=False
):
    line = [2, -1] if widths[0] < len(features) else np.arange(1, widths[0] + 1)
    tried = [passing(widths, len(word), line[: widths[0]], window, share)]
    tried += [
        [1000 * w for w in drawn(widths, len(word), seed, window, share)] for seed in range(20)
    ]
    how = {"features": features, "window": window, "pooling": pooling}
    return any(
        all(rank_of(word, **near(one, s, biases), **how) >= len(features) for s in range(4))
        for one in tried
    )


def ceiling(word, J):
    return min(word.count("A"), word.count("B")) * (J - 1) + 1


@statement(
    "prop-one-channel-ceiling",
    inside=[
        *[(word, J, 1, seed) for J in (2, 3) for seed, word in enumerate(words(8, 4, J))],
        *[("ABBA", 4, 1, seed, False, one_hot(4)[:, :2] - 1) for seed in range(3)],
    ],
    outside={
        "one channel in every layer": ("ABABABAB", 2, 2, 0),
        "no biases": ("ABAB", 2, 1, 0, True),
    },
)
def one_channel_is_never_above_its_ceiling(word, J, r, seed, biases=False, features=None):
    features = one_hot(J) if features is None else features
    n_layers = len(word).bit_length() - 1
    widths = (features.shape[1], *[r] * n_layers)
    for one in range(12 * seed, 12 * seed + 12):
        weights = drawn(widths, len(word), one, high=99)
        weights = [abs(w) for w in weights] if one % 3 == 0 else weights
        if rank_of(word, weights, features) > ceiling(word, J):
            return False
    if biases:  # a negative weight and a bias turn a maximum of two sites into a minimum
        weights = [np.array([[[0, 2]], [[0, 2]], [[0, 3]], [[0, 3]]])]
        weights += [np.array([[[-1]], [[-1]]]), np.array([[1]])]
        shifts = [np.zeros((4, 1), dtype=int), np.array([[3], [5]])]
        return rank_of(word, weights, features, biases=shifts) <= ceiling(word, J)
    return True


def interlaced(word, J):
    """One channel; the values that A can show and those of B lie in turn."""
    side = as_sides(word)
    pairs = zip(np.flatnonzero(side), np.flatnonzero(~side), strict=False)
    turns = [site for pair in pairs for site in pair]
    first = np.ones((len(word), 1, J), dtype=int)
    for place, site in enumerate(turns):
        first[site, 0] = 2 + place + len(turns) * np.arange(J)
    n_layers = len(word).bit_length() - 1
    return [first, *[np.ones((1, 1, 1), dtype=int)] * (n_layers - 1), np.ones((1, 1), dtype=int)]


@statement(
    "prop-one-channel-ceiling",
    inside=[
        *[("".join(word), 3) for word in product("AB", repeat=4) if len(set(word)) == 2],
        *[(word, 3) for word in words(8, 4)],
        *[(word, 4) for word in ("AAAABBBB", "ABBAABBA")],
    ],
    outside={"one-hot features": ("AABB", 4, np.array([[-2], [-1], [1], [2]]))},
)
def some_weights_reach_the_ceiling(word, J, features=None):
    if features is None:
        return rank_of(word, interlaced(word, J), one_hot(J)) == ceiling(word, J)
    widths = (features.shape[1], 1, 1)
    draws = (drawn(widths, len(word), seed) for seed in range(200))
    return max(rank_of(word, weights, features) for weights in draws) == ceiling(word, J)


def adding(J, depth):
    """An even number for each setting of the left half, an odd one for the right."""
    n_sites = 2**depth
    weights = [0 * w for w in drawn((J, *(2,) * (depth - 1), 1), n_sites, 0)]
    for site in range(n_sites):
        digits = 2 * J ** (site % (n_sites // 2)) * np.arange(J)
        weights[0][site, site % 2 if depth > 1 else 0] = digits + (site == n_sites // 2)
    for layer in weights[1:-2]:
        for place in range(len(layer)):
            layer[place, place % 2] = 1
    for layer in weights[max(1, depth - 1) :]:
        layer[:] = 1
    return weights


@statement(
    "prop-two-channels",
    inside=[(2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (5, 1)],
    outside={
        "the second channel": (3, 3, 1),
        "windows of two": (3, 2, 2, 4),
    },
)
def two_channels_fill_the_halves(J, depth, r=2, window=2):
    n_sites = 2**depth
    word, room = halves_word(n_sites), J ** (n_sites // 2)
    if (r, window) == (2, 2):
        return rank_of(word, adding(J, depth), one_hot(J)) == room
    depth = 1 if window == n_sites else depth
    widths = (J, *(r,) * (depth - 1), 1)
    tried = [drawn(widths, n_sites, seed, window, high=99) for seed in range(30)]
    tried += [interlaced(word, J)] if window == 2 else []
    return max(rank_of(word, weights, one_hot(J), window=window) for weights in tried) == room


# --- average pooling ----------------------------------------------------------------------


def average_bound(word, J):
    half = len(word) // 2
    a, b = ([part.count(side) for part in (word[:half], word[half:])] for side in "AB")
    both = (min(pair) for pair in zip(a, b, strict=True))
    return min(sum(J**n for n in a) - 1, sum(J**n for n in b) - 1, sum(J**n for n in both))


def average_rank(word, J, seed, form, r=12):
    """Rank of a network of which the left and the right half are added at the top, or not."""
    n_layers, rng = len(word).bit_length() - 1, np.random.default_rng(seed)
    weights = drawn((J, *[r] * n_layers), len(word), seed, high=20)
    how = {"pooling": "average"}
    if form == "max below":
        how = {"pooling": "max", "top": "average"}
        how["biases"] = [rng.integers(-9, 10, w.shape[:2]) for w in weights[:-1]]
    if form == "max at the top":
        how["top"] = "max"
    if form == "hidden layer":
        how["hidden"] = rng.integers(-20, 21, (2 * r, r))
        weights[-1] = rng.integers(-20, 21, (1, 2 * r))
    values = tree_values(weights, one_hot(J), **how)
    if form == "other halves":  # the sites of the two vectors lie in turn
        values = values.reshape((J,) * len(word))
        values = values.transpose(np.argsort([*range(0, len(word), 2), *range(1, len(word), 2)]))
    return rank(table(values.ravel(), as_sides(word), J))


@statement(
    "thm-average-adds",
    inside=[
        (word, J, seed, form)
        for J in (2, 3)
        for form in ("average", "max below")
        for seed, word in enumerate(["AAAABBBB", "ABABABAB", *words(8, 4, J)])
    ],
    outside={
        "nothing between the sum and the readout": ("AAAABBBB", 3, 0, "hidden layer"),
        "a sum at the top": ("AAAABBBB", 3, 0, "max at the top"),
        "one vector of each half": ("AAAABBBB", 3, 0, "other halves"),
    },
)
def average_pooling_stays_below(word, J, seed, form):
    return average_rank(word, J, seed, form) <= average_bound(word, J)


@statement(
    "cor-average-not-universal",
    inside=[(4, 2, "average"), (4, 3, "average"), (8, 2, "average"), (8, 3, "max below")],
    outside={
        "at least four sites": (2, 2, "average"),
        "at least two templates": (4, 1, "average"),
        "a linear readout": (4, 2, "hidden layer"),
        "average pooling": (4, 2, "max at the top"),
    },
)
def no_widths_fill_the_interleaved_partition(n_sites, J, form):
    word, room = "AB" * (n_sites // 2), J ** (n_sites // 2)
    reached = max(average_rank(word, J, seed, form, r) for seed in range(3) for r in (3, 12))
    return reached < room and (n_sites < 4 or reached <= 2 * J ** (n_sites // 4) - 1)


# --- dead regions -------------------------------------------------------------------------


@statement(
    "prop-dead-regions",
    inside=[
        *[
            (layer, pooling, biases)
            for layer in (0, 1, 2)
            for pooling in ("max", "average")
            for biases in (0, -5)
        ],
        *[("half", pooling, biases) for pooling in ("max", "average") for biases in (0, -5)],
    ],
    outside={
        "features are not negative": (0, "max", 0, one_hot(3) - 1),
        "biases are not positive": (1, "max", 10**6),
        "biases are not positive, half": ("half", "max", 10**6),
        "all weights of the layer": (1, "max", 0, one_hot(3), 1),
        "all weights on the right half": ("half", "max", 0, one_hot(3), 1),
        "ReLU": (1, "product", 0),
    },
)
def negative_weights_are_dead(layer, pooling, biases, features=None, kept=0):
    features = one_hot(3) if features is None else features
    for seed in range(4):
        weights = drawn((3, 3, 3, 3), 8, seed)
        dead = weights[2][1] if layer == "half" else weights[layer]
        dead[...] = -1 - abs(dead)
        dead[..., 0][:kept] = 9
        shifts = [np.zeros(w.shape[:2], dtype=int) for w in weights[:-1]]
        shifts[2 if layer == "half" else layer] += biases
        if layer == "half":
            if rank_of("AAAABBBB", weights, features, pooling=pooling, biases=shifts) > 1:
                return False
        elif len(set(tree_values(weights, features, pooling=pooling, biases=shifts))) > 1:
            return False
    return True
