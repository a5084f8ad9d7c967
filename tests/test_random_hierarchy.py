"""Data that are a tree: every derivation counted by hand."""

import numpy as np
import pytest

from convac_book.random_hierarchy import counts, draw_rules, sample


def test_counts_are_those_of_all_derivations():
    rules = draw_rules(np.random.default_rng(3), 2, 3, 2)
    tensor = counts(rules)
    for root in range(3):
        derived = np.zeros((3,) * 4, dtype=int)
        for first in rules[0][root]:
            for left in rules[1][first[0]]:
                for right in rules[1][first[1]]:
                    derived[(*left, *right)] += 1
        assert (derived == tensor[root]).all()


def test_samples_follow_the_counts():
    rng = np.random.default_rng(0)
    rules = draw_rules(rng, 2, 3, 2)
    leaves, roots = sample(rules, rng, 30_000)
    tensor = counts(rules)
    for root in range(3):
        seen = np.zeros_like(tensor[root])
        np.add.at(seen, tuple(leaves[roots == root].T), 1)
        assert not seen[tensor[root] == 0].any()
        share = tensor[root] / tensor[root].sum()
        assert abs(seen / seen.sum() - share).max() < 0.02


def test_the_pairs_of_a_level_tell_their_symbols():
    rules = draw_rules(np.random.default_rng(0), 5, 4, 3)
    for rule in rules:
        assert len({tuple(pair) for pair in rule.reshape(-1, 2).tolist()}) == 12


@pytest.mark.parametrize("productions", [0, 5, 2.0])
def test_refused_productions(productions):
    with pytest.raises(ValueError, match="productions"):
        draw_rules(np.random.default_rng(0), 2, 4, productions)
