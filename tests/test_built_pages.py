"""The finished pages, opened as a reader does: from a folder, with no network."""

import gzip
import re
import sys
from collections import Counter
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import unquote, urldefrag, urlparse

import pytest
import yaml
from bs4 import BeautifulSoup
from load_script import load_script

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
TOC = (ROOT / "book" / "_toc.yml").read_text()
PAGES = re.findall(r"(?:root|file): (\S+)", TOC)
AXE = ROOT / "tests" / "_vendor" / "axe.min.js"
PHONE = {"width": 360, "height": 740}
NARROW = {"width": 320, "height": 640}  # also 1,280 pixels at 400 %
DESKTOP = {"width": 1280, "height": 900}
NOTEBOOKS = [name for name in PAGES if (ROOT / "book" / f"{name}.ipynb").exists()]

SHOWN = re.compile(r"\b\w+Explorer\(")
EXPLORED = [
    name for name in NOTEBOOKS if SHOWN.search((ROOT / "book" / f"{name}.ipynb").read_text("utf-8"))
]

pytestmark = pytest.mark.browser


class Visit:
    """A page opened in a context of its own, with all that went wrong on the way."""

    def __init__(self, browser, address, viewport=DESKTOP, dark=False):
        self.problems, self.responses = [], {}
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.on("request", self._guard)
        self.page.on("response", lambda response: self.responses.update({response.url: response}))
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.problems.append(f"raised: {error}"))
        self.page.on("requestfailed", lambda r: self.problems.append(f"failed: {r.url}"))
        self.page.goto(address, wait_until="load")
        self.page.evaluate("document.fonts.ready")

    def scroll_through(self):
        """Bring every part of the page near the window, so that all explorers are awake."""
        for box in self.page.locator(".explorer").all():
            box.scroll_into_view_if_needed()
            box.locator(".convac svg").first.wait_for()
        self.page.evaluate("scrollTo(0, document.body.scrollHeight)")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    @contextmanager
    def dark(self):
        """Ask for dark colours for a while, as a reader's system does in the evening."""
        # A button's colours take a moment to turn; here they need not.
        self.page.add_style_tag(content="* { transition: none !important; }")
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)
            self.page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
            if scheme == "dark":
                yield

    def _guard(self, request):
        url = urlparse(request.url)
        if url.scheme not in ("file", "data", "blob") and url.hostname != "127.0.0.1":
            self.problems.append(f"asked another host: {request.url}")

    def _listen(self, message):
        self.problems.append(f"console, {message.type}: {message.text}")


