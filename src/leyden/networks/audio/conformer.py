from typing import Literal

import torch
from torch import Tensor, nn
from torchaudio.models.conformer import ConformerLayer

from ..lengths import padding_mask
from .mel_spectrogram import LogMelSpectrogram, valid_frames

STRIDES = {1: (1, 1), 2: (2, 1), 4: (2, 2)}  # subsampling factor -> strides of the two convolutions


class Conformer(nn.Module):
    """Conformer for speech recognition: mel spectrogram, two strided 3 x 3 convolutions, torchaudio's Conformer layers.

    Shape: waveforms (batch, time) and lengths (batch,) -> log-probabilities (batch, frame, num_tokens) and the number of
    valid frames (batch,). In evaluation, the result of a sample does not depend on its padding.

    Source: Gulati et al., Conformer: Convolution-augmented Transformer for Speech Recognition, 2020,
    https://arxiv.org/abs/2005.08100, without positional encoding, as in torchaudio.

    Args:
        num_tokens: number of tokens, including the blank.
        sample_rate: of the waveforms, in Hz.
        num_mels: number of mel bands.
        num_channels: channels of the strided convolutions.
        subsampling: number of 10 ms spectrogram frames per output frame. A transcript needs at least as many output
            frames as tokens, plus one for each repeated token.
        width: features per frame.
        depth: number of Conformer layers.
        num_heads: number of attention heads, a divisor of `width`.
        kernel_size: kernel size of the depthwise convolution; odd.
        attention_frames: number of frames on each side to attend to; by default, all. With a small training set,
            unlimited attention overfits to whole transcripts.
        dropout: dropout probability.
        mask_mels, mask_frames: maximum width of SpecAugment masks in training, see `LogMelSpectrogram`.
    """

    def __init__(
        self,
        num_tokens: int,
        sample_rate: int,
        num_mels: int = 40,
        num_channels: int = 32,
        subsampling: Literal[1, 2, 4] = 4,
        width: int = 144,
        depth: int = 4,
        num_heads: int = 4,
        kernel_size: int = 31,
        attention_frames: int | None = None,
        dropout: float = 0.1,
        mask_mels: int = 0,
        mask_frames: int = 0,
    ) -> None:
        if subsampling not in (1, 2, 4):
            raise ValueError(f"subsampling is {subsampling}; it must be 1, 2 or 4")
        if num_channels < 1:
            raise ValueError(f"num_channels is {num_channels}; it must be at least 1")
        if depth < 1:
            raise ValueError(f"depth is {depth}; it must be at least 1")
        if num_heads < 1 or width < num_heads or width % num_heads:
            raise ValueError(f"width={width} and num_heads={num_heads}: width must be divisible by num_heads")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; it must be odd")
        if attention_frames is not None and attention_frames < 0:
            raise ValueError(f"attention_frames is {attention_frames}; it must not be negative")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__()
        self.spectrogram = LogMelSpectrogram(sample_rate, num_mels, mask_mels=mask_mels, mask_frames=mask_frames)
        self.num_heads, self.attention_frames, self.strides = num_heads, attention_frames, STRIDES[subsampling]
        convolutions = zip((1, num_channels), self.strides, strict=True)
        self.subsampling = nn.ModuleList(_strided(before, num_channels, stride) for before, stride in convolutions)
        self.projection = nn.Linear(num_channels * -(-num_mels // 4), width)
        self.dropout = nn.Dropout(dropout)
        layers = (MaskedConformerLayer(width, 4 * width, num_heads, kernel_size, dropout) for _ in range(depth))
        self.layers = nn.ModuleList(layers)
        self.head = nn.Linear(width, num_tokens)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        features, frames = self.spectrogram(waveforms, lengths)
        for convolution, stride in zip(self.subsampling, self.strides, strict=True):
            frames = (frames + stride - 1) // stride
            features = convolution(features)
            # Padding must be 0 in the next convolution.
            features = features * valid_frames(features, frames)
        features = self.dropout(self.projection(features.flatten(1, 2).transpose(1, 2)))
        padding = padding_mask(frames, features.shape[1])
        unseen = self._unseen(padding)
        features = features.transpose(0, 1)
        for layer in self.layers:
            features = layer(features, padding, unseen)
        return self.head(features.transpose(0, 1)).float().log_softmax(dim=2), frames

    def _unseen(self, padding: Tensor) -> Tensor | None:
        """Mask (batch * head, frame, frame) of frames not to attend to; None if only padding is masked."""
        if self.attention_frames is None:
            return None
        position = torch.arange(padding.shape[1], device=padding.device)
        distance = (position[:, None] - position).abs()
        unseen = (distance > self.attention_frames) | padding[:, None]
        # Keep the diagonal: attention to no frame would be NaN.
        return (unseen & (distance > 0)).repeat_interleave(self.num_heads, dim=0)


class MaskedConformerLayer(ConformerLayer):
    """torchaudio's layer, but with zero padding in the depthwise convolution.

    torchaudio masks padding only in the attention; the convolution would mix it into the last frames of a sample.
    """

    def forward(self, input: Tensor, key_padding_mask: Tensor | None, unseen: Tensor | None = None) -> Tensor:
        """Features (frame, batch, feature) and padding mask (batch, frame) -> features of the same shape.

        `unseen` (batch * head, frame, frame), a mask of frames not to attend to, must include the padding.
        """
        features = input + 0.5 * self.ffn1(input)
        queries = self.self_attn_layer_norm(features)
        masks = {"key_padding_mask": key_padding_mask} if unseen is None else {"attn_mask": unseen}
        attended, _ = self.self_attn(queries, queries, queries, need_weights=False, **masks)
        features = features + self.self_attn_dropout(attended)
        features = features + self._convolve(features, key_padding_mask)
        features = features + 0.5 * self.ffn2(features)
        return self.final_layer_norm(features)

    def _convolve(self, features: Tensor, padding: Tensor | None) -> Tensor:
        gate, convolution = self.conv_module.sequential[:2], self.conv_module.sequential[2:]
        gated = gate(self.conv_module.layer_norm(features).permute(1, 2, 0))  # (batch, feature, frame)
        if padding is not None:
            gated = gated.masked_fill(padding.unsqueeze(1), 0.0)
        return convolution(gated).permute(2, 0, 1)


def _strided(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """A convolution with stride 2 over frequency and `stride` over time."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=(2, stride), padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )
