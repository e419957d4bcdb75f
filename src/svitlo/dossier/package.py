"""A dossier put together: every file of its bag, in the bag's order.

Before the export, `bound_files` makes the files that the signed export event names, and
`export_parts` what that event says. After it, `assemble` gives the whole bag. Exhibits are given by
reference: who writes the bag streams their bytes and holds them to the digest named here.

No name from outside is ever a path: folders are numbers, extensions are `[a-z0-9]{1,8}`.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from svitlo.dossier import pages, tables
from svitlo.dossier.bag import bag_files
from svitlo.dossier.case_uco import case_graph
from svitlo.dossier.certificate import LANGUAGES, Facts, certificate_json, certificate_text
from svitlo.dossier.contents import Case, Dossier, Exhibit, Outgoing, Stamp, Trust, Withheld
from svitlo.dossier.custody import figures, read_rows
from svitlo.dossier.proofs import opening_line
from svitlo.dossier.words import one_line
from svitlo.errors import DossierError
from svitlo.seal.canonical import dumps
from svitlo.seal.checkpoint import parse_checkpoint
from svitlo.seal.note import parse_note
from svitlo.seal.tiles import tile_path, width_of
from svitlo.seal.tree import root_of

INDEX = "data/index.jsonl"
PART = 150
"""Exhibits of one export event: with their digests they keep it below 60 KiB."""


def bound_files(exhibits: Sequence[Exhibit], withheld: Sequence[Withheld]) -> dict[str, bytes]:
    """The payload files beside the exhibits, by path: the index twice, and what is left out."""
    counts = [
        {"category": item.category, "authority": item.authority, "count": item.count}
        for item in withheld
    ]
    return {
        INDEX: b"".join(dumps(exhibit.row()) + b"\n" for exhibit in exhibits),
        "data/index.csv": tables.index_csv(exhibits),
        "data/withheld.json": dumps({"v": 1, "none": not counts, "counts": counts}) + b"\n",
    }


def export_parts(
    case: Case,
    exhibits: Sequence[Exhibit],
    bound: Mapping[str, bytes],
    custody: Mapping[str, tuple[int, str]],
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Subject and further members of each signed export event, at most 150 exhibits in one.

    `custody` gives, by exhibit, how many events came before and the digest over their ids.
    """
    parts = [exhibits[at : at + PART] for at in range(0, len(exhibits), PART)]
    for number, part in enumerate(parts, 1):
        items = [
            {
                "id": exhibit.id,
                "sha256": exhibit.outgoing_sha256,
                "events": custody[exhibit.id][0],
                "custody": custody[exhibit.id][1],
            }
            for exhibit in part
        ]
        extra: dict[str, Any] = {
            "dossier": case.dossier,
            "recipient": case.recipient,
            "quorum": case.quorum,
            "part": number,
            "parts": len(parts),
            "items": items,
        }
        if number == 1:
            extra["bound"] = [
                {"path": path, "sha256": sha256(content).hexdigest()}
                for path, content in sorted(bound.items())
            ]
        yield tuple(exhibit.id for exhibit in part), extra


def batch_line(batch: str, leaves: Sequence[bytes], places: Mapping[int, int]) -> bytes:
    """A line of proof/batches.jsonl: how statements lead to the root of their signed batch.

    `leaves` are the leaf hashes of the whole batch in order, `places` gives the log index of each
    place in it whose statement is in the dossier.
    """
    proof: list[str] = []
    known = sorted(places)

    def cover(low: int, high: int, inside: Sequence[int]) -> None:
        if not inside:
            proof.append(base64.b64encode(root_of(leaves[low:high])).decode())
        elif high - low > 1:
            middle = low + (1 << (high - low - 1).bit_length() - 1)
            cover(low, middle, [place for place in inside if place < middle])
            cover(middle, high, [place for place in inside if place >= middle])

    cover(0, len(leaves), known)
    runs: list[list[int]] = []
    for place in known:
        if runs and [place, places[place]] == [runs[-1][0] + runs[-1][2], sum(runs[-1][1:])]:
            runs[-1][2] += 1
        else:
            runs.append([place, places[place], 1])
    return dumps({"batch": batch, "count": len(leaves), "proof": proof, "runs": runs}) + b"\n"


