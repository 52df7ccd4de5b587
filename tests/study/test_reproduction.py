import shutil

import pytest
import torch
from run_files import write_run

from leyden.errors import UserError
from leyden.run.directory import RunDirectory
from leyden.study.records import read
from leyden.study.reproduce import compare, judge, new_run, same_but_seed


def with_weights(run, value, accuracy=0.5):
    torch.save({"state_dict": {"w": torch.tensor([value, float("nan")])}}, run / "checkpoints/last.ckpt")
    (run / "metrics.csv").write_text(f"step,train/loss,train/samples_per_second\n0,{accuracy},{run.name[-1]}\n")
    return read(run, "some/thing")


def test_equal_weights_and_rows_are_bit_equal(tmp_path):
    first, second = (with_weights(write_run(tmp_path, "some/thing", 0, 0.1, 0.9), 1.0) for _ in range(2))
    verdict = compare(first, second, [])
    assert (verdict.kind, verdict.is_reproduced) == ("bit-equal", True)
    assert verdict.metrics == {"test/accuracy": (0.9, 0.9)}


def test_other_bits_are_named(tmp_path):
    first = with_weights(write_run(tmp_path, "some/thing", 0, 0.1, 0.9), 0.0)
    second = with_weights(write_run(tmp_path, "some/thing", 0, 0.1, 0.8), -0.0, accuracy=0.4)
    verdict = compare(first, second, [first])
    assert verdict.kind == "different"
    assert "weights of last.ckpt, rows of metrics.csv" in verdict.reason
    assert "no interval for test/accuracy, which needs at least 3 seeds" in verdict.reason


@pytest.mark.parametrize(("now", "kind"), [(0.93, "within the interval"), (0.99, "different")])
def test_value_is_judged_by_the_spread_over_seeds(tmp_path, now, kind):
    first, *others = (with_weights(write_run(tmp_path, "some/thing", s, 0.1, 0.9 + s / 100), 1.0) for s in range(3))
    other_rate = with_weights(write_run(tmp_path, "some/thing", 3, 0.2, 0.1), 1.0)
    new = with_weights(write_run(tmp_path, "reproduced/some/thing", 0, 0.1, now), 2.0)
    verdict = compare(first, new, [first, *others, other_rate])
    assert verdict.kind == kind
    assert "over 3 seeds: 0.8603 to 0.9597" in verdict.reason  # 0.91 ± 4.3027 * 0.01 * sqrt(1 + 1/3)


def test_trial_of_a_search_is_judged_by_its_validation_metric(tmp_path):
    runs = [with_weights(write_run(tmp_path, "some/thing", 0, 0.1, 0.9), value) for value in (1.0, 2.0)]
    for run in runs:
        (tmp_path / run.path / "results.json").unlink()
    first, second = (read(tmp_path / run.path, "") for run in runs)
    verdict = compare(first, second, [first])
    assert (verdict.kind, verdict.metrics) == ("equal metrics", {"val/accuracy": (0.89, 0.89)})


def test_missing_metric_is_not_a_success():
    assert not judge("test/accuracy", {}, [0.1, 0.2, 0.3], "remark").is_reproduced


def test_runs_that_differ_in_their_seed_alone(tmp_path):
    first, seed, rate = (
        read(write_run(tmp_path, "some/thing", seed, rate, 0.9), "") for seed, rate in [(0, 0.1), (1, 0.1), (0, 0.2)]
    )
    assert same_but_seed(seed, first)
    assert not same_but_seed(rate, first)


def test_only_a_finished_run_is_trained_again(tmp_path):
    run = RunDirectory(write_run(tmp_path, "some/thing", 0, 0.1, None, state="failed"))
    with pytest.raises(UserError, match=r"expected a finished run, got .* which is failed"):
        new_run(run, tmp_path)


def test_new_run_has_code_and_settings_of_the_old_one(tmp_path):
    (tmp_path / "src/thing").mkdir(parents=True)
    (tmp_path / "src/thing/net.py").write_text("x = 1\n")
    run = RunDirectory.create({"name": "some/thing", "runs": "runs", "seed": 3}, tmp_path, ["train"])
    run.set_state("finished")
    (tmp_path / "src/thing/net.py").write_text("x = 2\n")
    new = new_run(run, tmp_path)
    assert (new.path / "code/src/thing/net.py").read_text() == "x = 1\n"
    assert (new.path / "code.json").read_text() == (run.path / "code.json").read_text()
    assert new.frozen_config == {"name": "reproduced/some/thing", "runs": "runs", "seed": 3}
    assert new.status["reproduces"] == str(run.path)
    new.set_state("finished")
    shutil.rmtree(run.path / "code")
    with pytest.raises(UserError, match="its copy of the code is gone"):
        new_run(run, tmp_path)
    assert new_run(new, tmp_path).frozen_config["name"] == "reproduced/some/thing"
