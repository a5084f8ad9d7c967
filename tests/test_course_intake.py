"""What lies in the folder: whose it is, for which assignment, which counts, and what is left."""

import io
import json
import os
import random
import zipfile
from datetime import datetime

import nbformat
import pytest
from course_runs import release_of
from course_sample import RIGHT, handed_in, sample_chapter

from convac_course import files, notebooks
from convac_course.build import build_assignment, read_course
from convac_course.files import Found, walk
from convac_course.intake import take_in
from convac_course.roster import Roster, Student

SUM = RIGHT["sum-of-squares"]


@pytest.fixture(scope="module")
def course_folder(tmp_path_factory):
    """A course of two chapters, `states` and `cuts`, with exercises of other names."""
    book, folder = tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("course")
    for name in ("states", "cuts"):
        text = json.dumps(sample_chapter()).replace("sum-of-squares", f"{name}-sum")
        text = text.replace("a-norm", f"{name}-norm").replace("what-if", f"{name}-if")
        text = text.replace("Sum of squares", f"Sum of {name}").replace("A norm", f"Norm {name}")
        (book / f"{name}.ipynb").write_text(text)
        build_assignment(book / f"{name}.ipynb", folder)
    return folder


@pytest.fixture(scope="module")
def course(course_folder):
    return read_course(course_folder)


@pytest.fixture
def states(course_folder):
    """A student's notebook for `states`, as bytes."""
    return notebook_of(course_folder, "states")


def notebook_of(folder, name, **answers):
    return json.dumps(handed_in(release_of(folder, name), **answers)).encode()


def bare(data):
    """Return a notebook without any metadata."""
    content = json.loads(data)
    content["metadata"] = {}
    for cell in content["cells"]:
        cell["metadata"] = {}
    return json.dumps(content).encode()


