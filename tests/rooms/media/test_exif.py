from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from svitlo.media import exif
from svitlo.media.claim import Claims

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.media.claim import Value

POINT = ("50/1 27/1 0/1", "N")


def claimed(**tags: str) -> dict[str, Value]:
    claims = Claims()
    exif.note_tags({f"Exif.GPSInfo.GPS{name}": text for name, text in tags.items()}, claims)
    return claims.found


def value(found: dict[str, Value], name: str) -> Value:
    claim = found[name]
    assert isinstance(claim, dict)
    return claim["value"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (("50/1 27/1 0/1", "N"), ("30/1 31/1 24/1", "E"), (50.45, 30.523333)),
        (("50/1 2700/100 0/1", "N"), ("30/1 3140/100 0/1", "E"), (50.45, 30.523333)),
        (("5045/100", "N"), ("30523/1000", "E"), (50.45, 30.523)),
        (("33/1 51/1 36/1", "S"), ("151/1 12/1 0/1", "E"), (-33.86, 151.2)),
        (("0/1 0/1 1/1", "N"), ("0/1 0/1 0/1", "W"), (0.000278, 0)),
        (("90/1 0/1 0/1", "n\0"), ("180/1 0/1 0/1", " west"), (90, -180)),
    ],
)
def test_positions_are_read_in_every_form_cameras_write(
    latitude: tuple[str, str], longitude: tuple[str, str], expected: tuple[float, float]
) -> None:
    found = exif.position(latitude, longitude)
    assert not isinstance(found, str)
    assert [float(part) for part in found] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("latitude", "longitude", "problem"),
    [
        (("50/0 27/1 0/1", "N"), POINT, "zero_denominator"),
        (("50/1 27/1 0/0", "N"), ("30/1", "E"), "zero_denominator"),
        (("0/0 0/0 0/0", "N"), ("0/0 0/0 0/0", "E"), "zero_denominator"),
        (("50/1 27/1 0/1", ""), ("30/1", "E"), "no_reference"),
        (("50/1 27/1 0/1", "N"), ("30/1", "X"), "no_reference"),
        (("0/1 0/1 0/1", "N"), ("0/1 0/1 0/1", "E"), "null_island"),
        (("91/1 0/1 0/1", "N"), ("30/1", "E"), "out_of_range"),
        (("50/1 60/1 0/1", "N"), ("30/1", "E"), "out_of_range"),
        (("50/1 0/1 6000/100", "N"), ("30/1", "E"), "out_of_range"),
        (("-50/1 0/1 0/1", "N"), ("30/1", "E"), "out_of_range"),
        (("4294967295/1", "N"), ("30/1", "E"), "out_of_range"),
        (("", "N"), ("30/1", "E"), "not_a_number"),
        (("nan", "N"), ("30/1", "E"), "not_a_number"),
    ],
)
def test_what_is_no_position_is_named_and_never_guessed(
    latitude: tuple[str, str], longitude: tuple[str, str], problem: str
) -> None:
    assert exif.position(latitude, longitude) == problem
    found = claimed(
        Latitude=latitude[0] or "x",
        LatitudeRef=latitude[1],
        Longitude=longitude[0],
        LongitudeRef=longitude[1],
    )
    assert "place.position" not in found
    assert "place.problem" in found


@given(st.text(max_size=30), st.text(max_size=3), st.text(max_size=30), st.text(max_size=3))
def test_any_text_is_a_position_or_a_problem(a: str, b: str, c: str, d: str) -> None:
    found = exif.position((a, b), (c, d))
    assert isinstance(found, str | tuple)


@given(st.fractions(min_value=-180, max_value=180))
def test_degrees_are_written_without_losing_a_centimetre(degrees: Fraction) -> None:
    assert abs(Fraction(exif.degrees_text(degrees)) - degrees) <= Fraction(1, 2 * 10**7)


def test_altitude_below_the_sea_is_negative_and_satellite_time_is_utc() -> None:
    found = claimed(
        Altitude="105/10",
        AltitudeRef="1",
        DateStamp="2022:10:10",
        TimeStamp="8/1 5/1 900/100",
    )
    assert value(found, "place.altitude_m") == "-10.5"
    assert value(found, "time.satellite") == "2022-10-10T08:05:09Z"


def test_an_altitude_over_zero_is_absent() -> None:
    assert "place.altitude_m" not in claimed(Altitude="1/0")


def test_a_time_without_zone_stays_local_and_an_offset_is_kept() -> None:
    claims = Claims()
    exif.note_tags(
        {
            "Exif.Photo.DateTimeOriginal": "2022:10:10 08:05:09",
            "Exif.Photo.OffsetTimeOriginal": "+03:00",
            "Exif.Photo.SubSecTimeOriginal": "120",
            "Exif.Image.DateTime": "2022:10:11 09:00:00",
            "Exif.Photo.DateTimeDigitized": "2022:13:45 99:99:99",
        },
        claims,
    )
    assert value(claims.found, "time.taken") == "2022-10-10T08:05:09.12+03:00"
    assert value(claims.found, "time.modified") == "2022-10-11T09:00:00"
    assert value(claims.found, "time.digitized.unreadable") == "2022:13:45 99:99:99"
    assert claims.found["time.modified"] == {
        "value": "2022-10-11T09:00:00",
        "raw": "2022:10:11 09:00:00",
        "tag": "Exif.Image.DateTime",
    }


def test_the_history_of_an_editor_is_listed_in_order() -> None:
    claims = Claims()
    prefix = "Xmp.xmpMM.History"
    exif.note_tags(
        {
            f"{prefix}[2]/stEvt:action": "saved",
            f"{prefix}[1]/stEvt:action": "created",
            f"{prefix}[1]/stEvt:when": "2022-10-10T08:00:00Z",
        },
        claims,
    )
    assert value(claims.found, "photo.history") == [
        {"action": "created", "when": "2022-10-10T08:00:00Z"},
        {"action": "saved"},
    ]


def test_bytes_that_are_no_picture_are_a_claim_not_an_error() -> None:
    claims = Claims()
    assert exif.read_tags(b"no picture", claims) == b""
    assert "exif.unreadable" in claims.found


def test_tags_of_a_jpeg_with_its_thumbnail_are_read() -> None:
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    tags[0x0112] = 6
    tags.get_ifd(0x8825).update({1: "N", 2: (50.0, 27.0, 0.0), 3: "E", 4: (30.0, 31.0, 24.0)})
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=tags)
    claims = Claims()
    exif.read_tags(out.getvalue(), claims)
    assert value(claims.found, "camera.make") == "Maker"
    assert value(claims.found, "photo.orientation") == 6
    assert value(claims.found, "place.position") == {"lat": "50.45", "lon": "30.5233333"}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("Apple iPhone 4.jpg", {"lat": "41.853", "lon": "12.4888333"}),
        ("HTC Desire.jpg", {"lat": "45.5006667", "lon": "9.1103333"}),
        ("Sony DSC-HX5V (2).jpg", {"lat": "51.778615", "lon": "8.3656381"}),
    ],
)
def test_published_photographs_show_where_they_say_they_were_taken(
    shared: Path, name: str, position: dict[str, str]
) -> None:
    folder = shared / "media-metadata/metadata-extractor-images/jpg"
    claims = Claims()
    exif.read_tags((folder / name).read_bytes(), claims)
    assert value(claims.found, "place.position") == position
