"""The explorers in a page with no kernel and no network, by mouse, by keyboard, by touch."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlparse

import nbformat
import pytest
from load_script import load_script

from convac_book.explorers import (
    ContractionExplorer,
    CutExplorer,
    DepthExplorer,
    EntanglementExplorer,
    OverlapExplorer,
    ResultsExplorer,
    WidthExplorer,
)
from convac_book.explorers._base import classic_module
from convac_lib import Architecture
from convac_lib.cuts import min_cut

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent
extension = load_script("book/_ext/convac_explorers.py")
AXE = ROOT / "tests" / "_vendor" / "axe.min.js"
PAPER = ROOT / "book" / "data" / "fig10_paper.json"

PAGE = """<!doctype html>
<html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Explorers</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>body {{ margin: 0; font: 16px/1.6 sans-serif; {colours} }}
main {{ max-width: 720px; margin: auto; padding: 12px; }}</style>
<script defer src="explorers.js"></script></head>
<body><main><h1>Explorers</h1>{views}</main></body></html>"""
COLOURS = {"light": "background: #fff; color: #222", "dark": "background: #121212; color: #ddd"}


def our_runs():
    """Return a few made-up rows in the format of the sweeps: some points, one broken run."""
    rows = [
        {"task": task, "model": model, "design": design, "r": r, "seed": seed,
         "train_accuracy": 0.9, "test_accuracy": 0.7 + 0.01 * seed}
        for task in ("local", "global") for model in ("ConvNet", "ConvAC")
        for design in ("wide-base", "wide-tip") for r in (6, 16) for seed in range(3)
    ]  # fmt: skip
    return [*rows, {**rows[0], "test_accuracy": None}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a page for each theme, holding all explorers, as the book embeds them.

    Beside them a page for each kind of explorer holds one of it alone.
    """
    folder = tmp_path_factory.mktemp("page")
    (folder / "explorers").mkdir()
    shutil.copy(ROOT / "book" / "_assets" / "explorers.js", folder)
    for kind, one in extension.kinds().items():
        (folder / "explorers" / f"{kind}.js").write_text(classic_module(kind, *one._parts), "utf-8")
    widgets = [
        CutExplorer(8, 2, (3, 4, 5)),
        CutExplorer(32, 2, (3, 4, 5, 6, 7)),
        CutExplorer(16, 2, (3, 2), window=4),
        EntanglementExplorer(),
        WidthExplorer(),
        ResultsExplorer(PAPER, our_runs()),
        ContractionExplorer(),
        DepthExplorer(),
        OverlapExplorer(),
    ]
    nodes, counts, views = [extension.node_of(one) for one in widgets], Counter(), []
    for node in nodes:
        kind = node["kind"]
        counts[kind] += 1
        told = node["state"], node["sentence"], node["still"]
        views.append(extension.as_html(kind, counts[kind], *told))
        if counts[kind] == 1:
            page = PAGE.format(theme="light", colours=COLOURS["light"], views=views[-1])
            (folder / f"{kind}.html").write_text(page, "utf-8")
    for theme, colours in COLOURS.items():
        page = PAGE.format(theme=theme, colours=colours, views="".join(views))
        (folder / f"{theme}.html").write_text(page, "utf-8")
    return folder


@pytest.fixture
def visit(chromium, folder):
    """Open a page: visit(width, theme, address); whatever goes wrong there fails the test."""
    problems, contexts = [], []

    def guard(request):
        url = urlparse(request.url)
        if url.scheme not in ("file", "data", "blob") and url.hostname != "127.0.0.1":
            problems.append(f"asked another host: {request.url}")

    def listen(said):
        # JupyterLab's socket ends with its server; that is no concern of the page.
        if said.type == "error" and "WebSocket" not in said.text:
            problems.append(said.text)

    def open_page(width=760, theme="light", address=None, **context):
        contexts.append(chromium.new_context(viewport={"width": width, "height": 900}, **context))
        contexts[-1].set_default_timeout(10_000)
        page = contexts[-1].new_page()
        page.on("request", guard)
        page.on("pageerror", lambda error: problems.append(f"raised: {error}"))
        page.on("console", listen)
        page.goto(address or (folder / f"{theme}.html").as_uri())
        if "/lab/" not in page.url:
            awaken(page)
            page.wait_for_function(
                "document.querySelectorAll('.convac').length ==="
                " document.querySelectorAll('.explorer').length &&"
                "[...document.querySelectorAll('.convac')].every(e => e.querySelector('svg'))"
            )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def awaken(page):
    """Bring every explorer near the window, as a reader who scrolls through does."""
    for box in page.locator(".explorer").all():
        box.scroll_into_view_if_needed()
        box.locator(".convac svg").first.wait_for()
    page.evaluate("scrollTo(0, 0)")


