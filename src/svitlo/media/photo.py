"""What a photograph says of itself, and its pixels for preview and fingerprint.

Opens only the formats that the kind allows, so that a file cannot choose a parser nobody meant.
Pixels beyond the limit are not decoded at all; a picture that breaks while decoding keeps its tags.

Source: the project's vault design, section 6.
"""

from __future__ import annotations

import io
import warnings
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
TAGS_BYTES = 64 << 20
"""exiv2 needs the whole file in memory: above this, no tags."""

_THUMBNAIL_DIFFERS_BITS = 80
"""Unrelated pictures are about 128 bits apart, a small copy of the same one under 40."""


def load() -> None:
    """Make Pillow ready for every format that will be opened, before files cannot be."""
    pillow_heif.register_heif_opener(thumbnails=False)
    Image.init()
    exif.load()
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def note_tags(stream: BinaryIO, size: int, claims: Claims) -> bytes:
    """Note the tags of a photograph; comes back with its embedded thumbnail, or nothing."""
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


def picture_of(stream: BinaryIO, kind: Kind, claims: Claims, pixels: int) -> Image.Image | str:
    """The decoded picture in RGB, or why there is none; size and form are noted before."""
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
        if "orientation" not in str(claims.found) and "exif" in image.info:
            exif.read_tags(image.info["exif"].removeprefix(b"Exif\0\0"), claims)
        image.load()
        return preview.in_colour(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "too_large"
    except PARSER_ERRORS as error:
        claims.add("pixels.unreadable", reason(error))
        return ""


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
    claims.add("thumbnail.differs", bits > _THUMBNAIL_DIFFERS_BITS)
