"""What the explorers say, against the library: thousands of states, and all at the ends."""

import re
from collections import Counter
from itertools import combinations, product
from math import log, log2, prod

import numpy as np
import pytest
from run_module import run_module
from scipy import stats

from convac_book.explorers import EntanglementExplorer, ResultsExplorer, WidthExplorer
from convac_book.explorers.contraction import DIAGRAMS, least_cost, legs_of
from convac_book.explorers.depth import SITES, depth_numbers
from convac_book.explorers.entanglement import as_set, bipartitions
from convac_book.explorers.overlap import LARGEST, SMALLEST, overlap_numbers
from convac_book.explorers.results import LOST
from convac_book.explorers.width import tilted
from convac_lib import Architecture, min_cut
from convac_lib.cuts import min_cut_weight, theorem2_bound
from convac_lib.partitions import blocks, from_sites, image_blocks, interleaved
from convac_lib.ranks import certify_rank
from convac_lib.states import entanglement_entropy, schmidt_number

NONSENSE = re.compile(r"NaN|Infinity|undefined|null|object|\\be[+-]?\\d")


def number(words):
    """Return a whole number as the page writes it, with thin spaces."""
    return int(words.replace("\u202f", ""))


def corners(controls):
    """Return every setting with two controls at an end each and the rest where they start."""
    start = {name: values[0] for name, values in controls.items()}
    for one, other in combinations(controls, 2):
        for first, second in product(controls[one], controls[other]):
            yield {**start, one: first, other: second}


# --- the cut explorer ---------------------------------------------------------------------


