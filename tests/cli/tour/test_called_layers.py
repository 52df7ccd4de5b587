import torch
from torch import nn

from leyden.cli.tour.layers import LONGEST, Calls, Layer, collapsed, fastest, sum_of


class Net(nn.Module):
    """A token of its own, attention that does not call its projection, and a layer with two places."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        shared = nn.ReLU()
        self.first, self.second = nn.Sequential(nn.Linear(8, 8), shared), nn.Sequential(nn.Linear(8, 8), shared)
        self.unused = nn.Linear(2, 2)

    def forward(self, inputs):
        attended, _ = self.attention(inputs, inputs, inputs + self.token)
        return self.second(self.second(self.first(attended)))


class Holder(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network


def test_layers_are_recorded_in_the_order_of_execution_with_all_parameters():
    task = Holder(Net())
    passes = []
    for _ in range(2):
        passes.append(Calls(task, lambda: None))
        task.network(torch.randn(3, 4, 8))
        passes[-1].close()
    calls = fastest(passes)
    layers = calls.layers(dict.fromkeys(task.parameters(), (1.0, 2.0, 3.0)))
    names = ["network", "attention", "first.0", "first.1", "second.0", "second.1", "unused"]
    assert [layer.name for layer in layers] == names
    assert [layer.calls for layer in layers] == [1, 1, 1, 1, 2, 2, 0]
    assert sum(layer.params for layer in layers) == sum(one.numel() for one in task.parameters())
    assert next(layer for layer in layers if layer.name == "attention").gradient == 4  # has four parameters
    assert layers[1].shape == "3x4x8; 1 more"
    assert 0 < sum(layer.seconds for layer in layers) <= calls.seconds
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in task.modules())


def blocks(number, names=("conv", "norm.0")):
    made = [
        Layer(f"blocks.{place}.{name}", name, "1", 1, 0.1, 5, 1.0, 2.0, 3.0)
        for place in range(number)
        for name in names
    ]
    return [Layer("stem", "Conv2d"), *made, Layer("head", "Linear", params=1)]


def test_blocks_that_repeat_become_one_with_their_sums():
    layers = collapsed(blocks(30))
    assert [layer.name for layer in layers] == ["stem", "blocks.0-29.conv", "blocks.0-29.norm.0", "head"]
    assert (layers[1].calls, layers[1].params, layers[1].gradient) == (30, 150, 30.0)
    assert sum_of(layers, "").params == sum_of(blocks(30), "").params == 301


def test_short_lists_stay_and_long_ones_of_unlike_layers_lose_their_middle():
    assert collapsed(blocks(10)) == blocks(10)
    unlike = [Layer(f"layer{place}", "Linear", params=place) for place in range(100)]
    layers = collapsed(unlike)
    assert len(layers) <= LONGEST + 1
    assert sum(layer.params for layer in layers) == sum(range(100))
    assert layers[LONGEST * 2 // 3].name.startswith("... ")
