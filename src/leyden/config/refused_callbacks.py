"""Callbacks of Lightning that would do something else here than they say, or nothing, each with what to use instead.

Tests prove that all others work. Imports no torch: the check reads this too.
"""

from collections.abc import Iterable

BAR = "a run draws one bar on a terminal and writes lines elsewhere; leave it out"

CALLBACKS = {
    "BackboneFinetuning": (
        "it unfreezes a `backbone`, which no task here has; model.frozen=[PART,...] keeps parts of the network as they "
        "are, model.layer_decay=0.8 trains early layers less"
    ),
    "BaseFinetuning": "it is a base class; name your own subclass, or use model.frozen=[PART,...]",
    "BasePredictionWriter": "it is a base class; name your own subclass, or use predict",
    "BatchSizeFinder": (
        "it would change the batch size after config.yaml and the schedule are made; compare sizes with "
        "--sweep data.batch_size=64,128,256 trainer.max_steps=20"
    ),
    "GradientAccumulationScheduler": (
        "the schedule and resumed runs count on the same accumulation in all epochs: set trainer.accumulate_grad_batches"
    ),
    "LearningRateFinder": (
        "it would change the learning rate after config.yaml and the schedule are made; compare rates with "
        "--sweep model.optimizer.lr=1e-4,3e-4,1e-3"
    ),
    "ModelPruning": (
        "its masks are not in checkpoints: a resumed run would train what was pruned; prune the trained network instead, "
        "with torch.nn.utils.prune"
    ),
    "OnExceptionCheckpoint": (
        "it saves within a step, and has other runs start from that; callbacks.last.every_n_steps=N saves what a run "
        "resumes from exactly"
    ),
    "ProgressBar": BAR,
    "RichProgressBar": BAR,
    "SpikeDetection": (
        "Lightning 2.6 cannot load the checkpoints of runs that have it; callbacks.non_finite stops at a loss that is "
        "not finite, callbacks=early_stopping callbacks.early_stopping.divergence_threshold=X at a bad one"
    ),
    "StochasticWeightAveraging": (
        "it averages after the last validation: the average would neither be validated nor tested; use "
        "lightning.pytorch.callbacks.EMAWeightAveraging or WeightAveraging"
    ),
    "TQDMProgressBar": BAR,
}
# Whose subclasses have what these lack.
BASES = {"BaseFinetuning", "BasePredictionWriter"}


def callback_refusal(target: str, bases: Iterable[str] = ()) -> str:
    """Why a callback is refused and what to use instead; empty where it is not.

    Args:
        target: full name of its class.
        bases: full names of its base classes.
    """
    for name in (target, *bases):
        package, _, short = name.rpartition(".")
        is_meant = package.startswith("lightning.pytorch.callbacks") and (name == target or short not in BASES)
        if is_meant and (instead := CALLBACKS.get(short)):
            return f"{short} does not work here: {instead}"
    return ""
