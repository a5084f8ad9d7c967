"""Training steps: the library's models against other ways to write them, in one run.

    python benchmarks/bench_models.py [--threads 2] [--rounds 15] [--device cpu]

Every candidate does one forward and one backward pass on the same batch, and those that
are compared compute the same function, which is checked first. They take turns; what is
printed is the median over the rounds of a candidate's time over ours in the same round,
with the quartiles, since other work on the machine hits all of a round. With one thread,
CPU time is measured, else the time on the wall.

The peaks are those of a large product of matrices and of adding long vectors, measured in
the same run; the useful operations of a step are three products of matrices a layer.
"""

import argparse
import statistics
import time

import torch
from torch import nn

from convac_lib import Architecture
from convac_lib.models import ConvAC, ConvNet
from convac_lib.training import keep_freed_memory

SIDE, BATCH, OUTPUTS = 64, 64, 10


# --- the same functions, written otherwise ------------------------------------------------


class ObviousConvAC(nn.Module):
    """NCHW images, torch.nn.Conv2d, and torch.prod over the windows; no rescaling."""

    def __init__(self, model):
        super().__init__()
        self.first = first_convolution(model)
        self.layers = nn.ModuleList(pointwise(weight) for weight in model.layers)
        self.dense = nn.Parameter(model.dense.detach().clone())

    def forward(self, images):
        v = torch.relu(self.first(images[:, None]))
        for convolution in self.layers:
            v = convolution(v)
            v = v.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2)).prod(-3).prod(-1)
        return v.flatten(1) @ self.dense.T


class MexConvAC(nn.Module):
    """The log-space formula of the authors' SimNets: a product is a sum of logarithms, a
    sum is log-sum-exp (MEX), written as one broadcast over pairs of channels."""

    def __init__(self, model):
        super().__init__()
        self.first = first_convolution(model)
        self.layers = nn.ParameterList(weight.detach()[0].log() for weight in model.layers)
        self.dense = nn.Parameter(model.dense.detach().log())

    def forward(self, images):
        v = torch.relu(self.first(images[:, None])).log()
        for weight in self.layers:
            v = torch.logsumexp(v[:, None] + weight[None, :, :, None, None], 2)
            v = v.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2)).sum((-3, -1))
        return torch.logsumexp(v.flatten(1)[:, None] + self.dense, 2)


def obvious_convnet(model):
    """torch.nn's layers on NCHW images."""
    modules = [first_convolution(model), nn.ReLU()]
    for weight, bias in zip(model.layers, model.biases, strict=True):
        modules += [pointwise(weight, bias), nn.ReLU(), nn.MaxPool2d(2)]
    dense = nn.Linear(*reversed(model.dense.shape))
    dense.weight.data, dense.bias.data = model.dense.detach(), model.dense_bias.detach()
    return nn.Sequential(nn.Unflatten(1, (1, SIDE)), *modules, nn.Flatten(), dense)


def first_convolution(model):
    representation = model.representation
    convolution = nn.Conv2d(1, len(representation.bias), 3, padding=1)
    convolution.weight.data = representation.weight.detach().T.reshape(-1, 1, 3, 3).clone()
    convolution.bias.data = representation.bias.detach().clone()
    return convolution


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


def useful_flops(model):
    """Three products of matrices a layer: forward, and backward to weights and to inputs."""
    widths = (model.reader.n_taps, *model.architecture.widths)
    sites = [model.architecture.n_sites // 4 ** max(0, k - 1) for k in range(len(widths) - 1)]
    pairs = zip(sites, widths[:-1], widths[1:], strict=True)
    return 6 * BATCH * sum(n * a * b for n, a, b in pairs)


# --- what is compared -----------------------------------------------------------------------


def images_64(width, device, rounds, clock, flops_peak):
    """64 x 64 images, all widths equal, weights shared by all locations."""
    architecture = Architecture.for_image(SIDE, width, (width,) * 6, OUTPUTS)
    # Features close to 1 keep the products without rescaling in range, and off the slow
    # path of numbers close to underflow.
    images = torch.rand(BATCH, SIDE, SIDE, device=device) * 1e-4
    ours = ConvAC(architecture, "all", "conv3x3", init="positive", seed=0)
    with torch.no_grad():
        ours.dense.abs_()
    ours = ours.to(device)
    obvious, mex = ObviousConvAC(ours).to(device), MexConvAC(ours).to(device)
    net = ConvNet(architecture, seed=0).to(device)
    layers = obvious_convnet(net).to(device)
    few = images[:8]
    same_function(ours(images), obvious(images), "the obvious ConvAC")
    same_function(ours(few).log(), mex(few), "the log-space ConvAC")
    same_function(net(images), layers(images), "the obvious ConvNet")

    def rescaled(x):
        return ours.scaled_scores(x, scale_free=True)[0]

    steps = [
        Step("ConvAC (ours)", ours, images, rescaled),
        Step("the obvious module: NCHW and torch.prod", obvious, images),
        Step("ConvNet (ours)", net, images),
        Step("ConvNet of torch.nn layers, NCHW", layers, images),
    ]
    if width <= 16:
        steps.append(Step("log-space MEX formula (8 images, times 8)", mex, few, scale=8.0))
    print(f"64 x 64 images, batch {BATCH}, all widths {width}, forward and backward")
    seconds = take_turns(steps, rounds, clock)
    part = useful_flops(ours) / seconds / flops_peak
    print(f"  ours: {useful_flops(ours) / seconds / 1e9:.1f} Gflop/s, {part:.0%} of the peak")


def chain_256(width, rounds, clock):
    """A line of 256 sites, unshared weights, features given."""
    architecture = Architecture(256, 2, width, (width,) * 8, OUTPUTS)
    identity = nn.Identity()
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
        same_function(ours(features), identity(tree(features)), "TensorKrowch's tree")
        steps.append(Step("TensorKrowch's tree, traced", tree, features))
    print(f"line of 256 sites, batch {BATCH}, all widths {width}, forward and backward")
    take_turns(steps, rounds, clock)


class PassOn(nn.Module):
    """A representation that hands on the numbers of a site as its features."""

    def forward(self, numbers):
        return numbers.permute(1, 2, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
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
    if device.type == "cpu":
        chain_256(16, options.rounds, clock)


if __name__ == "__main__":
    main()
