import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Optimizer


class GradientNorm(Callback):
    """Logs the 2-norm of all gradients, before clipping, at the steps that are logged."""

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        if (trainer.global_step + 1) % trainer.log_every_n_steps == 0:
            norms = [p.grad.norm() for p in pl_module.parameters() if p.grad is not None]
            pl_module.log("train/gradient_norm", torch.stack(norms).norm())
