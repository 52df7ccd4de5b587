import pytest
import torch
from torch.nn.functional import cross_entropy

from leyden.networks.vision import UNet


@pytest.fixture(params=["transposed", "bilinear"])
def network(request):
    return UNet(in_channels=1, num_classes=3, width=4, depth=2, upsampling=request.param)


@pytest.mark.parametrize("size", [(16, 16), (17, 30), (3, 1)])
def test_a_logit_for_each_class_and_pixel_whatever_the_size(network, size):
    assert network.eval()(torch.rand(2, 1, *size)).shape == (2, 3, *size)


def test_gradient_reaches_every_parameter(network):
    network(torch.rand(4, 1, 16, 16)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_samples_do_not_mix(network):
    network.eval()
    images = torch.rand(4, 1, 13, 16)
    torch.testing.assert_close(network(images)[2:3], network(images[2:3]), atol=1e-5, rtol=0)


def test_overfits_one_batch(network):
    images = torch.rand(2, 1, 16, 16)
    targets = (images[:, 0] * 3).long()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(80):
        optimizer.zero_grad()
        loss = cross_entropy(network(images), targets)
        loss.backward()
        optimizer.step()
    assert loss < 0.25


def test_the_convolutions_are_those_of_the_paper():
    down = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512), (512, 1024)]
    up = [(1024, 1024), (1024, 512), (512, 512), (512, 256), (256, 256), (256, 128), (128, 128), (128, 64), (64, 64)]
    doubling = [(1024, 512), (512, 256), (256, 128), (128, 64)]
    expected = sum(9 * a * b for a, b in (*down, *up)) + sum(4 * a * b for a, b in doubling) + 64 * 2
    assert (
        sum(one.weight.numel() for one in UNet(1, 2).modules() if hasattr(one, "kernel_size") and one._parameters)
        == expected
    )


@pytest.mark.parametrize(("options", "message"), [({"width": 0}, "width is 0"), ({"depth": 0}, "depth is 0")])
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        UNet(1, 2, **options)
