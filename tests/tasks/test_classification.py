import shutil
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.plugins import Precision
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms.v2 import CutMix, MixUp
from trainers import trainer

from leyden.data import Batch
from leyden.errors import UserError
from leyden.tasks import Classification

IMAGES, TARGETS = torch.rand(7, 3, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2, 0])


class Constant(nn.Module):
    """Fixed logits: class 0 always wins, by log(3) over each of the two others."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.tensor([torch.log(torch.tensor(3.0)), 0.0, 0.0]))

    def forward(self, images):
        return self.bias.expand(len(images), 3)


def convolution():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def model(network=None, **options):
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return Classification(network=network or convolution(), class_names=["a", "b", "c"], optimizer=optimizer, **options)


def loader(batch_size=4):
    batches = [
        Batch(IMAGES[start : start + batch_size], TARGETS[start : start + batch_size])
        for start in range(0, len(TARGETS), batch_size)
    ]
    return DataLoader(batches, batch_size=None)


def test_metrics_are_means_over_samples_whatever_the_batches(tmp_path):
    for batch_size in (1, 3, 4, 7):
        (results,) = trainer(tmp_path).test(model(Constant()), loader(batch_size), verbose=False)
        assert results["test/accuracy"] == pytest.approx(3 / 7)
        # Class 0 has 3 right, 4 wrong and none missed: 2 * 3 / (2 * 3 + 4); the two others have none right.
        assert results["test/macro_f1"] == pytest.approx(0.6 / 3)
        # -log 0.6 for the three samples of class 0, -log 0.2 for the four others
        assert results["test/loss"] == pytest.approx((3 * 0.5108256 + 4 * 1.6094379) / 7)


def test_calibration_error_worked_out_by_hand_whatever_the_batches(tmp_path):
    # Class 0 is always predicted with 0.6 and is right three times in seven: one bin, |3/7 - 0.6|.
    for batch_size in (1, 4, 7):
        (results,) = trainer(tmp_path).test(model(Constant()), loader(batch_size), verbose=False)
        assert results["test/calibration_error"] == pytest.approx(0.6 - 3 / 7, abs=1e-6)
        assert "test/top5_accuracy" not in results  # of three classes, all are among the top five


class Known(nn.Module):
    """Returns its inputs as log-probabilities."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, probabilities):
        return probabilities.log() * self.scale


def test_calibration_and_top5_of_six_classes_worked_out_by_hand(tmp_path):
    samples = torch.tensor(
        [
            [0.79, 0.11, 0.04, 0.03, 0.02, 0.01],
            [0.77, 0.13, 0.04, 0.03, 0.02, 0.01],
            [0.30, 0.25, 0.20, 0.15, 0.06, 0.04],
            [0.29, 0.26, 0.20, 0.15, 0.06, 0.04],
        ]
    )
    targets = torch.tensor([0, 1, 0, 5])
    # Fifteen bins. Both of 11/15 to 12/15: half are right, predicted with 0.78. Of 4/15 to 5/15: half, with 0.295.
    expected = 0.5 * abs(0.5 - 0.78) + 0.5 * abs(0.5 - 0.295)
    optimizer = partial(torch.optim.SGD, lr=0.1)
    for batch_size in (1, 3, 4):
        one = Classification(network=Known(), class_names=list("abcdef"), optimizer=optimizer)
        batches = [Batch(samples[n : n + batch_size], targets[n : n + batch_size]) for n in range(0, 4, batch_size)]
        (results,) = trainer(tmp_path).test(one, DataLoader(batches, batch_size=None), verbose=False)
        assert results["test/calibration_error"] == pytest.approx(expected, abs=1e-6)
        assert results["test/top5_accuracy"] == 0.75  # the last sample's class is the sixth
        assert results["test/accuracy"] == 0.5


def test_label_smoothing_is_for_training_only(tmp_path):
    smooth = model(Constant(), label_smoothing=0.3)
    (results,) = trainer(tmp_path).test(smooth, loader(), verbose=False)
    assert results["test/loss"] == pytest.approx((3 * 0.5108256 + 4 * 1.6094379) / 7)
    smooth.log = smooth.log_dict = smooth.log_training = lambda *_, **__: None
    # 0.7 of -log 0.6, and 0.1 of each class's loss
    expected = 0.7 * 0.5108256 + 0.1 * (0.5108256 + 2 * 1.6094379)
    assert smooth.training_step(Batch(IMAGES[:1], TARGETS[:1]), 0).item() == pytest.approx(expected)


