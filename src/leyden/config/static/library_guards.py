"""Guards for constructors of other libraries that report invalid arguments late, unclearly or not at all.

The check reads this module from source; it is never imported. Each class stands for the class in its docstring and has
the arguments that are checked. Values with any legitimate use are accepted: false positives are worse than misses.
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
        check_choice(accelerator, "accelerator", ("auto", "cpu", "cuda", "gpu", "mps", "tpu"))
        check_strategy(strategy)
        check_devices(devices, accelerator)
        check_minimum(num_nodes, 1)
        check_choice(profiler, "profiler", ("advanced", "pytorch", "simple", "xla"))
        check_choice(gradient_clip_algorithm, "gradient_clip_algorithm", ("norm", "value"))
        check_minimum(gradient_clip_val, 0)
        check_minimum(accumulate_grad_batches, 1)
        check_limit(max_epochs)
        check_limit(max_steps)
        check_minimum(min_epochs, 0)
        check_minimum(min_steps, 0)
        check_minimum(num_sanity_val_steps, -1)
        check_minimum(log_every_n_steps, 1)
        check_minimum(check_val_every_n_epoch, 1)
        check_fraction(val_check_interval, "the epoch would never be validated")
        check_minimum(reload_dataloaders_every_n_epochs, 0)
        check_minimum(fast_dev_run, 0)
        check_fraction(limit_train_batches, "nothing would be trained")
        check_fraction(limit_val_batches, "no checkpoint could be chosen as the best")
        check_fraction(limit_test_batches, "nothing would be tested")
        check_fraction(limit_predict_batches, "nothing would be predicted")
        if overfit_batches:
            check_fraction(overfit_batches, "nothing would be trained")


class ModelCheckpoint:
    """lightning.pytorch.callbacks.ModelCheckpoint"""

    def __init__(self, mode, save_top_k, every_n_train_steps, every_n_epochs):
        check_choice(mode, "mode", ("min", "max"))
        check_minimum(save_top_k, -1)
        check_minimum(every_n_train_steps, 0)
        check_minimum(every_n_epochs, 0)


class EarlyStopping:
    """lightning.pytorch.callbacks.EarlyStopping"""

    def __init__(self, mode, patience):
        check_choice(mode, "mode", ("min", "max"))
        check_minimum(patience, 0)


class Normalize:
    """torchvision.transforms.v2.Normalize"""

    def __init__(self, std):
        if std is not None and any(value <= 0 for value in std):
            raise ValueError(f"expected std above 0, got {std}")


class StepLR:
    """torch.optim.lr_scheduler.StepLR"""

    def __init__(self, step_size):
        check_minimum(step_size, 1)


class CosineAnnealingLR:
    """torch.optim.lr_scheduler.CosineAnnealingLR"""

    def __init__(self, T_max):  # noqa: N803
        check_minimum(T_max, 1)


def check_minimum(value, minimum):
    if value is not None and value < minimum:
        raise ValueError(f"expected at least {minimum}, got {value}")


def check_choice(value, argument, names):
    if isinstance(value, str) and value.lower() not in names:
        raise ValueError(f"there is no {argument} {value!r}{hint(value, names)}")


def check_limit(value):
    if value is not None and (value == 0 or value < -1):
        raise ValueError(f"expected at least 1, or -1 for no limit, got {value}")


def check_fraction(value, consequence):
    """Check a number of batches: an int, or a float up to 1.0 for a fraction of the epoch."""
    if isinstance(value, (int, float)):
        if value <= 0:
            raise ValueError(f"{consequence}; expected at least 1 batch, or a fraction such as 0.5, got {value}")
        if value > 1 and value % 1:
            raise ValueError(f"expected an integer number of batches, or a fraction of at most 1.0, got {value}")


def check_devices(devices, accelerator):
    if isinstance(devices, int) and (devices == 0 or devices < -1 or (accelerator == "cpu" and devices < 0)):
        raise ValueError(f"expected at least 1, got {devices}")
    if (
        isinstance(devices, str)
        and devices != "auto"
        and not all(index.strip("- ").isdigit() for index in devices.split(","))
    ):
        raise ValueError(f"expected a number of devices, device indices, or auto, got {devices!r}")
    if isinstance(devices, list) and accelerator == "cpu":
        raise ValueError(f"expected a number of processes on the CPU, got the device indices {devices}")
    if isinstance(devices, list) and (not devices or min(devices) < 0 or len(set(devices)) < len(devices)):
        raise ValueError(f"expected distinct device indices from 0, got {devices}")


def check_strategy(strategy):
    parallel = ["ddp", "ddp_spawn", "ddp_fork", "ddp_notebook"]
    unused = [f"{name}_find_unused_parameters_{is_found}" for name in parallel for is_found in ("true", "false")]
    stages = ["stage_1", "stage_2", "stage_2_offload", "stage_3", "stage_3_offload", "stage_3_offload_nvme"]
    deepspeed = ["deepspeed", *[f"deepspeed_{stage}" for stage in stages]]
    others = ["auto", "single_device", "fsdp", "fsdp_cpu_offload", "xla", "xla_debug", "single_xla", "single_tpu"]
    check_choice(strategy, "strategy", [*parallel, *unused, *deepspeed, *others])
