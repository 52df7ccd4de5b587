import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from leyden.networks.vision import R2Plus1D
from leyden.networks.vision.r2plus1d import Conv2Plus1D


@pytest.fixture
def network():
    return R2Plus1D(in_channels=1, num_classes=3, width=4, dropout=0.0)


@pytest.mark.parametrize("size", [(1, 8, 8), (7, 9, 16)])
def test_one_logit_a_class_for_any_size(network, size):
    assert network.eval()(torch.rand(2, 1, *size)).shape == (2, 3)


def test_gradient_reaches_every_parameter(network):
    network(torch.rand(8, 1, 4, 8, 8)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_samples_do_not_mix(network):
    network.eval()
    clips = torch.rand(4, 1, 4, 8, 8)
    torch.testing.assert_close(network(clips)[2:3], network(clips[2:3]), atol=1e-5, rtol=0)


def test_the_order_of_the_frames_matters(network):
    clips = torch.rand(4, 1, 6, 8, 8)
    network(clips)
    assert not torch.allclose(network(clips), network(clips.flip(2)), atol=1e-3)


def test_overfits_one_batch(network):
    clips, targets = torch.rand(6, 1, 4, 8, 8), torch.arange(6) % 3
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = cross_entropy(network(clips), targets)
        loss.backward()
        optimizer.step()
    assert loss < 0.1


@pytest.mark.parametrize(("inputs", "outputs"), [(64, 64), (64, 128), (3, 45)])
def test_a_factored_convolution_has_about_the_weights_of_a_whole_one(inputs, outputs):
    whole = 27 * inputs * outputs
    factored = sum(one.weight.numel() for one in Conv2Plus1D(inputs, outputs, 1) if isinstance(one, nn.Conv3d))
    assert whole - (9 * inputs + 3 * outputs) < factored <= whole


@pytest.mark.parametrize(("options", "message"), [({"width": 0}, "width is 0"), ({"dropout": 1.0}, "dropout is 1.0")])
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        R2Plus1D(1, 2, **options)
