"""What was recorded of a training step, in words and tables. Imports torch."""

import math
from collections.abc import Iterator
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor, nn

from ...data import Batch
from .drawings import drawn, texts
from .first_step import StepRecorder
from .layers import Layer, collapsed, shape_text, sum_of
from .loss_by_hand import loss_by_hand
from .section import Section, Table


def heading(step: StepRecorder) -> tuple[str, str]:
    """Title and subtitle."""
    config = step.config
    return (
        f"A tour of {config['name']}",
        f"The first batch of training, step by step: seed {config['seed']}, {step.device}.",
    )


def sections(step: StepRecorder, draws: bool) -> list[Section]:
    layers = step.calls.layers(step.squares)
    return [_data(step), _transform(step, draws), _network(step, layers), _loss(step), *_learning(step, layers)]


def _data(step: StepRecorder) -> Section:
    data, stored = step.data, step.stored
    names = list(getattr(data, "class_names", []))
    lines = {"dataset": described(data)}
    lines["splits"] = ", ".join(f"{name} {len(samples):,}" for name, samples in data.samples.items())
    if names:
        lines[f"{len(names)} classes"] = ", ".join(names[:12]) + ", ..." * (len(names) > 12)
    lines["origin"] = _origin(step)
    lines["read in"] = f"{step.read_seconds:.4f} s; to prepare all splits took {step.setup_seconds:.2f} s"
    num_bytes = sum(tensor.nbytes for _, tensor in tensors(stored))
    lines["batch"] = f"{len(stored.inputs)} samples, {byte_text(num_bytes)}"
    rows = [tensor_row(name, tensor, stored) for name, tensor in tensors(stored)]
    sentence = "The first batch of training as it is read, in the dtype in which the samples are stored."
    return Section(
        "1. Data", sentence, lines, Table(["tensor", "dtype", "shape", "bytes", "range", "mean ± std"], rows)
    )


def _origin(step: StepRecorder) -> str:
    """Where the samples of the batch come from."""
    if step.files:
        num_bytes = sum(path.stat().st_size for path in step.files)
        return f"{len(step.files)} files, {byte_text(num_bytes)}, which were read and decoded for this batch"
    if origin := getattr(step.data, "origin", ""):
        return origin
    if getattr(step.data, "is_embedded", False):
        return "computed, or from an installed package"
    return f"{step.data.account.get('where', 'files')}, read as a whole as the splits were prepared"


def _transform(step: StepRecorder, draws: bool) -> Section:
    before, after = step.before, step.after
    plain = type(step.data).batch_transform(step.data, "test")(before)  # without augmentation
    lines = {"transform": described(step.transform)}
    lines |= {name: described(part) for name, part in parts_of(step.transform)}
    lines["augmentation"] = _augmentation(plain.inputs, after.inputs)
    olds, news = dict(tensors(before)), dict(tensors(after))
    rows = [tensor_row("inputs before", before.inputs, before)]
    rows += [
        tensor_row(name.replace("inputs", "inputs after"), new, after)
        for name, new in news.items()
        if name == "inputs" or new.dtype != olds[name].dtype or not torch.equal(new, olds[name])
    ]
    sentence = "On the device, the whole batch becomes what the network reads; augmentation is random and differs in each step."
    table = Table(["tensor", "dtype", "shape", "bytes", "range", "mean ± std"], rows)
    section = Section("2. Device transform", sentence, lines, table, texts=texts(step.data, before, after))
    if section.texts:
        section.notes.append("First tokens: ␣ ⏎ ⇥ are white space; those that the transform replaced are red.")
    elif draws:
        section.figure = drawn(step.data, plain, after)
        section.notes += ["The dataset has no method draw: no samples are drawn."] * (not section.figure)
    return section


