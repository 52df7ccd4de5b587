import csv
import json
import math
import pickle
from pathlib import Path

import pytest
import torch

from ..config.build import build
from ..config.compose import ConfigError, project_root
from ..data import DataModule
from ..data.core.samples import base_dataset
from ..errors import RunError, UserError
from ..run.predict import predict
from ..run.worker import Worker
from ..tasks import Task
from .contract import Contract, expect, fail, parametrize
from .datasets import usable_data
from .project import composed, configuration, experiments, mistakes
from .sample_files import sample_files
from .small import small_data
from .trial import Trial, trial, weights_difference

NUM_FOLDS = 3


class TestExperiments(Contract):
    """Every experiment in configs/experiment/ passes the check, trains, resumes and predicts.

    Two steps of small batches on the CPU, without loggers. Data that would be downloaded is replaced: see `usable_data`.
    """

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        is_slow = "trained" in metafunc.fixturenames
        parametrize(metafunc, "experiment", experiments(project_root()), is_slow)

    @pytest.fixture
    def trained(self, experiment: str, tmp_path_factory: pytest.TempPathFactory) -> Trial:
        """The experiment after training."""
        if _mistakes(experiment):
            pytest.skip(f"{experiment} has mistakes: see test_check")
        made = trial(project_root(), experiment, tmp_path_factory.getbasetemp() / "runs")
        try:
            made.train()
        except Exception as error:
            made.error = error
        return made

    def test_check(self, experiment: str) -> None:
        """`leyden check` reports no errors."""
        messages = _mistakes(experiment)
        expect(not messages, "\n".join([f"{experiment} does not pass `leyden check {experiment}`:", *messages]))

    def test_folds(self, experiment: str) -> None:
        """With `data.num_folds`, each training sample is tested in one fold, and is not in training or validation there."""
        if _mistakes(experiment):
            pytest.skip(f"{experiment} has mistakes: see test_check")
        root = project_root()
        data = small_data(usable_data(root, experiment, configuration(root, experiment)))
        try:
            module: DataModule = build(data | {"fold": 0, "num_folds": NUM_FOLDS}, {})
        except (RunError, TypeError) as error:
            pytest.skip(f"{experiment} has no folds: {error}")
        module.setup("fit")
        kind, samples = type(module).__name__, base_dataset(module.samples["train"])
        tested = torch.zeros(len(samples), dtype=torch.int64)
        for module.fold in range(NUM_FOLDS):
            held_out = module.in_test_fold(samples.classes, samples.groups)
            used = [index for part in module.split(samples.classes, samples.groups) for index in part]
            expect(
                not held_out[used].any(), f"{kind}.split returns samples of the test fold {module.fold} of {NUM_FOLDS}"
            )
            tested += held_out
        expect((tested == 1).all(), f"{kind}: some training samples are tested in no fold, or in several")
        first = module.samples["test"].indices  # pyrefly: ignore[missing-attribute]
        rest = [index for part in module.samples.values() for index in getattr(part, "indices", [])]
        expect(len(first) > 0 and len(rest) == len({*rest}), f"{kind}.setup puts a sample into two splits of a fold")

    def test_trains(self, trained: Trial) -> None:
        """Training for two steps gives finite metrics, checkpoints with plain values, and figures."""
        name, error = trained.name, trained.error
        if isinstance(error, RunError | UserError):
            fail(f"{name} does not train: {error}")
        if error:
            raise error
        worker, results = trained.train(), trained.results
        split = "test" if worker.data.has_test else "val"
        infinite = [f"{key}={value}" for key, value in results.items() if not math.isfinite(value)]
        expect(not infinite, f"{name} has metrics that are not finite after two steps: {', '.join(infinite)}")
        monitor = str(worker.model.monitor).replace("val/", f"{split}/")
        expect(
            monitor in results,
            f"{type(worker.model).__name__}.monitor is {worker.model.monitor!r}, but {name} does not log {monitor}, only "
            f"{', '.join(results) or 'nothing'}: log it in `evaluate`, or change `monitor`",
        )
        kept = json.loads((trained.run.path / "results.json").read_text(encoding="utf-8"))
        expect(kept[split][trained.checkpoint] == results, f"results.json of {name} differs from the logged metrics")
        try:
            torch.load(trained.run.checkpoint(trained.checkpoint), weights_only=True)
        except pickle.UnpicklingError as unsafe:
            fail(f"the checkpoint of {name} contains more than tensors and plain values: {unsafe}")
        _expect_figures(trained, worker, split)

    def test_resumes(self, trained: Trial) -> None:
        """A run that is killed after one step and resumed ends with the same bits as an uninterrupted run."""
        _skip_untrained(trained)
        try:
            text = weights_difference(trained.run, trained.resume())
            begin = f"{trained.name}, killed after one of two steps and resumed, ends with other weights ({text})"
        except (RunError, UserError) as error:
            text, begin = "error", f"{trained.name}, killed after one of two steps, cannot be resumed ({error})"
        if text:
            fail(f"{begin}: {_why_not_resumed(trained)}")

    def test_predicts(self, trained: Trial, tmp_path: Path) -> None:
        """Prediction reads files of the experiment's domain."""
        _skip_untrained(trained)
        data, task = type(trained.train().data), type(trained.train().model)
        expect_implemented(data, DataModule, "read")
        expect_implemented(task, Task, "predict_step")
        files = sample_files(trained.root, trained.name, data)
        advice = f"add files that {data.__name__}.read accepts to tests/samples/{trained.name}/"
        if not files:
            pytest.skip(f"there are no files to predict: {advice}")
        worker, output = Worker(trained.run, trains=False), tmp_path / "predictions.csv"
        try:
            predict(worker, [files], trained.checkpoint, output, "csv")
        except UserError as error:
            if not files.is_relative_to(trained.root / "tests"):
                pytest.skip(f"{advice}: {error}")
            fail(f"{trained.name} cannot predict the files in {files}: {error}")
        lines = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
        expect(lines, f"{trained.name} reads no samples from {files}")


