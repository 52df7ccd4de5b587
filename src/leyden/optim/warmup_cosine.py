import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warmup_cosine(optimizer: Optimizer, total_steps: int, warmup_fraction: float = 0.1) -> LambdaLR:
    """The learning rate rises in a line over the first part of training and falls to zero along half a cosine.

    Source: Loshchilov and Hutter, SGDR, 2017, https://arxiv.org/abs/1608.03983, without restarts.

    Args:
        optimizer: its learning rate is the highest point.
        total_steps: optimizer steps of the whole training.
        warmup_fraction: share of the steps that rise.
    """
    if not 0 <= warmup_fraction < 1:
        raise ValueError(f"warmup_fraction is {warmup_fraction}; it must be at least 0 and below 1")
    rise = max(1, round(total_steps * warmup_fraction))

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total_steps - rise)))

    return LambdaLR(optimizer, factor)
