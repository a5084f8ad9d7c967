"""The finished pages, opened as a reader does: from a folder, with no network."""

import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag, urlparse

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOC = (ROOT / "book" / "_toc.yml").read_text()
PAGES = re.findall(r"(?:root|file): (\S+)", TOC)
AXE = ROOT / "tests" / "_vendor" / "axe.min.js"
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
# Said by the widget manager of every book, and harmless.
HARMLESS = ("Got invalid theme mode", "strict mode")

pytestmark = pytest.mark.browser


class Visit:
    """A page opened in a context of its own, with all that went wrong on the way."""

    def __init__(self, browser, address, viewport=DESKTOP, dark=False):
        self.problems = []
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self.context.route("**/*", self._guard)
        self.page = self.context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.problems.append(f"raised: {error}"))
        self.page.on("requestfailed", lambda r: self.problems.append(f"failed: {r.url}"))
        self.page.goto(address, wait_until="load")
        # Math and widgets come after the load event.
        self.page.evaluate("window.MathJax?.startup?.promise")
        self.page.wait_for_function(
            "[...document.querySelectorAll('.widget-subarea, .jupyter-widgets')].every("
            "e => e.childElementCount) || !document.querySelector('script[type*=widget-view]')"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def _guard(self, route):
        url = urlparse(route.request.url)
        if url.scheme in ("file", "data", "blob") or url.hostname == "127.0.0.1":
            route.continue_()
        else:
            self.problems.append(f"asked another host: {route.request.url}")
            route.abort()

    def _listen(self, message):
        if message.type == "error" and not any(text in message.text for text in HARMLESS):
            self.problems.append(f"console: {message.text}")


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


@pytest.mark.parametrize("name", PAGES)
def test_opens_from_a_folder_with_no_network(chromium, html, name):
    with Visit(chromium, (html / f"{name}.html").as_uri()) as visit:
        assert visit.problems == []
        raw = visit.page.locator(".math:not(:has(mjx-container))").count()
        assert raw == 0, "math that was not typeset"
        assert visit.page.locator("mjx-merror, [data-mjx-error]").count() == 0
        unseen = visit.page.evaluate(
            "[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
        )
        assert unseen == []
        without_alt = ".bd-article img:not([alt]), .bd-article img[alt='']"
        assert visit.page.locator(without_alt).count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_opens_over_http(chromium, server, name):
    with Visit(chromium, f"{server}/{name}.html") as visit:
        assert visit.problems == []


def test_math_is_typeset(chromium, html):
    with Visit(chromium, (html / "opening.html").as_uri()) as visit:
        assert visit.page.locator("mjx-container svg").count() > 20


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_does_not_scroll_sideways(chromium, html, name):
    with Visit(chromium, (html / f"{name}.html").as_uri(), viewport=PHONE) as visit:
        # A formula may be wide for a moment, until it is laid out in a box that scrolls.
        width = "document.documentElement.scrollWidth"
        visit.page.wait_for_function(f"{width} <= {PHONE['width']}", timeout=10_000)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_the_article(chromium, html, name, dark):
    with Visit(chromium, (html / f"{name}.html").as_uri(), dark=dark) as visit:
        visit.page.add_script_tag(path=AXE)
        found = visit.page.evaluate(
            # The lists of references are docutils' markup, with roles that axe calls outdated.
            "axe.run({include: '.bd-article', exclude: '.citation-list'},"
            " {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})"
        )
        told = [
            (violation["id"], [node["html"][:160] for node in violation["nodes"][:3]])
            for violation in found["violations"]
        ]
        assert told == []


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
