"""Warnings of other packages about what a run does on purpose: patterns of their messages. Imports no torch."""

import logging
import warnings

HARMLESS = [
    # Whole batches from memory are faster without workers, whatever the number of cores.
    ".*does not have many workers.*",
    # Ours gives every sample.
    ".*using a custom batch sampler.*for prediction.*",
    # It is the data module that resumes in the middle of an epoch, not the loader.
    ".*your dataloader is not resumable.*",
    # The launcher decides how a run is started.
    ".*`srun` command is available.*",
    # They are of all devices as they are.
    r".*self\.log\('train/(\w+_per_second|flops_utilization|data_wait|padding)', .*sync_dist",
    # The averaged weights are the checkpoint's.
    ".*WeightAveraging callback, but loading a checkpoint outside the 'fit'",
    # Lightning 2.6 calls what torch 2.14 deprecates.
    ".*LeafSpec.*is deprecated",
]


def silence_lightning() -> None:
    """Ignores these warnings, and logs of Lightning what is a warning, without handlers of its own.

    To be called after Lightning is imported, since the import sets up its handlers.
    """
    for message in HARMLESS:
        warnings.filterwarnings("ignore", message=message)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.WARNING)
