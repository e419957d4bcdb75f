from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from svitlo.errors import InvalidInput
from svitlo.media.kind import kind_of
from svitlo.media.redaction import redacted
from svitlo.media.trailing import end_of_picture

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    """Pillow's own limit as it was: readers set it."""
    kept = Image.MAX_IMAGE_PIXELS
    yield
    Image.MAX_IMAGE_PIXELS = kept


def photograph(orientation: int = 1) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "Secret maker"
    out = io.BytesIO()
    image = Image.effect_noise((200, 150), 60).convert("RGB")
    image.save(out, "JPEG", exif=tags, icc_profile=b"secret profile", comment=b"secret comment")
    return out.getvalue() + b"secret behind the end"


def copy_of(data: bytes, *boxes: tuple[int, int, int, int]) -> bytes:
    return redacted(io.BytesIO(data), len(data), boxes, pixels=10**8)


def test_a_box_has_one_colour_and_the_rest_is_as_it_was() -> None:
    data = photograph()
    with Image.open(io.BytesIO(copy_of(data, (20, 30, 40, 50)))) as made:
        pixels = np.asarray(made)
    with Image.open(io.BytesIO(data)) as original:
        before = np.asarray(original.convert("RGB"))
    assert (pixels[30:80, 20:60] == 0).all()
    outside = np.ones((150, 200), dtype=bool)
    outside[30:80, 20:60] = False
    assert (pixels[outside] == before[outside]).all()


def test_nothing_of_the_old_container_is_left() -> None:
    made = copy_of(photograph(), (0, 0, 10, 10))
    assert b"ecret" not in made
    assert end_of_picture(io.BytesIO(made), len(made), "image/png") == len(made)
    assert made.count(b"IHDR") == 1
    with Image.open(io.BytesIO(made)) as image:
        assert image.info == {}
        assert not image.getexif()


def test_boxes_are_measured_on_the_upright_picture() -> None:
    with Image.open(io.BytesIO(copy_of(photograph(6), (140, 190, 10, 10)))) as made:
        assert made.size == (150, 200)
        assert made.getpixel((149, 199)) == (0, 0, 0)


def test_the_same_boxes_give_the_same_bytes() -> None:
    data = photograph()
    assert copy_of(data, (1, 2, 3, 4)) == copy_of(data, (1, 2, 3, 4))
    made = copy_of(data)
    assert kind_of(io.BytesIO(made), len(made)).mime == "image/png"


@pytest.mark.parametrize(
    "box", [(195, 0, 10, 10), (0, 145, 10, 10), (-1, 0, 5, 5), (0, 0, 0, 5), (0, 0, 5, -1)]
)
def test_a_box_that_is_none_or_leaves_the_picture_is_refused(
    box: tuple[int, int, int, int],
) -> None:
    with pytest.raises(InvalidInput, match="box"):
        copy_of(photograph(), box)


def test_what_is_no_picture_cannot_be_redacted() -> None:
    for data in (b"text", photograph()[:500]):
        with pytest.raises(InvalidInput, match="cannot be redacted"):
            copy_of(data)
    with pytest.raises(InvalidInput, match="1001 boxes"):
        copy_of(photograph(), *[(0, 0, 1, 1)] * 1001)
