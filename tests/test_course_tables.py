"""The gradebook: a row for everyone, totals, exports as platforms want them, marks by hand."""

import csv
import io
import json
import re

import pytest
from course_runs import graded, make_course, release_of, table
from course_sample import RIGHT, handed_in, write

from convac_course.by_hand import HEADER, RUBRIC, HandMark, read_marks
from convac_course.exports import CANVAS, canvas, moodle, spreadsheet, worksheet
from convac_course.gradebook import Column, Gradebook, Row, make_gradebook
from convac_course.hidden_tests import Mark
from convac_course.report import by_hand_page, feedback_page, overview_page
from convac_course.results import Result
from convac_course.roster import Roster, Student, read_roster
from convac_course.tables import harmless, read_table, write_table

SUM, NORM = RIGHT["sum-of-squares"], RIGHT["a-norm"]
CANVAS_ROSTER = (
    '﻿Student,ID,SIS User ID,SIS Login ID,Section,"A sample of sums (77)",Current Score\n'
    '"    Points Possible",,,,,5,(read only)\n'
    '"Lee, Anna",1234,u-1,alee,Tuesday,,\n"Ode, Ben",1235,u-2,bode,Tuesday,,\n'
    '"Ray, Carl",1236,u-3,cray,Monday,,\n'
)
MOODLE_ROSTER = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    "Participant 501,Anna Lee,al@uni.edu,Submitted,,5.00,Yes,-,-,\n"
    "Participant 502,Ben Ode,bo@uni.edu,No submission,,5.00,Yes,-,-,\n"
)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("course"))


def handed(folder, course, **students):
    """Hand in notebooks for some students."""
    for student, answers in students.items():
        write(folder, student.replace("_", " "), handed_in(release_of(course), **answers))
    return folder


