import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, pad

from ..lengths import padding_mask
from .start_from import start_from


class FastText(nn.Module):
    """The mean of the vectors of all words and runs of words, then one linear layer.

    Tokens [batch, token] and lengths [batch] -> logits [batch, num_classes]. A run of words has no id of its own: its
    ids are hashed into `num_buckets` rows of the table. Runs begin before the first word, so that the network can tell
    which word comes first. Padding has no weight: a sample's result does not depend on its neighbours, in training neither,
    dropout aside.

    Source: Joulin et al., Bag of Tricks for Efficient Text Classification, 2016, https://arxiv.org/abs/1607.01759.

    Args:
        vocab_size: token ids, of which 0 may not be a word.
        num_classes: classes.
        dim: size of the vectors.
        max_ngram: the longest run, in words; 1 takes single words only.
        num_buckets: vectors shared by all runs of two words and more.
        dropout: probability, on the mean.
        word_vectors: vectors to start from [vocab_size, dim]; NaN for the words that have none.
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
        # As in fastText: small, so that rare runs of words do not drown what was learnt of the common ones.
        self.vectors = nn.Parameter(torch.empty(rows, dim).uniform_(-1 / dim, 1 / dim))
        if word_vectors is not None:
            start_from(self.vectors, word_vectors)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        share = ~padding_mask(lengths, tokens.shape[1]) / (lengths[:, None] * self.max_ngram)
        rows = torch.cat([self.ngrams(tokens, size) for size in range(1, self.max_ngram + 1)], dim=1)
        weights = share.to(self.vectors.dtype).repeat(1, self.max_ngram)
        mean = embedding_bag(rows, self.vectors, per_sample_weights=weights, mode="sum")
        return self.head(self.dropout(mean))

    def ngrams(self, tokens: Tensor, size: int) -> Tensor:
        """Tokens [batch, token] -> rows of the table for the runs of `size` words that end at each token."""
        if size == 1:
            return tokens
        key = torch.zeros_like(tokens)
        for back in range(size):
            previous = pad(tokens, (back, 0))[:, : tokens.shape[1]]
            key = (key + previous) * 0x9E3779B1 % 0x7FFFFFFF  # a multiplicative hash that cannot overflow 63 bits
        return self.vocab_size + key % self.num_buckets
