"""Rebuild: the index tables, the tiles and the static files, out of the statements and entries.

Tables are an index of statements and nothing more, so a damaged or lost row is written again from
what was stated, and a row that nothing states goes. Rows that are right are left alone. Entries,
statements, checkpoints and keys are evidence and never touched here: `svitlo log verify` judges
those. A body that no row knows is indexed again from its header file.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from svitlo.errors import LogStateError, SvitloError
from svitlo.node.indexing import Expected, Fields, expected_rows
from svitlo.node.journeys.mending import Rebuilt, Table
from svitlo.node.journeys.stamping import authority_of, imprint_of
from svitlo.node.opening import Node
from svitlo.node.places import main_place
from svitlo.record.exhibit import REJECTIONS, name_bytes
from svitlo.seal import timestamp
from svitlo.seal.tiles import TileEdge
from svitlo.seal.tree import leaf_hashes
from svitlo.store.log.publishing import publish
from svitlo.store.log.reading import LogReader
from svitlo.store.models import (
    Blob,
    BlobHeader,
    Checkpoint,
    Description,
    Disposal,
    Exhibit,
    Hold,
    Intake,
    IntakeItem,
    Person,
    PersonKey,
    Stamp,
    Subject,
    Tile,
)
from svitlo.store.writing import in_units, unit

RECEIPTS = "receipts"


def rebuild(node: Node) -> Rebuilt:
    """What had to be written so that tables, tiles and static files say what was stated.

    Raises:
        StorageError: the folder of static files cannot be written.
    """
    done, expected = Rebuilt(), expected_rows()
    _rebuild_people(expected, done)
    _rebuild_intakes(node, expected, done)
    _rebuild_bodies(node, expected, done)
    _rebuild_exhibits(expected, done)
    _rebuild_items(node, expected, done)
    _holds_table(expected).mend(done)
    _rebuild_stamps(node, expected, done)
    _subjects_table(expected).mend(done)
    for origin in (node.spine, node.audit):
        _rebuild_log(node, node.log(origin), done)
    return done


def _rebuild_people(expected: Expected, done: Rebuilt) -> None:
    wanted = {
        ident: {"ident": ident, "name": said["name"], "statement_id": said["statement"]}
        for ident, said in expected.people.items()
    }
    keys = {
        key: {"key": key, "public": said["public"], "statement_id": said["statement"]}
        for key, said in expected.person_keys.items()
    }
    found_keys = {row.key: row for row in PersonKey.objects.all()}
    gone = {key: row for key, row in found_keys.items() if key not in keys}
    Table(model=PersonKey, found=gone, wanted={}).mend(done)
    Table(model=Person, found={row.ident: row for row in Person.objects.all()}, wanted=wanted).mend(
        done
    )
    people = dict(Person.objects.values_list("ident", "pk"))
    for key, said in expected.person_keys.items():
        keys[key]["person_id"] = people[said["person"]]
    found = {key: row for key, row in found_keys.items() if key in keys}
    Table(model=PersonKey, found=found, wanted=keys).mend(done)


def _rebuild_intakes(node: Node, expected: Expected, done: Rebuilt) -> None:
    """Intakes that were received are there; what only the row knows is kept."""
    found = {row.ident: row for row in Intake.objects.all()}
    wanted: dict[str, Fields] = {}
    for ident, said in expected.intakes.items():
        wanted[ident] = {"ident": ident, "actor": said["actor"], "offered": said["offered"]}
        if said["case"]:
            wanted[ident]["case"] = said["case"]
        if ident not in found:
            wanted[ident] |= {
                "case": said["case"] or node.settings.case,
                "started_at": said["at"],
                "request": "",
                "state": "closed" if said["closed"] else "open",
                "receipt": _read(node.folder / RECEIPTS / ident / "receipt.json"),
            }
    Table(model=Intake, found=found, wanted=wanted, kept=found).mend(done)


def _rebuild_bodies(node: Node, expected: Expected, done: Rebuilt) -> None:
    """Bodies that exhibits lie in have a row, and a header where a header file still has one."""
    known = set(Blob.objects.values_list("name", flat=True))
    missing = {
        str(said["blob"]): said for said in expected.exhibits.values() if said["blob"] not in known
    }
    headers = {name: header for name, header, _ in main_place(node).headers() if name in missing}
    for name, said in missing.items():
        path = main_place(node).path(name)
        row = Blob(
            name=name,
            size=path.stat().st_size if path.exists() else 0,
            is_segment=said["off"] is not None,
            case=said["case"],
            recipients="",
            state="stored" if path.exists() else "erased",
        )
        with unit():
            row.save(force_insert=True)
            if name in headers:
                BlobHeader.objects.create(blob=row, header=headers[name])
        done.count("blob", "added")


def differing_rows() -> Rebuilt:
    """What `rebuild` would write into the tables of exhibits, subjects, holds and persons' keys."""
    done, expected = Rebuilt(), expected_rows()
    keys = {key: {"public": said["public"]} for key, said in expected.person_keys.items()}
    people = Table(model=PersonKey, found={k.key: k for k in PersonKey.objects.all()}, wanted=keys)
    tables = (exhibits_table(expected), _subjects_table(expected), _holds_table(expected), people)
    for table in tables:
        for _ in table.steps(done):
            pass
    return done


