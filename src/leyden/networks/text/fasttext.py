import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, pad

from ..lengths import padding_mask
from .copy_word_vectors import copy_word_vectors


class FastText(nn.Module):
    """fastText: the mean of word and n-gram vectors, followed by one linear layer.

    Shape: tokens (batch, token) and lengths (batch,) -> logits (batch, num_classes). N-grams are hashed to `num_buckets`
    rows of the table. They start before the first word, so that the network can recognise it. Padding has no weight: the
    result of a sample does not depend on the others, except for dropout.

    Source: Joulin et al., Bag of Tricks for Efficient Text Classification, 2016, https://arxiv.org/abs/1607.01759.

    Args:
        vocab_size: number of token ids; 0 must not be a word.
        num_classes: number of classes.
        dim: size of the vectors.
        max_ngram: maximum n-gram length in words; 1 for single words only.
        num_buckets: number of vectors shared by all n-grams of two or more words.
        dropout: dropout probability of the mean.
        word_vectors: pretrained vectors (vocab_size, dim); NaN for missing words.
    """

    def __init__(
        self,
        vocab_size: int,
        num_classes: int,
        dim: int = 64,
        max_ngram: int = 2,
        num_buckets: int = 20_000,
        dropout: float = 0.2,
        word_vectors: Tensor | None = None,
    ) -> None:
        if dim < 1:
            raise ValueError(f"dim is {dim}; it must be at least 1")
        if max_ngram < 1:
            raise ValueError(f"max_ngram is {max_ngram}; it must be at least 1")
        if num_buckets < 1:
            raise ValueError(f"num_buckets is {num_buckets}; it must be at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a probability below 1")
        super().__init__()
        self.vocab_size, self.max_ngram, self.num_buckets = vocab_size, max_ngram, num_buckets
        rows = vocab_size + (max_ngram > 1) * num_buckets
        # Small, as in fastText, so that rare n-grams do not dominate the trained vectors of frequent ones.
        self.vectors = nn.Parameter(torch.empty(rows, dim).uniform_(-1 / dim, 1 / dim))
        if word_vectors is not None:
            copy_word_vectors(self.vectors, word_vectors)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        share = ~padding_mask(lengths, tokens.shape[1]) / (lengths[:, None] * self.max_ngram)
        rows = torch.cat([self.ngrams(tokens, size) for size in range(1, self.max_ngram + 1)], dim=1)
        weights = share.to(self.vectors.dtype).repeat(1, self.max_ngram)
        mean = embedding_bag(rows, self.vectors, per_sample_weights=weights, mode="sum")
        return self.head(self.dropout(mean))

    def ngrams(self, tokens: Tensor, size: int) -> Tensor:
        """Rows of the table (batch, token) for the n-grams of `size` words that end at each token (batch, token)."""
        if size == 1:
            return tokens
        key = torch.zeros_like(tokens)
        for back in range(size):
            previous = pad(tokens, (back, 0))[:, : tokens.shape[1]]
            key = (key + previous) * 0x9E3779B1 % 0x7FFFFFFF  # a multiplicative hash within 63 bits
        return self.vocab_size + key % self.num_buckets
