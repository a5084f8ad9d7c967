"""From a chapter to its assignment: what students get, what nbgrader takes, what varies."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from course_sample import RIGHT, handed_in, sample_chapter, write

from convac_course.assignment import WRITE_HERE
from convac_course.build import build_assignment
from convac_course.chapters import HIDDEN, SOLUTION, read_book, read_chapter
from convac_course.markdown import expand_macros, labelled_titles, plain
from convac_course.notebooks import Cell
from convac_course.variants import choose, count_variants, draw_of, given_source

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = {name: chapter for name, chapter in read_book(ROOT / "book").items() if chapter.graded}
# What must not be left in a notebook that a student opens.
RAW = re.compile(r"^[`:~]{3,}\{|\{(?:eq|ref|numref|cite\S*|math|prf:\S*)\}`|^\([\w-]+\)=", re.M)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample chapter's notebook on disk, with a bibliography and a configuration beside it."""
    book = tmp_path_factory.mktemp("book")
    nbformat.write(sample_chapter(), book / "sample.ipynb")
    (book / "references.bib").write_text(
        "@article{levine2018deep, author={Levine, Y. and Yakira, D. and Cohen, N.}, year={2018}}"
    )
    (book / "_config.yml").write_text(
        'sphinx: {config: {mathjax3_config: {tex: {macros: {ket: ["|#1\\\\rangle", 1]}}}}}'
    )
    return book / "sample.ipynb"


@pytest.fixture(scope="module")
def course(sample, tmp_path_factory):
    """A course folder with the sample's assignment."""
    folder = tmp_path_factory.mktemp("course")
    build_assignment(sample, folder)
    return folder


def cells_of(path):
    return {
        cell.metadata.get("nbgrader", {}).get("grade_id", f"plain-{number}"): cell
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells)
    }


def release_of(course, name="sample"):
    return course / "release" / name / f"{name}.ipynb"


def source_of(course, name="sample"):
    return course / "source" / name / f"{name}.ipynb"


