"""The sections of a tour on what training does with the batch: network, loss, gradients, optimizer. Imports torch."""

import math
from collections.abc import Iterator

from .first_step import PASSES, StepRecorder
from .layers import Layer, collapsed, sum_of
from .loss_by_hand import loss_by_hand
from .section import Section, Table, described


def network_section(step: StepRecorder, all_layers: list[Layer]) -> Section:
    layers, seconds = collapsed(all_layers), step.calls.seconds or 1.0

    def row(name: str, kind: str, layer: Layer) -> list[str]:
        return [name, kind, layer.shape, f"{layer.params:,}" if layer.params else "", f"{layer.seconds / seconds:.1%}"]

    rows = [
        row(one.name, f"{one.kind} x{one.calls}" if one.calls > 1 and one.kind else one.kind, one) for one in layers
    ]
    total = sum_of(all_layers, "all layers")
    total.shape = ""
    table = Table(
        ["layer", "class", "output shape", "params", "time"], rows, 2, _shares([one.seconds for one in layers])
    )
    table.total = row(total.name, f"{len(all_layers)} layers", total)
    lines = {"network": described(getattr(step.task, "network", step.task))}
    if step.calls.seconds:
        passes = f"fastest of {PASSES} passes for each layer" if step.loss_after else "first pass"
        lines["forward pass"] = (
            f"{1000 * seconds:.2f} ms, {passes}; the rest is spent between layers, such as in additions"
        )
    notes = []
    if any(one.calls > 1 for one in layers):
        notes.append("xN: sums over N calls, or over N equal layers.")
    if not all(one.calls for one in layers):
        notes.append("Layers without an output shape were not called directly.")
    sentence = "The layers in order of execution; time is the share of the forward pass."
    return Section("3. Network", sentence, lines, table, notes)


def loss_section(step: StepRecorder) -> Section:
    hand = loss_by_hand(step.task, step.output, step.mixed or step.batch)
    lines = {"task": described(step.task), "formula": hand.formula}
    lines |= {name: value if isinstance(value, str) else f"{float(value):.6f}" for name, value in hand.steps.items()}
    if hand.value is not None:
        lines["by hand"] = f"{float(hand.value):.6f}"
    lines["by the task"] = "no loss: the step was skipped" if step.loss is None else f"{step.loss:.6f}"
    if hand.value is not None and step.loss is not None:
        distance = abs(float(hand.value) - step.loss)
        is_rounding = distance <= 1e-4 * max(1, abs(step.loss))
        lines["difference"] = f"{distance:.1e}" + ("" if is_rounding else ", more than float32 rounding error")
    sentence = "The distance of outputs from targets: recomputed step by step in float64, and as the task computed it."
    return Section("4. Loss by hand", sentence, lines, notes=hand.notes)


def backward_section(layers: list[Layer]) -> Section:
    """Of layers with parameters."""
    ordered = sorted((layer for layer in layers if layer.gradient), key=lambda layer: layer.gradient)
    ends = {"smallest": ordered[0], "largest": ordered[-1]} if ordered else {}
    lines = {name: f"{layer.name}, {math.sqrt(layer.gradient):.4g}" for name, layer in ends.items()}
    lines["all layers"] = f"{math.sqrt(sum_of(layers, '').gradient):.4g}"
    shown = collapsed(layers)
    norms = [math.sqrt(layer.gradient) for layer in shown]
    rows = [[one.name, one.kind, f"{norm:.4g}" if norm else "none"] for one, norm in zip(shown, norms, strict=True)]
    sentence = "Backpropagation computes the gradient of the loss with respect to every parameter; the table shows its 2-norm by layer."
    return Section("5. Backward", sentence, lines, Table(["layer", "class", "gradient norm"], rows, 1, _shares(norms)))


def optimizer_section(step: StepRecorder, layers: list[Layer]) -> Section:
    """Of layers with parameters."""
    shown = [(one, math.sqrt(one.weight), math.sqrt(one.change)) for one in collapsed(layers)]
    ratios = [change / weight if weight else 0.0 for _, weight, change in shown]
    rows = [
        [one.name, f"{weight:.4g}", f"{change:.3g}", f"{ratio:.2e}" if weight else "from 0"]
        for (one, weight, change), ratio in zip(shown, ratios, strict=True)
    ]
    table = Table(["layer", "weights", "change", "change / weights"], rows, 3, _shares(ratios))
    sentence = "The optimizer updates the parameters; the 2-norms of change and weights show how far each layer moves."
    section = Section("6. One optimizer step", sentence, dict(_optimizer_lines(step)), table)
    if (number := step.config["trainer"].get("accumulate_grad_batches") or 1) > 1:
        section.notes.append(f"The run accumulates the gradients of {number} batches per step; the tour uses one.")
    return section


def _optimizer_lines(step: StepRecorder) -> Iterator[tuple[str, str]]:
    yield "optimizer", step.optimizer
    now, base = (", ".join(f"{rate:.4g}" for rate in sorted({pair[place] for pair in step.rates})) for place in (0, 1))
    yield "learning rate", now if now == base else f"{now} (scheduled; base {base})"
    if step.clip:
        yield "gradients clipped", step.clip
    if step.loss is not None and step.loss_after is not None:
        change = step.loss_after - step.loss
        yield "loss of this batch", f"{step.loss:.6f} before the step, {step.loss_after:.6f} after it ({change:+.6f})"


def _shares(values: list[float]) -> list[float]:
    """Of the largest of them."""
    return [value / (max(values) or 1) for value in values]
