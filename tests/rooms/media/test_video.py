from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from svitlo.media.claim import Claims
from svitlo.media.kind import kind_of
from svitlo.media.video import iso_6709, note_media

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.media.claim import Value


def film(form: str = "mp4", codec: str = "mpeg4", **tags: str) -> bytes:
    out = io.BytesIO()
    options = {"movflags": "use_metadata_tags"} if form in {"mp4", "mov"} else {}
    with av.open(out, "w", format=form, options=options) as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            pixels = np.full((48, 64, 3), 40 * number + 40, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def noted(data: bytes, pixels: int = 10**8) -> tuple[dict[str, Value], Image.Image | str]:
    claims = Claims()
    stream = io.BytesIO(data)
    picture = note_media(stream, kind_of(stream, len(data)), claims, pixels)
    return claims.found, picture


def value(found: dict[str, Value], name: str) -> Value:
    claim = found[name]
    assert isinstance(claim, dict)
    return claim["value"]


@pytest.mark.parametrize(
    ("form", "codec"),
    [
        *(("mp4", "mpeg4"), ("mov", "mpeg4"), ("avi", "mpeg4"), ("matroska", "mpeg4")),
        *(("mpegts", "mpeg2video"), ("flv", "flv1")),
    ],
)
def test_films_have_a_length_a_stream_and_a_first_frame(form: str, codec: str) -> None:
    found, picture = noted(film(form, codec))
    assert isinstance(picture, Image.Image)
    assert picture.size == (64, 48)
    streams = value(found, "media.streams")
    assert isinstance(streams, list)
    assert isinstance(streams[0], dict)
    assert (streams[0]["type"], streams[0]["width_px"]) == ("video", 64)


def test_tags_of_device_time_and_place_are_noted() -> None:
    tags = {
        "com.apple.quicktime.make": "Maker",
        "com.apple.quicktime.location.ISO6709": "+50.4500+030.5233+150.5/",
        "com.apple.quicktime.creationdate": "2022-10-10T08:05:09+0300",
    }
    found, _ = noted(film("mov", **tags))
    assert value(found, "camera.make") == "Maker"
    assert value(found, "time.taken") == "2022-10-10T08:05:09+03:00"
    assert value(found, "place.position") == {"lat": "50.45", "lon": "30.5233"}
    assert value(found, "place.altitude_m") == "150.5"


def test_a_counter_that_was_never_set_is_no_time() -> None:
    found, _ = noted(film(creation_time="1904-01-01T00:00:00"))
    assert "time.created" not in found


def test_too_many_pixels_are_not_decoded() -> None:
    assert noted(film(), pixels=100)[1] == "too_large"


def test_a_sound_recording_has_nothing_to_see() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), dtype=np.int16), "s16", "mono")
        sound.rate = 8000
        container.mux(stream.encode(sound))
    found, picture = noted(out.getvalue())
    assert picture == ""
    assert value(found, "media.duration_s") == "1"


def test_a_broken_film_is_a_claim_not_an_error() -> None:
    data = film()
    found, picture = noted(data[: len(data) // 3])
    assert picture == ""
    assert "media.unreadable" in found


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body


def edits(*rows: tuple[int, int]) -> bytes:
    listed = b"".join(struct.pack(">Iihh", length, start, 1, 0) for length, start in rows)
    return box(b"elst", struct.pack(">II", 0, len(rows)), listed)


@pytest.mark.parametrize(
    ("rows", "noted_rows"),
    [
        (((1000, 0),), None),
        (((1000, 1024),), None),
        (((1000, 90_000),), [[[1000, 90_000]]]),
        (((500, -1), (1000, 0)), [[[500, -1], [1000, 0]]]),
    ],
)
def test_edit_lists_that_leave_something_out_are_noted(
    rows: tuple[tuple[int, int], ...], noted_rows: Value | None
) -> None:
    head = box(b"ftyp", b"isom\0\0\0\0isom")
    found, _ = noted(head + box(b"moov", box(b"trak", box(b"edts", edits(*rows)))))
    assert found.get("media.edit_lists", {}) == (
        {"value": noted_rows, "tag": "elst"} if noted_rows else {}
    )


@given(st.binary(max_size=200))
def test_any_boxes_come_to_an_end(tail: bytes) -> None:
    noted(b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\0moov" + tail)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+51.4169-000.0806/", {"lat": "51.4169", "lon": "-0.0806"}),
        ("+5027-03031/", {"lat": "50.45", "lon": "-30.5166667"}),
        ("-335136+1511200/", {"lat": "-33.86", "lon": "151.2"}),
        ("+00.0000+000.0000/", "null_island"),
        ("+91.0+030.0/", "out_of_range"),
        ("50.45, 30.52", "not_a_position"),
        ("", "not_a_position"),
    ],
)
def test_iso_6709_is_read_in_its_three_forms(text: str, expected: Value) -> None:
    found = iso_6709(text)
    assert (found if isinstance(found, str) else found[0]) == expected


@given(st.text(alphabet="+-.0123456789/", max_size=30))
def test_any_text_is_a_position_or_a_named_problem(text: str) -> None:
    assert iso_6709(text)


@pytest.mark.shared
def test_published_films_say_where_and_when(shared: Path) -> None:
    folder = shared / "media-metadata/metadata-extractor-images"
    found, picture = noted((folder / "mp4/with-gps.mp4").read_bytes())
    assert isinstance(picture, Image.Image)
    assert value(found, "place.position") == {"lat": "51.4169", "lon": "-0.0806"}
    assert value(found, "time.created") == "2017-02-22T08:20:28Z"
    found, picture = noted((folder / "3gp/sample.3gp").read_bytes())
    assert isinstance(picture, Image.Image)
    assert value(found, "media.duration_s") == "4.933"
