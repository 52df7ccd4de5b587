import csv
from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.plugins import MixedPrecision
from matplotlib.image import imread
from torch import nn

from leyden.callbacks import GradientMonitor, PredictionPlots, Throughput
from leyden.data import Batch, DataModule
from leyden.data.core.samples import RaggedSamples, TensorSamples
from leyden.loggers.metrics_csv import MetricsCSV
from leyden.tasks import Classification, EvaluationOutput


class Points(DataModule):
    """Two linearly separable classes."""

    ragged = False

    def load(self, split):
        self.class_names = ["low", "high"]
        points, targets = torch.linspace(-1, 1, 40), (torch.arange(40) >= 20).long()
        if self.ragged:
            return RaggedSamples([torch.full((n % 3 + 1,), x) for n, x in enumerate(points)], targets)
        return TensorSamples(points.unsqueeze(1), targets)

    def batch_transform(self, stage):
        return nn.Identity()

    def draw(self, axes, inputs):
        axes.plot(inputs.numpy())


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 2)

    def forward(self, inputs, lengths=None):
        return self.linear(inputs[:, :1])


def parts(tmp_path, callbacks, **options):
    model = Classification(network=First(), class_names=["low", "high"], optimizer=partial(torch.optim.SGD, lr=0.5))
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=MetricsCSV(tmp_path),
        callbacks=callbacks,
        default_root_dir=tmp_path,
        log_every_n_steps=2,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    return trainer, model


