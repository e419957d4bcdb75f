"""What a photograph's EXIF, IPTC and XMP claim: when, where, and with what it was taken.

Positions are read with fractions, never floats, and refused with a named problem rather than
guessed: a zero denominator, a missing N, S, E or W, a number out of range, and 0N 0E, which is
where cameras without a fix say they are. Times without a zone stay local.

Sources: Exif 3.0 (CIPA DC-008), 4.6.5 and 4.6.6; the tags as exiv2 names them.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import pyexiv2

from svitlo.media.claim import PARSER_ERRORS, clean_text, decimal, reason, time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from svitlo.media.claim import Claims, Value

_TEXTS = {
    "camera.make": ("Exif.Image.Make",),
    "camera.model": ("Exif.Image.Model",),
    "camera.serial": ("Exif.Photo.BodySerialNumber", "Exif.Image.CameraSerialNumber"),
    "camera.lens": ("Exif.Photo.LensModel",),
    "camera.lens_serial": ("Exif.Photo.LensSerialNumber",),
    "camera.owner": ("Exif.Photo.CameraOwnerName",),
    "photo.software": ("Exif.Image.Software", "Xmp.xmp.CreatorTool"),
    "photo.author": ("Exif.Image.Artist", "Iptc.Application2.Byline", "Xmp.dc.creator"),
    "photo.rights": ("Exif.Image.Copyright", "Iptc.Application2.Copyright", "Xmp.dc.rights"),
    "photo.description": (
        *("Exif.Image.ImageDescription", "Iptc.Application2.Caption", "Xmp.dc.description"),
        "Exif.Photo.UserComment",
    ),
    "photo.unique_id": ("Exif.Photo.ImageUniqueID",),
    "photo.document_id": ("Xmp.xmpMM.DocumentID",),
    "photo.original_document_id": ("Xmp.xmpMM.OriginalDocumentID",),
}
_TIMES = {
    "time.taken": ("Exif.Photo.DateTimeOriginal", "OffsetTimeOriginal", "SubSecTimeOriginal"),
    "time.digitized": (
        "Exif.Photo.DateTimeDigitized",
        "OffsetTimeDigitized",
        "SubSecTimeDigitized",
    ),
    "time.modified": ("Exif.Image.DateTime", "OffsetTime", "SubSecTime"),
}
_HISTORY = re.compile(r"Xmp\.xmpMM\.History\[(\d+)\]/stEvt:(\w+)$")
_RATIONAL = re.compile(r"(-?\d+)(?:/(-?\d+))?$")
_HISTORY_STEPS = 50
_POSITION_PLACES = 7
"""Decimals of a degree that are kept: about a centimetre."""


def load() -> None:
    """Keep exiv2 from writing warnings to standard error."""
    pyexiv2.set_log_level(4)


def read_tags(data: bytes, claims: Claims) -> bytes:
    """Note what the tags in `data` claim; comes back with the embedded thumbnail, or nothing."""
    try:
        image = pyexiv2.ImageData(data)
    except PARSER_ERRORS as error:
        claims.add("exif.unreadable", reason(error))
        return b""
    try:
        tags = {**_part(image.read_xmp, claims), **_part(image.read_iptc, claims)}
        tags |= _part(image.read_exif, claims)
        thumbnail = image.read_thumbnail() if any("Thumbnail" in tag for tag in tags) else b""
    except PARSER_ERRORS as error:
        claims.add("exif.unreadable", reason(error))
        return b""
    finally:
        image.close()
    note_tags(tags, claims)
    return thumbnail if isinstance(thumbnail, bytes) else b""


def note_tags(tags: Mapping[str, str], claims: Claims) -> None:
    """Note what matters of all tags: device, times, position, orientation, edits."""
    for name, sources in _TEXTS.items():
        for tag in sources:
            text = tags.get(tag, "").strip()
            if text:
                claims.add(name, _without_charset(text), tag=tag)
                break
    for name, (tag, offset, fraction) in _TIMES.items():
        _note_time(tags, claims, name, (tag, f"Exif.Photo.{offset}", f"Exif.Photo.{fraction}"))
    for tag in ("Exif.Image.Orientation", "Xmp.tiff.Orientation"):
        if tags.get(tag, "") in set("12345678"):
            claims.add("photo.orientation", int(tags[tag]), tag=tag)
    _note_position(tags, claims)
    _note_history(tags, claims)
    claims.add("exif.tags", len(tags))


def position(
    latitude: tuple[str, str], longitude: tuple[str, str]
) -> tuple[Fraction, Fraction] | str:
    """Degrees north and east from EXIF text and reference, or the name of what is wrong."""
    degrees = []
    for (text, reference), signs, limit in (
        (latitude, {"N": 1, "S": -1}, 90),
        (longitude, {"E": 1, "W": -1}, 180),
    ):
        sign = signs.get(reference.strip("\0 ").upper()[:1])
        if sign is None:
            return "no_reference"
        angle = _angle(text)
        if isinstance(angle, str):
            return angle
        if angle > limit:
            return "out_of_range"
        degrees.append(sign * angle)
    if degrees == [0, 0]:
        return "null_island"
    return degrees[0], degrees[1]


def _angle(text: str) -> Fraction | str:
    """Degrees, minutes, seconds: each may carry a fraction, the later ones may be missing."""
    parts = []
    for word in text.split()[:3]:
        number = rational(word)
        if number is None:
            return "zero_denominator" if "/" in word else "not_a_number"
        parts.append(number)
    if not parts:
        return "not_a_number"
    degrees, minutes, seconds = [*parts, Fraction(0), Fraction(0)][:3]
    if min(parts) < 0 or minutes >= 60 or seconds >= 60:  # noqa: PLR2004 - sexagesimal
        return "out_of_range"
    return degrees + minutes / 60 + seconds / 3600


def rational(word: str) -> Fraction | None:
    """A rational as exiv2 prints it; None for a zero denominator or what is no number."""
    found = _RATIONAL.match(word.strip())
    if not found or (found.group(2) is not None and int(found.group(2)) == 0):
        return None
    return Fraction(int(found.group(1)), int(found.group(2) or 1))


def degrees_text(value: Fraction) -> str:
    """Degrees as a decimal string, rounded from the exact fraction."""
    scaled = round(value * 10**_POSITION_PLACES)
    return decimal_of(scaled)


def decimal_of(scaled: int) -> str:
    """An integer count of 10^-7 as a decimal string."""
    whole, rest = divmod(abs(scaled), 10**_POSITION_PLACES)
    text = f"{whole}.{rest:0{_POSITION_PLACES}d}".rstrip("0").rstrip(".")
    return f"-{text}" if scaled < 0 else text


def _part(read: Callable[..., Mapping[str, object]], claims: Claims) -> dict[str, str]:
    """One family of tags; those that do not decode are left out, and that is said."""
    try:
        found = read()
    except UnicodeDecodeError:
        try:
            found = read("iso-8859-1")
        except PARSER_ERRORS as error:
            claims.add("exif.unreadable", reason(error))
            return {}
    return {str(tag): _flat(value) for tag, value in found.items()}


def _flat(value: object) -> str:
    """The text of a tag; lists and language alternatives are joined."""
    if isinstance(value, dict):
        return "; ".join(str(text) for text in value.values())
    if isinstance(value, list):
        return "; ".join(str(text) for text in value)
    return str(value)


def _without_charset(text: str) -> str:
    return re.sub(r'^charset="?\w+"?\s*', "", text) if text.startswith("charset=") else text


def _note_time(
    tags: Mapping[str, str], claims: Claims, name: str, sources: tuple[str, str, str]
) -> None:
    tag, offset, fraction = sources
    raw = tags.get(tag, "").strip()
    if not raw:
        return
    digits = tags.get(fraction, "").strip()
    whole = f"{raw}.{digits}" if digits.isdecimal() and digits.isascii() else raw
    value = time_of(whole, tags.get(offset, ""))
    if value:
        claims.add(name, value, raw=raw, tag=tag)
    else:
        claims.add(f"{name}.unreadable", raw, tag=tag)


def _note_position(tags: Mapping[str, str], claims: Claims) -> None:
    prefix = "Exif.GPSInfo.GPS"
    texts = {name: tags.get(prefix + name, "") for name in ("Latitude", "Longitude")}
    references = {name: tags.get(f"{prefix}{name}Ref", "") for name in texts}
    if any(texts.values()):
        found = position(
            (texts["Latitude"], references["Latitude"]),
            (texts["Longitude"], references["Longitude"]),
        )
        raw = ", ".join(f"{texts[name]} {references[name]}".strip() for name in texts)
        if isinstance(found, str):
            claims.add("place.problem", found, raw=raw, tag=prefix + "Latitude")
        else:
            value: Value = {"lat": degrees_text(found[0]), "lon": degrees_text(found[1])}
            claims.add("place.position", value, raw=raw, tag=prefix + "Latitude")
    for name, tag in (("place.altitude_m", "Altitude"), ("place.direction_deg", "ImgDirection")):
        number = rational(tags.get(prefix + tag, ""))
        if number is not None:
            below = tag == "Altitude" and tags.get(prefix + "AltitudeRef", "") == "1"
            text = decimal(float(-number if below else number), 2)
            claims.add(name, text, raw=tags[prefix + tag], tag=prefix + tag)
    claims.add("place.datum", tags.get(prefix + "MapDatum", "").strip(), tag=prefix + "MapDatum")
    _note_gps_time(tags, claims, prefix)


def _note_gps_time(tags: Mapping[str, str], claims: Claims, prefix: str) -> None:
    """The satellites' time, which is UTC, where date and clock are both there."""
    clock = [rational(word) for word in tags.get(prefix + "TimeStamp", "").split()]
    date = tags.get(prefix + "DateStamp", "").strip()
    if len(clock) != 3 or not date or None in clock:  # noqa: PLR2004 - hours, minutes, seconds
        return
    hours, minutes, seconds = (int(number) for number in clock if number is not None)
    value = time_of(f"{date} {hours:02d}:{minutes:02d}:{seconds:02d}Z")
    claims.add(
        "time.satellite",
        value,
        raw=f"{date} {tags[prefix + 'TimeStamp']}",
        tag=prefix + "TimeStamp",
    )


def _note_history(tags: Mapping[str, str], claims: Claims) -> None:
    """The steps that XMP says an editor took (xmpMM:History)."""
    steps: dict[int, dict[str, Value]] = {}
    for tag, text in tags.items():
        found = _HISTORY.match(tag)
        if found and int(found.group(1)) <= _HISTORY_STEPS:
            steps.setdefault(int(found.group(1)), {})[found.group(2)] = clean_text(text, 200)
    if steps:
        claims.add(
            "photo.history", [steps[number] for number in sorted(steps)], tag="Xmp.xmpMM.History"
        )
