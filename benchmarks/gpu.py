"""Training on one GPU beside a compiled hand-written loop in bfloat16: `python benchmarks/gpu.py`.

A residual network on images of 32 x 32 pixels, and GPT of 124 million parameters on windows of 1,024 random tokens; rows
live on the GPU. The hand-written loop has the same network, compiled, the same batch and AdamW, indexes tensors, and asks
for no loss. `train` does all that it does by default. Each training is a process of its own, in turn; seconds are those
of all steps of each epoch after the first, between two moments at which the GPU has nothing to do. Besides, images a
second that the loader and the transform of rows on the GPU give, and of the first pass of jpegs.

    --repeats N    of each training (3)
    --tiny         small networks and few steps, also on a CPU: does it run?
"""

import argparse
import csv
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import made_data
import numpy as np
import torch
from epochs import SECONDS, now
from pairs import ROOT, apart, domains, heading, quietly, row, spread
from torch import Tensor
from torch.nn.functional import cross_entropy

from leyden.config.build import build
from leyden.config.compose import compose
from leyden.data.core.samples import base_dataset
from leyden.run.directory import RunDirectory
from leyden.run.execute import execute
from leyden.run.worker import Worker

EPOCHS = 4
COMMON = ["trainer=gpu", f"trainer.max_epochs={EPOCHS}", "model.compile=true", "+trainer.limit_val_batches=1"]
COMMON += ["+trainer.limit_test_batches=1", "callbacks.plots=null", "data.storage=device", "data.cache=null"]
COMMON += ["trainer.gradient_clip_val=null"]
IMAGE = [
    "experiment=vision/cifar10",
    "data.batch_size=1024",
    "data.augment=[]",
    "model.channels_last=true",
    "model.label_smoothing=0",
]
TOKEN = ["experiment=text/stdlib_modelling", "data.max_tokens=1024", "data.batch_size=16", "model.num_samples=0"]
TOKEN += ["model.network.width=768", "model.network.depth=12", "model.network.num_heads=12"]
TINY_TOKEN = ["data.max_tokens=32", "model.network.width=32", "model.network.depth=1", "model.network.num_heads=2"]
TASKS = {
    "ResNet": (IMAGE, ["data.batch_size=32", "model.network.num_layers=8"]),
    "GPT": (TOKEN, [*TINY_TOKEN, "data.batch_size=4"]),
}


def template(config: dict[str, Any]) -> tuple[list[float], float | None]:
    """Seconds of each epoch after the first, and the share of the GPU's peak that is used, where that is known."""
    config["callbacks"]["epochs"] = {"_target_": "epochs.Epochs"}
    run = RunDirectory.create(config, ROOT, ["benchmarks/gpu.py"])
    if quietly(lambda: execute(run, "train")):
        raise RuntimeError((run.path / "log.txt").read_text())
    with (run.path / "metrics.csv").open(newline="") as file:
        used = [share for line in csv.DictReader(file) if (share := line.get("train/flops_utilization"))]
    return SECONDS[1:], float(used[-1]) if used else None


