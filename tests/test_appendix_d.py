"""The stored simulation of appendix D: its counts add up, and its cases come out again."""

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from load_script import load_script
from oracles import generic_rank

from convac_book.symmetry_classes import symmetry_classes
from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut_weight
from convac_lib.partitions import as_word
from convac_lib.ranks import certify_rank

ROOT = Path(__file__).resolve().parent.parent
STORED = json.loads((ROOT / "book" / "data" / "appendix_d.json").read_text(encoding="utf-8"))
CLASSES = symmetry_classes(16, 2, size=8)
NETWORKS = list(permutations((2, 3, 5, 7, 11, 13), 4))
FAILING = {(tuple(case["channels"]), case["partition"]): case for case in STORED["rows"]}


@pytest.fixture(scope="module")
def tool():
    return load_script("tools/appendix_d.py")


def test_the_counts_add_up():
    # Each balanced partition is met twice among the classes, as (A, B) and as (B, A).
    assert sum(multiplicity for _, multiplicity in CLASSES) == 2 * 6435
    assert STORED["configurations"] == 2_316_600 == len(NETWORKS) * 6435
    assert STORED["certified_at_cut"] + STORED["below_cut"] == 2_316_600
    rows = STORED["by_rank_and_cut"]
    assert STORED["below_cut"] == sum(row["configurations"] for row in rows)
    assert 2 * STORED["below_cut"] == sum(case["ordered_partitions"] for case in FAILING.values())
    assert STORED["largest_deficit"] == max(1 - row["rank"] / row["cut"] for row in rows)
    assert {(row["rank"], row["cut"]) for row in rows} == {
        (case["rank"], case["cut"]) for case in FAILING.values()
    }


def test_every_failing_case_comes_out_again():
    multiplicities = {as_word(partition): count for partition, count in CLASSES}
    for (channels, word), case in FAILING.items():
        architecture = Architecture.line(2, channels)
        assert min_cut_weight(architecture, word) == case["cut"]
        assert generic_rank(architecture, word, seed=100) == case["rank"] < case["cut"]
        assert case["ordered_partitions"] == multiplicities[word]
        assert {case["rank_of_explicit_tensor"], *case["ranks_of_draws"]} == {case["rank"]}


def test_a_random_sample_of_the_others_is_certified():
    rng = np.random.default_rng(0)
    for network in rng.choice(len(NETWORKS), size=40, replace=False):
        partition, _ = CLASSES[rng.integers(len(CLASSES))]
        found = certify_rank(Architecture.line(2, NETWORKS[network]), partition, seed=200)
        assert found.certified == ((NETWORKS[network], as_word(partition)) not in FAILING)


def test_the_tool_finds_the_known_case_again(tool):
    assert tool.failures((2, 3, 5, 7)) == []
    (found,) = tool.failures((3, 11, 5, 2))
    stored = FAILING[(3, 11, 5, 2), found["partition"]]
    assert found == {key: stored[key] for key in found}
    assert tool.explicit_rank((3, 11, 5, 2), found["partition"]) == 56
    counted = tool.summary(networks=1, failing=[found])
    assert (counted["below_cut"], counted["certified_at_cut"]) == (64, 6435 - 64)


def test_symmetry_gives_the_count_of_all_partitions_of_one_network():
    every = STORED["one_network_without_symmetry"]
    same = [case for (channels, _), case in FAILING.items() if list(channels) == every["channels"]]
    assert every["partitions"] == 6435
    assert every["below_cut"] == [
        {
            "rank": case["rank"],
            "cut": case["cut"],
            "ratio": round(case["rank"] / case["cut"], 6),
            "configurations": case["ordered_partitions"] // 2,
        }
        for case in same
    ]
