"""The fingerprint of a picture: `ref`, the PDQ hash of its stored pixels at full size.

Not turned by EXIF and not shrunk before, or equal files would get unequal hashes elsewhere. A
quality below 50 (flat sky, smoke) is a result, not an error; who searches leaves it out.

Source: The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm (Facebook, 2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pdqhash

if TYPE_CHECKING:
    from PIL import Image

    from svitlo.media.claim import Value

METHOD = "svitlo-perceptual/1"
QUALITY = 50


def fingerprint(image: Image.Image) -> dict[str, Value]:
    """Method, `ref` (64 hex digits) and quality (0 to 100) of a picture in RGB."""
    bits, quality = pdqhash.compute(np.asarray(image))
    return {"method": METHOD, "ref": np.packbits(bits).tobytes().hex(), "quality": int(quality)}


def is_telling(found: dict[str, Value]) -> bool:
    """Whether a fingerprint has the quality at which a distance says something."""
    quality = found["quality"]
    return isinstance(quality, int) and quality >= QUALITY


def distance(one: dict[str, Value], other: dict[str, Value]) -> int:
    """How many of 256 bits differ between two references."""
    bits = int(str(one["ref"]), 16) ^ int(str(other["ref"]), 16)
    return bits.bit_count()
