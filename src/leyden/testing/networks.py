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

SAMPLES, STEPS, NUM_BATCHES = 6, 60, 4


class TestNetworks(Contract):
    """Every model of configs/model/ learns one batch by heart, with all its parameters, and keeps samples apart.

    A model is tested with the data of each embedded experiment whose own model is in the same folder and has the same
    task, and an experiment's own model in any case: see `pairs`. Dropout is off.
    """

    # The share of the first loss below which a batch is learnt, by the name of a task's class. A detector proposes
    # other boxes at each step, of which it has to learn; with several answers a sample there is more to learn.
    remaining_loss: ClassVar[dict[str, float]] = {"Detection": 0.6, "MultilabelClassification": 0.5}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        is_slow = metafunc.function.__name__ == "test_overfits_one_batch"
        parametrize(metafunc, "pair", pairs(project_root()), is_slow)

    @pytest.fixture
    def bench(self, pair: Pair) -> Bench:
        """The model with its data."""
        return Bench(project_root(), pair)

    def test_overfits_one_batch(self, bench: Bench) -> None:
        """60 steps on one batch bring the loss down."""
        batch, names = bench.batch(*range(SAMPLES)), [kind.__name__ for kind in type(bench.model).__mro__]
        share = next((self.remaining_loss[name] for name in names if name in self.remaining_loss), 0.25)
        optimizer = torch.optim.Adam(bench.model.parameters(), lr=3e-3)
        losses: list[float] = []
        for step in range(STEPS):
            loss = bench.loss(batch)
            losses.append(loss.item())
            expect(math.isfinite(losses[-1]), f"{bench.name}: the loss of step {step} on one batch is {losses[-1]}")
            if losses[-1] < share * losses[0]:
                return
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        fail(
            f"{bench.name} does not learn a batch of {SAMPLES} samples: {STEPS} steps brought the loss from {losses[0]:.4g} to "
            f"{losses[-1]:.4g}; expected below {share * losses[0]:.4g}. Where no network can bring it so far, set "
            f"TestNetworks.remaining_loss[{bench.task!r}] = {share + 0.5:.2g} in tests/test_contract.py"
        )

    def test_gradients_reach_every_parameter(self, bench: Bench) -> None:
        """Each parameter that is trained has a gradient other than 0 in one of four batches."""
        silent: list[str] = []
        for start in range(0, NUM_BATCHES * SAMPLES, SAMPLES):  # a ReLU may be silent for some samples
            bench.loss(bench.batch(*range(start, start + SAMPLES))).backward()
            silent = [
                name
                for name, parameter in bench.model.named_parameters()
                if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
            ]
            if not silent:
                return
        fail(
            f"{bench.name}: no gradient reaches {', '.join(silent)}. Use it in what the loss depends on, take it out, or call "
            "requires_grad_(False) where it is not to be trained"
        )

    def test_samples_do_not_mix(self, bench: Bench) -> None:
        """A sample's predictions are the same alone and in a batch."""
        expect_implemented(type(bench.model), Task, "predict_step")
        with torch.no_grad():
            for start in range(0, NUM_BATCHES * SAMPLES, SAMPLES):  # running means other than 0
                bench.loss(bench.batch(*range(start, start + SAMPLES)))
        bench.model.eval()
        bench.keep_all_boxes()
        if found := bench.mixed(SAMPLES):
            fail(
                f"{bench.name}: {found}. In evaluation, no layer may use statistics of the batch, and padding must not "
                "reach a result: mask it by `lengths`"
            )

    def test_trains_in_float64(self, bench: Bench) -> None:
        """Nothing in the network or task is fixed to float32, as for trainer.precision=64-true."""
        precision = DoublePrecision()
        batch = bench.batch(*range(SAMPLES))  # in float32: transforms know no precision
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
