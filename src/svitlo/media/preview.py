"""A small picture of a photograph or a frame, made of its pixels and nothing else.

JPEG, at most 512 pixels long, upright, on white where the original is transparent, and without
any metadata. The same pixels give the same bytes (one quality, one sampling, no optimisation).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_PX = 512
QUALITY = 80

_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn stored pixels upright, by EXIF orientation (Exif 3.0, 4.6.5.1)."""


def in_colour(image: Image.Image) -> Image.Image:
    """The picture in RGB, transparency laid on white; the same object when it is that already."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith(("I;16", "I", "F")):
        return _scaled_to_bytes(image).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        flat = image.convert("RGBA")
        ground = Image.new("RGB", flat.size, "white")
        ground.paste(flat, mask=flat.getchannel("A"))
        return ground
    return image.convert("RGB")


def preview_of(image: Image.Image, orientation: int = 1) -> bytes:
    """JPEG bytes of `image` in RGB, turned upright from the stored `orientation`."""
    small = image.copy() if max(image.size) <= LONGEST_PX else _shrunk(image)
    small = upright(small, orientation)
    clean = Image.new("RGB", small.size)
    clean.paste(small)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY, subsampling="4:2:0", optimize=False)
    return out.getvalue()


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture turned as its EXIF orientation asks; the same object when it stands already."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _shrunk(image: Image.Image) -> Image.Image:
    scale = LONGEST_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _scaled_to_bytes(image: Image.Image) -> Image.Image:
    """Deep greys brought to 8 bits by their own darkest and lightest value."""
    deep = np.asarray(image.convert("F"))
    span = float(np.ptp(deep)) or 1.0
    return Image.fromarray(((deep - deep.min()) * (255 / span)).astype(np.uint8))
