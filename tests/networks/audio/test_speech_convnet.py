import pytest
import torch
from speech_contract import frames_follow_from_the_subsampling, padding_changes_no_row

from leyden.networks.audio import SpeechConvNet

RATE = 8000


def speech_convnet(**arguments):
    return SpeechConvNet(
        **{"num_tokens": 5, "sample_rate": RATE, "num_mels": 16, "width": 16, "dropout": 0.0} | arguments
    )


@pytest.mark.parametrize("subsampling", [1, 2, 4])
def test_frames_are_as_many_as_the_subsampling_leaves(subsampling):
    frames_follow_from_the_subsampling(speech_convnet(subsampling=subsampling), subsampling)


@pytest.mark.parametrize("length", [1, 80, 320, 1041, 1999])
def test_padding_does_not_change_a_sample(length):
    network = speech_convnet()
    for module in network.modules():  # padding frames must not stay 0
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.constant_(module.bias, 0.5)
    network(torch.randn(4, 2000), torch.tensor([2000, 1500, 900, 400]))  # running means other than 0
    padding_changes_no_row(network, length)


def test_a_frame_sees_its_surroundings_alone():
    network = speech_convnet(depth=2, kernel_size=3, subsampling=1).eval()
    seen = []
    network.spectrogram.register_forward_hook(lambda module, inputs, output: seen.append(output[0].requires_grad_()))
    log_probs, _ = network(torch.randn(1, 4000), torch.tensor([4000]))
    log_probs[0, 10, 1].backward()
    assert seen[0].grad[0, 0].any(dim=0).nonzero().flatten().tolist() == [8, 9, 10, 11, 12]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"subsampling": 3}, "subsampling is 3"),
        ({"width": 0}, "width is 0"),
        ({"depth": 1}, "depth is 1"),
        ({"kernel_size": 8}, "kernel_size is 8"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_arguments_out_of_range(argument, message):
    with pytest.raises(ValueError, match=message):
        speech_convnet(**argument)
