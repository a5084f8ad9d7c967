"""Exact ranks of matricizations, with a certificate when they meet the minimal cut.

The rank of [[A]]_{A,B}, the Schmidt number of the network's state, is at most the
minimal cut (Levine et al. 2018, Claim 1). To see that it is reached, no theorem
is needed: one setting of the weights with that rank proves it for almost all of
them. This module draws such a setting, of random integers, and computes modulo
a prime, so that no tolerance ever enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from . import modular
from ._arrays import Array
from ._validation import as_choice, as_instance, as_int
from .architecture import SHARING, Architecture
from .cuts import min_cut_weight
from .decompositions import random_weights
from .folding import fold, refuse_large
from .partitions import PartitionLike, as_partition

ROWS_AT_A_TIME = 512

Probes: TypeAlias = tuple[Array, Array]  # combinations of the rows of two factors


@dataclass(frozen=True)
class RankCertificate:
    """The rank of one exact draw of the weights, beside the minimal cut.

    **Why equality is a certificate.** Let `rank` be the rank, over the integers
    modulo a prime, of the matricization for random integer weights. Then

        rank  ≤  rank of the same integers over the rationals  ≤  generic rank  ≤  cut.

    A minor that vanishes over the integers vanishes modulo p: the first step. The
    rank of a polynomial matrix is largest for almost all weights (Claim 3), and the
    common value is the *generic rank*: the second. Claim 1, and for windows above 2
    Claim 7, give the third. If the two ends meet, all four numbers are equal:
    the generic rank *is* the cut, proven, whatever the luck of the draw. Bad luck
    (a prime that divides a minor, weights on the measure-zero set, a random
    projection that loses a direction) can only make the rank too small.

    **What it says when they do not meet.** Only a lower bound on the generic rank.
    Bad luck has a probability of roughly 1 / p, so draws with other seeds and
    other primes that agree make it all but certain that the bound is the generic
    rank; they do not prove it.

    Attributes
    ----------
    rank
        A proven lower bound on the generic rank; the generic rank if `certified`.
    cut
        The weight of the minimal cut, a proven upper bound.
    prime, seed, share
        What the draw was made with; the same three give the same draw again.
    """

    rank: int
    cut: int
    prime: int
    seed: int
    share: str = "none"

    @property
    def certified(self) -> bool:
        """Whether the rank meets the cut, so that both are proven to be the generic rank."""
        return self.rank == self.cut

    def __str__(self) -> str:
        drawn = f"integers modulo {self.prime}, seed {self.seed}"
        if self.certified:
            return f"rank {self.rank} = minimal cut: certified ({drawn})"
        return f"rank {self.rank} < minimal cut {self.cut}: a lower bound ({drawn})"


def certify_rank(
    architecture: Architecture,
    partition: PartitionLike,
    seed: int = 0,
    share: str = "none",
    prime: int | None = None,
) -> RankCertificate:
    """Return the rank of a random exact network for a partition, and the minimal cut.

    Parameters
    ----------
    architecture
        The rank is that of one output; `n_outputs` plays no part.
    partition
        Between the sites of A and of B.
    seed
        Of the random integer weights.
    share
        Which weights are equal. The theory (Theorem 2) is for ``"none"``; with
        ``"all"`` the rank can stay below the cut whatever the channels.
    prime
        Below 2^24; the largest one if left out.

    Raises
    ------
    ValueError
        If an argument is not of the kind above, or a matrix with as many rows and columns
        as the minimal cut, from which the rank is computed, takes more than a quarter of
        the memory: one of 16,384 takes 2 GiB.

    Examples
    --------
    >>> from convac_lib.architecture import Architecture
    >>> certify_rank(Architecture.line(2, (4, 4, 3)), "AAAABBBB").certified
    True
    >>> print(certify_rank(Architecture(16, 4, 2, (3, 2)), "BBBB BBBB BAAA BAAA"))
    rank 7 < minimal cut 8: a lower bound (integers modulo 16777213, seed 0)
    """
    as_instance("architecture", architecture, Architecture)
    sides = as_partition(partition, architecture.n_sites)
    as_choice("share", share, SHARING)
    seed = as_int("seed", seed, minimum=0)
    prime = modular.large_prime(0) if prime is None else modular.as_prime("prime", prime)
    cut = min_cut_weight(architecture, sides)
    refuse_large((cut, cut), float)
    drawn = random_weights(architecture, seed, share, integers=prime // 2)
    weights = [layer.astype(float) for layer in drawn]  # centred residues already
    probes = RandomProbes(prime, np.random.default_rng((seed, prime)), most=cut)
    matrix = fold(architecture, sides, weights, probes)
    return RankCertificate(modular.rank_of_residues(matrix, prime), cut, prime, seed, share)


class RandomProbes:
    """Arithmetic modulo a prime for :func:`~convac_lib.folding.fold`: it keeps ranks.

    Where there would be more rows than the bound, as many random combinations of
    them are taken instead. That never raises a rank; and when the bound is at least
    the rank it loses none, but with a probability of about 1 / prime. The Kronecker
    product is not formed only to be thrown away: a combination of its rows is a
    *product* of one combination for each factor, as if the network were evaluated
    on random product states of the sites below. Nowhere are more than `most` rows
    or columns kept, for no larger rank is looked for. Columns likewise.
    """

    def __init__(self, prime: int, rng: np.random.Generator, most: int):
        self.prime, self.rng, self.most = prime, rng, most

    def convolve(self, kernel: Array, matrices: Array) -> Array:
        """Return Σ_g W_kg X_g for all k."""
        bond, rows, columns = matrices.shape
        mixed = modular.matmul(kernel, matrices.reshape(bond, -1), self.prime)
        return mixed.reshape(-1, rows, columns)

    def join(self, x: Array, y: Array, row_bound: int, column_bound: int) -> Array:
        """Return x_g ⊗ y_g for all g, probed down to the bounds."""
        refuse_large((len(x), min(row_bound, self.most), min(column_bound, self.most)), float)
        row_probes = self._probes(x.shape[1], y.shape[1], row_bound)
        column_probes = self._probes(x.shape[2], y.shape[2], column_bound)
        x, y = self._pair(*self._pair(x, y, 1, row_probes), 2, column_probes)
        return modular.entrywise(x, y, self.prime)

    def join_top(self, x: Array, y: Array, top: Array) -> Array:
        """Return Σ_g top_g x_g ⊗ y_g, probed down to `most` rows and columns."""
        row_probes = self._probes(x.shape[1], y.shape[1], self.most)
        column_probes = self._probes(x.shape[2], y.shape[2], self.most)
        x = modular.entrywise(top[:, None, None], x, self.prime)
        if row_probes is None and column_probes is None:
            return self._sum_of_kronecker_products(x, y)
        n_rows, n_columns = (min(x.shape[k] * y.shape[k], self.most) for k in (1, 2))
        total = np.zeros((n_rows, n_columns))
        for g in range(len(x)):  # one channel and some rows at a time: these matrices are large
            for start in range(0, n_rows, ROWS_AT_A_TIME):
                rows = slice(start, start + ROWS_AT_A_TIME)
                pair = self._pair(x[g : g + 1], y[g : g + 1], 1, row_probes, rows)
                x_g, y_g = self._pair(*pair, 2, column_probes)
                total[rows] = modular.centre(total[rows] + (x_g * y_g)[0], self.prime)
        return total

    def _probes(self, size_x: int, size_y: int, bound: int) -> Probes | None:
        """Return combinations for each of two factors, or None if all pairs are few enough."""
        keep = min(bound, self.most)
        if size_x * size_y <= keep:
            return None
        of_x = modular.random_residues(self.rng, (keep, size_x), self.prime)
        return of_x, modular.random_residues(self.rng, (keep, size_y), self.prime)

    def _pair(
        self, x: Array, y: Array, axis: int, probes: Probes | None, part: slice = slice(None)
    ) -> tuple[Array, Array]:
        """Make two stacks equally long along an axis: all pairs, or one for each probe.

        Of the pairs or probes only `part` is taken.
        """
        if probes is None:
            size_x, size_y = x.shape[axis], y.shape[axis]
            of_x, of_y = np.divmod(np.arange(size_x * size_y)[part], size_y)
            return x.take(of_x, axis), y.take(of_y, axis)
        of_x, of_y = probes
        return self._combined(of_x[part], x, axis), self._combined(of_y[part], y, axis)

    def _combined(self, probes: Array, stack: Array, axis: int) -> Array:
        """Return combinations of all the matrices' rows (axis 1) or columns (axis 2)."""
        if axis == 1:
            return modular.matmul(probes, stack, self.prime)
        return modular.matmul(stack, probes.T, self.prime)

    def _sum_of_kronecker_products(self, x: Array, y: Array) -> Array:
        """Return Σ_g x_g ⊗ y_g; for each row of the x_g one matrix product."""
        bond, rows, columns = y.shape
        total = np.empty((x.shape[1], rows, x.shape[2], columns))
        for row, block in enumerate(total):
            entries = modular.matmul(x[:, row].T, y.reshape(bond, -1), self.prime)
            block[:] = entries.reshape(-1, rows, columns).swapaxes(0, 1)
        return total.reshape(len(total) * rows, -1)