@pytest.fixture(scope="module")
def server(html):
    """The same pages over http, as a reader online gets them."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(html)))
    Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture(scope="module", params=PAGES)
def opened(request, chromium, html):
    """Each page once, from its folder, on a phone, scrolled through."""
    with Visit(chromium, (html / f"{request.param}.html").as_uri(), viewport=PHONE) as visit:
        visit.scroll_through()
        yield visit


@pytest.fixture
def held(opened):
    """Each page on a phone; tests set the width that they need."""
    opened.page.set_viewport_size(PHONE)
    return opened


@pytest.fixture
def visit(opened):
    """Each page on a desk, scrolled through."""
    opened.page.set_viewport_size(DESKTOP)
    opened.scroll_through()
    return opened


# Over http only what is fetched later can go another way: by explorers; and a page of every kind.
@pytest.fixture(
    scope="module", params=["intro", *EXPLORED, "notation", "genindex", "reference/cuts"]
)
def online(request, chromium, server):
    """Pages over http, scrolled through."""
    with Visit(chromium, f"{server}/{request.param}.html") as visit:
        visit.scroll_through()
        visit.page.wait_for_load_state("networkidle")
        yield visit


def test_opens_from_a_folder_with_no_network(visit):
    assert visit.problems == []
    assert visit.page.locator(".math:not(:has(.katex))").count() == 0, "not typeset"
    assert visit.page.locator(".katex-error").count() == 0
    unseen = visit.page.evaluate(
        "[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
    )
    assert unseen == []
    without_alt = ".bd-article img:not([alt]), .bd-article img[alt='']"
    assert visit.page.locator(without_alt).count() == 0


def test_axe_finds_nothing_in_the_article(visit):
    assert violations(visit) == []


def test_axe_finds_enough_contrast(visit):
    """Of what axe looks at only the contrast is another in the dark."""
    assert faint(visit) == []
    with visit.dark():
        assert faint(visit) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_faint_word_in_a_dim_box_is_found(chromium, html, dark):
    with Visit(chromium, (html / "notation.html").as_uri(), dark=dark) as visit:
        assert faint(visit) == []
        visit.page.evaluate(
            "document.querySelector('.bd-article td').innerHTML = "
            '\'<span style="background: #888"><b style="color: #999">word</b></span>\''
        )
        assert [rule for rule, _ in faint(visit)] == ["color-contrast"]


def test_opens_over_http(online):
    assert online.problems == []


def test_math_is_typeset(chromium, html):
    with Visit(chromium, (html / "opening.html").as_uri()) as visit:
        assert visit.page.locator(".katex math").count() > 20  # for screen readers, too
        number = visit.page.locator("div.math:has(.eqno)").first
        formula, beside = (
            number.locator(".formula").bounding_box(),
            number.locator(".eqno").bounding_box(),
        )
        assert beside["x"] >= formula["x"] + formula["width"]


def test_the_tab_key_stops_at_what_can_be_used_and_at_no_formula(held):
    held.page.set_viewport_size(PHONE)
    held.page.evaluate("document.fonts.ready.then(() => null)")
    held.page.wait_for_timeout(100)
    stops = held.page.evaluate(
        "[...document.querySelectorAll('.math [tabindex], .math a')]"
        ".filter(e => !e.matches('.headerlink') && e.scrollWidth <= e.clientWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 120))"
    )
    assert stops == []
    # What scrolls can be reached without a mouse.
    unreachable = held.page.evaluate(
        "[...document.querySelectorAll('.formula')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1 && e.tabIndex !== 0).length"
    )
    assert unreachable == 0


def test_a_phone_does_not_scroll_sideways(held):
    for viewport in (PHONE, NARROW):
        held.page.set_viewport_size(viewport)
        # A formula may be wide for a moment, until it is laid out in a box that scrolls.
        width = "document.documentElement.scrollWidth"
        held.page.wait_for_function(f"{width} <= {viewport['width']}", timeout=10_000)


@pytest.mark.parametrize("name", ["part1/states", "part2/convacs"])
def test_a_wide_formula_fades_where_there_is_more_and_paints_no_ground(chromium, html, name):
    """A box is tinted, so a formula in it cannot cover its ends with the page's colour."""
    with Visit(chromium, (html / f"{name}.html").as_uri(), viewport=NARROW) as visit:
        visit.page.wait_for_function("document.querySelector('.formula[data-more=right]')")
        painted = visit.page.evaluate(
            "[...document.querySelectorAll('.formula')].map(e => getComputedStyle(e)).filter(s =>"
            "s.backgroundImage !== 'none' || s.backgroundColor !== 'rgba(0, 0, 0, 0)').length"
        )
        assert painted == 0
        box = visit.page.locator(".formula[data-more=right]").first
        assert "28px" in box.evaluate("e => getComputedStyle(e).maskImage")
        box.evaluate("e => { e.scrollLeft = e.scrollWidth; e.id = 'scrolled'; }")
        visit.page.wait_for_function("document.getElementById('scrolled').dataset.more === 'left'")


@pytest.mark.parametrize("name", ["part1/entanglement", "part4/min-cut", "part4/widths"])
def test_no_line_begins_with_the_full_stop_after_a_short_formula(chromium, html, name):
    with Visit(chromium, (html / f"{name}.html").as_uri(), viewport=NARROW) as visit:
        apart = []
        for width in (320, 360, 390, 430):
            visit.page.set_viewport_size({"width": width, "height": 740})
            apart += visit.page.evaluate(
                """[...document.querySelectorAll('.unbroken')].filter(e => {
                const range = document.createRange(), sign = e.lastChild;
                range.selectNode(sign);
                const formula = [...e.querySelectorAll('.base')].at(-1).getBoundingClientRect();
                const { top, bottom } = range.getBoundingClientRect();
                return bottom < formula.top || top > formula.bottom;
                }).map(e => e.textContent.slice(-30))"""
            )
        assert visit.page.locator(".unbroken").count() > 20
        assert apart == []


