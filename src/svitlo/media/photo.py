"""What a photograph says of itself, and its pixels for preview and fingerprint.

Opens only the formats that the kind allows, so that a file cannot choose a parser nobody meant.
Pixels beyond the limit are not decoded at all; a picture that breaks while decoding keeps its tags.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import pillow_heif
from PIL import Image

from svitlo.media import exif, perceptual, preview, trailing
from svitlo.media.claim import PARSER_ERRORS, reason
from svitlo.media.kind import HEAD_BYTES, TAIL_BYTES, kind_of

if TYPE_CHECKING:
    from svitlo.media.claim import Claims, Value
    from svitlo.media.signature import Kind

_FORMATS: dict[str, tuple[str, ...]] = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/gif": ("GIF",),
    "image/tiff": ("TIFF",),
    "image/webp": ("WEBP",),
    "image/avif": ("AVIF",),
    "image/heic": ("HEIF",),
    "image/bmp": ("BMP",),
    "image/jp2": ("JPEG2000",),
    "image/j2c": ("JPEG2000",),
}
_TAGGED = frozenset(
    (
        *("image/jpeg", "image/png", "image/tiff", "image/webp", "image/avif", "image/heic"),
        *("image/jp2", "image/x-canon-cr2"),
    )
)
"""What exiv2 reads."""

_ORIENTATION = 0x0112
TAGS_BYTES = 64 << 20
"""exiv2 needs the whole file in memory: above this, no tags."""

_THUMBNAIL_DIFFERS_BITS = 80
"""Unrelated pictures are about 128 bits apart, a small copy of the same one under 40."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels in RGB as they are stored, and the EXIF orientation that turns them upright."""

    image: Image.Image
    turn: int


def load() -> None:
    """Make Pillow ready for every format that will be opened, before files cannot be."""
    pillow_heif.register_heif_opener(thumbnails=False)
    Image.init()
    exif.load()
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def note_tags(stream: BinaryIO, size: int, kind: Kind, claims: Claims) -> bytes:
    """Note the tags of a photograph; comes back with its embedded thumbnail, or nothing."""
    if kind.mime not in _TAGGED:
        return b""
    if size > TAGS_BYTES:
        claims.add("exif.unreadable", "too_large")
        return b""
    stream.seek(0)
    return exif.read_tags(stream.read(), claims)


def note_ending(stream: BinaryIO, size: int, kind: Kind, claims: Claims) -> None:
    """Note bytes behind the end of the picture, and what they look like."""
    end = trailing.end_of_picture(stream, size, kind.mime)
    if end is None or end >= size:
        return
    stream.seek(end)
    rest = stream.read(HEAD_BYTES + TAIL_BYTES)
    claims.add("trailing.bytes", size - end)
    if rest.strip(b"\0"):
        claims.add("trailing.kind", kind_of(io.BytesIO(rest), len(rest)).mime)


def picture_of(stream: BinaryIO, kind: Kind, claims: Claims, pixels: int) -> Picture | str:
    """The decoded picture, or why there is none; size and form are noted before."""
    formats = _FORMATS.get(kind.mime)
    if formats is None:
        return "unsupported"
    stream.seek(0)
    Image.MAX_IMAGE_PIXELS = None  # so that the size can be noted; nothing is decoded yet
    try:
        image = Image.open(stream, formats=formats)
        _note_form(image, claims)
        Image.MAX_IMAGE_PIXELS = pixels
        if image.width * image.height > pixels:
            return "too_large"
        _note_detached_tags(image, claims)
        image.load()
        return Picture(preview.in_colour(image), _turn(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "too_large"
    except PARSER_ERRORS as error:
        claims.add("pixels.unreadable", reason(error))
        return ""


def _note_detached_tags(image: Image.Image, claims: Claims) -> None:
    """Note tags that exiv2 did not find in the container, as at the end of some HEIC files."""
    block = image.info.get("exif")
    count = claims.found.get("exif.tags")
    if block and (not isinstance(count, dict) or not count["value"]):
        claims.found.pop("exif.tags", None)
        exif.read_tags(block.removeprefix(b"Exif\0\0"), claims)


def _turn(image: Image.Image) -> int:
    """The orientation that the pixels are still to be turned by; HEIF decoders have done it."""
    turn = 1 if image.format == "HEIF" else image.getexif().get(_ORIENTATION, 1)
    return turn if isinstance(turn, int) else 1


def _note_form(image: Image.Image, claims: Claims) -> None:
    claims.add("photo.width_px", image.width)
    claims.add("photo.height_px", image.height)
    claims.add("photo.mode", image.mode)
    if getattr(image, "is_animated", False):
        claims.add("photo.animated", value=True)
    if image.info.get("icc_profile"):
        claims.add("photo.colour_profile_bytes", len(image.info["icc_profile"]))


def note_thumbnail(thumbnail: bytes, ref: dict[str, Value], claims: Claims) -> None:
    """Note whether the embedded thumbnail shows something else than the picture.

    Editors that redact a picture often leave the old thumbnail behind.
    """
    claims.add("thumbnail.bytes", len(thumbnail))
    try:
        image = Image.open(io.BytesIO(thumbnail), formats=("JPEG", "TIFF"))
        other = perceptual.fingerprint(preview.in_colour(image))
    except (*PARSER_ERRORS, Image.DecompressionBombError) as error:
        claims.add("thumbnail.unreadable", reason(error))
        return
    bits = perceptual.distance(ref, other)
    claims.add("thumbnail.distance_bits", bits)
    if perceptual.is_telling(ref) and perceptual.is_telling(other):
        claims.add("thumbnail.differs", bits > _THUMBNAIL_DIFFERS_BITS)
