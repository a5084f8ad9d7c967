"""The walk from the leaves to the top, with an arithmetic that compresses nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture
from convac_lib._arrays import exact_rank
from convac_lib.decompositions import coefficients_tensor, random_weights
from convac_lib.folding import fold
from convac_lib.states import matricization

ARCHITECTURES = [
    Architecture.line(2, (3, 2)),
    Architecture.line(2, (2, 3, 2), n_outputs=3),
    Architecture(9, 3, 2, (2, 2)),
    Architecture.for_image(4, 2, (2, 2), n_outputs=2),
    Architecture.shallow(5, 2, 3),
]


class Whole:
    """Kronecker products in full, and the bounds that the walk offered for them."""

    def __init__(self):
        self.bounds = []

    def convolve(self, kernel, matrices):
        return np.tensordot(kernel, matrices, axes=1)

    def join(self, x, y, row_bound, column_bound):
        joined = np.stack([np.kron(a, b) for a, b in zip(x, y, strict=True)])
        self.bounds.append((joined, row_bound, column_bound))
        return joined

    def join_top(self, x, y, top):
        return sum(t * np.kron(a, b) for t, a, b in zip(top, x, y, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ARCHITECTURES), st.integers(0, 2**32 - 1), st.data())
def test_without_compression_the_fold_is_the_matricization(architecture, seed, data):
    rng = np.random.default_rng(seed)
    sides = rng.permutation(np.arange(architecture.n_sites) < rng.integers(1, architecture.n_sites))
    share = data.draw(st.sampled_from(["none", "window-position", "all"]))
    weights = random_weights(architecture, rng, share, integers=3)
    output = data.draw(st.integers(0, architecture.n_outputs - 1))
    whole = Whole()
    folded = fold(architecture, sides, weights, whole, output)
    tensor = coefficients_tensor(architecture, weights)[output]
    np.testing.assert_array_equal(folded, matricization(tensor, sides))
    for joined, row_bound, column_bound in whole.bounds:
        side_by_side = np.concatenate(list(joined), axis=1)
        stacked = np.concatenate(list(joined), axis=0)
        assert exact_rank(side_by_side.astype(int)) <= row_bound
        assert exact_rank(stacked.astype(int)) <= column_bound


@pytest.mark.parametrize("partition", ["AAB", "AAAA", "ABAC"])
def test_a_partition_that_does_not_fit_is_refused(partition):
    line = Architecture.line(2, (3, 2))
    with pytest.raises(ValueError, match="partition"):
        fold(line, partition, random_weights(line, 0), Whole())
