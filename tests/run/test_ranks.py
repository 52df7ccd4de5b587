"""Metrics and losses are independent of the number of ranks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from leyden.config.embedded import embedded_experiments

pytestmark = pytest.mark.slow
EXHAUSTIVE = pytest.mark.exhaustive

ROOT = Path.cwd()
EMBEDDED = embedded_experiments(ROOT)
EACH_DOMAIN = ("vision/digits", "text/stdlib", "audio/vowels")  # the last one takes minutes to compile


def on_ranks(verb, experiment, folder):
    process = subprocess.run(
        [sys.executable, "tests/ranks.py", verb, experiment, folder],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.parametrize("experiment", [EMBEDDED[0], *(pytest.param(name, marks=EXHAUSTIVE) for name in EMBEDDED[1:])])
def test_metrics_and_losses_are_independent_of_world_size(experiment, tmp_path):
    results = on_ranks("compare", experiment, tmp_path)
    on_one = results["metrics"]["1"]
    assert on_one["7"] != on_one["101"]  # odd sizes: ranks get different numbers of samples, of two in all some none
    for metrics in results["metrics"].values():
        for size in on_one:
            assert metrics[size] == pytest.approx(
                on_one[size], rel=1e-5, abs=1e-6, nan_ok=True
            )  # float32, and powers of e
    alone, *divided = results["losses"].values()
    assert len(alone) == 4
    # torchvision's detectors divide by the objects in a rank's own samples.
    tolerance = 1e-2 if "detection" in experiment else 1e-5
    for losses in divided:
        assert losses == pytest.approx(alone, rel=tolerance)


def test_accumulated_gradients_are_reduced_once_per_step(tmp_path):
    done = on_ranks("accumulate", EMBEDDED[0], tmp_path)
    assert (done["batches"], done["steps"]) == (12, 4)
    assert 4 <= done["reductions"] < 12


@pytest.mark.skipif(torch.__version__ < "2.4", reason="sharding needs torch 2.4 or later")
def test_checkpoint_of_any_strategy_resumes_on_any_world_size(tmp_path):
    # A language model where there is one: its weights are of the kind that sharding is for.
    losses = on_ranks("resume", sorted(EMBEDDED, key=lambda name: "model" in name)[-1], tmp_path)
    alone = losses.pop("1")
    assert len(alone) == 4
    for strategy in ("ddp", "fsdp"):
        assert losses.pop(f"2 {strategy} stopped") == pytest.approx(alone[:2], rel=1e-5)
    assert losses.pop("1 stopped") == pytest.approx(alone[:2], rel=1e-5)
    assert len(losses) == 7
    for those in losses.values():
        assert those == pytest.approx(alone, rel=1e-5)


@pytest.mark.exhaustive
@pytest.mark.skipif(torch.__version__ < "2.4", reason="what torch 2.3 compiles anew rounds otherwise in audio/vowels")
@pytest.mark.skipif(not shutil.which("c++"), reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("experiment", [name for name in EACH_DOMAIN if name in EMBEDDED][:2])
def test_optimizations_keep_losses_and_bits_of_resumed_runs(experiment, tmp_path):
    result = on_ranks("fast", experiment, tmp_path)
    plain = result["losses"].pop("plain")
    assert len(plain) == 3
    assert result["losses"].pop("2 stopped") == pytest.approx(plain[:1], rel=1e-5)
    assert len(result["losses"]) == 3
    for losses in result["losses"].values():
        assert losses == pytest.approx(plain, rel=1e-5)
    assert result["same"]


@pytest.mark.exhaustive
def test_all_ranks_start_from_the_same_weights(tmp_path):
    pytest.importorskip("safetensors")
    losses = on_ranks("start", EMBEDDED[0], tmp_path)
    own, alone = losses.pop("own"), losses.pop("1 ddp")
    assert own[0] != pytest.approx(alone[0], rel=1e-3)
    for those in losses.values():
        assert those == pytest.approx(alone, rel=1e-5)


def test_test_after_training_on_several_ranks_equals_that_of_checkpoint(tmp_path):
    results = on_ranks("report", EMBEDDED[0], tmp_path)
    for strategy in [name for name in results if "alone" not in name]:
        assert results[strategy] == pytest.approx(results[f"{strategy}, alone"], rel=0, abs=1e-6)
