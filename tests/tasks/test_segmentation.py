import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from trainers import trainer

from leyden.data import Batch
from leyden.tasks import Segmentation
from leyden.tasks.segmentation import soft_dice_loss

IGNORED = 255
# Two images of 2 x 3 pixels. The network below predicts the class that equals the brightness of a pixel.
PREDICTED = torch.tensor([[[0, 0, 1], [1, 2, 2]], [[0, 1, 1], [0, 0, 0]]])
TRUE = torch.tensor([[[0, 1, 1], [1, 2, 0]], [[0, IGNORED, 1], [0, 0, IGNORED]]])
# Of the 10 valid pixels, 8 are right. True: 5 of class 0, 4 of class 1 and 1 of class 2.
# Class 0: 4 right, 1 missed, 1 false; class 1: 3, 1, 0; class 2: 1, 0, 1.
IOU = {"sky": 4 / 6, "sea": 3 / 4, "land": 1 / 2}
DICE = {"sky": 8 / 10, "sea": 6 / 7, "land": 2 / 3}


class Known(nn.Module):
    """The logit of the class given by brightness is log 3 above the others: probabilities 0.6, 0.2 and 0.2."""

    def __init__(self, form="tensor"):
        super().__init__()
        self.margin, self.form = nn.Parameter(torch.tensor(math.log(3.0))), form

    def forward(self, images):
        logits = nn.functional.one_hot(images[:, 0].long(), 3).movedim(-1, 1) * self.margin
        return {"tensor": logits, "out": {"out": logits}, "aux": {"out": logits, "aux": 0 * logits}}[self.form]


def model(network=None, **options):
    names = ["sky", "sea", "land", "never seen"] if isinstance(network, Four) else ["sky", "sea", "land"]
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return Segmentation(network or Known(), class_names=names, ignore_index=IGNORED, optimizer=optimizer, **options)


class Four(Known):
    """The same with a class that never occurs."""

    def forward(self, images):
        return nn.functional.pad(super().forward(images), (0, 0, 0, 0, 0, 1), value=-100.0)


BATCH = Batch(PREDICTED.unsqueeze(1).float(), TRUE)


def evaluated(tmp_path, model, batches, verb="test"):
    (results,) = getattr(trainer(tmp_path), verb)(model, DataLoader(batches, batch_size=None), verbose=False)
    return results


@pytest.mark.parametrize("form", ["tensor", "out", "aux"])
@pytest.mark.parametrize("samples", [1, 2])
def test_metrics_are_those_worked_out_by_hand_whatever_the_batches(tmp_path, samples, form):
    batches = [
        Batch(BATCH.inputs[start : start + samples], TRUE[start : start + samples]) for start in range(0, 2, samples)
    ]
    results = evaluated(tmp_path, model(Known(form)), batches)
    assert results.pop("test/miou") == pytest.approx(sum(IOU.values()) / 3)
    assert results.pop("test/dice") == pytest.approx(sum(DICE.values()) / 3)
    assert results.pop("test/pixel_accuracy") == pytest.approx(0.8)
    assert results.pop("test/loss") == pytest.approx(-(8 * math.log(0.6) + 2 * math.log(0.2)) / 10)
    expected = {f"test/iou_{name}": value for name, value in IOU.items()}
    assert results == pytest.approx(expected | {f"test/dice_{name}": value for name, value in DICE.items()})


def test_a_class_that_never_occurs_is_left_out_of_the_means(tmp_path):
    results = evaluated(tmp_path, model(Four()), [BATCH])
    assert results["test/miou"] == pytest.approx(sum(IOU.values()) / 3)
    assert results["test/dice"] == pytest.approx(sum(DICE.values()) / 3)
    assert not any("never seen" in name for name in results)


def test_two_ranks_measure_what_one_does():
    ranks = [model(), model()]
    for number, one in enumerate(ranks):
        one.log = one.log_dict = one.log_training = lambda *_, **__: None
        one.evaluate(Batch(BATCH.inputs[number : number + 1], TRUE[number : number + 1]), "test")
    known = {"miou": sum(IOU.values()) / 3, "dice": sum(DICE.values()) / 3, "pixel_accuracy": 0.8}
    for name, value in (known | {"loss": -(8 * math.log(0.6) + 2 * math.log(0.2)) / 10}).items():
        first, second = (getattr(one, f"test_{name}") for one in ranks)
        assert second.compute().item() != pytest.approx(value)
        first.merge_state(second)  # sums and lists, as between processes
        assert first.compute().item() == pytest.approx(value)


def test_each_sample_has_its_prediction_and_its_error():
    one = model()
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    output = one.evaluate(BATCH, "val")
    assert output.predictions.equal(PREDICTED.byte())
    assert output.predictions.dtype is torch.uint8
    first, second = -(4 * math.log(0.6) + 2 * math.log(0.2)) / 6, -math.log(0.6)
    assert output.per_sample_loss.tolist() == pytest.approx([first, second])
    assert one.predict_step(BATCH, 0).equal(output.predictions)
    assert one.confusion.compute().tolist() == [[4, 0, 1], [1, 3, 0], [0, 0, 1]]


def loss(**options):
    one = model(**options)
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    return one.training_step(BATCH, 0).item()


def test_the_training_loss_is_the_mean_over_pixels_that_have_a_class():
    plain = -(8 * math.log(0.6) + 2 * math.log(0.2)) / 10
    assert loss() == pytest.approx(plain)
    assert loss(network=Known("aux")) == pytest.approx(plain + 0.5 * math.log(3))  # its second head is untrained
    # One pixel of class 1, weight 2, and one of class 0, weight 1, are wrong; 4, 3 and 1 are right.
    weighted = -((4 + 2 * 3 + 4 * 1) * math.log(0.6) + (2 + 1) * math.log(0.2)) / (5 + 2 * 4 + 4 * 1)
    assert loss(class_weights=[1.0, 2.0, 4.0]) == pytest.approx(weighted)


def test_the_soft_dice_loss_by_hand():
    logits = torch.tensor([[0.6, 0.4]]).log().reshape(1, 2, 1, 1).expand(1, 2, 1, 3)
    classes, valid = torch.tensor([[[0, 1, 1]]]), torch.tensor([[[True, True, False]]])
    # Class 0: probabilities 0.6 twice, one of them right; class 1: 0.4 twice, one of them right.
    first, second = (2 * 0.6 + 1) / (1.2 + 1 + 1), (2 * 0.4 + 1) / (0.8 + 1 + 1)
    assert soft_dice_loss(logits, classes, valid).item() == pytest.approx(1 - (first + second) / 2)
    added = loss(dice_weight=2.0) - loss()
    network, classes = Known(), TRUE.masked_fill(TRUE == IGNORED, 0)
    assert added == pytest.approx(2 * soft_dice_loss(network(BATCH.inputs), classes, TRUE != IGNORED).item())


def test_a_batch_without_any_class_teaches_nothing():
    one = model(dice_weight=1.0)
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    nothing = one.training_step(Batch(BATCH.inputs, torch.full_like(TRUE, IGNORED)), 0)
    nothing.backward()
    assert nothing.isfinite()
    assert one.network.margin.grad == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_weights": [1.0, -1.0, 1.0]}, "none may be negative"),
        ({"class_weights": [1.0]}, "1 values for 3 classes"),
        ({"dice_weight": -1.0}, "dice_weight is -1.0"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        model(**options)
