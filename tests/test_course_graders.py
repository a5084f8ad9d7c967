"""The graders are proven: each answer stored in tests/graders gets what it deserves.

A sample runs here, on the book's values and one variant; `make graders` runs all of it.
"""

import sys
from pathlib import Path

import pytest
from course_sample import sample_chapter
from nbformat import write

from convac_course.chapters import read_book, read_chapter
from convac_course.proving import Answer, lacking, prove, read_answers

ROOT = Path(__file__).resolve().parent.parent
GRADERS = ROOT / "tests" / "graders"
CHAPTERS = {name: chapter for name, chapter in read_book(ROOT / "book").items() if chapter.graded}


@pytest.fixture(autouse=True)
def settings_of_torch_are_put_back():
    """Put back what a chapter's set-up changes for the whole process."""
    yield
    if "torch" in sys.modules:
        import torch

        torch.set_default_dtype(torch.float32)


def answers_for(name):
    """Return the stored answers of a chapter."""
    path = GRADERS / f"{name}.toml"
    return read_answers(path) if path.exists() else {}


@pytest.mark.parametrize("name", CHAPTERS)
def test_each_graded_exercise_has_answers_of_all_kinds(name):
    assert lacking(CHAPTERS[name], answers_for(name)) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_each_answer_gets_what_it_deserves(name):
    verdicts = list(prove(CHAPTERS[name], answers_for(name), sample=True))
    assert len(verdicts) >= 4
    assert [str(verdict) for verdict in verdicts if not verdict.fair] == []


def test_every_file_of_answers_belongs_to_a_chapter():
    assert {path.stem for path in GRADERS.glob("*.toml")} <= set(CHAPTERS)


@pytest.fixture
def sample(tmp_path):
    """The sample chapter, and answers to it that are as they should be."""
    write(sample_chapter(), tmp_path / "sample.ipynb")
    wrong = [Answer(f"off by {n}", 0, f"total = {n}") for n in range(1, 5)]
    typed = Answer("typed in", 0, "total = 285", on="variants")
    right = Answer("by formula", 2, "total = (count - 1) * count * (2 * count - 1) // 6")
    half = "def norm(vector):\n    return np.linalg.norm(vector)"
    answers = {
        "sum-of-squares": [*wrong, typed, right],
        "a-norm": [Answer("lets an empty vector through", 2, half)],
    }
    return read_chapter(tmp_path / "sample.ipynb"), answers


def test_a_proof_runs_solution_blank_and_answers_on_every_variant(sample):
    chapter, answers = sample
    verdicts = list(prove(chapter, answers))
    assert all(verdict.fair for verdict in verdicts)
    tried = [(v.what, v.variant) for v in verdicts if v.exercise == "sum-of-squares"]
    assert [variant for what, variant in tried if what == "the solution"] == [None, 0, 1]
    assert [variant for what, variant in tried if what == "typed in"] == [0, 1]
    assert len([v for v in verdicts if v.exercise == "a-norm"]) == 3


def test_an_unfair_mark_is_seen_and_told(sample):
    chapter, answers = sample
    answers["sum-of-squares"].append(Answer("typed in and called wrong", 0, "total = 285"))
    (unfair,) = [verdict for verdict in prove(chapter, answers) if not verdict.fair]
    assert str(unfair) == (
        "sum-of-squares, typed in and called wrong, on the book's values: 2 marks, deserves 0"
    )


def test_what_is_lacking_is_told(sample):
    chapter, answers = sample
    assert lacking(chapter, answers)[0].startswith("a-norm")
    answers["sum-of-squares"].pop(4)
    assert lacking(chapter, answers | {"sums": []}) == [
        "sums: no such exercise",
        "sum-of-squares: 4 wrong answers, 5 are needed",
        'sum-of-squares: the book\'s answer typed in is needed, on = "variants"',
        "a-norm: 1 wrong answers, 5 are needed",
        "a-norm: a right answer in another way is needed",
    ]


@pytest.mark.parametrize(
    "entry", ['marks = 0\ncode = ""', 'what = "x"\nmarks = 0\ncode = ""\non = "x"']
)
def test_a_file_of_answers_with_an_odd_field_is_refused(tmp_path, entry):
    (tmp_path / "a.toml").write_text(f"[[e]]\n{entry}")
    with pytest.raises(ValueError, match=r"a\.toml"):
        read_answers(tmp_path / "a.toml")
