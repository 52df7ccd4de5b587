"""Runs on several gloo ranks: `python tests/ranks.py VERB EXPERIMENT FOLDER` prints results as JSON.

All ranks are forked from this process, which imports torch once, and believe that torchrun started them.
"""

import csv
import json
import logging
import os
import shutil
import socket
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn
from torch.distributed import GradBucket
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.futures import Future
from torch.utils.data import Subset

from leyden.config.compose import compose
from leyden.errors import Stop, Stopped
from leyden.run.directory import RunDirectory
from leyden.run.initial_weights import initialize
from leyden.run.shutdown import StopRequest
from leyden.run.worker import Worker

ROOT = Path.cwd()
SIZES = (2, 7, 101)
BATCH_SIZE = 12  # divides among 1, 2, 3 and 4 ranks
SHORT = ["trainer.max_steps=4", "trainer.limit_val_batches=0", "callbacks.best=null", "callbacks.plots=null"]

# All that is for speed, that a CPU has, and that computes no other sums: what bfloat16 rounds, ranks would change.
# Compiled code rounds as the CPU likes, which Adam makes large where a gradient is about zero: not in float64.
STEPS = ["trainer.max_steps=3", "trainer.accumulate_grad_batches=2", "trainer.precision=64-true"]
FAST = ["data.storage=memory", "data.num_workers=1", "data.prefetch_batches=3"]
FAST += ["model.compile=true", "checkpoint.asynchronous=true"]


