"""The bond spectrum against brute force: the table of the function, and its singular values."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convac_lib import Architecture, ConvAC, ConvNet
from convac_lib.decompositions import scores
from convac_workbench.bonds import BondSpectrum, bond_ceilings, bond_spectrum

LINE = Architecture.line(local_dim=2, channels=(3, 4, 3))


def line_model(seed=0, **options):
    how = {"share": "none", "representation": "linear", "init": "normal"}
    return ConvAC(LINE, seed=seed, dtype=torch.float64, **how | options)


def mixed_scores(model, x, sites):
    """Return the scores with `sites` from sample s and the others from sample t: (S, S, Y)."""
    inputs = x[None].repeat(len(x), *[1] * x.ndim)
    inputs[:, :, sites] = x[:, None, sites]
    with torch.no_grad():
        return model.scores(inputs.flatten(0, 1)).view(len(x), len(x), -1).numpy()


def shares_by_svd(table):
    """Return the squared singular values of a table (S, S, Y) of block against rest."""
    squares = np.linalg.svd(table.reshape(len(table), -1), compute_uv=False) ** 2
    return squares / squares.sum()


def blocks_of(architecture, level):
    size = architecture.window**level
    return [slice(start, start + size) for start in range(0, architecture.n_sites, size)]


@pytest.mark.parametrize("share", ["none", "window-position", "all"])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("window, depth", [(2, 3), (4, 1), (3, 2)])
def test_shares_are_the_squared_schmidt_values_of_the_mixed_samples(
    share, n_outputs, window, depth
):
    network = Architecture(window**depth, window, 2, (3,) * depth, n_outputs)
    how = {"representation": "linear", "head": "scores"}
    model = ConvAC(network, share=share, seed=1, dtype=torch.float64, **how)
    x = torch.randn(13, network.n_sites, generator=torch.Generator().manual_seed(0)).double()
    spectrum = bond_spectrum(model, x, batch_size=5)
    assert len(spectrum.node_shares) == depth + 1
    for level, (shares, cap) in enumerate(zip(spectrum.node_shares, spectrum.caps, strict=True)):
        for sites, found in zip(blocks_of(network, level), shares, strict=True):
            wanted = shares_by_svd(mixed_scores(model, x, sites))
            if level == depth:  # nothing is left to mix: the samples against the classes
                wanted = shares_by_svd(model.scores(x).detach().numpy())
            np.testing.assert_allclose(found, wanted[:cap], atol=1e-12)
            assert abs(wanted[cap:]).max(initial=0) < 1e-12


def test_independent_sites_give_the_schmidt_values_of_the_function_itself():
    model = line_model(seed=4)
    x = torch.tensor(list(product((-1.0, 1.0), repeat=8))).double()  # each input once
    table = model.scores(x).detach().numpy().reshape((2,) * 8)
    spectrum = bond_spectrum(model, x)
    for level in range(3):
        for sites, found in zip(blocks_of(LINE, level), spectrum.node_shares[level], strict=True):
            block = list(range(*sites.indices(8)))
            matrix = np.moveaxis(table, block, range(len(block))).reshape(2 ** len(block), -1)
            wanted = shares_by_svd(matrix)[: spectrum.caps[level]]
            np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_no_node_is_mistaken_for_another():
    # Site 5 alone enters, so only the blocks that hold it are parted from the rest.
    weights = [np.ones(shape) for shape in LINE.weight_shapes()]
    weights[0][:] = [[1.0, 0.0]] * 3
    weights[0][5] = [[1.0, 1.0], [1.0, -1.0], [1.0, 0.0]]
    weights[0][4] = [[1.0, 1.0], [1.0, 0.0], [1.0, 0.5]]
    model = line_model()
    model.load_weights(weights)
    spectrum = bond_spectrum(model, torch.randn(50, 8).double())
    parted = [np.flatnonzero(shares[:, 1] > 1e-6).tolist() for shares in spectrum.node_shares[:3]]
    assert parted[0] == [4, 5] and parted[1] == [] and parted[2] == []


@given(seed=st.integers(0, 10**6), normalized=st.booleans())
@settings(max_examples=20, deadline=None)
def test_no_gauge_changes_a_share(seed, normalized):
    rng = np.random.default_rng(seed)
    head = "normalized" if normalized else "scores"
    network = Architecture.line(2, (3, 4, 3), n_outputs=3)
    model = ConvAC(
        network, share="none", representation="linear", head=head, seed=seed, dtype=torch.float64
    )
    weights = model.to_weights()
    x = torch.from_numpy(rng.standard_normal((30, 8)))
    before = bond_spectrum(model, x)
    for layer, r in enumerate(network.channels):
        # A channel's scale may differ at every leg of a copy tensor, its number may not.
        scale = np.exp(rng.normal(size=(network.locations(layer), r)))
        order = rng.permutation(r)
        weights[layer] = (weights[layer] * scale[:, :, None])[:, order]
        up = weights[layer + 1]
        factor = scale.reshape(-1, 2, r).prod(axis=1)
        factor = factor if up.ndim == 2 else factor[:, None]
        weights[layer + 1] = (up / factor)[..., order]
    model.load_weights(weights)
    after = bond_spectrum(model, x)
    for old, new in zip(before.node_shares, after.node_shares, strict=True):
        np.testing.assert_allclose(old, new, atol=1e-7)


def test_truncating_a_bond_loses_the_tail():
    """Project the vector of one node on its leading directions: the error is the tail."""
    model, node, kept = line_model(seed=7), 2, 1
    weights = model.to_weights()
    x = np.array(list(product((-1.0, 1.0), repeat=8)))
    features = np.stack([np.ones_like(x), x], axis=-1)
    tail = bond_spectrum(model, torch.from_numpy(x)).node_shares[1][node, kept:].sum()

    def node_vectors():  # of the block of sites 4 and 5
        return (features[:, 4] @ weights[0][4].T) * (features[:, 5] @ weights[0][5].T)

    exact = scores(LINE, weights, features)
    v = node_vectors()
    # The best map of rank `kept` on v, by least squares on the block's functions.
    pairs = exact.reshape(16, 4, 4)  # sites 0-3, sites 4 and 5, sites 6 and 7
    matrix = pairs.transpose(1, 0, 2).reshape(4, -1)
    left = np.linalg.svd(matrix)[0][:, :kept]
    block = v.reshape(16, 4, 4, -1)[0, :, 0]  # the four values of the node's vector
    projector = np.linalg.lstsq(block, left @ left.T @ block, rcond=None)[0].T
    weights[1][node] = weights[1][node] @ projector
    truncated = scores(LINE, weights, features)
    error = np.mean((exact - truncated) ** 2) / np.mean(exact**2)
    assert 1e-4 < tail < 0.5
    assert error == pytest.approx(tail, rel=1e-9)


@pytest.mark.parametrize("neutral", [False, True])
@pytest.mark.parametrize("head", ["scores", "normalized"])
def test_sharing_the_background_changes_nothing(neutral, head):
    network = Architecture.for_image(8, 3, (4, 3, 4), n_outputs=3)
    images = torch.zeros(20, 8, 8)
    images[:, 2:4, 3:6] = torch.rand(20, 2, 3, generator=torch.Generator().manual_seed(0))
    found = [
        bond_spectrum(
            ConvAC(network, share="all", representation="conv3x3", head=head, seed=0,
                   neutral_background=neutral, share_background=shared),
            images,
        )
        for shared in (False, True)
    ]  # fmt: skip
    for one, other in zip(*(spectrum.node_shares for spectrum in found), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_the_normalized_head_forgives_factors_of_the_block_and_of_the_rest():
    # Multiply the scores by a positive function of site 0: no prediction changes.
    network = Architecture.line(2, (3, 3), n_outputs=3)
    model = ConvAC(network, share="none", representation=Positive(), head="normalized", seed=3)
    x = torch.rand(60, 4, generator=torch.Generator().manual_seed(1))
    plain = bond_spectrum(model, x)
    model.representation.boost = 5.0
    boosted = bond_spectrum(model, x)
    np.testing.assert_allclose(plain.shares[0], boosted.shares[0], atol=1e-7)


class Positive(torch.nn.Module):
    boost = 0.0

    def forward(self, numbers):
        x = numbers[0]
        features = torch.stack([torch.ones_like(x), x], -1)
        factor = torch.ones_like(x)
        factor[0] = (self.boost * x[0]).exp()
        return features * factor.unsqueeze(-1)


def test_scales_beyond_any_float_do_no_harm():
    network = Architecture.line(2, (3,) * 10)
    model = ConvAC(network, share="all", representation="linear", init="normal", seed=0)
    with torch.no_grad():
        model.layers[0].mul_(50)  # 50 to the power of 1024
    x = torch.rand(20, 1024)
    large = bond_spectrum(model, x)
    with torch.no_grad():
        model.layers[0].div_(50)
    for one, other in zip(large.node_shares, bond_spectrum(model, x).node_shares, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_model_is_left_as_it_is():
    model = line_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    bond_spectrum(model, torch.rand(9, 8))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_some_nodes_of_many_are_drawn_and_named():
    model = line_model()
    x = torch.rand(9, 8)
    whole, some = bond_spectrum(model, x), bond_spectrum(model, x, max_nodes=3, seed=2)
    assert [len(nodes) for nodes in some.nodes] == [3, 3, 2, 1]
    for level, nodes in enumerate(some.nodes):
        np.testing.assert_allclose(some.node_shares[level], whole.node_shares[level][nodes])


def test_what_a_spectrum_says_of_the_layers():
    network = Architecture.line(local_dim=4, channels=(3, 8, 8))
    weights = [np.zeros(shape) for shape in network.weight_shapes()]
    weights[0][:] = np.eye(4)[:3]  # three of the four features pass
    weights[1][:, :3, :3] = np.eye(3)
    weights[2][:, :3, :3] = np.eye(3)
    weights[3][0, :3] = 1
    model = ConvAC(network, share="none", representation="linear", site_size=3)
    model.load_weights(weights)
    signs = torch.randint(0, 2, (400, 8, 3), generator=torch.Generator().manual_seed(0)) * 2 - 1
    spectrum = bond_spectrum(model, signs)
    assert spectrum.ranks() == (3, 3, 3, 1) and spectrum.caps == (3, 3, 8, 1)
    assert spectrum.starving == (True, True, False, False)
    assert spectrum.demands == (3, 3, 3)
    assert spectrum.tails(2)[0] == pytest.approx(1) and spectrum.tails(2)[-1] == 0
    assert "ranks=(3, 3, 3, 1)" in repr(spectrum)


def test_ceilings_are_the_dimensions_of_the_smaller_side():
    assert bond_ceilings(Architecture.line(2, (9, 9, 9), n_outputs=3)) == (2, 4, 16, 3)


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"model": ConvNet(Architecture.for_image(4, 2, (3, 3)))},
            r"model must be of the class ConvAC, .* got ConvNet",
        ),
        ({"inputs": torch.rand(1, 8)}, "inputs must be 2 samples or more"),
        ({"inputs": torch.rand(8)}, "inputs must be 2 samples or more"),
        ({"inputs": torch.rand(3, 9)}, "x must be sequences"),
        ({"max_nodes": 0}, "max_nodes must be an integer of at least 1"),
        ({"batch_size": 0}, "batch_size must be"),
    ],
)
def test_nonsense_is_refused(change, message):
    arguments = {"model": line_model(), "inputs": torch.rand(4, 8)} | change
    with pytest.raises((ValueError, TypeError), match=message):
        bond_spectrum(**arguments)


def test_a_network_of_zeros_and_a_bad_threshold_are_refused():
    model = line_model()
    with torch.no_grad():
        model.dense.zero_()
    with pytest.raises(ValueError, match="model must have scores"):
        bond_spectrum(model, torch.rand(4, 8))
    spectrum = bond_spectrum(line_model(), torch.rand(4, 8))
    with pytest.raises(ValueError, match="threshold must be"):
        spectrum.ranks(1.0)
    with pytest.raises(ValueError, match="level must be"):
        spectrum.tails(4)


def test_spectra_of_several_networks_are_pooled():
    line = Architecture.line(4, (4, 2))
    x = np.random.default_rng(0).uniform(size=(60, 4, 3))
    models = [ConvAC(line, "none", "linear", 3, init="normal", seed=s) for s in (0, 1)]
    one, other = (bond_spectrum(model, x) for model in models)
    both = BondSpectrum.pooled([one, other])
    for level in range(3):
        expected = (one.shares[level] + other.shares[level]) / 2
        np.testing.assert_allclose(both.shares[level], expected)
        mean = (one.entropies[level] + other.entropies[level]) / 2
        assert both.entropies[level] == pytest.approx(mean)
    assert BondSpectrum.pooled([one]).ranks() == one.ranks()
    wider = bond_spectrum(ConvAC(Architecture.line(4, (5, 2)), "none", "linear", 3, seed=0), x)
    with pytest.raises(ValueError, match="spectra must be of networks of one shape"):
        BondSpectrum.pooled([one, wider])


def test_bonds_are_measured_on_real_numbers():
    x = np.random.default_rng(0).uniform(size=(9, 8, 1))
    with pytest.raises(ValueError, match="inputs must hold real numbers, got dtype complex128"):
        bond_spectrum(line_model(), x + 1j)
