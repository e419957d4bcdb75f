"""A copy of a picture in which boxes are burnt over the pixels, in a new container.

The copy holds pixels only: no tags, no embedded thumbnail (old thumbnails keep the face), no colour
profile, no bytes behind the end. It is upright and lossless, so that every pixel of a box has the
one colour, and the same input gives the same bytes.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from svitlo.errors import InvalidInput
from svitlo.media import photo, preview
from svitlo.media.claim import Claims
from svitlo.media.kind import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

COLOUR = (0, 0, 0)
BOXES = 1000


def redacted(stream: BinaryIO, size: int, boxes: Sequence[Sequence[int]], *, pixels: int) -> bytes:
    """PNG bytes of the picture in `stream`, with `boxes` painted over.

    A box is left, top, width and height in pixels of the upright picture at full size.

    Raises:
        InvalidInput: It is no picture that can be decoded, or a box lies outside.
    """
    claims = Claims()
    found = photo.picture_of(stream, kind_of(stream, size), claims, pixels)
    if isinstance(found, str):
        raise InvalidInput(f"the picture cannot be redacted: {found or 'unreadable'}")
    image = preview.upright(found.image, found.turn)
    if len(boxes) > BOXES:
        raise InvalidInput(f"{len(boxes)} boxes where {BOXES} are allowed")
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    for left, top, width, height in boxes:
        if min(left, top) < 0 or min(width, height) < 1:
            raise InvalidInput(f"no box: {left}, {top}, {width}, {height}")
        if left + width > image.width or top + height > image.height:
            raise InvalidInput(
                f"the box {left}, {top}, {width}, {height} leaves the picture of"
                f" {image.width} x {image.height} pixels"
            )
        clean.paste(COLOUR, (left, top, left + width, top + height))
    out = io.BytesIO()
    clean.save(out, "PNG")
    return out.getvalue()
