import pytest
import torch
from torch.nn.functional import pad

from leyden.networks.audio import SpeechConvNet

RATE = 8000


def speech_convnet(**arguments):
    return SpeechConvNet(
        **{"num_tokens": 5, "sample_rate": RATE, "num_mels": 16, "width": 16, "dropout": 0.0} | arguments
    )


@pytest.mark.parametrize("subsampling", [1, 2, 4])
def test_frames_are_as_many_as_the_subsampling_leaves(subsampling):
    log_probs, frames = speech_convnet(subsampling=subsampling)(torch.randn(3, 2000), torch.tensor([2000, 1040, 1]))
    # 26, 14 and 1 frames of the spectrogram
    assert frames.tolist() == [-(-count // subsampling) for count in (26, 14, 1)]
    assert log_probs.shape == (3, frames.max(), 5)
    assert torch.allclose(log_probs.exp().sum(dim=2), torch.ones(log_probs.shape[:2]), atol=1e-5)


@pytest.mark.parametrize("length", [1, 80, 320, 1041, 1999])
def test_padding_does_not_change_a_row(length):
    network = speech_convnet()
    for module in network.modules():  # a frame of padding must come out as something
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.constant_(module.bias, 0.5)
    network(torch.randn(4, 2000), torch.tensor([2000, 1500, 900, 400]))  # running means other than 0
    network.eval()
    lengths = torch.tensor([2000, length, 1500])
    waveforms = torch.randn(3, 2000) * (torch.arange(2000) < lengths.unsqueeze(1))
    log_probs, frames = network(waveforms, lengths)
    alone, (count,) = network(waveforms[1:2, :length], lengths[1:2])
    longer, _ = network(pad(waveforms[1:2, :length], (0, 3000)), lengths[1:2])
    assert count == frames[1] == alone.shape[1]
    assert torch.allclose(log_probs[1, :count], alone[0], atol=1e-5)
    assert torch.allclose(longer[0, :count], alone[0], atol=1e-5)


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
