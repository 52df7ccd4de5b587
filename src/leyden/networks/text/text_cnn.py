from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..lengths import padding_mask


class TextCNN(nn.Module):
    """Convolutions of several widths over word vectors, the maximum of each over the sample, then one linear layer.

    Tokens [batch, token] and lengths [batch] -> logits [batch, num_classes]. Every sample is framed by zero vectors of its
    own and windows that lie in the padding are left out of the maximum: a sample's result does not depend on its
    neighbours, in training neither, dropout aside.

    Source: Kim, Convolutional Neural Networks for Sentence Classification, 2014, https://arxiv.org/abs/1408.5882: the
    network that he calls CNN-rand, whose vectors are learnt with the rest.

    Args:
        vocab_size: token ids.
        num_classes: classes.
        dim: size of the vectors.
        num_filters: of each width.
        widths: of the windows, in words.
        dropout: probability, on the maxima.
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
        # Smaller than his 0.25: a rare word, hardly ever corrected, must not drown what was learnt of the common ones.
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
        """Vectors [batch, feature, token] -> the largest rectified response of each filter [batch, feature]."""
        responses = convolution(vectors).relu()
        windows = lengths + responses.shape[2] - vectors.shape[2]  # those that hold a word of the sample
        return responses.masked_fill(padding_mask(windows, responses.shape[2])[:, None], 0.0).amax(dim=2)
