"""The sections of a tour on the batch: where it comes from, and what the device transform makes of it. Imports torch."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...data import Batch
from ...data.core.loading import decodes
from .drawings import drawn, texts
from .first_step import StepRecorder
from .layers import shape_text
from .section import Section, Table, byte_text, described

HEADER = ["tensor", "dtype", "shape", "bytes", "range", "mean ± std"]


def data_section(step: StepRecorder) -> Section:
    data, stored = step.data, dict(tensors(step.stored))
    names = list(getattr(data, "class_names", []))
    lines = {"dataset": described(data)}
    lines["splits"] = ", ".join(f"{name} {len(samples):,}" for name, samples in data.samples.items())
    if names:
        lines[f"{len(names)} classes"] = ", ".join(names[:12]) + ", ..." * (len(names) > 12)
    lines["origin"] = _origin(step)
    lines["read in"] = f"{step.read_seconds:.4f} s; preparing all splits took {step.setup_seconds:.2f} s"
    num_bytes = sum(tensor.nbytes for tensor in stored.values())
    lines["batch"] = f"{len(step.stored.inputs)} samples, {byte_text(num_bytes)}"
    table = Table(HEADER, [tensor_row(name, tensor, step.stored) for name, tensor in stored.items()])
    sentence = "The first training batch as read, in the dtype in which samples are stored."
    return Section("1. Data", sentence, lines, table)


def _origin(step: StepRecorder) -> str:
    """Describe where the samples of the batch come from."""
    data = step.data
    if step.files:
        size = byte_text(sum(path.stat().st_size for path in step.files))
        masks = " and their masks" if hasattr(data, "ignore_index") else ""
        return f"{len(step.files)} files of {size}{masks}, read and decoded for this batch"
    if getattr(data, "is_embedded", False):
        return getattr(data, "origin", "computed, or from an installed package")
    when = "for this batch" if decodes(data.samples["train"]) else "completely, when the splits were prepared"
    return f"{data.account.get('where', 'files of the dataset')}, read {when}"


def transform_section(step: StepRecorder, draws: bool) -> Section:
    data, before, after = step.data, step.before, step.after
    plain = type(data).batch_transform(data, "test")(before)  # without augmentation
    lines = {"transform": described(step.transform)}
    lines |= {name: described(part) for name, part in parts_of(step.transform)}
    lines["augmentation"] = _augmentation(plain.inputs, after.inputs)
    sentence = "The whole batch is converted to network inputs on the device; augmentation is random in each step."
    section = Section("2. Device transform", sentence, lines, Table(HEADER, list(_rows(before, after))))
    section.texts = texts(data, before, after)
    if section.texts:
        section.notes.append("First tokens. ␣ ⏎ ⇥ are white space; tokens that the transform replaced are red.")
    elif draws:
        section.figure = drawn(data, plain, after)
        if not section.figure:
            section.notes.append(f"{type(data).__name__} has no method draw, so its samples are not shown.")
    return section


def _rows(before: Batch, after: Batch) -> Iterator[list[str]]:
    """Yield the inputs before and after the transform, and other tensors that it changed."""
    yield tensor_row("inputs before", before.inputs, before)
    yield tensor_row("inputs after", after.inputs, after)
    old = dict(tensors(before))
    for name, new in list(tensors(after))[1:]:
        if new.dtype != old[name].dtype or not torch.equal(new, old[name]):
            yield tensor_row(name, new, after)


def _augmentation(plain: Tensor, after: Tensor) -> str:
    if plain.shape != after.shape:
        return f"shape {shape_text(after)} instead of {shape_text(plain)}"
    if torch.equal(plain, after):
        return "none: training inputs equal evaluation inputs"
    changed = (plain != after).flatten(1).double()
    share = f"changed {changed.amax(dim=1).mean():.0%} of the samples, {changed.mean():.0%} of their values"
    if not after.is_floating_point():
        return share
    return f"{share}, by {(plain - after).abs().mean():.3g} on average (their std is {after.std(correction=0):.3g})"


def tensors(value: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a batch with their names; if there are several targets, they are called `targets.NAME`."""
    for name in getattr(value, "_fields", ()):
        part = getattr(value, name)
        if isinstance(part, Tensor):
            yield prefix + name, part
        else:
            yield from tensors(part, f"{prefix}{name}.")


def tensor_row(name: str, tensor: Tensor, batch: Batch) -> list[str]:
    """Return name, dtype, shape, bytes, range and, for inputs, mean and standard deviation without padding."""
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
    """Return the modules of a transform, with lists and sequences flattened."""
    for name, part in module.named_children():
        if isinstance(part, (nn.Sequential, nn.ModuleList, nn.ModuleDict)):
            yield from parts_of(part, f"{prefix}{name}.")
        else:
            yield prefix + name, part
