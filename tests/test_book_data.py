"""The files in book/data: one form, one writer."""

import json
from pathlib import Path

import pytest

from convac_book import book_data

DATA = sorted((Path(__file__).parents[1] / "book" / "data").glob("*.json"))


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.stem)
def test_every_file_says_what_it_is_and_who_made_it_in_the_one_form(path):
    table = book_data.read(path)
    assert book_data.as_text(table) == path.read_text(encoding="utf-8")
    assert book_data.in_words(table).endswith(".")


def test_a_file_is_written_whole(tmp_path):
    path = tmp_path / "data" / "result.json"
    made = book_data.provenance("python tools/x.py", "cpu")
    book_data.write(path, {"what": "w", "provenance": made, "rows": [{"r": 1}, {"é": 2}]})
    assert book_data.read(path)["rows"] == [{"r": 1}, {"é": 2}]
    assert [file.name for file in path.parent.iterdir()] == ["result.json"]


@pytest.mark.parametrize(
    "table",
    [[], {"rows": []}, {"what": "w", "rows": [], "provenance": "me"},
     {"what": "w", "rows": [], "provenance": {"date": "today"}},
     {"what": "w", "provenance": {"command": "c"}}],
)  # fmt: skip
def test_another_form_is_refused_and_nothing_is_written(table, tmp_path):
    path = tmp_path / "result.json"
    with pytest.raises(ValueError, match="must hold what, rows, and a provenance"):
        book_data.write(path, table)
    assert not path.exists()
    path.write_text(json.dumps(table))
    with pytest.raises(ValueError, match="must hold what, rows, and a provenance"):
        book_data.read(path)
    path.write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        book_data.read(path)


def test_a_plan_that_was_stopped_goes_on_and_its_rows_are_in_order(tmp_path):
    path, calls = tmp_path / "result.json", []

    def run(data, seed):
        calls.append((data, seed))
        if calls == [("a", 1), ("b", 0)]:
            raise KeyboardInterrupt
        return {"data": data, "seed": seed, "found": len(calls)}

    made = book_data.provenance("python tools/x.py", "cpu")
    whole = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    how = ["data", "seed"], run, lambda rows: {"what": "w", "provenance": made, "rows": rows}
    with pytest.raises(KeyboardInterrupt):
        book_data.complete(path, whole[1:3], *how)
    assert [row["found"] for row in book_data.read(path)["rows"]] == [1]
    book_data.complete(path, whole, *how)
    assert calls == [("a", 1), ("b", 0), ("a", 0), ("b", 0), ("b", 1)]
    rows = book_data.read(path)["rows"]
    assert [(row["data"], row["seed"]) for row in rows] == whole
    before = path.read_bytes()
    book_data.complete(path, whole, *how)
    assert len(calls) == 5 and path.read_bytes() == before
