"""The boundary that answers cross: what is read of a reply, how much of it, and for how long."""

import json
import os
import signal
import time
from fractions import Fraction

import pytest
from course_runs import MISSING
from fuzz_replies import fuzz_chapter, in_forks, in_sandboxes, in_this_process

from convac_course.answering import Answerer, Fetched, FromAnswer, Stopped, read_reply
from convac_course.apart import apart
from convac_course.chapters import read_chapter
from convac_course.hidden_tests import NO_ANSWER, NOT_RIGHT, HiddenTests
from convac_course.plain import MOST_BITS, MOST_ITEMS, NotPlain, decode, encode, read_line
from convac_course.worker import Local

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory):
    """A chapter whose hidden tests hold secrets and compute with what they are handed."""
    return fuzz_chapter(tmp_path_factory.mktemp("fuzz"))


def test_a_sample_of_hostile_replies_changes_no_mark_and_brings_nothing_out(fuzz):
    full, wrong = in_this_process(fuzz, 2000, seed=11)
    assert wrong == [] and full > 50


def test_hostile_replies_in_processes_of_their_own(fuzz):
    assert in_forks(fuzz, 25, seed=12) == []


@pytest.mark.skipif(MISSING is not None, reason=f"no sandbox here: {MISSING}")
def test_cells_that_take_over_the_conversation(fuzz):
    assert in_sandboxes(fuzz, 6, unsafe=False, seed=13) == []


def test_plain_data_crosses_and_comes_back_as_it_was():
    np = pytest.importorskip("numpy")
    from convac_lib.architecture import Architecture

    values = [None, True, 3, -(10**400), 0.1, float("inf"), 2 - 1j, "ü", (1, [2]), {1, 2},
              {"a": (1,)}, Fraction(1, 3), Architecture.line(2, (3, 4)), range(3),
              2**MOST_BITS - 1]  # fmt: skip
    for value in values:
        back = decode(read_line(json.dumps(encode(value)).encode()))
        expected = list(value) if isinstance(value, range) else value
        assert back == expected and type(back) is type(expected)
    arrays = [np.eye(2), np.arange(3) > 1, np.array([1 + 2j], dtype="c8"), np.float32(0.5),
              np.array(["ab", "ü"]), np.zeros((0, 3)), np.array([], dtype="U3")]  # fmt: skip
    for array in arrays:
        back = decode(read_line(json.dumps(encode(array)).encode()))
        assert np.array_equal(back, array) and back.dtype == array.dtype
        assert type(back) is type(array)


