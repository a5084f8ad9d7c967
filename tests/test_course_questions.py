"""The questions on a page: whole, in their place, answered without a script."""

import json
import re
from pathlib import Path

import pytest
from load_script import load_script

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "book" / "questions").glob("*.yml"))


def load_extension():
    """Return the Sphinx extension as a module."""
    return load_script("book/_ext/convac_questions.py")


extension = load_extension()


def page_of(path):
    """Return the notebook that a file of questions is for."""
    (page,) = [p for p in (ROOT / "book").rglob(f"{path.stem}.ipynb") if "_build" not in p.parts]
    return page


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_question_is_whole_and_its_section_is_on_the_page(path):
    questions = extension.read_questions(path)
    cells = json.loads(page_of(path).read_text(encoding="utf-8"))["cells"]
    placed = extension.place_questions(cells, questions)
    text = ["".join(cell["source"]) for cell in placed]
    for name in questions:
        assert text.count(f"```{{self-check}} {name}\n```") == 1
    kept = [cell for cell in placed if "{self-check}" not in "".join(cell["source"])]
    assert joined(kept) == joined(cells)


def joined(cells):
    """Return all text of some cells without blank lines."""
    return [line for cell in cells for line in "".join(cell["source"]).split("\n") if line.strip()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_feedback_teaches_and_no_two_choices_are_the_same(path):
    for name, question in extension.read_questions(path).items():
        texts = [str(option["text"]) for option in question["choices"]]
        assert len(set(texts)) == len(texts), name
        for option in question["choices"]:
            assert len(str(option["why"])) >= 30, f"{name}: {option['why']}"
            assert not re.match(r"(?i)(right|wrong|yes|no|correct|incorrect)\b", option["why"])


def test_the_right_choice_is_not_always_in_the_same_place():
    places = {
        next(n for n, option in enumerate(question["choices"]) if option.get("right"))
        for path in FILES
        for question in extension.read_questions(path).values()
    }
    assert len(places) > 1


def text_cell(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def test_a_question_comes_at_the_end_of_its_section_and_before_the_next_heading():
    code = {"cell_type": "code", "metadata": {}, "source": "# Two\n"}
    cells = [
        text_cell("# Title\n\n## One\n\nText.\n\n```\n## not a heading\n```"),
        code,
        text_cell("More.\n\n### Deeper\n\nEnd.\n\n## Two\n\nOther."),
    ]
    placed = extension.place_questions(cells, {"q": {"after": "One"}})
    assert [cell["source"] for cell in placed] == [
        cells[0]["source"],
        code["source"],
        "More.",
        "```{self-check} q\n```",
        "### Deeper\n\nEnd.\n\n## Two\n\nOther.",
    ]
    last = extension.place_questions(cells, {"q": {"after": "Two"}})
    assert last[-1]["source"] == "```{self-check} q\n```"
    with pytest.raises(ValueError, match="'Three'"):
        extension.place_questions(cells, {"q": {"after": "Three"}})


@pytest.mark.parametrize(
    "change, message",
    [
        ({"choices": [{"text": "a", "why": "b", "right": True}]}, "three choices"),
        ({"choices": [{"text": t, "why": "b"} for t in "abc"]}, "one choice is right"),
        ({"choices": [{"text": "a", "why": " "}]}, "text, why"),
        ({"choices": [{"text": "a"}]}, "text, why"),
        ({"hint": "x"}, "the fields are"),
    ],
)
def test_a_question_with_a_part_missing_is_refused(tmp_path, change, message):
    question = {"after": "One", "question": "What?", "choices": []}
    (tmp_path / "page.yml").write_text(json.dumps({"q": {**question, **change}}))
    with pytest.raises(ValueError, match=message):
        extension.read_questions(tmp_path / "page.yml")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A page with a question, built by Sphinx alone."""
    from sphinx.application import Sphinx

    book, out = tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("html")
    page = [text_cell("# Title\n\n## One\n\nText."), text_cell("## Two\n\nOther.")]
    notebook = {"cells": page, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for number, cell in enumerate(page):
        cell["id"] = f"c{number}"
    (book / "index.ipynb").write_text(json.dumps(notebook))
    (book / "questions").mkdir()
    (book / "questions" / "index.yml").write_text(
        "q:\n  after: One\n  question: What is $1 + 1$?\n  choices:\n"
        "    - {text: '2', right: true, why: One and *one* more.}\n"
        "    - {text: $3$, why: That is one too many.}\n    - {text: '1', why: One short.}\n"
    )
    settings = {
        "extensions": ["myst_nb", "convac_questions"],
        "myst_enable_extensions": ["dollarmath"],
        "nb_execution_mode": "off",
    }
    Sphinx(book, None, out, out / ".doctrees", "html", settings, status=None).build()
    return (out / "index.html").read_text()


def test_the_page_folds_each_choice_over_its_feedback(built):
    choices = re.findall(r"<details class=\"choice[^>]*><summary>(.*?)</summary>\s*(.*?)</details>",
                         built, re.S)  # fmt: skip
    shown = [re.sub(r"<[^>]*>", "", text) for text, _ in choices]
    assert shown == ["a) 2", r"b) \(3\)", "c) 1"]
    assert "<strong>Right.</strong> One and <em>one</em> more." in choices[0][1]
    assert all("<strong>Not quite.</strong>" in feedback for _, feedback in choices[1:])
    assert not any("<script" in part or "onclick" in part for choice in choices for part in choice)


def test_the_question_stands_in_its_section(built):
    assert built.index("Text.") < built.index("Check yourself") < built.index("Other.")
