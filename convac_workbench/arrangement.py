"""In which order the sites of some data should hang on a tree.

A tree joins neighbours first. So sites that go together should be near each other, and the
pairs that a tree parts high up should have little to do with each other. The order is found
from pairwise correlations by parting the sites in two halves with the least correlation
across, then each half in the same way (a recursive balanced minimal cut, after Alexander et
al. 2023). What it is worth is told by the entropy of the data tensor across the **canonical
partitions**: one block of the tree against all other sites.

NumPy only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from convac_lib._arrays import as_array, as_generator, as_inexact, as_numbers, refuse_beyond_memory
from convac_lib._arrays import refuse_overflow as in_range
from convac_lib._validation import as_int, as_number, shown

FEWEST = 20  # samples: with fewer a correlation is noise
MOST_STARTS, MOST_SITES = 10_000, 2**20
NULL_ORDERS = 20  # correlations dealt out anew; the chance of a false tree is 1 in 21


@dataclass(frozen=True, eq=False)
class Arrangement:
    """An order of the sites, and what it is worth.

    Attributes
    ----------
    order : ndarray of int, shape (N,)
        The sites in their new order: place k holds site ``order[k]``.
    cost_before, cost_after : float
        How high up the tree correlated pairs are parted: 1 is the average over all orders,
        less is better (:func:`tree_cost`).
    cost_by_chance : float
        The least cost found if the same correlations are dealt out among the pairs at
        random, over 20 deals.
    constant : int
        How many sites are the same in all samples; they may hang anywhere.
    """

    order: np.ndarray
    cost_before: float
    cost_after: float
    cost_by_chance: float
    constant: int

    @property
    def has_tree(self) -> bool:
        """Whether the correlations are arranged as no chance would: a tree was found."""
        return self.cost_after < self.cost_by_chance


def arrange(inputs: ArrayLike, *, starts: int = 10, seed: int = 0) -> Arrangement:
    """Find an order in which data suit a tree, from pairwise correlations.

    Parameters
    ----------
    inputs : array_like, shape (samples, N) or (samples, N, features)
        One number for each site, or several, such as a one-hot vector for a symbol.
    starts : int
        Random halves that each bisection starts from.
    seed : int
        Of the starts, and of the correlations dealt out by chance.

    Returns
    -------
    Arrangement

    Raises
    ------
    ValueError
        If the array has another shape, holds NaN, has fewer than 4 sites or 20 samples, or
        if fewer than two sites vary.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pairs = np.repeat(rng.normal(size=(500, 4)), 2, axis=1)  # sites 2k and 2k + 1 agree
    >>> pairs += 0.1 * rng.normal(size=pairs.shape)
    >>> found = arrange(pairs[:, [0, 2, 4, 6, 1, 3, 5, 7]])
    >>> sorted(sorted(pair) for pair in found.order.reshape(4, 2).tolist())
    [[0, 4], [1, 5], [2, 6], [3, 7]]
    """
    starts = as_int("starts", starts, minimum=1, maximum=MOST_STARTS)
    rng = np.random.default_rng(as_int("seed", seed, minimum=0))
    features = as_sites(inputs)
    weights = correlations(features)
    order = tree_order(weights, starts, rng)
    by_chance = []
    for _ in range(NULL_ORDERS):
        dealt = _dealt_out(weights, rng)
        by_chance.append(tree_cost(dealt, tree_order(dealt, starts, rng)))
    varies = (features != features[:1]).any(axis=(0, 2))
    return Arrangement(
        order=order,
        cost_before=tree_cost(weights, np.arange(len(weights))),
        cost_after=tree_cost(weights, order),
        cost_by_chance=min(by_chance),
        constant=int((~varies).sum()),
    )


def as_sites(inputs: ArrayLike) -> np.ndarray:
    """Return `inputs` as numbers of shape (samples, N, features), or raise a ValueError."""
    array = as_array("inputs", inputs)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"inputs must hold numbers, got dtype {array.dtype}")
    array = array.astype(float)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[1] < 4 or array.shape[2] < 1:
        raise ValueError(
            "inputs must have the shape (samples, N) or (samples, N, features) with at least 4 "
            f"sites, got {np.shape(inputs)}"
        )
    if len(array) < FEWEST:
        raise ValueError(f"inputs must hold at least {FEWEST} samples, got {len(array)}")
    if not np.isfinite(array).all():
        raise ValueError("inputs must be finite, got NaN or infinity")
    if (array != array[:1]).any(axis=(0, 2)).sum() < 2:
        raise ValueError("inputs must vary: fewer than two sites differ between samples")
    return array


# --- correlations and costs ---------------------------------------------------------------


def correlations(features: np.ndarray) -> np.ndarray:
    """Return how much every two sites go together, shape (N, N), 0 on the diagonal.

    ‖Cov(x_i, x_j)‖ / √(‖Cov(x_i)‖ ‖Cov(x_j)‖) in Frobenius norms; for one number a site it
    is the magnitude of Pearson's correlation. Constant sites have 0.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(100, 4))
    >>> found = correlations(x[:, :, None])
    >>> np.allclose(found, np.abs(np.corrcoef(x.T)) - np.eye(4))
    True
    """
    features = _real("features", features, (3,))
    samples, n_sites, size = features.shape
    refuse_beyond_memory("inputs", (n_sites * size,) * 2, float, "take fewer sites")
    centred = (features - features.mean(axis=0)).reshape(samples, -1)
    covariance = (centred.T @ centred / samples).reshape(n_sites, size, n_sites, size)
    norms = np.sqrt((covariance**2).sum(axis=(1, 3)))
    own = np.sqrt(np.diag(norms))
    weights = norms / np.where(own > 0, own, 1)[:, None] / np.where(own > 0, own, 1)
    in_range(weights, "correlations of the features", "divide the features by their largest")
    np.fill_diagonal(weights, 0)
    return weights


def tree_cost(weights: np.ndarray, order: np.ndarray) -> float:
    """Return how high up a tree over `order` parts correlated pairs, 1 on average.

    The height at which two sites part is counted from the leaves: 1 for the two of a lowest
    window. The cost is the mean height of a pair with its weight, over the plain mean.

    Examples
    --------
    >>> two_pairs = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    >>> tree_cost(two_pairs, np.arange(4)) < 1 < tree_cost(two_pairs, np.array([0, 2, 1, 3]))
    True
    """
    weights = _as_weights(weights)
    n_sites = len(weights)
    order = _as_order("order", order, n_sites)
    heights = np.zeros((n_sites, n_sites))
    for block in blocks(n_sites):
        heights[block, block] -= 1
    heights += len(canonical_levels(n_sites)) + 2  # the whole is one of the blocks
    pairs = ~np.eye(n_sites, dtype=bool)
    ordered = weights[np.ix_(order, order)]
    total = ordered[pairs].sum()
    if total == 0:
        return 1.0
    cost = (ordered * heights)[pairs].sum() / total / heights[pairs].mean()
    return float(in_range(cost, "a cost with these weights", "divide them by the largest"))


# --- the order ----------------------------------------------------------------------------


def tree_order(weights: np.ndarray, starts: int, rng: np.random.Generator) -> np.ndarray:
    """Return an order of the sites by recursive balanced bisection.

    Parameters
    ----------
    weights : ndarray, shape (N, N)
        Symmetric, zero on the diagonal.
    starts : int
        Random halves that each bisection starts from.
    rng : numpy.random.Generator
    """
    if len(weights := _as_weights(weights)) <= 2:
        return np.arange(len(weights))
    left = bisect(weights, starts, rng)
    halves = np.flatnonzero(left), np.flatnonzero(~left)
    return np.concatenate(
        [half[tree_order(weights[np.ix_(half, half)], starts, rng)] for half in halves]
    )


def bisect(weights: np.ndarray, starts: int, rng: np.random.Generator) -> np.ndarray:
    """Return two halves with little weight across, True = in the first, by swapping pairs.

    From every start the best swap of one site of each half is made until none helps
    (Kernighan and Lin's gains, without their look-ahead). The first half has the larger
    part if the number is odd.

    Examples
    --------
    >>> two_pairs = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]])
    >>> halves = bisect(two_pairs, 4, np.random.default_rng(0))
    >>> halves[0] == halves[2] != halves[1]
    np.True_
    """
    weights, rng = _as_weights(weights), as_generator("rng", rng)
    n_sites, found = len(weights), []
    if n_sites < 2:
        raise ValueError(f"weights must be of at least 2 sites to part, got {n_sites}")
    for _ in range(as_int("starts", starts, minimum=1, maximum=MOST_STARTS)):
        left = np.zeros(n_sites, dtype=bool)
        left[rng.permutation(n_sites)[: (n_sites + 1) // 2]] = True
        found.append(_swapped(weights, left))
    return min(found, key=lambda left: float(weights[np.ix_(left, ~left)].sum()))


def _swapped(weights: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return halves that no swap of two sites makes better."""
    sign = np.where(left, 1.0, -1.0)
    pull = weights @ sign  # weight to the left, less weight to the right
    while True:
        a, b = np.flatnonzero(sign > 0), np.flatnonzero(sign < 0)
        gains = pull[b][None, :] - pull[a][:, None] - 2 * weights[np.ix_(a, b)]
        i, j = np.unravel_index(gains.argmax(), gains.shape)
        if gains[i, j] <= 1e-12 * abs(weights).sum():
            return sign > 0
        sign[a[i]], sign[b[j]] = -1.0, 1.0
        pull += 2 * (weights[:, b[j]] - weights[:, a[i]])


