from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from convac_lib import Architecture
from convac_lib.learning import tasks
from convac_lib.learning.ensembles import (
    CapturedStep,
    Ensemble,
    EnsembleRun,
    train_together,
)
from convac_lib.learning.models import ConvAC, ConvNet
from convac_lib.learning.training import Recipe, Run, train
from convac_workbench import experiments
from convac_workbench.experiments import Experiment, bytes_of_a_member, run_together

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = (0, 3, 5)
CPU = {"device": "cpu", "show_progress": False}

# 150 samples in batches of 40: the last one of an epoch is smaller. Clipping is at work in
# almost every step, with another norm in each member.
STEPS = {"epochs": 2, "batch_size": 40, "learning_rate": 0.02, "clip": 0.3}

IMAGE = Architecture.for_image(8, 3, (4, 3, 5), 10)
LINE = Architecture.line(5, (3, 3, 3))
WIDE_WINDOW = Architecture(64, 8, 3, (4, 5), 10)  # pools in several rounds
WEIGHT_DECAY = {"optimizer": "adamw", "weight_decay": 0.1}

MODELS = {
    "shared by all": (ConvAC, IMAGE, {"share": "all", "representation": "conv3x3"}, {}),
    "shared by position": (ConvAC, IMAGE, {"neutral_background": True}, {}),
    "not shared": (ConvAC, IMAGE, {"share": "none", "representation": "conv3x3"}, {}),
    "no clipping": (ConvAC, IMAGE, {"neutral_background": True}, {"clip": 0}),
    "weight decay": (ConvAC, IMAGE, {"neutral_background": True}, WEIGHT_DECAY),
    "wide window": (ConvAC, WIDE_WINDOW, {"representation": "linear", "site_size": 2}, {}),
    "regression": (ConvAC, LINE, {"representation": "linear", "site_size": 4}, {}),
    "maximum": (ConvNet, IMAGE, {}, {}),
    "average": (ConvNet, IMAGE, {"pooling": "average"}, {}),
}


def small_task(name):
    """Return a task for `MODELS[name]` that takes a few steps."""
    if name == "regression":
        return tasks.make("pairs", n_train=150, n_test=60)
    digits = tasks.make("digits")
    train_inputs, test_inputs = digits.train_inputs[:150], digits.test_inputs[:60]
    if name == "wide window":
        train_inputs, test_inputs = (
            x.reshape(-1, 64, 1).repeat(2, 2) for x in (train_inputs, test_inputs)
        )
    return replace(
        digits,
        train_inputs=train_inputs,
        train_targets=digits.train_targets[:150],
        test_inputs=test_inputs,
        test_targets=digits.test_targets[:60],
    )


def build(name, seed, dtype=torch.float64):
    kind, architecture, options, _ = MODELS[name]
    if kind is ConvAC and architecture.n_outputs > 1:
        options = {"head": "normalized", **options}
    return kind(architecture, **options, seed=seed, dtype=dtype)


def recipe(name):
    return Recipe(**{**STEPS, **MODELS[name][3]})


# --- together as alone ----------------------------------------------------------------


@pytest.mark.filterwarnings("error")  # torch warns where it takes the members one by one
@pytest.mark.parametrize("name", MODELS)
def test_a_member_ends_with_the_numbers_of_the_same_run_alone(name):
    task, how = small_task(name), recipe(name)
    models = [build(name, seed) for seed in SEEDS]
    results = train_together(models, task, how, seeds=SEEDS, **CPU)
    for seed, model, result in zip(SEEDS, models, results, strict=True):
        alone = build(name, seed)
        theirs = train(alone, task, how, seed=seed, **CPU)
        for ours, wanted in zip(model.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(ours, wanted, rtol=1e-7, atol=1e-9)
        for ours, wanted in zip(result.history, theirs.history, strict=True):
            assert ours["loss"] == pytest.approx(wanted["loss"], rel=1e-9)
            assert ours["test"] == pytest.approx(wanted["test"], rel=1e-7)
        assert result.train == pytest.approx(theirs.train, rel=1e-7)
        assert result.test == result.history[-1]["test"]
    losses = [result.history[0]["loss"] for result in results]
    assert len(set(losses)) == len(SEEDS)  # the members do differ


def test_members_start_with_the_weights_of_their_seeds():
    models = [build("shared by all", seed, torch.float32) for seed in SEEDS]
    ensemble = Ensemble(models)
    for name, stack in ensemble.stacked.named_parameters():
        for model, values in zip(models, stack, strict=True):
            assert torch.equal(values, model.get_parameter(name))


def test_a_batch_of_its_own_for_each_member_or_one_for_all():
    models = [build("not shared", seed) for seed in SEEDS]
    ensemble = Ensemble(models)
    batches = torch.rand(3, 7, 8, 8, dtype=torch.float64)
    own = torch.stack([model(x) for model, x in zip(models, batches, strict=True)])
    torch.testing.assert_close(ensemble(batches), own)
    same = torch.stack([model(batches[1]) for model in models])
    torch.testing.assert_close(ensemble(batches[1], same=True), same)


def test_every_member_is_clipped_by_its_own_norm():
    task, how = small_task("maximum"), Recipe(clip=2.0)
    models = [build("maximum", seed) for seed in SEEDS]
    run = EnsembleRun(Ensemble(models), task, how, torch.device("cpu"), SEEDS)
    generator = torch.Generator().manual_seed(0)
    sizes = torch.tensor([0.01, 1.0, 100.0])  # the first is short enough
    for name, stack in run.model.stacked.named_parameters():
        noise = torch.randn(stack.shape, generator=generator, dtype=stack.dtype)
        stack.grad = noise * sizes.view(-1, *[1] * (stack.dim() - 1))
        for member, model in enumerate(models):
            model.get_parameter(name).grad = stack.grad[member].clone()
    run.clip_gradients()
    for member, model in enumerate(models):
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        for name, stack in run.model.stacked.named_parameters():
            torch.testing.assert_close(stack.grad[member], model.get_parameter(name).grad)


def test_experiments_give_the_rows_of_runs_alone():
    settings = {
        "task": "local",
        "task_options": {"n_train": 60, "n_test": 20},
        "local_dim": 4,
        "channels": (4, 4, 4, 4, 3, 3),
        "epochs": 2,
        "batch_size": 25,
    }  # black windows once: a run alone finds them in the batch, an ensemble lists them before
    for model, options in [("convac", {"share": "all"}), ("convac", {}), ("convnet", {})]:
        runs = [
            Experiment(**settings, model=model, model_options=options, seed=seed) for seed in (0, 1)
        ]
        (one,) = run_together(runs[:1], **CPU)  # as on a GPU, where a run alone is one of one
        for run, row in zip(runs, run_together(runs, **CPU), strict=True):
            alone = run.run(**CPU)
            assert row.keys() == alone.keys()
            assert (row["together"], alone["together"], one["together"]) == (2, 1, 1)
            if run is runs[0]:
                assert one["losses"] == pytest.approx(alone["losses"], rel=1e-4)
            assert {name: row[name] for name in run.settings} == run.settings
            assert row["parameters"] == alone["parameters"]
            assert row["losses"] == pytest.approx(alone["losses"], rel=1e-4)
            assert row["test_history"] == pytest.approx(alone["test_history"], abs=0.051)


def test_a_run_alone_on_a_gpu_is_an_ensemble_of_one(monkeypatch):
    class Gpu:
        type = "cuda"

    asked = []

    def together(models, task, recipe, **how):
        asked.append((models, task, recipe, how))
        return ["result"]

    monkeypatch.setattr(experiments, "pick_device", lambda device: Gpu)
    monkeypatch.setattr(experiments, "train_together", together)
    run = Experiment(channels=(4, 4, 4), seed=3)
    assert run.fit("model", "task", device="cuda", checkpoint="run.pt") == "result"
    how = {"seeds": [3], "device": "cuda", "checkpoint": "run.pt"}
    assert asked == [(["model"], "task", run.recipe, how)]


# --- stopping and going on ------------------------------------------------------------


class Stop(Exception):
    pass


def test_an_ensemble_that_was_stopped_ends_with_the_numbers_of_one_that_was_not(
    tmp_path, monkeypatch
):
    name = "regression"
    task, how = small_task(name), recipe(name)
    straight, resumed, other = ([build(name, seed) for seed in SEEDS] for _ in range(3))
    theirs = train_together(straight, task, how, seeds=SEEDS, **CPU)
    again = {"checkpoint": tmp_path / "run.pt", "save_every": 0, **CPU}
    advance = EnsembleRun.advance

    def stop_at_the_sixth_step(run):
        if run.steps_done == 6:  # of 2 * 4: in the middle of the second epoch
            raise Stop
        advance(run)

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(EnsembleRun, "advance", stop_at_the_sixth_step)
        train_together(resumed, task, how, seeds=SEEDS, **again)
    ours = train_together(resumed, task, how, seeds=SEEDS, **again)
    for one, two in zip(resumed, straight, strict=True):
        for ours_, theirs_ in zip(one.parameters(), two.parameters(), strict=True):
            assert torch.equal(ours_, theirs_)
    assert [r.history for r in ours] == [r.history for r in theirs]
    assert [r.train for r in ours] == [r.train for r in theirs]
    assert train_together(other, task, how, seeds=SEEDS, **again) == ours  # nothing is left
    assert torch.equal(other[2].dense, resumed[2].dense)
    with pytest.raises(ValueError, match=r"run.pt is of another run: .*members seeds"):
        train_together(other, task, how, seeds=(0, 3, 6), **again)
    with pytest.raises(ValueError, match="of another run: model class is 'Ensemble' there"):
        train(other[0], task, how, **again)


# --- a step as a graph ----------------------------------------------------------------


class FakeCuda:
    """What `CapturedStep` uses of torch.cuda, on a CPU: a recording only notes the work."""

    def __init__(self):
        self.recording, self.noted, self.events = False, None, []

    def do(self, work):
        """Do the work, or note it for the replays."""
        if self.recording:
            self.noted = work
        else:
            work()

    @contextmanager
    def graph(self, graph):
        self.events.append("record")
        self.recording = True
        yield
        self.recording = False

    @contextmanager
    def stream(self, stream):
        self.events.append("on the side")
        yield

    def current_stream(self):
        return self.Stream()

    class Stream:
        def wait_stream(self, other):
            pass

    def CUDAGraph(self):
        cuda = self

        class Graph:
            def replay(self):
                cuda.events.append("replay")
                cuda.noted()

        return Graph()

    @contextmanager
    def device(self, device):
        yield


@pytest.fixture
def fake_cuda(monkeypatch):
    fake = FakeCuda()
    for name in ("graph", "stream", "current_stream", "Stream", "CUDAGraph", "device"):
        monkeypatch.setattr(torch.cuda, name, getattr(fake, name))
    return fake


def test_a_recorded_step_is_a_step_of_the_training_like_the_others(fake_cuda):
    name = "shared by position"
    task, how = small_task(name), recipe(name)
    runs = [
        EnsembleRun(
            Ensemble([build(name, seed) for seed in SEEDS]),
            task,
            how,
            torch.device("cpu"),
            SEEDS,
        )
        for _ in range(2)
    ]
    recorded = runs[1]
    # As with capture=True, but for an optimizer that works on a CPU.
    recorded.capture = True
    recorded.optimizer = Run.make_optimizer(recorded, torch.tensor(0.0, dtype=torch.float64))
    recorded.captured = CapturedStep(
        lambda chosen: fake_cuda.do(lambda: Run.step(recorded, chosen)),
        before=lambda: fake_cuda.events.append("drop gradients"),
    )
    for run in runs:
        run.complete()
    # 2 epochs of 3 full batches and one of 30, which no graph is for.
    assert fake_cuda.events == [*["on the side"] * 3, "drop gradients", "record", *["replay"] * 3]
    for straight, ours in zip(*(run.model.parameters() for run in runs), strict=True):
        torch.testing.assert_close(ours, straight, rtol=1e-12, atol=1e-14)
    losses = [[epoch["loss"] for epoch in run.history] for run in runs]
    torch.testing.assert_close(torch.tensor(losses[1]), torch.tensor(losses[0]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("name", MODELS)
def test_on_a_gpu_a_graph_gives_the_numbers_of_single_steps(name):
    task, how = small_task(name), recipe(name)
    found = []
    for capture in (True, False):
        models = [build(name, seed) for seed in SEEDS]
        results = train_together(
            models,
            task,
            how,
            seeds=SEEDS,
            epochs=4,
            device="cuda",
            capture=capture,
            show_progress=False,
        )
        found.append([[epoch["loss"] for epoch in result.history] for result in results])
    torch.testing.assert_close(torch.tensor(found[0]), torch.tensor(found[1]), rtol=1e-5, atol=0)
    alone = train(build(name, SEEDS[1]), task, how, seed=SEEDS[1], epochs=4, **CPU)
    assert found[0][1] == pytest.approx([epoch["loss"] for epoch in alone.history], rel=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_checkpoint_goes_from_the_gpu_to_the_cpu_and_back(tmp_path, monkeypatch):
    name, stops = "maximum", iter((2, 5, None))
    task, how = small_task(name), recipe(name)
    advance = EnsembleRun.advance
    for device in ("cuda", "cpu", "cuda"):
        stop = next(stops)

        def stop_there(run, stop=stop):
            if run.steps_done == stop:
                raise Stop
            advance(run)

        monkeypatch.setattr(EnsembleRun, "advance", stop_there)
        models = [build(name, seed) for seed in SEEDS]
        try:
            results = train_together(
                models,
                task,
                how,
                seeds=SEEDS,
                device=device,
                checkpoint=tmp_path / "run.pt",
                save_every=0,
                show_progress=False,
            )
        except Stop:
            continue
    alone = train(build(name, SEEDS[2]), task, how, seed=SEEDS[2], **CPU)
    assert results[2].history[-1]["loss"] == pytest.approx(alone.history[-1]["loss"], rel=1e-4)


# --- memory and arguments -------------------------------------------------------------


def test_five_of_the_widest_networks_fit_a_card_with_room():
    widest = Experiment(task="local", design="wide-base", r=30)
    assert 5 * bytes_of_a_member(widest) < 0.8 * 40e9
    assert bytes_of_a_member(Experiment(task="local", design="wide-tip", r=30)) < (
        bytes_of_a_member(widest)
    )


def test_what_does_not_fit_together_is_refused():
    task, models = small_task("maximum"), [build("maximum", seed) for seed in SEEDS]
    with pytest.raises(ValueError, match="seeds must be one for each of 3 models, got 2"):
        train_together(models, task, seeds=(0, 1), **CPU)
    with pytest.raises(ValueError, match="capture must be False on the device cpu"):
        train_together(models, task, seeds=SEEDS, capture=True, **CPU)
    with pytest.raises(ValueError, match="models must be at least one, got none"):
        Ensemble([])
    for other in (build("average", 0, torch.float32), build("not shared", 0)):
        with pytest.raises(ValueError, match="models must differ in nothing but their weights"):
            Ensemble([models[0], other])
    runs = [Experiment(channels=(4, 4, 4), seed=seed, epochs=1 + seed) for seed in (0, 1)]
    with pytest.raises(ValueError, match="experiments must differ in their seeds only"):
        run_together(runs, **CPU)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"rescale": False}, "options rescale is True in models.0. and False in models.1."),
        ({"neutral_background": True}, "options neutral_background is False"),
        ({"share_background": True}, "parts share_background is False"),
        ({"head": "scores"}, "options head is 'normalized' in models.0. and 'scores'"),
        ({"representation": torch.nn.Dropout(0.1)}, "options representation is 'affine-relu'"),
    ],
)
def test_members_that_differ_in_anything_that_computes_are_refused(options, said):
    image = Architecture.for_image(4, 2, (2, 2), 3)
    models = [ConvAC(image, seed=0), ConvAC(image, seed=1, **options)]
    with pytest.raises(ValueError, match=f"differ in nothing but their weights, got .*{said}"):
        Ensemble(models)


def test_members_of_other_plain_attributes_or_buffers_are_refused():
    def build(p=0.5, mean=0.0):
        norm = torch.nn.BatchNorm1d(3)
        norm.running_mean += mean
        return torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(p), norm)

    for other, said in ((build(p=0.1), "p is 0.5"), (build(mean=1.0), "buffers digest differ")):
        with pytest.raises(ValueError, match=said):
            Ensemble([build(), other])
