"""A trainer for tests of tasks: on the CPU, one epoch, without whatever it does beside training."""

from lightning.pytorch import Trainer

QUIET = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "max_epochs": 1,
}


def trainer(folder, **options):
    return Trainer(default_root_dir=folder, **QUIET | options)