def roster_file(folder, text, name="roster.csv", encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def test_everyone_on_the_roster_gets_a_row_and_so_does_everyone_else(course, tmp_path):
    roster = roster_file(tmp_path, "name;email;group\nAnna;a@b.c;Mo\nBen;b@b.c;Tu\nCarl;;Tu\n")
    handed(tmp_path / "in", course, Anna={"sum_of_squares": SUM, "a_norm": NORM},
           Zoe={"sum_of_squares": SUM})  # fmt: skip
    (tmp_path / "in" / "Carl").mkdir()
    graded(tmp_path / "in", course, tmp_path / "g.csv", roster=roster)
    rows = {row["Student"]: row for row in table(tmp_path / "g.csv")}
    assert list(rows) == ["out of", "Anna", "Ben", "Carl", "Zoe"]
    assert rows["out of"]["All"] == "5" and rows["out of"]["sample: a-norm"] == "3"
    assert (rows["Anna"]["All"], rows["Anna"]["%"], rows["Anna"]["sample: %"]) == (
        "5",
        "100",
        "100",
    )
    assert (rows["Anna"]["Email"], rows["Anna"]["Group"], rows["Anna"]["Remarks"]) == (
        "a@b.c", "Mo", "")  # fmt: skip
    assert (rows["Ben"]["All"], rows["Ben"]["Remarks"]) == ("0", "nothing was handed in")
    assert "the folder is empty" in rows["Carl"]["Remarks"]
    assert (rows["Zoe"]["All"], rows["Zoe"]["%"]) == ("2", "40")
    assert rows["Zoe"]["Remarks"].startswith("not on the roster; sample: a-norm: no answer")


def canvas_takes(text):
    """Read a table as Canvas does, and return (assignments, points, marks by ID)."""
    header, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert "Student" in header[0] and "ID" in header[1] and "Section" in header[4]
    assert header[2] == "SIS User ID" and header[3] == "SIS Login ID"
    points = next(row for row in rows if "Points Possible" in row[0])
    marks = {row[1]: row[5:] for row in rows if row is not points}
    assert all(re.fullmatch(r"-?[0-9.,]+%?|", mark) for row in marks.values() for mark in row)
    assert all(len(row) == len(header) for row in rows)
    return header[5:], points[5:], marks


def test_canvas_takes_what_is_written_for_it(course, tmp_path):
    roster = roster_file(tmp_path, CANVAS_ROSTER)
    handed(tmp_path / "in", course, leeanna_1234_9_x={"sum_of_squares": SUM})
    (tmp_path / "in" / "leeanna 1234 9 x").rename(tmp_path / "in" / "Anna Lee")
    graded(tmp_path / "in", course, tmp_path / "g.csv", roster=roster)
    text = (tmp_path / "g-canvas.csv").read_text(encoding="utf-8")
    assert text.startswith("\ufeff")
    assignments, points, marks = canvas_takes(text)
    assert assignments == ["A sample of sums (77)"] and points == ["5"]
    assert marks == {"1234": ["2"], "1235": [""], "1236": [""]}


def moodle_takes(text, chosen):
    """Read a table as Moodle's gradebook does, with one column chosen to find the student by."""
    header, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert len({*header}) == len(header)
    place = header.index(chosen)
    return {row[place]: dict(zip(header, row, strict=True)) for row in rows if row[place]}


def test_moodle_takes_what_is_written_for_it(course, tmp_path):
    roster = roster_file(tmp_path, MOODLE_ROSTER)
    handed(tmp_path / "in", course, Anna_Lee={"sum_of_squares": SUM, "a_norm": "norm = 3"})
    (tmp_path / "in" / "Anna Lee").rename(tmp_path / "in" / "X_501_assignsubmission_file_")
    graded(tmp_path / "in", course, tmp_path / "g.csv", roster=roster)
    whole = moodle_takes((tmp_path / "g-moodle.csv").read_text(), "Email address")
    assert whole["al@uni.edu"]["A sample of sums"] == "2"
    assert whole["bo@uni.edu"]["A sample of sums"] == ""
    text = (tmp_path / "g-moodle-sample.csv").read_text()
    assert text.startswith("\ufeff" + MOODLE_ROSTER.partition("\n")[0])
    sheet = moodle_takes(text, "Identifier")
    assert list(sheet) == ["Participant 501", "Participant 502"]
    assert sheet["Participant 501"]["Grade"] == "2"
    assert "a-norm" in sheet["Participant 501"]["Feedback comments"]
    assert (sheet["Participant 502"]["Grade"], sheet["Participant 502"]["Status"]) == (
        "", "No submission")  # fmt: skip


def book_of(*rows, titles=("one",)):
    columns = [Column(name, "e", 3) for name in titles]
    return Gradebook(columns, {name: name.title() for name in titles}, list(rows))


def test_a_formula_is_text_wherever_it_came_from(tmp_path):
    evil = '=HYPERLINK("http://x","y")'
    student = Student(evil, evil, {"ID": "@x", "email": "+1+cmd|' /C calc'!A0", "Student": evil})
    row = Row(evil, student, remarks=["-2+3", "\tx"])
    row.marks[Column("one", "e", 3)] = 1.5
    for make in (spreadsheet, canvas, moodle):
        write_table(tmp_path / "t.csv", make(book_of(row)))
        for cells in csv.reader(io.StringIO((tmp_path / "t.csv").read_text("utf-8-sig"))):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert harmless(-0.5) == "-0.5" and harmless(2.0) == "2"
    assert worksheet(book_of(row), "one") == []
    assert read_table(tmp_path / "t.csv")[0]["Full name"] == evil


def test_what_was_not_handed_in_is_empty_for_platforms_and_zero_in_the_table():
    absent, present = Row("a", None), Row("b", None)
    present.results["one"] = Result("b", "one", "one")
    book = book_of(absent, present, titles=("one", "two"))
    assert canvas(book)[2:] == [["a", "", "", "", "", "", ""], ["b", "", "", "", "", 0, ""]]
    assert [row[-3:-1] for row in spreadsheet(book)[2:]] == [[0, 0.0], [0, 0.0]]
    assert list(CANVAS) == canvas(book)[0][:5]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_is_read_however_a_spreadsheet_saved_it(tmp_path, encoding, mark):
    text = mark.join(("Name", "Group", "Matriculation number")) + "\r\n"
    text += mark.join(("Zoë Äß", "Mo", "12")) + "\r\n"
    roster = read_roster(roster_file(tmp_path, text, encoding=encoding))
    (student,) = roster.students
    assert (student.name, student.group) == ("Zoë Äß", "Mo")
    assert roster.find("12") is student and roster.find("zoë äß") is student


@pytest.mark.parametrize(
    "row, names",
    [
        ({"Student": "Lee, Anna"}, ["Anna Lee", "leeanna", "LEE ANNA"]),
        ({"First name": "Anna", "Last name": "van Lee"}, ["Anna van Lee", "vanleeanna"]),
        ({"name": "Anna Lee", "email": "al7@uni.edu"}, ["al7", "al7@uni.edu", "leeanna"]),
        ({"Full name": "Anna Lee", "Identifier": "Participant 12"}, ["12", "Participant 12"]),
    ],
)
def test_a_student_is_found_by_anything_that_names_them(row, names):
    roster = Roster([Student("x", row=row), Student("y", row={"name": "Ben"})])
    for name in names:
        assert roster.find(name) is roster.students[0], name
    assert roster.find("", "nobody") is None


def test_two_students_of_one_name_stay_two(tmp_path):
    text = "name,id\nEva,1\nEva,2\nBen,3\n"
    roster = read_roster(roster_file(tmp_path, text))
    assert [student.name for student in roster.students] == ["Eva (1)", "Eva (2)", "Ben"]
    assert roster.find("Eva") is None and roster.ambiguous("eva")
    assert roster.find("2").name == "Eva (2)"


@pytest.mark.parametrize(
    "text, message", [("", "is empty"), ("a,b\n1,2\n", "no column names a student")]
)
def test_a_table_that_is_no_roster_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_roster(roster_file(tmp_path, text))


def with_written(course, text, **answers):
    """Return a notebook with an answer to the open exercise."""
    notebook = handed_in(release_of(course), **answers)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "what-if-written":
            cell["source"] = text
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "source": "print('a study')"})
    return notebook


