import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Optimizer

from .lightning_internals import is_logging_step, takes_scale_back


class GradientMonitor(Callback):
    """Logs the learning rate (the highest, where layers differ) and, before clipping, the 2-norm of all gradients, at
    the steps that are logged.
    """

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        if is_logging_step(trainer):
            norms = [p.grad.norm() for p in pl_module.parameters() if p.grad is not None]
            if not norms:  # the step is left out
                return
            norm = torch.stack(norms).norm()
            if hasattr(norm, "full_tensor"):  # of a sharded network
                norm = norm.full_tensor()
            scaler = getattr(trainer.precision_plugin, "scaler", None)
            if scaler and takes_scale_back(optimizer):
                norm = norm / scaler.get_scale()  # of float16, which a fused optimizer takes back in its step
            pl_module.log("train/gradient_norm", norm)
            pl_module.log("train/learning_rate", max(group["lr"] for group in optimizer.param_groups))