def _rebuild_exhibits(expected: Expected, done: Rebuilt) -> None:
    _drop_of_exhibits(expected, done)
    exhibits_table(expected).mend(done)
    _add_of_exhibits(expected, done)


def exhibits_table(expected: Expected) -> Table:
    """The table of exhibits, as it is and as it was stated."""
    intakes = dict(Intake.objects.values_list("ident", "pk"))
    blobs = dict(Blob.objects.values_list("name", "pk"))
    found = {row.ident: row for row in Exhibit.objects.iterator(1024)}
    wanted: dict[str, Fields] = {}
    for ident, said in expected.exhibits.items():
        wanted[ident] = {
            "seq": said["statement"],
            "ident": ident,
            "statement_id": said["statement"],
            "intake_id": intakes.get(str(said["intake"])),
            "blob_id": blobs.get(str(said["blob"])),
            **{name: said[name] for name in ("n", "case", "path", "size", "sha256", "blake3")},
            "off": said["off"],
            "state": said["state"],
        }
        here = found.get(ident)
        if here is not None and not here.sha256:
            found.pop(ident)
            wanted.pop(ident)
    kept = [ident for ident, row in found.items() if row.statement_id in expected.erased]
    return Table(model=Exhibit, found=found, wanted=wanted, kept=kept)


def _drop_of_exhibits(expected: Expected, done: Rebuilt) -> None:
    """Descriptions and disposals that nothing states are gone before their exhibits go."""
    for model, keys in (
        (Description, _description_rows(expected)),
        (Disposal, _disposal_rows(expected)),
    ):
        found = {
            _key_of(row): row
            for row in model.objects.select_related("exhibit")
            if _key_of(row) not in keys and _key_of(row)[1] not in expected.erased
        }
        Table(model=model, found=found, wanted={}).mend(done)


def _key_of(row: Description | Disposal) -> tuple[str, int]:
    """The exhibit's identifier and the statement that began it."""
    statement = row.statement_id if isinstance(row, Description) else row.proposed_id
    return row.exhibit.ident, int(statement)


def _description_rows(expected: Expected) -> dict[tuple[str, int], Fields]:
    return {
        (said["exhibit"], seq): {
            "statement_id": seq,
            "kind": said["kind"],
            "skipped": said["skipped"],
        }
        for seq, said in expected.descriptions.items()
    }


def _disposal_rows(expected: Expected) -> dict[tuple[str, int], Fields]:
    return {
        (ident, seq): {
            "proposed_id": seq,
            "proposed_by": said["proposed_by"],
            "approved_by": said["approved_by"],
            "done_id": said["done"],
        }
        for (ident, seq), said in expected.disposals.items()
    }


def _add_of_exhibits(expected: Expected, done: Rebuilt) -> None:
    """Descriptions and disposals of the exhibits are as they were stated."""
    exhibits = dict(Exhibit.objects.values_list("ident", "pk"))
    for model, rows in (
        (Description, _description_rows(expected)),
        (Disposal, _disposal_rows(expected)),
    ):
        found = {_key_of(row): row for row in model.objects.select_related("exhibit")}
        wanted = {
            key: {"exhibit_id": exhibits[key[0]], **fields}
            for key, fields in rows.items()
            if key[0] in exhibits
        }
        Table(model=model, found=found, wanted=wanted, kept=found).mend(done)


def _rebuild_items(node: Node, expected: Expected, done: Rebuilt) -> None:
    """Items of intakes that lost them are there again; the list of a receipt tells the rest."""
    intakes = dict(Intake.objects.values_list("ident", "pk"))
    for ident, said in expected.intakes.items():
        here = set(
            IntakeItem.objects.filter(intake=intakes[ident]).values_list("ordinal", flat=True)
        )
        if len(here) >= said["offered"]:
            continue
        listed = _listed(node.folder / RECEIPTS / ident / "intake.jsonl", str(said["list"]))
        rows = {n: row for n, row in listed if n not in here}
        rows |= {n: row for n, row in _sealed_items(expected, ident) if n not in here}
        wanted = {n: {"intake_id": intakes[ident], "ordinal": n, **row} for n, row in rows.items()}
        Table(model=IntakeItem, found={}, wanted=wanted).mend(done)


