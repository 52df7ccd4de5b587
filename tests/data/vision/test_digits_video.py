import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from leyden.data.vision import DigitsVideo
from leyden.data.vision.digits_video import DIRECTIONS, moving_digits


@pytest.fixture(scope="module")
def clips():
    return moving_digits("train", 1200, num_frames=4, image_size=16)


def test_clips_come_in_storage_type_and_axis_order():
    data = DigitsVideo(num_train=40, num_test=16, in_channels=1, batch_size=8)
    data.setup("fit")
    data.setup("test")
    batch = next(iter(data.train_dataloader()))
    assert batch.inputs.shape == (8, 1, 8, 24, 24)  # batch, channel, time, height, width
    assert batch.inputs.dtype is torch.uint8
    assert data.test_dataloader().dataset.targets.bincount().tolist() == [2] * 8
    assert data.provided()["num_classes"] == 8
    assert data.provided()["num_frames"] == 8


def shifts(clips):
    """Steps between neighbouring frames by phase correlation (sample, time - 1, xy)."""
    frames = torch.fft.fft2(clips[:, 0].float() - clips[:, 0].float().mean(dim=(2, 3), keepdim=True))
    product = frames[:, 1:] * frames[:, :-1].conj()
    peaks = torch.fft.ifft2(product).real.flatten(2).argmax(dim=2)
    size = clips.shape[-1]
    steps = torch.stack([peaks % size, peaks // size], dim=-1)
    return torch.where(steps > size // 2, steps - size, steps)


def test_two_frames_determine_the_direction(clips):
    images, targets = clips
    steps = torch.tensor(list(DIRECTIONS.values()))[targets]
    found = shifts(images)
    assert (found.sign() == steps.unsqueeze(1)).all(dim=2).float().mean() > 0.95


@pytest.mark.parametrize("frame", [0, 3])
def test_a_single_frame_does_not_determine_the_direction(clips, frame):
    images, targets = clips
    pixels = images[:, 0, frame].flatten(1) / 255
    probe = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(pixels[:800].numpy(), targets[:800].numpy())
    assert probe.score(pixels[800:].numpy(), targets[800:].numpy()) < 0.2  # of eight directions, chance is 0.125


def test_where_a_digit_is_does_not_depend_on_its_direction(clips):
    images, targets = clips
    ink = images[:, 0].float().sub(60).clamp(min=0)
    for frame in (0, 3):
        for axis in (1, 2):  # the mean position of the ink along one axis, for each direction
            along = ink[:, frame].sum(dim=axis)
            means = torch.stack([along[targets == one].mean(dim=0) for one in range(len(DIRECTIONS))])
            assert (means / means.mean()).sub(1).abs().max() < 0.5


def test_the_same_whenever_it_is_asked_and_the_test_split_is_another(clips):
    again = moving_digits("train", 1200, num_frames=4, image_size=16)
    assert all(one.equal(two) for one, two in zip(clips, again, strict=True))
    assert not moving_digits("test", 1200, 4, 16)[0].equal(clips[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"num_train": 1}, "num_train=1"), ({"image_size": 7}, "image_size is 7"), ({"num_frames": 0}, "num_frames is 0")],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        DigitsVideo(**options)
