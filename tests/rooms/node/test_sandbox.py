from __future__ import annotations

import io
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from svitlo.node.sandbox import Cage, CageLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from svitlo.node.description import Description


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage.open() as built:
        yield built


def described(cage: Cage, data: bytes, name: str = "file") -> Description:
    return cage.describe(lambda offset, length: data[offset : offset + length], len(data), name)


def jpeg(width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def test_a_photograph_is_described(cage: Cage) -> None:
    found = described(cage, jpeg(), "a.jpg")
    assert found.kind == {"mime": "image/jpeg", "extension": "jpg"}
    assert found.fields["photo.width_px"] == {"value": 64}
    assert found.skipped is None
    assert found.preview is not None


@pytest.mark.shared
def test_the_published_hash_is_found(cage: Cage, shared: Path) -> None:
    folder = shared / "near-duplicates/threatexchange/pdq/data/reg-test-input/dih"
    found = described(cage, (folder / "bridge-1-original.jpg").read_bytes())
    assert found.fingerprint == {
        "method": "svitlo-perceptual/1",
        "ref": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22",
        "quality": 100,
    }


def test_the_cage_goes_on_when_its_zygote_was_killed() -> None:
    before = children()
    with Cage.open() as cage:
        (zygote,) = children() - before
        os.kill(zygote, signal.SIGKILL)
        assert described(cage, jpeg()).skipped is None


def children() -> set[int]:
    text = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    return {int(word) for word in text.split()}


def test_too_many_pixels_are_not_decoded() -> None:
    with Cage.open(CageLimits(pixels=1000)) as cage:
        found = described(cage, jpeg())
        assert found.skipped == "too_large"
        assert found.preview is None
        assert found.fields["photo.width_px"] == {"value": 64}
