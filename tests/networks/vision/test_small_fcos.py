import pytest
import torch

from leyden.networks.vision import SmallFCOS

IMAGES = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
TARGETS = [
    {"boxes": torch.tensor([[4.0 + n, 6, 26 + n, 30], [30, 30, 62, 62]]), "labels": torch.tensor([1 + n % 2, 2])}
    for n in range(4)
]


def network(**options):
    return SmallFCOS(num_classes=3, min_size=64, max_size=64, **{"width": 8, "features": 32, **options})


def test_gradient_reaches_every_parameter():
    one = network()
    sum(one(list(IMAGES), TARGETS).values()).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in one.parameters())


def test_images_do_not_mix():
    one = network(score_thresh=0.0).eval()
    together, alone = one(list(IMAGES))[2], one([IMAGES[2]])[0]
    assert len(alone["boxes"]) > 0
    for name in ("boxes", "labels", "scores"):
        assert torch.allclose(together[name], alone[name], atol=1e-4 if name == "boxes" else 1e-5)


@pytest.mark.parametrize("strides", [(4,), (8,), (4, 8), (8, 16, 32)])
def test_maps_have_their_strides(strides):
    one = network(strides=list(strides))
    maps = list(one.backbone(torch.rand(2, 3, 64, 96)).values())
    assert [tuple(one.shape) for one in maps] == [(2, 32, 64 // stride, 96 // stride) for stride in strides]
    assert one.anchor_generator.sizes == tuple((stride,) for stride in strides)


def test_boxes_have_a_size_from_the_start():
    """If all distances are a rectified 0, there is no gradient, and training fails."""
    for seed in range(10):
        torch.manual_seed(seed)
        one = network()
        maps = list(one.backbone(IMAGES).values())
        assert (one.head(maps)["bbox_regression"] > 0.1).all()


def test_overfits_one_batch():
    one = network()
    optimizer = torch.optim.Adam(one.parameters(), lr=0.005)
    for _ in range(60):
        optimizer.zero_grad()
        losses = one(list(IMAGES), TARGETS)
        sum(losses.values()).backward()
        optimizer.step()
    assert losses["classification"] < 0.1


def test_without_objects_there_is_nothing_to_place():
    nothing = [{"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}] * 4
    losses = network()(list(IMAGES), nothing)
    assert losses["classification"] > 0
    assert losses["bbox_regression"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width is 0"),
        ({"features": 40}, "features is 40; expected a multiple of 16"),
        ({"strides": (4, 16)}, r"strides is \(4, 16\)"),
        ({"strides": (2, 4)}, r"strides is \(2, 4\)"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        network(**options)
