import torch
from torch import Tensor, nn


class CharacterBiLSTM(nn.Module):
    """An LSTM in each direction over the tokens, and two linear layers on the states of both.

    Tokens (batch, token) and their lengths (batch) -> logits (batch, token).

    Source: Yao and Huang, Bi-directional LSTM Recurrent Neural Network for Chinese Word Segmentation, 2016,
    https://arxiv.org/abs/1602.04874.

    Args:
        vocab_size: token ids.
        dim: size of the embeddings.
        width: size of the states of each LSTM.
    """

    def __init__(self, vocab_size: int, dim: int = 32, width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, dim)
        self.forwards = nn.LSTM(dim, width, batch_first=True)
        self.backwards = nn.LSTM(dim, width, batch_first=True)
        self.head = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        place, lengths = torch.arange(tokens.shape[1], device=tokens.device), lengths.unsqueeze(1)
        mirrored = torch.where(place < lengths, lengths - 1 - place, place)  # padding stays at the end
        forwards, _ = self.forwards(self.embedding(tokens))
        backwards, _ = self.backwards(self.embedding(tokens.gather(1, mirrored)))
        backwards = backwards.gather(1, mirrored.unsqueeze(2).expand_as(backwards))
        return self.head(torch.cat([forwards, backwards], dim=2)).squeeze(2)
