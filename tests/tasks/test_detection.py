import logging
from functools import partial
from typing import NamedTuple

import pytest
import torch
import torchvision.models.detection as torchvision_detection
from torch import nn
from torch.utils.data import DataLoader
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn
from trainers import trainer

from leyden.data import Batch
from leyden.errors import UserError
from leyden.tasks import Detection
from leyden.tasks.detection import count_errors


class Objects(NamedTuple):
    """Targets in the format of a data module."""

    corners: torch.Tensor
    labels: torch.Tensor
    ignored: torch.Tensor
    counts: torch.Tensor

    def samples(self):
        parts = (part.split(self.counts.tolist()) for part in self[:3])
        return [Objects(*sample) for sample in zip(*parts, self.counts.split(1), strict=True)]


# Images and boxes of test_mean_average_precision: a right box, a wrong one, and a right one with an IoU of 0.625
IMAGES = torch.zeros(2, 3, 64, 64)
TARGETS = Objects(
    torch.tensor([[0.0, 0, 10, 10], [0.0, 0, 10, 16]]),
    torch.tensor([1, 1]),
    torch.tensor([False, False]),
    torch.tensor([1, 1]),
)
FOUND = [
    {"boxes": torch.tensor([[0.0, 0, 10, 10]]), "labels": torch.tensor([1]), "scores": torch.tensor([0.9])},
    {
        "boxes": torch.tensor([[50.0, 50, 60, 60], [0, 0, 10, 10]]),
        "labels": torch.tensor([1, 1]),
        "scores": torch.tensor([0.8, 0.7]),
    },
]


