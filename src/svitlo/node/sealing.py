"""Seal a group of things: hash, encrypt and write each once; name what was written.

Small exhibits are packed in one segment of the group, large ones get a body of their own. Nothing
here writes to the database: the journey does, after `settle` has made the bodies durable under
their names, and their headers in the second place of headers.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from svitlo.record.exhibit import Sealed
from svitlo.seal import age, recipients
from svitlo.seal.digest import Digests, ReadInto
from svitlo.seal.payload import FILE_KEY_BYTES, NONCE_BYTES
from svitlo.seal.segment import SegmentWriter
from svitlo.seal.stream import BodyWriter, encrypt_stream
from svitlo.seal.stream import Sealed as SealedStream
from svitlo.store.blobs import FolderPlace, Part


@dataclass(slots=True)
class Body:
    """A body: written as a part, named when it is settled, known by `row` when it is recorded.

    `part` is None when the body was kept by an earlier group.
    """

    part: Part | None
    header: bytes
    is_segment: bool
    name: str = ""
    size: int = 0
    row: int | None = None


class Staged(NamedTuple):
    """One sealed thing of a group, not yet in the record: its identifier, what it is, where."""

    ident: str
    said: Sealed
    body: Body


class Sealer:
    """Writes the bodies of one group."""

    def __init__(
        self,
        place: FolderPlace,
        to: Sequence[recipients.Recipient],
        new_name: Callable[[], str],
    ) -> None:
        self._place = place
        self._to = to
        self._new_name = new_name
        self._segment: tuple[Body, BodyWriter, SegmentWriter] | None = None
        self.bodies: list[Body] = []
        self.size = 0

    def fits(self, size: int) -> bool:
        """Whether a small thing of that size still fits in this group's segment."""
        return self._segment is None or self._segment[2].fits(size)

    def add_small(self, ident: str, content: bytes) -> tuple[Body, int, str, str]:
        """The content stands in the segment: its body, its offset, SHA-256 and BLAKE3."""
        if self._segment is None:
            body, file_key = self._begin(is_segment=True)
            stream = BodyWriter(file_key, os.urandom(NONCE_BYTES), _part(body).write)
            self._segment = (body, stream, SegmentWriter(stream.update))
        off, sha256, blake3 = self._segment[2].add_whole(f"x-{ident}", content)
        self.size += len(content)
        return self._segment[0], off, sha256, blake3

    def add_large(
        self, read_into: ReadInto, digests: Digests | None = None
    ) -> tuple[Body, SealedStream]:
        """The stream has a body of its own; `digests` take in what passes, if they are given."""
        body, file_key = self._begin(is_segment=False)
        try:
            sealed = encrypt_stream(
                read_into,
                _part(body).write,
                file_key=file_key,
                nonce=os.urandom(NONCE_BYTES),
                digests=digests,
            )
        except BaseException:
            self.drop(body)
            raise
        body.name, body.size = sealed.body_blake3, sealed.body_size
        self.size += sealed.size
        return body, sealed

    def drop(self, body: Body) -> None:
        """The body was not needed: its part is gone."""
        self.bodies.remove(body)
        _part(body).drop()

    def finish_segment(self) -> None:
        """The segment is written to its end; it may still be dropped."""
        if self._segment is not None:
            body, stream, writer = self._segment
            writer.close()
            finished = stream.finish()
            body.name, body.size = finished.body_blake3, finished.body_size
            self._segment = None

    def drop_segment(self) -> None:
        """The segment could not be written: its part is gone, and another may be begun."""
        segments = [body for body in self.bodies if body.is_segment]
        self._segment = None
        for body in segments:
            self.drop(body)

    def settle(self) -> None:
        """All bodies of the group are durable under their names, and so are their headers."""
        self.finish_segment()
        for body in self.bodies:
            _part(body).settle()
        self._place.keep((_part(body), body.name) for body in self.bodies)
        for body in self.bodies:
            _part(body).path.unlink()
        if self.bodies:
            self._place.keep_headers(
                self._new_name(), [(body.name, body.header) for body in self.bodies]
            )

    def abandon(self) -> None:
        """No part of the group is left in the spool."""
        for body in self.bodies:
            _part(body).drop()
        self.bodies = []
        self._segment = None

    def _begin(self, *, is_segment: bool) -> tuple[Body, bytes]:
        file_key = os.urandom(FILE_KEY_BYTES)
        header = age.wrap(file_key, self._to, os.urandom)
        body = Body(self._place.begin(self._new_name()), header, is_segment)
        self.bodies.append(body)
        return body, file_key


def _part(body: Body) -> Part:
    if body.part is None:
        raise AssertionError("a body of this group has a part")
    return body.part
