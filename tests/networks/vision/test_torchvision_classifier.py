import re
from functools import partial

import pytest
import torch
import torchvision
from torchvision.models import get_model_builder, list_models

from leyden.errors import UserError
from leyden.networks.vision import torchvision_classifier

SMALL = torchvision.models.shufflenet_v2_x0_5


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty torch.hub folder, and an unreachable URL for ShuffleNet's weights."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    weights = torchvision.models.ShuffleNet_V2_X0_5_Weights.DEFAULT
    monkeypatch.setattr(type(weights), "url", "http://127.0.0.1:9/shuffle-00000000.pth")
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / "shuffle-00000000.pth"


@pytest.fixture
def weights(hub):
    """Weights of 1000 classes, at the path of a download."""
    state = SMALL().state_dict()
    torch.save(state, hub)
    return state


# GoogLeNet and Inception warn about their initialization.
@pytest.mark.filterwarnings("ignore:The default weight initialization of:FutureWarning")
def test_every_classifier_of_torchvision_gets_our_head():
    """One of each family: its shapes equal those of torchvision's own network for this number of classes."""
    families = {re.match(r"[a-z]+(_v\d)?", name)[0]: name for name in list_models(module=torchvision.models)}
    del families["regnet"]  # see below
    assert len(families) >= 18
    for name in families.values():
        with torch.device("meta"):
            network = torchvision_classifier(get_model_builder(name), num_classes=7, in_channels=3)
            own = get_model_builder(name)(num_classes=7)
        shapes = {key: value.shape for key, value in own.state_dict().items() if not key.lower().startswith("aux")}
        assert {key: value.shape for key, value in network.state_dict().items()} == shapes, name


def test_regnet_whose_widths_are_computed():
    network = torchvision_classifier(torchvision.models.regnet_y_400mf, num_classes=7, in_channels=3)
    assert network.fc.out_features == 7


@pytest.mark.parametrize("in_channels", [1, 3])
def test_all_but_the_head_is_pretrained(weights, in_channels):
    network = torchvision_classifier(SMALL, num_classes=7, in_channels=in_channels, weights="DEFAULT")
    state = network.state_dict()
    assert state.keys() == weights.keys()
    assert [key for key in state if not state[key].equal(weights[key])] == ["fc.weight", "fc.bias"]
    assert network(torch.rand(2, in_channels, 32, 32)).shape == (2, 7)


def test_grey_images_are_what_their_repetition_is(weights):
    colour = torchvision_classifier(SMALL, num_classes=7, in_channels=3, weights="IMAGENET1K_V1").eval()
    grey = torchvision_classifier(SMALL, num_classes=7, in_channels=1).eval()
    grey.load_state_dict(colour.state_dict())
    images = torch.rand(2, 1, 32, 32)
    assert grey(images).equal(colour(images.expand(-1, 3, -1, -1)))


def test_arguments_of_the_builder(weights):
    network = torchvision_classifier(partial(SMALL, progress=False), num_classes=7, in_channels=3, weights="DEFAULT")
    assert network.fc.out_features == 7


def test_auxiliary_classifiers_are_left_out():
    network = torchvision_classifier(
        partial(torchvision.models.googlenet, init_weights=False), num_classes=7, in_channels=3
    ).train()
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 7)


def test_a_download_that_fails_gives_a_clear_error(hub):
    with pytest.raises(
        UserError, match=r"cannot download the weights ShuffleNet.* from http://127\.0\.0\.1:9/"
    ) as refusal:
        torchvision_classifier(SMALL, num_classes=7, in_channels=3, weights="DEFAULT")
    assert f"put the file at {hub}" in str(refusal.value)


@pytest.mark.parametrize(
    ("builder", "weights", "message"),
    [
        (SMALL, "IMAGENET1K_V2", r"has no weights 'IMAGENET1K_V2', only .*; did you mean 'IMAGENET1K_V1'\?"),
        (torchvision.models.VisionTransformer, "DEFAULT", "no weights for VisionTransformer"),
        (partial(torch.nn.Linear, 2, 3), None, "it is not a torchvision classifier"),
    ],
)
def test_what_there_is_not(builder, weights, message):
    with pytest.raises(UserError, match=message):
        torchvision_classifier(builder, num_classes=7, in_channels=3, weights=weights)


def test_channels_that_torchvision_does_not_take():
    with pytest.raises(ValueError, match="in_channels is 4"):
        torchvision_classifier(SMALL, num_classes=7, in_channels=4)