def _mistakes(experiment: str) -> list[str]:
    try:
        return mistakes(composed(project_root(), f"experiment={experiment}"))
    except ConfigError as error:
        return error.messages


def expect_implemented(kind: type, base: type, method: str) -> None:
    """Skip a test if a class does not implement an optional method."""
    if getattr(kind, method, None) is getattr(base, method):
        pytest.skip(f"{kind.__name__} does not implement `{method}`")


def _skip_untrained(trained: Trial) -> None:
    if trained.error:
        pytest.skip(f"{trained.name} does not train: see test_trains")


def _why_not_resumed(trained: Trial) -> str:
    """The most likely reason why two runs with the same settings differ."""
    if samples := trained.data_difference():
        return (
            f"{trained.config['data']['_target_']} returns other samples when created again with the same settings "
            f"({samples}). `load` must return the same samples in the same order each time"
        )
    if weights_difference(trained.run, trained.train_again()):
        return (
            "so does a second run with the same seed. Some random numbers do not depend on the seed alone, or some "
            "operation is not deterministic (trainer.deterministic=true reports it)"
        )
    return (
        "some state that changes in training is not in the checkpoint. State of a network or task between steps must be "
        "a buffer or be saved in `on_save_checkpoint`; random numbers must come from torch, in the network, in the task "
        "or in `batch_transform`"
    )


def _expect_figures(trained: Trial, worker: Worker, split: str) -> None:
    """Fail if drawing failed, or if a dataset that implements drawing was not drawn."""
    failed = [message for message in trained.warnings if "could not be drawn" in message]
    expect(not failed, f"{trained.name}: {'; '.join(failed)}")
    draws = any(
        getattr(type(worker.data), name) is not getattr(DataModule, name) for name in ("draw", "draw_prediction")
    )
    if draws and trained.is_drawn:
        drawn = {path.name for path in (trained.run.path / "plots" / trained.checkpoint).glob("*.png")}
        missing = {f"{split}_predictions.png", f"{split}_worst.png"} - drawn
        expect(not missing, f"{trained.name} did not draw {', '.join(sorted(missing))}")
