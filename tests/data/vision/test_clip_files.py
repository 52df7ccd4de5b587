import av
import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import RandomHorizontalFlip

from leyden.data import Batch, DataError
from leyden.data.storage import decode
from leyden.data.vision import ClipFiles, RandomAffine
from leyden.data.vision.clip import read_clip
from leyden.data.vision.video_data import frame_strip


def write(path, frames):
    """Write frames, uint8 (time, height, width, 3), to a file."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.bit_rate = 2_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def counting(num_frames, height=32, width=48):
    """Frame n has the grey value 10 n."""
    return np.stack([np.full((height, width, 3), 10 * number, np.uint8) for number in range(num_frames)])


@pytest.fixture
def folder(tmp_path):
    for label, suffix in (("jump", "mp4"), ("run away", "avi")):
        (tmp_path / label).mkdir()
        for number in range(5):
            write(tmp_path / label / f"clip {number}.{suffix}", counting(12))
    return tmp_path


def test_class_folders_of_clips(folder):
    for memory_gb in (4.0, 0.0):
        data = ClipFiles(str(folder), num_frames=4, image_size=16, batch_size=2, in_channels=1, memory_gb=memory_gb)
        data.setup("fit")
        data.setup("test")
        assert data.class_names == ["jump", "run away"]
        batch = next(iter(data.train_dataloader()))
        assert batch.inputs.shape == (2, 1, 4, 16, 16)  # batch, channel, time, height, width
        assert batch.inputs.dtype is torch.uint8
        assert len(data.samples["test"]) == 2


@pytest.mark.parametrize("suffix", ["mp4", "avi"])
@pytest.mark.parametrize(
    ("total", "num_frames", "expected"), [(12, 4, [1, 4, 7, 10]), (12, 12, range(12)), (7, 1, [3]), (5, 2, [1, 3])]
)
def test_frames_are_taken_from_the_middles_of_equal_parts(tmp_path, total, num_frames, expected, suffix):
    write(tmp_path / f"a.{suffix}", counting(total))
    for channels in (1, 3):
        clip = read_clip(tmp_path / f"a.{suffix}", num_frames, channels)
        assert clip.shape == (num_frames, channels, 32, 48)
        values = clip.float().mean(dim=(1, 2, 3))
        torch.testing.assert_close(values, 10.0 * torch.tensor(list(expected)), atol=3, rtol=0)


def test_colours_keep_their_places(tmp_path):
    frames = np.zeros((3, 32, 32, 3), np.uint8)
    frames[..., 0], frames[:, :16, :, 2] = 200, 200
    write(tmp_path / "a.mp4", frames)
    clip = read_clip(tmp_path / "a.mp4", 2, 3).float()
    assert clip[:, 0].mean() == pytest.approx(200, abs=12)
    assert clip[:, 1].mean() == pytest.approx(0, abs=12)
    assert clip[:, 2, :14].mean() == pytest.approx(200, abs=12)
    assert clip[:, 2, 18:].mean() == pytest.approx(0, abs=12)


def test_clips_are_turned_as_they_are_shown(tmp_path):
    frames = np.zeros((2, 32, 48, 3), np.uint8)
    frames[:, :, :24] = 200  # left
    path = tmp_path / "a.mp4"
    write(path, frames)
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd")
    turn = np.array([0, -(2**16), 0, 2**16, 0, 0, 0, 0, 2**30])  # a quarter turn, counter-clockwise
    content[header + 44 : header + 80] = turn.astype(">i4").tobytes()
    path.write_bytes(content)
    clip = read_clip(path, 2, 1).float()
    assert clip.shape == (2, 1, 48, 32)
    assert clip[:, :, 28:].mean() > 190  # below
    assert clip[:, :, :20].mean() < 10


def lose_the_end(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: write(path, counting(3)), r"clip 2\.avi: it has 3 frames; expected data\.num_frames=8"),
        (lambda path: path.write_bytes(b"no video"), r"cannot read .*clip 2\.avi: FFmpeg: "),
        (lose_the_end, r"cannot read .*clip 2\.avi: "),
    ],
    ids=["short", "no video", "cut off"],
)
def test_corrupt_and_short_clips_are_named_or_skipped(folder, spoil, message, monkeypatch):
    monkeypatch.setattr(
        decode, "INLINE_DECODE_SECONDS", 0.0
    )  # forked processes must not wait for threads of FFmpeg when they free inherited objects
    spoil(folder / "run away" / "clip 2.avi")

    def num_samples(on_corrupt):
        data = ClipFiles(str(folder), num_frames=8, image_size=8, on_corrupt=on_corrupt)
        data.setup("fit")
        data.setup("test")
        return sum(map(len, data.samples.values()))

    with pytest.raises(DataError, match=message):
        num_samples("raise")
    assert num_samples("skip") == 9


def test_augmentation_is_the_same_for_all_frames_of_a_clip(tmp_path):
    clips = torch.randint(0, 255, (6, 3, 1, 9, 9)).byte().expand(-1, -1, 5, -1, -1)
    batch = Batch(clips, torch.zeros(6, dtype=torch.int64))
    for module in (RandomAffine(degrees=30, scale=0.2, shift=0.2, flip=0.5), RandomHorizontalFlip()):
        data = ClipFiles(str(tmp_path), mean=0.0, std=1.0, augment=[module])
        changed = data.batch_transform("train")(batch).inputs
        assert changed.shape == clips.shape
        assert all(changed[:, :, time].equal(changed[:, :, 0]) for time in range(5))
        still = data.batch_transform("test")(batch).inputs
        torch.testing.assert_close(still, clips / 255)
        moved = [not torch.allclose(one, two, atol=1e-3) for one, two in zip(changed, still, strict=True)]
        assert any(moved)


def test_grey_clips_are_repeated_and_normalised_by_channel(tmp_path):
    data = ClipFiles(str(tmp_path), mean=[0.0, 0.5, 1.0], std=[1.0, 1.0, 0.5])
    clips = torch.full((2, 1, 4, 3, 3), 255, dtype=torch.uint8)
    changed = data.batch_transform("test")(Batch(clips, torch.zeros(2))).inputs
    assert changed.shape == (2, 3, 4, 3, 3)
    assert changed[0, :, 0, 0, 0].tolist() == [1.0, 0.5, 0.0]


def test_a_strip_shows_frames_in_their_order():
    clip = torch.arange(16).reshape(1, 16, 1, 1).expand(3, 16, 2, 2)
    assert frame_strip(clip)[0, ::2, ::2].tolist() == [[0, 2, 4, 6], [8, 10, 12, 14]]
    assert frame_strip(clip[:, :6])[0, ::2, ::2].tolist() == [[0, 1, 2, 3], [4, 5, 0, 0]]
    assert frame_strip(clip[:, :3])[0, ::2, ::2].tolist() == [[0, 1, 2]]


def test_predictions_of_the_users_own_clips(folder):
    data = ClipFiles(str(folder), num_frames=4, image_size=16)
    samples, names = data.read([folder / "jump", folder / "run away" / "clip 0.avi"])
    assert len(samples) == len(names) == 6
    assert samples.__getitems__([5]).inputs.shape == (1, 3, 4, 16, 16)
