"""Callbacks of Lightning that do not work with resumable runs, each with an alternative.

Tests verify that all others work. Torch-free, since the configuration check imports it.
"""

from collections.abc import Iterable

BAR = "a run shows its own progress bar on a terminal and logs lines elsewhere; remove it"

CALLBACKS = {
    "BackboneFinetuning": (
        "it unfreezes a `backbone`, which tasks here do not have; model.frozen=[PART,...] freezes parts of the network, "
        "model.layer_decay=0.8 lowers the learning rate of early layers"
    ),
    "BaseFinetuning": "it is a base class; use a subclass, or model.frozen=[PART,...]",
    "BasePredictionWriter": "it is a base class; use a subclass, or leyden predict",
    "BatchSizeFinder": (
        "it would change the batch size after config.yaml and the schedule are fixed; compare sizes with "
        "leyden sweep EXPERIMENT data.batch_size=64,128,256 trainer.max_steps=20"
    ),
    "GradientAccumulationScheduler": (
        "the schedule and resumed runs need the same accumulation in all epochs: set trainer.accumulate_grad_batches"
    ),
    "LearningRateFinder": (
        "it would change the learning rate after config.yaml and the schedule are fixed; compare rates with "
        "leyden sweep EXPERIMENT model.optimizer.lr=1e-4,3e-4,1e-3"
    ),
    "ModelPruning": (
        "its masks are not in checkpoints: a resumed run would train pruned weights; prune the trained network with "
        "torch.nn.utils.prune instead"
    ),
    "OnExceptionCheckpoint": (
        "it saves in the middle of a step, from which a run cannot resume exactly; set callbacks.last.every_n_steps=N"
    ),
    "ProgressBar": BAR,
    "RichProgressBar": BAR,
    "SpikeDetection": (
        "Lightning 2.6 cannot load the checkpoints of runs that use it; callbacks.non_finite stops at a non-finite "
        "loss, callbacks=early_stopping callbacks.early_stopping.divergence_threshold=X at a diverging one"
    ),
    "StochasticWeightAveraging": (
        "it averages after the last validation: the average would be neither validated nor tested; use "
        "lightning.pytorch.callbacks.EMAWeightAveraging or WeightAveraging"
    ),
    "TQDMProgressBar": BAR,
}
# Base classes whose subclasses work.
BASES = {"BaseFinetuning", "BasePredictionWriter"}


def callback_refusal(target: str, bases: Iterable[str] = ()) -> str:
    """Explain why a callback is refused and what to use instead; empty if it is accepted.

    Args:
        target: Full name of its class.
        bases: Full names of its base classes.
    """
    for name in (target, *bases):
        package, _, short = name.rpartition(".")
        is_lightnings = package.startswith("lightning.pytorch.callbacks") and (name == target or short not in BASES)
        if is_lightnings and (reason := CALLBACKS.get(short)):
            return f"{short} does not work here: {reason}"
    return ""
