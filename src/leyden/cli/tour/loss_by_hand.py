"""Recompute the loss of each task from the network's output, in float64 with elementary operations. Imports torch."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ... import tasks


@dataclass
class HandLoss:
    """Formula, intermediate values by name, the loss of the batch (None if the computation of the task is unknown), and notes
    on the settings that it depends on.
    """

    formula: str
    steps: dict[str, Any] = field(default_factory=dict)
    value: Tensor | None = None
    notes: list[str] = field(default_factory=list)


# A task of a project that replaces one of these has another loss.
STEPS = ("training_step", "loss", "losses", "_losses", "pixel_losses", "total_weight", "heads", "_targets")


def loss_by_hand(task: Any, output: Any, batch: Any) -> HandLoss:
    """Recompute the loss of a batch.

    Args:
        task: The task.
        output: Output of its network.
        batch: The batch after the device transform and, if set, `task.mix`.
    """
    for kind, compute in BY_HAND.items():
        is_unchanged = all(getattr(type(task), name, None) is getattr(kind, name, None) for name in STEPS)
        if isinstance(task, kind) and is_unchanged:
            return compute(task, _plain(output), _plain(batch)[1])
    return HandLoss(f"The tour cannot recompute the loss of {type(task).__name__}, which has its own loss function.")


def _classification(task: tasks.Classification, logits: Tensor, targets: Tensor) -> HandLoss:
    num_classes, smoothing, weights = logits.shape[1], task.label_smoothing, _plain(task.class_weights)
    is_mixed = targets.ndim == 2
    shares = (targets if is_mixed else _one_hot(targets, num_classes)) * (1 - smoothing) + smoothing / num_classes
    normalizers = _log_sum_exp(logits, 1)
    losses = (weights * shares * (normalizers.unsqueeze(1) - logits)).sum(dim=1)
    steps: dict[str, Any] = {"log sum exp(logits), first sample": normalizers[0]}
    if not is_mixed:
        steps[f"logit of its class {task.class_names[int(targets[0])]!r}"] = logits[0, int(targets[0])]
    steps |= {"loss of the first sample": losses[0], f"mean over {len(losses)} samples": losses.mean()}
    notes = [f"label_smoothing={smoothing:g} distributes that fraction of the target over all classes."] * bool(
        smoothing
    )
    notes += ["class_weights: w = samples / (classes * samples of the class)."] * bool((weights != 1).any())
    notes += ["mix: samples and targets are mixed, so a target has fractions of several classes."] * is_mixed
    formula = "loss of a sample = sum over classes of w * target * (log sum exp(logits) - logit)"
    return HandLoss(formula, steps, losses.mean(), notes)


def _multilabel(task: tasks.MultilabelClassification, logits: Tensor, targets: Tensor) -> HandLoss:
    smoothing, weights = task.label_smoothing, _plain(task.class_weights)
    shares = targets * (1 - smoothing) + smoothing / 2
    # log(1 + exp(x)), which does not overflow so
    yes, no = ((sign * logits).clamp(min=0) + (1 + (-logits.abs()).exp()).log() for sign in (-1, 1))
    losses = weights * shares * yes + (1 - shares) * no
    named = zip(task.class_names[:6], targets[0].tolist(), losses[0], strict=False)
    steps = {f"{name!r}, which is {'true' if target else 'false'}": loss for name, target, loss in named}
    steps |= {
        "mean over all classes of that sample": losses[0].mean(),
        f"mean over {len(losses)} samples": losses.mean(),
    }
    notes = [f"label_smoothing={smoothing:g}: a target is {smoothing / 2:g} or {1 - smoothing / 2:g}."] * bool(
        smoothing
    )
    notes += ["class_weights: w multiplies the loss of classes that a sample has."] * bool((weights != 1).any())
    formula = "loss of a class = w * target * log(1 + exp(-logit)) + (1 - target) * log(1 + exp(logit))"
    return HandLoss(formula, steps, losses.mean(), notes)


def _segmentation(task: tasks.Segmentation, output: Any, targets: Tensor) -> HandLoss:
    valid, weights = targets != task.ignore_index, _plain(task.class_weights)
    classes = targets.masked_fill(~valid, 0)
    pixel_weights, total = weights[classes] * valid, torch.zeros((), dtype=torch.float64)
    steps: dict[str, Any] = {"pixels with a class": f"{int(valid.sum()):,} of {valid.numel():,}"}
    steps["sum of their weights"] = pixel_weights.sum()
    for name, logits in (output if isinstance(output, dict) else {"out": output}).items():
        losses = _log_sum_exp(logits, 1) - logits.gather(1, classes.unsqueeze(1)).squeeze(1)
        steps[f"cross-entropy of {name!r}"] = loss = (pixel_weights * losses).sum() / pixel_weights.sum().clamp(
            min=1e-6
        )
        if task.dice_weight:
            steps[f"soft Dice loss of {name!r}"] = dice = _dice_loss(logits, classes, valid)
            loss = loss + task.dice_weight * dice
        total = total + loss * (1.0 if name == "out" else 0.5)
    notes = [f"Pixels of class {task.ignore_index} (ignore_index) are ignored."]
    notes += [f"class_weights={[round(value, 3) for value in weights.tolist()]}"] * bool((weights != 1).any())
    notes += [f"dice_weight={task.dice_weight:g} multiplies the soft Dice loss."] * bool(task.dice_weight)
    notes += ["The auxiliary head has the weight 0.5."] * (len(output) > 1 and isinstance(output, dict))
    formula = "loss = sum over pixels of w * (log sum exp(logits) - logit of the class) / sum over pixels of w"
    return HandLoss(formula, steps, total, notes)


def _language_modeling(task: tasks.LanguageModeling, logits: Tensor, targets: Tensor) -> HandLoss:
    valid = targets >= 0
    of_target = logits.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    losses = (_log_sum_exp(logits, -1) - of_target) * valid
    steps = {"loss of the first token": losses[0, 0], "mean over the first window": losses[0].mean()}
    steps |= {f"mean over {losses.numel():,} tokens": losses.mean()}
    notes = [f"Padding targets have a loss of 0: {int((~valid).sum()):,} of {valid.numel():,}."]
    formula = "loss of a token = log sum exp(logits) - logit of the token that follows"
    return HandLoss(formula, steps, losses.mean(), notes)


def _transcription(task: tasks.Transcription, output: Any, targets: Any) -> HandLoss:
    (log_probs, frames), (tokens, lengths) = output, targets
    samples = zip(log_probs, frames.tolist(), tokens, lengths.tolist(), strict=True)
    losses = torch.stack([ctc(known[:end], said[:length].tolist()) for known, end, said, length in samples])
    of_token = losses.masked_fill(losses.isinf(), 0) / lengths.clamp(min=1)
    said = task.separator.join(task.alphabet[token] for token in tokens[0, : lengths[0]].tolist())
    steps = {"transcript of the first sample": said, "its frames and tokens": f"{frames[0]} and {lengths[0]}"}
    steps |= {"-log sum of p over all alignments": losses[0], "divided by its tokens": of_token[0]}
    steps |= {f"mean over {len(losses)} samples": of_token.mean()}
    notes = [
        "A state is a token, or a blank between two tokens; alpha is the sum over all alignments that end in it, frame by frame."
    ]
    notes += [f"{int(losses.isinf().sum())} samples have too few frames and a loss of 0."] * bool(losses.isinf().any())
    formula = "alpha(state, t) = (sum of alpha(s, t - 1) over the states s that lead there) * p(token of the state, t)"
    return HandLoss(formula, steps, of_token.mean(), notes)


def ctc(log_probs: Tensor, tokens: list[int]) -> Tensor:
    """The forward recursion of CTC: log-probabilities [frame, token], the blank is 0 -> -log p(tokens)."""
    states = torch.tensor([0, *(one for token in tokens for one in (token, 0))])
    never = torch.full_like(log_probs[0, states], float("-inf"))
    # From a token to the next one past the blank, unless both are the same.
    skips = torch.zeros(len(states), dtype=torch.bool)
    skips[2:] = (states[2:] != 0) & (states[2:] != states[:-2])
    alpha = torch.where(torch.arange(len(states)) < 2, log_probs[0, states], never)
    for frame in log_probs[1:]:
        one, two = (torch.cat([never[:by], alpha])[: len(states)] for by in (1, 2))
        alpha = torch.stack([alpha, one, torch.where(skips, two, never)]).logsumexp(dim=0) + frame[states]
    return -alpha[-2:].logsumexp(dim=0)


def _detection(task: tasks.Detection, output: dict[str, Tensor], targets: Any) -> HandLoss:
    notes = ["The detector computes each component for the locations that it matches with boxes."]
    return HandLoss(f"loss = {' + '.join(output)}", output, torch.stack(list(output.values())).sum(), notes)


def _dice_loss(logits: Tensor, classes: Tensor, valid: Tensor) -> Tensor:
    probabilities = (logits - _log_sum_exp(logits, 1).unsqueeze(1)).exp() * valid.unsqueeze(1)
    true = _one_hot(classes, logits.shape[1]).movedim(-1, 1) * valid.unsqueeze(1)
    both, either = (part.sum(dim=(2, 3)) for part in (probabilities * true, probabilities + true))
    return 1 - ((2 * both + 1) / (either + 1)).mean()


def _log_sum_exp(logits: Tensor, dim: int) -> Tensor:
    highest = logits.amax(dim=dim, keepdim=True)  # taken off, so that exp stays finite
    return (logits - highest).exp().sum(dim=dim).log() + highest.squeeze(dim)


def _one_hot(classes: Tensor, num_classes: int) -> Tensor:
    return (classes.unsqueeze(-1) == torch.arange(num_classes)).double()


def _plain(value: Any) -> Any:
    """Move tensors, also in tuples and dicts, to the CPU and convert floats to float64."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()  # first: not every device has float64
        return value.double() if value.is_floating_point() else value
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (tuple, list)) else value


BY_HAND: dict[type[tasks.Task], Any] = {
    tasks.Classification: _classification,
    tasks.MultilabelClassification: _multilabel,
    tasks.Segmentation: _segmentation,
    tasks.LanguageModeling: _language_modeling,
    tasks.Transcription: _transcription,
    tasks.Detection: _detection,
}
