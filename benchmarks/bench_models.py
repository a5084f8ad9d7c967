"""Training steps: the library's models against other ways to write them, in one run.

    python benchmarks/bench_models.py [--threads 2] [--rounds 15] [--batch 64] [--device cpu]
                                      [--keep-memory] [--quick]

Every candidate does one forward and one backward pass on the same batch, and those that
are compared compute the same function, which is checked first. They take turns; what is
printed is the median over the rounds of a candidate's time over ours in the same round,
with the quartiles, since other work on the machine hits all of a round. With one thread,
CPU time is measured, else the time on the wall. Features are given, each candidate's in
the layout it likes, as its representation would leave them; the last lines are of whole
models with the same 3x3 representation.

Then come whole steps of training, optimizer included: of a network of Fig. 10 by the ways to
read images on black (see convac_lib/learning/models/equal_windows.py); and, last, of models
alone against the same models together (see convac_lib/learning/ensembles.py): there a ratio
is a gain.

The peaks are those of a large product of matrices and of adding long vectors, measured in
the same run; the useful operations of a step are three products of matrices a layer. The
fewest bytes of a step are those of a layer that reads its input and writes its output once,
and backward reads its input and what comes from above, and writes what it hands down.

On a GPU every candidate is recorded as a CUDA graph and replayed, but for the obvious
module: the gradient of torch.prod waits for the GPU, which no graph can. Ours is there
without a graph too.
"""

import argparse
import statistics
import time
from functools import partial

import torch
from torch import nn

from convac_lib import Architecture
from convac_lib.learning.ensembles import CapturedStep, Ensemble, EnsembleRun
from convac_lib.learning.models import ConvAC, ConvNet, fused
from convac_lib.learning.training import Run, keep_freed_memory
from convac_workbench.experiments import Experiment

SIDE, OUTPUTS = 64, 10


# --- the same functions, written otherwise ------------------------------------------------


class ObviousConvAC(nn.Module):
    """NCHW images, torch.nn.Conv2d, and torch.prod over the windows; no rescaling."""

    def __init__(self, model):
        super().__init__()
        self.layers = nn.ModuleList(pointwise(weight) for weight in model.layers)
        self.dense = nn.Parameter(model.dense.detach().clone())

    def forward(self, v):
        for convolution in self.layers:
            v = convolution(v)
            v = v.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2)).prod(-3).prod(-1)
        return v.flatten(1) @ self.dense.T


class MexConvAC(nn.Module):
    """The log-space formula of the authors' SimNets, on the logarithms of features.

    A product is a sum of logarithms and a sum is log-sum-exp (MEX), written as one
    broadcast over pairs of channels.
    """

    def __init__(self, model):
        super().__init__()
        self.layers = nn.ParameterList(weight.detach()[0].log() for weight in model.layers)
        self.dense = nn.Parameter(model.dense.detach().log())

    def forward(self, v):
        for weight in self.layers:
            v = torch.logsumexp(v[:, None] + weight[None, :, :, None, None], 2)
            v = v.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2)).sum((-3, -1))
        return torch.logsumexp(v.flatten(1)[:, None] + self.dense, 2)


def obvious_convnet(model):
    """torch.nn's layers on NCHW images."""
    modules = []
    for weight, bias in zip(model.layers, model.biases, strict=True):
        modules += [pointwise(weight, bias), nn.ReLU(), nn.MaxPool2d(2)]
    dense = nn.Linear(*reversed(model.dense.shape))
    dense.weight.data, dense.bias.data = model.dense.detach(), model.dense_bias.detach()
    return nn.Sequential(*modules, nn.Flatten(), dense)


def with_representation(representation, body):
    """Put torch.nn's 3x3 convolution and ReLU before a module that takes features."""
    convolution = nn.Conv2d(1, len(representation.bias), 3, padding=1)
    convolution.weight.data = representation.weight.detach().T.reshape(-1, 1, 3, 3).clone()
    convolution.bias.data = representation.bias.detach().clone()
    return nn.Sequential(nn.Unflatten(1, (1, SIDE)), convolution, nn.ReLU(), body)