def on_ranks(num_ranks: int, function: Callable[[], Any]) -> Any:
    """What the first of so many processes returns."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    read, write = os.pipe()
    children = []
    for rank in range(num_ranks):
        if child := os.fork():
            children.append(child)
            continue
        known = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": num_ranks, "LOCAL_WORLD_SIZE": num_ranks}
        known |= {"GROUP_RANK": 0, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
        os.environ |= {name: str(value) for name, value in known.items()}
        code = 1
        try:
            result = json.dumps(function())
            if rank == 0:
                os.write(write, result.encode())
            code = 0
        except BaseException:
            logging.exception("rank %d of %d", rank, num_ranks)
        os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        result = pipe.read()
    codes = [os.waitpid(child, 0)[1] for child in children]
    if any(codes):
        sys.exit(f"failed on {num_ranks} ranks")
    return json.loads(result)


def create(name: str, folder: Path, *settings: str) -> RunDirectory:
    """A run that has learnt of its data, for one rank."""
    words = [f"experiment={name}", "trainer=cpu", f"data.batch_size={BATCH_SIZE}", "trainer.log_every_n_steps=1"]
    config = compose([*words, *settings], ROOT).config
    run = RunDirectory.create(config | {"runs": str(folder)}, ROOT, ["ranks"])
    on_ranks(1, lambda: Worker(run, trains=True) and None)
    return run


def copy(run: RunDirectory, num_ranks: int, suffix: str = "") -> RunDirectory:
    """The same run for so many ranks."""
    path = run.path.with_name(f"{run.path.name}-{num_ranks}{suffix}")
    shutil.copytree(run.path, path)
    config = run.config
    config["trainer"]["devices"] = num_ranks
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    return RunDirectory(path)


def evaluate(run: RunDirectory) -> dict[str, dict[str, float]]:
    """Metrics of the untrained network on so many of the first test samples."""
    worker = Worker(run, trains=True)  # else by this process alone
    assert worker.trainer.world_size == run.config["trainer"]["devices"]
    worker.data.setup("test")
    samples = worker.data.samples["test"]
    if worker.model.monitor == "val/map_50":
        worker.model.predict_step = nearly_true
    results = {}
    for size in SIZES:
        worker.data.samples["test"] = Subset(samples, range(min(size, len(samples))))
        (metrics,) = worker.trainer.test(worker.model, worker.data, verbose=False)
        results[str(size)] = dict(metrics)
    return results


def nearly_true(batch: Any, batch_idx: int) -> list[dict[str, Tensor]]:
    """Boxes beside the true ones: an untrained detector finds none at all, on any number of ranks."""
    found = []
    for image, true in zip(batch.inputs, batch.targets.samples(), strict=True):
        amount = image.mean() * torch.arange(1, len(true.labels) + 1)
        corners = true.corners + 10 * (amount % 0.3).unsqueeze(1)
        found.append({"boxes": corners, "labels": true.labels, "scores": amount % 1})
    return found


def train(run: RunDirectory, stop_after: int | None = None) -> list[float]:
    """The losses of all steps, also those before a checkpoint.

    Dropout is left out, and batch norm is as it is in evaluation: it would see other batches.
    """
    worker = Worker(run, trains=True)
    for module in worker.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        elif isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train = lambda mode, module=module: module
            module.training = False
    initialize(worker.model, run, worker.data.class_names)
    if stop_after:
        worker.trainer.callbacks.insert(0, StopAfter(stop_after, worker.stop))
    last = run.checkpoint("last") if run.has_checkpoint else None
    with suppress(Stopped):
        worker.trainer.fit(worker.model, worker.data, ckpt_path=last)
    with (run.path / "metrics.csv").open(newline="") as file:
        return [float(row["train/loss"]) for row in csv.DictReader(file) if row.get("train/loss")]


class StopAfter(Callback):
    """Asks one rank to stop, as a signal does."""

    def __init__(self, steps: int, stop: StopRequest) -> None:
        self.steps, self.stop = steps, stop

    def on_train_batch_end(self, trainer: Trainer, *arguments: Any) -> None:
        if trainer.global_step == self.steps and trainer.global_rank == trainer.world_size - 1:
            self.stop.requested = Stop.PREEMPTED


class Reductions(Callback):
    """Counts how often the ranks have added up a bucket of gradients."""

    def __init__(self) -> None:
        self.count = 0

    def on_train_start(self, trainer: Trainer, *arguments: Any) -> None:
        model: Any = trainer.strategy.model
        assert model.gradient_as_bucket_view
        model.register_comm_hook(None, self.reduce)

    def reduce(self, state: Any, bucket: GradBucket) -> Future[Tensor]:
        self.count += 1
        return allreduce_hook(None, bucket)


def count_reductions(run: RunDirectory) -> dict[str, int]:
    worker, reductions = Worker(run, trains=True), Reductions()
    worker.trainer.callbacks.insert(0, reductions)
    worker.trainer.fit(worker.model, worker.data)
    batches = worker.trainer.fit_loop.epoch_loop.batch_progress.total.completed
    return {"batches": batches, "steps": worker.trainer.global_step, "reductions": reductions.count}


def compare(name: str, folder: Path) -> dict[str, Any]:
    """Metrics on 1 to 4 ranks, and the losses of a short training on 1, 2 and 4."""
    run = create(name, folder, *SHORT)
    both = {n: on_ranks(n, partial(evaluate_and_train, copy(run, n))) for n in (1, 2, 4)}
    metrics = {n: metrics for n, (metrics, _) in both.items()} | {3: on_ranks(3, partial(evaluate, copy(run, 3)))}
    return {"metrics": metrics, "losses": {n: losses for n, (_, losses) in both.items()}}


def evaluate_and_train(run: RunDirectory) -> tuple[dict[str, dict[str, float]], list[float]]:
    return evaluate(run), train(run)


def resume(name: str, folder: Path) -> dict[str, list[float]]:
    """Losses of a training on 1 rank and on 2, divided and sharded; then of those that others went on with."""
    whole = create(name, folder, *SHORT)
    sharded = create(name, folder, *SHORT, "trainer=fsdp", "trainer.accelerator=cpu")
    losses = {"1": on_ranks(1, partial(train, copy(whole, 1)))}
    alone = copy(whole, 1, suffix="stopped")
    losses["1 stopped"] = on_ranks(1, partial(train, alone, stop_after=2))
    losses["1 stopped, then 2"] = on_ranks(2, partial(train, copy(alone, 2)))
    for strategy, run in (("ddp", whole), ("fsdp", sharded)):
        losses[f"2 {strategy}"] = on_ranks(2, partial(train, copy(run, 2)))
        stopped = copy(run, 2, suffix="stopped")
        losses[f"2 {strategy} stopped"] = on_ranks(2, partial(train, stopped, stop_after=2))
        for n in (1, 4):
            losses[f"2 {strategy}, then {n}"] = on_ranks(n, partial(train, copy(stopped, n)))
    return losses


def fast(name: str, folder: Path) -> dict[str, Any]:
    """Losses without what is fast and with all of it: of 2 ranks, of those that they began; and whether bits are the same."""
    settings = [*FAST, *["model.channels_last=true"] * name.startswith("vision")]
    begun, plain = create(name, folder, *SHORT, *STEPS, *settings), create(name, folder, *SHORT, *STEPS)
    losses = {"plain": on_ranks(1, partial(train, copy(plain, 1)))}
    whole, stopped = copy(begun, 2), copy(begun, 2, suffix="stopped")
    losses["2"] = on_ranks(2, partial(train, whole))
    losses["2 stopped"] = on_ranks(2, partial(train, stopped, stop_after=1))
    losses["2 stopped, then 1"] = on_ranks(1, partial(train, copy(stopped, 1)))
    losses["2 stopped, then 2"] = on_ranks(2, partial(train, stopped))
    ends = [torch.load(run.checkpoint("last"), weights_only=True)["state_dict"] for run in (whole, stopped)]
    return {"losses": losses, "same": all(ends[0][name].equal(ends[1][name]) for name in ends[0])}


def report(name: str, folder: Path) -> dict[str, dict[str, float]]:
    """Test metrics after a training with averaged weights on 2 ranks, and of one that is sharded; then of a rank alone."""
    average = "+callbacks.average._target_=lightning.pytorch.callbacks.EMAWeightAveraging"
    settings = [*SHORT[:1], "callbacks.plots=null", "trainer.limit_val_batches=2", "trainer.limit_test_batches=2"]
    runs = {"ddp": create(name, folder, *settings, average)}
    if torch.__version__ >= "2.4":
        runs["fsdp"] = create(name, folder, *settings, "trainer=fsdp", "trainer.accelerator=cpu")
    results = {}
    for strategy, run in runs.items():
        divided = copy(run, 2)
        results[strategy] = on_ranks(2, partial(fit, divided))
        results[f"{strategy}, alone"] = on_ranks(1, partial(test, divided))
    return results


def fit(run: RunDirectory) -> dict[str, float]:
    return Worker(run, trains=True).fit()


def start(name: str, folder: Path) -> dict[str, list[float]]:
    """Losses of a training from the weights of a file: on 1 rank, and on 2, divided and sharded; and from its own."""
    file = folder / "weights.safetensors"
    on_ranks(1, partial(save_weights, create(name, folder, "seed=1"), file))
    given = [*SHORT, f"init_from={file}"]
    whole = create(name, folder, *given)
    losses = {"own": on_ranks(1, partial(train, create(name, folder, *SHORT)))}
    losses |= {f"{n} ddp": on_ranks(n, partial(train, copy(whole, n))) for n in (1, 2)}
    if torch.__version__ >= "2.4":
        sharded = create(name, folder, *given, "trainer=fsdp", "trainer.accelerator=cpu")
        losses["2 fsdp"] = on_ranks(2, partial(train, copy(sharded, 2)))
    return losses


def save_weights(run: RunDirectory, file: Path) -> None:
    from safetensors.torch import save_file

    save_file(Worker(run, trains=True).model.state_dict(), file)


def test(run: RunDirectory) -> dict[str, float]:
    return Worker(run, trains=False).evaluate("test", "last")


def accumulate(name: str, folder: Path) -> dict[str, int]:
    """What 4 steps of three batches each do on 2 ranks."""
    run = create(name, folder, *SHORT, "trainer.accumulate_grad_batches=3")
    return on_ranks(2, partial(count_reductions, copy(run, 2)))


VERBS = {"compare": compare, "resume": resume, "accumulate": accumulate, "fast": fast, "report": report, "start": start}


def main() -> None:
    torch.set_num_threads(1)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    verb, name, folder = sys.argv[1:]
    print(json.dumps(VERBS[verb](name, Path(folder))))


if __name__ == "__main__":
    main()