def _dealt_out(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the same weights among other pairs."""
    upper = np.triu_indices(len(weights), 1)
    dealt = np.zeros_like(weights)
    dealt[upper] = rng.permutation(weights[upper])
    return dealt + dealt.T


# --- canonical partitions, and the data tensor across them --------------------------------


def canonical_levels(n_sites: int) -> list[list[slice]]:
    """Return the blocks of a tree over the places, from the halves down to pairs.

    Halves of an odd block differ by one place, the first being larger.

    Examples
    --------
    >>> [[(b.start, b.stop) for b in level] for level in canonical_levels(8)][0]
    [(0, 4), (4, 8)]
    """
    n_sites = as_int("n_sites", n_sites, minimum=1, maximum=MOST_SITES)
    levels, level = [], [slice(0, n_sites)]
    while level := [half for part in level if part.stop - part.start > 2 for half in _halves(part)]:
        levels.append(level)
    return levels


def _halves(part: slice) -> tuple[slice, slice]:
    middle = (part.start + part.stop + 1) // 2
    return slice(part.start, middle), slice(middle, part.stop)


def blocks(n_sites: int) -> list[slice]:
    """Return all blocks of :func:`canonical_levels`, and the whole."""
    return [slice(0, n_sites), *(block for level in canonical_levels(n_sites) for block in level)]


def canonical_entropies(
    overlaps: np.ndarray, order: ArrayLike | None = None, pairing: ArrayLike | None = None
) -> list[float]:
    """Return the mean entropy of the data tensor across each level's canonical partitions.

    Parameters
    ----------
    overlaps : ndarray, shape (N, m, m)
        For every site the inner products of its local states in m samples.
    order : array_like of int, optional
        The order of the sites; as they stand without it.
    pairing : array_like of int, optional
        A permutation of the samples: the rest of the sites is taken from other samples than
        the block, so that nothing goes together. The control.

    Returns
    -------
    list of float
        In nats, for halves, quarters, ...; at most ln m.

    Examples
    --------
    >>> x = np.random.default_rng(0).uniform(size=(40, 8))
    >>> independent = canonical_entropies(site_overlaps(x))
    >>> twins = canonical_entropies(site_overlaps(np.concatenate([x, x], axis=1)))
    >>> independent[0] < twins[0]
    True
    """
    overlaps = _real("overlaps", overlaps, (3,))
    n_sites, samples, others = overlaps.shape
    if samples != others or abs(overlaps).max(initial=0) > 1 + 1e-6:
        raise ValueError(
            "overlaps must be of the shape (N, m, m), from -1 to 1, got the shape "
            f"{overlaps.shape} and up to {abs(overlaps).max(initial=0):g}"
        )
    ordered = overlaps[_as_order("order", order, n_sites)]
    mixed = _as_order("pairing", pairing, samples)
    # What lies outside of a block: outside of the block it is half of, and the other half.
    outside = {(0, n_sites): np.ones_like(overlaps[0])}
    found = []
    for level in canonical_levels(n_sites):
        values = []
        for left, right in zip(level[::2], level[1::2], strict=True):
            around = outside[left.start, right.stop]
            halves = ordered[left].prod(axis=0), ordered[right].prod(axis=0)
            for block, own, other in ((left, *halves), (right, *halves[::-1])):
                rest = outside[block.start, block.stop] = around * other
                values.append(_entropy(own, rest[np.ix_(mixed, mixed)]))
        found.append(float(np.mean(values)))
    return found


def site_overlaps(inputs: np.ndarray, theta: float = np.pi / 4) -> np.ndarray:
    """Return the inner products of local states at every site, shape (N, m, m).

    Numbers (m, N) become the states (cos θx, sin θx), so the overlap is cos θ(x - x'); vectors
    (m, N, features) are taken as they are, with length 1.

    Examples
    --------
    >>> site_overlaps(np.array([[0.0], [2.0]]), np.pi / 4)[0].round(12) + 0
    array([[1., 0.],
           [0., 1.]])
    """
    inputs, theta = _real("inputs", inputs, (2, 3)), as_number("theta", theta)
    refuse_beyond_memory(
        "inputs", (inputs.shape[1], len(inputs), len(inputs)), float, "take fewer samples"
    )
    if inputs.ndim == 2:
        columns = inputs.T
        return np.cos(theta * (columns[:, :, None] - columns[:, None, :]))
    lengths = np.linalg.norm(inputs, axis=-1, keepdims=True)
    unit = (inputs / np.where(lengths > 0, lengths, 1)).swapaxes(0, 1)
    return in_range(unit @ unit.swapaxes(1, 2), "overlaps", "divide the inputs by their largest")


def _entropy(gram_a: np.ndarray, gram_b: np.ndarray) -> float:
    """Return the entropy of a sum of products of states with these Gram matrices."""
    values, vectors = np.linalg.eigh(gram_a)
    root = vectors * np.sqrt(values.clip(0))
    p = np.linalg.eigvalsh(root.T @ gram_b @ root).clip(0)
    p = p[p > 1e-15 * p.sum()] / p.sum()
    return float(-(p * np.log(p)).sum())


def _real(name: str, values: ArrayLike, axes: tuple[int, ...]) -> np.ndarray:
    """Return real numbers with so many axes, none of them empty."""
    array = as_numbers(name, values)
    if array.ndim not in axes or array.dtype.kind == "c" or 0 in array.shape:
        wanted = " or ".join(map(str, axes))
        raise ValueError(
            f"{name} must be real numbers with {wanted} axes, got dtype {array.dtype} and shape "
            f"{array.shape}"
        )
    return as_inexact(name, array)


def _as_weights(weights: ArrayLike) -> np.ndarray:
    array = _real("weights", weights, (2,))
    if array.shape[0] != array.shape[1] or not np.allclose(array, array.T):
        raise ValueError(f"weights must be a symmetric matrix, got the shape {array.shape}")
    return array


def _as_order(name: str, order: ArrayLike | None, size: int) -> np.ndarray:
    """Return each of the numbers below `size` once."""
    if order is None:
        return np.arange(size)
    array = as_array(name, order)
    if (
        array.shape != (size,)
        or array.dtype.kind not in "iu"
        or set(array.tolist()) != {*range(size)}
    ):
        raise ValueError(
            f"{name} must hold each number from 0 to {size - 1} once, got {shown(order)}"
        )
    return array