def pointwise(weight, bias=None):
    convolution = nn.Conv2d(weight.shape[2], weight.shape[1], 1, bias=bias is not None)
    convolution.weight.data = weight.detach()[0, :, :, None, None].clone()
    if bias is not None:
        convolution.bias.data = bias.detach().clone()
    return convolution


def tensorkrowch_tree(model):
    """TensorKrowch's tree, whose nodes are dense: T[i, j, k] = W_a[k, i] W_b[k, j]."""
    import tensorkrowch

    *layers, dense = map(torch.from_numpy, model.to_weights())
    nodes = [torch.einsum("jki,jkl->jilk", w[::2], w[1::2]) for w in layers]
    nodes[-1] = torch.einsum("jilk,yk->jily", nodes[-1], dense)
    tree = tensorkrowch.models.Tree(
        [len(layer) for layer in nodes], [list(layer.shape[1:]) for layer in nodes]
    )
    with torch.no_grad():
        for layer, tensors in zip(tree.layers, nodes, strict=True):
            for node, tensor in zip(layer, tensors, strict=True):
                node.tensor = nn.Parameter(tensor.clone())
    return tree


# --- turns and ratios ---------------------------------------------------------------------


class Step:
    """One forward and one backward pass of a model on a batch; on a GPU as a graph."""

    def __init__(self, name, model, inputs, forward=None, capture=True):
        self.name, self.model, self.inputs = name, model, inputs
        self.forward = forward or model
        self.captured = None
        if inputs.is_cuda and capture:
            self.captured = CapturedStep(lambda _: self.work(), before=self.drop_gradients)
            for _ in range(CapturedStep.WARM_UP + 1):
                self()

    def __call__(self):
        if self.captured is not None:
            self.captured(self.inputs.detach()[:0])
        else:
            self.work()
        if self.inputs.is_cuda:
            torch.cuda.synchronize()

    def work(self):
        self.drop_gradients()
        self.forward(self.inputs).sum().backward()

    def drop_gradients(self):
        self.model.zero_grad()
        self.inputs.grad = None


def take_turns(steps, rounds, clock):
    """Print each step's median time and its ratio to the first one; return the first's."""
    times = {step.name: [] for step in steps}
    for _ in range(rounds):
        for step in steps:
            step()  # as in a training, the step before was one of the same model
            start = clock()
            step()
            times[step.name].append(clock() - start)
    ours = times[steps[0].name]
    for name, own in times.items():
        ratios = sorted(t / o for t, o in zip(own, ours, strict=True))
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"  {name:44} {1e3 * statistics.median(own):8.1f} ms   "
            f"x {middle:6.2f}   ({low:.2f} to {high:.2f})"
        )
    return statistics.median(ours)


def same_function(reference, scores, what):
    difference = ((scores - reference).norm() / reference.norm()).item()
    assert difference < 1e-3, f"{what} is another function: {difference:.1e}"


def peaks(device, clock):
    """Return this device's products of matrices in flop/s and long additions in byte/s."""
    a = torch.rand(2048, 2048, device=device)
    x, out = torch.rand(2**25, device=device), torch.empty(2**25, device=device)
    best, times = [0.0, 0.0], 1 if device.type == "cpu" else 50
    for _ in range(5):
        for which, work in enumerate((lambda: a @ a, lambda: torch.add(x, x, out=out))):
            start = clock()
            for _ in range(times):
                work()
            if device.type == "cuda":
                torch.cuda.synchronize()
            amount = times * (2 * 2048**3 if which == 0 else 8 * 2**25)
            best[which] = max(best[which], amount / (clock() - start))
    return best


