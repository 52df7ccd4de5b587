import pytest
import torch
import torchvision
from torch import nn

from leyden.optim.layers import layers

# Layers by hand: the first convolution, blocks, and the last linear layer.
EXPECTED = {
    torchvision.models.resnet18: 1 + 8 + 1,
    torchvision.models.resnet50: 1 + 16 + 1,
    torchvision.models.vit_b_32: 1 + 12 + 1,
    torchvision.models.swin_t: 1 + 12 + 3 + 1,  # three of them merge patches
    torchvision.models.convnext_tiny: 1 + 18 + 3 + 1,  # three of them halve the image
    torchvision.models.mobilenet_v3_small: 1 + 11 + 1 + 2,
    torchvision.models.alexnet: 5 + 3,
}


@pytest.mark.parametrize("builder", EXPECTED, ids=lambda builder: builder.__name__)
def test_layers_of_known_networks(builder):
    with torch.device("meta"):
        network = builder()
    found = layers(network)
    assert len(found) == EXPECTED[builder]
    together = [parameter for parameters in found for parameter in parameters]
    assert len(together) == len(set(together))
    assert set(together) == set(network.parameters())


def test_norms_belong_to_the_layer_before_them_and_come_in_order():
    network = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 3), nn.LayerNorm(3), nn.ReLU(), nn.Linear(3, 2))
    first, last = layers(network)
    assert set(first) == {*network[0].parameters(), *network[1].parameters(), *network[2].parameters()}
    assert set(last) == set(network[4].parameters())


def test_tied_weights_are_there_once():
    network = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False))
    network[1].weight = network[0].weight
    assert [parameter for parameters in layers(network) for parameter in parameters] == [network[0].weight]
