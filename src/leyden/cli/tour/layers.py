"""The layers of a model in the order of the forward pass, with long lists condensed."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from torch import Tensor, nn
from torchmetrics import Metric

MOST, LONGEST = 40, 80  # layers that are shown as they are; that are shown at all
SUMS = ("calls", "seconds", "params", "gradient", "weight", "change")


@dataclass
class Layer:
    """A layer of a network, or several equal ones that are shown as one.

    Args:
        name, kind, shape: Its name in the network, its class, the shape of its output.
        calls, seconds: In a forward pass; seconds exclude other layers that it calls.
        params: Number of its parameters, except those of earlier layers.
        gradient, weight, change: Sums of squares over these parameters.
    """

    name: str
    kind: str
    shape: str = ""
    calls: int = 0
    seconds: float = 0.0
    params: int = 0
    gradient: float = 0.0
    weight: float = 0.0
    change: float = 0.0


Squares = dict[nn.Parameter, tuple[float, float, float]]  # sums of squares of gradient, weight and change


class Calls:
    """Record the calls of all modules of a task, except metrics, until `close`. A module that occurs several times is
    recorded at each place.

    Args:
        task: The task.
        synchronize: Waits for the device, so that asynchronous work is counted for the layer that started it.
    """

    def __init__(self, task: nn.Module, synchronize: Callable[[], None]) -> None:
        metrics = {part for one in task.modules() if isinstance(one, Metric) for part in one.modules()}
        self.task, self.synchronize = task, synchronize
        self.names = {one: name for name, one in task.named_modules() if name and one not in metrics}
        self.called: dict[str, tuple[nn.Module, Layer]] = {}
        self.callers: set[str] = set()
        self.seconds = 0.0  # of all calls
        self._stack: list[tuple[nn.Module, str]] = []
        self._begins: list[tuple[float, float]] = []
        self._handles = [module.register_forward_pre_hook(self._begin) for module in self.names]
        self._handles += [module.register_forward_hook(self._end) for module in self.names]

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _begin(self, module: nn.Module, _: Any) -> None:
        name = self.names[module]
        if self._stack:
            caller, its_name = self._stack[-1]
            self.callers.add(its_name)
            name = next((f"{its_name}.{part}" for part, one in caller.named_children() if one is module), name)
        self._stack.append((module, name))
        self.called.setdefault(name, (module, Layer(name, type(module).__name__)))
        self.synchronize()
        self._begins.append((time.perf_counter(), self.seconds))

    def _end(self, module: nn.Module, _: Any, output: Any) -> None:
        self.synchronize()
        begin, seconds_before = self._begins.pop()
        layer = self.called[self._stack.pop()[1]][1]
        # `self.seconds` has grown by what calls within this one took.
        layer.seconds += time.perf_counter() - begin - (self.seconds - seconds_before)
        self.seconds = seconds_before + time.perf_counter() - begin
        layer.shape, layer.calls = layer.shape or shape_text(output), layer.calls + 1

    def layers(self, squares: Squares) -> list[Layer]:
        """Return the modules that call no other module, such as torch's attention including its parts, and those with
        parameters of their own, such as a class token."""
        found, seen = [], set[nn.Parameter]()
        called = {module for module, _ in self.called.values()}
        rest = {name: (one, Layer(name, type(one).__name__)) for one, name in self.names.items() if one not in called}
        for name, (module, layer) in (self.called | rest | {"": (self.task, Layer("(task)", ""))}).items():
            is_leaf = layer.calls > 0 and name not in self.callers
            own = set(module.parameters(recurse=is_leaf)) - seen
            seen |= own
            if own or is_leaf:
                sums = (sum(squares[one][place] for one in own) for place in range(3))
                known: dict[str, Any] = dict(zip(("gradient", "weight", "change"), sums, strict=True))
                params = sum(one.numel() for one in own)
                found.append(replace(layer, name=layer.name.removeprefix("network."), params=params, **known))
        return found


def fastest(passes: list[Calls]) -> Calls:
    """Merge passes of the same layers, with the shortest time of each, since other work on the machine only adds time."""
    first = passes[0]
    outside = min(calls.seconds - sum(layer.seconds for _, layer in calls.called.values()) for calls in passes)
    for name, (_, layer) in first.called.items():
        layer.seconds = min(calls.called[name][1].seconds for calls in passes if name in calls.called)
    first.seconds = outside + sum(layer.seconds for _, layer in first.called.values())
    return first


def shape_text(output: Any) -> str:
    """Return the shape of a layer's output; of several tensors, that of the first."""
    shapes = ["x".join(map(str, one.shape)) or "scalar" for one in _tensors(output)]
    return shapes[0] + f"; {len(shapes) - 1} more" * (len(shapes) > 1) if shapes else ""


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    for one in output.values() if isinstance(output, dict) else output if isinstance(output, (tuple, list)) else ():
        yield from _tensors(one)


def collapsed(layers: list[Layer]) -> list[Layer]:
    """Condense a long list: merge consecutive blocks with equal layers, shapes and sizes into one with their sums. If the
    list is still too long, replace its middle by a line with the sums.
    """
    for depth in range(max((layer.name.count(".") for layer in layers), default=0) + 1):
        if len(layers) > MOST:
            layers = list(_merged(layers, depth))
    if len(layers) <= LONGEST:
        return layers
    first, last = LONGEST * 2 // 3, LONGEST // 3
    middle = layers[first:-last]
    rest = replace(sum_of(middle, f"... {len(middle)} more layers"), kind="", shape="")
    return [*layers[:first], rest, *layers[-last:]]


def sum_of(layers: list[Layer], name: str) -> Layer:
    sums: dict[str, Any] = {one: sum(getattr(layer, one) for layer in layers) for one in SUMS}
    return replace(layers[0], name=name, **sums)


def _merged(layers: list[Layer], depth: int) -> Iterator[Layer]:
    """Merge blocks: the layers that share the first parts of their names, up to a number at `depth`."""
    parts = {id(layer): layer.name.split(".") for layer in layers}

    def block(layer: Layer) -> Any:
        name = parts[id(layer)]
        return name[: depth + 1] if len(name) > depth + 1 and name[depth].isdigit() else name

    def signature(block: list[Layer]) -> Any:
        name = parts[id(block[0])]
        inside = [(parts[id(one)][depth + 1 :], one.kind, one.shape, one.params) for one in block]
        return (name[:depth], inside) if len(name) > depth + 1 and name[depth].isdigit() else name

    for _, group in groupby([list(one) for _, one in groupby(layers, block)], signature):
        blocks = list(group)
        last = parts[id(blocks[-1][0])]
        for alike in zip(*blocks, strict=True):
            name = list(parts[id(alike[0])])
            if len(alike) > 1:
                name[depth] += f"-{last[depth]}"
            yield sum_of(list(alike), ".".join(name))
