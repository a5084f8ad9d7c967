"""Certified ranks and Schmidt spectra: how fast, how large, and against the plain way.

python benchmarks/bench_ranks.py           about a minute on two cores
python benchmarks/bench_ranks.py --quick   without the rank of 4096
"""

import argparse
import time

import numpy as np
from flint import nmod_mat

from convac_lib import modular
from convac_lib.architecture import Architecture
from convac_lib.decompositions import coefficients_tensor, random_weights
from convac_lib.partitions import as_partition, blocks, halves
from convac_lib.ranks import certify_rank
from convac_lib.spectra import schmidt_spectrum
from convac_lib.states import matricization, schmidt_values

PRIME = modular.large_prime(0)
MIDDLE = blocks(1024, 512, offset=256)  # the middle half of a line against its two ends


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out the rank of 4096")
    quick = parser.parse_args().quick
    products_modulo_a_prime()
    against_the_explicit_tensor()
    many_sites(quick)


def products_modulo_a_prime(size=512):
    rng = np.random.default_rng(0)
    x, y = (modular.random_residues(rng, (size, size), PRIME) for _ in range(2))
    integers = x.astype(np.int64), y.astype(np.int64)
    flints = [nmod_mat(size, size, (z % PRIME).ravel().tolist(), PRIME) for z in integers]
    exact, ours = best_time(lambda: modular.matmul(x, y, PRIME))
    plain, numpy_int64 = best_time(lambda: integers[0] @ integers[1] % PRIME)
    _, flint = best_time(lambda: flints[0] * flints[1])
    _, inexact = best_time(lambda: x @ y)
    assert (exact % PRIME == plain).all()
    print(f"exact product of two {size} x {size} matrices modulo {PRIME}")
    row("centred residues through BLAS", ours)
    row("NumPy int64, then %", numpy_int64, ours)
    row("python-flint, conversion not counted", flint, ours)
    row("for scale: one float64 product, inexact", inexact, ours)


def against_the_explicit_tensor():
    architecture = Architecture.line(2, (3, 11, 5, 2))
    partition = as_partition("AABABBBBABBBAAAA")
    exact = random_weights(architecture, 0, integers=PRIME // 2)
    floats = random_weights(architecture, 0)

    def explicit_rank():
        tensor = coefficients_tensor(architecture, exact)[0]
        return modular.rank(matricization(tensor, partition), PRIME)

    def dense_values():
        return schmidt_values(coefficients_tensor(architecture, floats)[0], partition)

    found, ours = best_time(lambda: certify_rank(architecture, partition).rank)
    expected, explicit = best_time(explicit_rank, repeats=1)
    assert found == expected == 56
    print("\n16 sites, M = 2, channels (3, 11, 5, 2): exact rank 56, cut 60")
    row("certify_rank", ours)
    row("explicit tensor of 65,536 integers, rank", explicit, ours)
    spectrum, ours = best_time(lambda: schmidt_spectrum(architecture, partition, floats))
    values, dense = best_time(dense_values)
    assert np.allclose(spectrum.values * np.exp(spectrum.log_norm), values[:60])
    row("schmidt_spectrum", ours)
    row("explicit tensor, dense SVD", dense, ours)


def many_sites(quick):
    print("\nbeyond any explicit tensor")
    cases = [("64 x 64 image, left / right", Architecture.for_image(64, 3, (16,) * 6), halves(64))]
    cases += [
        (f"1,024 sites, middle / ends, r = {r}", Architecture.line(4, (r,) * 10), MIDDLE)
        for r in ((16, 32) if quick else (16, 32, 64))
    ]
    for name, architecture, partition in cases:
        found, seconds = best_time(lambda: certify_rank(architecture, partition), repeats=1)  # noqa: B023
        assert found.certified
        row(f"{name}: certified rank {found.rank}", seconds)
        if found.rank > 1024:  # its dense SVD takes minutes
            continue
        spectrum, seconds = best_time(lambda: schmidt_spectrum(architecture, partition), repeats=1)  # noqa: B023
        row(f"{name}: spectrum, entropy {spectrum.entropy:.2f}", seconds)


def best_time(function, repeats=5):
    """Return a function's value and the least seconds it took."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        value = function()
        seconds.append(time.perf_counter() - start)
    return value, min(seconds)


def row(what, seconds, ours=None):
    ratio = "" if ours is None else f"{seconds / ours:8.1f} times ours"
    print(f"  {what:58}{seconds:10.4f} s{ratio}", flush=True)


if __name__ == "__main__":
    main()