def test_the_index_is_whole_on_a_phone(chromium, html):
    with Visit(chromium, (html / "genindex.html").as_uri(), viewport=NARROW) as visit:
        beyond = visit.page.locator(".genindextable a").evaluate_all(
            "all => all.filter(a => a.getBoundingClientRect().right > innerWidth).length"
        )
        assert beyond == 0
        columns = visit.page.locator(".genindextable td").evaluate_all(
            "all => new Set(all.map(td => td.getBoundingClientRect().left)).size"
        )
        assert columns == 1


def test_code_in_the_reference_keeps_its_lines_on_a_phone(chromium, html):
    address = (html / "reference" / "decompositions.html").as_uri()
    with Visit(chromium, address, viewport=PHONE) as visit:
        broken = visit.page.evaluate(
            "[...document.querySelectorAll('pre *')].filter(e => !getComputedStyle(e)"
            ".whiteSpace.startsWith('pre')).map(e => e.outerHTML.slice(0, 80))"
        )
        assert broken == []
        assert visit.page.locator("pre a").count() > 0


def test_the_first_page_says_its_name_once(html):
    title = BeautifulSoup((html / "intro.html").read_text("utf-8"), "html.parser").title
    assert title.get_text() == "Convolutional circuits as quantum states"


@pytest.mark.parametrize("name", PAGES)
def test_every_heading_of_a_table_has_a_name(html, name):
    page = (html / f"{name}.html").read_text("utf-8")
    assert [th for th in re.findall(r"<th\b[^>]*>(.*?)</th>", page, re.S)
            if not re.sub(r"<[^>]*>", "", th).strip()] == []  # fmt: skip


# What is seen of a formula is hundreds of boxes, hidden from screen readers, which have its MathML;
# all have one colour. Words of code are coloured, and have no other meaning. One text in the place
# of each tells axe as much, in half the time.
FLATTEN = """asked => {
  const coloured = [...document.querySelectorAll(".katex-html [style*='color']")];
  const parts = [...document.querySelectorAll('.katex-html, .katex-mathml, .highlight pre')];
  window.flattened = parts.filter(e => !asked.some(one => e.contains(one)))
    .map(e => [e, [...e.childNodes]]);
  flattened.forEach(([e]) => { e.textContent = e.textContent; });
  return coloured.length;
}"""
UNFLATTEN = "window.flattened.forEach(([e, nodes]) => e.replaceChildren(...nodes))"
AXE_RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
# A part of a page is no region, and a heading that is a formula has its name in MathML, where axe
# does not look (test_every_heading_of_a_table_has_a_name does). Contrast has a test of its own.
LEFT_OUT = ("region", "empty-table-header", "color-contrast")
# Of the texts that look alike, down to the grounds they stand on, one is asked for its contrast.
UNLIKE = """(() => {
  const known = new Map([[null, '']]), found = new Map();
  const ground = e => {
    if (!known.has(e)) {
      const s = getComputedStyle(e), own = [s.backgroundColor, s.backgroundImage, s.opacity,
        s.filter, s.mixBlendMode].join();
      const same = own === 'rgba(0, 0, 0, 0),none,1,none,normal';
      known.set(e, ground(e.parentElement) + (same ? '' : '|' + own));
    }
    return known.get(e);
  };
  for (const e of document.querySelectorAll('.bd-article *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest('math, svg, script, style') || !e.checkVisibility()) continue;
    const s = getComputedStyle(e);
    const look = [s.color, s.fontSize, s.fontWeight, s.textShadow, s.webkitTextStroke, ground(e)];
    if (!found.has(look.join())) found.set(look.join(), e);
  }
  return [...found.values()];
})()"""


def violations(visit):
    """Return what axe has to say of a page's article, but for contrast."""
    # The lists of references are docutils' markup, with roles that axe calls outdated.
    where = "{include: '.bd-article', exclude: '.citation-list'}"
    left_out = {rule: {"enabled": False} for rule in LEFT_OUT}
    return _asked(visit, "[]", where, {"runOnly": AXE_RULES, "rules": left_out})


def faint(visit):
    """Return what axe has to say of the contrast of a page's article."""
    return _asked(visit, UNLIKE, "{include: window.asked}", {"runOnly": ["color-contrast"]})


