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
    """Pretrained wav2vec 2.0, HuBERT or XLS-R from torchaudio with a new output layer, for fine-tuning.

    Shape: waveforms (batch, time) and lengths (batch,) -> log-probabilities (batch, frame, num_tokens) and the number of
    valid frames (batch,), of 20 ms. The result of a sample does not depend on its padding: unlike in torchaudio,
    normalisation excludes it.

    Source: Baevski et al., wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations, 2020,
    https://arxiv.org/abs/2006.11477.

    Args:
        num_tokens: number of tokens, including the blank.
        sample_rate: of the waveforms, in Hz; they are resampled to the rate of the bundle.
        bundle: name in `torchaudio.pipelines`, such as WAV2VEC2_BASE (360 MB) or HUBERT_BASE.
        pretrained: download and load the weights; otherwise initialise randomly.
        freeze_extractor: do not train the convolutions, as in the paper.
        layer_drop: probability of skipping each Transformer layer in training. With more than 0, several devices need
            trainer.strategy=ddp_find_unused_parameters_true.

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
        pipeline = find_bundle(bundle)
        model = _download(bundle, pipeline) if pretrained else wav2vec2_model(**pipeline._params)
        self.extractor: Any = model.feature_extractor
        encoder: Any = model.encoder
        encoder.transformer.layer_drop = layer_drop
        self.encoder = encoder
        if freeze_extractor:
            self.extractor.requires_grad_(False)
        self.head = nn.Linear(encoder.feature_projection.projection.out_features, num_tokens)
        self.normalises_waveform = pipeline._normalize_waveform
        self.rates = (sample_rate, int(pipeline.sample_rate))
        self.resample = Resample(*self.rates)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        old, new = self.rates
        waveforms, lengths = self.resample(waveforms), -(-lengths * new // old)
        # Resampling leaks into the padding.
        waveforms = waveforms.masked_fill(padding_mask(lengths, waveforms.shape[1]), 0.0)
        # The receptive field of the convolutions is the minimum length: pad shorter waveforms.
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
        """Convolutions of the extractor: (batch, 1, time) -> (batch, feature, frame)."""
        for layer in self.extractor.conv_layers:
            features = layer.conv(features)
            frames = (frames - layer.kernel_size) // layer.stride + 1
            if isinstance(layer.layer_norm, nn.GroupNorm):  # one group per channel, over time
                gain, bias = layer.layer_norm.weight[:, None], layer.layer_norm.bias[:, None]
                features = normalise(features, frames) * gain + bias
            elif layer.layer_norm is not None:
                features = layer.layer_norm(features)
            features = gelu(features)
        return features, frames


def normalise(features: Tensor, frames: Tensor) -> Tensor:
    """Normalise each sample and channel to mean 0 and variance 1 over its first `frames` (batch,)."""
    with torch.autocast(features.device.type, enabled=False):
        features = features.float()
        valid = (~padding_mask(frames, features.shape[2])).unsqueeze(1).float()
        count = frames[:, None, None]
        centred = features - (features * valid).sum(dim=2, keepdim=True) / count
        variance = (centred * valid).square().sum(dim=2, keepdim=True) / count
        return centred * (variance + 1e-5).rsqrt()


def find_bundle(name: str) -> Any:
    """A torchaudio bundle, by name.

    Raises:
        UserError: there is no such bundle of the wav2vec 2.0 family.
    """
    names = [key for key in dir(torchaudio.pipelines) if key.startswith(("WAV2VEC2_", "HUBERT_"))]
    if name not in names:
        near = hint(name, names, few=0) or f"; it has {', '.join(names)}"
        raise UserError(f"torchaudio.pipelines has no wav2vec 2.0 bundle {name!r}{near}")
    return getattr(torchaudio.pipelines, name)


def _download(name: str, bundle: Any) -> Any:
    try:
        model = bundle.get_model()
    except (OSError, RuntimeError) as error:  # no network, or a damaged file
        raise UserError(
            f"cannot download the weights of {name}: {error}\n"
            f"Put {bundle._path.rpartition('/')[2]} into {torch.hub.get_dir()}/checkpoints, or set pretrained=false."
        ) from error
    return getattr(model, "model", model)  # some bundles wrap the model to normalise the waveform