def fewest_bytes(architecture, batch):
    """Forward read and write, backward two reads and a write, of every layer's vectors."""
    sizes = [architecture.locations(layer) for layer in range(architecture.depth)]
    inputs = [n * width for n, width in zip(sizes, architecture.widths, strict=False)]
    outputs = [*inputs[1:], architecture.widths[-2]]
    return 4 * batch * sum(3 * i + 2 * o for i, o in zip(inputs, outputs, strict=True))


def useful_flops(architecture, batch):
    """Three products of matrices a layer: forward, and backward to weights and to inputs."""
    sizes = [architecture.locations(layer) for layer in range(architecture.depth)]
    pairs = zip(sizes, architecture.widths[:-1], architecture.widths[1:], strict=True)
    return 6 * batch * sum(n * below * above for n, below, above in pairs)


# --- what is compared -----------------------------------------------------------------------


class PassOn(nn.Module):
    """A representation that hands on the numbers of a site as its features."""

    def forward(self, numbers):
        return numbers.permute(1, 2, 0)


def rescaled(model):
    """The scores up to a factor of each sample, through the layers that training takes."""

    def scores(x):
        tree = model.tree(x)
        rows = model.start(tree)
        for layer, kernel in enumerate(model.kernels()):
            rows = model.climb(tree, layer, rows, kernel)
        return tree.join(model.architecture.depth, rows) @ model.dense.T

    return scores


def unfused(model):
    """The same without compiled loops, as where Numba is not installed."""

    def scores(x):
        there, fused.IS_THERE = fused.IS_THERE, False
        try:
            return rescaled(model)(x)
        finally:
            fused.IS_THERE = there

    return scores


def images_64(width, batch, device, rounds, clock, flops_peak, bytes_peak):
    """64 x 64 images, all widths equal, weights shared by all locations."""
    architecture = Architecture.for_image(SIDE, width, (width,) * 6, OUTPUTS)
    ours = ConvAC(architecture, "all", PassOn(), width, init="positive", seed=0).to(device)
    net = ConvNet(architecture, representation=PassOn(), site_size=width, seed=0).to(device)
    with torch.no_grad():
        ours.dense.abs_()
    obvious, mex = ObviousConvAC(ours).to(device), MexConvAC(ours).to(device)
    layers = obvious_convnet(net).to(device)
    # Features close to 1 keep the products without rescaling in range, and off the slow
    # path of numbers close to underflow.
    images = 1 + 1e-4 * torch.rand(batch, width, SIDE, SIDE, device=device)
    same_function(ours.scores(images), obvious(images), "the obvious ConvAC")
    logs = images.log()
    same_function(ours.scores(images[:8]).log(), mex(logs[:8]), "the log-space ConvAC")
    same_function(net(images), layers(images), "the obvious ConvNet")
    # As our representation leaves them: (site, batch, channel) in memory, sites in order.
    features = ours.reader(images).permute(1, 2, 0).contiguous().permute(2, 0, 1)
    ours.reader = net.reader = nn.Identity()
    features.requires_grad_()
    images.requires_grad_()
    steps = [
        Step("ConvAC (ours)", ours, features, rescaled(ours)),
        Step("the obvious module: NCHW and torch.prod", obvious, images, capture=False),
        Step("ConvNet (ours)", net, features),
        Step("ConvNet of torch.nn layers, NCHW", layers, images),
    ]
    if device.type == "cpu":
        steps.append(Step("ConvAC (ours), layers not fused", ours, features, unfused(ours)))
    if width <= 16:
        steps.append(Step("log-space MEX formula", mex, logs.requires_grad_()))
    if device.type == "cuda":
        plain = rescaled(ours)
        steps.append(Step("ConvAC (ours), without a graph", ours, features, plain, capture=False))
    print(f"64 x 64 images, batch {batch}, all widths {width}, forward and backward")
    seconds = take_turns(steps, rounds, clock)
    speed, moved = (count(architecture, batch) / seconds for count in (useful_flops, fewest_bytes))
    print(
        f"  ours: {speed / 1e9:.1f} Gflop/s in products, {speed / flops_peak:.0%} of the peak; "
        f"{moved / 1e9:.1f} GB/s at least, {moved / bytes_peak:.0%} of the peak"
    )