@pytest.mark.parametrize(
    "data",
    [
        {"array": ["O", [1], "AAAAAAAAAAA="]},
        {"array": ["f8", [10**9], ""]},
        {"array": ["<f8", [-1], ""]},
        {"array": ["<f8", [1.0], "AAAAAAAAAAA="]},
        {"array": ["<f8", [True], "AAAAAAAAAAA="]},
        {"array": ["V8", [1], "AAAAAAAAAAA="]},
        {"array": ["f8,f8", [1], ""]},
        {"array": ["<U1", [1], "////fw=="]},
        {"list": 3},
        {"list": "abc"},
        {"function": "0"},
        {"evil": 1},
        {"a": 1, "b": 2},
        {},
        {"fraction": [1, 0]},
        {"fraction": [1, 2, 3]},
        {"fraction": [0.5, 1]},
        {"fraction": [True, 1]},
        {"set": [{"list": []}]},
        {"dict": [[1, 2, 3]]},
        {"int": "0x" + "f" * MOST_BITS},
        {"int": 3},
        {"list": [10 ** (MOST_BITS // 3)]},
        {"architecture": {"list": [4, 2, 2, 3]}},
    ],
)
def test_data_that_encode_did_not_write_is_refused(data):
    with pytest.raises(NotPlain):
        decode(data)


@pytest.mark.parametrize(
    "value",
    [object(), print, int, iter([]), [object()], [2**MOST_BITS],
     Fraction(1, 2 ** (MOST_BITS + 1)), range(10**9)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_plain_data_does_not_cross(value):
    with pytest.raises(NotPlain):
        encode(value)


def test_a_byte_that_is_neither_true_nor_false_becomes_true():
    (value,) = decode({"array": ["|b1", [1], "Ag=="]}).tolist()
    assert value is True and bool(decode({"array": ["|b1", [1], "Ag=="]})[0] == True)  # noqa: E712


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"\xff", b"[" * 10**5, b"[" * (MOST_ITEMS + 1), b"9" * 5000, b'{"a": 1} x'],
)  # fmt: skip
def test_a_line_that_is_too_much_or_no_json_is_refused(line):
    with pytest.raises(NotPlain):
        read_line(line)


@pytest.mark.parametrize(
    "reply", ['{"number": 2}', '{"number": true}', '{"number": 1.0}', "{}", "[1]", '"1"', "1"]
)
def test_a_reply_is_one_to_the_request_that_was_made(reply):
    with pytest.raises(NotPlain):
        read_reply(reply.encode(), 1)


class Scripted(Answerer):
    """Somebody who answers each kind of request in one way."""

    def __init__(self, **replies):
        self.replies = replies

    def ask(self, request, seconds=None):
        return self.replies[next(iter(request))]


def test_a_reply_counts_for_the_names_that_were_asked_for():
    values = {"total": 1, "count": 2, "__builtins__": {}, "max": 0}
    one = Scripted(fetch={"values": values, "refused": {"x": "y", "total": "z" * 999}})
    fetched = one.fetch(["total", "missing"])
    assert fetched.values == {"total": 1}
    assert fetched.refused == {"total": "z" * 200}


@pytest.mark.parametrize("odd", [None, [], "values", {"total": []}, 3])
def test_a_reply_without_the_parts_of_one_holds_nothing(odd):
    fetched = Scripted(fetch={"values": odd, "refused": odd}).fetch(["a"])
    assert (fetched.values, fetched.refused) == ({}, {})


def test_an_error_of_the_answer_is_told_from_one_of_the_test():
    one = Scripted(call={"raised": ["ValueError", "text"]})
    with pytest.raises(ValueError) as caught:
        one.call(None, "f")
    assert isinstance(caught.value, FromAnswer) and type(caught.value).__name__ == "ValueError"
    with pytest.raises(FromAnswer):
        Scripted(call={"raised": ["SystemExit", "text"]}).call(None, "f")
    with pytest.raises(NotPlain):
        Scripted(call={"value": {"evil": 1}}).call(None, "f")


@pytest.mark.parametrize(
    "work, message",
    [
        (lambda: 3**10**9, "took longer than 1 s"),
        (lambda: time.sleep(99), "took longer than 1 s"),
        (lambda: os._exit(3), "broke off"),
        (lambda: os.kill(os.getpid(), signal.SIGUSR1), "broke off"),
        (lambda: bytearray(10**10), "broke off"),
        (lambda: {}["secret"], "broke off"),
        (lambda: "x" * 2 * MEGABYTE, "broke off"),
        (lambda: object(), "broke off"),
    ],
)
def test_work_that_comes_to_no_end_or_a_bad_one_is_stopped(work, message, capfd):
    with pytest.raises(Stopped, match=message):
        apart(work, 1, 4000 * MEGABYTE)
    assert "secret" not in capfd.readouterr().out


def test_work_done_apart_returns_what_it_returns_and_leaves_nothing_behind():
    seen = []
    assert apart(lambda: [seen.append(1), {"a": 0.5}], 5, 4000 * MEGABYTE) == [None, {"a": 0.5}]
    assert seen == []
    with pytest.raises(Stopped, match="by itself"):
        apart(lambda: (_ for _ in ()).throw(Stopped("by itself")), 5, 4000 * MEGABYTE)


def exercise_with(test: str, solution: str = "total = 1", tmp_path=None):
    """Return the tests and the exercise of a chapter with this hidden test."""
    from course_sample import sample_chapter

    notebook = sample_chapter()
    notebook.cells[7].source = f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    notebook.cells[10].source = f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
    import nbformat

    nbformat.write(notebook, tmp_path / "sample.ipynb")
    chapter = read_chapter(tmp_path / "sample.ipynb")
    return HiddenTests(chapter), chapter.graded[0]


@pytest.mark.parametrize(
    "test, reason",
    [
        ("assert total == 7391, 'written out'", f"{NOT_RIGHT}: written out"),
        ("assert total == 7391, f'{7391}'", NOT_RIGHT),
        ("secret = '7391'\nassert total == 0, secret", NOT_RIGHT),
        ("raise AssertionError('written out' if total else '')", NOT_RIGHT),
        ("if total:\n    raise AssertionError('written out')", f"{NOT_RIGHT}: written out"),
        ("{}['7391'], total", "the test could not use the answer: KeyError"),
        ("raise ValueError(f'7391{total}')", "the test could not use the answer: ValueError"),
        ("total + '7391'", "the test could not use the answer: TypeError"),
        ("name_7391 + total", "the test could not use the answer: NameError"),
        ("import sys\nsys.exit(7391), total", "the test could not use the answer: SystemExit"),
        ("print(7391, total)", None),
    ],
)
def test_a_reason_holds_what_the_author_wrote_out_and_nothing_else(test, reason, tmp_path, capsys):
    tests, exercise = exercise_with(test, tmp_path=tmp_path)
    mark = tests.mark(exercise, Fetched({"total": 1}))
    assert mark.reasons == ([reason] if reason else [])
    assert "7391" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "code, reason",
    [
        ("def total(x): return x", None),
        ("def total(x): raise AssertionError(x)", "its function raised AssertionError"),
        ("def total(x): raise NotImplementedError", NO_ANSWER),
        ("class Odd(Exception): pass\ndef total(x): raise Odd(x)", "its function raised an error"),
        ("def total(x): return object()", "its function raised an error"),
        ("total = [0]", "the test could not use the answer: TypeError"),
        ("pass", "`total` is not defined"),
    ],
)
def test_what_a_function_does_with_a_secret_is_not_told(code, reason, tmp_path):
    tests, exercise = exercise_with("assert total('7391') == '7391'", "total = str", tmp_path)
    local = Local()
    assert local.run(code) is None
    mark = tests.mark(exercise, local.fetch(exercise.answers), local)
    assert mark.reasons == ([reason] if reason else [])


def test_an_answer_may_not_have_a_name_of_the_course_s_own(tmp_path):
    for solution in ("count = total = 1", "np = total = 1"):
        with pytest.raises(ValueError, match="a name of the course's own"):
            exercise_with("assert total + count + np.ones(1)", solution, tmp_path)
    # What Python has built in is read as its own.
    _, exercise = exercise_with("assert total + max(1, 2)", "max = total = 1", tmp_path)
    assert exercise.answers == ["total"]
