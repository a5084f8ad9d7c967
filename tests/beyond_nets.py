"""Networks beyond the ConvAC, evaluated image by image: the slow witnesses of Part 6.

The pages build grid tensors by a recursion. Here every image made of templates goes through
the network by itself, in exact integers, and its value is put where it belongs.
"""

from itertools import pairwise, product

import numpy as np

PRIME = 2147483629  # the largest below 2^31 but one: products of residues fit int64


def images(n_sites, n_templates):
    """Return all images of templates, shape (n_templates**n_sites, n_sites), the last fastest."""
    return np.array(list(product(range(n_templates), repeat=n_sites)))


def table(values, partition, n_templates):
    """Return the values on all images as a matrix, A's settings as rows, B's as columns."""
    partition = np.asarray(partition)
    tensor = np.asarray(values).reshape((n_templates,) * len(partition))
    sides = np.flatnonzero(partition), np.flatnonzero(~partition)
    rows = n_templates ** len(sides[0])
    return tensor.transpose(*sides[0], *sides[1]).reshape(rows, -1)


def sides(n_sites, in_a):
    """Return the partition whose side A are the sites listed."""
    partition = np.zeros(n_sites, dtype=bool)
    partition[list(in_a)] = True
    return partition


def all_partitions(n_sites):
    """Yield every partition with two sides that are not empty, up to exchanging the sides."""
    for word in product((True, False), repeat=n_sites - 1):
        partition = np.array([True, *word])
        if not partition.all():
            yield partition


def rank(matrix, prime=PRIME):
    """Return the rank modulo a prime of a matrix of integers."""
    return int(ranks([matrix], prime)[0])


def ranks(matrices, prime=PRIME):
    """Return the ranks modulo a prime of matrices of one shape, by elimination on all at once."""
    a = np.array([np.asarray(matrix) % prime for matrix in matrices]).astype(np.int64)
    if a.shape[1] < a.shape[2]:  # one step for each column
        a = a.transpose(0, 2, 1).copy()
    many, rows, columns = a.shape
    found = np.zeros(many, dtype=int)
    for column in range(columns):
        left = np.where(np.arange(rows) >= found[:, None], a[:, :, column], 0)
        pivot = (left != 0).argmax(axis=1)
        chosen = np.flatnonzero(left[np.arange(many), pivot])
        if not len(chosen):
            continue
        row, pivot = found[chosen], pivot[chosen]
        a[chosen, row], a[chosen, pivot] = a[chosen, pivot], a[chosen, row].copy()
        inverse = [pow(int(x), -1, prime) for x in a[chosen, row, column]]
        a[chosen, row] = a[chosen, row] * np.array(inverse)[:, None] % prime
        factor = np.where(np.arange(rows) > row[:, None], a[chosen, :, column], 0)
        a[chosen] = (a[chosen] - factor[:, :, None] * a[chosen, row][:, None] % prime) % prime
        found[chosen] += 1
    return found


# --- trees with any pooling ---------------------------------------------------------------

POOLS = {"product": np.prod, "max": np.max, "average": np.sum}


def tree_values(weights, features, window=2, pooling="max", biases=None, hidden=None, top=None):
    """Return a tree's values on all images of templates, forward pass by forward pass.

    Parameters
    ----------
    weights : list of ndarray
        [W_0, ..., W_{L-1}, dense] as the library has them, integers.
    features : ndarray, shape (T, M)
        f_d of each template.
    pooling : {"product", "max", "average"}
        After ReLU, but for products, which have none. An average is taken as a sum.
    biases : list of ndarray, optional
        One of shape (G, r_l) for each layer.
    hidden : ndarray, optional
        A matrix for one more layer with ReLU after the last pooling.
    top : str, optional
        The last layer's pooling, if it differs.
    """
    *layers, dense = weights
    n_sites = window ** len(layers)
    v = np.asarray(features)[images(n_sites, len(features))]  # (images, sites, M)
    for number, layer in enumerate(layers):
        matrix = layer[np.arange(v.shape[1]) % len(layer)]
        z = (v[:, :, None, :] * matrix).sum(-1)
        if biases is not None:
            z = z + biases[number][np.arange(v.shape[1]) % len(biases[number])]
        if pooling != "product":
            z = np.maximum(z, 0)
        pool = POOLS[top if top and number == len(layers) - 1 else pooling]
        v = pool(z.reshape(len(z), -1, window, z.shape[-1]), axis=2)
        exact = v.dtype == object or abs(v.astype(float)).max(initial=0) < 2**62
        assert exact, "integers overflow: give Python's own"
    v = v[:, 0]
    if hidden is not None:
        v = np.maximum(v @ hidden.T, 0)
    return v @ dense[0]


