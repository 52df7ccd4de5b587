"""Accumulated state of a training epoch, which Lightning does not save in checkpoints."""

import builtins
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.trainer.connectors.logger_connector.result import _Metadata, _ResultMetric, _Sync
from torch import Tensor
from torchmetrics import Metric

METADATA_FIELDS = ("fx", "name", "prog_bar", "logger", "on_step", "on_epoch", "enable_graph")
METADATA_FIELDS += ("add_dataloader_idx", "dataloader_idx", "metric_attribute")


class EpochState:
    """The sums of logged values, the states of metrics and, with manual optimization, the gradients, which a task may
    accumulate over several batches.

    Each rank has its own sums. If another number of ranks resumes the epoch, they are redistributed with the same
    totals.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.results = trainer, trainer.fit_loop.epoch_loop._results
        self.module: LightningModule = trainer.lightning_module

    def saved(self) -> dict[str, Any]:
        """Return the state. Must be called on all ranks."""
        own = {
            "results": {key: _saved_result(result) for key, result in self.results.items()},
            "metrics": {name: _saved_metric(metric) for name, metric in self._metrics() if metric.update_count},
        }
        ranks: list[Any] = [own]
        if self.trainer.world_size > 1:
            ranks *= self.trainer.world_size
            torch.distributed.all_gather_object(ranks, own)
        return {"ranks": ranks, "gradients": {} if self.module.automatic_optimization else self._gradients()}

    def restore(self, saved: dict[str, Any]) -> None:
        ranks, rank, world_size = saved["ranks"], self.trainer.global_rank, self.trainer.world_size
        for state in ranks[rank::world_size]:
            self._add(state)
        for key, value in ranks[0]["results"].items():  # all ranks must reduce the same values, or they deadlock
            if key not in self.results:
                self._add({"metrics": {}, "results": {key: value | {"state": {}}}})
        for name, gradient in saved["gradients"].items():
            parameter = self.module.get_parameter(name)
            parameter.grad = gradient.to(parameter.device)

    def _gradients(self) -> dict[str, Tensor]:
        """Return the gradients, except those of sharded parameters."""
        pairs = [(name, parameter.grad) for name, parameter in self.module.named_parameters()]
        return {name: grad.cpu() for name, grad in pairs if grad is not None and not hasattr(grad, "full_tensor")}

    def _metrics(self) -> list[tuple[str, Metric]]:
        return [(name, module) for name, module in self.module.named_modules() if isinstance(module, Metric)]

    def _add(self, state: dict[str, Any]) -> None:
        """Add the state of one rank to that of this one."""
        metrics, device = dict(self._metrics()), self.trainer.strategy.root_device
        for name, saved in state["metrics"].items():
            _add_to_metric(metrics[name], saved)
        for key, saved in state["results"].items():
            result = _restored_result(saved, self.trainer, metrics)
            if result.is_tensor and key in self.results:
                _add_to_result(result, self.results[key])
            self.results[key] = result.to(device)


class _RestoredMetadata(_Metadata):
    """Metadata equal to that of the next `log` of the value, except for the synchronization of ranks."""

    def __eq__(self, other: object) -> bool:
        is_same = isinstance(other, _Metadata) and all(
            getattr(self, name) == getattr(other, name) for name in (*METADATA_FIELDS, "reduce_fx")
        )
        if is_same:
            self.sync = other.sync
        return is_same


def _saved_result(result: _ResultMetric) -> dict[str, Any]:
    meta, state = result.meta, {}
    if result.is_tensor:
        state = {name: getattr(result, name).cpu() for name in result._defaults}
    return {
        "meta": {name: getattr(meta, name) for name in METADATA_FIELDS},
        "reduce": meta.reduce_fx.__name__,
        "is_builtin": meta.reduce_fx.__name__ == getattr(meta.reduce_fx, "__qualname__", "") and _is_builtin(meta),
        "sync": {"_should": meta.sync.should, "rank_zero_only": meta.sync.rank_zero_only, "_op": meta.sync.op},
        "is_tensor": result.is_tensor,
        "has_reset": result.has_reset,
        "last": None if result._forward_cache is None else result._forward_cache.detach().cpu(),
        "state": state,
    }


def _is_builtin(meta: _Metadata) -> bool:
    return getattr(builtins, meta.reduce_fx.__name__, None) is meta.reduce_fx


def _restored_result(saved: dict[str, Any], trainer: Trainer, metrics: dict[str, Metric]) -> _ResultMetric:
    reduce = getattr(builtins if saved["is_builtin"] else torch, saved["reduce"])
    meta = _RestoredMetadata(**saved["meta"], reduce_fx=reduce)
    meta.sync = _Sync(fn=trainer.strategy.reduce, **saved["sync"])
    result = _ResultMetric(meta, saved["is_tensor"])
    if saved["is_tensor"]:
        for name, value in saved["state"].items():
            setattr(result, name, value)
    else:
        result.value = metrics[meta.metric_attribute or ""]  # pyrefly: ignore[bad-assignment]
    result.has_reset, result._forward_cache, result._update_count = saved["has_reset"], saved["last"], 1
    return result


def _add_to_result(result: _ResultMetric, other: _ResultMetric) -> None:
    for name in result._defaults:
        values = torch.stack([getattr(result, name), getattr(other, name).cpu()])
        is_extreme = result.meta.is_max_reduction or result.meta.is_min_reduction
        setattr(
            result, name, values.max() if result.meta.is_max_reduction else values.min() if is_extreme else values.sum()
        )


def _saved_metric(metric: Metric) -> dict[str, Any]:
    state = {name: getattr(metric, name) for name in metric._defaults}
    on_cpu = {
        name: value.cpu() if isinstance(value, Tensor) else [item.cpu() for item in value]
        for name, value in state.items()
    }
    return {"count": metric.update_count, "state": on_cpu}


def _add_to_metric(metric: Metric, saved: dict[str, Any]) -> None:
    is_first = not metric.update_count
    for name, value in saved["state"].items():
        if isinstance(value, list):
            items = [] if is_first else getattr(metric, name)
            setattr(metric, name, [*items, *(item.to(metric.device) for item in value)])
            continue
        value = value.to(metric.device)
        reduce = metric._reductions[name]
        if not is_first and callable(reduce):
            value = reduce(torch.stack([getattr(metric, name), value]))
        setattr(metric, name, value)
    metric._update_count, metric._computed = metric.update_count + saved["count"], None