def test_a_student_gets_a_heading_hints_to_open_and_one_stub(course):
    cells = cells_of(release_of(course))
    statement = cells["sum-of-squares-statement"].source
    assert statement.startswith("## Sum of squares\n\n*Compute and check · 5 minutes")
    assert "level 1 of 3 · 2 points*" in statement
    assert "<details>\n<summary>Hint 1</summary>\n\nUse a *loop*.\n\n</details>" in statement
    assert "$|0\\rangle$" in statement
    assert "the theorem “Sums”, the chapter's equation and (Levine et al., 2018)" in statement
    stub = "# YOUR CODE HERE\nraise NotImplementedError()"
    assert cells["sum-of-squares-solution"].source == f"{stub}\ntotal"
    assert cells["a-norm-solution"].source.rstrip() == (
        "def norm(vector):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )


def test_a_student_gets_no_solution_no_hidden_test_and_no_other_variant(course):
    text = release_of(course).read_text()
    for secret in ("k * k", "2 * count - 1", "SOLUTION", "HIDDEN", "It is a sum", "grow faster"):
        assert secret not in text
    assert '"variants"' not in text and "solution-start" not in text


def test_the_instructor_reads_solution_explanation_and_test_without_marks(course):
    text = (course / "instructor" / "sample.ipynb").read_text()
    for part in ("k * k", "2 * count - 1", "It is a sum of squares.", "They would grow faster."):
        assert part in text
    assert "###" not in text and "YOUR CODE" not in text


def test_the_same_chapter_gives_the_same_bytes(sample, course, tmp_path):
    build_assignment(sample, tmp_path)
    for path in sorted(course.rglob("*.ipynb")):
        assert (tmp_path / path.relative_to(course)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chapter_of_the_book_makes_a_readable_assignment(name, tmp_path):
    chapter = CHAPTERS[name]
    build_assignment(chapter, tmp_path)
    for notebook in (release_of(tmp_path, name), tmp_path / "instructor" / f"{name}.ipynb"):
        for cell in nbformat.read(notebook, as_version=4).cells:
            if cell.cell_type == "markdown":
                assert not RAW.search(cell.source), cell.source
            assert "### " not in cell.source or cell.cell_type == "markdown"
    release = nbformat.read(release_of(tmp_path, name), as_version=4).cells
    setup = {cell.source for cell in chapter.setup}
    shown = {line for c in release if c.source not in setup for line in c.source.split("\n")}
    for exercise in chapter.graded:
        for cell in exercise.of("test", "solution"):
            kept = (HIDDEN if cell in exercise.of("test") else SOLUTION).search(cell.source)[1]
            assert not {line for line in kept.split("\n") if len(line) > 12} & shown


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_variant_of_the_book_changes_what_students_compute(name):
    for exercise in CHAPTERS[name].graded:
        count = count_variants(exercise)
        assert count >= 1, f"{exercise.name} has no variant"
        texts = [
            "\n".join(given_source(cell, variant) for cell in exercise.of("given"))
            for variant in (None, *range(count))
        ]
        assert len(set(texts)) == len(texts)


def test_a_variant_rewrites_only_its_assignments(sample, tmp_path):
    exercise = read_chapter(sample).graded[0]
    drawn = [choose(exercise, seed) for seed in range(20)]
    assert set(drawn) == {0, 1}
    assert [draw_of(read_chapter(sample), seed) for seed in range(20)] == [
        {"sum-of-squares": {"count": [20, 30][number]}} for number in drawn
    ]
    assert drawn == [choose(exercise, seed) for seed in range(20)]
    assert choose(exercise, None) is None
    build_assignment(sample, tmp_path, variant=3)
    given = cells_of(source_of(tmp_path))["sum-of-squares-given"]
    assert given.source == f"count = {[20, 30][choose(exercise, 3)]}  # how many"
    assert "variants" not in given.metadata.convac


@pytest.mark.parametrize(
    "source, variants, expected",
    [
        ("a = (1,\n     2)\nb = 'x'", {"a": [[3, 4]], "b": ["y"]}, "a = (3, 4)\nb = 'y'"),
        ("é = 'ü'; a = [1]  # ü", {"a": [[2, 3]]}, "é = 'ü'; a = [2, 3]  # ü"),
        ("seed = 3\nx = seed + 1", {"seed": [7]}, "seed = 7\nx = seed + 1"),
    ],
)
def test_given_source_puts_values_in_place(source, variants, expected):
    about = {"role": "given", "exercise": "e", "variants": variants}
    cell = Cell("code", source, {"convac": about})
    assert given_source(cell, 0) == expected


@pytest.mark.parametrize(
    "variants, message",
    [
        ({"count": [10, 20]}, "the book's own values"),
        ({"count": [20], "other": [1]}, "does not assign 'other'"),
        ({"count": [20, 30], "other": [1]}, "differ in length"),
    ],
)
def test_a_variant_that_is_none_is_refused(variants, message):
    notebook = sample_chapter()
    notebook.cells[4].metadata.convac.variants = variants
    with pytest.raises(ValueError, match=message):
        count_variants(read(notebook).graded[0])


def read(notebook):
    """Return a notebook read as a chapter."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(notebook, f"{folder}/sample.ipynb")
        return read_chapter(f"{folder}/sample.ipynb")


@pytest.mark.parametrize(
    "number, change, message",
    [
        (7, {"source": "total = 1"}, "BEGIN SOLUTION"),
        (10, {"source": "assert total"}, "HIDDEN TESTS"),
        (10, {"points": 0}, "points"),
        (4, {"role": "givens"}, "got 'givens'"),
        (10, {"source": "### BEGIN HIDDEN TESTS\nassert 1\n### END HIDDEN TESTS"}, "reads no name"),
    ],
)
def test_an_exercise_with_a_part_missing_is_refused(number, change, message):
    notebook = sample_chapter()
    cell = notebook.cells[number]
    if "source" in change:
        cell.source = change.pop("source")
        notebook.cells[9].source = "None"
    cell.metadata.convac.update(change)
    with pytest.raises(ValueError, match=message):
        read(notebook)


def test_answers_are_what_the_solution_defines_and_the_test_reads():
    sums, norm, what_if = read(sample_chapter()).exercises
    assert sums.answers == ["total"] and norm.answers == ["norm"] and not what_if.graded


@pytest.mark.parametrize(
    "myst, expected",
    [
        ("A {math}`x^2` and {ref}`that <b>`.", "A $x^2$ and that."),
        ("(label)=\nText", "Text"),
        (":::{note}\nLook.\n:::", "> **Note**\n>\n> Look."),
        ("```python\n{eq}`x`\n```", "```python\n{eq}`x`\n```"),
        ("````{dropdown} More\n```{math}\nx\n```\n````", "<details>\n<summary>More</summary>\n\n"
         "$$\nx\n$$\n\n</details>"),
        ("[the map](intro.md), [out](https://a.b)", "the map, [out](https://a.b)"),
    ],
)  # fmt: skip
def test_plain_markdown(myst, expected):
    assert plain(myst) == expected


@pytest.mark.parametrize("myst", ["```{glue} x\n```", "```{note}\nnever closed"])
def test_what_has_no_plain_form_is_refused(myst):
    with pytest.raises(ValueError):
        plain(myst)


def test_macros_are_written_out_with_nested_arguments():
    macros = {"mat": [r"[\![#1]\!]_{#2}", 2], "R": r"\mathbb{R}"}
    written = expand_macros(r"\mat{\mathcal{A}}{A,B} \in \R^n, \Rho", macros)
    assert written == r"[\![\mathcal{A}]\!]_{A,B} \in \mathbb{R}^n, \Rho"


def test_a_label_is_written_as_its_title():
    texts = ["(part-two)=\n## Two", "```{prf:definition}\n:label: def-a\nx\n```"]
    titles = labelled_titles(texts)
    assert titles == {"part-two": "“Two”", "def-a": "the chapter's definition"}


def test_nbgrader_makes_the_same_release_from_the_source(course):
    preprocessors = pytest.importorskip("nbgrader.preprocessors")
    notebook = nbformat.read(source_of(course), as_version=4)
    clear = preprocessors.ClearSolutions(text_stub=WRITE_HERE)
    assert f'text_stub = "{WRITE_HERE}"' in (course / "nbgrader_config.py").read_text()
    for step in (clear, preprocessors.ClearHiddenTests()):
        notebook, _ = step.preprocess(notebook, {})
    ours = cells_of(release_of(course))
    theirs = {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}
    assert {name: cell.source.strip() for name, cell in theirs.items()} == {
        name: ours[name].source.strip() for name in theirs
    }


def test_nbgrader_accepts_the_metadata(course):
    validator = pytest.importorskip("nbgrader.nbgraderformat")
    for path in (source_of(course), release_of(course)):
        validator.MetadataValidator().validate_nb(nbformat.read(path, as_version=4))


def test_a_blank_fails_in_the_tests_that_students_see_and_an_answer_does_not(course):
    release = release_notebook_of(course)
    right = handed_in(release, **{name.replace("-", "_"): code for name, code in RIGHT.items()})
    for notebook, blank in ((release, True), (right, False)):
        namespace = {}
        for cell in notebook["cells"]:
            nbgrader = cell["metadata"].get("nbgrader", {})
            if cell["cell_type"] != "code" or not nbgrader:
                continue
            if nbgrader.get("points") and blank:
                with pytest.raises(AssertionError, match="no answer"):
                    exec(cell["source"], namespace)
                continue
            try:
                exec(cell["source"], namespace)
            except (NotImplementedError, NameError):
                assert blank


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_test_that_students_see_names_each_answer(name, tmp_path):
    build_assignment(CHAPTERS[name], tmp_path)
    release = json.loads(release_of(tmp_path, name).read_text())
    for exercise in CHAPTERS[name].graded:
        cell = cells_of(release_of(tmp_path, name))[f"{exercise.name}-test"]
        for answer in exercise.answers:
            assert f'"{answer}"' in cell.source or f"{answer}.__code__" in cell.source
    assert release["metadata"]["convac"]["chapter"] == name


def release_notebook_of(course):
    """Return the notebook that students get, each cell's text in one piece."""
    notebook = json.loads(release_of(course).read_text())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def nbgrader(course, *arguments):
    """Run nbgrader in a course folder and return what it says."""
    command = shutil.which("nbgrader", path=str(Path(sys.executable).parent))
    assert command, "pip install -e '.[course]'"
    environment = {**os.environ, "PATH": f"{Path(command).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        [command, *arguments], cwd=course, check=True, capture_output=True, env=environment
    )
    return done.stdout.decode()


FULL = pytest.mark.skipif(
    not os.environ.get("CONVAC_FULL"), reason="`make graders` runs it: a minute"
)


@FULL
def test_nbgrader_does_not_call_a_blank_a_success(course, tmp_path):
    release = release_notebook_of(course)
    right = handed_in(release, **{name.replace("-", "_"): code for name, code in RIGHT.items()})
    (tmp_path / "right.ipynb").write_text(json.dumps(right))
    blank = nbgrader(course, "validate", str(release_of(course)))
    assert "Success" not in blank and "VALIDATION FAILED ON 3 CELL(S)" in blank
    assert "Success" in nbgrader(course, "validate", str(tmp_path / "right.ipynb"))


@FULL
def test_nbgrader_itself_gives_the_reference_full_marks_and_a_blank_none(course):
    release = release_notebook_of(course)
    right = {name.replace("-", "_"): code for name, code in RIGHT.items()}
    answered = handed_in(release, **right)
    for cell in answered["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "what-if-written":
            cell["source"] = "They grow faster."
    write(course / "submitted", "blank", release)
    write(course / "submitted", "right", answered)
    write(course / "submitted", "reference", source_of(course).read_text())
    for step in ("generate_assignment", "autograde"):
        nbgrader(course, step, "sample", "--force")
    database = sqlite3.connect(course / "gradebook.db")
    marks = database.execute(
        "SELECT s.student_id, SUM(g.auto_score) FROM submitted_assignment s "
        "JOIN submitted_notebook n ON n.assignment_id = s.id "
        "JOIN grade g ON g.notebook_id = n.id GROUP BY s.student_id"
    )
    assert dict(marks) == {"blank": 0, "right": 5, "reference": 5}
    database.close()
    # The form grader asks for a mark of the open exercise, and keeps it through another round.
    api = pytest.importorskip("nbgrader.api")
    address = f"sqlite:///{course / 'gradebook.db'}"
    with api.Gradebook(address) as gradebook:
        grade = gradebook.find_grade("what-if-written", "sample", "sample", "right")
        assert grade.needs_manual_grade and grade.max_score == 12
        grade.manual_score = 7
        gradebook.db.commit()
    nbgrader(course, "autograde", "sample", "--force", "--student", "right")
    with api.Gradebook(address) as gradebook:
        grade = gradebook.find_grade("what-if-written", "sample", "sample", "right")
        assert (grade.score, gradebook.find_submission("sample", "right").score) == (7, 12)
