"""Open exhibits: the only code of the node that turns sealed bytes back into plaintext.

A range is authenticated chunk by chunk; a whole read is also held to the digests that were recorded
at sealing. Bodies stay open while they are used again, so a segment is unwrapped once.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from blake3 import blake3

from svitlo.errors import DigestMismatch, NotFound, SealError
from svitlo.node.opening import Node
from svitlo.node.places import main_place
from svitlo.seal import age
from svitlo.seal.payload import BodyReader
from svitlo.store.models import Blob, BlobHeader, Exhibit

BLOCK = 1 << 20


class Vault:
    """The opened vault of a node; a context manager, so that no descriptor is left."""

    def __init__(self, node: Node) -> None:
        self._place = main_place(node)
        self._identities = node.keyring.identities()
        self._open: tuple[int, int, BodyReader] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """No body is open any more."""
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def read(self, exhibit: Exhibit, offset: int, length: int) -> bytes:
        """A range of an exhibit's bytes, authenticated, cut at its end.

        Raises:
            NotFound: the body or its header is not here any more.
            AgeError: the body is damaged there, or is not for this node.
        """
        length = max(0, min(length, exhibit.size - offset))
        return self._body(exhibit.blob_id).read((exhibit.off or 0) + offset, length)

    def blocks(self, exhibit: Exhibit) -> Iterator[bytes]:
        """All bytes of an exhibit, at most 1 MiB at a time, held to both digests at the end.

        Raises:
            DigestMismatch: they are not the bytes that were sealed; raised after the last block.
            NotFound: the body or its header is not here any more.
            AgeError: the body is damaged, or is not for this node.
        """
        sha256, tree = hashlib.sha256(), blake3()
        for offset in range(0, exhibit.size, BLOCK):
            block = self.read(exhibit, offset, BLOCK)
            sha256.update(block)
            tree.update(block)
            yield block
        _compare(exhibit, exhibit.size, sha256.digest(), tree.digest())

    def check(self, exhibit: Exhibit) -> None:
        """Nothing, when the exhibit still holds the bytes that were sealed.

        Raises:
            DigestMismatch: it does not.
            NotFound: the body or its header is not here any more.
            AgeError: the body is damaged, or is not for this node.
        """
        body = self._body(exhibit.blob_id)
        if exhibit.off is not None:
            for _ in self.blocks(exhibit):
                pass
            return
        sha256, tree = hashlib.sha256(), blake3()

        def take(block: memoryview) -> None:
            sha256.update(block)
            tree.update(block)

        size = body.copy_to(take)
        _compare(exhibit, size, sha256.digest(), tree.digest())

    def _body(self, blob_id: int) -> BodyReader:
        if self._open is not None and self._open[0] == blob_id:
            return self._open[2]
        self.close()
        row = BlobHeader.objects.filter(blob_id=blob_id).values_list("header", "blob__name").first()
        if row is None:
            name = Blob.objects.values_list("name", flat=True).get(pk=blob_id)
            raise NotFound(f"the header of {name[:16]}... is gone: the body was erased")
        file_key = age.unwrap(bytes(row[0]), self._identities)
        opened = self._place.open(row[1])
        try:
            reader = BodyReader(file_key, _pread(opened), os.fstat(opened).st_size)
        except (SealError, OSError):
            os.close(opened)
            raise
        self._open = (blob_id, opened, reader)
        return reader


def _compare(exhibit: Exhibit, size: int, sha256: bytes, tree: bytes) -> None:
    sealed = (exhibit.size, bytes(exhibit.sha256), bytes(exhibit.blake3))
    if (size, sha256, tree) != sealed:
        raise DigestMismatch(f"{exhibit.ident} holds other bytes than were sealed")


def _pread(opened: int) -> Callable[[int, int], bytes]:
    def pread(offset: int, length: int) -> bytes:
        return os.pread(opened, length, offset)

    return pread