def weight(explorer):
    return int(re.sub(r"\D", "", explorer.locator(".headline b").inner_text()))


def drawn(explorer):
    """Return the partition on the page as a word, site by site."""
    cells = {
        int(re.search(r"\d+", cell.get_attribute("aria-label"))[0]): cell.inner_text()
        for cell in explorer.locator(".cell").all()
    }
    return "".join(cells[site] for site in sorted(cells))


LINE = Architecture.line(2, (3, 4, 5))


# Pairs of visible labels that lie on one another by more than a hair.
COVERED_LABELS = """[...document.querySelectorAll('.convac')].flatMap(root => {
  const texts = [...root.querySelectorAll('svg text, button, label, .facts div div, .value')]
    .filter(e => e.checkVisibility() && e.textContent.trim());
  const boxes = texts.map(e => e.getBoundingClientRect());
  return texts.flatMap((a, i) => texts.slice(i + 1).flatMap((b, k) => {
    const [p, q] = [boxes[i], boxes[i + 1 + k]];
    const over = Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1 &&
      Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 4;
    const nested = a.contains(b) || b.contains(a);
    return over && !nested ? [`${a.textContent} / ${b.textContent}`] : [];
  }));
})"""


# --- the cut explorer ---------------------------------------------------------------------


def test_a_click_moves_a_site_and_the_cut(visit):
    page = visit()
    first, second = page.locator(".convac-cut").nth(0), page.locator(".convac-cut").nth(1)
    untouched = second.inner_html()
    spoken = first.locator("[role=status]")
    assert spoken.inner_text() == ""  # a page with many figures opens in silence
    assert (drawn(first), weight(first)) == ("ABABABAB", 16)
    first.get_by_role("button", name="left | right").click()
    assert (drawn(first), weight(first)) == ("AAAABBBB", 4)
    assert "The cut left the inputs for layer 1" in first.locator(".words").inner_text()
    first.get_by_label("site 0 in A").click()
    assert drawn(first) == "BAAABBBB"
    assert weight(first) == min_cut(LINE, "BAAABBBB").weight == 6
    assert first.locator(".tree .bond.severed").count() == len(min_cut(LINE, "BAAABBBB").edges)
    assert first.get_by_label("site 0 in A").get_attribute("aria-pressed") == "false"
    # Spoken once the reader pauses, with the result and what moved.
    page.wait_for_function("e => e.textContent.includes('= 6')", arg=spoken.element_handle())
    assert second.inner_html() == untouched


def test_dragging_paints_and_the_last_site_stays(visit):
    explorer = visit().locator(".convac-cut").nth(0)
    mouse, boxes = explorer.page.mouse, [c.bounding_box() for c in explorer.locator(".cell").all()]
    centre = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    mouse.move(*centre[1])
    mouse.down()
    for place in centre[2:6]:
        mouse.move(*place)
    mouse.up()
    assert drawn(explorer) == "AAAAAAAB"
    assert weight(explorer) == min_cut(LINE, "AAAAAAAB").weight
    explorer.get_by_label("site 7 in A").click()
    assert drawn(explorer) == "AAAAAAAB"
    assert explorer.locator(".words").inner_text() == "B must keep at least one site."


