"""The batch of an intake: the tree over its exhibits, which one signature covers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from svitlo.seal.tree import CompactRange, leaf_hashes


@dataclass(slots=True)
class Batch:
    """The RFC 6962 tree over the entries of an intake's exhibits, in their order.

    `first` and `last` are the `seq` of the first and the last statement; 0 when there is none.
    """

    range: CompactRange = field(default_factory=CompactRange)
    first: int = 0
    last: int = 0

    def extend(self, seq: int, entries: Sequence[bytes]) -> None:
        """The entries of the statements from `seq` on stand at the end."""
        self.first = self.first or seq
        self.last = seq + len(entries) - 1
        self.range.extend(leaf_hashes(entries))
