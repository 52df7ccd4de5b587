"""Requirements on all networks for speech recognition."""

import torch
from torch.nn.functional import pad


def frames_follow_from_the_subsampling(network, subsampling):
    log_probs, frames = network(torch.randn(3, 2000), torch.tensor([2000, 1040, 1]))
    # 26, 14 and 1 frames of the spectrogram
    assert frames.tolist() == [-(-count // subsampling) for count in (26, 14, 1)]
    assert log_probs.shape == (3, frames.max(), 5)
    assert torch.allclose(log_probs.exp().sum(dim=2), torch.ones(log_probs.shape[:2]), atol=1e-5)


def padding_changes_no_row(network, length):
    network.eval()
    lengths = torch.tensor([2000, length, 1500])
    waveforms = torch.randn(3, 2000) * (torch.arange(2000) < lengths.unsqueeze(1))
    log_probs, frames = network(waveforms, lengths)
    alone, (count,) = network(waveforms[1:2, :length], lengths[1:2])
    longer, _ = network(pad(waveforms[1:2, :length], (0, 3000)), lengths[1:2])
    assert count == frames[1] == alone.shape[1]
    assert torch.allclose(log_probs[1, :count], alone[0], atol=1e-5)
    assert torch.allclose(longer[0, :count], alone[0], atol=1e-5)
