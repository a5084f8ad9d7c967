"""The explorers' own modules, run by Node.js, against values from the library."""

import json
import re
from functools import partial
from math import isqrt, log2
from pathlib import Path

import numpy as np
import pytest
from run_module import run_module

from convac_book import explorers
from convac_book.explorers import (
    CutExplorer,
    EntanglementExplorer,
    OverlapExplorer,
    ResultsExplorer,
    WidthExplorer,
)
from convac_book.explorers._base import classic_module, module_source
from convac_book.explorers.entanglement import bipartitions
from convac_book.explorers.overlap import overlap_numbers
from convac_book.explorers.results import find_data
from convac_book.explorers.width import fit_channels, log_cuts, tilted
from convac_book.famous_states import random_state
from convac_lib import Architecture
from convac_lib.cuts import min_cut, theorem2_bound
from convac_lib.partitions import as_partition, as_word, blocks, from_sites, image_blocks
from convac_lib.ranks import certify_rank
from convac_lib.states import (
    entanglement_entropy,
    geometric_measure,
    schmidt_number,
    schmidt_values,
)

ROOT = Path(__file__).resolve().parent.parent
MODULES = {one.page_name(): one._parts for one in map(vars(explorers).get, explorers.__all__)}
EXPLORERS = [
    CutExplorer,
    EntanglementExplorer,
    WidthExplorer,
    explorers.ContractionExplorer,
    explorers.DepthExplorer,
    OverlapExplorer,
    lambda: ResultsExplorer(ROOT / "book" / "data" / "fig10_paper.json"),
]


@pytest.fixture
def run(tmp_path):
    """Call run(name, script, data): the script sees the module as `page` and returns JSON."""
    return partial(run_module, tmp_path)


# --- cuts ---------------------------------------------------------------------------------


