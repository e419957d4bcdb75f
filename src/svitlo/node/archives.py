"""Members of archives, offered beside the archive and read as streams.

What a file is, its first bytes say, never its name: a zip, or a tar, plain or compressed with gzip,
bzip2 or xz. The archive itself is sealed as it came; its members are further exhibits. An archive
inside an archive is one member and stays closed. Limits: `node.containers`; readers: `node.zips`
and `node.tarballs`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import BinaryIO, Self

from svitlo.errors import Rejected
from svitlo.node.census import STDIN, Offered
from svitlo.node.containers import LIMITS, Limits, open_container, rejecting_the_broken
from svitlo.node.source import is_same
from svitlo.node.tarballs import TarContents, is_tarball
from svitlo.node.zips import ZipContents, is_zip
from svitlo.seal.digest import ReadInto

Contents = TarContents | ZipContents

MAX_NAME_BYTES = 4096
"""As long as a path may be on Linux; escaped, with that of its archive, it fits a statement."""


def with_members(walked: Iterator[Offered], limits: Limits = LIMITS) -> Iterator[Offered]:
    """Everything that was offered, each archive followed by its members, folders left out.

    The path of a member is that of the archive, `!/`, and its name, byte for byte. A damaged
    archive, or one beyond the limits, gives the members that could be listed and then one more
    offered thing, named by the archive and `!/`, with the code and the reason.
    """
    for offered in walked:
        yield offered
        if not offered.code and not offered.container and offered.path != STDIN:
            yield from _members(offered.path, limits)


def _members(path: bytes, limits: Limits) -> Iterator[Offered]:
    try:
        file = open_container(path)
    except Rejected:  # the file itself is rejected for it when it is read
        return
    prefix = path + b"!/"
    with file:
        try:
            contents = _contents(file, limits)
            if contents is None:
                return
            for member in contents.members():
                code, reason = member.code, member.reason
                if len(member.name) > MAX_NAME_BYTES and not code:
                    code, reason = "over_limit", f"its name has more than {MAX_NAME_BYTES} bytes"
                yield Offered(
                    prefix + member.name,
                    member.size,
                    member.mtime_ns,
                    code,
                    reason,
                    path,
                    member.place,
                )
        except Rejected as rejection:
            yield Offered(prefix, 0, 0, rejection.code, rejection.reason, path)


def _contents(file: BinaryIO, limits: Limits) -> Contents | None:
    """What the archive holds; None when the file is none.

    Raises:
        Rejected: it is one, and damaged or beyond the limits.
    """
    if is_zip(file):
        return ZipContents(file, limits)
    if is_tarball(file):
        return TarContents(file, limits)
    return None


def _reopened(file: BinaryIO, limits: Limits) -> Contents:
    contents = _contents(file, limits)
    if contents is None:
        raise Rejected("changed_while_reading", "it was an archive at the census and is none now")
    return contents


def _watched(read: ReadInto, size: int, descriptor: int, before: os.stat_result) -> ReadInto:
    """The reader, which at its end also finds whether the archive stayed as it was."""
    left = size

    def read_into(room: memoryview) -> int:
        nonlocal left
        if not len(room):
            return 0
        with rejecting_the_broken():
            got = read(room)
        left -= got
        if not left and not is_same(before, os.fstat(descriptor)):
            raise Rejected("changed_while_reading", "the archive changed while it was read")
        return got

    return read_into


class ArchiveReader:
    """Reads members of archives; the last archive stays open, so members in order are one pass."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._last: tuple[bytes, BinaryIO, Contents] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    @contextmanager
    def member(self, container: bytes, place: int) -> Iterator[tuple[ReadInto, int, int]]:
        """A reader of the member, its size in bytes, its modification time (ns, 0 when unknown).

        The reader raises too: it gives exactly the declared size, or `Rejected`, whose code then is
        `broken_archive`, `over_limit`, `unreadable` or `changed_while_reading`.

        Raises:
            Rejected: the archive is gone or damaged, or this member cannot be read.
        """
        file, contents = self._opened(container, place)
        before = os.fstat(file.fileno())
        try:
            read, size, mtime_ns = contents.read(place)
            yield _watched(read, size, file.fileno(), before), size, mtime_ns
        except Rejected:
            if isinstance(contents, TarContents):  # its place in the stream is lost
                self._close()
            raise

    def _opened(self, container: bytes, place: int) -> tuple[BinaryIO, Contents]:
        if self._last is not None:
            path, file, contents = self._last
            if path == container and contents.can(place):
                return file, contents
        self._close()
        file = open_container(container)
        try:
            found = _reopened(file, self._limits)
        except Rejected:
            file.close()
            raise
        self._last = container, file, found
        return file, found

    def _close(self) -> None:
        if self._last is not None:
            self._last[1].close()
        self._last = None
