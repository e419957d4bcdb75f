"""Recovery: any two of three shares open everything, one opens nothing, and a drill shows it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from svitlo.errors import (
    AgeError,
    InvalidInput,
    NotForThisIdentity,
    StorageError,
    VerificationError,
)
from svitlo.seal import age, sharing
from tests.fakes.office import Office, exhibit_of, make_office, stated
from tests.fakes.traces import secrets_of, traces

if TYPE_CHECKING:
    from pathlib import Path

    from svitlo.node.opening import Node


@pytest.fixture
def office(node: Node) -> Office:
    return make_office(node)


@pytest.fixture
def pages(office: Office, tmp_path: Path) -> list[str]:
    from svitlo.node.journeys.recovery import make_shares

    paths = make_shares(office.node, office.alice, tmp_path / "shares")
    assert [path.name for path in paths] == ["share-1.txt", "share-2.txt", "share-3.txt"]
    return [path.read_text(encoding="utf-8") for path in paths]


def test_any_two_shares_open_what_is_sealed_afterwards(
    office: Office, pages: list[str], tmp_path: Path
) -> None:
    from svitlo.node.journeys.recovery import drill

    (ident,) = office.seal(tmp_path / "in", {"a": b"first"})

    for pair in itertools.permutations(pages, 2):
        assert drill(office.node, office.bohdan, pair).ident == ident


def test_one_share_opens_nothing(office: Office, pages: list[str], tmp_path: Path) -> None:
    from svitlo.node.journeys.recovery import drill

    office.seal(tmp_path / "in", {"a": b"first"})

    for texts in (pages[:1], [pages[0], pages[0]]):
        with pytest.raises(AgeError, match="shares"):
            drill(office.node, office.bohdan, texts)


def test_the_secret_is_nowhere_in_the_node(
    office: Office, pages: list[str], tmp_path: Path
) -> None:
    from svitlo.node.journeys.recovery import parse_page
    from svitlo.seal.recipients import format_identity

    identity = sharing.join_identity([parse_page(page) for page in pages[:2]])

    text = format_identity(identity)
    assert traces(tmp_path, identity.secret, text.encode(), text.lower().encode()) == []


def test_a_share_is_a_page_that_explains_itself(office: Office, pages: list[str]) -> None:
    for number, page in enumerate(pages, 1):
        assert f"share {number} of 3" in page
        assert "a.example" in page
        assert "Any 2 of these 3" in page
        assert page.isascii()
        assert max(map(len, page.splitlines())) <= 110


def test_shares_are_for_their_owner_only_and_never_replace(
    office: Office, pages: list[str], tmp_path: Path
) -> None:
    from svitlo.node.journeys.recovery import make_shares

    assert (tmp_path / "shares" / "share-1.txt").stat().st_mode & 0o777 == 0o400
    with pytest.raises(InvalidInput, match="recovery key already"):
        make_shares(office.node, office.alice, tmp_path / "more")
    with pytest.raises(InvalidInput, match="overwritten"):
        make_shares(office.node, office.alice, tmp_path / "shares", is_replacing=True)


def test_shares_do_not_lie_beside_what_they_open(office: Office) -> None:
    from svitlo.node.journeys.recovery import make_shares

    for folder in (office.node.folder, office.node.folder / "keys" / "shares"):
        with pytest.raises(InvalidInput, match="own folder"):
            make_shares(office.node, office.alice, folder)


def test_shares_that_cannot_be_written_change_nothing(office: Office, tmp_path: Path) -> None:
    from svitlo.node.journeys.recovery import make_shares
    from svitlo.node.journeys.vault_keys import named_recipients

    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StorageError):
        make_shares(office.node, office.alice, tmp_path / "file" / "shares")

    assert [name for name, _ in named_recipients(office.node)] == ["vault-1"]


def test_what_was_sealed_before_is_opened_after_a_rewrap(office: Office, tmp_path: Path) -> None:
    from svitlo.node.journeys.recovery import drill, make_shares
    from svitlo.node.journeys.vault_keys import rewrap

    (ident,) = office.seal(tmp_path / "in", {"a": b"first"})
    paths = make_shares(office.node, office.alice, tmp_path / "shares")
    two = [path.read_text(encoding="utf-8") for path in paths[1:]]
    with pytest.raises(NotForThisIdentity, match="rewrap"):
        drill(office.node, office.alice, two)

    rewrap(office.node, office.alice, [exhibit_of(ident)])

    assert drill(office.node, office.alice, two).ident == ident
    assert age.unwrap(secrets_of(ident)[1], office.node.keyring.identities())


def test_a_drill_is_written_down_and_the_last_one_is_known(
    office: Office, pages: list[str], tmp_path: Path
) -> None:
    from svitlo.node.journeys.recovery import drill, last_drill

    (ident,) = office.seal(tmp_path / "in", {"a": b"first"})
    assert last_drill(office.node) is None

    drill(office.node, office.bohdan, pages[:2])

    statement = stated("verify")[-1].value
    assert statement.subject[0] == ident
    assert (statement.body["method"], statement.body["result"]) == ("drill", "opened from shares")
    assert last_drill(office.node) == statement.at


def test_a_drill_that_fails_is_written_down_too(
    office: Office, pages: list[str], tmp_path: Path
) -> None:
    from svitlo.node.journeys.recovery import drill, last_drill

    (ident,) = office.seal(tmp_path / "in", {"a": b"first"})
    name, _ = secrets_of(ident)
    path = office.node.folder / "objects" / name[:2] / name
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(VerificationError):
        drill(office.node, office.bohdan, pages[:2], exhibit_id=ident)

    assert stated("verify")[-1].value.body["result"].startswith("failed")
    assert last_drill(office.node) is None


def test_shares_of_two_keys_do_not_join(office: Office, pages: list[str], tmp_path: Path) -> None:
    from svitlo.node.journeys.recovery import drill, make_shares

    other = make_shares(office.node, office.alice, tmp_path / "more", is_replacing=True)

    with pytest.raises(AgeError):
        drill(office.node, office.alice, [pages[0], other[1].read_text(encoding="utf-8")])


@pytest.mark.parametrize("text", ["", "no share here", "SVITLO-SHARE-1QQQ\nSVITLO-SHARE-1QQQ"])
def test_a_page_holds_one_share(text: str) -> None:
    from svitlo.node.journeys.recovery import parse_page

    with pytest.raises(InvalidInput):
        parse_page(text)


def test_a_mistyped_share_is_found(pages: list[str]) -> None:
    from svitlo.node.journeys.recovery import parse_page

    line = next(line for line in pages[0].splitlines() if line.startswith("SVITLO-SHARE"))
    typed = line[:40] + ("Q" if line[40] != "Q" else "P") + line[41:]

    with pytest.raises(AgeError):
        parse_page(pages[0].replace(line, typed))
