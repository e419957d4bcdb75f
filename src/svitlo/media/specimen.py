"""Photographs that carry EXIF and a short video, made for the demonstration and the tests.

`python -m svitlo.media.specimen photo < PICTURE > JPEG` and `... video > MP4`: pictures are decoded
and encoded only in this room, so whoever wants a specimen runs a child process. What it writes is
the same for the same input. Nothing shows a real place: positions lie in mid-ocean.
"""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from PIL import Image

VIDEO_WIDTH, VIDEO_HEIGHT = 320, 240
VIDEO_FRAMES_PER_S = 25
VIDEO_LENGTH_S = 2

IFD_EXIF, IFD_GPS = 0x8769, 0x8825


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the camera is made to say of a photograph."""

    at: str = "2025:01:14 14:05:09"
    offset: str = "+02:00"
    make: str = "Svitlo"
    model: str = "Specimen 1"
    latitude: float | None = None
    longitude: float | None = None


def photograph(picture: bytes, taken: Taken) -> bytes:
    """The picture as a JPEG that says when, with what and, if known, where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = taken.make
    exif[0x0110] = taken.model
    exif[0x0132] = taken.at
    details = exif.get_ifd(IFD_EXIF)
    details[0x9003] = taken.at
    details[0x9011] = taken.offset
    if taken.latitude is not None and taken.longitude is not None:
        position = exif.get_ifd(IFD_GPS)
        position[1] = "N" if taken.latitude >= 0 else "S"
        position[2] = _degrees(taken.latitude)
        position[3] = "E" if taken.longitude >= 0 else "W"
        position[4] = _degrees(taken.longitude)
    out = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").save(out, "JPEG", quality=88, exif=exif)
    return out.getvalue()


def _degrees(value: float) -> tuple[float, float, float]:
    """An angle as degrees, minutes and seconds, without its sign (EXIF 2.32, GPSLatitude)."""
    seconds = round(abs(value) * 3600)
    return float(seconds // 3600), float(seconds // 60 % 60), float(seconds % 60)


def clip() -> bytes:
    """A two-second MP4 of a light that wanders over a dark field."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        container.metadata["creation_time"] = "2025-01-14T12:07:30Z"
        stream = container.add_stream("libx264", rate=VIDEO_FRAMES_PER_S)
        stream.width, stream.height = VIDEO_WIDTH, VIDEO_HEIGHT
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, VIDEO_FRAMES_PER_S)
        stream.codec_context.thread_count = 1
        for number in range(VIDEO_FRAMES_PER_S * VIDEO_LENGTH_S):
            frame = av.VideoFrame.from_ndarray(_field(number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def _field(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Frame `number`: uint8 [row, column, RGB]."""
    row, column = np.mgrid[0:VIDEO_HEIGHT, 0:VIDEO_WIDTH]
    centre = 40 + number * 5
    distance = np.hypot(row - VIDEO_HEIGHT / 2, column - centre)
    light = np.clip(255 - 3 * distance, 16, 255)
    return np.stack([light, light * 0.9, light * 0.6], axis=-1).astype(np.uint8)


def main(arguments: list[str]) -> int:
    """Write the specimen that is asked for to standard output; the exit status is 0."""
    parser = argparse.ArgumentParser(prog="svitlo.media.specimen", description=__doc__)
    parser.add_argument("kind", choices=["photo", "video"])
    parser.add_argument("--at", default=Taken().at)
    parser.add_argument("--latitude", type=float)
    parser.add_argument("--longitude", type=float)
    asked = parser.parse_args(arguments)
    if asked.kind == "video":
        made = clip()
    else:
        taken = Taken(at=asked.at, latitude=asked.latitude, longitude=asked.longitude)
        made = photograph(sys.stdin.buffer.read(), taken)
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