def fill(path, **changes):
    """Fill in the table as a teacher does, with a spreadsheet that saves in its own way."""
    rows = table(path)
    for row in rows:
        if row["Student"] in changes:
            row["Mark"], row["Comment"] = changes[row["Student"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode("cp1252"))


def test_marks_by_hand_survive_and_enter_totals_and_pages(course, tmp_path):
    write(tmp_path / "in", "anna", with_written(course, "They grow faster.", sum_of_squares=SUM))
    write(tmp_path / "in", "ben", with_written(course, "*Write your answer here.*", a_norm=NORM))
    to, hand = tmp_path / "g.csv", tmp_path / "g-by-hand.csv"
    graded(tmp_path / "in", course, to)
    rows = {row["Student"]: row for row in table(hand)}
    assert rows["anna"]["Answer"].startswith("They grow faster.") and rows["anna"]["Mark"] == ""
    assert (rows["anna"]["Out of"], rows["anna"]["Exercise"]) == ("12", "what-if")
    assert rows["ben"]["Answer"].startswith("``` print('a study')")
    assert {row["Student"]: row["All"] for row in table(to)} == {
        "out of": "5", "anna": "2", "ben": "3"}  # fmt: skip
    page = (tmp_path / "g-feedback" / "by-hand.html").read_text()
    assert "They grow faster." in page and "a run that could have said no" in page
    fill(hand, anna=("7,5", "Schön; =1+1"))
    for _ in range(2):
        graded(tmp_path / "in", course, to)
        rows = {row["Student"]: row for row in table(hand)}
        assert (rows["anna"]["Mark"], rows["anna"]["Comment"]) == ("7.5", "Schön; =1+1")
        whole = {row["Student"]: row for row in table(to)}
        assert (whole["out of"]["All"], whole["anna"]["All"]) == ("17", "9.5")
        assert whole["anna"]["sample: what-if"] == "7.5"
        assert "what-if: not yet marked by hand" in whole["ben"]["Remarks"]
    text = (tmp_path / "g-feedback" / "students" / "anna" / "sample.html").read_text()
    assert "9.5 of 17" in text and "Schön; =1+1" in text and "They grow faster." in text
    write(tmp_path / "in", "carl", with_written(course, "=1+1"))
    (tmp_path / "in" / "ben" / "sample" / "sample.ipynb").unlink()
    graded(tmp_path / "in", course, to)
    rows = {row["Student"]: row for row in table(hand)}
    assert list(rows) == ["anna", "ben", "carl"] and rows["anna"]["Mark"] == "7.5"
    assert rows["carl"]["Answer"].startswith("'=1+1")


def test_what_was_written_is_found_where_a_platform_lost_the_metadata(course):
    from convac_course.build import read_course
    from convac_course.by_hand import written_answers
    from convac_course.notebooks import parse_notebook

    notebook = with_written(course, "They grow faster.")
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    cells = parse_notebook(json.dumps(notebook).encode()).cells
    written = written_answers(read_course(course)["sample"], cells)
    assert written["what-if"].startswith("They grow faster.")
    assert "print('a study')" in written["what-if"]


@pytest.mark.parametrize("mark", ["13", "-1", "x", "nan"])
def test_a_mark_that_is_none_is_said_before_anything_is_run(course, tmp_path, mark):
    path = tmp_path / "g-by-hand.csv"
    row = ("a", "sample", "what-if", 12, mark.replace("-1", " -1"), "", "")
    write_table(path, [HEADER, row])
    with pytest.raises(ValueError, match=r"line 2: Mark must be a number from 0 to 12, got"):
        read_marks(path)
    write(tmp_path / "in", "anna", handed_in(release_of(course)))
    with pytest.raises(ValueError, match="line 2"):
        graded(tmp_path / "in", course, tmp_path / "g.csv")
    path.write_text("Student,Mark\n1,2\n")
    with pytest.raises(ValueError, match="the columns must be"):
        read_marks(path)


def test_a_folder_without_a_notebook_is_not_full_marks():
    assert not Result("a", "", "", problem="no notebook").full
    assert not Result("a", "x", "x").full
    mark = Mark("e", "E", 2, 2)
    assert Result("a", "x", "x", [mark]).full
    assert not Result("a", "x", "x", [mark], problem="marking broke off").full


def test_the_pages_read_as_sentences_and_hold_no_script():
    mark = Mark(
        "e", "A <b>", 2, 1, ["too small"], ["a = 1"], "Not yet: x.", ["a = 1"], "\x1b[31mred"
    )
    result = Result("s", "c", "c", [mark], ["<i>late</i>"], ["a cell was gone"])
    page = feedback_page(result, {"open-one": HandMark(12, 7, "Good.")})
    for part in ("Too small.", "A &lt;b&gt;", "red", "&lt;i&gt;late", "8 of 14", "Good."):
        assert part in page
    assert "\x1b" not in page and "<script" not in page
    row = Row("s", None, {"c": result}, {}, ["x"])
    assert "What lay in the folder" in overview_page(book_of(row), [result], [])
    hand = {("s", "c", "e"): HandMark(12)}
    assert "not yet marked of 12" in by_hand_page([result], hand, {})


def test_an_exercise_counts_from_the_first_mark_given_by_hand(course):
    from convac_course.build import read_course

    chapters = read_course(course)
    roster = Roster([Student("a"), Student("b")])
    key = ("a", "sample", "what-if")
    for mark, worth in ((None, 5), (0.0, 17)):
        book = make_gradebook(chapters, [], roster, {key: HandMark(12, mark)})
        assert sum(column.points for column in book.columns) == worth


def test_the_rubric_is_the_one_on_the_teachers_page():
    from pathlib import Path

    text = (Path(__file__).parent.parent / "book" / "teaching.md").read_text(encoding="utf-8")
    for line in RUBRIC[1:]:
        assert f"| **{line[0]}** | {' | '.join(line[1:])} |" in text
