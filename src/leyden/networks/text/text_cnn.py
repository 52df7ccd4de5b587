from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..lengths import padding_mask


class TextCNN(nn.Module):
    """Convolutional network for text: convolutions of several widths over word vectors, max pooling, one linear layer.

    Shape: tokens (batch, token) and lengths (batch,) -> logits (batch, num_classes). Every sample is padded with zeros and
    windows outside it are excluded from the maximum: its result does not depend on the others, except for dropout.

    Source: Kim, Convolutional Neural Networks for Sentence Classification, 2014, https://arxiv.org/abs/1408.5882: the
    variant CNN-rand, whose word vectors are trained from scratch.

    Args:
        vocab_size: number of token ids.
        num_classes: number of classes.
        dim: size of the word vectors.
        num_filters: number of filters of each width.
        widths: window widths in words.
        dropout: dropout probability of the maxima.
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        dim: int = 64,
        num_filters: int = 64,
        widths: Sequence[int] = (2, 3, 4),
        dropout: float = 0.5,
    ) -> None:
        if dim < 1:
            raise ValueError(f"dim is {dim}; it must be at least 1")
        if num_filters < 1:
            raise ValueError(f"num_filters is {num_filters}; it must be at least 1")
        if not widths or min(widths) < 1:
            raise ValueError(f"widths is {widths}; expected one width or more, each at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__()
        self.vectors = nn.Embedding(vocab_size, dim)
        # Smaller than the paper's 0.25, so that rare words do not dominate the trained vectors of frequent ones.
        nn.init.uniform_(self.vectors.weight, -2 / dim, 2 / dim)
        self.convolutions = nn.ModuleList(nn.Conv1d(dim, num_filters, width, padding=width - 1) for width in widths)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(num_filters * len(widths), num_classes)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        padding = padding_mask(lengths, tokens.shape[1])
        vectors = self.vectors(tokens).masked_fill(padding[..., None], 0.0)
        maxima = [self.maximum(convolution, vectors.mT, lengths) for convolution in self.convolutions]
        return self.head(self.dropout(torch.cat(maxima, dim=1)))

    @staticmethod
    def maximum(convolution: nn.Module, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Maximum rectified response of each filter (batch, feature) over vectors (batch, feature, token)."""
        responses = convolution(vectors).relu()
        windows = lengths + responses.shape[2] - vectors.shape[2]  # those with a word of the sample
        return responses.masked_fill(padding_mask(windows, responses.shape[2])[:, None], 0.0).amax(dim=2)