def whole_models(width, batch, device, rounds, clock):
    """The same with the representation, from images to gradients."""
    architecture = Architecture.for_image(SIDE, width, (width,) * 6, OUTPUTS)
    ours = ConvAC(architecture, "all", "conv3x3", init="positive", seed=0).to(device)
    net = ConvNet(architecture, seed=0).to(device)
    images = 1e-4 * torch.rand(batch, SIDE, SIDE, device=device)
    obvious = with_representation(ours.representation, ObviousConvAC(ours)).to(device)
    layers = with_representation(net.representation, obvious_convnet(net)).to(device)
    same_function(ours.scores(images), obvious(images), "the obvious ConvAC")
    same_function(net(images), layers(images), "the obvious ConvNet")
    print(f"whole models, batch {batch}, all widths {width}, forward and backward")
    steps = [
        Step("ConvAC (ours)", ours, images, rescaled(ours)),
        Step("the obvious module", obvious, images, capture=False),
        Step("ConvNet (ours)", net, images),
        Step("ConvNet of torch.nn layers", layers, images),
    ]
    take_turns(steps, rounds, clock)


def chain_256(width, batch, rounds, clock):
    """A line of 256 sites, unshared weights, features given."""
    architecture = Architecture(256, 2, width, (width,) * 8, OUTPUTS)
    ours = ConvAC(architecture, "none", PassOn(), width, seed=0)
    features = torch.rand(batch, 256, width)
    features /= features.mean(-1, keepdim=True)
    rows = ours.reader(features).permute(1, 2, 0).contiguous().permute(2, 0, 1)
    reference, ours.reader = ours.scores(features), nn.Identity()
    steps = [Step("ConvAC (ours), rescaled", ours, rows, ours.scores)]
    try:
        tree = tensorkrowch_tree(ours)
    except ImportError:
        print("  TensorKrowch is not installed: pip install tensorkrowch")
    else:
        tree.auto_stack, tree.auto_unbind = True, False
        tree.trace(torch.zeros(1, 256, width))
        same_function(reference, tree(features), "TensorKrowch's tree")
        steps.append(Step("TensorKrowch's tree, traced", tree, features))
    print(f"line of 256 sites, batch {batch}, all widths {width}, forward and backward")
    take_turns(steps, rounds, clock)


def together(experiments, device, rounds, clock):
    """A step of each of some runs that differ in their seed, and one of all of them together."""
    first, n_members = experiments[0], len(experiments)
    task, recipe = first.load_task(), first.recipe
    models = [run.build_model(task).to(device) for run in experiments]
    alone = [Run(model, task, recipe, device) for model in models]
    order = alone[0].make_order(0)[: recipe.batch_size].to(device)
    orders = order.expand(n_members, -1)

    def step_of_each():
        for run in alone:
            run.step(order)

    def ensemble(capture):
        members = Ensemble([run.build_model(task) for run in experiments]).to(device)
        return EnsembleRun(members, task, recipe, device, [0] * n_members, capture)

    ours = ensemble(capture=device.type == "cuda")
    steps = [TrainingStep("together", lambda: ours.step(orders), device)]
    if ours.capture:
        plain = ensemble(capture=False)
        steps.append(TrainingStep("without a graph", lambda: plain.step(orders), device))
    steps.append(TrainingStep("one after another", step_of_each, device))
    for _ in range(5):  # a graph is recorded in the fourth
        for step in steps:
            step()
    losses = torch.stack([run.loss_so_far for run in alone])
    same_function(losses, ours.loss_so_far, "the ensemble")
    print(f"{n_members} {type(models[0]).__name__}s, {first.task}, widths {first.channels}, steps")
    take_turns(steps, rounds, clock)


