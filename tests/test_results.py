"""The file of results: what a crash leaves, what is no row, and one writer at a time."""

import pytest

from convac_lib.learning.results import Results


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


@pytest.mark.parametrize("line", ["not json", "[1, 2]", "7", '{"seed":', "\xff"])
def test_a_line_that_is_no_row_is_refused_and_left(two_rows, line):
    spoiled = two_rows.path.read_bytes() + line.encode("latin-1") + b"\n"
    two_rows.path.write_bytes(spoiled)
    with pytest.raises(ValueError, match=r"rows.jsonl, line 3, is not a row of JSON: .*repair it"):
        two_rows.rows()
    assert two_rows.path.read_bytes() == spoiled


def test_two_processes_do_not_write_to_one_file(two_rows):
    second = Results(two_rows.path)
    with two_rows.writing(), pytest.raises(ValueError, match="being written by another process"):
        with second.writing():
            pass
    with second.writing():
        pass  # the first one is done