def _augmentation(plain: Tensor, after: Tensor) -> str:
    if plain.shape != after.shape:
        return f"the shape is {shape_text(after)}; without augmentation {shape_text(plain)}"
    if torch.equal(plain, after):
        return "none: training reads what an evaluation reads"
    changed = (plain != after).flatten(1)
    share = f"changed {changed.any(dim=1).double().mean():.0%} of the samples and {changed.double().mean():.0%} of their values"
    if not after.is_floating_point():
        return share
    return f"{share}, by {(plain - after).abs().mean():.3g} in the mean (std {after.std(correction=0):.3g})"


def _network(step: StepRecorder, all_layers: list[Layer]) -> Section:
    layers, seconds = collapsed(all_layers), step.calls.seconds or 1.0
    rows = [
        [one.name, _kind(one), one.shape, f"{one.params:,}" * bool(one.params), f"{one.seconds / seconds:.1%}"]
        for one in layers
    ]
    total = sum_of(all_layers, "all layers")
    row = [total.name, f"{len(all_layers)} layers", "", f"{total.params:,}", f"{total.seconds / seconds:.1%}"]
    table = Table(
        ["layer", "class", "output shape", "params", "time"], rows, 2, _shares([one.seconds for one in layers]), row
    )
    lines = {"network": described(getattr(step.task, "network", step.task))}
    lines["forward pass"] = (
        f"{1000 * seconds:.2f} ms; what is not in the table is between the layers, such as additions"
    )
    notes = ["xN: the sums of N calls, or of N layers alike."] * any(one.calls > 1 for one in layers)
    notes += ["Layers without an output shape were not called by themselves."] * any(not one.calls for one in layers)
    sentence = "The layers in the order of execution, and their shares of the time of the forward pass (each the fastest of three)."
    return Section("3. Network", sentence, lines, table, notes)


def _loss(step: StepRecorder) -> Section:
    hand = loss_by_hand(step.task, step.output, step.mixed or step.batch)
    lines = {"task": described(step.task), "formula": hand.formula}
    lines |= {name: value if isinstance(value, str) else f"{float(value):.6f}" for name, value in hand.steps.items()}
    if hand.value is not None:
        lines["by hand"] = f"{float(hand.value):.6f}"
    lines["by the task"] = "no loss: the step was left out" if step.loss is None else f"{step.loss:.6f}"
    if hand.value is not None and step.loss is not None:
        distance = abs(float(hand.value) - step.loss)
        agrees = (
            distance <= 1e-2 * abs(step.loss)
            if step.after.inputs.dtype != torch.float32
            else distance <= 1e-4 * max(1, abs(step.loss))
        )
        lines["difference"] = f"{distance:.1e}" + ("" if agrees else ": more than rounding explains")
    sentence = "How far the outputs are from the targets: computed here step by step in float64, and by the task."
    return Section("4. Loss by hand", sentence, lines, notes=hand.notes)


def _learning(step: StepRecorder, all_layers: list[Layer]) -> Iterator[Section]:
    """Backward and the optimizer's step."""
    trained = [layer for layer in all_layers if layer.params]
    layers = collapsed(trained)
    ordered = sorted((layer for layer in trained if layer.gradient), key=lambda layer: layer.gradient)
    lines = {
        name: f"{one.name}, {math.sqrt(one.gradient):.4g}"
        for name, one in zip(("smallest", "largest"), ordered[:: max(1, len(ordered) - 1)], strict=False)
    }
    lines["all layers"] = f"{math.sqrt(sum(layer.gradient for layer in trained)):.4g}"
    norms = [math.sqrt(layer.gradient) for layer in layers]
    rows = [
        [layer.name, layer.kind, f"{norm:.4g}" if norm else "none"] for layer, norm in zip(layers, norms, strict=True)
    ]
    sentence = (
        "Backpropagation computes the gradient of the loss for every parameter; shown is its 2-norm for each layer."
    )
    yield Section("5. Backward", sentence, lines, Table(["layer", "class", "gradient norm"], rows, 1, _shares(norms)))

    ratios = [math.sqrt(layer.change / layer.weight) if layer.weight else 0.0 for layer in layers]
    rows = [
        [
            one.name,
            f"{math.sqrt(one.weight):.4g}",
            f"{math.sqrt(one.change):.3g}",
            f"{ratio:.2e}" if one.weight else "from 0",
        ]
        for one, ratio in zip(layers, ratios, strict=True)
    ]
    table = Table(["layer", "weights", "change", "change / weights"], rows, 3, _shares(ratios))
    sentence = "The optimizer changes the parameters: the norm of the change relative to that of the weights shows how far each layer moves."
    accumulated = step.config["trainer"].get("accumulate_grad_batches") or 1
    notes = [f"The run adds up the gradients of {accumulated} batches for a step, this tour takes one."] * (
        accumulated > 1
    )
    yield Section("6. One optimizer step", sentence, dict(_optimizer_lines(step)), table, notes)


