import math

import pytest
import torch
from torch.nn.functional import cross_entropy, pad

from leyden.networks.audio import M5, MFCC, LogMelSpectrogram, MelConvNet

RATE = 8000


NETWORKS = {
    "MelConvNet": lambda: MelConvNet(num_classes=3, sample_rate=RATE, width=4, dropout=0.0),
    "MelConvNet of MFCC": lambda: MelConvNet(num_classes=3, sample_rate=RATE, num_mfcc=13, width=4, dropout=0.0),
    "M5": lambda: M5(num_classes=3, sample_rate=RATE, width=4),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


def tones(hertz, time=2000):
    return torch.stack([(2 * math.pi * h * torch.arange(time) / RATE).sin() for h in hertz])


def test_the_spectrogram_finds_the_tone():
    spectrogram, frames = LogMelSpectrogram(RATE, num_mels=40)(tones([300, 3000]), torch.tensor([2000, 2000]))
    assert spectrogram.shape == (2, 1, 40, 26)
    assert frames.tolist() == [26, 26]
    low, high = spectrogram[:, 0].mean(dim=2).argmax(dim=1).tolist()

    def mel(hertz):
        return 2595 * math.log10(1 + hertz / 700)

    assert low == pytest.approx(mel(300) / mel(4000) * 41 - 1, abs=1)
    assert high == pytest.approx(mel(3000) / mel(4000) * 41 - 1, abs=1)


def test_the_spectrogram_is_normalised_over_sound_only():
    waveforms, lengths = torch.randn(3, 2000), torch.tensor([2000, 1000, 81])
    spectrogram, frames = LogMelSpectrogram(RATE).eval()(pad_with_silence(waveforms, lengths), lengths)
    assert frames.tolist() == [26, 13, 2]
    for sample, count in zip(spectrogram, frames, strict=True):
        assert sample[..., :count].mean().abs() < 1e-5
        assert sample[..., :count].std(unbiased=False) == pytest.approx(1, abs=1e-4)
        assert not sample[..., count:].any()


def test_loudness_does_not_matter():
    waveforms, lengths = torch.randn(1, 2000) * 0.1, torch.tensor([2000])
    front = LogMelSpectrogram(RATE)
    assert torch.allclose(front(waveforms, lengths)[0], front(waveforms * 0.2, lengths)[0], atol=1e-4)


def test_silence_is_finite(network):
    logits = network.eval()(torch.zeros(2, 800), torch.tensor([800, 1]))
    assert logits.isfinite().all()


def test_masks_in_training_only_and_of_each_sample():
    front, lengths = LogMelSpectrogram(RATE, mask_mels=10, mask_frames=5), torch.full((16,), 2000)
    waveforms = torch.randn(16, 2000)
    masked, clean = front.train()(waveforms, lengths)[0], front.eval()(waveforms, lengths)[0]
    is_masked = (masked == 0) & (clean != 0)
    assert torch.equal(masked[~is_masked], clean[~is_masked])
    bands, stretches = is_masked[:, 0].all(dim=2).sum(dim=1), is_masked[:, 0].all(dim=1).sum(dim=1)
    assert 0 < bands.max() <= 10
    assert 0 < stretches.max() <= 5
    assert len({tuple(sample.flatten().tolist()) for sample in is_masked}) > 8


def pad_with_silence(waveforms, lengths):
    return waveforms * (torch.arange(waveforms.shape[1]) < lengths.unsqueeze(1))


@pytest.mark.parametrize("length", [1, 79, 80, 1041, 1199, 1999])
def test_padding_does_not_change_a_sample(network, length):
    give_batch_norm_a_past(network)
    waveforms, lengths = torch.randn(3, 2000), torch.tensor([2000, length, 1500])
    together = network(pad_with_silence(waveforms, lengths), lengths)[1]
    alone = network(waveforms[1:2, :length], lengths[1:2])[0]
    longer = network(pad(waveforms[1:2, :length], (0, 3000)), lengths[1:2])[0]
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(longer, alone, atol=1e-5)


def give_batch_norm_a_past(network):
    """Running means other than 0, so that padding frames do not stay 0."""
    for _ in range(5):
        network(torch.randn(4, 2000), torch.tensor([2000, 1500, 900, 400]))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.constant_(module.bias, 0.5)
    network.eval()


def test_training_counts_padding_in_batch_normalisation(network):
    """Documented behaviour, and the reason for batches of similar lengths."""
    waveforms, lengths = torch.randn(2, 1600), torch.full((2,), 1600)
    plain, padded = network.train()(waveforms, lengths), network(pad(waveforms, (0, 8000)), lengths)
    assert not torch.allclose(plain, padded, atol=1e-2)


def test_samples_do_not_mix(network):
    network.eval()
    waveforms, lengths = torch.randn(4, 1600), torch.full((4,), 1600)
    assert torch.allclose(network(waveforms, lengths)[2:3], network(waveforms[2:3], lengths[2:3]), atol=1e-5)


def test_gradient_reaches_every_parameter(network):
    network(torch.randn(8, 1600), torch.full((8,), 1600)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_overfits_one_batch(network):
    waveforms, lengths, targets = torch.randn(9, 1600), torch.full((9,), 1600), torch.arange(9) % 3
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        loss = cross_entropy(network(waveforms, lengths), targets)
        loss.backward()
        optimizer.step()
    assert loss < 0.1


def test_low_precision_leaves_the_spectrogram_alone():
    front, waveforms, lengths = LogMelSpectrogram(RATE), torch.randn(2, 1600), torch.full((2,), 1600)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = front(waveforms, lengths)[0]
    assert torch.equal(lowered, front(waveforms, lengths)[0])


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"width": 0}, "width is 0"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"num_mels": 4}, "num_mels is 4"),
        ({"num_mfcc": 41}, "num_mfcc is 41"),
        ({"mask_mels": -1}, "mask_mels=-1"),
        ({"sample_rate": 0}, "sample_rate is 0"),
    ],
)
def test_arguments_out_of_range(argument, message):
    with pytest.raises(ValueError, match=message):
        MelConvNet(**{"num_classes": 3, "sample_rate": RATE} | argument)


