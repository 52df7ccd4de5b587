"""Decoding of video files."""

from math import atan2, pi
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from av import VideoFrame

CLIP_SUFFIXES = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"}


def read_clip(path: Path, num_frames: int, in_channels: int) -> Tensor:
    """Frames of a file, one from the middle of each of `num_frames` equal parts of it.

    Args:
        path: a file that FFmpeg, as it comes with PyAV, can decode.
        num_frames: frames to take.
        in_channels: 1 for grey, 3 for colour.

    Returns:
        uint8 [time, channel, height, width], upright

    Raises:
        OSError: the file cannot be decoded up to the last of these frames.
        ValueError: the file has too few frames, or no image at all.
    """
    import av  # a tenth of a second that others need not wait for

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError("it holds no video")
            # Headers may lie about the number of frames or keep silent; packets are counted without decoding.
            total = sum(packet.size > 0 for packet in container.demux(video=0))
        if total < num_frames:
            raise ValueError(f"it has {total} frames; expected data.num_frames={num_frames}")
        wanted = [(2 * number + 1) * total // (2 * num_frames) for number in range(num_frames)]
        frames = []
        with av.open(str(path)) as container:
            # One thread, here and for the pixels: a process that is forked later has no other threads, and would wait
            # for them for ever as it frees what it inherits of them.
            container.streams.video[0].codec_context.thread_count = 1
            for number, frame in enumerate(container.decode(video=0)):
                if number == wanted[len(frames)]:
                    frames.append(_pixels(frame, in_channels))
                    if len(frames) == num_frames:
                        return torch.stack(frames)
    except av.FFmpegError as error:
        raise OSError(f"FFmpeg: {error}") from error
    raise OSError(f"its frames end before number {wanted[len(frames)]} of {total}")


def _pixels(frame: "VideoFrame", in_channels: int) -> Tensor:
    array = frame.to_ndarray(format="gray" if in_channels == 1 else "rgb24", threads=1)
    upright = np.rot90(np.atleast_3d(array), quarter_turns(frame))
    return torch.from_numpy(upright.copy()).movedim(-1, 0)


def quarter_turns(frame: "VideoFrame") -> int:
    """By how many quarters a player turns a frame, counter-clockwise: telephones film on their side and note it."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0
    cosine, minus_sine = np.frombuffer(matrix, dtype=np.int32)[:2].tolist()
    return round(-atan2(minus_sine, cosine) / (pi / 2))