def _optimizer_lines(step: StepRecorder) -> Iterator[tuple[str, str]]:
    yield "optimizer", step.optimizer
    now, base = (
        ", ".join(f"{rate:.4g}" for rate in sorted(set(rates)))
        for rates in list(zip(*step.rates, strict=True)) or ((), ())
    )
    yield "learning rate", now if now == base else f"{now} in this step of the schedule, of {base}"
    if step.clip:
        yield "gradients clipped", step.clip
    if step.loss is not None and step.loss_after is not None:
        change = step.loss_after - step.loss
        yield "loss of this batch", f"{step.loss:.6f} before the step, {step.loss_after:.6f} after it ({change:+.6f})"


def tensors(value: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of a batch by name; those of its targets, where they are several, as `targets.NAME`."""
    for name in getattr(value, "_fields", ()):
        part = getattr(value, name)
        if isinstance(part, Tensor):
            yield prefix + name, part
        else:
            yield from tensors(part, f"{prefix}{name}.")


def tensor_row(name: str, tensor: Tensor, batch: Batch) -> list[str]:
    """Name, dtype, shape, bytes, range, and of inputs mean and standard deviation, without padding."""
    valid, spread = tensor, ""
    if is_input := name.startswith("inputs"):
        if batch.lengths is not None:
            valid = tensor[torch.arange(tensor.shape[1]) < batch.lengths.unsqueeze(1)]
        is_token = tensor.dtype in (torch.int32, torch.int64)
        values = valid.double()
        spread = "token ids" if is_token else f"{values.mean():.4g} ± {values.std(correction=0):.4g}"
        padding = 1 - valid.numel() / tensor.numel()
        spread += f", {padding:.0%} padding" * bool(padding)
    low, high = (float(one) for one in (valid.min(), valid.max())) if valid.numel() else (0.0, 0.0)
    form = ".4g" if is_input and tensor.is_floating_point() else ",.0f"
    dtype = str(tensor.dtype).removeprefix("torch.")
    return [name, dtype, shape_text(tensor), byte_text(tensor.nbytes), f"{low:{form}} to {high:{form}}", spread]


def parts_of(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The modules of a transform, those in lists and sequences one by one."""
    for name, part in module.named_children():
        if isinstance(part, (nn.Sequential, nn.ModuleList, nn.ModuleDict)):
            yield from parts_of(part, f"{prefix}{name}.")
        else:
            yield prefix + name, part


def described(instance: Any) -> str:
    """The name of a class, with the first paragraph of its documentation."""
    first = " ".join((vars(type(instance)).get("__doc__") or "").strip().partition("\n\n")[0].split())
    return f"{type(instance).__name__}: {shorten(first, 160, placeholder=' ...')}" if first else type(instance).__name__


def byte_text(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.{int(unit != 'bytes')}f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def _kind(layer: Layer) -> str:
    return f"{layer.kind} x{layer.calls}" if layer.calls > 1 and layer.kind else layer.kind


def _shares(values: list[float]) -> list[float]:
    """Of the largest of them."""
    return [value / (max(values) or 1) for value in values]