def by_hand(config: dict[str, Any]) -> tuple[list[float], None]:
    """Seconds of each epoch after the first."""
    worker = quietly(lambda: Worker(RunDirectory.create(config, ROOT, ["benchmarks/gpu.py"]), trains=True))
    device = device_of(config)
    network, size = worker.model.network.to(device), config["data"]["batch_size"]
    number, fetch = fetcher(worker.data.samples["train"], device)
    if config["model"].get("channels_last"):
        network.to(memory_format=torch.channels_last)
    network.compile()
    optimizer = worker.model.optimizer(network.parameters(), fused=True)
    torch.set_float32_matmul_precision("high")
    for _ in range(EPOCHS):
        begin, order = now(), torch.randperm(number, device=device)
        for step in range(config["trainer"]["limit_train_batches"]):
            inputs, targets = fetch(order[step * size : (step + 1) * size])
            with torch.autocast(device.type, torch.bfloat16):
                logits = network(inputs)
            loss = cross_entropy(logits.float().flatten(0, -2), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        SECONDS.append(now() - begin)
    return SECONDS[1:], None


def device_of(config: dict[str, Any]) -> torch.device:
    return torch.device("cpu" if config["trainer"]["accelerator"] == "cpu" else "cuda")


def noisy(task: str, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with noise in the place of its dataset."""
    noise = {"_target_": "noise_images.NoiseImages" if task == "ResNet" else "noise_tokens.NoiseTokens"}
    data = {name: value for name, value in config["data"].items() if name not in ("root", "dataset")}
    return config | {"data": data | noise}


def fetcher(rows: Any, device: torch.device) -> tuple[int, Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """How many rows there are, and row numbers -> inputs and targets, of tensors that lie on the device."""
    if hasattr(rows, "stream"):
        stream = torch.from_numpy(rows.stream.astype(np.int64)).to(device)
        window = torch.arange(rows.max_tokens + 1, device=device)

        def tokens(numbers: Tensor) -> tuple[Tensor, Tensor]:
            chosen = stream[numbers[:, None] * rows.max_tokens + window]
            return chosen[:, :-1], chosen[:, 1:]

        return len(rows), tokens
    images, labels = rows.dataset.inputs.to(device), rows.dataset.targets.to(device)

    def pictures(numbers: Tensor) -> tuple[Tensor, Tensor]:
        inputs = images[numbers].float().div_(255).sub_(0.5).div_(0.25)
        return inputs.to(memory_format=torch.channels_last), labels[numbers]

    return len(rows), pictures


def compare(task: str, folder: str, repeats: int, is_tiny: bool) -> None:
    settings, tiny = TASKS[task]
    steps = 3 if is_tiny else 40
    more = [*tiny, "trainer=cpu", "trainer.precision=bf16-mixed"] if is_tiny else []
    config = compose([*settings, *COMMON, *more, f"+trainer.limit_train_batches={steps}"], ROOT).config
    config = noisy(task, config) | {"runs": f"{folder}/runs", "name": "gpu"}
    sides = [
        (apart(partial(template, config), folder), apart(partial(by_hand, config), folder)) for _ in range(repeats)
    ]
    rows = steps * config["data"]["batch_size"] * config["data"].get("max_tokens", 1)
    pairs = [[statistics.median(epochs) for epochs, _ in pair] for pair in sides]
    ours, theirs = (f"{rows / statistics.median(side):.0f}" for side in zip(*pairs, strict=True))
    used = sides[-1][0][1]
    ratios = spread((hand / own for own, hand in pairs), ".3f")
    row(task, ours, theirs, ratios, "unknown" if used is None else f"{100 * used:.0f} %")


def resident(config: dict[str, Any]) -> float:
    """Images a second of the second pass of the loader and the transform, where rows live on the device."""
    data, device = build(config["data"], {}), device_of(config)
    data.setup("fit")
    data.storage.move(base_dataset(data.samples["train"]), device)
    loader, transform = data.train_dataloader(), data.batch_transform("train").to(device)
    passes = []
    for _ in range(2):
        begin = now()
        passes.append(sum(len(transform(batch).inputs) for batch in loader) / (now() - begin))
    return passes[1]


def first_pass(config: dict[str, Any]) -> float:
    """Images a second of the first pass of the loader and the transform, decoding among it."""
    torch.ones(1, device=device_of(config))  # its start does not count
    begin, data = now(), build(config["data"], {})
    data.setup("fit")
    transform = data.batch_transform("train")
    return sum(len(transform(batch).inputs) for batch in data.train_dataloader()) / (now() - begin)


def load(folder: Path, is_tiny: bool) -> None:
    heading("images of", "images/s")
    trainer = ["trainer=cpu"] if is_tiny else ["trainer=gpu"]
    config = noisy("ResNet", compose([*IMAGE, *COMMON, *trainer], ROOT).config)
    row("32 x 32 pixels, on the device", f"{apart(partial(resident, config), folder):.0f}")
    made_data.photographs(folder / "jpegs", 100 if is_tiny else 5_000)
    words = ["data=vision/files", "model=vision/convnet", f"data.root={folder}/jpegs", "data.image_size=224"]
    for device in ("cpu",) if is_tiny else ("cpu", "cuda"):
        config = compose([*words, *trainer, "data.cache=null", f"data.jpeg_device={device}"], ROOT).config
        row(f"jpegs of 500 x 375, data.jpeg_device={device}", f"{apart(partial(first_pass, config), folder):.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    if not apart(torch.cuda.is_available, ROOT) and not options.tiny:
        sys.exit("There is no GPU here; --tiny has a CPU train small networks.")
    heading("network", "`train`, rows or tokens/s", "by hand", "ratio", "of the GPU's peak")
    with tempfile.TemporaryDirectory() as folder:
        for task, (settings, _) in TASKS.items():
            if settings[0].partition("=")[2].partition("/")[0] in domains():
                compare(task, folder, options.repeats, options.tiny)
        if "vision" in domains():
            load(Path(folder), options.tiny)


if __name__ == "__main__":
    main()
