import heapq
import logging
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from lightning.pytorch import Callback, LightningModule, Trainer
from matplotlib.figure import Figure
from torch import Tensor

log = logging.getLogger(__name__)


class Example(NamedTuple):
    """A sample of an evaluation, on the CPU; the highest priority comes first, then the earliest sample."""

    priority: float
    order: int  # minus the number of the sample
    inputs: Tensor
    target: Any
    prediction: Any


class PredictionPlots(Callback):
    """After an evaluation: some samples and the worst ones with their predictions, and the task's own figures.

    Samples come sorted by class or by length: some are a random sample, the same one each time, not the first ones.

    The data module draws a sample, the model tells what it predicts and how wrong it is. The plots are written to
    `plots/` and handed to every logger that takes plots; the task's own texts, such as samples, too. Within training
    they wait for the test.

    Args:
        num_samples: samples in a plot.
    """

    def __init__(self, num_samples: int = 16) -> None:
        if num_samples < 1:
            raise ValueError(f"num_samples is {num_samples}; it must be at least 1")
        self.num_samples = num_samples
        self.folder = ""  # below `plots/`: plots of one checkpoint do not replace those of another

    def _start(self) -> None:
        self.seen = 0
        self.random = Random(0)
        # Heaps: the example of the lowest priority is the first to go.
        self.sample: list[Example] = []
        self.worst: list[Example] = []

    def _update(self, evaluated: Any, batch: Any) -> None:
        losses = getattr(evaluated, "per_sample_loss", None)
        for number, loss in enumerate([] if losses is None else losses.tolist()):
            for heap, priority in ((self.sample, self.random.random()), (self.worst, loss)):
                has_room = len(heap) < self.num_samples
                if has_room or priority > heap[0].priority:
                    values = (*batch.sample(number), evaluated.predictions[number])
                    example = Example(priority, -self.seen, *map(_on_cpu, values))
                    heapq.heappush(heap, example) if has_room else heapq.heappushpop(heap, example)
            self.seen += 1

    def _end(self, trainer: Trainer, pl_module: LightningModule, split: str) -> None:
        figures, texts = {}, {}
        with _reported("figures of the task"):
            figures = pl_module.figures()  # over all ranks, so on all ranks  # pyrefly: ignore[not-callable]
        with _reported("texts of the task"):
            texts = pl_module.texts()  # pyrefly: ignore[not-callable]
        if not trainer.is_global_zero:
            return
        data: Any = trainer.datamodule  # pyrefly: ignore[missing-attribute]
        sample = sorted(self.sample, key=lambda example: -example.order)
        for name, examples in (("predictions", sample), ("worst", sorted(self.worst, reverse=True))):
            if examples:
                with _reported(f"{split}_{name}.png"):
                    figures[name] = grid(data, examples)
        for name, text in texts.items():
            with _reported(f"{split}_{name}.txt"):
                self._path(trainer, f"{split}_{name}.txt").write_text(text, encoding="utf-8")
                figures[name] = page(text)
        for name, figure in figures.items():
            with _reported(f"{split}_{name}.png"):
                self._write(trainer, f"{split}_{name}", figure)

    def _path(self, trainer: Trainer, name: str) -> Path:
        path = Path(trainer.default_root_dir) / "plots" / self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _write(self, trainer: Trainer, name: str, figure: Figure) -> None:
        path = self._path(trainer, f"{name}.png")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # a character that the font lacks is drawn as a box
            figure.savefig(path, dpi=120)
        for logger in trainer.loggers:
            if log_image := getattr(logger, "log_image", None):
                log_image(f"plots/{name}", [str(path)])

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start()

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any, **__: Any
    ) -> None:
        self._update(outputs, batch)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(trainer, pl_module, "test")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start()

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any, **__: Any
    ) -> None:
        if trainer.state.fn == "validate":
            self._update(outputs, batch)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "validate":
            self._end(trainer, pl_module, "val")


@contextmanager
def _reported(what: str) -> Iterator[None]:
    """What a plot fails of is said: the evaluation is done, and its metrics are worth more than the plot."""
    try:
        yield
    except NotImplementedError:
        log.info("%s: the data module has no `draw`, and nothing is drawn", what)
    except Exception as error:
        log.warning("%s could not be drawn: %s: %s", what, type(error).__name__, error)


def grid(data: Any, examples: list[Example]) -> Figure:
    """The examples, each drawn by the data module: side by side where they are narrow, else below each other."""
    width, height = data.drawn_size
    columns = min(max(int(10 / width), 1), len(examples))
    rows = -(-len(examples) // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in places:
        axes.set_axis_off()
    for axes, example in zip(places, examples, strict=False):
        data.draw_prediction(axes, example.inputs, example.target, example.prediction)
    return figure


def page(text: str) -> Figure:
    """A text as a plot of at most 80 lines of 100 characters; the text file has the whole text."""
    lines = [part for line in text.expandtabs(4).splitlines() for part in textwrap.wrap(line, 100) or [""]]
    figure = Figure(figsize=(8, 0.15 * len(lines[:80]) + 0.2))
    options = {"va": "top", "family": "monospace", "fontsize": 8, "parse_math": False}
    figure.text(0.02, 0.98, "\n".join(lines[:80]), **options)
    return figure


def _on_cpu(value: Any) -> Any:
    """Tensors, and dicts and named tuples of them, on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {name: _on_cpu(one) for name, one in value.items()}
    return type(value)(*map(_on_cpu, value)) if hasattr(value, "_fields") and isinstance(value, Iterable) else value
