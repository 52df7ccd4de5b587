import json

import pytest

from leyden.run.results import add_results, read_results

BEST = {"file": "checkpoints/best.ckpt", "epoch": 3, "step": 40}
LAST = {"file": "checkpoints/last.ckpt", "epoch": 9, "step": 90}


def test_results_are_stored_by_split_and_checkpoint(tmp_path):
    add_results(tmp_path, "best", {"test": {"test/accuracy": 0.9}, "val": {"val/accuracy": 0.8}}, BEST)
    add_results(tmp_path, "last", {"test": {"test/accuracy": 0.7}}, LAST)
    assert read_results(tmp_path) == {
        "checkpoints": {"best": BEST, "last": LAST},
        "test": {"best": {"test/accuracy": 0.9}, "last": {"test/accuracy": 0.7}},
        "val": {"best": {"val/accuracy": 0.8}},
    }


def test_results_of_another_epoch_are_dropped(tmp_path):
    add_results(tmp_path, "best", {"test": {"test/accuracy": 0.9}, "val": {"val/accuracy": 0.8}}, BEST)
    add_results(tmp_path, "best", {"val": {"val/accuracy": 0.85}}, BEST | {"epoch": 4, "step": 50})
    assert read_results(tmp_path)["test"] == {}
    assert read_results(tmp_path)["val"] == {"best": {"val/accuracy": 0.85}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_non_finite_values_are_null_with_remark(tmp_path, value, caplog):
    add_results(tmp_path, "best", {"test": {"test/wer": value, "test/loss": 1.0}}, BEST)

    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    results = json.loads((tmp_path / "results.json").read_text(), parse_constant=refuse)
    assert results["test"]["best"] == {"test/wer": None, "test/loss": 1.0}
    assert list(results["remarks"]["best"]) == ["test/wer"]
    assert f"test/wer is {value}" in caplog.text
    add_results(tmp_path, "best", {"test": {"test/wer": 0.5, "test/loss": 1.0}}, BEST)
    assert "remarks" not in read_results(tmp_path)
