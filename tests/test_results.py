"""The file of results: what a crash leaves, what is no row, and one writer at a time."""

import json

import pytest

from convac_workbench.results import Results


@pytest.fixture
def two_rows(tmp_path):
    results = Results(tmp_path / "made" / "rows.jsonl")
    with results.writing():
        results.append({"seed": 0}, {"seed": 1})
    return results


def test_rows_are_appended_and_never_rewritten(two_rows):
    before = two_rows.path.read_bytes()
    with two_rows.writing():
        two_rows.append({"seed": 2, "name": "Schrödinger"})
    assert two_rows.path.read_bytes().startswith(before)
    assert [row["seed"] for row in two_rows.rows()] == [0, 1, 2]


def test_a_file_that_is_not_there_has_no_rows(tmp_path):
    assert Results(tmp_path / "rows.jsonl").rows() == []


def test_what_a_crash_left_of_a_line_is_cut_off(two_rows):
    whole = two_rows.path.read_bytes()
    two_rows.path.write_bytes(whole + whole[:4])
    assert two_rows.rows() == [{"seed": 0}, {"seed": 1}]
    with two_rows.writing():
        two_rows.append({"seed": 2})
    assert two_rows.path.read_bytes() == whole + b'{"seed": 2}\n'


def test_a_run_that_failed_is_no_result(two_rows):
    two_rows.append({"seed": 2, "failed": "the training diverged"}, {"seed": 3})
    assert [row["seed"] for row in two_rows.rows()] == [0, 1, 3]
    assert two_rows.failures() == [{"seed": 2, "failed": "the training diverged"}]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_none_is_neither_written_nor_read(two_rows, number):
    before = two_rows.path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        two_rows.append({"seed": 2}, {"seed": 3, "test_r2": number})
    assert two_rows.path.read_bytes() == before
    line = json.dumps({"seed": 2, "losses": [1, number]})  # as other programs write it
    two_rows.path.write_bytes(before + line.encode() + b"\n")
    with pytest.warns(UserWarning, match=r"line 3, .*a number in it is -?(NaN|Infinity)"):
        assert [row["seed"] for row in two_rows.rows()] == [0, 1]


@pytest.mark.parametrize("line", ["not json", "[1, 2]", "7", '{"seed":', "\xff"])
def test_a_line_that_is_no_row_is_named_and_the_rest_kept(two_rows, line):
    whole = two_rows.path.read_bytes()
    spoiled = whole + line.encode("latin-1") + b'\n\n{"seed": 2}\n'
    two_rows.path.write_bytes(spoiled)
    with pytest.warns(UserWarning, match=r"rows.jsonl, line 3, is no row and is left out"):
        assert [row["seed"] for row in two_rows.rows()] == [0, 1, 2]
    assert two_rows.path.read_bytes() == spoiled
    two_rows.path.write_bytes(b"\xef\xbb\xbf" + whole)  # as an editor may begin a file
    assert [row["seed"] for row in two_rows.rows()] == [0, 1]


def test_a_row_that_a_check_refuses_is_no_row(two_rows):
    def check(row):
        if row["seed"]:
            raise ValueError("not this one")

    with pytest.warns(UserWarning, match=r"line 2, .* \(not this one\)"):
        assert two_rows.rows(check) == [{"seed": 0}]


def test_a_full_disk_names_the_file(two_rows, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        two_rows.append({"seed": 2})
    assert caught.value.filename.endswith("rows.jsonl")


def test_two_processes_do_not_write_to_one_file(two_rows):
    second = Results(two_rows.path)
    with two_rows.writing(), pytest.raises(ValueError, match="being written by another process"):
        with second.writing():
            pass
    with second.writing():
        pass  # the first one is done