def _asked(visit, elements, where, how):
    if not visit.page.evaluate("'axe' in window"):
        visit.page.add_script_tag(url=AXE.as_uri())
    coloured = visit.page.evaluate(f"({FLATTEN})(window.asked = {elements})")
    assert coloured == 0, "a formula with a colour of its own"
    found = visit.page.evaluate(
        f"how => axe.run({where}, {{resultTypes: ['violations'], ...how}})", how
    )
    visit.page.evaluate(UNFLATTEN)
    return [
        (violation["id"], [node["html"][:160] for node in violation["nodes"][:3]])
        for violation in found["violations"]
    ]


def test_no_page_names_a_script_or_style_of_another_host(html):
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'<(script|img|iframe)[^>]+src="(https?:)?//', text), page
        assert not re.search(
            r'<link[^>]+rel="(stylesheet|preload)"[^>]+href="(https?:)?//', text
        ), page


def test_every_link_inside_the_book_leads_to_a_place(html):
    anchors = {}

    def ids(page):
        if page not in anchors:
            anchors[page] = set(re.findall(r'\b(?:id|name)="([^"]+)"', page.read_text("utf-8")))
        return anchors[page]

    broken = []
    for name in PAGES:
        page = html / f"{name}.html"
        for link in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', page.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", link):
                continue
            path, fragment = urldefrag(unquote(link))
            target = (page.parent / path).resolve() if path else page
            known = target.is_file() and (not fragment or fragment in ids(target))
            if not known:
                broken.append((name, link))
    assert broken == []


def test_solutions_are_folded_and_open_on_a_click(chromium, html):
    with Visit(chromium, (html / "opening.html").as_uri()) as visit:
        solution = visit.page.locator(".solution.admonition").first
        assert not solution.get_by_text("def across").is_visible()
        solution.locator(".toggle-button, summary").first.click()
        assert solution.get_by_text("def across").is_visible()


def test_solution_markers_and_hidden_tests_are_not_on_a_page(html):
    for name in PAGES:
        text = (html / f"{name}.html").read_text(encoding="utf-8")
        assert "BEGIN SOLUTION" not in text
        assert "HIDDEN TESTS" not in text
    assert not (html / "_sources").exists()


# --- what a page weighs -------------------------------------------------------------------


def weigh(visit, html):
    """Return what a browser fetched for a page, (compressed, plain) bytes by address."""
    visit.page.wait_for_load_state("networkidle")
    fetched = [url for url, response in visit.responses.items() if response.ok]
    # The path of a file is whole, and joined to a folder stays what it is.
    paths = {url: unquote(urlparse(url).path) for url in fetched if not url.startswith("data:")}
    return {
        url: weight(Path(path) if url.startswith("file:") else html / path.lstrip("/"))
        for url, path in paths.items()
    }


@cache
def weight(file):
    """Return the (compressed, plain) bytes of a file; what is packed already stays as it is."""
    data = file.read_bytes()
    packed = file.suffix in (".png", ".woff2", ".jpg")
    return len(data) if packed else len(gzip.compress(data, 6)), len(data)


def total(found, which):
    return sum(sizes[which] for sizes in found.values())


def test_a_page_is_light(visit, html):
    found = weigh(visit, html)
    assert len(found) > 5
    assert total(found, 0) < 1.5e6 and total(found, 1) < 4e6, sorted(found.items())
    assert not [
        url for url in found if re.search(r"mathjax|require\.js|embed-amd|\.map$", url, re.I)
    ]


def test_the_first_page_is_lighter_still_and_loads_no_fonts_for_formulas(chromium, server, html):
    with Visit(chromium, f"{server}/intro.html") as visit:
        visit.scroll_through()
        found = weigh(visit, html)
    without = {url: sizes for url, sizes in found.items() if "/explorers/" not in url}
    assert len(without) == len(found) - 1
    assert total(without, 0) < 500e3, sorted(found.items())
    assert not [url for url in found if "KaTeX" in url]


# --- figures ------------------------------------------------------------------------------


def test_figures_have_labels_of_eleven_pixels_on_a_phone(held):
    """Wide pictures have a narrow drawing, 3.6 inches for 360 pixels: 8 points are 11 pixels."""
    held.page.set_viewport_size({"width": 390, "height": 844})
    held.page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    held.page.wait_for_function("[...document.images].every(i => i.complete && i.naturalWidth)")
    shown = held.page.evaluate(
        "[...document.querySelectorAll('.cell_output img')]"
        ".map(i => [i.currentSrc, i.naturalWidth, i.getBoundingClientRect().width])"
    )
    for source, natural, width in shown:
        inches = natural / (220 if "narrow" in source else 150)
        # Up to 3.8: a narrow drawing keeps its labels inside, which may widen it a little.
        assert inches <= 3.9, source
        assert width <= 390


