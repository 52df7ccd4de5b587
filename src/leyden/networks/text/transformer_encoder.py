import torch
from torch import Tensor, nn

from ..lengths import padding_mask
from .copy_word_vectors import copy_word_vectors


class TransformerEncoder(nn.Module):
    """Transformer encoder with pre-normalisation and learnt positions, mean pooling and one linear layer.

    Shape: tokens (batch, token) and lengths (batch,) -> logits (batch, num_classes). Padding is masked: the result of a
    sample does not depend on the others, except for dropout.

    Source: Vaswani et al., Attention Is All You Need, 2017, https://arxiv.org/abs/1706.03762.

    Args:
        vocab_size: number of token ids.
        num_classes: number of classes.
        max_tokens: maximum length of a sample.
        width: features per token.
        depth: number of layers.
        num_heads: number of attention heads, a divisor of `width`.
        dropout: dropout probability in the layers and of the embeddings.
        word_vectors: pretrained vectors (vocab_size, width); NaN for missing words.
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        max_tokens: int,
        width: int = 128,
        depth: int = 2,
        num_heads: int = 4,
        dropout: float = 0.1,
        word_vectors: Tensor | None = None,
    ) -> None:
        if depth < 1:
            raise ValueError(f"depth is {depth}; it must be at least 1")
        if num_heads < 1 or width < num_heads or width % num_heads:
            raise ValueError(f"width={width} and num_heads={num_heads}: width must be divisible by num_heads")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, width)
        if word_vectors is not None:
            copy_word_vectors(self.tokens.weight, word_vectors)
        self.positions = nn.Parameter(0.02 * torch.randn(max_tokens, width))
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            width, num_heads, 4 * width, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, num_classes)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if tokens.shape[1] > len(self.positions):
            raise ValueError(
                f"a sample has {tokens.shape[1]} tokens; expected at most max_tokens={len(self.positions)}"
            )
        padding = padding_mask(lengths, tokens.shape[1])
        embedded = self.dropout(self.tokens(tokens) + self.positions[: tokens.shape[1]])
        features = self.layers(embedded, src_key_padding_mask=padding).masked_fill(padding[..., None], 0.0)
        return self.head(features.sum(dim=1) / lengths[:, None])