@pytest.mark.parametrize("argument", [{"width": 0}, {"sample_rate": 1000}])
def test_arguments_of_m5_out_of_range(argument):
    with pytest.raises(ValueError, match=f"{next(iter(argument))} is {next(iter(argument.values()))}"):
        M5(**{"num_classes": 3, "sample_rate": RATE} | argument)


def test_a_hop_longer_than_its_window():
    with pytest.raises(ValueError, match="0 < hop <= window"):
        LogMelSpectrogram(RATE, window_seconds=0.01, hop_seconds=0.02)


def test_mfcc_are_the_cosine_transform_of_the_spectrogram():
    """Compared with the formula of the orthonormal DCT-II."""
    spectrogram, waveforms, lengths = (
        LogMelSpectrogram(RATE, num_mels=16),
        torch.randn(2, 1600),
        torch.tensor([1600, 900]),
    )
    waveforms = pad_with_silence(waveforms, lengths)
    coefficients, frames = MFCC(spectrogram, num_mels=16, num_mfcc=5)(waveforms, lengths)
    bands, _ = spectrogram(waveforms, lengths)
    assert coefficients.shape == (2, 1, 5, bands.shape[3])
    for k in range(5):
        scale = math.sqrt((1 if k == 0 else 2) / 16)
        expected = sum(scale * math.cos(math.pi * k * (n + 0.5) / 16) * bands[:, 0, n] for n in range(16))
        assert torch.allclose(coefficients[:, 0, k], expected, atol=1e-5)
    assert not coefficients[1, ..., frames[1] :].any()


def test_m5_has_the_published_size():
    network = M5(num_classes=10, sample_rate=8000)
    assert [block[0].kernel_size[0] for block in network.blocks] == [80, 3, 3, 3]
    assert [block[0].stride[0] for block in network.blocks] == [4, 1, 1, 1]
    assert [block[0].out_channels for block in network.blocks] == [128, 128, 256, 512]
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(0.5e6, rel=0.15)  # 0.5 M in the paper


def test_m5_reads_as_much_time_at_any_rate():
    first = M5(num_classes=3, sample_rate=16000).blocks[0][0]
    assert (first.kernel_size[0], first.stride[0]) == (160, 8)


def test_m5_does_not_hear_loudness_or_an_offset():
    network, waveforms, lengths = (
        M5(num_classes=3, sample_rate=RATE, width=4).eval(),
        torch.randn(1, 2000),
        torch.tensor([2000]),
    )
    assert torch.allclose(network(waveforms, lengths), network(0.1 * waveforms + 0.3, lengths), atol=1e-4)