def test_a_figure_can_be_enlarged_and_closed_by_keyboard(chromium, html):
    phone = {"width": 390, "height": 844}
    with Visit(chromium, (html / "opening.html").as_uri(), viewport=phone) as visit:
        visit.page.get_by_role("button", name="enlarge").nth(1).press("Enter")
        frame = visit.page.locator("dialog.enlarged")
        assert frame.is_visible() and frame.locator("img").get_attribute("alt")
        visit.page.keyboard.press("Escape")
        assert not frame.is_visible()


def test_pictures_of_data_keep_their_lightness_in_the_dark(chromium, html):
    with Visit(chromium, (html / "opening.html").as_uri(), dark=True) as visit:
        filters = visit.page.evaluate(
            "[...document.querySelectorAll('.cell_output img')]"
            ".map(i => getComputedStyle(i).filter)"
        )
        assert filters[0] == "none" and filters[1] != "none"  # the digits; the learning curves


# --- the page as a whole ------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_tables_have_headers(html, name):
    soup = BeautifulSoup((html / f"{name}.html").read_text("utf-8"), "html.parser")
    ids = Counter(node["id"] for node in soup.select("[id]"))
    assert {one for one, count in ids.items() if count > 1} == set()
    for table in soup.select(".bd-article table:not(.indextable)"):
        assert table.select("th"), str(table)[:200]
    assert soup.select_one('meta[name="description"]')["content"]


@pytest.mark.parametrize("name", ["intro", "opening", "part4/widths"])
def test_axe_finds_the_landmarks(chromium, html, name):
    with Visit(chromium, (html / f"{name}.html").as_uri()) as visit:
        visit.page.add_script_tag(url=AXE.as_uri())
        found = visit.page.evaluate(
            "axe.run(document, {resultTypes: ['violations'], runOnly: ['landmark-one-main',"
            " 'landmark-no-duplicate-main', 'landmark-unique', 'page-has-heading-one', 'bypass',"
            " 'document-title', 'html-has-lang', 'duplicate-id-aria']})"
        )
        assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found["violations"]] == []


@pytest.mark.parametrize("name", ["opening", "part4/min-cut"])
def test_on_paper_everything_is_open_and_nothing_is_cut(chromium, html, name):
    with Visit(chromium, (html / f"{name}.html").as_uri()) as visit:
        visit.page.emulate_media(media="print")
        visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert visit.page.locator(".bd-article details:not([open])").count() == 0
        reason = visit.page.locator(".self-check details.choice p").first
        assert reason.is_visible()
        assert visit.page.locator(".solution .cell_input").first.is_visible()
        faint = visit.page.locator(".bd-article details > *").evaluate_all(
            "all => all.filter(e => getComputedStyle(e).opacity !== '1').length"
        )
        assert faint == 0
        visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert visit.page.locator(".self-check details.choice[open]").count() == 0


def test_one_switch_opens_and_hides_all_code(chromium, html):
    with Visit(chromium, (html / "opening.html").as_uri()) as visit:
        page, switch = visit.page, visit.page.get_by_label("Code")
        imports = page.get_by_text("import matplotlib.pyplot as plt").first
        assert not imports.is_visible()
        switch.select_option("all")
        assert imports.is_visible()
        switch.select_option("none")
        assert page.locator(".cell_input").first.is_hidden()
        assert page.locator(".cell_output").first.is_visible()
        switch.select_option("folded")
        assert not imports.is_visible() and page.get_by_text("class ConvAC").first.is_visible()


def test_a_choice_is_marked_right_or_wrong(chromium, html):
    with Visit(chromium, (html / "opening.html").as_uri()) as visit:
        mark = "e => getComputedStyle(e, '::before').content"
        for kind, sign in [("details.choice.right", "✓"), ("details.choice:not(.right)", "✗")]:
            choice = visit.page.locator(kind).first
            choice.locator("summary").click()
            assert sign in choice.locator("p").first.evaluate(mark)