def needed_tiles(size: int, indices: Iterable[int]) -> list[tuple[int, int, int]]:
    """The tiles (level, n, width) that lead from entries to the root of a log of this size."""
    wanted = {(0, index >> 8) for index in indices}
    needed: set[tuple[int, int, int]] = set()
    for level in range((size.bit_length() + 7) // 8):
        edge = size >> 8 * level + 8
        for n in {n for at, n in wanted if at == level} | {edge}:
            width = width_of(level, n, size)
            if width:
                needed.add((level, n, width))
                wanted.add((level + 1, n >> 8))
    return sorted(needed)


def assemble(dossier: Dossier) -> Iterator[tuple[str, bytes | Outgoing]]:
    """Every file of the bag with its content, the tag manifest last.

    Raises:
        DossierError: what is bound by the export is not what the exhibits say.
        SealError: the checkpoint is malformed.
    """
    if dossier.bound != bound_files(dossier.exhibits, dossier.withheld):
        raise DossierError("the index differs from the one that the export event names")
    payload: list[tuple[str, str, int]] = []
    for exhibit in dossier.exhibits:
        for outgoing in exhibit.outgoing():
            payload.append((outgoing.path, outgoing.sha256, outgoing.size))
            yield outgoing.path, outgoing
    for path, content in dossier.bound.items():
        payload.append((path, sha256(content).hexdigest(), len(content)))
        yield path, content
    tags: list[tuple[str, str]] = []
    for path, content in _tag_files(dossier):
        tags.append((path, sha256(content).hexdigest()))
        yield path, content
    yield from bag_files(payload, tags, _metadata(dossier))


def _tag_files(dossier: Dossier) -> Iterator[tuple[str, bytes]]:
    yield "verify.py", dossier.verifier
    yield "VERIFY.txt", pages.instructions(dossier)
    yield "START.html", pages.start_page(dossier)
    if dossier.report:
        yield "START.pdf", dossier.report
    yield (
        "proof/statements.jsonl",
        b"".join(opening_line(one.index, one.salt, one.text) for one in dossier.statements),
    )
    yield "proof/batches.jsonl", b"".join(dossier.batches)
    yield "proof/checkpoint", dossier.checkpoint
    for path, tile in sorted(dossier.tiles.items()):
        yield f"proof/{path}", tile
    for stamp in dossier.stamps:
        yield from _stamp_files(stamp)
    yield from _trust_files(dossier.trust, dossier.stamps)
    yield "case/graph.jsonld", case_graph(dossier)
    yield "custody/custody.csv", tables.custody_csv(dossier)
    yield "custody/custody.html", pages.custody_page(dossier)
    facts, numbers = certified(dossier)
    yield "certificate/certificate.json", certified_json(dossier)
    for language in LANGUAGES:
        path = f"certificate/certificate.{language}.txt"
        yield path, certificate_text(facts, numbers, language)


def _stamp_files(stamp: Stamp) -> Iterator[tuple[str, bytes]]:
    yield f"{stamp.folder}/query.tsq", stamp.request
    yield f"{stamp.folder}/response.tsr", stamp.response
    yield f"{stamp.folder}/chain.pem", stamp.chain
    if stamp.checkpoint:
        yield f"{stamp.folder}/checkpoint", stamp.checkpoint
        lines = [base64.b64encode(one) + b"\n" for one in stamp.consistency]
        yield f"{stamp.folder}/consistency.txt", b"".join(lines)


def _trust_files(trust: Trust, stamps: Sequence[Stamp]) -> Iterator[tuple[str, bytes]]:
    yield "trust/roots.pem", trust.roots
    yield "trust/policy.txt", trust.policy
    people = "".join(
        f"{key} ed25519 {public} {person} {one_line(name)}\n"
        for key, public, person, name in trust.people
    )
    yield "trust/keys.txt", people.encode()
    dates = "".join(f"{s.name} {s.at} {utc_text(s.at)}\n" for s in stamps)
    yield "trust/dates.txt", dates.encode()


def utc_text(seconds: int) -> str:
    """The time as statements write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def certified(dossier: Dossier) -> tuple[Facts, dict[str, Any]]:
    """What the certificate says, and its numbers."""
    rows, _ = read_rows(dossier.bound[INDEX])
    numbers = figures(
        rows,
        dossier.statements,
        parse_checkpoint(parse_note(dossier.checkpoint).text),
        stamps={stamp.name: utc_text(stamp.at) for stamp in dossier.stamps},
        withheld=sum(item.count for item in dossier.withheld),
    )
    case = dossier.case
    facts = Facts(
        dossier=case.dossier,
        title=case.title,
        node=case.node,
        organisation=case.organisation,
        exported_at=case.exported_at,
        recipient=case.recipient,
        version=case.version,
        index_sha256=sha256(dossier.bound[INDEX]).hexdigest(),
    )
    return facts, numbers


def certified_json(dossier: Dossier) -> bytes:
    """The certificate as JSON, as it stands in the bag."""
    return certificate_json(*certified(dossier))


def _metadata(dossier: Dossier) -> list[tuple[str, str]]:
    checkpoint = parse_checkpoint(parse_note(dossier.checkpoint).text)
    case = dossier.case
    return [
        ("Bag-Software-Agent", f"svitlo {case.version}"),
        ("Bagging-Date", case.exported_at[:10]),
        ("External-Identifier", case.dossier),
        ("Source-Organization", case.organisation),
        ("Svitlo-Log-Origin", checkpoint.origin),
        ("Svitlo-Log-Size", str(checkpoint.size)),
    ]


def tile_file(level: int, n: int, width: int) -> str:
    """The path of a tile below `proof/`."""
    return tile_path(level, n, width)
