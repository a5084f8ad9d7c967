"""Training steps: the library's models against other ways to write them, in one run.

    python benchmarks/bench_models.py [--threads 2] [--rounds 15] [--device cpu] [--keep-memory]

Every candidate does one forward and one backward pass on the same batch, and those that
are compared compute the same function, which is checked first. They take turns; what is
printed is the median over the rounds of a candidate's time over ours in the same round,
with the quartiles, since other work on the machine hits all of a round. With one thread,
CPU time is measured, else the time on the wall. Features are given, each candidate's in
the layout it likes, as its representation would leave them; the last lines are of whole
models with the same 3x3 representation.

Whole steps of training, optimizer included, of models alone against the same models
together (see convac_lib/ensembles.py) come last: there a ratio is a gain.

The peaks are those of a large product of matrices and of adding long vectors, measured in
the same run; the useful operations of a step are three products of matrices a layer.
"""

import argparse
import statistics
import time

import torch
from torch import nn

from convac_lib import Architecture, tasks
from convac_lib.ensembles import Ensemble, EnsembleRun
from convac_lib.models import ConvAC, ConvNet
from convac_lib.training import Recipe, Run, keep_freed_memory

SIDE, BATCH, OUTPUTS = 64, 64, 10


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
    """One forward and one backward pass of a model on a batch."""

    def __init__(self, name, model, inputs, forward=None, scale=1.0):
        self.name, self.model, self.inputs, self.scale = name, model, inputs, scale
        self.forward = forward or model

    def __call__(self):
        self.model.zero_grad()
        self.forward(self.inputs).sum().backward()
        if self.inputs.is_cuda:
            torch.cuda.synchronize()


def take_turns(steps, rounds, clock):
    """Print each step's median time and its ratio to the first one; return the first's."""
    times = {step.name: [] for step in steps}
    for turn in range(rounds + 1):
        for step in steps:
            start = clock()
            step()
            if turn:  # the first round warms up
                times[step.name].append((clock() - start) * step.scale)
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
    best = [0.0, 0.0]
    for _ in range(5):
        for which, work in enumerate((lambda: a @ a, lambda: torch.add(x, x, out=out))):
            start = clock()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize()
            amount = 2 * 2048**3 if which == 0 else 8 * 2**25
            best[which] = max(best[which], amount / (clock() - start))
    return best


def useful_flops(architecture):
    """Three products of matrices a layer: forward, and backward to weights and to inputs."""
    sizes = [architecture.locations(layer) for layer in range(architecture.depth)]
    pairs = zip(sizes, architecture.widths[:-1], architecture.widths[1:], strict=True)
    return 6 * BATCH * sum(n * below * above for n, below, above in pairs)


# --- what is compared -----------------------------------------------------------------------


class PassOn(nn.Module):
    """A representation that hands on the numbers of a site as its features."""

    def forward(self, numbers):
        return numbers.permute(1, 2, 0)


def rescaled(model):
    """The scores up to their common size, as training uses them."""
    return lambda x: model.scaled_scores(x, scale_free=True)[0]


def images_64(width, device, rounds, clock, flops_peak):
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
    images = 1 + 1e-4 * torch.rand(BATCH, width, SIDE, SIDE, device=device)
    same_function(ours(images), obvious(images), "the obvious ConvAC")
    same_function(ours(images[:8]).log(), mex(images[:8].log()), "the log-space ConvAC")
    same_function(net(images), layers(images), "the obvious ConvNet")
    # As our representation leaves them: (site, batch, channel) in memory, sites in order.
    features = ours.reader(images).permute(1, 2, 0).contiguous().permute(2, 0, 1)
    ours.reader = net.reader = nn.Identity()
    few = images[:8].log().requires_grad_()
    features.requires_grad_()
    images.requires_grad_()
    steps = [
        Step("ConvAC (ours)", ours, features, rescaled(ours)),
        Step("the obvious module: NCHW and torch.prod", obvious, images),
        Step("ConvNet (ours)", net, features),
        Step("ConvNet of torch.nn layers, NCHW", layers, images),
    ]
    if width <= 16:
        steps.append(Step("log-space MEX formula (8 images, times 8)", mex, few, scale=8.0))
    print(f"64 x 64 images, batch {BATCH}, all widths {width}, forward and backward")
    seconds = take_turns(steps, rounds, clock)
    speed = useful_flops(architecture) / seconds
    print(f"  ours: {speed / 1e9:.1f} Gflop/s in products, {speed / flops_peak:.0%} of the peak")


