import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention, silu

from .key_value_cache import KeyValueCache
from .rotary_positions import RotaryPositions


class GPT(nn.Module):
    """Decoder-only Transformer with pre-normalisation, rotary position embeddings and tied embeddings.

    Shape: tokens (batch, token) -> logits of the next token (batch, token, vocab_size). Attention is causal, so padding at
    the end has no effect. With a `KeyValueCache`, `tokens` continue the tokens in the cache.

    Source: Radford et al., Language Models are Unsupervised Multitask Learners, 2019, with the rotary positions of
    Su et al., 2021; output tied to the embedding after Press and Wolf, 2017, https://arxiv.org/abs/1608.05859.

    Args:
        vocab_size: number of token ids.
        max_tokens: maximum length of a sample.
        width: features per token.
        depth: number of layers.
        num_heads: number of attention heads; `width / num_heads` must be an even integer.
        activation: of the feed-forward networks: `gelu`, or the gated `swiglu` of Shazeer, 2020,
            https://arxiv.org/abs/2002.05202, with the same number of parameters.
        dropout: dropout probability of the embeddings and of the output of each sublayer.
    """

    def __init__(
        self,
        vocab_size: int,
        max_tokens: int,
        width: int = 128,
        depth: int = 4,
        num_heads: int = 4,
        activation: Literal["gelu", "swiglu"] = "gelu",
        dropout: float = 0.0,
    ) -> None:
        if depth < 1:
            raise ValueError(f"depth is {depth}; it must be at least 1")
        if num_heads < 1 or width < num_heads or width % (2 * num_heads):
            raise ValueError(f"width={width} and num_heads={num_heads}: width / num_heads must be an even integer")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__()
        self.max_tokens, self.depth = max_tokens, depth
        self.tokens = nn.Embedding(vocab_size, width)
        self.dropout = nn.Dropout(dropout)
        positions = RotaryPositions(width // num_heads, max_tokens)
        self.blocks = nn.ModuleList(
            Block(layer, width, num_heads, activation, dropout, positions) for layer in range(depth)
        )
        self.norm = nn.LayerNorm(width, bias=False)
        self.apply(self._initialize)

    def forward(self, tokens: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        length = tokens.shape[1] + (cache.length if cache else 0)
        if length > self.max_tokens:
            raise ValueError(f"a sample has {length} tokens; expected at most max_tokens={self.max_tokens}")
        features = self.dropout(self.tokens(tokens))
        for block in self.blocks:
            features = block(features, cache)
        if cache:
            cache.length = length
        return linear(self.norm(features), self.tokens.weight)

    def new_cache(self) -> KeyValueCache:
        return KeyValueCache(self.depth)

    def _initialize(self, module: nn.Module) -> None:
        """Normal initialization as in GPT-2, with the standard deviation of residual outputs scaled by depth."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, Block):
            for last in (module.attention.out, module.feed_forward.out):
                nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * self.depth))


class Block(nn.Module):
    """Transformer layer with residual connections: attention, then a feed-forward network (batch, token, feature)."""

    def __init__(
        self, layer: int, width: int, num_heads: int, activation: str, dropout: float, positions: RotaryPositions
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.attention = CausalSelfAttention(layer, width, num_heads, positions)
        self.feed_forward_norm = nn.LayerNorm(width, bias=False)
        self.feed_forward = SwiGLU(width) if activation == "swiglu" else MLP(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, cache: KeyValueCache | None) -> Tensor:
        features = features + self.dropout(self.attention(self.attention_norm(features), cache))
        return features + self.dropout(self.feed_forward(self.feed_forward_norm(features)))


class CausalSelfAttention(nn.Module):
    """Causal multi-head self-attention (batch, token, feature)."""

    def __init__(self, layer: int, width: int, num_heads: int, positions: RotaryPositions) -> None:
        super().__init__()
        self.layer, self.num_heads, self.positions = layer, num_heads, positions
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, features: Tensor, cache: KeyValueCache | None) -> Tensor:
        cached, new = cache.length if cache else 0, features.shape[1]
        shared = self.queries_keys_values(features).unflatten(-1, (3, self.num_heads, -1))
        shared = shared.permute(2, 0, 3, 1, 4)  # queries, keys and values, each (batch, head, token, feature)
        (queries, keys), values = self.positions(shared[:2], cached), shared[2]
        if cache:
            keys, values = cache.extend(self.layer, keys, values)
        visible = None
        if cached and new > 1:
            visible = torch.ones(new, cached + new, dtype=torch.bool, device=features.device).tril(cached)
        mixed = scaled_dot_product_attention(queries, keys, values, attn_mask=visible, is_causal=not cached and new > 1)
        return self.out(mixed.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """Feed-forward network with GELU and one hidden layer of four times the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, 4 * width, bias=False)
        self.out = nn.Linear(4 * width, width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.out(gelu(self.hidden(features)))


class SwiGLU(nn.Module):
    """Feed-forward network with the gated activation SiLU(gate) * hidden."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = 8 * width // 3
        self.gate_and_hidden = nn.Linear(width, 2 * hidden, bias=False)
        self.out = nn.Linear(hidden, width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        gate, hidden = self.gate_and_hidden(features).chunk(2, dim=-1)
        return self.out(silu(gate) * hidden)
