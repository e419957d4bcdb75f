"""Founding: a node begins with its keys, its logs and a first person who can sign."""

from pathlib import Path

import pytest

from svitlo.errors import InvalidInput
from svitlo.node.acting import actor_of
from svitlo.node.journeys.founding import Founding, check_founding, check_names, origin_from
from svitlo.node.opening import FOLDERS, Node
from svitlo.record.statement import check_signature
from svitlo.seal import canonical
from svitlo.seal.checkpoint import parse_checkpoint
from svitlo.seal.note import KIND_ED25519, make_vkey, open_note
from svitlo.seal.signature import verifier

FOUNDING = Founding(state="DE", name="Contact point A")


@pytest.mark.parametrize(
    ("name", "state", "origin"),
    [
        ("Contact point A", "DE", "contact-point-a.de.internal"),
        ("Büro  Süd!", "AT", "buro-sud.at.internal"),
        ("x" * 300, "EE", "x" * 60 + ".ee.internal"),
        ("7", "ICC", "7.icc.internal"),
    ],
)
def test_a_name_gives_an_origin(name: str, state: str, origin: str) -> None:
    assert origin_from(name, state) == origin


def test_a_name_without_latin_letters_gives_none() -> None:
    with pytest.raises(InvalidInput, match="--origin"):
        origin_from("Київ", "UA")


@pytest.mark.parametrize("origin", ["a.example", "a-1.b.example", "xn--80a.example", "1.2.example"])
def test_a_dns_name_is_an_origin(tmp_path: Path, origin: str) -> None:
    check_founding(tmp_path, FOUNDING, origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "example",
        "A.example",
        "a..example",
        "-a.example",
        "a-.example",
        "a.example/",
        "a b.example",
        "a.example\n",
        "é.example",
        "a" * 64 + ".example",
        "a." * 100 + "example",
    ],
)
def test_anything_else_is_no_origin(tmp_path: Path, origin: str) -> None:
    with pytest.raises(InvalidInput, match="--origin"):
        check_founding(tmp_path, FOUNDING, origin)


@pytest.mark.parametrize("state", ["", "de", "D", "DE\n", "Germany", "DE;", "-DE"])
def test_a_state_is_a_code(tmp_path: Path, state: str) -> None:
    with pytest.raises(InvalidInput, match="--state"):
        check_founding(tmp_path, Founding(state=state, name="A"), "a.example")


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "\udcff", "x" * 201, "\x1b[31mred"])
@pytest.mark.parametrize("option", ["name", "person"])
def test_names_are_printable(option: str, text: str) -> None:
    given = {"name": "A", "person": "B", option: text}

    with pytest.raises(InvalidInput, match=f"--{option}"):
        check_names(Founding(state="DE", **given))


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()

    with pytest.raises(InvalidInput, match="not an empty folder"):
        check_founding(tmp_path, FOUNDING, "a.example")
    with pytest.raises(InvalidInput, match="not an empty folder"):
        check_founding(tmp_path / "photo.jpg", FOUNDING, "a.example")


def test_the_folders_are_for_the_owner_alone(node: Node) -> None:
    for name in (*FOLDERS, "keys"):
        assert (node.folder / name).stat().st_mode & 0o777 == 0o700, name


def test_each_log_begins_with_its_genesis(node: Node) -> None:
    for origin in (node.spine, node.audit):
        (first, *_) = node.log(origin).entries(0, 1)

        assert first[:1] == b"\x02"
        record = canonical.loads_canonical(first[1:])
        assert isinstance(record, dict)
        assert (record["type"], record["origin"]) == ("control.genesis", origin)
        assert record["node"] == "a.example"


def test_the_first_person_has_a_key_that_a_signed_statement_binds(node: Node) -> None:
    from svitlo.store.models import Person, PersonKey

    person, key = Person.objects.get(), PersonKey.objects.select_related("statement").get()

    assert person.ident == node.settings.person == actor_of(node).person
    statement = key.statement.value
    assert (statement.type, statement.actor) == ("person.key", person.ident)
    line = make_vkey("p", KIND_ED25519, bytes(key.public))
    check_signature(statement, lambda message, sig: verifier(line).verify(message, sig))


def test_the_first_checkpoint_is_signed_by_both_keys(node: Node) -> None:
    lines = [
        verifier(key.verifier_line)
        for key in node.keyring.signing_keys(("spine.ed25519", "spine.mldsa44"))
    ]

    note, verified = open_note((node.published(node.spine) / "checkpoint").read_bytes(), lines)

    assert len(verified) == 2
    assert parse_checkpoint(note.text).origin == node.spine
    assert node.heads().read(node.spine) == parse_checkpoint(note.text)