def random_cases(count, seed):
    """Yield networks of 2 to 64 sites with random widths, and a partition of their sites."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        window, depth = [(2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (3, 2), (4, 2), (4, 3)][
            rng.integers(8)
        ]
        widths = rng.integers(1, rng.choice([4, 10, 17]), size=depth + 1).tolist()
        network = Architecture(window**depth, window, widths[0], tuple(widths[1:]), 3)
        # Blocks of like sites now and then: independent sites rarely cut high up.
        sites = np.repeat(rng.random(network.n_sites) < rng.uniform(0.2, 0.8), rng.integers(1, 5))
        sites = sites[: network.n_sites]
        sites[rng.integers(network.n_sites)] ^= sites.all() | ~sites.any()
        yield network, sites


def as_page(network, sites):
    return {
        "network": {
            "sites": network.n_sites,
            "window": network.window,
            "localDim": network.local_dim,
            "channels": network.channels,
        },
        "inA": np.asarray(sites).tolist(),
    }


@pytest.mark.slow
def test_the_page_finds_the_library_s_cut(run):
    cases = list(random_cases(2400, seed=5))
    found = run(
        "cut",
        "return data.map(({network, inA}) => ({...page.minimalCut(network, inA),"
        " ...page.theorem2(network, inA), parameters: page.parameterCount(network, 3)}));",
        [as_page(*case) for case in cases],
    )
    assert len(found) == 2400
    for (network, sites), answer in zip(cases, found, strict=True):
        cut = min_cut(network, sites)
        assert int(answer["weight"]) == cut.weight
        assert tuple(answer["counts"]) == cut.counts
        # Not only the weight: the very cut that is drawn.
        for page_sides, sides in zip(answer["sides"], cut.weight_sides, strict=True):
            assert [side == 0 for side in page_sides] == sides.tolist()
        for page_severed, parted in zip(answer["severed"], cut.parted, strict=True):
            assert page_severed == parted.tolist()
        assert (int(answer["bound"]), answer["p"]) == theorem2_bound(network, sites)
        assert answer["parameters"] == network.parameter_count("none")
    assert len({int(answer["weight"]) for answer in found}) > 200


def test_a_weight_beyond_floating_point_is_exact(run):
    network = Architecture.line(15, (13,) * 6)
    sites = blocks(64, 1)
    answer = run(
        "cut",
        "return page.minimalCut(data.network, data.inA).weight;",
        as_page(network, sites),
    )
    assert int(answer) == 13**32  # one r_0 for each of 32 windows; 119 bits


def test_the_preset_blocks_are_the_library_s(run):
    shapes = [(32, 2, length) for length in range(1, 17)] + [(16, 4, 1), (16, 4, 2), (64, 4, 3)]
    found = run(
        "cut", "return data.map(([sites, window, l]) => page.blocks({sites, window}, l));", shapes
    )
    for (n_sites, window, length), sites in zip(shapes, found, strict=True):
        same = blocks(n_sites, length) if window == 2 else image_blocks(isqrt(n_sites), length)
        assert as_word(sites) == as_word(same)


def test_the_known_gaps_are_gaps(run):
    gaps = run("cut", "return page.GAPS;")
    assert [gap["rank"] for gap in gaps] == [7, 56]
    for gap in gaps:
        network = Architecture(
            gap["n_sites"], gap["window"], gap["local_dim"], tuple(gap["channels"])
        )
        ranks = {certify_rank(network, gap["partition"], seed=seed).rank for seed in range(2)}
        cut = min_cut(network, gap["partition"]).weight
        assert ranks == {gap["rank"]}
        assert gap["label"] == f"{gap['rank']} < {cut}"


def test_the_words_say_what_moved(run):
    moves = [
        ([0, 0, 0, 1], [0, 4, 0, 0], "The cut left layer 2 for layer 0"),
        ([4, 0, 0, 0], [0, 2, 1, 0], "The cut left the inputs for layer 0 and layer 1"),
        ([0, 2, 0, 0], [0, 1, 1, 0], "The cut now passes through layer 1 too"),
        ([0, 1, 1, 0], [0, 2, 0, 0], "The cut no longer passes through layer 1"),
        ([0, 2, 0, 0], [0, 2, 0, 0], "The cut stayed in layer 0"),
        ([0, 2, 0, 0], [0, 3, 0, 0], "The cut stayed in layer 0 but crosses it elsewhere"),
    ]
    said = run(
        "cut",
        "const cut = (counts, weight) => ({counts, weight});"
        "return data.map(([before, after]) => [page.moveWords(cut(before, 5n), cut(after, 36n)),"
        " page.moveWords(cut(before, 5n), cut(after, 5n))]);",
        moves,
    )
    for (_, _, words), (heavier, level) in zip(moves, said, strict=True):
        assert heavier == f"{words}, and its weight went from 5 to 36."
        assert level == f"{words}."


def test_the_product_is_written_as_the_library_writes_it(run):
    cases = [((3, 4, 5), "AAAABBBB"), ((2, 9, 9), "AABBAABB"), ((5, 3, 9), "ABBBAAAB")]
    cases = [(Architecture.line(2, channels), sites) for channels, sites in cases]
    said = run(
        "cut",
        "return data.map(({network, inA}) => page.productWords(page.minimalCut(network, inA)));",
        [as_page(network, as_partition(sites)) for network, sites in cases],
    )
    for (network, sites), words in zip(cases, said, strict=True):
        assert words.translate(str.maketrans("₀₁₂", "012")) == min_cut(network, sites).as_product()


# --- entanglement -------------------------------------------------------------------------


def test_schmidt_values_and_measures_agree(run):
    states = [random_state(4, seed=seed) for seed in range(40)]
    states += [random_state(2, seed=seed) for seed in range(10)]
    # Nearly separable: one Schmidt value of 1e-3, 1e-6, ... 1e-14 beside 1.
    rotate = np.array([[0.6, 0.8], [-0.8, 0.6]])
    states += [rotate @ np.diag([1.0, 10.0**-power]) @ rotate for power in (3, 6, 9, 12, 14)]
    # Rank-deficient without being separable.
    states += [np.multiply.outer(states[-6], states[-7]), np.ones((2, 2, 2, 2))]
    found = run(
        "entanglement",
        "return data.map(({sites, amplitudes}) => page.bipartitions(sites)"
        ".map((inA) => page.measure({sites, amplitudes}, inA)));",
        [{"sites": state.ndim, "amplitudes": state.ravel().tolist()} for state in states],
    )
    for state, rows in zip(states, found, strict=True):
        assert [tuple(row["inA"]) for row in rows] == bipartitions(state.ndim)
        for row in rows:
            partition = from_sites(state.ndim, row["inA"])
            np.testing.assert_allclose(row["values"], schmidt_values(state, partition), atol=1e-12)
            assert abs(row["entropy"] - entanglement_entropy(state, partition)) < 1e-10
            assert row["number"] == schmidt_number(state, partition)
            # The library takes 1 - p_1, the page the sum of the others: near 0 it is the finer.
            assert abs(row["geometric"] ** 2 - geometric_measure(state, partition) ** 2) < 1e-12


def test_page_and_python_hold_the_same_state(run):
    explorers = [
        EntanglementExplorer(theta=30),
        EntanglementExplorer("product", seed=3),
        *(EntanglementExplorer("bell-pairs", pairing=pairing) for pairing in range(3)),
        EntanglementExplorer("ghz"),
        EntanglementExplorer("w"),
        EntanglementExplorer("random", seed=2**31 - 1),
        EntanglementExplorer("convac", channels=(3, 4), seed=11),
        EntanglementExplorer(state=np.arange(8.0).reshape(2, 2, 2)),
    ]
    names = ("kind", "theta", "pairing", "channels", "seed", "amplitudes")
    found = run(
        "entanglement",
        "return data.map(page.makeState);",
        [{name: getattr(explorer, name) for name in names} for explorer in explorers],
    )
    for explorer, state in zip(explorers, found, strict=True):
        assert state["sites"] == explorer.state.ndim
        np.testing.assert_allclose(state["amplitudes"], explorer.state.ravel(), atol=1e-14)


def test_bell_pairs_join_the_sites_they_say():
    for pairing, apart in enumerate([(0, 1), (0, 2), (0, 3)]):
        state = EntanglementExplorer("bell-pairs", pairing=pairing).state
        assert schmidt_number(state, from_sites(4, apart)) == 1
        others = {(0, 1), (0, 2), (0, 3)} - {apart}
        assert [schmidt_number(state, from_sites(4, sites)) for sites in others] == [4, 4]


def test_a_convac_s_state_obeys_its_cut():
    for channels in [(1, 1), (1, 3), (2, 1), (2, 2), (3, 4)]:
        state = EntanglementExplorer("convac", channels=channels, seed=4).state
        for sites in bipartitions(4):
            partition = from_sites(4, sites)
            cut = min_cut(Architecture.line(2, channels), partition).weight
            assert schmidt_number(state, partition) == cut


# --- widths -------------------------------------------------------------------------------


def test_page_and_python_spend_a_budget_alike(run):
    rng = np.random.default_rng(8)
    cases = []
    for _ in range(60):
        window, depth = [(2, 6), (4, 3), (4, 6)][rng.integers(3)]
        network = {
            "n_sites": window**depth,
            "window": window,
            "local_dim": int(rng.integers(2, 12)),
            "n_outputs": 10,
            "share": ["all", "window-position", "none"][rng.integers(3)],
        }
        budget = int(10 ** rng.uniform(4.8, 6))
        cases.append([rng.uniform(0.1, 5, size=depth).tolist(), network, budget])
    found = run("width", "return data.map((given) => page.fitChannels(...given));", cases)
    for (profile, network, budget), channels in zip(cases, found, strict=True):
        share = network.pop("share")
        start = Architecture(channels=(1,) * len(profile), **network)
        assert channels == fit_channels(start.with_channels, profile, budget, share)
        spent = start.with_channels(channels).parameter_count(share)
        assert spent <= budget
        wider = [width + 1 for width in channels]
        assert start.with_channels(wider).parameter_count(share) > budget


def test_a_dragged_layer_keeps_the_budget(run):
    network = {"n_sites": 4096, "window": 4, "local_dim": 10, "n_outputs": 10, "share": "all"}
    start = Architecture(4096, 4, 10, (1,) * 6, 10)
    for layer, width in [(0, 5), (3, 90), (5, 10_000)]:
        found = run(
            "width",
            "const tip = [16, 16, 32, 32, 64, 64];"
            "return page.refit(tip, data.layer, data.width, data.network, 8736);",
            {"layer": layer, "width": width, "network": network},
        )["channels"]
        assert found[layer] == width or (width == 10_000 and found[layer] > 500)
        assert start.with_channels(found).parameter_count("all") <= 8736


def test_the_curves_are_the_library_s_cuts(run):
    rng = np.random.default_rng(9)
    for window, n_sites in [(4, 4096), (4, 64), (2, 64)]:
        depth = round(log2(n_sites) / log2(window))
        for _ in range(3):
            channels = tuple(rng.integers(1, 40, size=depth).tolist())
            network = Architecture(n_sites, window, int(rng.integers(2, 9)), channels)
            found = run(
                "width",
                "return page.logCuts(data.channels, data);",
                {"n_sites": n_sites, "window": window, "local_dim": network.local_dim,
                 "channels": channels},
            )  # fmt: skip
            for k, curve in enumerate(found):
                sites = blocks(n_sites, 2**k) if window == 2 else image_blocks(isqrt(n_sites), 2**k)
                assert curve["total"] == pytest.approx(log2(min_cut(network, sites).weight))
                assert curve["perWindow"] == pytest.approx(log_cuts(network)[k])


def test_the_profiles_run_from_wide_base_to_wide_tip(run):
    found = run("width", "return [-1, 0, 1].map((tilt) => page.tilted(6, tilt));")
    assert found == [tilted(6, tilt) for tilt in (-1, 0, 1)]
    assert WidthExplorer(profile="wide-base").architecture == Architecture.wide_base(16)
    assert WidthExplorer(profile="wide-tip").architecture == Architecture.wide_tip(16)


# --- results ------------------------------------------------------------------------------

ROW = {"task": "local", "model": "ConvNet", "design": "wide-base", "r": 6}


def paper_row(**changed):
    return {**ROW, "train_accuracy": 0.575, "test_accuracy": 0.572, **changed}


def test_the_digitised_figure_is_whole_and_its_conclusions_hold(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT / "book")
    table = json.loads((find_data() / "fig10_paper.json").read_text("utf-8"))
    assert "arXiv 1704.01552" in table["provenance"]["source"]
    test = {(row["task"], row["design"], row["r"]): row["test_accuracy"] for row in table["rows"]}
    assert len(test) == len(table["rows"]) == 2 * 2 * 8
    for r in (6, 8, 10, 12, 16, 20, 24, 30):  # section 8: each design wins its task at every r
        assert test["local", "wide-base", r] > test["local", "wide-tip", r]
        assert test["global", "wide-tip", r] > test["global", "wide-base", r]
    assert test["global", "wide-tip", 16] == 0.883 and test["local", "wide-tip", 30] == 0.764
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"fig10_paper\.json"):
        ResultsExplorer()


def test_runs_may_be_absent_partial_or_broken_off(run, tmp_path):
    paper = tmp_path / "fig10_paper.json"
    table = {"what": "one point", "provenance": {"source": "here"}, "rows": [paper_row()]}
    paper.write_text(json.dumps(table))
    assert "our" not in repr(ResultsExplorer(paper))
    rows = [
        paper_row(seed=0, test_accuracy=0.6),
        paper_row(seed=1, test_accuracy=0.7, train_accuracy=None),
        paper_row(seed=2, test_accuracy=float("nan")),
        {**ROW, "seed": 3},
    ]
    made = {"command": "convac sweep", "date": "2026-01-01", "device": "cpu"}
    runs = {"what": "runs", "provenance": made, "rows": rows}
    (tmp_path / "fig10_runs.json").write_text(json.dumps(runs))
    explorer = ResultsExplorer(paper)
    assert explorer.left_out == "2 of our runs have no accuracy and are left out."
    found = run("results", "return page.readPoints(data, 1500, false);", explorer.points)
    assert [point["ours"] for point in found] == [False, True]
    assert found[1]["test"]["mean"] == pytest.approx(65)
    assert (found[1]["test"]["low"], found[1]["test"]["high"]) == (60, 70)
    assert found[1]["train"]["values"] == [57.5]


@pytest.mark.parametrize(
    "rows, told",
    [
        ([paper_row(task="both")], "task must be one of 'local', 'global', got 'both'"),
        ([paper_row(test_accuracy=57.2)], "test_accuracy must be a fraction from 0 to 1, got 57.2"),
        ([], "paper and runs must have a row with an accuracy"),
    ],
)
def test_a_bad_table_is_refused(rows, told):
    with pytest.raises(ValueError, match=told):
        ResultsExplorer(rows, runs=[])


def test_a_damaged_file_is_refused(tmp_path):
    damaged = tmp_path / "fig10_paper.json"
    damaged.write_text('{"rows": [')
    with pytest.raises(ValueError, match="is not JSON"):
        ResultsExplorer(damaged)
    damaged.write_text('{"points": []}')
    with pytest.raises(ValueError, match="must hold what, rows, and a provenance"):
        ResultsExplorer(damaged)


# --- overlaps -----------------------------------------------------------------------------


def test_the_page_counts_as_the_library_does(run):
    rng = np.random.default_rng(0)
    cases = []
    while len(cases) < 300:
        n_sites, window = int(rng.integers(2, 13)) * 2, int(rng.integers(2, 5))
        depth = int(rng.integers(0, 13))
        if depth * (window - 1) < n_sites:
            cases.append((n_sites, window, depth, *map(int, rng.integers((2, 1), (5, 65)))))
    names = ("n_sites", "window", "depth", "local_dim", "channels")
    found = run(
        "overlap",
        "return data.map((values) => ({...page.overlapNumbers(values),"
        " words: page.tell(values, page.overlapNumbers(values))}));",
        [dict(zip(names, case, strict=True)) for case in cases],
    )
    for case, answer in zip(cases, found, strict=True):
        ours = overlap_numbers(*case)
        for name in ("reach", "positions", "straddling", "exact"):
            assert answer[name] == ours[name]
        assert [int(answer[name]) for name in ("rank", "full", "tree")] == [
            ours["rank"], ours["full"], ours["tree"],
        ]  # fmt: skip
        # Where the law is only a bound, the words say so.
        assert ("and may be less" in answer["words"]) == (not ours["exact"])


def test_the_law_of_the_explorer_is_that_of_exact_ranks():
    from beyond_nets import overlap_values, overlap_weights, rank, sides, table

    for n_sites, window, depth, m, last in [(8, 2, 2, 2, 3), (6, 3, 1, 3, 2), (8, 3, 2, 2, 5)]:
        net = overlap_weights(
            np.random.default_rng(0), n_sites, window, (m,) * (depth + 1) + (last,)
        )
        values = overlap_values(n_sites, *net, np.eye(m, dtype=int))
        exact = rank(table(values, sides(n_sites, range(n_sites // 2)), m))
        found = overlap_numbers(n_sites, window, depth, m, last)
        assert found["exact"] and found["rank"] == exact


# --- the Python side ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: CutExplorer(8, 2, (3, 4)), "channels must have one width"),
        (lambda: CutExplorer(128, 2, (2,) * 7), "n_sites must be an integer from 2 to 64"),
        (lambda: CutExplorer(partition="AAAAAAAA"), "B is empty"),
        (lambda: CutExplorer(partition="ABAB"), "one entry for each of the 8 sites"),
        (lambda: CutExplorer(partition="upside-down"), "partition must be one of 'interleaved'"),
        (lambda: EntanglementExplorer("cat"), "kind must be one of 'angle'"),
        (lambda: EntanglementExplorer(theta=91), "theta must be an angle from 0 to 90"),
        (lambda: EntanglementExplorer(state=np.ones((3, 3))), "state must be real with shape"),
        (lambda: EntanglementExplorer(state=np.eye(2) * 1j), "state must be real with shape"),
        (lambda: WidthExplorer(budget=20), "budget must be an integer of at least 25"),
        (lambda: WidthExplorer(window=3), "window must be one of 2, 4"),
        (lambda: WidthExplorer(profile="flat"), "profile must be one of 'wide-base'"),
        (lambda: OverlapExplorer(n_sites=7), "n_sites must be even"),
        (lambda: OverlapExplorer(n_sites=40), "n_sites must be an integer from 4 to 24"),
        (lambda: OverlapExplorer(8, window=4, depth=3), "depth must leave a position: at most 2"),
    ],
)  # fmt: skip
def test_bad_input_is_told(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_what_the_reader_drew_goes_into_the_library():
    explorer = CutExplorer(8, 2, (3, 4, 5))
    # The page's message, as anywidget hands it over.
    explorer.set_state({"partition": "AABBBBAA", "channels": [2, 2, 7]})
    assert explorer.architecture == Architecture.line(2, (2, 2, 7))
    assert min_cut(explorer.architecture, explorer.partition).weight == 4
    # Another tree and its partition come in one message, in whatever order.
    explorer.set_state({"partition": 8 * "AB", "channels": [2, 3], "window": 4, "n_sites": 16})
    assert min_cut(explorer.architecture, explorer.partition).weight == 16


def test_python_can_set_what_the_page_shows():
    explorer = CutExplorer(8, 2, (3, 4, 5))
    explorer.partition = np.arange(8) < 3
    assert explorer.partition == "AAABBBBB"
    explorer.partition = "left-right"
    assert explorer.partition == "AAAABBBB"
    with pytest.raises(ValueError, match="A is empty"):
        explorer.partition = "BBBBBBBB"
    assert explorer.partition == "AAAABBBB"
    explorer.architecture = Architecture.line(3, (2, 2))
    assert explorer.architecture == Architecture.line(3, (2, 2))
    assert explorer.partition == "ABAB"


@pytest.mark.parametrize("make", EXPLORERS)
def test_without_a_script_there_is_a_sentence_and_a_picture(make):
    first, again = make()._repr_mimebundle_()[0], make()._repr_mimebundle_()[0]
    sentence, still = first["text/plain"], first["image/svg+xml"]
    assert sentence.endswith(".") and "object at" not in sentence and len(sentence) < 420
    assert still.startswith("<svg") and 'role="img"' in still and sentence.split(":")[0] in still
    assert len(still) < 14_000
    assert not {"NaN", "nan", "inf"} & set(re.findall(r"\w+", still))
    # Stored notebooks are compared with a fresh run.
    assert (again["text/plain"], again["image/svg+xml"]) == (sentence, still)


@pytest.mark.parametrize("make", EXPLORERS)
def test_a_page_stores_little(make):
    explorer = make()
    assert len(json.dumps(explorer._get_embed_state())) < 30_000


@pytest.mark.parametrize("names", MODULES.values(), ids=MODULES)
def test_a_module_is_small_and_asks_nobody(names):
    source = module_source(*names)
    assert len(source.encode("utf-8")) < 48_000
    assert "http://www.w3.org/2000/svg" in source
    assert source.count("http") == 1  # the name of the SVG vocabulary, which is not fetched
    assert "fetch(" not in source and "import(" not in source and "XMLHttpRequest" not in source


@pytest.mark.parametrize("names", MODULES.items(), ids=MODULES)
def test_a_plain_script_holds_the_same_module(names, tmp_path):
    kind, parts = names
    source = classic_module(kind, *parts)
    assert "export" not in re.sub(r"//.*", "", source)
    told = run_module(
        tmp_path,
        kind,
        "globalThis.window = globalThis; new Function(data)();"
        "return Object.keys(Object.values(window.convacExplorers)[0]).sort();",
        source,
    )
    assert told == ["accepts", "render"]


def test_every_explorer_is_on_offer():
    assert set(explorers.__all__) == {
        "ContractionExplorer", "CutExplorer", "DepthExplorer", "EntanglementExplorer",
        "OverlapExplorer", "ResultsExplorer", "WidthExplorer",
    }  # fmt: skip
