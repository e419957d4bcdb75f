"""Fixity as the command checks it: bodies or exhibits, the outcome stated, the logs signed."""

from collections.abc import Callable

from svitlo.node.acting import actor_of
from svitlo.node.journeys import preservation
from svitlo.node.journeys.logkeeping import close_epoch
from svitlo.node.opening import Node
from svitlo.store.models import Exhibit

Check = Callable[..., preservation.Findings]


def verify_sealed(node: Node) -> Callable[[], int]:
    """How many exhibits were checked without a key."""
    return _checked(node, preservation.verify_sealed)


def verify_full(node: Node) -> Callable[[], int]:
    """How many exhibits were checked with keys and both digests."""
    return _checked(node, preservation.verify_full)


def _checked(node: Node, check: Check) -> Callable[[], int]:
    actor = actor_of(node)

    def work() -> int:
        rows = list(Exhibit.objects.filter(state="sealed").select_related("blob"))
        found = check(node, actor, rows, progress=lambda *_: None)
        close_epoch(node)
        if not found.is_intact:
            raise AssertionError(found.failed)
        return found.checked

    return work
