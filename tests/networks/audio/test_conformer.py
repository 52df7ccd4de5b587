import pytest
import torch
from speech_contract import frames_follow_from_the_subsampling, padding_changes_no_row

from leyden.networks.audio import Conformer

RATE = 8000


@pytest.fixture(params=[None, 2])
def network(request):
    one = Conformer(
        num_tokens=5,
        sample_rate=RATE,
        num_mels=16,
        width=16,
        depth=2,
        kernel_size=7,
        attention_frames=request.param,
        dropout=0.0,
    )
    for module in one.modules():  # padding frames must not stay 0
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d | torch.nn.LayerNorm):
            torch.nn.init.constant_(module.bias, 0.5)
    return one


@pytest.mark.parametrize("subsampling", [1, 2, 4])
def test_frames_are_as_many_as_the_subsampling_leaves(subsampling):
    network = Conformer(num_tokens=5, sample_rate=RATE, num_mels=16, subsampling=subsampling, width=8, depth=1)
    frames_follow_from_the_subsampling(network, subsampling)


@pytest.mark.parametrize("length", [1, 80, 320, 1041, 1999])
def test_padding_does_not_change_a_sample(network, length):
    for _ in range(3):  # running means other than 0
        network(torch.randn(4, 2000), torch.tensor([2000, 1500, 900, 400]))
    padding_changes_no_row(network, length)


@pytest.mark.parametrize("network", [None, 1], indirect=True)
def test_attention_sees_no_further_than_it_may(network):
    seen = []
    network.projection.register_forward_hook(lambda module, inputs, output: seen.append(output))
    log_probs, _ = network.eval()(torch.randn(1, 8000), torch.tensor([8000]))
    seen[0].retain_grad()
    log_probs[0, 0, 1].backward()
    reached = seen[0].grad[0].any(dim=1).nonzero().flatten()
    # Each of two layers sees one frame on each side by attention, then three by convolution.
    assert reached.tolist() == list(range(9 if network.attention_frames else 26))


def test_gradient_reaches_every_parameter(network):
    log_probs, _ = network(torch.randn(8, 1600), torch.full((8,), 1600))
    log_probs[..., 1].sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"subsampling": 3}, "subsampling is 3"),
        ({"num_channels": 0}, "num_channels is 0"),
        ({"depth": 0}, "depth is 0"),
        ({"width": 6}, "width=6 and num_heads=4"),
        ({"kernel_size": 8}, "kernel_size is 8"),
        ({"attention_frames": -1}, "attention_frames is -1"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_arguments_out_of_range(argument, message):
    with pytest.raises(ValueError, match=message):
        Conformer(**{"num_tokens": 3, "sample_rate": RATE} | argument)
