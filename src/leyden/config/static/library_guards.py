"""What constructors of libraries refuse late, not in words of the settings, or not at all: guards that the check reads.

Nothing here is imported. A class stands for the one that its docstring names, and has those of its arguments that are
judged. Whatever somebody may want is left out: a false alarm is worse than a miss.
"""

from ...errors import hint


class Trainer:
    """lightning.pytorch.Trainer"""

    def __init__(
        self, accelerator, strategy, devices, num_nodes, profiler, gradient_clip_algorithm, gradient_clip_val,
        accumulate_grad_batches, max_epochs, min_epochs, max_steps, min_steps, num_sanity_val_steps, log_every_n_steps,
        check_val_every_n_epoch, val_check_interval, reload_dataloaders_every_n_epochs, fast_dev_run, overfit_batches,
        limit_train_batches, limit_val_batches, limit_test_batches, limit_predict_batches,
    ):  # fmt: skip
        among(accelerator, "accelerator", ("auto", "cpu", "cuda", "gpu", "mps", "tpu"))
        strategies(strategy)
        device_numbers(devices, accelerator)
        at_least(num_nodes, 1)
        among(profiler, "profiler", ("advanced", "pytorch", "simple", "xla"))
        among(gradient_clip_algorithm, "gradient_clip_algorithm", ("norm", "value"))
        at_least(gradient_clip_val, 0)
        at_least(accumulate_grad_batches, 1)
        limit(max_epochs)
        limit(max_steps)
        at_least(min_epochs, 0)
        at_least(min_steps, 0)
        at_least(num_sanity_val_steps, -1)
        at_least(log_every_n_steps, 1)
        at_least(check_val_every_n_epoch, 1)
        part(val_check_interval, "the epoch would never be validated")
        at_least(reload_dataloaders_every_n_epochs, 0)
        at_least(fast_dev_run, 0)
        part(limit_train_batches, "nothing would be trained")
        part(limit_val_batches, "no checkpoint could be found best")
        part(limit_test_batches, "nothing would be tested")
        part(limit_predict_batches, "nothing would be predicted")
        if overfit_batches:
            part(overfit_batches, "nothing would be trained")


class ModelCheckpoint:
    """lightning.pytorch.callbacks.ModelCheckpoint"""

    def __init__(self, mode, save_top_k, every_n_train_steps, every_n_epochs):
        among(mode, "mode", ("min", "max"))
        at_least(save_top_k, -1)
        at_least(every_n_train_steps, 0)
        at_least(every_n_epochs, 0)


class EarlyStopping:
    """lightning.pytorch.callbacks.EarlyStopping"""

    def __init__(self, mode, patience):
        among(mode, "mode", ("min", "max"))
        at_least(patience, 0)


class Normalize:
    """torchvision.transforms.v2.Normalize"""

    def __init__(self, std):
        if std is not None and any(value <= 0 for value in std):
            raise ValueError(f"std is {std}; all of it must be above 0")


class StepLR:
    """torch.optim.lr_scheduler.StepLR"""

    def __init__(self, step_size):
        at_least(step_size, 1)


class CosineAnnealingLR:
    """torch.optim.lr_scheduler.CosineAnnealingLR"""

    def __init__(self, T_max):  # noqa: N803
        at_least(T_max, 1)


def at_least(value, least):
    if value is not None and value < least:
        raise ValueError(f"expected at least {least}, got {value}")


def among(value, what, names):
    if isinstance(value, str) and value.lower() not in names:
        raise ValueError(f"there is no {what} {value!r}{hint(value, names)}")


def limit(value):
    if value is not None and (value == 0 or value < -1):
        raise ValueError(f"expected at least 1, or -1 for no such limit, got {value}")


def part(value, otherwise):
    """Of an epoch: a whole number of batches, or a float up to 1.0 for a share of them."""
    if isinstance(value, (int, float)):
        if value <= 0:
            raise ValueError(f"{otherwise}; expected at least 1 batch, or a share such as 0.5, got {value}")
        if value > 1 and value % 1:
            raise ValueError(f"expected a whole number of batches, or a share of at most 1.0, got {value}")


def device_numbers(devices, accelerator):
    if isinstance(devices, int) and (devices == 0 or devices < -1 or (accelerator == "cpu" and devices < 0)):
        raise ValueError(f"expected at least 1, got {devices}")
    if (
        isinstance(devices, str)
        and devices != "auto"
        and not all(one.strip("- ").isdigit() for one in devices.split(","))
    ):
        raise ValueError(f"expected a number of devices, their numbers, or auto, got {devices!r}")
    if isinstance(devices, list) and accelerator == "cpu":
        raise ValueError("a CPU's devices have no numbers: give how many processes there are to be")
    if isinstance(devices, list) and (not devices or min(devices) < 0 or len(set(devices)) < len(devices)):
        raise ValueError(f"expected the numbers of devices, from 0 on and each once, got {devices}")


def strategies(strategy):
    parallel = ["ddp", "ddp_spawn", "ddp_fork", "ddp_notebook"]
    unused = [f"{name}_find_unused_parameters_{is_found}" for name in parallel for is_found in ("true", "false")]
    stages = ["stage_1", "stage_2", "stage_2_offload", "stage_3", "stage_3_offload", "stage_3_offload_nvme"]
    deepspeed = ["deepspeed", *[f"deepspeed_{stage}" for stage in stages]]
    others = ["auto", "single_device", "fsdp", "fsdp_cpu_offload", "xla", "xla_debug", "single_xla", "single_tpu"]
    among(strategy, "strategy", [*parallel, *unused, *deepspeed, *others])
