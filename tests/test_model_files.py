"""A model's file alone predicts; what is exported gives the same scores."""

import warnings

import numpy as np
import pytest
import torch

from convac_lib import Architecture, ConvAC, ConvNet
from convac_workbench.data import Samples, task_of
from convac_workbench.model_files import load, trained_on

RNG = np.random.default_rng(0)
IMAGE, LINE = Architecture.for_image(8, 4, (3, 4, 5), 3), Architecture.line(4, (3, 4, 5))
CASES = {
    "images": ((30, 7, 6), lambda: ConvAC(IMAGE, seed=0, share_background=True)),
    "colours": (
        (30, 6, 6, 3),
        lambda: ConvNet(IMAGE, representation="conv3x3", site_size=3, seed=0),
    ),
    "regression": ((30, 6), lambda: ConvAC(LINE, share="none", seed=0)),
}


@pytest.fixture(params=CASES)
def trained(request):
    shape, build = CASES[request.param]
    targets = RNG.random(30) if request.param == "regression" else np.array(["a", "b", "c"] * 10)
    inputs = 50 * RNG.random(shape).astype(np.float32)
    return trained_on(build(), task_of(Samples("s", (inputs, targets)))), inputs, targets


def test_a_file_predicts_what_the_model_does(trained, tmp_path):
    ours, inputs, targets = trained
    ours.save(tmp_path / "model.pt")
    again = load(tmp_path / "model.pt")
    assert again.preparation == ours.preparation and again.model.options == ours.model.options
    np.testing.assert_array_equal(again.scores(inputs), ours.scores(inputs))
    np.testing.assert_array_equal(again.predict(inputs), ours.predict(inputs))
    value = again.evaluate(inputs, targets)
    if ours.preparation.classes:
        assert value == (ours.predict(inputs) == targets).mean()
        np.testing.assert_allclose(again.probabilities(inputs).sum(1), 1, rtol=1e-5)
    else:
        error = ((ours.predict(inputs) - targets) ** 2).sum()
        assert value == pytest.approx(1 - error / ((targets - targets.mean()) ** 2).sum(), rel=1e-4)
        with pytest.raises(ValueError, match="regresses a number"):
            again.probabilities(inputs)


def test_an_exported_program_gives_the_scores(trained, tmp_path):
    ours, inputs, _ = trained
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own making
        ours.export(tmp_path / "model.pt2", inputs[:4])
        program = torch.export.load(tmp_path / "model.pt2").module()
    for some in (inputs, inputs[:1]):
        theirs = program(torch.from_numpy(some)).detach()
        np.testing.assert_allclose(theirs, ours.scores(some), rtol=1e-4, atol=1e-5)


def test_a_model_of_a_task_of_ours_knows_its_numbers_and_classes(tmp_path):
    from convac_lib.learning import tasks

    task = tasks.make("digits")
    trained_on(ConvAC(Architecture.for_image(8, 2, (2, 2, 2), 10), seed=0), task).save(
        tmp_path / "digits.pt"
    )
    again = load(tmp_path / "digits.pt")
    assert set(again.predict(task.test_inputs)) <= set("0123456789")
    with pytest.raises(ValueError, match=r"model .* is no model"):
        (tmp_path / "no.pt").write_bytes(b"x")
        load(tmp_path / "no.pt")


def test_one_sample_is_enough_to_export_and_a_wrong_program_is_refused(tmp_path, monkeypatch):
    inputs = RNG.random((30, 6)).astype(np.float32)
    ours = trained_on(CASES["regression"][1](), task_of(Samples("s", (inputs, inputs[:, 0]))))
    ours.export(tmp_path / "model.pt2", inputs[:1])
    again = torch.export.load(tmp_path / "model.pt2").module()
    np.testing.assert_allclose(
        again(torch.from_numpy(inputs)).detach(), ours.scores(inputs), rtol=1e-4
    )
    monkeypatch.setattr(torch, "allclose", lambda *_, **__: False)
    with pytest.raises(RuntimeError, match="does not give the scores of the model"):
        ours.export(tmp_path / "model.pt2", inputs)
