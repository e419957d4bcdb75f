"""Describe: have the cage read exhibits, and state what each file says of itself.

Sealing came first and never depends on this. A parser that dies, hangs or swells costs one exhibit
its metadata, and the statement says so (`skipped`). A description that would not fit a statement
keeps its kind and says `too_large`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from svitlo.errors import NotFound, SealError
from svitlo.node.acting import Actor
from svitlo.node.asserting import append_to_log, new_statement, openings_of
from svitlo.node.audit import note_read
from svitlo.node.collection import with_signature
from svitlo.node.description import Description
from svitlo.node.opening import Node
from svitlo.node.previews import keep_sealed
from svitlo.node.sandbox import Cage, CageLimits
from svitlo.node.unsealing import Vault
from svitlo.record.custody import Event
from svitlo.record.exhibit import DESCRIBED
from svitlo.record.statement import LogKind, Statement
from svitlo.seal.certificate import certificates_of
from svitlo.store.models import Description as DescriptionRow
from svitlo.store.models import Exhibit
from svitlo.store.models import Statement as StatementRow
from svitlo.store.writing import in_units, unit

GROUP = 64
"""Descriptions that are stated together; a kill costs at most these their reading."""


@dataclass(frozen=True, slots=True)
class Described:
    """What was read of one exhibit; `skipped` says why something was not, None when all was."""

    exhibit: Exhibit
    kind: str
    skipped: str | None


def describe_exhibits(
    node: Node,
    actor: Actor,
    exhibits: Sequence[Exhibit],
    *,
    progress: Callable[[int, int, int], None],
) -> list[Described]:
    """What the cage read in each of the exhibits, stated.

    Raises:
        SandboxError: no cage can be built on this machine; nothing was read.
        NotFound: this node holds no identity that opens its vault.
    """
    limits = CageLimits(
        wall_s=node.settings.cage_seconds, memory_bytes=node.settings.cage_memory_mib << 20
    )
    done: list[Described] = []
    size = 0
    trusted = _pem(node, node.settings.credential_anchors)
    with (
        Cage.open(limits, anchors=trusted, trust_list=node.settings.credential_anchors) as cage,
        Vault(node) as vault,
    ):
        for part in in_units(exhibits, GROUP):
            note_read(node, actor, Event.PREVIEW, [exhibit.ident for exhibit in part])
            read = [(exhibit, _describe(node, cage, vault, exhibit)) for exhibit in part]
            _state(node, actor, read)
            for exhibit, said in read:
                _keep(node, exhibit, said)
            done += [Described(e, d.kind["mime"], d.skipped) for e, d in read]
            size += sum(exhibit.size for exhibit in part)
            progress(len(done), size, len(exhibits))
    return done


def _describe(node: Node, cage: Cage, vault: Vault, exhibit: Exhibit) -> Description:
    """What the file says; damage of the sealed bytes is a result too."""
    name = bytes(exhibit.path).decode("utf-8", "replace")

    def read(offset: int, length: int) -> bytes:
        return vault.read(exhibit, offset, length)

    try:
        said = cage.describe(read, exhibit.size, name)
        return with_signature(
            said,
            domain_roots=_roots(node, node.settings.archive_roots),
            stamp_roots=[
                root
                for authority in node.settings.authorities
                for root in _roots(node, authority.roots)
            ],
        )
    except (SealError, NotFound):
        unknown = {"mime": "application/octet-stream", "extension": "bin"}
        return Description(kind=unknown, skipped="crashed")


def _keep(node: Node, exhibit: Exhibit, said: Description) -> None:
    for what, content in (("preview", said.preview), ("report", said.report)):
        if content is not None:
            keep_sealed(node, exhibit.ident, what, content)


def _pem(node: Node, name: str) -> str:
    """The certificates of a PEM file that the settings name, relative to the node's folder."""
    return (node.folder / name).read_text(encoding="ascii") if name else ""


def _roots(node: Node, name: str) -> tuple[bytes, ...]:
    return tuple(certificates_of(_pem(node, name).encode())) if name else ()


def _state(node: Node, actor: Actor, read: Sequence[tuple[Exhibit, Description]]) -> None:
    statements = [_statement(node, actor, exhibit, said) for exhibit, said in read]
    openings = openings_of(statements)
    with unit():
        first = append_to_log(node, LogKind.SPINE, openings)
        index_descriptions(first, read)


def index_descriptions(first: int, read: Sequence[tuple[Exhibit, Description]]) -> None:
    """The tables know the descriptions whose statements begin at `first`."""
    rows = StatementRow.objects.filter(seq__gte=first, seq__lt=first + len(read)).order_by("seq")
    DescriptionRow.objects.bulk_create(
        DescriptionRow(
            exhibit=exhibit, statement=row, kind=said.kind["mime"], skipped=said.skipped or ""
        )
        for row, (exhibit, said) in zip(rows, read, strict=True)
    )


def _statement(node: Node, actor: Actor, exhibit: Exhibit, said: Description) -> Statement:
    skipped = {"skipped": said.skipped} if said.skipped else {}
    return new_statement(
        node,
        DESCRIBED,
        actor=actor.person,
        subject=[exhibit.ident],
        body={
            "tool": said.tool,
            "version": said.version,
            "params": said.params,
            "input": bytes(exhibit.sha256).hex(),
            "kind": said.kind,
            "fields": said.fields,
            "provenance": said.provenance,
            "fingerprint": said.fingerprint,
            **skipped,
        },
        basis=actor.purpose.basis,
    )