def _sealed_items(expected: Expected, intake: str) -> Iterator[tuple[int, Fields]]:
    for said in expected.exhibits.values():
        if said["intake"] == intake:
            yield (
                said["n"],
                {
                    "path": said["path"],
                    "size": said["size"],
                    "mtime_ns": said["mtime"],
                    "state": "sealed",
                },
            )


def _listed(path: Path, digest: str) -> Iterator[tuple[int, Fields]]:
    """The rejected items of an intake's list, if it is the one whose digest was stated."""
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != digest:
        return
    for line in content.splitlines():
        value = json.loads(line)
        if value.get("code") in REJECTIONS:
            said = {"path": name_bytes(value, "path"), "state": "rejected", "code": value["code"]}
            yield int(value["n"]), {**said, "size": -1, "mtime_ns": 0}


def _holds_table(expected: Expected) -> Table:
    wanted = {
        ident: {
            "ident": ident,
            "subject": said["subject"],
            "placed_by": said["placed_by"],
            "placed_id": said["placed"],
            "released_id": said["released"],
        }
        for ident, said in expected.holds.items()
    }
    found = {row.ident: row for row in Hold.objects.all()}
    return Table(model=Hold, found=found, wanted=wanted)


def _rebuild_stamps(node: Node, expected: Expected, done: Rebuilt) -> None:
    """Stamps that were stated are there; one whose authority is not set any more is left out."""
    found = {
        (row.checkpoint.log.origin, row.checkpoint.size, row.authority): row
        for row in Stamp.objects.select_related("checkpoint__log")
    }
    for key, said in expected.stamps.items():
        if key not in found and (row := _stamp_row(node, key, said["response"])) is not None:
            with unit():
                row.save(force_insert=True)
            done.count("stamp", "added")


def _stamp_row(node: Node, key: tuple[str, int, str], response: bytes) -> Stamp | None:
    origin, size, name = key
    checkpoint = Checkpoint.objects.filter(log__origin=origin, size=size).first()
    settings = [one for one in node.settings.authorities if one.name == name]
    if checkpoint is None or not settings:
        return None
    digest = imprint_of(checkpoint)
    try:
        roots = authority_of(node, settings[0]).roots
        stamp = timestamp.verify_stamp(response, digest, roots, None)
    except SvitloError:
        return None
    return Stamp(
        checkpoint=checkpoint,
        authority=name,
        request=timestamp.make_request(digest, stamp.nonce or 0),
        response=response,
        made_at=stamp.gen_time,
        remark="" if stamp.is_canonical else stamp.verdict,
    )


def _subjects_table(expected: Expected) -> Table:
    found = {(row.name, row.statement_id): row for row in Subject.objects.iterator(1024)}
    wanted = {key: {"name": key[0], "statement_id": key[1]} for key in expected.subjects}
    kept = [key for key in found if key[1] in expected.erased]
    return Table(model=Subject, found=found, wanted=wanted, kept=kept)


def _rebuild_log(node: Node, reader: LogReader, done: Rebuilt) -> None:
    """Tiles are those of the entries, and the static files serve them."""
    size, edge = reader.size(), TileEdge()
    wrong: list[tuple[int, int, bytes]] = []
    for page in reader.rows(size):
        full = edge.extend(leaf_hashes([row.entry for row in page]))
        wrong += [tile for tile in full if _tile_of(reader, tile) != tile[2]]
    wrong += [tile for tile in edge.partials() if _tile_of(reader, tile) != tile[2]]
    for part in in_units(wrong):
        with unit(), connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO store_tile (log_id, level, n, hashes) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (log_id, level, n) DO UPDATE SET hashes = excluded.hashes",
                [(reader.log_id, level, n, hashes) for level, n, hashes in part],
            )
        for _ in part:
            done.count("tile", "changed")
    row = reader.checkpoint()
    if row is not None and row.size > size:
        raise LogStateError(f"{reader.log.origin} is behind what was signed: recover it first")
    if row is not None:
        fresh = node.log(reader.log.origin)
        publish(fresh, node.published(reader.log.origin), row.size, since=0, note=bytes(row.note))


def _tile_of(reader: LogReader, tile: tuple[int, int, bytes]) -> bytes:
    row = Tile.objects.filter(log_id=reader.log_id, level=tile[0], n=tile[1]).first()
    return bytes(row.hashes) if row else b""


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
