from functools import partial

import pytest
import torch
from torch.nn.functional import cross_entropy
from torchvision.models import VisionTransformer

from leyden.networks.vision import ConvNet, ResNet, torchvision_classifier

NETWORKS = {
    "ConvNet": lambda: ConvNet(in_channels=1, num_classes=3, width=8, dropout=0.0),
    "ResNet": lambda: ResNet(in_channels=1, num_classes=3, num_layers=8),
    "VisionTransformer": lambda: torchvision_classifier(TRANSFORMER, num_classes=3, in_channels=1),
}
TRANSFORMER = partial(
    VisionTransformer, image_size=8, patch_size=2, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32
)


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


@pytest.mark.parametrize("name", ["ConvNet", "ResNet"])
def test_one_logit_a_class_for_any_size(name):
    network = NETWORKS[name]().eval()
    for size in (8, 28, 33):
        assert network(torch.rand(2, 1, size, size)).shape == (2, 3)


def test_gradient_reaches_every_parameter(network):
    network(torch.rand(8, 1, 8, 8)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_samples_do_not_mix(network):
    network.eval()
    images = torch.rand(4, 1, 8, 8)
    assert torch.allclose(network(images)[2:3], network(images[2:3]), atol=1e-5)


def test_overfits_one_batch(network):
    images, targets = torch.rand(12, 1, 8, 8), torch.arange(12) % 3
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        loss = cross_entropy(network(images), targets)
        loss.backward()
        optimizer.step()
    assert loss < 0.1


def test_resnet_has_the_published_number_of_parameters():
    parameters = sum(p.numel() for p in ResNet(in_channels=3, num_classes=10, num_layers=20).parameters())
    # The paper gives 0.27 M for 20 layers; its option A has no parameters in the shortcuts, this one has 2,752.
    assert parameters == 272_474


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ResNet(3, 10, num_layers=18), "6 n \\+ 2"),
        (lambda: ConvNet(3, 10, width=0), "width is 0"),
        (lambda: ConvNet(3, 10, dropout=1.0), "dropout is 1.0"),
    ],
)
def test_arguments_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
