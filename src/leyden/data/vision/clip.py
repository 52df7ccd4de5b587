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
    """Decode frames of a video file, one from the middle of each of `num_frames` equal parts.

    Args:
        path: a file that PyAV's FFmpeg can decode.
        num_frames: number of frames.
        in_channels: 1 for grey, 3 for colour.

    Returns:
        uint8 (time, channel, height, width), rotated upright.

    Raises:
        OSError: the file cannot be decoded up to the last of these frames.
        ValueError: the file has too few frames, or no video stream.
    """
    import av  # imported late: it takes a tenth of a second

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError("it has no video stream")
            # The number of frames in the header may be wrong or missing; packets are counted without decoding.
            total = sum(packet.size > 0 for packet in container.demux(video=0))
        if total < num_frames:
            raise ValueError(f"it has {total} frames; expected data.num_frames={num_frames}")
        indices = [(2 * part + 1) * total // (2 * num_frames) for part in range(num_frames)]
        frames = []
        with av.open(str(path)) as container:
            # A single thread, here and for pixel conversion: a forked process would wait forever for threads that it
            # does not have when it frees the inherited objects.
            container.streams.video[0].codec_context.thread_count = 1
            for index, frame in enumerate(container.decode(video=0)):
                if index == indices[len(frames)]:
                    frames.append(_pixels(frame, in_channels))
                    if len(frames) == num_frames:
                        return torch.stack(frames)
    except av.FFmpegError as error:
        raise OSError(f"FFmpeg: {error}") from error
    raise OSError(f"its frames end before index {indices[len(frames)]} of {total}")


def _pixels(frame: "VideoFrame", in_channels: int) -> Tensor:
    array = frame.to_ndarray(format="gray" if in_channels == 1 else "rgb24", threads=1)
    upright = np.rot90(np.atleast_3d(array), quarter_turns(frame))
    return torch.from_numpy(upright.copy()).movedim(-1, 0)


def quarter_turns(frame: "VideoFrame") -> int:
    """Counter-clockwise quarter turns for display, as recorded by phone cameras."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0
    cosine, minus_sine = np.frombuffer(matrix, dtype=np.int32)[:2].tolist()
    return round(-atan2(minus_sine, cosine) / (pi / 2))
