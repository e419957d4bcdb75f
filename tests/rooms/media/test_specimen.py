from __future__ import annotations

import io
import subprocess
import sys

from PIL import Image


def specimen(*words: str, given: bytes = b"") -> bytes:
    command = [sys.executable, "-I", "-m", "svitlo.media.specimen", *words]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("L", (16, 12), 128).save(out, "PNG")
    return out.getvalue()


def test_a_photograph_says_when_and_where() -> None:
    words = ("--at", "2025:01:14 14:05:09", "--latitude=-30.5042", "--longitude=15.25")

    with Image.open(io.BytesIO(specimen("photo", *words, given=picture()))) as image:
        exif = image.getexif()

    assert image.format == "JPEG"
    assert exif.get_ifd(0x8769)[0x9003] == "2025:01:14 14:05:09"
    position = exif.get_ifd(0x8825)
    assert (position[1], position[3]) == ("S", "E")
    assert [float(part) for part in position[2]] == [30.0, 30.0, 15.0]


def test_a_photograph_without_position_has_none() -> None:
    with Image.open(io.BytesIO(specimen("photo", given=picture()))) as image:
        assert not image.getexif().get_ifd(0x8825)


def test_the_video_is_the_same_every_time() -> None:
    first, second = specimen("video"), specimen("video")

    assert first == second
    assert first[4:8] == b"ftyp"
