"""The slides: built from the pages' own figures, whole on a projector, with no other host."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "book" / "slides"
DECKS = sorted(path.stem for path in SOURCE.glob("*-*.md"))
WIDTH, HEIGHT = 1280, 720
LOOK = """() => {
  const slide = Reveal.getCurrentSlide(), scale = Reveal.getScale();
  const seen = [...slide.querySelectorAll('*')].filter(one =>
    !one.closest('aside, .katex > *') && one.getBoundingClientRect().width);
  const box = one => one.getBoundingClientRect();
  const texts = seen.filter(one => [...one.childNodes].some(
    n => n.nodeType === 3 && n.textContent.trim()) && !one.closest('.katex'));
  return {
    title: slide.querySelector('h1, h2')?.innerText || '',
    bottom: Math.max(...seen.map(one => box(one).bottom)),
    right: Math.max(...seen.map(one => box(one).right)),
    smallest: Math.min(...texts.map(one => parseFloat(getComputedStyle(one).fontSize) * scale)),
    raw: slide.innerText.includes('\\\\(') || slide.innerText.includes('$'),
    errors: slide.querySelectorAll('.katex-error').length,
    pictures: [...slide.querySelectorAll('img')].map(one =>
      [one.naturalWidth > 0, one.alt.length > 20, box(one).height]),
  };
}"""


@pytest.fixture(scope="module")
def slides(html, tmp_path_factory):
    """The slides, built as `make slides` does."""
    out = tmp_path_factory.mktemp("slides")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "revealjs", str(SOURCE), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.browser
@pytest.mark.parametrize("deck", DECKS)
def test_every_slide_fits_and_can_be_read(slides, chromium, deck):
    page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    heard = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda r: heard.append(r.url) if not r.url.startswith("file:") else None)
    page.goto((slides / f"{deck}.html").as_uri())
    page.wait_for_function("window.Reveal?.isReady()")
    page.wait_for_function("document.fonts.status === 'loaded'")
    titles = []
    for _ in range(page.evaluate("Reveal.getTotalSlides()")):
        seen = page.evaluate(LOOK)
        where = f"{deck}: {seen['title']}"
        titles.append(seen["title"])
        assert seen["bottom"] <= HEIGHT - 10, f"{where} ends at {seen['bottom']}"
        assert seen["right"] <= WIDTH, f"{where} is {seen['right']} wide"
        assert seen["smallest"] >= 24, f"{where} has text of {seen['smallest']} pixels"
        assert not seen["raw"] and not seen["errors"], where
        for loaded, described, height in seen["pictures"]:
            assert loaded and described and height >= 150, where
        page.evaluate("Reveal.next()")
    page.close()
    assert len(titles) >= 10 and all(titles) and len({*titles}) == len(titles)
    assert heard == []


def test_every_deck_is_listed_and_says_how_long_it_takes():
    index = (SOURCE / "index.md").read_text(encoding="utf-8")
    for deck in DECKS:
        assert f"]({deck})" in index
        text = (SOURCE / f"{deck}.md").read_text(encoding="utf-8")
        minutes = [int(n) for n in re.findall(r"\{revealjs-notes\}\n(\d+) minutes", text)]
        assert 60 <= sum(minutes) <= 120, f"{deck}: {sum(minutes)} minutes"


def test_a_figure_that_is_not_there_is_named(html, tmp_path):
    (tmp_path / "index.md").write_text("# A\n\n```{page-figure} opening fig-nothing\n```\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "revealjs", "-c", str(SOURCE)]
    done = subprocess.run(
        [*command, str(tmp_path), str(tmp_path / "out")], capture_output=True, text=True
    )
    assert done.returncode and "opening has no picture 'fig-nothing'" in done.stderr