def test_the_keyboard_alone_does_it_all(visit):
    page = visit()
    explorer = page.locator(".convac-cut").nth(0)
    press = page.keyboard.press
    explorer.locator("select").focus()
    stops = []
    for _ in range(18):
        press("Tab")
        stops.append(page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''"))
    assert stops.count("site 0 in A") == 1 and "local dimension M" in stops
    assert not any(stop.startswith("site 1") for stop in stops)  # the board is one stop
    explorer.get_by_label("site 0 in A").focus()
    press("ArrowRight")
    press("ArrowRight")
    press("Space")
    assert drawn(explorer) == "ABBBABAB"
    press("End")
    press("Space")
    assert drawn(explorer) == "ABBBABAA"
    assert weight(explorer) == min_cut(LINE, "ABBBABAA").weight
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    explorer.get_by_label("channels of layer 0").focus()
    press("ArrowLeft")
    press("ArrowLeft")
    narrow = Architecture.line(2, (1, 4, 5))
    assert weight(explorer) == min_cut(narrow, "ABBBABAA").weight
    explorer.get_by_label("block length ξ").focus()
    press("End")
    assert drawn(explorer) == "AAAABBBB"


def test_other_trees_and_the_known_gaps(visit):
    explorer = visit().locator(".convac-cut").nth(0)
    explorer.locator("select").select_option("4x4")
    assert explorer.locator(".cell").count() == 16
    explorer.get_by_role("button", name="checkerboard").click()
    assert drawn(explorer) == 4 * "ABBA"  # in Morton order every window is a small board
    explorer.get_by_role("button", name="7 < 8").click()
    assert weight(explorer) == 8
    assert "the exact rank is 7" in explorer.locator(".words").inner_text()
    explorer.get_by_role("button", name="56 < 60").click()
    assert (weight(explorer), explorer.locator(".cell").count()) == (60, 16)
    explorer.locator("select").select_option("32")
    for _ in range(3):
        explorer.get_by_role("button", name="random").click()
        word = drawn(explorer)
        assert word.count("A") == 16
        network = Architecture.line(2, (3, 5, 5, 2, 2))
        assert weight(explorer) == min_cut(network, word).weight


def test_touch_on_a_phone(visit):
    page = visit(360, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    explorer = page.locator(".convac-cut").nth(1)
    cell = explorer.get_by_label("site 31 in A")
    box = cell.bounding_box()
    assert min(box["width"], box["height"]) >= 34
    before = drawn(explorer)
    cell.tap()
    assert drawn(explorer) == before[:-1] + "A"


def test_no_label_covers_another(visit):
    page = visit(760)
    for width in (760, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(100)
        assert page.evaluate(COVERED_LABELS) == []


# --- the others ---------------------------------------------------------------------------


def test_entanglement_follows_the_reader(visit):
    page = visit()
    explorer = page.locator(".convac-entanglement")
    explorer.get_by_label("angle theta in degrees").focus()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    assert explorer.locator(".entropy").inner_text() == "0.693"  # ln 2 at 45 degrees
    page.keyboard.press("Home")
    assert explorer.locator(".entropy").inner_text() == "0"
    state = explorer.get_by_label("State")
    state.select_option("product")
    for _ in range(3):
        explorer.get_by_role("button", name="draw another").click()
        assert explorer.locator(".entropy").all_inner_texts() == 7 * ["0"]
    state.select_option("bell-pairs")
    explorer.get_by_role("button", name="0–2 1–3").click()
    entropies = ["1.386", "0", "1.386", *4 * ["0.693"]]
    assert explorer.locator(".entropy").all_inner_texts() == entropies
    state.select_option("w")
    assert explorer.locator(".entropy").nth(3).inner_text() == "0.562"
    state.select_option("convac")
    explorer.get_by_label("channels of layer 1").focus()
    page.keyboard.press("Home")
    cuts = explorer.locator("td.cut").all_inner_texts()
    assert cuts == ["1", "4", "4", "2", "2", "2", "2"]
    # A real random network reaches its cut: the rank column says the same.
    assert explorer.locator("tbody td:nth-child(5)").all_inner_texts() == cuts


def test_a_width_is_dragged_and_the_budget_holds(visit):
    page = visit()
    explorer = page.locator(".convac-width")

    def widths():
        handles = explorer.locator(".handle").all()
        return [int(handle.get_attribute("aria-valuenow")) for handle in handles]

    def spent():
        said = explorer.locator(".spent").inner_text()
        return int(re.sub(r"\D", "", said.split(" of ")[0]))

    assert spent() == Architecture.for_image(64, 10, widths(), 10).parameter_count("all")
    # The ghosts have the same budget: the paper's r = 16, of 64, 32 and 16 channels.
    said = explorer.locator(".curves").get_attribute("aria-label")
    assert "wide-base 6, 6, 5, 5, 4, 4; wide-tip 4, 4, 5, 5, 6, 6; yours 5.29" in said
    explorer.get_by_label("profile from wide-base to wide-tip").focus()
    page.keyboard.press("End")
    assert widths() == [16, 16, 32, 32, 64, 64] and spent() == 8736
    assert "as many bits as wide-tip" in explorer.locator(".words").inner_text()
    handle = explorer.get_by_label("channels of layer 0")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 45, steps=4)
    page.mouse.up()
    dragged = widths()
    assert dragged[0] > 40 and dragged[5] < 64
    assert spent() == Architecture.for_image(64, 10, dragged, 10).parameter_count("all") <= 8736
    page.keyboard.press("ArrowUp")
    assert widths()[0] == dragged[0] + 1
    explorer.get_by_role("button", name="whole input").click()
    # At ξ = 1: log2(64) bits for each of the 1024 windows of wide-base.
    assert "wide-base 6140, " in explorer.locator(".curves").get_attribute("aria-label")
    explorer.get_by_label("parameter budget").focus()
    page.keyboard.press("Home")
    assert spent() <= 200


def test_results_at_every_r(visit):
    page = visit()
    explorer = page.locator(".convac-results")
    cells = explorer.locator("tbody td")
    assert cells.all_inner_texts()[:5] == ["local", "wide-base", "74.5", "71.0", "70.0–72.0 (3)"]
    explorer.get_by_text("Where the numbers come from").click()
    assert "1 of our runs" in explorer.inner_text()
    explorer.get_by_label("width r").focus()
    page.keyboard.press("End")
    assert cells.all_inner_texts()[:5] == ["local", "wide-base", "78.5", "–", "no run yet"]
    assert "wide-base leads by 2.1 points in the paper" in explorer.locator(".words").inner_text()
    lines = explorer.locator(".panels path.curve")
    before = lines.count()
    explorer.get_by_label("training accuracy").check()
    assert lines.count() > before
    assert explorer.locator(".panels circle.run").count() == 0
    explorer.get_by_label("single runs").check()
    assert explorer.locator(".panels circle.run").count() == 2 * 2 * 2 * 3
    marks = explorer.locator(".panels .marker.hollow.tip")
    assert marks.count() == 16
    explorer.get_by_role("button", name="wide-tip, paper").click()
    assert marks.count() == 0
    explorer.get_by_role("button", name="global").click()
    assert explorer.locator(".panel").count() == 1


def test_two_tensors_are_contracted_by_keyboard_and_by_mouse(visit):
    page = visit()
    explorer = page.locator(".convac-contraction")
    words = explorer.locator(".words")
    assert "The best order of all takes" in words.inner_text()
    explorer.get_by_label("Diagram").select_option("chain")
    explorer.get_by_role("button", name="v, ").click()
    explorer.get_by_role("button", name="E, ").click()
    assert explorer.locator("tbody tr").count() == 1 and "4 tensors left" in words.inner_text()
    explorer.locator("[data-tensor='5']").focus()
    page.keyboard.press("Enter")
    assert explorer.locator("[data-tensor='5']").get_attribute("aria-pressed") == "true"
    explorer.locator("[data-tensor='2']").focus()
    page.keyboard.press("Space")
    assert explorer.locator("tbody tr").count() == 2
    explorer.get_by_role("button", name="show the best").click()
    assert "no order takes fewer" in words.inner_text()
    explorer.get_by_role("button", name="undo").click()
    assert explorer.locator("tbody tr").count() == 3
    explorer.get_by_role("button", name="reset").click()
    assert explorer.locator("tbody tr").count() == 0 and explorer.locator(".tensor").count() == 8


def test_depth_grows(visit):
    page = visit()
    explorer = page.locator(".convac-depth")
    assert "at least 16 channels" in explorer.locator(".words").inner_text()
    explorer.get_by_label("sites N").focus()
    page.keyboard.press("End")
    assert "1.34 × 10¹⁵⁴ channels" in explorer.locator(".words").inner_text()
    explorer.get_by_label("features M").focus()
    page.keyboard.press("Home")
    assert "holds nothing between neighbours" in explorer.locator(".words").inner_text()


# --- at the ends --------------------------------------------------------------------------

# Every control of an explorer with its ends: sliders, choices, switches, buttons.
KINDS_OF_CONTROL = "input[type=range], select, input[type=checkbox], button, .handle, .tensor"
CONTROLS = f"""root => [...root.querySelectorAll('{KINDS_OF_CONTROL}')]
  .filter(e => !e.closest('.foot'))"""
SET = f"""(root, [index, end]) => {{
  const e = ({CONTROLS})(root)[index];
  if (!e) return;
  const tell = (event) => e.dispatchEvent(event);
  if (e.type === 'range') {{
    e.value = end ? e.max : e.min;
    tell(new Event('input'));
  }} else if (e.tagName === 'SELECT') {{
    e.selectedIndex = end ? e.options.length - 1 : 0;
    tell(new Event('change'));
  }} else if (e.classList.contains('handle')) {{
    tell(new KeyboardEvent('keydown', {{ key: end ? 'End' : 'Home', bubbles: true }}));
  }} else if (e.tagName === 'g') {{
    tell(new MouseEvent('click', {{ bubbles: true }}));
  }} else if (end) e.click();
}}"""
TRY_PAIRS = f"""async (root, pairs) => {{
  const set = {SET}, bad = [], said = new Set();
  const nonsense = /.{{0,40}}(NaN|Infinity|undefined|\\bnull\\b|\\[object).{{0,20}}/s;
  for (const [i, j, a, b] of pairs) {{
    set(root, [i, a]);
    await null;
    set(root, [j, b]);
    await new Promise(requestAnimationFrame);
    const found = root.outerHTML.match(nonsense);
    if (found) bad.push([i, a, j, b, found[0]]);
    said.add(root.querySelector('.words').textContent);
  }}
  return [bad.slice(0, 5), said.size];
}}"""


@pytest.mark.parametrize(
    "kind", ["cut", "entanglement", "width", "results", "contraction", "depth", "overlap"]
)
def test_every_pair_of_controls_at_their_ends_makes_sense(visit, folder, kind):
    page = visit(address=(folder / f"{kind}.html").as_uri())
    root = page.locator(f".convac-{kind}").first
    count = root.evaluate(f"root => ({CONTROLS})(root).length")
    told = root.evaluate(TRY_PAIRS, pairs_of(count))
    assert told[0] == []
    assert told[1] > 3


def pairs_of(count):
    """Return (i, j, end of i, end of j): all pairs of controls, at most 900, spread evenly."""
    pairs = [
        [i, j, a, b]
        for i in range(count)
        for j in range(i + 1, count)
        for a in (0, 1)
        for b in (0, 1)
    ]
    return pairs[:: max(1, len(pairs) // 900)]


# --- the state in the address -------------------------------------------------------------


def test_the_state_survives_a_reload_and_can_be_linked(visit):
    page = visit()
    first, second = page.locator(".convac-cut").nth(0), page.locator(".convac-cut").nth(1)
    first.get_by_label("channels of layer 0").focus()
    page.keyboard.press("ArrowLeft")
    first.get_by_label("site 0 in A").click()
    page.locator(".convac-width").get_by_role("button", name="whole input").click()
    here = weight(first)
    page.wait_for_function(
        "['cut.channels=2_4_5', 'width.mode=total'].every(one => location.search.includes(one))"
    )
    page.reload()
    awaken(page)
    assert (drawn(first), weight(first)) == ("BBABABAB", here)
    assert drawn(second) == 16 * "AB"  # each has its own
    whole = page.locator(".convac-width").get_by_role("button", name="whole input")
    assert whole.get_attribute("aria-pressed") == "true"
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    first.get_by_role("button", name="copy link").click()
    link = page.evaluate("window.copied")
    assert link.endswith("#explorer-cut") and "width" not in link
    first.get_by_role("button", name="reset").click()
    assert drawn(first) == "ABABABAB"
    page.wait_for_function("!location.search.includes('cut.')")
    page.goto("about:blank")
    page.goto(link)
    page.locator(".convac-cut").first.wait_for()
    assert weight(page.locator(".convac-cut").first) == here
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


TAMPERED = {
    "cut": [
        "channels=0_4_5",
        "channels=3_4",
        "channels=3_4_x",
        "partition=AAAAAAAA",
        "partition=AB",
        "partition=%3Cimg%20src=x%20onerror=alert(1)%3E",
        "n_sites=1e9",
        "n_sites=NaN",
        "window=",
        "__proto__=1",
        "constructor=1",
        "channels=",
    ],
    "width": ["budget=-5", "channels=1_1", "mode=other"],
    "entanglement": ["kind=own", "theta=1e400", "channels=1_999999"],
    "results": ["r=7", "model=x", "hidden=a_b", "task=2"],
    "contraction": ["steps=0_0", "steps=99_98", "diagram=toString"],
    "depth": ["n_sites=3", "channels=0"],
    "overlap": ["depth=12", "n_sites=7", "window=5", "channels=65"],
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_a_link_that_was_tampered_with_changes_nothing(visit, folder, kind):
    address = (folder / f"{kind}.html").as_uri()
    page = visit(address=address)

    def seen():
        """All that it shows and how its controls stand, not the link to where it stands.

        Once it has controls and nothing moves: on a busy machine it comes in parts.
        """
        page.locator(".convac svg").first.wait_for()
        return page.locator(".convac").evaluate(
            """async e => {
            const read = () => [e.innerText, ...[...e.querySelectorAll('input, select')]
              .map(one => [one.value, one.checked])];
            for (let before = null; ;) {
              const now = read(), same = JSON.stringify(now) === before;
              if (same && now.length > 1) return now;
              before = JSON.stringify(now);
              await new Promise(go => setTimeout(go, 100));
            }
            }"""
        )

    plain = seen()
    assert plain[0]
    for tampered in TAMPERED[kind]:
        page.goto("about:blank")
        page.goto(f"{address}?{kind}.{tampered}")
        assert seen() == plain, tampered


def test_tips_are_there_for_mouse_keyboard_and_touch(visit):
    page = visit(360, has_touch=True, is_mobile=True)
    word = page.locator(".convac-cut").first.locator(".term .word", has_text="Theorem 2")
    tip = page.locator(f"#{word.get_attribute('aria-describedby')}")
    assert not tip.is_visible()
    word.tap()
    assert tip.is_visible() and "at least this" in tip.inner_text()
    box = tip.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("width", [320, 640])
def test_narrow_screens_and_two_hundred_per_cent(visit, width):
    page = visit(width, device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(COVERED_LABELS) == []


def test_nothing_is_loaded_or_drawn_far_from_the_window(chromium, folder):
    context = chromium.new_context(viewport={"width": 760, "height": 500})
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[-1]))
    page.goto((folder / "light.html").as_uri())
    page.locator(".convac-cut").first.wait_for()
    assert "depth.js" not in asked and page.locator(".convac-depth").count() == 0
    assert page.locator(".still").last.is_visible() or page.locator(".still svg").count() > 3
    context.close()


@pytest.mark.parametrize("kind", ["cut", "width", "results", "contraction", "depth", "overlap"])
def test_an_answer_comes_within_one_frame(visit, folder, kind):
    """What stands there when the next frame is drawn is already the answer, and stays."""
    page = visit(address=(folder / f"{kind}.html").as_uri())
    root = page.locator(f".convac-{kind}").first
    at_once, later, before = root.evaluate(
        """async (root) => {
          const slider = root.querySelector('input[type=range]'), all = () => root.innerText;
          const before = all();
          slider.value = slider.value === slider.max ? slider.min : slider.max;
          slider.dispatchEvent(new Event('input'));
          await new Promise(requestAnimationFrame);
          const at_once = all();
          await new Promise((done) => setTimeout(done, 300));
          return [at_once, all(), before];
        }"""
    )
    assert at_once == later != before


def test_a_deeper_network_straddles_more(visit):
    page = visit()
    explorer = page.locator(".convac-overlap")
    words = explorer.locator(".words")
    assert "2 of 10 last positions see both halves" in words.inner_text()
    assert "the rank is 2 · 2² = 8, of 64" in words.inner_text()
    assert explorer.locator("svg .dot.both").count() == 1 + 2 + 1  # one in the legend
    explorer.get_by_label("layers L").focus()
    page.keyboard.press("End")
    # Eleven layers leave one position, which sees everything.
    assert "1 of 1 last position sees both halves" in words.inner_text()
    assert "may be less" in words.inner_text()
    explorer.get_by_label("sites in a window w").focus()
    page.keyboard.press("ArrowRight")
    assert explorer.get_by_label("layers L").input_value() == "5"
    page.keyboard.press("ArrowLeft")
    explorer.get_by_label("layers L").focus()
    page.keyboard.press("Home")
    assert "For almost all weights the rank is 2, of 64" in words.inner_text()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert "For almost all weights the rank is full, 64." in words.inner_text()
    explorer.get_by_label("last position whose view is shown").focus()
    page.keyboard.press("ArrowRight")
    assert explorer.locator(".ring").count() == 1 + 2 + 3 + 4 + 5 + 6


# --- for everyone -------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(visit, theme):
    page = visit(760, theme)
    # The states that are not there at first have colours of their own.
    page.locator(".convac-cut").nth(2).get_by_role("button", name="7 < 8").click()
    page.locator(".convac-entanglement").get_by_label("State").select_option("convac")
    page.locator(".convac-results .key").nth(0).click()
    page.add_script_tag(path=AXE)
    for width in (760, 360):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(100)
        found = page.evaluate("axe.run('main', {resultTypes: ['violations']})")["violations"]
        told = [(rule["id"], [node["html"][:200] for node in rule["nodes"][:3]]) for rule in found]
        assert told == []


def test_http_is_as_good_as_a_folder(visit, folder):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    page = visit(address=f"http://127.0.0.1:{server.server_port}/light.html")
    explorer = page.locator(".convac-cut").nth(0)
    explorer.get_by_role("button", name="left | right").click()
    assert weight(explorer) == 4
    server.shutdown()
    server.server_close()


# --- with a kernel ------------------------------------------------------------------------

CELLS = [
    "from convac_lib import min_cut\nfrom convac_book.explorers import CutExplorer\n"
    "explorer = CutExplorer(n_sites=8, local_dim=2, channels=(3, 4, 5))\nexplorer",
    "print(explorer.partition, min_cut(explorer.architecture, explorer.partition).weight)",
    "explorer.partition = 'ABBBBBBB'\nexplorer.channels = [2, 2, 2]",
]


@pytest.fixture
def lab(tmp_path):
    """The address of a notebook in a JupyterLab of its own."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    (tmp_path / "root").mkdir()
    nbformat.write(notebook, tmp_path / "root" / "live.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ServerApp.root_dir": tmp_path / "root", "ServerApp.port": port,
        "ServerApp.open_browser": False, "ServerApp.allow_root": True, "IdentityProvider.token": "",
    }  # fmt: skip
    command = [sys.executable, "-m", "jupyterlab"]
    command += [f"--{name}={value}" for name, value in settings.items()]
    home = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **home})
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/live.ipynb?reset"
    finally:
        server.terminate()
        server.wait(30)


def test_page_and_kernel_keep_in_step(lab, visit):
    page = visit(1200, address=lab)
    page.set_default_timeout(60_000)

    def run(number):
        cell = page.locator(".jp-CodeCell").nth(number)
        for _ in range(12):  # a key that is pressed before the kernel is there may be lost
            asked = page.locator(".jp-Dialog .jp-mod-accept")  # as it does on a busy machine
            if asked.count():
                asked.first.click()
            cell.locator(".cm-content").click()
            page.keyboard.press("Shift+Enter")
            page.wait_for_timeout(500)
            for _ in range(10):
                if re.search(r"[*\d]", cell.locator(".jp-InputArea-prompt").inner_text()):
                    return
                page.wait_for_timeout(500)

    run(0)
    explorer = page.locator(".convac-cut")
    explorer.get_by_role("button", name="left | right").click()
    explorer.get_by_label("site 0 in A").click()
    explorer.get_by_label("channels of layer 0").focus()
    page.keyboard.press("ArrowLeft")
    here = min_cut(Architecture.line(2, (2, 4, 5)), "BAAABBBB").weight
    assert (drawn(explorer), weight(explorer)) == ("BAAABBBB", here)
    run(1)
    printed = page.locator(".jp-OutputArea-output pre").first
    assert printed.inner_text().strip() == f"BAAABBBB {here}"
    run(2)
    page.wait_for_function("document.querySelector('.headline b')?.textContent === '2'")
    assert drawn(explorer) == "ABBBBBBB"