def cut_states():
    rng = np.random.default_rng(11)
    trees = [(8, 2, 3), (16, 2, 4), (32, 2, 5), (16, 4, 2), (64, 2, 6), (9, 3, 2), (8, 8, 1)]
    for _ in range(2500):
        n_sites, window, depth = trees[rng.integers(len(trees))]
        widths = rng.integers(1, rng.choice([3, 6, 17]), size=depth + 1).tolist()
        sites = rng.random(n_sites) < rng.uniform(0.1, 0.9)
        sites[rng.integers(n_sites)] ^= sites.all() | ~sites.any()
        yield Architecture(n_sites, window, widths[0], tuple(widths[1:])), sites
    for n_sites, window, depth in trees[:4]:
        side = round(n_sites**0.5)
        words = [from_sites(n_sites, [0]), from_sites(n_sites, range(n_sites - 1))]
        words += (
            [blocks(n_sites, 1), blocks(n_sites, n_sites // 2)]
            if window == 2
            else [image_blocks(side, 1), image_blocks(side, side // 2)]
        )
        ends = {level: (2, 1, 16) for level in range(depth + 1)}
        for widths in [*corners(ends), *({level: r for level in ends} for r in (1, 16, 10**6))]:
            channels = tuple(widths[level] for level in range(1, depth + 1))
            for sites in words:
                yield Architecture(n_sites, window, widths[0], channels), sites


def test_the_cut_explorer_says_what_the_library_finds(tmp_path):
    states = list(cut_states())
    said = run_module(
        tmp_path,
        "cut",
        "return data.map(({network, inA}) => { const cut = page.minimalCut(network, inA);"
        "const bound = page.theorem2(network, inA); return [page.tell(network, inA, cut, bound),"
        " page.productWords(cut), bound.bound === cut.weight ? null"
        " : page.ratioWords(cut.weight, bound.bound)]; });",
        [
            {
                "network": {
                    "sites": a.n_sites,
                    "window": a.window,
                    "localDim": min(a.local_dim, 1000),
                    "channels": [min(r, 1000) for r in a.channels],
                },
                "inA": p.tolist(),
            }
            for a, p in states
        ],
    )
    assert len(said) > 3000
    for (network, sites), (words, written, ratio) in zip(states, said, strict=True):
        network = Architecture(
            network.n_sites,
            network.window,
            min(network.local_dim, 1000),
            tuple(min(r, 1000) for r in network.channels),
        )
        cut, (bound, _) = min_cut(network, sites), theorem2_bound(network, sites)
        assert not NONSENSE.search(words + written + (ratio or ""))
        if cut.weight == 1:
            assert words.startswith("The rank is exactly 1")
        elif "known gap" in words:
            assert bound < cut.weight
        elif bound == cut.weight:
            assert shown(words.split("exactly ")[1].rstrip("."), bound)
        else:
            low, high = re.search(r"from (.*) to (.*)\.$", words).groups()
            assert shown(low, bound) and shown(high, cut.weight)
            assert (
                ratio == "a little over 1"
                or "10" in ratio
                or float(ratio.replace("\u202f", "")) == pytest.approx(cut.weight / bound, rel=6e-3)
            )
        assert ("windows of 2, carried over" in words) == (
            network.window != 2 and cut.weight > 1 and "known gap" not in words
        )


def shown(words, value):
    """Tell whether words are a whole number, exact up to 15 digits and rounded above."""
    if len(str(value)) <= 15:
        return number(words) == value
    mantissa, power = words.split(" × 10")
    power = int(power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")))
    return abs(log(value) / log(10) - log(float(mantissa)) / log(10) - power) < 0.01


# --- the width explorer -------------------------------------------------------------------

WIDE = ("n_sites", "window", "local_dim", "n_outputs", "share", "budget", "channels")


def width_states():
    rng = np.random.default_rng(12)
    trees = [(4096, 4, "all"), (64, 4, "window-position"), (64, 2, "none"), (4, 4, "all")]
    for _ in range(600):
        n_sites, window, share = trees[rng.integers(len(trees))]
        least = WidthExplorer(
            10**6, n_sites=n_sites, window=window, local_dim=2, n_outputs=1, share=share
        ).architecture
        floor = least.with_channels((1,) * least.depth).parameter_count(share)
        budget = floor + int(10 ** rng.uniform(0, 5.3))
        profile = rng.uniform(0.05, 4, size=least.depth).tolist()
        yield WidthExplorer(
            budget,
            n_sites=n_sites,
            window=window,
            local_dim=2,
            n_outputs=1,
            profile=profile,
            share=share,
        )
    for budget, profile in product((25, 200, 201, 8736, 200_000, 10**6), (-1, -0.5, 0, 0.5, 1)):
        yield WidthExplorer(budget, profile=tilted(6, profile))
    for budget, layer in product((200, 8736, 200_000), range(6)):
        for width in (1, 10**6):  # a handle at either end
            profile = [1e-9] * 6
            profile[layer] = 1 if width > 1 else 1e-9
            yield WidthExplorer(budget, profile=profile)


def total_bits(network):
    """Return log2 of the whole minimal cut for the finest and for the coarsest blocks."""
    side = round(network.n_sites**0.5)
    ends = (1, 2 ** (network.depth - 1))
    cuts = [
        blocks(network.n_sites, k) if network.window == 2 else image_blocks(side, k) for k in ends
    ]
    return [log2(min_cut_weight(network, sites)) for sites in cuts]


def test_the_width_explorer_says_what_the_library_finds(tmp_path):
    explorers = list(width_states())
    said = run_module(
        tmp_path,
        "width",
        "return data.map(page.tell);",
        [{name: getattr(one, name) for name in WIDE} for one in explorers],
    )
    for one, words in zip(explorers, said, strict=True):
        assert not NONSENSE.search(words), words
        network = one.architecture
        designs = [network.with_channels(one._ghost(tilt)) for tilt in (-1, 1)]
        mine, base, tip = map(total_bits, (network, *designs))
        parts = words.split(" Coarse ones")
        assert len(parts) == (2 if network.depth > 1 else 1)
        for part, own, *others in zip(parts, mine, base, tip, strict=False):
            if max(own, *others) == 0:
                assert "no design of this budget holds anything" in part
                continue
            told = re.search(r"yours holds (.*wide-base.*) and (.*wide-tip.*)\.", part).groups()
            for phrase, other in zip(told, others, strict=True):
                assert share_is_right(phrase, own, other), (phrase, own, other)


def share_is_right(phrase, own, other):
    if abs(own - other) < 1e-9:
        return phrase.startswith("as many bits as")
    if other < 1e-9:
        return "holds none" in phrase and float(phrase.split()[0]) == pytest.approx(own, rel=6e-3)
    if own < 1e-9:
        return phrase.startswith("no bits")
    if phrase.startswith("just"):
        return ("under" in phrase) == (own < other)
    if phrase.startswith("less than 1"):
        return own / other < 0.01
    said = float(phrase.split(" %")[0].replace("\u202f", ""))
    return said != 100 and said == pytest.approx(100 * own / other, abs=0.5000001)


# --- the entanglement explorer ------------------------------------------------------------

STATE = ("kind", "theta", "pairing", "channels", "seed", "amplitudes")


def entanglement_states():
    rng = np.random.default_rng(13)
    for theta in (0, 1, 30, 45, 60, 89, 90):
        yield EntanglementExplorer(theta=theta)
    for kind in ("product", "bell-pairs", "ghz", "w", "random", "convac"):
        for seed, pairing in product((0, 2**31 - 1), range(3)):
            for channels in product((1, 4), repeat=2):
                yield EntanglementExplorer(kind, seed=seed, pairing=pairing, channels=channels)
    for _ in range(1500):
        kind = str(rng.choice(["product", "random", "convac"]))
        yield EntanglementExplorer(
            kind, seed=int(rng.integers(2**31)), channels=tuple(rng.integers(1, 5, size=2).tolist())
        )
    for _ in range(500):
        n = int(rng.integers(2, 5))
        yield EntanglementExplorer(
            state=rng.integers(-1, 2, size=(2,) * n) + np.eye(2**n)[0].reshape((2,) * n) * 3
        )


def test_the_entanglement_explorer_names_all_that_are_first_and_nobody_else(tmp_path):
    explorers = list(entanglement_states())
    said = run_module(
        tmp_path,
        "entanglement",
        "return data.map(page.tell);",
        [{name: getattr(one, name) for name in STATE} for one in explorers],
    )
    several = 0
    for one, words in zip(explorers, said, strict=True):
        assert not NONSENSE.search(words), words
        n, state = one.state.ndim, one.state
        rows = {
            sites: entanglement_entropy(state, from_sites(n, sites)) for sites in bipartitions(n)
        }
        zero = {
            sites
            for sites, entropy in rows.items()
            if entropy < 1e-12 or schmidt_number(state, from_sites(n, sites)) == 1
        }
        if zero == set(rows):
            assert words.startswith("A product state")
            continue
        first = [s for s, entropy in rows.items() if entropy > max(rows.values()) - 1e-9]
        head, *rest = words.split("; not at all: ")
        assert f"entropy {max(rows.values()):.3f}" in words or "< 0.001" in words
        if n == 2:
            continue
        if len(first) == len(rows):
            assert head.startswith(f"All {len(rows)} bipartitions")
        else:
            several += len(first) > 1
            assert {s for s in rows if f"{as_set(s)} |" in head} == set(first)
        assert {s for s in rows if rest and f"{as_set(s)} |" in rest[0]} == zero
    assert several > 10


# --- the results explorer -----------------------------------------------------------------


def made_up(rng):
    """Return rows of a paper and of runs, of all kinds: few, lost, equal."""
    paper, runs = [], []
    for task, design, r in product(("local", "global"), ("wide-base", "wide-tip"), (6, 8)):
        place = {"task": task, "design": design, "r": r}
        paper.append(
            {**place, "model": "ConvNet", "test_accuracy": round(rng.uniform(0.5, 0.9), 3)}
        )
        for model in ("ConvNet", "ConvAC"):
            for seed in range(int(rng.integers(0, 6))):
                accuracy = rng.choice([rng.uniform(0.05, 0.14), rng.uniform(0.6, 0.9), 0.7])
                runs.append(
                    {
                        **place,
                        "model": model,
                        "seed": seed,
                        "test_accuracy": round(float(accuracy), 4),
                    }
                )
    if rng.random() < 0.2:
        for row in paper:
            row["test_accuracy"] = 0.7
    return paper, runs


def test_the_results_explorer_follows_its_rule_for_lost_runs_and_its_intervals(tmp_path):
    rng = np.random.default_rng(14)
    tables = [made_up(rng) for _ in range(60)]
    explorers = [ResultsExplorer(paper, runs) for paper, runs in tables]
    names = ("points", "gaps", "lost_below")
    states = [
        (number, {"model": model, "r": r, "task": task, "count_lost": counted})
        for number in range(len(tables))
        for model in ("ConvNet", "ConvAC")
        for r in (6, 8)
        for task in ("local", "global")
        for counted in (False, True)
    ]
    said = run_module(
        tmp_path,
        "results",
        "return data.states.map(([n, state]) => page.tell({...data.tables[n], ...state}));",
        {
            "tables": [{name: getattr(one, name) for name in names} for one in explorers],
            "states": states,
        },
    )
    kinds = set()
    for (number_, state), words in zip(states, said, strict=True):
        assert not NONSENSE.search(words), words
        kinds.add(one_is_right(*tables[number_], state, words))
    assert kinds >= {"led", "open", "alone", "absent"}


def accuracies(rows, state, design):
    return [
        100 * row["test_accuracy"]
        for row in rows
        if (row["task"], row["design"], row["r"]) == (state["task"], design, state["r"])
        and row["model"] == state["model"]
        and (state["count_lost"] or row["test_accuracy"] >= LOST)
    ]


def one_is_right(paper, runs, state, words):
    """Check a sentence by another route, and return which kind of sentence it was."""
    base, tip = (accuracies(runs, state, design) for design in ("wide-base", "wide-tip"))
    everything = {**state, "count_lost": True}
    lost = sum(
        a < 100 * LOST
        for design in ("wide-base", "wide-tip")
        for a in accuracies(runs, everything, design)
    )
    assert ("lost run" in words) == (lost > 0)
    assert not lost or f"{lost} lost run" in words
    who = f"our {state['model']}s"
    if not base or not tip:
        assert who not in words
        return "absent"
    assert who in words
    ours = next(part for part in words.split(": ", 1)[1].split("; ") if who in part)
    gap = np.mean(base) - np.mean(tip)
    ahead = "wide-base" if gap > 0 else "wide-tip"
    if len(base) < 2 or len(tip) < 2:
        assert "without an interval" in ours or "level" in ours
        return "alone"
    if len(set(base)) == len(set(tip)) == 1:
        assert "level" in ours if abs(gap) < 1e-9 else ahead in ours
        return "level"
    with np.errstate(all="ignore"):
        low, high = stats.ttest_ind(base, tip, equal_var=False).confidence_interval(0.95)
    told = [float(x.replace("−", "-")) for x in re.findall(r"from (\S+) to ([^)\s]+)", ours)[0]]
    wanted = sorted((low, high)) if gap > 0 else sorted((-low, -high))
    assert told == pytest.approx(wanted, abs=0.06)
    sure = low > 0 or high < 0
    assert (f"{ahead} leads" in ours) == sure and ("no order shows" in ours) == (not sure)
    return "led" if sure else "open"


# --- the depth explorer -------------------------------------------------------------------


def test_the_depth_explorer_counts_as_the_architectures_do(tmp_path):
    states = [
        {"n_sites": n, "local_dim": m, "channels": r}
        for n in SITES
        for m in range(1, 9)
        for r in range(1, 17)
    ]
    said = run_module(
        tmp_path,
        "depth",
        "return data.map((s) => [page.tell(s), page.compare(s), page.accepts(s)]);",
        states,
    )
    for state, (words, found, accepted) in zip(states, said, strict=True):
        assert accepted and not NONSENSE.search(words), words
        n, m, r = state.values()
        deep = Architecture.line(m, (r,) * round(log2(n)))
        width = min_cut_weight(deep, interleaved(n))  # powers or not, the first layer decides
        weights = Architecture.shallow(n, m, width).parameter_count()
        assert [int(found[k]) for k in ("width", "deep", "shallow")] == [
            width,
            deep.parameter_count(),
            weights,
        ]
        assert depth_numbers(n, m, r) == (width, deep.parameter_count(), weights)
        if width == 1:
            assert "one channel in one layer may do" in words
            continue
        assert shown(re.search(r"at least (.*) channels", words)[1], width)
        assert ("saves nothing" in words) == (weights < deep.parameter_count())


@pytest.mark.parametrize("m, r", [(2, 3), (3, 2), (2, 2)])
def test_the_rank_that_the_depth_explorer_names_is_reached_and_needs_that_many_channels(m, r):
    deep = Architecture.line(m, (r, r))
    width = min(m, r) ** 2
    assert certify_rank(deep, interleaved(4)).rank == width
    for channels in (width - 1, width):
        flat = Architecture.shallow(4, m, channels)
        assert certify_rank(flat, interleaved(4)).rank == channels


# --- the overlap explorer -----------------------------------------------------------------


def overlap_states():
    """Yield all states of the line, the windows and M, each with a few numbers of channels."""
    ranges = {name: range(SMALLEST[name], LARGEST[name] + 1) for name in SMALLEST}
    for n, w, L, m in product(*(ranges[name] for name in list(SMALLEST)[:4])):
        for K in (1, 2, 3, 8, 64):
            yield dict(zip(SMALLEST, (n, w, L, m, K), strict=True))


def test_the_overlap_explorer_says_what_its_windows_see(tmp_path):
    states = list(overlap_states())
    said = run_module(
        tmp_path,
        "overlap",
        "return data.map((s) => page.accepts(s) ? page.tell(s, page.overlapNumbers(s)) : null);",
        states,
    )
    kinds = Counter()
    for state, words in zip(states, said, strict=True):
        n, w, L, m, K = state.values()
        seen = [{j} for j in range(n)]  # the sites that each position of a layer sees
        for _ in range(L):
            seen = [set().union(*seen[j : j + w]) for j in range(len(seen) - w + 1)]
        assert (words is None) == (n % 2 == 1 or not seen)
        if words is None:
            continue
        assert not NONSENSE.search(words), words
        half = set(range(n // 2))
        both = [len(one & half) for one in seen if one & half and one - half]
        told, positions = map(int, re.match(r"(\d+) of (\d+) last position", words).groups())
        assert (told, positions) == (len(both), len(seen))
        full, bound = m ** len(half), K * m ** (len(seen[0]) - 1)
        inside = len(seen[0]) - 1 <= len(half)
        kind = "is at most" if not inside else "is full," if bound >= full else "is"
        kinds[kind] += 1
        assert ("For almost all weights" in words) == inside
        value = re.search(rf"rank {kind} (.*?)(?:\.$|, (?:of|and) )", words)[1].split(" = ")[-1]
        assert shown(value, min(full, bound)), words
        found = overlap_numbers(*state.values())
        assert (found["rank"], found["exact"]) == (min(full, bound), inside)
    assert min(kinds.values()) > 300 and len(kinds) == 3


# --- the contraction explorer -------------------------------------------------------------


def orders(legs):
    """Yield the cost of every order of pairs, one by one."""
    if len(legs) == 1:
        yield 0
        return
    for i, j in combinations(range(len(legs)), 2):
        both = legs[i] | legs[j]
        cost = int(np.prod(list(both.values()), dtype=object)) if both else 1
        made = {n: both[n] for n in both if (n in legs[i]) != (n in legs[j])}
        rest = [one for k, one in enumerate(legs) if k not in (i, j)]
        for more in orders([*rest, made]):
            yield cost + more


SIZES = [(1, 1), (2, 2), (2, 8), (32, 1), (32, 8), (5, 3)]


def test_the_best_order_is_the_best_of_all(tmp_path):
    states = [{"diagram": d, "bond": D, "site": s, "steps": []} for d in DIAGRAMS for D, s in SIZES]
    found = run_module(
        tmp_path,
        "contraction",
        "return data.map((s) => { const steps = page.bestOrder(s);"
        " return [steps, page.contract(s, steps), page.accepts({...s, steps})]; });",
        states,
    )
    for state, (steps, made, accepted) in zip(states, found, strict=True):
        legs = legs_of(state["diagram"], state["bond"], state["site"])
        assert accepted and len(steps) == 2 * (len(legs) - 1) and len(made["alive"]) == 1
        assert made["cost"] == least_cost(legs)
        if len(legs) == 5:
            assert made["cost"] == min(orders(list(legs)))
    smaller = list(legs_of("tree", 3, 2)[1:])  # without its root: six tensors, 2,700 orders
    assert least_cost(tuple(smaller)) == min(orders(smaller))


def test_what_the_contraction_explorer_says_of_random_orders(tmp_path):
    rng = np.random.default_rng(3)
    states = []
    for _ in range(400):
        diagram, (bond, site) = str(rng.choice(list(DIAGRAMS))), SIZES[rng.integers(len(SIZES))]
        alive, steps = list(range(len(DIAGRAMS[diagram][0]))), []
        new = len(alive)
        for _ in range(rng.integers(0, len(alive))):
            pair = [alive.pop(rng.integers(len(alive))) for _ in range(2)]
            steps += pair
            alive.append(new)
            new += 1
        states.append({"diagram": diagram, "bond": bond, "site": site, "steps": steps})
    said = run_module(
        tmp_path,
        "contraction",
        "return data.map((s) => [page.tell(s), page.contract(s, s.steps), page.accepts(s)]);",
        states,
    )
    for state, (words, made, accepted) in zip(states, said, strict=True):
        assert accepted and not NONSENSE.search(words), words
        legs = legs_of(state["diagram"], state["bond"], state["site"])
        cost, peak, alive = by_counting(legs, state["steps"])
        assert (made["cost"], made["peak"], len(made["alive"])) == (cost, peak, alive)
        least = least_cost(legs)
        assert cost >= least or alive > 1
        if alive == 1:
            assert ("no order takes fewer" in words) == (cost == least)
            assert number(re.search(r"Done with (.*?) multiplication", words)[1]) == cost
        else:
            assert number(re.search(r"order of all takes (.*?) multiplication", words)[1]) == least


def by_counting(legs, steps):
    """Return cost, peak and what is left, from which bonds still have two ends."""
    size = {n: d for one in legs for n, d in one.items()}
    groups = {i: frozenset([i]) for i in range(len(legs))}

    def entries(group):
        ends = Counter(n for i in group for n in legs[i])
        return prod(size[n] for n, times in ends.items() if times == 1)

    cost, peak, new = 0, sum(entries(g) for g in groups.values()), len(legs)
    for i, j in zip(steps[::2], steps[1::2], strict=True):
        before = sum(entries(g) for g in groups.values())
        a, b = groups.pop(i), groups.pop(j)
        between = {n for k in a for n in legs[k]} & {n for k in b for n in legs[k]}
        cost += entries(a | b) * prod(size[n] for n in between)
        peak = max(peak, before + entries(a | b))
        groups[new] = a | b
        new += 1
    return cost, peak, len(groups)


@pytest.mark.parametrize(
    "steps", [[0], [0, 0], [0, 9], [0, 1, 0, 2], [8, 0], [*list(range(16)), 0, 1]]
)
def test_a_link_with_impossible_steps_is_not_taken(tmp_path, steps):
    state = {"diagram": "ladder", "bond": 2, "site": 2, "steps": steps}
    assert run_module(tmp_path, "contraction", "return page.accepts(data);", state) is False
