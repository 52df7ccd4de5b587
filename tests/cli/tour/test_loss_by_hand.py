"""Losses by hand are those of the tasks, whatever their settings."""

from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss
from torchvision.transforms.v2 import MixUp

from leyden.cli.tour.loss_by_hand import ctc, loss_by_hand
from leyden.data import Batch
from leyden.tasks import (
    Classification,
    Detection,
    LanguageModeling,
    MultilabelClassification,
    Segmentation,
    Transcription,
)

NAMES = ["a", "b", "c", "d"]


class Fixed(nn.Module):
    """Gives what it was made with, whatever it reads."""

    def __init__(self, output):
        super().__init__()
        self.output, self.weight = output, nn.Parameter(torch.zeros(()))  # a task refuses to train nothing

    def forward(self, *_):
        return self.output


class Transcripts(NamedTuple):
    tokens: Tensor
    lengths: Tensor


def check_by_hand(task, targets, lengths=None):
    """The hand loss of a task whose network is `Fixed` is its training loss."""
    task.log_training = lambda **_: None
    mixed = []
    if mix := getattr(task, "mix", None):
        object.__setattr__(task, "mix", lambda *batch: mixed.append(mix(*batch)) or mixed[-1])
    batch = Batch(torch.zeros(len(targets[0] if isinstance(targets, tuple) else targets), 1, 2, 2), targets, lengths)
    loss = task.training_step(batch, 0)
    hand = loss_by_hand(task, task.network.output, mixed[0] if mixed else batch)
    assert float(hand.value) == pytest.approx(float(loss), rel=1e-5)
    return hand


def made(kind, output, **options):
    return kind(network=Fixed(output), optimizer=partial(torch.optim.SGD, lr=0.1), **options)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, "balanced"])
@pytest.mark.parametrize("mix", [None, MixUp(num_classes=4)])
def test_classification_by_hand(smoothing, weights, mix):
    known = {"class_names": NAMES, "label_smoothing": smoothing, "class_weights": weights, "class_counts": [1, 2, 3, 4]}
    hand = check_by_hand(made(Classification, 50 * torch.randn(6, 4), mix=mix, **known), torch.randint(4, (6,)))
    assert len(hand.notes) == bool(smoothing) + bool(weights) + bool(mix)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, "balanced"])
def test_multilabel_by_hand(smoothing, weights):
    known = {"class_names": NAMES, "label_smoothing": smoothing, "class_weights": weights, "class_counts": [1, 2, 3, 4]}
    check_by_hand(made(MultilabelClassification, 50 * torch.randn(6, 4), **known), torch.randint(2, (6, 4)))


@pytest.mark.parametrize("dice", [0.0, 0.5])
@pytest.mark.parametrize("has_aux", [False, True])
def test_segmentation_by_hand(dice, has_aux):
    targets = torch.randint(4, (2, 5, 5))
    targets[0, :2] = 255
    output = {"out": torch.randn(2, 4, 5, 5), "aux": torch.randn(2, 4, 5, 5)} if has_aux else torch.randn(2, 4, 5, 5)
    known = {"class_names": NAMES, "ignore_index": 255, "dice_weight": dice}
    hand = check_by_hand(made(Segmentation, output, class_weights=[0.1, 1, 2, 3], **known), targets)
    assert hand.steps["pixels with a class"] == "40 of 50"


def test_language_modeling_by_hand():
    targets = torch.randint(4, (2, 6))
    targets[1, 3:] = -100
    hand = check_by_hand(made(LanguageModeling, torch.randn(2, 6, 4), token_bytes=[b"a", b"b", b"c", b""]), targets)
    assert "3 of 12" in hand.notes[0]


def test_transcription_by_hand():
    """Among others a transcript with equal neighbours, one that has too few frames, and an empty one."""
    log_probs, frames = torch.randn(4, 7, 3).log_softmax(dim=2), torch.tensor([7, 6, 2, 5])
    transcripts = Transcripts(torch.tensor([[1, 2, 2], [2, 1, 0], [1, 1, 0], [0, 0, 0]]), torch.tensor([3, 2, 2, 0]))
    known = {"alphabet": ["", "x", "y"], "separator": " ", "sample_rate": 8}
    hand = check_by_hand(made(Transcription, (log_probs, frames), **known), transcripts, frames)
    assert any("1 samples have too few frames" in note for note in hand.notes)


def test_the_recursion_of_ctc_is_that_of_torch():
    log_probs = torch.randn(9, 5, dtype=torch.float64).log_softmax(dim=1)
    expected = ctc_loss(log_probs, torch.tensor([3, 3, 1]), torch.tensor(9), torch.tensor(3), reduction="sum")
    assert float(ctc(log_probs, [3, 3, 1])) == pytest.approx(float(expected))


def test_components_of_a_detector_add_up():
    task = made(Detection, {"classification": torch.tensor(1.5), "box": torch.tensor(0.25)}, image_size=(8, 8))
    hand = loss_by_hand(task, task.network.output, Batch(torch.zeros(1), None))
    assert float(hand.value) == 1.75
    assert hand.formula == "loss = classification + box"


def test_a_task_that_computes_another_loss_has_no_hand_computation():
    class Own(Classification):
        def training_step(self, batch, batch_idx):
            return super().training_step(batch, batch_idx) * 2

    hand = loss_by_hand(made(Own, torch.randn(2, 4), class_names=NAMES), torch.randn(2, 4), Batch(torch.zeros(2), None))
    assert hand.value is None
    assert "cannot recompute the loss of Own" in hand.formula
