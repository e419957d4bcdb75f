"""Opening exhibits: what comes out is what was sealed, or an error, never something else."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from svitlo.errors import AgeError, DigestMismatch, NotFound
from svitlo.node.acting import Actor
from svitlo.node.opening import Node
from svitlo.node.unsealing import Vault
from svitlo.store.models import BlobHeader, Exhibit
from svitlo.store.writing import unit
from tests.fakes.offers import folder_of, taken

SMALL = bytes(range(250))
LARGE = os.urandom(200_000)


@pytest.fixture
def exhibits(node: Node, actor: Actor, tmp_path: Path) -> dict[bytes, Exhibit]:
    """A small one and an empty one in a segment, and a large one in a body of its own."""
    limited = replace(node, settings=replace(node.settings, segment_member_max=1000))
    taken(limited, actor, folder_of(tmp_path / "in", {b"s": SMALL, b"e": b"", b"l": LARGE}))
    return {bytes(row.path)[-1:]: row for row in Exhibit.objects.all()}


CONTENTS = {b"s": SMALL, b"e": b"", b"l": LARGE}


@pytest.mark.parametrize("name", CONTENTS)
def test_all_bytes_come_out(node: Node, exhibits: dict[bytes, Exhibit], name: bytes) -> None:
    with Vault(node) as vault:
        assert b"".join(vault.blocks(exhibits[name])) == CONTENTS[name]
        vault.check(exhibits[name])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(CONTENTS)),
    offset=st.integers(0, 210_000),
    length=st.integers(0, 210_000),
)
def test_any_range_is_that_range_and_ends_with_the_exhibit(
    node: Node, exhibits: dict[bytes, Exhibit], *, name: bytes, offset: int, length: int
) -> None:
    with Vault(node) as vault:
        assert vault.read(exhibits[name], offset, length) == CONTENTS[name][offset:][:length]


def body_of(node: Node, exhibit: Exhibit) -> Path:
    path = node.folder / "objects" / exhibit.blob.name[:2] / exhibit.blob.name
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("at", [0, 16, 70_000, -1])
def test_one_changed_byte_is_found(node: Node, exhibits: dict[bytes, Exhibit], at: int) -> None:
    path = body_of(node, exhibits[b"l"])
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 1
    path.write_bytes(damaged)

    with Vault(node) as vault, pytest.raises(AgeError):
        vault.check(exhibits[b"l"])


def test_a_body_that_was_cut_is_found(node: Node, exhibits: dict[bytes, Exhibit]) -> None:
    path = body_of(node, exhibits[b"l"])
    path.write_bytes(path.read_bytes()[: 16 + 65_552])

    with Vault(node) as vault, pytest.raises(AgeError):
        vault.read(exhibits[b"l"], 0, 10)


def test_a_body_that_is_gone_is_told_for_an_empty_exhibit_too(
    node: Node, exhibits: dict[bytes, Exhibit]
) -> None:
    for name in (b"l", b"e"):
        body_of(node, exhibits[name]).unlink()

        with Vault(node) as vault, pytest.raises(NotFound, match="not in this place"):
            vault.check(exhibits[name])


def test_a_body_without_header_is_erased(node: Node, exhibits: dict[bytes, Exhibit]) -> None:
    with unit():
        BlobHeader.objects.filter(blob=exhibits[b"l"].blob).delete()

    with Vault(node) as vault, pytest.raises(NotFound, match="was erased"):
        vault.check(exhibits[b"l"])


@pytest.mark.parametrize("digest", ["sha256", "blake3"])
def test_bytes_that_are_not_those_that_were_sealed_are_told(
    node: Node, exhibits: dict[bytes, Exhibit], digest: str
) -> None:
    setattr(exhibits[b"s"], digest, bytes(32))

    with Vault(node) as vault, pytest.raises(DigestMismatch, match="other bytes"):
        vault.check(exhibits[b"s"])


def test_the_header_of_another_body_opens_nothing(
    node: Node, exhibits: dict[bytes, Exhibit]
) -> None:
    large, small = (BlobHeader.objects.get(blob=exhibits[name].blob) for name in (b"l", b"s"))
    with unit():
        BlobHeader.objects.filter(pk=large.pk).update(header=bytes(small.header))

    with Vault(node) as vault, pytest.raises(AgeError):
        vault.check(exhibits[b"l"])


def test_the_bytes_of_another_exhibit_in_the_segment_are_found(
    node: Node, exhibits: dict[bytes, Exhibit]
) -> None:
    exhibits[b"s"].off = (exhibits[b"s"].off or 0) + 1

    with Vault(node) as vault, pytest.raises(DigestMismatch):
        vault.check(exhibits[b"s"])


def test_no_descriptor_is_left_open(node: Node, exhibits: dict[bytes, Exhibit]) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with Vault(node) as vault:
            for exhibit in exhibits.values():
                vault.check(exhibit)
    body_of(node, exhibits[b"l"]).write_bytes(b"short")
    with Vault(node) as vault, pytest.raises(AgeError):
        vault.check(exhibits[b"l"])

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_segment_is_unwrapped_once(
    node: Node, exhibits: dict[bytes, Exhibit], monkeypatch: pytest.MonkeyPatch
) -> None:
    from svitlo.seal import age

    unwrapped: list[bytes] = []
    unwrap = age.unwrap

    def counted(header: bytes, identities: object) -> bytes:
        unwrapped.append(header)
        return unwrap(header, identities)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(age, "unwrap", counted)
    with Vault(node) as vault:
        for _ in range(3):
            vault.read(exhibits[b"s"], 0, 10)
            vault.check(exhibits[b"e"])

    assert len(unwrapped) == 1
