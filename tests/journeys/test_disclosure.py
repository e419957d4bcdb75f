"""Disclosure: what goes out can be checked without the node, and is written down first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bagit
import pytest

from svitlo.dossier.contents import Withheld
from svitlo.dossier.verify import examine_dossier, verify_dossier
from svitlo.errors import AgeError, DigestMismatch, InvalidInput, NotFound
from tests.fakes.authority import authorities
from tests.journeys.test_stamping import Two, stamping

__all__ = ["authorities"]

if TYPE_CHECKING:
    from svitlo.node.acting import Actor
    from svitlo.node.opening import Node


@pytest.fixture
def sealed(node: Node, actor: Actor, tmp_path: Path) -> dict[str, bytes]:
    """A folder of files, sealed: name and bytes by identifier."""
    from svitlo.node.journeys.intake import Offer, take_in
    from svitlo.store.models import Exhibit

    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(12):
        (folder / f"f{n}.txt").write_bytes(bytes([n]) * n * 100)
    (folder / '=cmd|"<b>.txt').write_bytes(b"hostile")
    (folder / "large.bin").write_bytes(bytes(range(256)) * 400)
    take_in(node, actor, Offer(paths=(bytes(folder),), source="NGO <i>"))
    return {
        row.ident: (folder / Path(bytes(row.path).decode()).name).read_bytes()
        for row in Exhibit.objects.all()
    }


def test_a_dossier_verifies_without_the_node(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    made = make_dossier(node, actor, Disclosure(is_all=True, target=tmp_path / "out"))

    assert made.path == tmp_path / "out"
    assert made.exhibits == len(sealed)
    report = verify_dossier(made.path)
    assert report.exit_code == 0
    assert bagit.Bag(str(made.path)).is_valid()
    done = subprocess.run([sys.executable, "-I", str(made.path / "verify.py")], env={}, check=False)
    assert done.returncode == 0
    out = {path.read_bytes() for path in (made.path / "data/exhibits").rglob("original.*")}
    assert out == set(sealed.values())


def test_some_exhibits_go_into_a_folder_of_their_own(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    ids = tuple(sealed)[3:5]
    withheld = (Withheld(category="victim", authority="JIT", count=2),)
    (tmp_path / "out").mkdir()

    asked = Disclosure(ids=ids, target=tmp_path / "out", withheld=withheld)
    made = make_dossier(node, actor, asked)
    again = make_dossier(node, actor, asked)

    assert made.path.parent == tmp_path / "out"
    assert made.path.name.startswith("general-")
    assert verify_dossier(made.path).exit_code == 0
    assert verify_dossier(again.path).exit_code == 0
    names = {path.name for path in (made.path / "data/exhibits").iterdir()}
    assert names == {"0001", "0002"}
    assert not list((tmp_path / "out").glob(".*"))


def test_sealed_objects_open_with_the_node_s_key(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier
    from svitlo.seal import age

    asked = Disclosure(is_all=True, target=tmp_path / "out", is_sealed=True)
    made = make_dossier(node, actor, asked)

    assert verify_dossier(made.path).exit_code == 0
    identities = node.keyring.identities()
    opened = {
        age.open_bytes(path.read_bytes(), identities)
        for path in (made.path / "data/exhibits").rglob("original.bin.age")
    }
    assert opened == set(sealed.values())


def test_events_after_sealing_are_part_of_the_custody(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier
    from svitlo.node.journeys.holding import place_holds
    from svitlo.node.journeys.reading import copy_exhibits

    first, second = list(sealed)[:2]
    place_holds(node, actor, [first, "case:general"], reason="trial")
    list(copy_exhibits(node, actor, [first], tmp_path / "work"))

    made = make_dossier(node, actor, Disclosure(ids=(first,), target=tmp_path / "out"))

    assert verify_dossier(made.path).exit_code == 0
    custody = (made.path / "custody/custody.csv").read_text(encoding="utf-8")
    for event in ("receive", "seal", "hold", "copy", "export"):
        assert f'"{event}"' in custody
    other = make_dossier(node, actor, Disclosure(ids=(second,), target=tmp_path / "other"))
    assert '"hold"' in (other.path / "custody/custody.csv").read_text(encoding="utf-8")


def test_a_damaged_exhibit_is_not_exported(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier
    from svitlo.store.models import Statement

    before = Statement.objects.count()
    for body in (node.folder / "objects").rglob("*"):
        if body.is_file():
            content = bytearray(body.read_bytes())
            content[len(content) // 2] ^= 1
            body.chmod(0o600)
            body.write_bytes(bytes(content))

    with pytest.raises((DigestMismatch, AgeError)):
        make_dossier(node, actor, Disclosure(is_all=True, target=tmp_path / "out"))

    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))
    assert Statement.objects.count() == before


def test_nothing_is_overwritten(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    (tmp_path / "out").write_bytes(b"mine")

    with pytest.raises(InvalidInput, match="there already"):
        make_dossier(node, actor, Disclosure(is_all=True, target=tmp_path / "out"))
    asked = Disclosure(ids=("x-01gk1ap2h0000g40r40m30e209",), target=tmp_path / "d")
    with pytest.raises(NotFound):
        make_dossier(node, actor, asked)
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_no_dossier_is_put_into_a_dossier(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    made = make_dossier(node, actor, Disclosure(is_all=True, target=tmp_path / "out"))

    for inside in ("", "again", "data/again"):
        with pytest.raises(InvalidInput, match="is a dossier already"):
            make_dossier(node, actor, Disclosure(is_all=True, target=made.path / inside))
    assert verify_dossier(made.path).exit_code == 0


def test_a_changed_byte_is_found(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    made = make_dossier(node, actor, Disclosure(is_all=True, target=tmp_path / "out"))
    victim = made.path / "data/exhibits/0005/original.bin"
    victim.write_bytes(b"X" + victim.read_bytes()[1:])

    assert examine_dossier(made.path).exit_code == 3


def test_stamps_and_the_early_one_too_go_along(
    node: Node, actor: Actor, authorities: Two, tmp_path: Path
) -> None:
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier
    from svitlo.node.journeys.intake import Offer, take_in

    node = stamping(node, *authorities)
    (tmp_path / "f.txt").write_bytes(b"light")
    take_in(node, actor, Offer(paths=(bytes(tmp_path / "f.txt"),)))

    made = make_dossier(node, actor, Disclosure(is_all=True, target=tmp_path / "out"))

    report = verify_dossier(made.path)
    notes = report.steps[5].notes
    assert sum("existed no later than" in note for note in notes) == 4
    assert sum("grew out of" in note for note in notes) == 2
    assert len(list((made.path / "proof/time").iterdir())) == 4


def test_the_pages_are_in_the_language_and_say_that_officers_confirmed_the_log(
    node: Node, actor: Actor, sealed: dict[str, bytes], tmp_path: Path
) -> None:
    from svitlo.node.asserting import new_statement
    from svitlo.node.audit import record
    from svitlo.node.journeys.confirming import OVERRIDE
    from svitlo.node.journeys.disclosure import Disclosure, make_dossier

    body = {"origin": node.spine, "size": 1, "note": "restored", "with": actor.person}
    said = new_statement(
        node, OVERRIDE, actor=actor.person, subject=[node.spine], body=body, basis="led.8"
    )
    record(node, said)
    asked = Disclosure(ids=tuple(sealed)[:1], target=tmp_path / "out", language="uk")

    made = make_dossier(node, actor, asked)

    page = (made.path / "START.html").read_text(encoding="utf-8")
    assert '<html lang="uk">' in page
    assert "Досьє: <bdi>Справа general</bdi>" in page
    assert f"двоє службовців, <bdi>{said.at[:10]} " in page
    assert "не зазначено" in page
    assert verify_dossier(made.path).exit_code == 0
    with pytest.raises(InvalidInput, match="no words in 'xx'"):
        make_dossier(node, actor, Disclosure(is_all=True, target=tmp_path / "x", language="xx"))
