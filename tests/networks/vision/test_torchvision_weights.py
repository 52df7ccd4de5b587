import logging
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torchvision.models import get_model_builder, get_model_weights, list_models

from leyden.config.compose import compose
from leyden.errors import UserError
from leyden.networks.vision.torchvision_weights import preprocessing
from leyden.run.directory import RunDirectory
from leyden.run.worker import Worker

ROOT = Path.cwd()
SMALL = torchvision.models.ShuffleNet_V2_X0_5_Weights
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def test_all_classifier_weights_define_the_preprocessing():
    for name in list_models(module=torchvision.models):
        builder = get_model_builder(name)
        for weights in get_model_weights(builder):
            transform = weights.transforms()
            assert preprocessing(builder, weights.name) == {
                "image_size": transform.crop_size[0],
                "mean": list(transform.mean),
                "std": list(transform.std),
                "interpolation": transform.interpolation.value,
            }


def test_a_backbone_works_on_any_size():
    builder = torchvision.models.segmentation.lraspp_mobilenet_v3_large
    assert preprocessing(builder) == {}
    found = preprocessing(builder, weights_backbone="MobileNet_V3_Large_Weights.IMAGENET1K_V1")
    assert found == IMAGENET | {"interpolation": "bilinear"}


def test_detectors_prepare_their_images_themselves():
    assert preprocessing(torchvision.models.detection.fcos_resnet50_fpn, "COCO_V1") == {}


def test_weights_that_do_not_exist():
    with pytest.raises(UserError, match=r"resnet18 has no weights 'DEFAUT', only .*; did you mean 'DEFAULT'\?"):
        preprocessing(torchvision.models.resnet18, "DEFAUT")


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """The README's fine-tuning of a small network on a folder of images, with weights in torch.hub's folder."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    path = tmp_path / "hub" / "checkpoints" / SMALL.DEFAULT.url.rpartition("/")[2]
    path.parent.mkdir(parents=True)
    torch.save(torchvision.models.shufflenet_v2_x0_5().state_dict(), path)
    for number in range(8):
        place = tmp_path / "images" / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((10, 10, 3), 30 * number, np.uint8)).save(place)

    def run(*settings):
        words = [
            "experiment=vision/digits",
            "data=vision/files",
            f"data.root={tmp_path / 'images'}",
            "data.augment=[]",
            f"data.cache={tmp_path / 'cache'}",
            "model=vision/torchvision",
            "model.network.builder._target_=torchvision.models.shufflenet_v2_x0_5",
            f"runs={tmp_path / 'runs'}",
            *settings,
        ]
        config = compose(words, ROOT).config
        return RunDirectory.create(config, ROOT, ["test"])

    return run


def test_fine_tuning_trains_with_the_size_and_the_normalisation_of_the_weights(recipe, caplog):
    caplog.set_level(logging.INFO, logger="leyden")
    run = recipe("model.network.weights=DEFAULT")
    for trains in (True, False):
        data = Worker(run, trains=trains).data
        assert {"mean": data.mean, "std": data.std} == IMAGENET
        assert data.image_size == 224
    assert caplog.text.count("set by the pretrained weights: data.image_size=224, data.mean=[0.485") == 1
    assert "but the pretrained weights" not in caplog.text


def test_without_weights_or_with_settings_of_the_user_s_all_stays(recipe, caplog):
    plain = Worker(recipe(), trains=True).data
    assert (plain.image_size, plain.mean, plain.std) == (64, 0.5, 0.25)
    assert "pretrained" not in caplog.text
    own = Worker(recipe("model.network.weights=DEFAULT", "data.image_size=[32,48]", "data.std=0.3"), trains=True).data
    assert (own.image_size, own.mean, own.std) == ((32, 48), IMAGENET["mean"], 0.3)
    message = (
        "data.image_size=(32, 48), data.std=0.3, but the pretrained weights were trained with image_size=224, std="
    )
    assert message in caplog.text
