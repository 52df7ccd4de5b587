from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class AlignedTokens(NamedTuple):
    """Decoded tokens of one sample with their times."""

    tokens: Tensor  # int64 (token,)
    starts: Tensor  # in seconds (token,)
    ends: Tensor  # in seconds (token,)


class Alignments(Sequence[AlignedTokens]):
    """Decoded tokens of the samples of a batch; indexing aligns a sample with its waveform.

    Args:
        log_probs: log-probabilities (batch, frame, token); token 0 is the blank.
        frames: number of valid frames (batch,).
        tokens: decoded tokens of each sample.
        seconds: duration of each sample (batch,).
    """

    def __init__(self, log_probs: Tensor, frames: Tensor, tokens: list[list[int]], seconds: Tensor) -> None:
        self.log_probs, self.frames = log_probs.detach().cpu(), frames.tolist()
        self.tokens, self.seconds = tokens, seconds.tolist()

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, sample: int) -> AlignedTokens:  # pyrefly: ignore[bad-override]
        frames, tokens = self.frames[sample], self.tokens[sample]
        if not tokens:
            return AlignedTokens(torch.zeros(0, dtype=torch.int64), torch.zeros(0), torch.zeros(0))
        from torchaudio.functional import forced_align, merge_tokens  # imported late: most models need no torchaudio

        log_probs = self.log_probs[sample : sample + 1, :frames].contiguous()
        path, scores = forced_align(log_probs, torch.tensor([tokens], dtype=torch.int32))
        spans = merge_tokens(path[0], scores[0])
        bounds = torch.tensor([(span.start, span.end) for span in spans]) * (self.seconds[sample] / frames)
        return AlignedTokens(torch.tensor(tokens), bounds[:, 0], bounds[:, 1])
