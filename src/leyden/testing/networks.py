import math
from typing import ClassVar

import pytest
import torch
from lightning.pytorch.plugins import DoublePrecision

from ..config.compose import project_root
from ..tasks import Task
from .bench import Bench
from .contract import Contract, expect, fail, parametrize
from .experiments import expect_implemented
from .project import Pair, pairs

NUM_SAMPLES, NUM_STEPS, NUM_BATCHES = 6, 60, 4


class TestNetworks(Contract):
    """Every model in configs/model/ overfits one batch, trains all its parameters, and does not mix samples.

    A model is tested with the data of each embedded experiment whose own model is in the same folder and has the same
    task, and with every experiment that selects it: see `pairs`. Dropout is disabled.
    """

    # Share of the initial loss below which a batch counts as learnt, by the class name of the task. Detectors train on
    # other proposals in each step, and multilabel samples have more to learn.
    remaining_loss: ClassVar[dict[str, float]] = {"Detection": 0.6, "MultilabelClassification": 0.5}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        is_slow = metafunc.function.__name__ == "test_overfits_one_batch"
        parametrize(metafunc, "pair", pairs(project_root()), is_slow)

    @pytest.fixture
    def bench(self, pair: Pair) -> Bench:
        """The model with its data."""
        return Bench(project_root(), pair)

    def test_overfits_one_batch(self, bench: Bench) -> None:
        """60 steps on one batch reduce the loss."""
        batch, names = bench.batch(*range(NUM_SAMPLES)), [kind.__name__ for kind in type(bench.model).__mro__]
        share = next((self.remaining_loss[name] for name in names if name in self.remaining_loss), 0.25)
        optimizer = torch.optim.Adam(bench.model.parameters(), lr=3e-3)
        losses: list[float] = []
        for step in range(NUM_STEPS):
            loss = bench.loss(batch)
            losses.append(loss.item())
            expect(math.isfinite(losses[-1]), f"{bench.name}: the loss of step {step} on one batch is {losses[-1]}")
            if losses[-1] < losses[0] - (1 - share) * abs(losses[0]):  # a likelihood's may be negative
                return
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        fail(
            f"{bench.name} does not overfit a batch of {NUM_SAMPLES} samples: {NUM_STEPS} steps reduced the loss from "
            f"{losses[0]:.4g} to {losses[-1]:.4g}; expected below {losses[0] - (1 - share) * abs(losses[0]):.4g}. If no network can do so, set "
            f"TestNetworks.remaining_loss[{bench.task!r}] = {share + 0.5:.2g} in tests/test_contract.py"
        )

    def test_gradients_reach_every_parameter(self, bench: Bench) -> None:
        """Each trained parameter has a non-zero gradient in one of four batches."""
        unreached: list[str] = []
        for start in range(0, NUM_BATCHES * NUM_SAMPLES, NUM_SAMPLES):  # a ReLU may be inactive for some samples
            bench.loss(bench.batch(*range(start, start + NUM_SAMPLES))).backward()
            unreached = [
                name
                for name, parameter in bench.model.named_parameters()
                if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
            ]
            if not unreached:
                return
        fail(
            f"{bench.name}: no gradient reaches {', '.join(unreached)}. Use it in the loss, remove it, or call "
            "requires_grad_(False) if it is not to be trained"
        )

    def test_samples_do_not_mix(self, bench: Bench) -> None:
        """Predictions of a sample do not depend on the other samples of its batch."""
        expect_implemented(type(bench.model), Task, "predict_step")
        with torch.no_grad():
            for start in range(0, NUM_BATCHES * NUM_SAMPLES, NUM_SAMPLES):  # to update running statistics
                bench.loss(bench.batch(*range(start, start + NUM_SAMPLES)))
        bench.model.eval()
        bench.keep_all_boxes()
        if text := bench.batch_dependence(NUM_SAMPLES):
            fail(
                f"{bench.name}: {text}. In evaluation, no layer may use statistics of the batch, and padding must not "
                "affect results: mask it by `lengths`"
            )

    def test_trains_in_float64(self, bench: Bench) -> None:
        """The network and the task support float64, as with trainer.precision=64-true."""
        precision = DoublePrecision()
        batch = bench.batch(*range(NUM_SAMPLES))  # in float32, which transforms return
        try:
            with precision.forward_context():
                precision.convert_module(bench.model)
                bench.loss(batch).backward()
        except RuntimeError as error:
            raise AssertionError(
                f"{bench.name} does not train in float64 (trainer.precision=64-true): {error}"
            ) from error
        others = [
            name
            for name, parameter in bench.model.named_parameters()
            if parameter.grad is not None and parameter.grad.dtype is not torch.float64
        ]
        expect(not others, f"{bench.name}: {', '.join(others)} did not become float64 (trainer.precision=64-true)")
