"""Wrong arguments of any type for every public function: a sample; `make fuzz` tries them all."""

import os
import warnings

import pytest
from fuzzing import CALLS, count, trials


@pytest.mark.slow
def test_only_errors_that_name_the_argument_come_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        share, seed = float(os.environ.get("CONVAC_FUZZ", "0.15")), 0
        counts, bad = count(trials(seed, share))
    kinds = ("answer", "refusal", "unnamed", "other exception", "hang")
    print(f"{len(CALLS)} functions:", ", ".join(f"{counts[kind]:,} {kind}" for kind in kinds))
    assert bad == []
    assert counts["refusal"] > 5 * counts["answer"]
