from typing import Any

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn.functional import gelu, pad
from torchaudio.models import wav2vec2_model
from torchaudio.transforms import Resample

from ...errors import UserError, hint
from ..lengths import padding_mask


class Wav2Vec2(nn.Module):
    """A pretrained wav2vec 2.0, HuBERT or XLS-R of torchaudio with a new last layer, for fine-tuning.

    Waveforms [batch, time] and their lengths [batch] -> log-probabilities [batch, frame, num_tokens] and the numbers of
    valid frames [batch], of 20 ms. A sample's result does not depend on its neighbours: where torchaudio normalises over
    the padding, too, here each sample is normalised over its own sound.

    Source: Baevski et al., wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations, 2020,
    https://arxiv.org/abs/2006.11477.

    Args:
        num_tokens: tokens, with the blank.
        sample_rate: of the waveforms, in Hz; they are resampled to that of the bundle.
        bundle: name in `torchaudio.pipelines`, such as WAV2VEC2_BASE (360 MB) or HUBERT_BASE.
        pretrained: download and load the weights; else start from random ones.
        freeze_extractor: keep the convolutions as they are, as the paper does.
        layer_drop: probability of leaving out each Transformer layer while training. With more than 0, several devices
            need trainer.strategy=ddp_find_unused_parameters_true.

    Raises:
        UserError: there is no such bundle, or its weights cannot be downloaded.
    """

    def __init__(
        self,
        num_tokens: int,
        sample_rate: int,
        bundle: str = "WAV2VEC2_BASE",
        pretrained: bool = True,
        freeze_extractor: bool = True,
        layer_drop: float = 0.0,
    ) -> None:
        if not 0 <= layer_drop < 1:
            raise ValueError(f"layer_drop is {layer_drop}; expected a probability below 1")
        super().__init__()
        found = find_bundle(bundle)
        model = _fetch(bundle, found) if pretrained else wav2vec2_model(**found._params)
        self.extractor: Any = model.feature_extractor
        encoder: Any = model.encoder
        encoder.transformer.layer_drop = layer_drop
        self.encoder = encoder
        if freeze_extractor:
            self.extractor.requires_grad_(False)
        self.head = nn.Linear(encoder.feature_projection.projection.out_features, num_tokens)
        self.normalises_waveform = found._normalize_waveform
        self.rates = (sample_rate, int(found.sample_rate))
        self.resample = Resample(*self.rates)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        old, new = self.rates
        waveforms, lengths = self.resample(waveforms), -(-lengths * new // old)
        # Resampling rings on into the padding.
        waveforms = waveforms.masked_fill(padding_mask(lengths, waveforms.shape[1]), 0.0)
        # The convolutions see this many samples at once: what is shorter gets some silence.
        shortest = 1
        for layer in reversed(self.extractor.conv_layers):
            shortest = (shortest - 1) * layer.stride + layer.kernel_size
        waveforms, lengths = pad(waveforms, (0, max(0, shortest - waveforms.shape[1]))), lengths.clamp(min=shortest)
        features = waveforms.unsqueeze(1)
        if self.normalises_waveform:
            features = normalise(features, lengths)
        features, frames = self._extract(features, lengths)
        features = self.encoder(features.transpose(1, 2), frames)
        return self.head(features).float().log_softmax(dim=2), frames

    def _extract(self, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """The convolutions of the extractor: [batch, 1, time] -> [batch, feature, frame]."""
        for layer in self.extractor.conv_layers:
            features = layer.conv(features)
            frames = (frames - layer.kernel_size) // layer.stride + 1
            if isinstance(layer.layer_norm, nn.GroupNorm):  # a group is a channel, over all of the time
                gain, bias = layer.layer_norm.weight[:, None], layer.layer_norm.bias[:, None]
                features = normalise(features, frames) * gain + bias
            elif layer.layer_norm is not None:
                features = layer.layer_norm(features)
            features = gelu(features)
        return features, frames


def normalise(features: Tensor, frames: Tensor) -> Tensor:
    """Mean 0 and variance 1 of each sample and channel over its first `frames` [batch], where the rest does not count."""
    with torch.autocast(features.device.type, enabled=False):
        features = features.float()
        valid = (~padding_mask(frames, features.shape[2])).unsqueeze(1).float()
        count = frames[:, None, None]
        centred = features - (features * valid).sum(dim=2, keepdim=True) / count
        variance = (centred * valid).square().sum(dim=2, keepdim=True) / count
        return centred * (variance + 1e-5).rsqrt()


def find_bundle(name: str) -> Any:
    """A bundle of torchaudio by its name.

    Raises:
        UserError: there is none, or it is none of the wav2vec 2.0 family.
    """
    known = [key for key in dir(torchaudio.pipelines) if key.startswith(("WAV2VEC2_", "HUBERT_"))]
    if name not in known:
        near = hint(name, known, few=0) or f"; it has {', '.join(known)}"
        raise UserError(f"torchaudio.pipelines has no wav2vec 2.0 bundle {name!r}{near}")
    return getattr(torchaudio.pipelines, name)


def _fetch(name: str, bundle: Any) -> Any:
    try:
        model = bundle.get_model()
    except (OSError, RuntimeError) as error:  # no network, or a broken file
        raise UserError(
            f"the weights of {name} cannot be fetched: {error}\n"
            f"Put {bundle._path.rpartition('/')[2]} into {torch.hub.get_dir()}/checkpoints, or set pretrained=false."
        ) from error
    return getattr(model, "model", model)  # some are wrapped to normalise the waveform
