"""Do the simulation of the paper's appendix D again, exactly; write book/data/appendix_d.json.

Levine et al. (2018) drew random normal weights for every network of 16 sites with
windows of 2, M = 2 and four different channel numbers among the first six primes,
computed the rank for every balanced partition in floating point, and found 1,300 of
the 2,316,600 configurations below the minimal cut, by at most 10 %.

Here each rank is computed modulo a prime. Partitions that a symmetry of the tree maps
to one another have one generic rank, so 35 classes stand for all. A rank that
meets the cut is certain. One that does not is drawn again with other seeds and
other primes, and then computed once more with no compression, from the explicit
coefficients tensor: a deficit is reported only if it persists.

    python tools/appendix_d.py         about four minutes on one core
"""

import argparse
import os
import platform
import sys
import time
from collections import Counter
from functools import cache
from itertools import combinations, permutations
from math import comb
from pathlib import Path

import numpy as np

from convac_book import book_data
from convac_book.symmetry_classes import symmetry_classes
from convac_lib import modular
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.decompositions import coefficients_tensor, random_weights
from convac_lib.partitions import as_word, from_sites
from convac_lib.ranks import certify_rank
from convac_lib.states import matricization

OUTPUT = Path(__file__).parents[1] / "book" / "data" / "appendix_d.json"
N_SITES, LOCAL_DIM = 16, 2
PRIMES = (2, 3, 5, 7, 11, 13)
DRAWS = 3  # draw i has seed i and the i-th largest prime below 2^24
WITNESS_SEED = 10
BALANCED = comb(N_SITES, N_SITES // 2) // 2  # A and B exchanged is the same partition
PAPER = {
    "below_cut": 1300,
    "largest_deficit": "at most 10 %",
    "source": "arXiv:1704.01552v2, appendix D",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the file to write")
    output = parser.parse_args().output
    start = time.perf_counter()
    choices = list(permutations(PRIMES, 4))
    failing = []
    for channels in progress("networks", choices):
        failing += failures(channels)
    for case in progress("explicit tensors", failing):
        explicit = explicit_rank(tuple(case["channels"]), case["partition"])
        case["rank_of_explicit_tensor"] = explicit
    result = summary(len(choices), failing)
    result["one_network_without_symmetry"] = every_partition((3, 11, 5, 2))
    result["provenance"] = provenance(time.perf_counter() - start)
    book_data.write(output, result)
    print(f"{result['below_cut']} of {result['configurations']} below the cut: {output}")


def failures(channels):
    """Return the classes of partitions whose rank stays below the cut in every draw."""
    architecture = Architecture.line(LOCAL_DIM, channels)
    found = []
    for partition, multiplicity in symmetry_classes(N_SITES, 2, size=N_SITES // 2):
        draws = []
        for draw in range(DRAWS):
            prime = modular.large_prime(draw)
            draws.append(certify_rank(architecture, partition, seed=draw, prime=prime))
            if draws[-1].certified:
                break
        else:
            found.append(
                {
                    "channels": list(channels),
                    "partition": as_word(partition),
                    # counted with A and B exchanged, here as well as in other classes
                    "ordered_partitions": multiplicity,
                    "cut": draws[0].cut,
                    "rank": max(draw.rank for draw in draws),
                    "ranks_of_draws": [draw.rank for draw in draws],
                }
            )
    return found


def explicit_rank(channels, partition):
    """Return the rank of the explicit tensor's matricization, modulo yet another prime."""
    return modular.rank(matricization(explicit_tensor(channels), partition), witness_prime())


@cache
def explicit_tensor(channels):
    """Return the coefficients tensor of random integer weights, exact."""
    architecture = Architecture.line(LOCAL_DIM, channels)
    weights = random_weights(architecture, WITNESS_SEED, integers=1000)
    tensor = coefficients_tensor(architecture, weights)[0]  # large Python integers
    return (tensor % witness_prime()).astype(np.int64)


def witness_prime():
    return modular.large_prime(DRAWS)


def every_partition(channels):
    """Compute the ranks of all 6435 partitions of one network: no symmetry, no compression."""
    architecture = Architecture.line(LOCAL_DIM, channels)
    below = Counter()
    choices = list(combinations(range(1, N_SITES), N_SITES // 2 - 1))
    for others in progress("partitions of one network", choices):
        partition = from_sites(N_SITES, (0, *others))  # site 0 in A: each partition once
        cut, rank = min_cut_weight(architecture, partition), explicit_rank(channels, partition)
        if rank != cut:
            below[rank, cut] += 1
    return {"channels": list(channels), "partitions": BALANCED, "below_cut": histogram(below)}


def summary(networks, failing):
    """Count configurations; every unordered partition was met twice, as (A, B) and (B, A)."""
    below = Counter()
    for case in failing:
        below[case["rank"], case["cut"]] += case["ordered_partitions"]
    below = Counter({pair: count // 2 for pair, count in below.items()})
    return {
        "what": "exact ranks for the configurations of appendix D of Levine et al. (2018)",
        "n_sites": N_SITES,
        "window": 2,
        "local_dim": LOCAL_DIM,
        "channel_numbers": f"all ordered choices of 4 among {PRIMES}",
        "networks": networks,
        "balanced_partitions": BALANCED,
        "configurations": networks * BALANCED,
        "certified_at_cut": networks * BALANCED - below.total(),
        "below_cut": below.total(),
        "by_rank_and_cut": histogram(below),
        "largest_deficit": max((1 - rank / cut for rank, cut in below), default=0),
        "paper": PAPER,
        "rows": failing,
    }


def progress(what, items):
    """Yield the items, and show on the terminal how many are done."""
    for done, item in enumerate(items, 1):
        yield item
        end = "\n" if done == len(items) else ""
        print(f"\r{done} of {len(items)} {what}", end=end, file=sys.stderr, flush=True)


def histogram(below):
    """Return a count of (rank, cut) pairs as rows, the smallest ratio first."""
    pairs = sorted(below, key=lambda pair: pair[0] / pair[1])
    return [
        {
            "rank": rank,
            "cut": cut,
            "ratio": round(rank / cut, 6),
            "configurations": below[rank, cut],
        }
        for rank, cut in pairs
    ]


def provenance(seconds):
    return book_data.provenance(
        "python tools/appendix_d.py",
        f"CPU ({platform.machine()}, {os.cpu_count()} cores)",
        seconds=round(seconds),
        draws=[{"seed": i, "prime": modular.large_prime(i)} for i in range(DRAWS)],
        explicit_tensors={"seed": WITNESS_SEED, "integers": 1000, "prime": witness_prime()},
    )


if __name__ == "__main__":
    main()
