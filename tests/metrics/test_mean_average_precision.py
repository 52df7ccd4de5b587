import subprocess
import sys
from datetime import timedelta
from math import isnan
from pathlib import Path

import pytest
import torch
from torch import distributed

from leyden.metrics.mean_average_precision import MeanAveragePrecision


def found(*boxes):
    """Each box: left, top, right, bottom, label, score."""
    samples = torch.tensor(boxes).reshape(-1, 6)
    return {"boxes": samples[:, :4], "labels": samples[:, 4].long(), "scores": samples[:, 5]}


def true(*boxes):
    """Each box: left, top, right, bottom, label, ignored."""
    samples = torch.tensor(boxes).reshape(-1, 6)
    return {"boxes": samples[:, :4], "labels": samples[:, 4].long(), "ignored": samples[:, 5].bool()}


# One class, two true boxes. By score: right, wrong, right with an IoU of 10 / 16 = 0.625.
FOUND = [found([0.0, 0, 10, 10, 1, 0.9]), found([50.0, 50, 60, 60, 1, 0.8], [0.0, 0, 10, 10, 1, 0.7])]
TRUE = [true([0.0, 0, 10, 10, 1, 0]), true([0.0, 0, 10, 16, 1, 0])]
# COCO samples the precision at the 101 recalls 0, 0.01 ... 1: 1 up to half of the boxes, 2 / 3 up to all of them.
AT_50 = (51 * 1 + 50 * 2 / 3) / 101
# The second box counts at the IoU thresholds 0.5, 0.55 and 0.6 of the ten up to 0.95.
MEAN = (3 * AT_50 + 7 * 51 / 101) / 10


def compute(*updates):
    metric = MeanAveragePrecision()
    for update in updates:
        metric.update(*update)
    return {name: value.item() for name, value in metric.compute().items()}


def test_worked_out_by_hand():
    results = compute((FOUND, TRUE))
    assert results == pytest.approx({"map": MEAN, "map_50": AT_50, "map_75": 51 / 101}, abs=1e-6)


def test_batches_do_not_matter():
    assert compute((FOUND[:1], TRUE[:1]), (FOUND[1:], TRUE[1:])) == compute((FOUND, TRUE))


def test_equal_scores_are_ranked_the_same_in_any_order_of_images():
    right, wrong = found([0.0, 0, 10, 10, 1, 0.5]), found([20.0, 20, 30, 30, 1, 0.5])
    pairs = [(right, TRUE[0]), (wrong, TRUE[1]), (right, TRUE[0])]
    orders = [[0, 1, 2], [1, 0, 2], [2, 0, 1], [1, 2, 0]]
    results = [compute(tuple(zip(*(pairs[number] for number in order), strict=True))) for order in orders]
    assert all(one == results[0] for one in results)
    assert 0 < results[0]["map_50"] < 1


def test_nothing_found_and_images_without_objects():
    nothing, empty = found(), true()
    assert compute(([nothing, nothing], TRUE))["map_50"] == 0
    assert compute(([nothing, FOUND[0]], [empty, TRUE[0]]))["map_50"] == pytest.approx(1)
    # A box in an image without objects is wrong, and has a higher score than the right one.
    sure = found([0.0, 0, 10, 10, 1, 0.95])
    assert compute(([sure, FOUND[0]], [empty, TRUE[0]]))["map_50"] == pytest.approx(0.5)
    assert isnan(compute(([nothing], [empty]))["map_50"])  # there are no objects


def test_ignored_objects_are_neither_right_nor_wrong_to_find():
    ignored = true([0.0, 0, 10, 10, 1, 1], [20.0, 20, 30, 30, 1, 0])
    right = found([20.0, 20, 30, 30, 1, 0.5])
    both = found([20.0, 20, 30, 30, 1, 0.5], [0.0, 0, 10, 10, 1, 0.9])
    assert compute(([right], [ignored])) == compute(([both], [ignored]))
    assert compute(([both], [ignored]))["map_50"] == pytest.approx(1)


def test_only_the_class_with_the_wrong_label_suffers():
    two = true([0.0, 0, 10, 10, 1, 0], [20.0, 20, 30, 30, 2, 0])
    swapped = found([0.0, 0, 10, 10, 1, 0.9], [20.0, 20, 30, 30, 3, 0.9])
    assert compute(([swapped], [two]))["map_50"] == pytest.approx(0.5)  # class 3 has no true box, and is not averaged


def test_reset_forgets():
    metric = MeanAveragePrecision()
    metric.update([found()], TRUE[:1])
    metric.reset()
    metric.update(FOUND, TRUE)
    assert metric.compute()["map_50"] == pytest.approx(AT_50)


OTHER_RANK = """
import sys
import torch
sys.path.insert(0, sys.argv[2])
from test_mean_average_precision import meet

torch.save(meet(1, sys.argv[1]), f"{sys.argv[1]}/1.pt")
"""


def meet(rank, folder):
    """Result of one of two processes: the first gets two images in two batches, the second one image."""
    meeting = f"file://{folder}/meeting"
    distributed.init_process_group("gloo", meeting, rank=rank, world_size=2, timeout=timedelta(seconds=120))
    try:
        return compute(*[([found()], [true()]), (FOUND[1:], TRUE[1:])] if rank == 0 else [(FOUND[:1], TRUE[:1])])
    finally:
        distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_with_unequal_numbers_of_images_get_the_same(tmp_path):
    words = [sys.executable, "-c", OTHER_RANK, tmp_path, Path(__file__).parent]
    with subprocess.Popen(list(map(str, words))) as other:
        first = meet(0, tmp_path)
        assert other.wait(timeout=120) == 0
    assert first == torch.load(tmp_path / "1.pt", weights_only=True) == compute((FOUND, TRUE))