def ensembles(device, rounds, clock):
    """Small digits, and the two tasks of Fig. 10, for both kinds of networks."""
    kinds = {"convnet": {}, "convac": {"share": "all"}}
    for n_members in (4, 16):
        for model, options in kinds.items():
            small = {"task": "digits", "local_dim": 8, "channels": (8, 8, 8), "model": model}
            runs = [Experiment(**small, model_options=options, seed=s) for s in range(n_members)]
            together(runs, device, rounds, clock)
    for task in ("local", "global"):
        for model, options in kinds.items():
            large = {"task": task, "task_options": {"n_train": 500, "n_test": 100}}
            large |= {"design": "wide-base", "r": 12, "model": model, "model_options": options}
            together([Experiment(**large, seed=s) for s in range(5)], device, rounds, clock)


def fig10_steps(task, rounds, clock):
    """A whole step of a network of Fig. 10 on images on black, by the ways to read them."""
    run = Experiment(
        task=task, task_options={"n_train": 500, "n_test": 100}, model="convnet",
        design="wide-base", r=12,
    )  # fmt: skip
    learned, cpu = run.load_task(), torch.device("cpu")
    images = torch.from_numpy(learned.train_inputs)

    def training(model, prepare=False):
        trained = Run(model, learned, run.recipe, cpu)
        if not prepare:
            trained.train_x = images if isinstance(model, ConvNet) else images.float()
        return trained

    def plainly(trained):
        def step(order):
            there, fused.IS_THERE = fused.IS_THERE, False
            try:
                trained.step(order)
            finally:
                fused.IS_THERE = there

        return step

    share, whole = ({"share_background": shared} for shared in (True, False))

    def model(options):
        network = Architecture.for_image(SIDE, run.local_dim, run.channels, OUTPUTS)
        return ConvNet(network, seed=0, **options)

    layers = with_representation(model(whole).representation, obvious_convnet(model(whole)))
    order = torch.arange(run.batch_size)
    ways = {
        "equal windows once, in one graph (ours)": training(model(share), prepare=True).step,
        "equal windows, found in each batch": training(model(share)).step,
        "black windows once, plain layers": plainly(training(model(share))),
        "whole images": training(model(whole)).step,
        "ConvNet of torch.nn layers": training(layers).step,
    }
    print(f"ConvNet, {task} task, wide base, r = 12, batch {run.batch_size}, whole steps")
    steps = [TrainingStep(name, partial(way, order), cpu) for name, way in ways.items()]
    take_turns(steps, rounds, clock)


class TrainingStep:
    """A step of training that is already set up, as `take_turns` wants it."""

    def __init__(self, name, step, device):
        self.name, self.step, self.device = name, step, device

    def __call__(self):
        self.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=64, help="images, a multiple of 8")
    parser.add_argument(
        "--keep-memory", action="store_true", help="as `convac train` does; see training.py"
    )
    parser.add_argument("--quick", action="store_true", help="only images of 64 x 64 features")
    options = parser.parse_args()
    if options.keep_memory:
        keep_freed_memory()
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = False  # or the candidates would be other functions
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    one_core = device.type == "cpu" and options.threads == 1
    clock = time.process_time if one_core else time.perf_counter
    flops, bytes_ = peaks(device, clock)
    print(
        f"{device}, {options.threads} threads: {flops / 1e9:.0f} Gflop/s, "
        f"{bytes_ / 1e9:.1f} GB/s; times are medians, ratios to ours (quartiles)"
    )
    for width in (16, 64):
        images_64(width, options.batch, device, options.rounds, clock, flops, bytes_)
        if options.quick:
            continue
        whole_models(width, options.batch, device, options.rounds, clock)
    if options.quick:
        return
    if device.type == "cpu":
        chain_256(16, options.batch, options.rounds, clock)
        for task in ("global", "local"):
            fig10_steps(task, options.rounds, clock)
    ensembles(device, options.rounds, clock)


if __name__ == "__main__":
    main()
