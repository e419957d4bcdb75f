from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageOps

from svitlo.media import perceptual, photo, preview
from svitlo.media.claim import Claims
from svitlo.media.kind import kind_of
from svitlo.media.trailing import end_of_picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from svitlo.media.claim import Value

DIHEDRAL = "near-duplicates/threatexchange/pdq/data/reg-test-input/dih"
UNLIMITED = 10**9


@pytest.fixture(autouse=True)
def limits() -> Iterator[None]:
    """Pillow's own limit as it was: readers set it."""
    kept = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        yield
    Image.MAX_IMAGE_PIXELS = kept


def encoded(image: Image.Image, form: str = "JPEG", **settings: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()


def gradient(width: int = 640, height: int = 480) -> Image.Image:
    red = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (red, ImageOps.mirror(red), Image.new("L", (width, height), 90)))


def opened(data: bytes, claims: Claims, pixels: int = UNLIMITED) -> photo.Picture | str:
    return photo.picture_of(io.BytesIO(data), kind_of(io.BytesIO(data), len(data)), claims, pixels)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "AVIF", "BMP", "JPEG2000"])
def test_pictures_are_decoded_and_their_size_noted(form: str) -> None:
    claims = Claims()
    found = opened(encoded(gradient(64, 48), form), claims)
    assert isinstance(found, photo.Picture)
    assert (found.image.mode, found.image.size) == ("RGB", (64, 48))
    assert claims.found["photo.width_px"] == {"value": 64}


def test_too_many_pixels_are_not_decoded_but_counted() -> None:
    claims = Claims()
    assert opened(encoded(Image.new("1", (30_000, 30_000)), "PNG"), claims, 10**8) == "too_large"
    assert claims.found["photo.height_px"] == {"value": 30_000}


def test_a_truncated_picture_keeps_its_size() -> None:
    claims = Claims()
    assert opened(encoded(gradient())[:3000], claims) == ""
    assert "pixels.unreadable" in claims.found
    assert claims.found["photo.width_px"] == {"value": 640}


def test_a_file_cannot_choose_another_decoder() -> None:
    data = b"\x89PNG\r\n\x1a\n" + encoded(gradient(), "BMP")
    claims = Claims()
    assert opened(data, claims) == ""
    assert "pixels.unreadable" in claims.found


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "PA", "CMYK", "I;16", "I", "F", "1"])
def test_every_mode_becomes_colour(mode: str) -> None:
    if mode in {"I;16", "I", "F"}:
        image = Image.linear_gradient("L").convert("I").convert(mode)
    elif mode == "PA":
        image = gradient(8, 8).convert("P").convert("PA")
    else:
        image = gradient(8, 8).convert(mode)
    found = preview.in_colour(image)
    assert found.mode == "RGB"
    assert found.size == image.size


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert preview.in_colour(clear).getpixel((0, 0)) == (255, 255, 255)


