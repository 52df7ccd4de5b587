import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warmup_stable_decay(
    optimizer: Optimizer, total_steps: int, warmup_steps: int = 100, decay_steps: int = 0
) -> LambdaLR:
    """Linear warmup, a constant rate, and a decay to zero in the last steps (WSD).

    Until the decay, the rates do not depend on the number of steps: a run without decay can be extended with
    `leyden resume RUN trainer.max_epochs=N`, and with `model.scheduler.decay_steps=M` its last steps decay.

    Source: Hu et al., MiniCPM, 2024, section 4, https://arxiv.org/abs/2404.06395; the shape of the decay, 1 - sqrt, is
    that of Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations, 2024,
    https://arxiv.org/abs/2405.18392, who recommend 10 to 20 % of all steps.

    Args:
        optimizer: its learning rate is the maximum.
        total_steps: total number of optimizer steps.
        warmup_steps: number of steps for warmup.
        decay_steps: number of steps for the decay at the end; 0 for none.

    Raises:
        ValueError: a number is negative, or the decay begins before the end of the warmup.
    """
    if warmup_steps < 0:
        raise ValueError(f"warmup_steps is {warmup_steps}; it must not be negative")
    if decay_steps < 0:
        raise ValueError(f"decay_steps is {decay_steps}; it must not be negative")
    if decay_steps and warmup_steps + decay_steps > total_steps:
        raise ValueError(
            f"warmup_steps={warmup_steps} and decay_steps={decay_steps} are more than the {total_steps} steps of the training"
        )
    decay_begin = total_steps - decay_steps

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        if not decay_steps or step < decay_begin:
            return 1.0
        return 1 - math.sqrt(min(1.0, (step - decay_begin) / decay_steps))

    return LambdaLR(optimizer, factor)
