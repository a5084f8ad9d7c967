"""Keep the rows of a study in the book: small, sorted, and with who made them.

    python tools/keep_results.py studies/fig10.toml fig10.jsonl book/data/fig10_runs.json

Only rows that the study lists are kept, whatever else the file of results holds. What all
of them have in common is said once. Runs that failed are missing, and listed with the reason.
Running it again on the same rows gives the same bytes.
"""

import argparse
import json
import sys
from pathlib import Path

from convac_book import book_data
from convac_workbench.results import FAILED, Results
from convac_workbench.sweeps import Study, run_key, settings_of

MODELS = {"convnet": "ConvNet", "convac": "ConvAC"}
MADE_BY = ("threads", "together")
RESULTS = ("train_accuracy", "test_accuracy", "train_r2", "test_r2")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("study", type=Path, help="the TOML file of the study")
    parser.add_argument("results", type=Path, help="the rows that `convac sweep` wrote")
    parser.add_argument("kept", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    try:
        study = Study.read(arguments.study)
        if not arguments.results.exists():
            raise ValueError(f"there is no file of results {arguments.results}")
        results = Results(arguments.results)
        found, failed = results.rows(settings_of), results.failures(settings_of)
        table = keep(study, found, failed, arguments.study)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    book_data.write(arguments.kept, table)
    missing, failed = table["missing"], len(table.get("failed", ()))
    print(
        f"{arguments.kept}: {len(table['rows'])} runs, {missing} of the study missing"
        + (f", of which {failed} failed" if failed else "")
    )


def keep(study, results, failures, source):
    """Return the table of a study: what, provenance, common settings, rows, and what failed.

    Raises
    ------
    ValueError
        If no row is of this study.
    """
    by_key = {run_key(settings_of(row)): row for row in results}
    lost_by_key = {run_key(settings_of(row)): row for row in failures}
    keys = [run_key(experiment.settings) for experiment in study.experiments]
    found = [by_key[key] for key in keys if key in by_key]
    if not found:
        raise ValueError(f"results must have rows of {source}, got none of its {len(keys)} runs")
    lost = [lost_by_key[key] for key in keys if key in lost_by_key and key not in by_key]
    varied = [name for name in settings_of(found[0]) if len(values(found + lost, name)) > 1]
    common = {k: v for k, v in settings_of(found[0]).items() if k not in {*varied, "seed"}}
    table = {
        "what": f"the runs of {source.as_posix()}, as `convac sweep` wrote them",
        "provenance": provenance(found, source),
        "missing": len(keys) - len(found),
        "common": renamed(common),
        "rows": [small_row(row, {*varied, "seed"}) for row in found],
    }
    if lost:
        table["failed"] = [
            {**distinct(row, {*varied, "seed"}), "reason": row[FAILED]} for row in lost
        ]
    return table


def values(rows, name):
    """Return the different values of a key, as JSON."""
    return sorted({json.dumps(row.get(name)) for row in rows})


def provenance(rows, source):
    """Return the command, versions and device of the rows, and when they were made."""
    days = sorted({row["finished"][:10] for row in rows})
    return {
        "command": f"convac sweep {source.as_posix()}",
        "date": days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}",
        "device": said(rows, "device"),
        "versions": {name: said(rows, name) for name in ("python", "torch")},
        **{name: said(rows, name) for name in MADE_BY if said(rows, name)},
    }


def said(rows, name):
    """Return what the rows say of `name`: one value, or all of them in words."""
    seen = [json.loads(value) for value in values(rows, name)]
    seen = [value for value in seen if value is not None]
    return seen[0] if len(seen) == 1 else " or ".join(map(str, seen))


def small_row(row, varied):
    """Return what tells a run from the others, and what came of it."""
    results = [name for name in RESULTS if name in row]
    return {
        **distinct(row, varied),
        "parameters": row["parameters"],
        **{name: round(row[name], 6) for name in results},
        "seconds": row["seconds"],
    }


def distinct(row, varied):
    """Return the settings that tell a run from the others."""
    return renamed({name: row[name] for name in settings_of(row) if name in varied})


def renamed(settings):
    """Return settings with the model under its name in the book."""
    return {k: MODELS[v] if k == "model" else v for k, v in settings.items()}


if __name__ == "__main__":
    main()