@pytest.mark.parametrize("how", ["folder", "server"])
def test_search_finds_sections_with_a_line_of_context(chromium, html, request, how):
    base = html.as_uri() if how == "folder" else request.getfixturevalue("server")
    with Visit(chromium, f"{base}/search.html?q=minimal+cut") as visit:
        first = visit.page.locator("#search-results li").first
        first.wait_for()
        assert visit.problems == []
        told = visit.page.locator("#search-results a").all_inner_texts()
        assert any("›" in one for one in told)
        assert first.locator("mark").first.inner_text().lower() in ("minimal", "cut", "cuts")
        links = visit.page.locator("#search-results a").evaluate_all("all => all.map(a => a.href)")
        assert any("#" in link for link in links)
        first.locator("a").click()
        visit.page.wait_for_load_state()
        assert "search.html" not in visit.page.url
    with Visit(chromium, f"{base}/search.html?q=%3Cimg%20src%3Dx%3E+zzzz") as visit:
        visit.page.get_by_text("Nothing was found").wait_for()
        assert visit.problems == []


def test_a_formula_found_is_shown_as_signs(html):
    text = (html / "_static" / "search-text.js").read_text("utf-8")
    sources = re.findall(r"\\\\(?:mathcal|frac|sum|dots|ket|rank|alpha|delta)\b.{20}", text)
    assert sources == []
    assert "ψ" in text and "⊗" in text and "2⁶⁴" in text


@pytest.mark.parametrize("name", ["intro", "opening", "part4/widths", "reference/cuts"])
def test_what_has_the_focus_shows_it(chromium, html, name):
    with Visit(chromium, (html / f"{name}.html").as_uri()) as visit:
        unseen = []
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            unseen += visit.page.evaluate(
                """() => {
                const one = document.activeElement, parts = [one, ...one.querySelectorAll('*')];
                const shown = parts.slice(0, 6).map(e => getComputedStyle(e)).some(s =>
                  s.boxShadow !== 'none' || s.outlineStyle !== 'none' && s.outlineWidth !== '0px');
                return shown || one.matches('.bd-search input') ? [] : [one.outerHTML.slice(0, 90)];
                }"""
            )
        assert unseen == []


def test_the_index_names_the_terms_of_the_field(html):
    soup = BeautifulSoup((html / "genindex.html").read_text("utf-8"), "html.parser")
    linked = soup.select("table.indextable a, .genindextable a")
    assert len(linked) > 300
    terms = yaml.safe_load((ROOT / "book" / "index.yml").read_text("utf-8"))
    text = soup.get_text()
    missing = [t for t in (next(iter(x)) if isinstance(x, dict) else x for x in terms)
               if t.split("; ")[-1] not in text]  # fmt: skip
    assert missing == [], "no chapter is about these: mend book/index.yml"
    assert len(terms) >= 150


def test_the_first_page_shows_two_networks_and_leads_to_the_first_chapter(chromium, html):
    with Visit(chromium, (html / "intro.html").as_uri()) as visit:
        visit.scroll_through()
        cut = visit.page.locator(".convac-cut")
        assert cut.locator(".headline b").inner_text() == "256"
        cut.get_by_role("button", name="wide tip").click()
        assert cut.locator(".headline b").inner_text() == "16"
        cut.get_by_role("button", name="left | right").click()
        assert cut.locator(".headline b").inner_text() == "4"
        cut.get_by_role("button", name="wide base").click()
        assert cut.locator(".headline b").inner_text() == "2"
        assert "170" in cut.locator(".facts").inner_text()
        for name in NOTEBOOKS:
            assert visit.page.locator(f".chapter-map a[href='{name}.html']").count() == 1
        visit.page.get_by_role("link", name="Start: 25 minutes").click()
        assert visit.page.url.endswith("opening.html")


def test_a_build_that_reads_no_page_again_keeps_what_is_searched(tmp_path):
    search = load_script("book/_ext/convac_search.py")
    sections = [{"page": "a", "anchor": "", "title": "A", "heading": "A", "text": "One; two."}]

    env = SimpleNamespace(found_docs={"a"}, convac_sections={"a": sections})
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(name="html"), env=env)
    (tmp_path / "_static").mkdir()
    search.write(app, None)
    env.convac_sections = {}
    search.write(app, None)
    assert search.kept(tmp_path / "_static" / "search-text.js") == {"a": sections}