def zipped(contents):
    """Return a zip with these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return data.getvalue()


def lay(folder, contents):
    """Put files into a folder; they are a second apart."""
    for number, (name, data) in enumerate(contents.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
    return folder


def found(folder, course, *more):
    """Return (student, assignment) of all that can be graded, and everything by student."""
    submissions, lines = take_in(folder, course, *more)
    good = sorted((s.student, s.assignment) for s in submissions if not s.problem)
    return good, {s.student: s for s in submissions}, {line.where: line.what for line in lines}


LAYOUTS = {
    "one folder a student": ["anna/states.ipynb", "ben/states.ipynb"],
    "as nbgrader has it": ["anna/states/states.ipynb", "ben/states/states.ipynb"],
    "one folder a chapter": ["states/anna.ipynb", "states/ben.ipynb"],
    "one folder a chapter, a folder a student": ["states/anna/x.ipynb", "states/ben/x.ipynb"],
    "single files": ["anna.ipynb", "ben.ipynb"],
    "single files with the chapter": ["states-anna.ipynb", "ben_states (1).ipynb"],
    "one student alone": ["anna/states.ipynb"],
    "a folder around all": ["submissions/anna/states.ipynb", "submissions/ben/states.ipynb"],
    "a folder of any name around all": ["week 3/anna/x.ipynb", "week 3/ben/x.ipynb"],
    "deep in a folder": ["anna/Documents/thesis/states.ipynb", "ben/x/y/z/states.ipynb"],
    "Moodle's folders": [
        "anna_1234567_assignsubmission_file_/states.ipynb",
        "ben_1234568_assignsubmission_file/Copy of states.ipynb",
    ],
    "Moodle's flat names": [
        "anna_1234567_assignsubmission_file_states.ipynb",
        "ben_1234568_assignsubmission_file_mine.ipynb",
    ],
    "Canvas's flat names": ["anna_12_345_states.ipynb", "ben_LATE_13_346_states-2.ipynb"],
    "Blackboard's flat names": [
        "Homework 1_anna_attempt_2026-03-05-14-22-10_states.ipynb",
        "Homework 1_anna_attempt_2026-03-05-14-22-10.txt",
        "Homework 1_ben_attempt_2026-03-06-09-00-00_x.ipynb",
    ],
    "Brightspace's folders": [
        "12-34 - anna - Mar 5, 2026 222 PM/states.ipynb",
        "13-34 - ben - Mar 5, 2026 1022 AM/states.ipynb",
        "index.html",
    ],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("how", ["folder", "zip", "zip alone", "metadata lost"])
def test_every_layout_gives_each_student_the_chapter(tmp_path, course, states, layout, how):
    data = bare(states) if how == "metadata lost" else states
    contents = {name: data if name.endswith(".ipynb") else b"note" for name in LAYOUTS[layout]}
    if how == "zip":
        contents = {"all.zip": zipped(contents), "readme.txt": b""}
    elif how == "zip alone":
        contents = {"submissions.zip": zipped(contents)}
    good, _, _ = found(lay(tmp_path, contents), course)
    people = ["anna"] if layout == "one student alone" else ["anna", "ben"]
    if (layout, how) == ("one student alone", "zip"):
        people = ["anna"]
    assert good == [(name, "states") for name in people]


def test_a_zip_of_each_student_and_zips_in_zips(tmp_path, course, states, course_folder):
    cuts = notebook_of(course_folder, "cuts")
    both = zipped({"states.ipynb": states, "cuts/cuts.ipynb": cuts})
    contents = {
        "anna.zip": both,
        "ben.zip": zipped({"work.zip": both, "__MACOSX/._work.zip": b"x"}),
        "carl_1_assignsubmission_file_/homework.zip": both,
        "dora/states.zip": zipped({"states.ipynb": states}),
    }
    expected = [(name, a) for name in ("anna", "ben", "carl") for a in ("cuts", "states")]
    good, _, _ = found(lay(tmp_path / "a", contents), course)
    assert good == sorted([*expected, ("dora", "states")])
    whole = {"Moodle download.zip": zipped(contents)}
    assert found(lay(tmp_path / "b", whole), course)[0] == good


@pytest.mark.parametrize(
    "name", ["Copy of states.ipynb", "Kopie von states.ipynb", "x.ipynb", "cuts.ipynb",
             "states.ipynb.txt", "states.json", "STATES.IPYNB", "states (3).ipynb"],
)  # fmt: skip
def test_the_notebook_itself_says_which_chapter_it_is_for(tmp_path, course, states, name):
    assert found(lay(tmp_path, {f"anna/{name}": states}), course)[0] == [("anna", "states")]
    named = lay(tmp_path / "bare", {f"anna/{name}": bare(states)})
    assert found(named, course)[0] == [("anna", "states")]


def test_a_notebook_of_another_course_belongs_to_none(tmp_path, course):
    other = {"cells": [], "metadata": {"convac": {"chapter": "other"}}}
    lay(tmp_path, {"anna/states.ipynb": json.dumps(other).encode(), "ben/x.ipynb": b'{"cells":[]}'})
    good, all_, lines = found(tmp_path, course)
    assert good == []
    assert (
        all_["anna"].problem == all_["ben"].problem == "it belongs to no assignment of this course"
    )
    assert lines["ben/x.ipynb"].startswith("ben: it belongs to no")


def test_the_newest_that_can_be_read_counts_and_the_others_are_named(
    tmp_path, course, states, course_folder
):
    right = notebook_of(course_folder, "states", states_sum=SUM)
    lay(tmp_path, {
        "anna/states.ipynb": states, "anna/states (1).ipynb": right,
        "ben/states-old.ipynb": right, "ben/states.ipynb": states,
        "carl/states.ipynb": right, "carl/states (1).ipynb": b"{", "carl/notes.pdf": b"%PDF",
        "dora/states.ipynb": right, "dora/copy.ipynb": right,
    })  # fmt: skip
    _, all_, lines = found(tmp_path, course)
    assert all_["anna"].where == "anna/states (1).ipynb"
    assert all_["anna"].notes == ["anna/states.ipynb was passed over: an older attempt"]
    assert all_["ben"].where == "ben/states.ipynb"
    assert all_["carl"].where == "carl/states.ipynb"
    assert "damaged" in all_["carl"].notes[0]
    assert "the same file again" in all_["dora"].notes[0]
    assert len(lines) == 9 and lines["carl/notes.pdf"] == "not a notebook"


def test_a_platform_s_time_decides_before_the_file_s(tmp_path, course, states):
    early = "H_anna_attempt_2026-03-01-10-00-00_states.ipynb"
    late = "H_anna_attempt_2026-03-02-10-00-00_states.ipynb"
    lay(tmp_path, {late: states, early: states + b" "})
    _, all_, _ = found(tmp_path, course, None, datetime(2026, 3, 2, 8))
    assert all_["anna"].where == late
    assert all_["anna"].notes[0] == "late by 2.0 hours, says Blackboard"


def test_canvas_says_who_is_late_and_which_copy_is_newer(tmp_path, course, states):
    lay(tmp_path, {"leeanna_LATE_1_22_states-2.ipynb": states, "leeanna_LATE_1_21_x.ipynb": b"{}"})
    _, all_, _ = found(tmp_path, course)
    assert all_["leeanna"].notes[0] == "late, says Canvas"


def test_copies_of_the_same_second_are_told_apart_by_number_and_content(
    tmp_path, course, states, course_folder
):
    right = notebook_of(course_folder, "states", states_sum=SUM)
    for folder, names in (
        ("anna", ("states-1.ipynb", "states.ipynb")),
        ("ben", ("a.ipynb", "b.ipynb")),
    ):
        lay(tmp_path, {f"{folder}/{names[0]}": right, f"{folder}/{names[1]}": states})
        for name in names:
            os.utime(tmp_path / folder / name, (1, 1))
    _, all_, _ = found(tmp_path, course)
    assert all_["anna"].where == "anna/states-1.ipynb" and all_["ben"].where == "ben/a.ipynb"


def test_nothing_that_lay_there_goes_without_a_line(tmp_path, course, states):
    lay(tmp_path, {
        "anna/states.ipynb": states, "anna/.DS_Store": b"", "anna/._states.ipynb": b"x",
        "anna/.ipynb_checkpoints/states-checkpoint.ipynb": states, "anna/figure.png": b"\x89PNG",
        "ben/essay.pdf": b"%PDF", "carl.rar": b"Rar!", "dora.zip": b"PK no zip",
        "emil/timestamp.txt": b"2026", "list.csv": b"", "Thumbs.db": b"",
        "fred.zip": zipped({"x.txt": b""}), "gina/locked.zip": zipped({}),
    })  # fmt: skip
    (tmp_path / "hugo").mkdir()
    os.symlink(tmp_path / "anna", tmp_path / "ida")
    os.symlink(tmp_path / "anna" / "states.ipynb", tmp_path / "jan.ipynb")
    os.mkfifo(tmp_path / "pipe.ipynb")
    good, all_, lines = found(tmp_path, course)
    assert good == [("anna", "states")]
    assert lines == {
        "anna/states.ipynb": "anna: states", "anna/.DS_Store": "left there by a system",
        "anna/._states.ipynb": "left there by a system", "anna/figure.png": "not a notebook",
        "anna/.ipynb_checkpoints": "left there by a system", "ben/essay.pdf": "not a notebook",
        "carl.rar": "not a notebook", "dora.zip": "the zip is damaged",
        "emil/timestamp.txt": "a platform's note", "list.csv": "not a notebook",
        "Thumbs.db": "left there by a system", "fred.zip/x.txt": "not a notebook",
        "gina/locked.zip": "the zip is empty", "hugo": "the folder is empty",
        "ida": "it is a link to another folder", "jan.ipynb": "jan: it is a link to another file",
        "pipe.ipynb": "pipe: it is not a plain file",
    }  # fmt: skip
    for name in ("ben", "dora", "emil", "fred", "gina", "hugo"):
        assert "no notebook was handed in" in all_[name].problem, name
    assert "no notebook was handed in; there lay carl.rar" in found(
        tmp_path, course, Roster([Student("carl", row={"name": "carl"})])
    )[1]["carl"].problem  # fmt: skip


def test_a_zip_may_be_anything(tmp_path, course, states, monkeypatch):
    monkeypatch.setattr(notebooks, "LARGEST", 10**6)
    monkeypatch.setattr(files, "LARGEST", 10**6)
    monkeypatch.setattr(files, "LARGEST_ZIP_INSIDE", 10**6)
    monkeypatch.setattr(files, "MOST_ENTRIES", 50)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("states.ipynb", b"0" * 10**7)
        archive.writestr("more.zip", b"0" * 10**7)
    deep = zipped({"states.ipynb": states})
    for _ in range(6):
        deep = zipped({"in.zip": deep})
    odd = zipped({"../../../etc/states.ipynb": states, "/abs/cuts.ipynb": b"{}", "a//./b.txt": b""})
    old = zipped({"übung/states.ipynb": states}).replace("übung".encode(), b"\x81bung\x00"[:6])
    lay(tmp_path, {"anna/bomb.zip": bomb.getvalue(), "ben/deep.zip": deep, "carl/odd.zip": odd,
                   "dora/many.zip": zipped({f"{n}.txt": b"" for n in range(60)}),
                   "emil/cut.zip": zipped({"states.ipynb": states})[:-40],
                   "fred/old.zip": old, "gina/odd.zip": os.urandom(500)})  # fmt: skip
    good, all_, lines = found(tmp_path, course)
    assert ("carl", "states") in good and ("anna", "states") not in good
    assert lines["anna/bomb.zip/states.ipynb"] == "anna: it is larger than 0 MB"
    assert "a zip in more than 2 others" in all_["ben"].problem
    assert "more than 50 files" in all_["dora"].problem
    assert "damaged" in all_["emil"].problem and "damaged" in all_["gina"].problem


def test_a_locked_zip_is_named(tmp_path, course):
    data = bytearray(zipped({"states.ipynb": b"x"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    _, all_, lines = found(lay(tmp_path, {"anna/x.zip": bytes(data)}), course)
    assert lines == {"anna/x.zip/states.ipynb": "it needs a password"}
    assert "password" in all_["anna"].problem


NAMES = ["Anna Lee", "李娜", "Ægir Þór", "Νίκος", "محمد", "a" * 200, "overview.html", "students",
         "..", ".results", "CON", "x;y,z", "=1+1", "-", "o'Neil", "<b>", "a\\b", "tab\there", "é",
         "é\u0301\u0301", "🦉", "index.json", "grades.csv", " leading", "trailing. "]  # fmt: skip


def test_names_of_any_length_and_alphabet_are_students(tmp_path, course, states):
    placed = [name for name in NAMES if name not in (".", "..") and not name.startswith(".")]
    for number, name in enumerate(placed):
        lay(tmp_path, {f"{name}/states.ipynb": states + b" " * number})
    broken = os.fsencode(str(tmp_path)) + b"/\xff\xfe"
    os.mkdir(broken)
    with open(broken + b"/states.ipynb", "wb") as file:
        file.write(states)
    good, _, _ = found(tmp_path, course)
    assert len(good) == len(placed) + 1
    assert {"李娜", "a" * 200, "overview.html"} <= {student for student, _ in good}


def test_the_two_ways_to_write_an_accent_are_one_student(tmp_path, course, states, course_folder):
    lay(tmp_path, {"Zoe\u0308/states.ipynb": states, "Zo\u00eb.zip": zipped({
        "cuts.ipynb": notebook_of(course_folder, "cuts")})})  # fmt: skip
    assert found(tmp_path, course)[0] == [("Zoë", "cuts"), ("Zoë", "states")]


def test_a_roster_tells_who_is_who(tmp_path, course, states):
    roster = Roster([
        Student("Lee, Anna", row={"Student": "Lee, Anna", "ID": "1234", "Email": "al@uni.edu"}),
        Student("Ben Ode", row={"Full name": "Ben Ode", "Username": "bo17"}),
        Student("Dora", row={"name": "Dora", "id": "Participant 99"}),
        Student("Eva (1)", row={"name": "Eva", "id": "1"}),
        Student("Eva (2)", row={"name": "Eva", "id": "2"}),
    ])  # fmt: skip
    lay(tmp_path, {
        "leeanna_7_8_states.ipynb": states, "H_bo17_attempt_2026-03-01-10-00-00_x.ipynb": states,
        "week1/al/states.ipynb": states, "week1/Ode Ben/cuts.ipynb": states,
        "Somebody_99_assignsubmission_file_/x.ipynb": states, "Eva/states.ipynb": states,
    })  # fmt: skip
    good, all_, _ = found(tmp_path, course, roster)
    assert good == [(name, "states") for name in ("Ben Ode", "Dora", "Eva", "Lee, Anna")]
    assert all_["Lee, Anna"].listed is roster.students[0]
    assert all_["Eva"].listed is None and "several students" in all_["Eva"].notes[0]


ROSTERS = {
    "with a roster": Roster([Student(n, row={"name": n}) for n in ("Ben Ode", "Cai", "mallory")]),
    "without": None,
}


@pytest.mark.parametrize("roster", ROSTERS)
@pytest.mark.parametrize(
    "place",
    [
        "mallory/Ben Ode/states.ipynb",
        "mallory/Ben Ode.ipynb",
        "mallory_1_2_Ben Ode.ipynb",
        "mallory_66_assignsubmission_file_/Ben Ode_72_assignsubmission_file_/states.ipynb",
        "mallory_66_assignsubmission_file_/Ben Ode_5_6_states.ipynb",
        "mallory_66_assignsubmission_file_Ben Ode_5_6_states.ipynb",
        "H_mallory_attempt_2026-03-05-14-22-10_H_Ben Ode_attempt_2026-03-06-14-22-10_x.ipynb",
    ],
)
def test_nobody_hands_in_for_another(tmp_path, course, states, roster, place):
    lay(tmp_path, {"Ben Ode/states.ipynb": states, "Cai/states.ipynb": states + b" ",
                   place: states + b"  "})  # fmt: skip
    good, all_, _ = found(tmp_path, course, ROSTERS[roster])
    assert good == [(name, "states") for name in ("Ben Ode", "Cai", "mallory")]
    assert all_["Ben Ode"].where == "Ben Ode/states.ipynb" and not all_["Ben Ode"].notes


@pytest.mark.parametrize("roster", ROSTERS)
def test_a_zip_full_of_others_names_is_its_own_student_s(tmp_path, course, states, roster):
    evil = {f"{name}/states.ipynb": states + b" " for name in ("Ben Ode", "Cai", "x")}
    evil |= {"Ben Ode.ipynb": states, "Cai.ipynb": states}
    lay(tmp_path, {"Ben Ode.zip": zipped({"states.ipynb": states}),
                   "Cai/states.ipynb": states, "mallory.zip": zipped(evil)})  # fmt: skip
    for name, data in evil.items():
        lay(tmp_path, {f"mallory 2/{name}": data})
    good, all_, _ = found(tmp_path, course, ROSTERS[roster])
    expected = {"Ben Ode": "Ben Ode.zip/states.ipynb", "Cai": "Cai/states.ipynb"}
    assert {name: all_[name].where for name in expected} == expected
    for name in expected:
        assert all(note.startswith("mallory 2/") for note in all_[name].notes)
    assert ("mallory", "states") in good


def test_students_may_be_numbers(tmp_path, course, states):
    zip_ = zipped({"4711/states.ipynb": states, "4712/states.ipynb": states})
    assert found(lay(tmp_path, {"all.zip": zip_}), course)[0] == [
        ("4711", "states"), ("4712", "states")]  # fmt: skip


def test_other_json_is_no_attempt(tmp_path, course, states):
    lay(tmp_path, {"anna/states.ipynb": states, "anna/data.json": b"{}", "anna/x.json": b"["})
    good, all_, lines = found(tmp_path, course)
    assert good == [("anna", "states")] and list(all_) == ["anna"] and not all_["anna"].notes
    assert lines["anna/data.json"] == lines["anna/x.json"] == "not a notebook"


def test_notebooks_of_two_groups_are_attempts_at_one_chapter(tmp_path):
    book, folder = tmp_path / "sample.ipynb", tmp_path / "course"
    nbformat.write(sample_chapter(), book)
    build_assignment(book, folder, group="one")
    build_assignment(book, folder, variant=2, group="two")
    lay(tmp_path / "in", {"anna/x.ipynb": notebook_of(folder, "sample-one"),
                          "anna/y.ipynb": notebook_of(folder, "sample-two")})  # fmt: skip
    good, all_, _ = found(tmp_path / "in", read_course(folder))
    assert good == [("anna", "sample-two")]
    assert all_["anna"].notes == ["anna/x.ipynb was passed over: an older attempt"]


def test_groups_are_told_by_their_numbers_and_by_the_roster(tmp_path):
    book, folder = tmp_path / "sample.ipynb", tmp_path / "course"
    nbformat.write(sample_chapter(), book)
    one = build_assignment(book, folder, group="one")
    two = build_assignment(book, folder, variant=2, group="two")
    assert one.notebook.course["draw"] != two.notebook.course["draw"]
    course = read_course(folder)
    first, second = (notebook_of(folder, f"sample-{name}") for name in ("one", "two"))
    anonymous = json.loads(second)
    anonymous["metadata"]["convac"].pop("assignment")
    lay(tmp_path / "in", {"anna/x.ipynb": first, "ben/y.ipynb": json.dumps(anonymous).encode(),
                          "carl/z.ipynb": first})  # fmt: skip
    roster = Roster([Student("carl", "two", {"name": "carl", "group": "two"})])
    good, all_, _ = found(tmp_path / "in", course, roster)
    assert good == [("anna", "sample-one"), ("ben", "sample-two"), ("carl", "sample-two")]
    assert "graded with the numbers of sample-two" in all_["carl"].notes[0]


def test_a_walk_reads_nothing_that_nobody_asks_for(tmp_path, states):
    lay(tmp_path, {"a.zip": zipped({"x.ipynb": states}), "b/y.ipynb": states})
    things = list(walk(tmp_path))
    assert [thing.where for thing in things] == ["a.zip/x.ipynb", "b/y.ipynb"]
    assert all(isinstance(thing, Found) for thing in things)


def test_folders_of_random_make_stop_nothing(tmp_path, course, states):
    """Random trees of random names and contents are taken in, each thing with one line."""
    draw = random.Random(5)
    pool = [*NAMES[:3], "states", "a.ipynb", "x.zip", "._x", "anna_1_assignsubmission_file_",
            "leeanna_1_2_x.ipynb", "H_a_attempt_2026-99-99-99-99-99_x.ipynb", "y.txt"]  # fmt: skip
    for round_ in range(40):
        folder = tmp_path / str(round_)
        folder.mkdir()
        for _ in range(12):
            parts = draw.choices(pool, k=draw.randrange(1, 4))
            data = draw.choice(
                [states, b"", b"{", zipped({draw.choice(pool): states}), b"PK\x03\x04"]
            )
            path = folder.joinpath(*parts)
            if not path.exists() and all(not p.is_file() for p in path.parents):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        submissions, lines = take_in(folder, course)
        assert lines and len({s.student + "/" + s.assignment for s in submissions}) == len(
            submissions
        )


def test_nothing_is_said_without_a_folder(course, tmp_path):
    with pytest.raises(ValueError, match="must be a folder"):
        take_in(tmp_path / "nowhere", course)
    assert take_in(tmp_path, course) == ([], [])