def whole_models(width, device, rounds, clock):
    """The same with the representation, from images to gradients."""
    architecture = Architecture.for_image(SIDE, width, (width,) * 6, OUTPUTS)
    ours = ConvAC(architecture, "all", "conv3x3", init="positive", seed=0).to(device)
    net = ConvNet(architecture, seed=0).to(device)
    images = 1e-4 * torch.rand(BATCH, SIDE, SIDE, device=device)
    obvious = with_representation(ours.representation, ObviousConvAC(ours)).to(device)
    layers = with_representation(net.representation, obvious_convnet(net)).to(device)
    same_function(ours(images), obvious(images), "the obvious ConvAC")
    same_function(net(images), layers(images), "the obvious ConvNet")
    print(f"whole models, batch {BATCH}, all widths {width}, forward and backward")
    steps = [
        Step("ConvAC (ours)", ours, images, rescaled(ours)),
        Step("the obvious module", obvious, images),
        Step("ConvNet (ours)", net, images),
        Step("ConvNet of torch.nn layers", layers, images),
    ]
    take_turns(steps, rounds, clock)


def chain_256(width, rounds, clock):
    """A line of 256 sites, unshared weights, features given."""
    architecture = Architecture(256, 2, width, (width,) * 8, OUTPUTS)
    ours = ConvAC(architecture, "none", PassOn(), width, seed=0)
    features = torch.rand(BATCH, 256, width)
    features /= features.mean(-1, keepdim=True)
    steps = [Step("ConvAC (ours), rescaled", ours, features, ours.scores)]
    try:
        tree = tensorkrowch_tree(ours)
    except ImportError:
        print("  TensorKrowch is not installed: pip install tensorkrowch")
    else:
        tree.auto_stack, tree.auto_unbind = True, False
        tree.trace(torch.zeros(1, 256, width))
        same_function(ours(features), tree(features), "TensorKrowch's tree")
        steps.append(Step("TensorKrowch's tree, traced", tree, features))
    print(f"line of 256 sites, batch {BATCH}, all widths {width}, forward and backward")
    take_turns(steps, rounds, clock)


def together(kind, options, n_members, device, rounds, clock):
    """8 x 8 digits, widths 8 8 8: a step of each of some models, and one of them together."""
    architecture = Architecture.for_image(8, 8, (8, 8, 8), OUTPUTS)
    task, recipe, seeds = tasks.make("digits"), Recipe(), range(n_members)
    models = [kind(architecture, **options, seed=seed).to(device) for seed in seeds]
    ensemble = Ensemble(models).to(device)
    capture = device.type == "cuda"
    ours = EnsembleRun(ensemble, task, recipe, device, [0] * n_members, capture)
    alone = [Run(model, task, recipe, device) for model in models]
    order = alone[0].make_order(0)[: recipe.batch_size].to(device)
    orders = order.expand(n_members, -1)

    def step_of_each():
        for run in alone:
            run.descend(order)

    name = f"{n_members} {kind.__name__}s"
    steps = [
        TrainingStep(f"{name} together", lambda: ours.descend(orders), device),
        TrainingStep(f"{name} one after another", step_of_each, device),
    ]
    for _ in range(5):  # a graph is recorded in the fourth
        for step in steps:
            step()
    losses = torch.stack([run.loss_so_far for run in alone])
    same_function(losses, ours.loss_so_far, "the ensemble")
    take_turns(steps, rounds, clock)


class TrainingStep:
    """A step of training that is already set up, as `take_turns` wants it."""

    scale = 1.0

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
    parser.add_argument(
        "--keep-memory", action="store_true", help="as `convac train` does; see training.py"
    )
    options = parser.parse_args()
    if options.keep_memory:
        keep_freed_memory()
    torch.manual_seed(0)
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
        images_64(width, device, options.rounds, clock, flops)
        whole_models(width, device, options.rounds, clock)
    if device.type == "cpu":
        chain_256(16, options.rounds, clock)
    print("8 x 8 digits, batch 100, widths 8 8 8, whole steps of training")
    convac = {"share": "all", "representation": "conv3x3", "head": "normalized"}
    for n_members in (4, 16):
        together(ConvAC, convac, n_members, device, options.rounds, clock)
        together(ConvNet, {}, n_members, device, options.rounds, clock)


if __name__ == "__main__":
    main()
