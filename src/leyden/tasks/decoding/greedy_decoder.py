import torch
from torch import Tensor


def greedy_decoder(log_probs: Tensor, frames: Tensor) -> list[list[int]]:
    """Most likely token of each frame, without repetitions and blanks.

    Source: Graves et al., Connectionist Temporal Classification, 2006, https://doi.org/10.1145/1143844.1143891.

    Args:
        log_probs: log-probabilities (batch, frame, token); token 0 is the blank.
        frames: number of valid frames (batch,).

    Returns:
        The tokens of each sample.
    """
    best = log_probs.argmax(dim=2)
    is_new = torch.ones_like(best, dtype=torch.bool)
    is_new[:, 1:] = best[:, 1:] != best[:, :-1]
    is_valid = torch.arange(best.shape[1], device=best.device) < frames.unsqueeze(1)
    is_kept = is_new & is_valid & (best != 0)
    return [tokens[kept].tolist() for tokens, kept in zip(best.cpu(), is_kept.cpu(), strict=True)]
