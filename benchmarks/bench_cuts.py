"""Minimal cuts: the library against maximal-flow solvers, in one run.

    python -m benchmarks.bench_cuts [--quick]

Every candidate starts from the same architecture and boolean partition, and ends
with the weight of the minimal cut; building its graph is part of a solver's time. The
candidates take turns, each on one thread; its CPU time is measured, so that other work
on the machine matters little, and the best of its turns counts. All answers are compared.
For windows of 2 PyMaxflow is also given a smaller graph, in which it is several times faster.
"""

import argparse
import tracemalloc
from math import isclose, log
from time import process_time

import maxflow
import networkx as nx
import numpy as np

from convac_lib.architecture import Architecture
from convac_lib.cuts import min_cut, min_cut_weight

NO_LIMIT = 1e12


def log_of_cut(architecture, partition):
    """The library's answer; the exact weight is formed, its logarithm is for the comparison."""
    cut = min_cut(architecture, partition)
    assert cut.weight > 0
    counts_and_widths = zip(cut.counts, architecture.widths, strict=True)
    return sum(count * log(width) for count, width in counts_and_widths)


def numbering(architecture):
    """Number the inputs and the deltas: the first node of each level, and the tree's levels."""
    window, depth = architecture.window, architecture.depth
    sizes = [architecture.n_sites // window**level for level in range(depth + 1)]
    return sizes, np.cumsum([0, *sizes])


def pymaxflow_edges(architecture, partition):
    """Windows of 2 only: an undirected edge from each branch to its delta.

    A delta of three legs never gains from being cut in two of them, so the rule
    that its legs count once is not needed.
    """
    sizes, first = numbering(architecture)
    graph = maxflow.GraphFloat(int(first[-1]), int(first[-1]))
    nodes = graph.add_nodes(int(first[-1]))
    tie_to_sides(graph, nodes[: sizes[0]], partition, NO_LIMIT)
    widths = architecture.widths
    for level, size in enumerate(sizes[:-1]):
        children = np.arange(size)
        limit = np.full(size, log(min(widths[level], widths[level + 1])))
        above = first[level + 1] + children // architecture.window
        graph.add_edges(first[level] + children, above, limit, limit)
    return graph.maxflow()


def pymaxflow_deltas(architecture, partition):
    """Any window: each delta is two nodes, joined by an arc of its bond; its legs have no limit."""
    sizes, first = numbering(architecture)
    inputs, deltas = sizes[0], int(first[-1]) - sizes[0]
    graph = maxflow.GraphFloat(inputs + 2 * deltas, int(first[-1]) * 3)
    nodes = graph.add_nodes(inputs + 2 * deltas)
    tie_to_sides(graph, nodes[:inputs], partition, log(architecture.local_dim))
    for level, size in enumerate(sizes[:-1]):
        children = np.arange(size)
        entry = first[level] + children
        leave = entry + (deltas if level else 0)
        above = first[level + 1] + children // architecture.window
        limit, none = np.full(size, NO_LIMIT), np.zeros(size)
        graph.add_edges(leave, above, limit, none)
        graph.add_edges(above + deltas, entry, limit, none)
        parents = np.unique(above)
        bond = np.full(parents.size, log(architecture.widths[level + 1]))
        graph.add_edges(parents, parents + deltas, bond, np.zeros(parents.size))
    return graph.maxflow()


def tie_to_sides(graph, nodes, partition, limit):
    limits = limit * np.stack([partition, ~partition]).astype(float)
    graph.add_grid_tedges(nodes, limits[0], limits[1])


def networkx_deltas(architecture, partition):
    """The same graph as `pymaxflow_deltas`, for networkx; no capacity means no limit."""
    graph = nx.DiGraph()
    for site, in_a in enumerate(partition.tolist()):
        ends = ("A", (0, site)) if in_a else ((0, site), "B")
        graph.add_edge(*ends, capacity=log(architecture.local_dim))
    leave = {(0, site): (0, site) for site in range(architecture.n_sites)}
    for level, width in enumerate(architecture.channels):
        for j in range(architecture.locations(level)):
            child, delta = (level, j), (level + 1, j // architecture.window)
            leave[delta] = (*delta, "leave")
            graph.add_edge(delta, leave[delta], capacity=log(width))
            graph.add_edge(leave[child], delta)
            graph.add_edge(leave[delta], child)
    return nx.minimum_cut(graph, "A", "B")[0]


def take_turns(candidates, turns, seconds):
    """Return the best CPU time of each candidate, in seconds; check that all answers agree.

    In its turn a candidate runs again until `seconds` have passed, so that a fast one
    is not judged by a cold start.
    """
    best = dict.fromkeys(candidates, float("inf"))
    for _ in range(turns):
        answers = {}
        for name, (function, arguments) in candidates.items():
            begin = now = process_time()
            while now - begin < seconds:
                start = now
                answers[name] = function(*arguments)
                now = process_time()
                best[name] = min(best[name], now - start)
        reference = next(iter(answers.values()))
        for name, answer in answers.items():
            if not isclose(reference, answer, rel_tol=1e-7):
                raise AssertionError(f"{name} found {answer}, the library {reference}")
    return best


def report(title, candidates, turns, seconds):
    best = take_turns(candidates, turns, seconds)
    ours = next(iter(best.values()))
    print(f"\n{title}")
    print(f"  {'':<34}{'CPU time':>15} {'ratio':>10}")
    for name, seconds in best.items():
        print(f"  {name:<34}{1e3 * seconds:>12.2f} ms {seconds / ours:>10.1f} x")


def problem(window, exponent, seed, kind="random"):
    """A network with window**depth = 2**exponent sites, widths 2..9, and a partition."""
    rng = np.random.default_rng(seed)
    n_sites, depth = 2**exponent, exponent // (window.bit_length() - 1)
    channels = tuple(rng.integers(2, 10, depth).tolist())
    if kind == "random":
        partition = rng.random(n_sites) < 0.5
    else:
        partition = np.arange(n_sites) < n_sites // 2
    return Architecture(n_sites, window, 2, channels), partition


def memory(architecture, partition):
    """Return the peak and the kept bytes per site of one `min_cut`."""
    tracemalloc.start()
    cut = min_cut(architecture, partition)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cut.counts
    return peak / architecture.n_sites, kept / architecture.n_sites


def main(quick=False):
    large, effort = (16, (2, 0.05)) if quick else (20, (3, 0.3))
    for window in (2, 4):
        for kind in ("random", "left-right"):
            case = problem(window, large, seed=1, kind=kind)
            candidates = {"convac_lib.cuts.min_cut": (log_of_cut, case)}
            if window == 2:
                candidates["PyMaxflow, plain edges"] = (pymaxflow_edges, case)
            candidates["PyMaxflow, deltas as two nodes"] = (pymaxflow_deltas, case)
            title = f"N = 2^{large}, windows of {window}, {kind} partition"
            report(title, candidates, *effort)

    case = problem(2, 10, seed=2)
    candidates = {
        "convac_lib.cuts.min_cut": (log_of_cut, case),
        "the recursion in Python": (lambda *case: log(min_cut_weight(*case)), case),
        "networkx minimum_cut": (networkx_deltas, case),
    }
    report("N = 2^10, windows of 2, random partition", candidates, *effort)

    print("\nmemory of min_cut, windows of 2, random partition")
    for exponent in (large - 4, large - 2, large):
        peak, kept = memory(*problem(2, exponent, seed=1))
        print(f"  N = 2^{exponent:<10}{peak:>6.1f} bytes a site at most, {kept:.1f} kept")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, some seconds")
    main(parser.parse_args().quick)
