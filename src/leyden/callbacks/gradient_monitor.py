import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Optimizer

from .lightning_internals import is_logging_step, unscales_in_step


class GradientMonitor(Callback):
    """Log the learning rate (the highest of all parameter groups) and the L2 norm of all gradients before clipping."""

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        if is_logging_step(trainer):
            norms = [p.grad.norm() for p in pl_module.parameters() if p.grad is not None]
            if not norms:  # the step is skipped
                return
            norm = torch.stack(norms).norm()
            if hasattr(norm, "full_tensor"):  # a sharded network
                norm = norm.full_tensor()
            scaler = getattr(trainer.precision_plugin, "scaler", None)
            if scaler and unscales_in_step(optimizer):
                norm = norm / scaler.get_scale()  # a fused optimizer unscales float16 gradients in its step
            pl_module.log("train/gradient_norm", norm)
            pl_module.log("train/learning_rate", max(group["lr"] for group in optimizer.param_groups))
