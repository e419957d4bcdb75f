"""How far an intake is, told to whoever watches; nothing is counted when nobody does."""

from collections.abc import Callable

from svitlo.seal.digest import ReadInto
from svitlo.store.intaking import waiting_bytes
from svitlo.store.models import Intake

Progress = Callable[[int, int, int, int], None]
"""Told what is done and what there is: items durable, bytes read, items offered, bytes offered.

The last is 0 when it is not known. Within a large item it is told every `TELL_BYTES`.
"""

TELL_BYTES = 8 << 20


class Teller:
    """Tells how far an intake is; `is_watched` says whether anybody listens."""

    def __init__(self, intake: Intake, progress: Progress | None) -> None:
        self._progress = progress
        self._offered = int(intake.offered)
        self._bytes = 0 if progress is None else waiting_bytes(intake.pk)
        self._durable = 0
        self.is_watched = progress is not None

    def tell(self, durable: int, bytes_done: int) -> None:
        """So many items are durable, and so many bytes read."""
        self._durable = durable
        if self._progress is not None:
            self._progress(durable, bytes_done, self._offered, self._bytes)

    def telling(self, read_into: ReadInto, bytes_done: int) -> ReadInto:
        """The reader, which also tells how far it is; `bytes_done` were read before it."""
        done = told = 0

        def reading(room: memoryview) -> int:
            nonlocal done, told
            got = read_into(room)
            done += got
            if done - told >= TELL_BYTES:
                told = done
                self.tell(self._durable, bytes_done + done)
            return got

        return reading