def test_balanced_weights_are_for_training_only(tmp_path):
    weighted = model(Constant(), class_weights="balanced", class_counts=[3, 2, 2])
    (results,) = trainer(tmp_path).test(weighted, loader(), verbose=False)
    assert results["test/loss"] == pytest.approx((3 * 0.5108256 + 4 * 1.6094379) / 7)
    weighted.log = weighted.log_dict = weighted.log_training = lambda *_, **__: None
    # The samples weigh 7 / (3 * 3) and 7 / (3 * 2): each class a third, whatever its number of samples.
    expected = (0.5108256 + 2 * 1.6094379) / 3
    assert weighted.training_step(Batch(IMAGES, TARGETS), 0).item() == pytest.approx(expected)


def test_a_weighted_loss_does_not_depend_on_which_samples_share_a_batch():
    weighted = model(Constant(), class_weights="balanced", class_counts=[3, 2, 2])
    weighted.log = weighted.log_dict = weighted.log_training = lambda *_, **__: None
    samples = [weighted.training_step(Batch(IMAGES[n : n + 1], TARGETS[n : n + 1]), 0) for n in range(7)]
    assert torch.stack(samples).mean().item() == pytest.approx(weighted.training_step(Batch(IMAGES, TARGETS), 0).item())


def test_samples_of_several_classes_are_refused():
    with pytest.raises(UserError, match="use a multilabel model"):
        model().training_step(Batch(IMAGES, torch.zeros(7, 3, dtype=torch.uint8)), 0)


def test_predictions_are_probabilities():
    probabilities = model(Constant()).predict_step(Batch(IMAGES, TARGETS), 0)
    assert probabilities.sum(dim=1).allclose(torch.ones(7))
    assert probabilities[0].tolist() == pytest.approx([0.6, 0.2, 0.2])


@pytest.mark.parametrize(
    ("options", "trainer_options"),
    [
        ({}, {"gradient_clip_val": 0.5}),
        ({}, {"accumulate_grad_batches": 2}),
        ({}, {"precision": "bf16-mixed"}),
        ({"mix": MixUp(num_classes=3)}, {}),
        ({"mix": CutMix(num_classes=3)}, {}),
        ({"channels_last": True}, {}),
        ({"label_smoothing": 0.1}, {}),
        ({"class_weights": "balanced", "class_counts": [3, 2, 2]}, {}),
        ({"scheduler": partial(torch.optim.lr_scheduler.StepLR, step_size=1)}, {}),
        ({"scheduler": partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.1)}, {}),
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_each_switch_trains(tmp_path, options, trainer_options):
    one = model(**options)
    before = one.network[0].weight.clone()
    trainer(tmp_path, **trainer_options).fit(one, loader(), loader())
    assert not one.network[0].weight.equal(before)
    assert one.network[0].weight.isfinite().all()


def test_channels_last_is_really_used():
    one = model(channels_last=True)
    seen = []
    one.network[0].register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    one(IMAGES)
    assert one.network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in seen[0])


def test_channels_last_serves_clips_too():
    one = model(
        nn.Sequential(nn.Conv3d(3, 4, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 3)), channels_last=True
    )
    seen = []
    one.network[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    assert one(torch.rand(2, 3, 5, 6, 7)).shape == (2, 3)
    for tensor in (one.network[0].weight, seen[0]):
        assert tensor.is_contiguous(memory_format=torch.channels_last_3d)


def test_channels_last_leaves_what_is_no_image_to_the_network():
    one = model(
        nn.Sequential(nn.Unflatten(1, (2, 8, 4)), nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(48, 3)),
        channels_last=True,
    )
    seen = []
    one.network[1].register_forward_hook(lambda module, inputs, output: seen.append(output))
    assert one(torch.rand(2, 64)).shape == (2, 3)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("device", "expected"), [("cuda", "high"), ("cpu", "highest")])
def test_only_gpus_multiply_in_tf32(monkeypatch, device, expected):
    chosen = ["highest"]  # torch's default
    monkeypatch.setattr(torch, "set_float32_matmul_precision", chosen.append)
    one = model()
    strategy = SimpleNamespace(root_device=torch.device(device))
    one.trainer = SimpleNamespace(strategy=strategy, precision_plugin=Precision())
    one.configure_model()
    assert chosen[-1] == expected


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="torch.compile needs a C++ compiler")
def test_compiled_network_gives_the_same_and_keeps_its_names():
    plain, compiled = model(), model(compile=True)
    compiled.load_state_dict(plain.state_dict())  # the names of the parameters do not change
    assert torch.allclose(compiled.eval()(IMAGES), plain.eval()(IMAGES), atol=1e-5)
    assert compiled.network._compiled_call_impl is not None


def test_a_share_of_smoothing_above_one_is_refused():
    with pytest.raises(ValueError, match=r"label_smoothing is 1\.5"):
        model(label_smoothing=1.5)
