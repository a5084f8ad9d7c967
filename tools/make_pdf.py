"""Print the finished book to _build/convac-book.pdf, with Chromium.

    make pdf

The built pages are joined in the order of the table of contents: what is folded is open, code
that only prepares or draws is left to the notebooks, explorers are their still pictures with their
sentences, solutions stand at the end, and links inside the book lead to pages of the file.
"""

import html
import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag

import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
HTML, TARGET = ROOT / "_build" / "html", ROOT / "_build" / "convac-book.pdf"
LEFT_OUT = ("intro", "genindex")
NOT_ON_PAPER = (
    "script",
    "style",
    "noscript",
    ".headerlink",
    "button",
    ".plumbing",
    "details.above-input",
    "details.above-output",
    "details.below-input",
    ".prev-next-footer",
    ".hidden",
    "source",
)
STYLES = ("pygments.css", "vendor/katex/katex.min.css")
FOOT = (
    '<div style="font:8px sans-serif;width:100%;text-align:center;color:#666">'
    '<span class="pageNumber"></span></div>'
)


def main():
    if not (HTML / "intro.html").exists():
        sys.exit("the book is not built; run `make book` first")
    source = HTML / "paper.html"
    try:
        source.write_text(joined({}), encoding="utf-8")
        print_to(source, TARGET)
        # A second time with the page numbers that the first has found.
        source.write_text(joined(page_numbers(TARGET)), encoding="utf-8")
        print_to(source, TARGET)
    finally:
        source.unlink(missing_ok=True)
    print(f"The book is in {TARGET.relative_to(ROOT)}.")


def contents():
    """Return (caption, [page, ...]) for each part of the book."""
    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    parts = [
        (part["caption"], [entry["file"].removesuffix(".ipynb") for entry in part["chapters"]])
        for part in toc["parts"]
    ]
    return [(name, [page for page in pages if page not in LEFT_OUT]) for name, pages in parts]


def joined(numbers):
    """Return the whole book as one page; `numbers` are the pages' numbers by anchor."""
    parts = contents()
    known = {page for _, pages in parts for page in pages}
    titles, bodies, solutions = {}, [], []
    for caption, pages in parts:
        bodies.append(
            f'<section class="part" id="{slug(caption)}"><h1>{html.escape(caption)}</h1></section>'
        )
        for page in pages:
            article = read_article(page)
            titles[page] = article.find("h1").get_text().strip()
            solved = take_solutions(article, page)
            point_inside(article, page, known)
            bodies.append(f'<article id="{slug(page)}">{article.decode_contents()}</article>')
            for one in solved:
                point_inside(one, page, known)
            if solved:
                inner = "".join(map(str, solved))
                solutions.append(f"<h2>{html.escape(titles[page])}</h2>{inner}")
    bodies.append(f'<article id="solutions"><h1>Solutions</h1>{"".join(solutions)}</article>')
    return "\n".join(
        [
            head(),
            front(),
            table_of(parts, titles, numbers),
            *bodies,
            "</body></html>",
        ]
    )


def slug(name):
    """Return a page's or a part's anchor."""
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def head():
    """Return the head, with the styles written out."""
    links = "".join(f'<link rel="stylesheet" href="_static/{style}">' for style in STYLES)
    own = (ROOT / "tools" / "pdf.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>Convolutional circuits as quantum states</title>{links}<style>{own}</style>"
        "</head><body>"
    )


def front():
    """Return the title page."""
    picture = (HTML / "_static" / "two-profiles.svg").read_text(encoding="utf-8")
    picture = picture[picture.index("<svg") :]
    return (
        '<section class="front"><h1>Convolutional circuits as quantum states</h1>'
        "<p>An interactive book on the paper of Levine, Yakira, Cohen and Shashua, "
        '<a href="https://arxiv.org/abs/1704.01552">arXiv 1704.01552</a></p>'
        f"{picture}<p>The ConvAC book authors<br>"
        "Text and figures: CC BY 4.0. Code: BSD 3-clause.</p>"
        "<p>On paper the explorers stand still; the chapters are notebooks, and the code that only "
        "prepares or draws is left to them.</p></section>"
    )