class Known(nn.Module):
    """Fixed losses, and the boxes above, selected by the brightness of the image."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, images, targets=None):
        if self.training:
            self.seen = targets
            return {"classification": self.weight * 3, "regression": self.weight**2}
        return [FOUND[int(image.mean())] for image in images]


def model(network=None, **options):
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return Detection(network=network or Known(), optimizer=optimizer, **{"image_size": [64, 64], **options})


def batches(size):
    images, samples = IMAGES.clone(), TARGETS.samples()
    images[1] = 1
    whole = [
        Batch(images[n : n + size], Objects(*(torch.cat(parts) for parts in zip(*samples[n : n + size], strict=True))))
        for n in range(0, 2, size)
    ]
    return DataLoader(whole, batch_size=None)


@pytest.mark.parametrize("size", [1, 2])
def test_a_run_logs_what_is_worked_out_by_hand(tmp_path, size):
    (results,) = trainer(tmp_path).test(model(), batches(size), verbose=False)
    at_50 = (51 + 50 * 2 / 3) / 101  # see test_mean_average_precision
    assert results["test/map_50"] == pytest.approx(at_50, abs=1e-6)
    assert results["test/map"] == pytest.approx((3 * at_50 + 7 * 51 / 101) / 10, abs=1e-6)
    assert results["test/map_75"] == pytest.approx(51 / 101, abs=1e-6)


def test_training_minimises_the_sum_of_the_losses_and_logs_each(tmp_path):
    one, fit = model(), trainer(tmp_path, limit_train_batches=1)
    fit.fit(one, batches(2), batches(2))
    logged = {name: value.item() for name, value in fit.logged_metrics.items()}
    assert logged["train/loss"] == pytest.approx(10)
    assert logged["train/classification"] == pytest.approx(6)
    assert logged["train/regression"] == pytest.approx(4)
    assert one.network.weight.item() == pytest.approx(2 - 0.1 * (3 + 2 * 2))
    assert logged["val/map_50"] > 0.8


def test_places_are_exact_in_mixed_precision(tmp_path):
    class Wide(Known):
        def forward(self, images, targets=None):
            boxes = torch.tensor([[0.0, 0, 1, 301]]) @ (torch.eye(4) * self.weight / 2)
            return [FOUND[0] | {"boxes": boxes}] * len(images)

    fit = trainer(tmp_path, precision="bf16-mixed")
    (predictions,) = fit.predict(model(Wide()), batches(2))
    assert predictions[0]["boxes"].tolist() == [[0, 0, 1, 301]]


def test_ignored_objects_are_not_learnt():
    one = model()
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    one.training_step(Batch(IMAGES, TARGETS._replace(ignored=torch.tensor([True, False]))), 0)
    assert [len(target["boxes"]) for target in one.network.seen] == [0, 1]
    assert [target["labels"].tolist() for target in one.network.seen] == [[], [1]]


def test_errors_are_what_is_missed_and_what_is_wrong():
    true = {"boxes": TARGETS.corners[1:], "labels": TARGETS.labels[1:], "ignored": torch.tensor([False])}
    assert count_errors(FOUND[1], true) == 1
    assert count_errors({name: values[:1] for name, values in FOUND[1].items()}, true) == 2
    assert count_errors({name: values[:0] for name, values in FOUND[1].items()}, true) == 1
    assert count_errors({**FOUND[0], "labels": torch.tensor([2])}, true) == 2
    assert count_errors(FOUND[0], {name: values[:0] for name, values in true.items()}) == 1
    assert (
        count_errors({name: values[:0] for name, values in FOUND[1].items()}, true | {"ignored": torch.tensor([True])})
        == 0
    )


NETWORKS = [
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fcos_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "ssdlite320_mobilenet_v3_large",
]


@pytest.mark.parametrize("name", NETWORKS)
def test_detectors_of_torchvision_learn_and_predict(name):
    network = getattr(torchvision_detection, name)(num_classes=3, weights=None, weights_backbone=None)
    one = model(network, image_size=[64, 96])
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    sizes = []
    network.backbone.register_forward_hook(lambda module, inputs, output: sizes.append(tuple(inputs[0].shape[-2:])))
    batch = Batch(torch.rand(2, 3, 64, 96), TARGETS._replace(labels=torch.tensor([1, 2])))
    loss = one.training_step(batch, 0)
    loss.backward()
    assert loss.isfinite()
    assert sum(parameter.grad is not None for parameter in network.parameters()) > 50
    one.eval()
    predictions = one.predict_step(batch, 0)
    assert [set(prediction) for prediction in predictions] == [{"boxes", "labels", "scores"}] * 2
    # torchvision does not resize again; SSD keeps its fixed size.
    assert set(sizes) == {(320, 320) if "ssd" in name else (64, 96)}


def test_weights_for_other_classes_are_taken_over_but_for_the_outputs(tmp_path, caplog):
    make = partial(fasterrcnn_mobilenet_v3_large_320_fpn, weights=None, weights_backbone=None)
    pretrained, network = make(num_classes=91), make(num_classes=3)
    torch.save(pretrained.state_dict(), tmp_path / "weights.pt")
    fresh = network.roi_heads.box_predictor.cls_score.weight.clone()
    with caplog.at_level(logging.INFO, logger="leyden"):
        model(network, weights=str(tmp_path / "weights.pt")).setup("fit")
    assert network.rpn.head.cls_logits.weight.equal(pretrained.rpn.head.cls_logits.weight)
    assert network.roi_heads.box_predictor.cls_score.weight.equal(fresh)
    assert "; new: roi_heads.box_predictor.bbox_pred, roi_heads.box_predictor.cls_score" in caplog.text


def test_weights_of_another_run(tmp_path):
    other = model()
    other.network.weight.data.fill_(7)
    torch.save({"state_dict": other.state_dict(), "epoch": 3}, tmp_path / "best.ckpt")
    one = model(weights=str(tmp_path / "best.ckpt"))
    one.setup("fit")
    assert one.network.weight == 7


def test_a_test_needs_no_weights_and_training_names_what_is_wrong_with_them(tmp_path, monkeypatch):
    one = model(weights="FCOS_ResNet51_FPN_Weights.COCO_V1")
    one.setup("test")
    with pytest.raises(UserError, match=r"cannot load model\.weights=FCOS_ResNet51"):
        one.setup("fit")
    with pytest.raises(UserError, match=r"cannot load .*COCO_V9, by that name or as a file"):
        model(weights="FCOS_ResNet50_FPN_Weights.COCO_V9").setup("fit")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(UserError, match=r"cannot load .*text\.pt"):
        model(weights=str(tmp_path / "text.pt")).setup("fit")

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(UserError, match="no network"):
        model(weights="FCOS_ResNet50_FPN_Weights.COCO_V1").setup("fit")
    torch.save({"other": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(UserError, match="none of its 1 tensors match Known"):
        model(weights=str(tmp_path / "other.pt")).setup("fit")