def test_a_preview_is_small_without_metadata_and_the_same_each_time() -> None:
    image = gradient(2000, 1000)
    image.info["exif"] = b"Exif\0\0secret"
    image.info["icc_profile"] = b"secret"
    one = preview.preview_of(image)
    again = Image.open(io.BytesIO(one))
    assert again.size == (512, 256)
    assert set(again.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"secret" not in one
    assert preview.preview_of(gradient(2000, 1000)) == one


def test_a_preview_of_a_narrow_picture_has_at_least_one_pixel() -> None:
    again = Image.open(io.BytesIO(preview.preview_of(Image.new("RGB", (5000, 1)))))
    assert again.size == (512, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_preview_stands_upright(orientation: int) -> None:
    image = gradient(64, 48)
    tags = Image.Exif()
    tags[0x0112] = orientation
    stored = Image.open(io.BytesIO(encoded(image, "PNG", exif=tags)))
    expected = ImageOps.exif_transpose(stored)
    claims = Claims()
    found = opened(encoded(image, "PNG", exif=tags), claims)
    assert isinstance(found, photo.Picture)
    shown = Image.open(io.BytesIO(preview.preview_of(found.image, found.turn)))
    assert shown.size == expected.size
    for place in ((0, 0), (shown.width - 1, 0), (0, shown.height - 1)):
        one, other = shown.getpixel(place), expected.getpixel(place)
        assert isinstance(one, tuple)
        assert isinstance(other, tuple)
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) < 40


@pytest.mark.shared
@pytest.mark.parametrize("number", [1, 3, 6, 8])
def test_published_orientation_examples_look_alike(shared: Path, number: int) -> None:
    folder = shared / "media-metadata/orientation"
    claims = Claims()
    found = opened((folder / f"Landscape_{number}.jpg").read_bytes(), claims)
    assert isinstance(found, photo.Picture)
    assert found.turn == number
    shown = Image.open(io.BytesIO(preview.preview_of(found.image, found.turn)))
    assert shown.width > shown.height


def test_thumbnails_that_show_something_else_are_noticed() -> None:
    image = texture(1)
    ref = perceptual.fingerprint(image)
    for other, differs in ((image, False), (texture(2), True)):
        claims = Claims()
        photo.note_thumbnail(encoded(other.resize((160, 120))), ref, claims)
        assert claims.found["thumbnail.differs"] == {"value": differs}
    claims = Claims()
    photo.note_thumbnail(encoded(Image.new("RGB", (160, 120))), ref, claims)
    assert "thumbnail.differs" not in claims.found
    claims = Claims()
    photo.note_thumbnail(b"\xff\xd8broken", ref, claims)
    assert "thumbnail.unreadable" in claims.found


def texture(seed: int) -> Image.Image:
    """Large soft spots, as scenes have them: they survive shrinking."""
    spots = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize((640, 480), Image.Resampling.BICUBIC)


@pytest.mark.shared
def test_the_reference_is_the_published_one_and_turning_changes_it(shared: Path) -> None:
    with Image.open(shared / DIHEDRAL / "bridge-1-original.jpg") as image:
        ref = perceptual.fingerprint(preview.in_colour(image))
        turned = perceptual.fingerprint(
            preview.in_colour(image).transpose(Image.Transpose.ROTATE_90)
        )
    assert ref["ref"] == "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
    assert perceptual.distance(ref, turned) > 60


def test_a_flat_picture_has_a_low_quality_and_no_error() -> None:
    found = perceptual.fingerprint(Image.new("RGB", (64, 64), "grey"))
    assert found["quality"] == 0


def end(data: bytes, mime: str) -> int | None:
    return end_of_picture(io.BytesIO(data), len(data), mime)


@pytest.mark.parametrize(
    ("form", "mime"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
def test_the_end_of_a_picture_is_found_and_what_is_behind_is_noted(form: str, mime: str) -> None:
    data = encoded(gradient(), form)
    assert end(data, mime) == len(data)
    hidden = data + b"PK\x03\x04 hidden"
    assert end(hidden, mime) == len(data)
    claims: Claims = Claims()
    stream = io.BytesIO(hidden)
    photo.note_ending(stream, len(hidden), kind_of(stream, len(hidden)), claims)
    found: dict[str, Value] = claims.found
    assert found["trailing.bytes"] == {"value": 11}
    assert found["trailing.kind"] == {"value": "application/zip"}
    assert end(data[: len(data) // 2], mime) in {None, len(data) // 2}


def test_progressive_jpeg_and_animated_gif_end_where_they_end() -> None:
    data = encoded(gradient(), "JPEG", progressive=True)
    assert end(data + b"x", "image/jpeg") == len(data)
    frames = [Image.new("P", (8, 8), number) for number in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert end(data + b"x", "image/gif") == len(data)
    assert end(b"\xff\xd8\xff", "image/jpeg") is None
    assert end(b"anything", "image/tiff") is None


@pytest.mark.parametrize("form", ["HEIF", "AVIF", "PNG", "WEBP"])
def test_tags_are_found_wherever_the_container_keeps_them(form: str) -> None:
    photo.load()
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    tags.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 0.0)})
    data = encoded(texture(3), form, exif=tags)
    claims = Claims()
    stream = io.BytesIO(data)
    kind = kind_of(stream, len(data))
    photo.note_tags(stream, len(data), kind, claims)
    assert isinstance(opened(data, claims), photo.Picture)
    assert claims.found["camera.make"] == {"value": "Maker", "tag": "Exif.Image.Make"}
    position = claims.found["place.position"]
    assert isinstance(position, dict)
    assert position["value"] == {"lat": "-33.86", "lon": "151.2"}


def test_tags_in_a_block_that_exiv2_does_not_see_are_read_from_the_decoder() -> None:
    photo.load()
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    claims = Claims()
    claims.add("exif.tags", 0)
    assert isinstance(opened(encoded(texture(3), "HEIF", exif=tags), claims), photo.Picture)
    assert claims.found["camera.make"] == {"value": "Maker", "tag": "Exif.Image.Make"}
    assert claims.found["exif.tags"] != {"value": 0}


def test_a_file_too_long_for_exiv2_says_so() -> None:
    claims = Claims()
    kind = kind_of(io.BytesIO(encoded(gradient())), 100)
    assert photo.note_tags(io.BytesIO(b""), photo.TAGS_BYTES + 1, kind, claims) == b""
    assert claims.found["exif.unreadable"] == {"value": "too_large"}