def table_of(parts, titles, numbers):
    """Return the table of contents."""

    def line(anchor, name, kind=""):
        return (
            f'<li class="{kind}"><a href="#{anchor}">{html.escape(name)}</a><i></i>'
            f"<span>{numbers.get(anchor, '')}</span></li>"
        )

    lines = []
    for caption, pages in parts:
        lines.append(line(slug(caption), caption, "group"))
        lines += [line(slug(page), titles[page]) for page in pages]
    lines.append(line("solutions", "Solutions", "group"))
    return f'<nav class="contents"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>'


def read_article(page):
    """Return a built page's article without what paper has no use for."""
    soup = BeautifulSoup((HTML / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    for picture in article.select("picture"):
        for narrow in picture.select("source"):
            narrow.unwrap()
    for gone in article.select(", ".join(NOT_ON_PAPER)):
        gone.decompose()
    for fold in article.select("details"):
        fold["open"] = ""
    for summary in article.select("details:not(.choice) > summary"):
        summary["class"] = (
            [*summary.get("class", []), "hidden"]
            if "hide" in summary.parent.get("class", [])
            else summary.get("class", [])
        )
    return article


def take_solutions(article, page):
    """Take the solutions out of an article, leaving a link to each; return them in order."""
    taken = []
    for number, solution in enumerate(article.select(".solution.admonition")):
        anchor = f"{slug(page)}--solution-{number}"
        exercise = solution.find_previous(class_="exercise")
        title = exercise.select_one(".admonition-title").get_text(" ", strip=True)
        back = exercise.get("id") or exercise.find_parent(id=True)["id"]
        link = f'<p class="to-solution"><a href="#{anchor}">Solution</a></p>'
        box = (
            f'<section id="{anchor}"><h3><a href="{page.split("/")[-1]}.html#{back}">'
            f"{html.escape(title)}</a></h3></section>"
        )
        box = BeautifulSoup(box, "html.parser").section
        solution.replace_with(BeautifulSoup(link, "html.parser"))
        solution.select_one(".admonition-title").decompose()
        box.append(solution)
        taken.append(box)
    return taken


def point_inside(article, page, known):
    """Make anchors of a page unique in the whole, and point links and pictures there."""
    base = slug(page)
    for node in article.select("[id]"):
        if not node["id"].startswith(f"{base}--"):
            node["id"] = f"{base}--{node['id']}"
    for image in article.select("img[src]"):
        if not re.match(r"[a-z]+:", image["src"]):
            image["src"] = os.path.relpath(HTML / Path(page).parent / image["src"], HTML)
    for link in article.select("a[href]"):
        if re.match(r"[a-z]+:", link["href"]) or link["href"].startswith(f"#{base}--"):
            continue
        path, fragment = urldefrag(unquote(link["href"]))
        target = os.path.normpath(Path(page).parent / path) if path else f"{page}.html"
        name = target.removesuffix(".html")
        if name in known:
            link["href"] = f"#{slug(name)}--{fragment}" if fragment else f"#{slug(name)}"
        else:  # the index, a file to take along: not on paper
            link.unwrap()


def print_to(source, target):
    """Print a page with Chromium, with an outline and page numbers."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        sys.exit("no Chromium was found (Debian, Ubuntu: sudo apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(source.as_uri(), wait_until="load")
        page.evaluate("document.fonts.ready")
        page.pdf(
            path=target,
            format="A4",
            prefer_css_page_size=True,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOT,
            outline=True,
            tagged=True,
        )
        browser.close()


def page_numbers(path):
    """Return the page of each anchor that the file's links know."""
    from pypdf import PdfReader

    reader = PdfReader(path)
    found = {}
    for name, destination in reader.named_destinations.items():
        number = reader.get_destination_page_number(destination)
        if number is not None:
            found[name.lstrip("/")] = number + 1
    return found


if __name__ == "__main__":
    main()
