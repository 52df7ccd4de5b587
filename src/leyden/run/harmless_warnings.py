"""Warnings of other packages about intended behavior, by patterns of their messages. Torch-free."""

import logging
import warnings

HARMLESS = [
    # Whole batches from memory are faster without workers.
    ".*does not have many workers.*",
    # Our batch sampler yields every sample.
    ".*using a custom batch sampler.*for prediction.*",
    # The data module, not the loader, resumes in the middle of an epoch.
    ".*your dataloader is not resumable.*",
    # The launcher decides how a run is started.
    ".*`srun` command is available.*",
    # These metrics are already those of all devices.
    r".*self\.log\('train/(\w+_per_second|flops_utilization|data_wait|padding)', .*sync_dist",
    # A resumed run continues in its own directory.
    "Checkpoint directory .* exists and is not empty",
    # Checkpoints contain the averaged weights.
    ".*WeightAveraging callback, but loading a checkpoint outside the 'fit'",
    # `TaskContract` names the task.
    ".*`training_step` returned `None`",
    # Lightning 2.6 uses what torch 2.14 deprecates.
    ".*LeafSpec.*is deprecated",
]


def silence_lightning() -> None:
    """Ignore these warnings, set Lightning's log level to WARNING and remove its log handlers.

    Call it after Lightning is imported, since the import adds the handlers.
    """
    for message in HARMLESS:
        warnings.filterwarnings("ignore", message=message)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.WARNING)
