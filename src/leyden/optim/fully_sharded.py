from typing import Any

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import nn
from torch.optim import Optimizer


class FullySharded(ModelParallelStrategy):
    """Shard weights, gradients and optimizer states over all devices, for models too large for one device (FSDP2).

    A device holds one whole layer at a time and trains on its own samples, as in DDP. Checkpoints are single files with
    whole tensors, as with any other strategy, so a run can be resumed on another number of devices.
    Source: Zhao et al., PyTorch FSDP, 2023, https://arxiv.org/abs/2304.11277

    Raises:
        ValueError: torch is older than 2.4.
    """

    def __init__(self) -> None:
        if torch.__version__ < "2.4":
            raise ValueError(f"FSDP2 needs torch 2.4 or later, got {torch.__version__}: use DDP")
        super().__init__(tensor_parallel_size=1, save_distributed_checkpoint=False)

    def setup_environment(self) -> None:
        self._data_parallel_size = self.num_nodes * self.num_processes
        super().setup_environment()

    # torch.distributed.checkpoint is imported late: it takes 0.4 s.
    # Lightning's methods number the optimizer states differently and bypass the checkpoint plugin when loading.

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """State of the optimizer for the whole network, on the first rank; empty on the others."""
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict

        gathered = StateDictOptions(full_state_dict=True, cpu_offload=True)
        state: Any = get_optimizer_state_dict(self._network(), _bare(optimizer), options=gathered)
        names = [name for group in state.get("param_groups", []) for name in group["params"]]
        return _with_names(state, {name: index for index, name in enumerate(names)}) if names else {}

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        from torch.distributed.checkpoint.state_dict import (
            StateDictOptions,
            set_model_state_dict,
            set_optimizer_state_dict,
        )

        full = StateDictOptions(full_state_dict=True)
        checkpoint, model = self.checkpoint_io.load_checkpoint(checkpoint_path), self._network()
        set_model_state_dict(model, checkpoint["state_dict"], options=full)
        names = {parameter: name for name, parameter in model.named_parameters()}
        for optimizer, state in zip(self.optimizers, checkpoint["optimizer_states"], strict=False):
            ordered = [names[parameter] for group in optimizer.param_groups for parameter in group["params"]]
            named = _with_names(state, dict(enumerate(ordered)))
            set_optimizer_state_dict(model, _bare(optimizer), optim_state_dict=named, options=full)
        return checkpoint

    def _network(self) -> nn.Module:
        assert self.model
        return self.model


def shard(network: nn.Module, mesh: Any) -> None:
    """Shard a network over a device mesh: each layer in its module lists, then the rest."""
    from torch.distributed.fsdp import FSDPModule, fully_shard  # pyrefly: ignore[missing-module-attribute]

    if not isinstance(network, FSDPModule):  # not sharded by an earlier call
        layers = [layer for part in network.modules() if isinstance(part, nn.ModuleList) for layer in part]
        for layer in (*reversed(layers), network):  # inner module lists first
            fully_shard(layer, mesh=mesh)


def _bare(optimizer: Any) -> Optimizer:
    return optimizer.optimizer if isinstance(optimizer, LightningOptimizer) else optimizer


def _with_names(state: dict[str, Any], names: dict[Any, Any]) -> dict[str, Any]:
    """An optimizer's state with its parameters renamed."""
    groups = [group | {"params": [names[name] for name in group["params"]]} for group in state["param_groups"]]
    return {"state": {names[name]: value for name, value in state["state"].items()}, "param_groups": groups}