# --- windows that overlap, and recurrence: modulo PRIME, every product reduced ------------


def residues(rng, *shape):
    """Return random integers modulo PRIME, in int64."""
    return rng.integers(0, PRIME, shape)


def overlap_weights(rng, n_sites, reach, widths, share=False, shared_v=False):
    """Return (layers, v, u) of a product network with windows of `reach` at stride 1.

    `widths` = (M, r_1, ..., r_L, R): layer l maps r_{l-1} channels to r_l, then every position
    has R vectors v, whose products over all positions are summed with u.
    """
    *hidden, last = widths
    layers, places = [], n_sites
    for incoming, outgoing in pairwise(hidden):
        places -= reach - 1
        layers.append(residues(rng, 1 if share else places, reach, outgoing, incoming))
    v = residues(rng, 1 if shared_v else places, last, hidden[-1])
    return layers, v, residues(rng, last)


def overlap_values(n_sites, layers, v, u, features):
    """Return the network's values on all images of templates, modulo PRIME."""
    x = np.asarray(features)[images(n_sites, len(features))] % PRIME  # (images, sites, M)
    for layer in layers:
        reach = layer.shape[1]
        places = x.shape[1] - reach + 1
        out = np.ones((len(x), places, layer.shape[2]), dtype=np.int64)
        for offset in range(reach):
            matrix = layer[np.arange(places) % len(layer), offset]
            out = out * _apply(matrix, x[:, offset : offset + places]) % PRIME
        x = out
    per_place = _apply(v[np.arange(x.shape[1]) % len(v)], x)  # (images, places, R)
    score = np.ones(per_place[:, 0].shape, dtype=np.int64)
    for place in range(per_place.shape[1]):
        score = score * per_place[:, place] % PRIME
    return (score * u % PRIME).sum(-1) % PRIME


def _apply(matrix, x):
    """Return matrix[place] @ x[image, place], every product reduced."""
    total = 0
    for channel in range(x.shape[-1]):
        total = (total + x[..., channel, None] * matrix[..., channel] % PRIME) % PRIME
    return total


def recurrent_values(n_steps, depth, width, features, rng, start=None):
    """Return a recurrent arithmetic circuit's values on all sequences of templates.

    h^l_t = (W^l h^l_{t-1}) * (V^l h^{l-1}_t) with h^0_t = f(x_t); weights are the same at
    every step, the score is u . h^D_N.
    """
    features = np.asarray(features) % PRIME
    x = features[images(n_steps, len(features))]
    W = residues(rng, depth, width, width)
    V = [residues(rng, width, width if layer else x.shape[-1]) for layer in range(depth)]
    h = residues(rng, depth, width) if start is None else np.full((depth, width), start)
    states = [np.broadcast_to(vector, (len(x), width)) for vector in h]
    for step in range(n_steps):
        below = x[:, step]
        for layer in range(depth):
            kept, new = _apply(W[layer], states[layer]), _apply(V[layer], below)
            states[layer] = below = kept * new % PRIME
    return _apply(residues(rng, 1, width), states[-1])[:, 0]