def read(tmp_path):
    with (tmp_path / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_learning_rate_gradient_norm_and_throughput_are_logged(tmp_path):
    trainer, model = parts(tmp_path, [GradientMonitor(), Throughput()])
    trainer.fit(model, Points(batch_size=6))
    samples = read(tmp_path)
    steps = [sample for sample in samples if sample["train/gradient_norm"]]
    assert len(steps) == 6  # every second of twice six steps
    assert all(float(sample["train/learning_rate"]) == 0.5 for sample in steps)
    assert all(float(sample["train/gradient_norm"]) > 0 for sample in steps)
    assert all(sample["train/loss"] for sample in steps)  # in the same sample
    assert len([sample for sample in samples if sample["train/samples_per_second"]]) == 2
    assert "train/tokens_per_second" not in samples[0]  # these are no tokens


def test_padding_is_logged_for_samples_with_lengths(tmp_path):
    data = Points(batch_size=18, bucket_batches=0)  # 36 training samples of 1, 2 and 3 places
    data.ragged = True
    trainer, model = parts(tmp_path, [Throughput()])
    trainer.fit(model, data)
    logged = [float(sample["train/padding"]) for sample in read(tmp_path) if sample["train/padding"]]
    training = data.samples["train"]
    valid = sum(number % 3 + 1 for number in training.indices)
    assert logged == pytest.approx([1 - valid / (36 * 3)] * 2)


def test_padding_is_not_logged_for_fixed_sizes(tmp_path):
    trainer, model = parts(tmp_path, [Throughput()])
    trainer.fit(model, Points(batch_size=6))
    assert "train/padding" not in read(tmp_path)[0]


def test_plots_show_random_and_worst_samples():
    plots = PredictionPlots(num_samples=3)
    plots._start()
    for start in range(0, 60, 4):
        samples = torch.arange(start, start + 4)
        plots._update(EvaluationOutput(samples, 100.0 - samples), Batch(samples, samples))
    assert sorted(int(example.inputs) for example in plots.worst) == [0, 1, 2]
    sample = [int(example.inputs) for example in plots.sample]
    assert len(set(sample)) == 3
    assert max(sample) > 5  # not the first samples, which are alike where the data is sorted


def test_gradient_norm_of_all_parameters(tmp_path):
    trainer, model = parts(tmp_path, [])
    seen = {}
    model.log = lambda name, value: seen.update({name: float(value)})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    GradientMonitor().on_before_optimizer_step(trainer, model, optimizer)
    assert seen["train/gradient_norm"] == pytest.approx((4 * 9) ** 0.5)


# torch 2.3 has no fused SGD for CPUs.
@pytest.mark.parametrize(
    "fused", [False, pytest.param(True, marks=pytest.mark.skipif(torch.__version__ < "2.4", reason="needs torch 2.4"))]
)
def test_float16_gradient_norm_is_unscaled(tmp_path, fused):
    logged = {}
    for scale in (1.0, 1024.0):
        torch.manual_seed(0)
        (tmp_path / str(scale)).mkdir()
        trainer, model = parts(tmp_path / str(scale), [GradientMonitor()], max_steps=4)
        model.optimizer = partial(torch.optim.SGD, lr=0.5, fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1000)
        plugin = MixedPrecision("bf16-mixed", "cpu")
        plugin.scaler = scaler
        trainer.strategy.precision_plugin = plugin
        trainer.fit(model, Points(batch_size=6))
        logged[scale] = [float(sample["train/gradient_norm"]) for sample in read(tmp_path / str(scale))]
    assert logged[1.0] == pytest.approx(logged[1024.0], rel=1e-2)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(("verb", "prefix"), [("test", "test"), ("validate", "val")])
def test_plots_after_evaluation(tmp_path, ragged, verb, prefix):
    data = Points(batch_size=4)
    data.ragged = ragged
    trainer, model = parts(tmp_path, [PredictionPlots(num_samples=3)])
    getattr(trainer, verb)(model, data, verbose=False)
    plots = sorted(path.name for path in (tmp_path / "plots").glob("*.png"))
    assert plots == [f"{prefix}_{name}.png" for name in ("confusion_matrix", "predictions", "worst")]
    with (tmp_path / "plots" / f"{prefix}_confusion_matrix.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["true class", "low", "high"]
    num_samples = 40 if verb == "test" else 4
    assert sum(int(count) for row in rows for count in row[1:]) == num_samples
    for plot in plots:  # something is drawn: matplotlib's white alone has no variance
        assert imread(tmp_path / "plots" / plot)[..., :3].std() > 0.01


class Telling(Classification):
    def texts(self):
        return {"story": "once\tupon\n\n" + "a time " * 20 + "猫 \x07 $x^"}


def test_task_texts_are_saved_and_drawn(tmp_path):
    trainer, model = parts(tmp_path, [PredictionPlots(num_samples=3)])
    model.__class__ = Telling
    trainer.test(model, Points(batch_size=4), verbose=False)
    assert (tmp_path / "plots" / "test_story.txt").read_text(encoding="utf-8") == model.texts()["story"]
    assert imread(tmp_path / "plots" / "test_story.png")[..., :3].std() > 0.01


def test_no_plots_in_training(tmp_path):
    trainer, model = parts(tmp_path, [PredictionPlots()])
    trainer.fit(model, Points(batch_size=4))
    assert not (tmp_path / "plots").exists()


class Undrawn(Points):
    draw = DataModule.draw


class Broken(Points):
    def draw(self, axes, inputs):
        raise RuntimeError("no font")


@pytest.mark.parametrize(
    ("kind", "message"), [(Undrawn, "does not implement `draw`"), (Broken, "RuntimeError: no font")]
)
def test_failed_plot_is_reported_and_keeps_results(tmp_path, kind, message, caplog):
    caplog.set_level("INFO")
    trainer, model = parts(tmp_path, [PredictionPlots(num_samples=3)])
    (results,) = trainer.test(model, kind(batch_size=4), verbose=False)
    assert "test/accuracy" in results
    assert [path.name for path in (tmp_path / "plots").glob("*.png")] == ["test_confusion_matrix.png"]
    assert caplog.text.count(message) == 2  # of the sample and of the worst


class Bare(Classification):
    """A user's task without outputs to draw, whose figure fails."""

    def evaluate(self, batch, stage):
        super().evaluate(batch, stage)

    def figures(self):
        raise ValueError("too wide")


def test_task_without_drawable_outputs(tmp_path, caplog):
    trainer, model = parts(tmp_path, [PredictionPlots(num_samples=3)])
    model.__class__ = Bare
    (results,) = trainer.test(model, Points(batch_size=4), verbose=False)
    assert "test/accuracy" in results
    assert "ValueError: too wide" in caplog.text
