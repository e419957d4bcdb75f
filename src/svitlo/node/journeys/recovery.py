"""Recovery: a second key for everything, in three printed shares, any two of which are enough.

The secret is never written to the node: it exists while it is made and split, and again, in memory,
while a drill joins two shares and opens one exhibit with them. A drill that was never run is a hope
and no key, so each is stated, and the last one is shown.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from svitlo.errors import InvalidInput, NotForThisIdentity, StorageError, VerificationError
from svitlo.node.acting import Actor
from svitlo.node.asserting import Happening, custody_statement
from svitlo.node.audit import record
from svitlo.node.journeys.reading import chosen
from svitlo.node.journeys.resealing import vault_to_itself
from svitlo.node.journeys.vault_keys import (
    digest_of_recipient,
    named_recipients,
    write_recipients,
)
from svitlo.node.keyring import Keyring, write_private
from svitlo.node.opening import Node
from svitlo.node.unsealing import Vault
from svitlo.record.custody import Event
from svitlo.seal import age, sharing
from svitlo.seal.recipients import HybridIdentity, Identity, format_recipient
from svitlo.store.models import BlobHeader, Exhibit, Subject

RECOVERY = "recovery"
THRESHOLD, COUNT = 2, 3
_SHARE = re.compile(r"^\s*(SVITLO-SHARE-1[A-Z0-9]+)\s*$", re.ASCII | re.MULTILINE | re.IGNORECASE)

_PAGE = """Recovery share {number} of {count}
Node: {name} ({origin}), made on {day}

Any {threshold} of these {count} shares together open everything that this node has sealed since.
One share alone opens nothing. Print this page, delete the file, and keep the print in a place that
no other share is in: another safe, another office, another person.

{share}

To try two of them (a drill, which is written down):
  svitlo --node DIR keys drill --share share-1.txt --share share-2.txt
The line above may be typed in again from paper: a typing error is found.
"""


class _JoinedRing(Keyring):
    """The keys of a node whose vault is opened by the joined identity only."""

    def __init__(self, node: Node, identity: Identity) -> None:
        super().__init__(node.folder / "keys", str)
        self._joined = identity

    def identities(self) -> tuple[Identity, ...]:
        return (self._joined,)


def make_shares(
    node: Node, actor: Actor, folder: Path, *, is_replacing: bool = False
) -> list[Path]:
    """The files of the shares of a new recovery key, to which new objects are sealed from now on.

    Objects sealed before are opened by it after a rewrap.

    Raises:
        InvalidInput: there is a recovery key already, or the folder lies in the node's or holds
            shares.
        StorageError: the folder cannot be written.
    """
    others = [line for line in named_recipients(node) if line[0] != RECOVERY]
    if len(others) < len(named_recipients(node)) and not is_replacing:
        raise InvalidInput("there is a recovery key already: --replace makes another one")
    if node.folder.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise InvalidInput("shares in the node's own folder protect nothing: name another one")
    paths = [folder / f"share-{number}.txt" for number in range(1, COUNT + 1)]
    if there := [path for path in paths if path.exists()]:
        raise InvalidInput(f"{there[0]} is there already; nothing is overwritten")
    identity = HybridIdentity(os.urandom(32))
    shares = sharing.split_identity(identity, os.urandom, threshold=THRESHOLD, count=COUNT)
    public = format_recipient(identity.recipient)
    with vault_to_itself(node):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path, share in zip(paths, shares, strict=True):
                write_private(path, _page(node, share).encode())
        except OSError as error:
            raise StorageError(f"cannot write the shares: {error.strerror}") from error
        write_recipients(node, [*others, (RECOVERY, public)])
        _state_shares(node, actor, public)
    return paths


def _page(node: Node, share: sharing.Share) -> str:
    return _PAGE.format(
        number=share.number,
        count=COUNT,
        threshold=share.threshold,
        name=node.settings.name,
        origin=node.settings.origin,
        day=f"{node.now():%Y-%m-%d}",
        share=sharing.format_share(share),
    )


def _state_shares(node: Node, actor: Actor, public: str) -> None:
    happening = Happening(
        event=Event.KEY_GRANT,
        subject=[node.settings.origin],
        what="vault",
        result="recovery key made",
        extra={
            "recipient": digest_of_recipient(public),
            "threshold": THRESHOLD,
            "shares": COUNT,
        },
    )
    record(node, custody_statement(node, actor, happening))


def drill(
    node: Node, actor: Actor, texts: Sequence[str], *, exhibit_id: str | None = None
) -> Exhibit:
    """The exhibit that the joined shares opened, whole and with both digests; it is stated.

    Without an identifier it is the newest one that is sealed to the recovery key.

    Raises:
        InvalidInput: a text holds no share, or none or several.
        AgeError: the shares are too few or not of one key, or do not open the exhibit.
        NotFound: there is no such exhibit.
        DigestMismatch: the exhibit is not what was sealed.
    """
    identity = sharing.join_identity([parse_page(text) for text in texts])
    exhibit = chosen([exhibit_id], is_all=False)[0] if exhibit_id else _newest(identity)
    try:
        with Vault(replace(node, keyring=_JoinedRing(node, identity))) as vault:
            vault.check(exhibit)
    except (VerificationError, StorageError) as error:
        _state_drill(node, actor, (exhibit, identity), result=f"failed: {error}"[:300])
        raise
    _state_drill(node, actor, (exhibit, identity), result="opened from shares")
    return exhibit


def last_drill(node: Node) -> str | None:
    """When the recovery key was last tried with success, or None."""
    for name, public in named_recipients(node):
        if name == RECOVERY:
            rows = Subject.objects.filter(name=_subject(public)).select_related("statement")
            for row in rows.order_by("-statement"):
                if row.statement.value.body["result"] == "opened from shares":
                    return str(row.statement.at)
    return None


def parse_page(text: str) -> sharing.Share:
    """The share on a page, or the share alone.

    Raises:
        InvalidInput: the text holds no share, or several.
        AgeError: it was mistyped.
    """
    found = _SHARE.findall(text)
    if len(found) != 1:
        raise InvalidInput(f"a page with one line SVITLO-SHARE-1... was expected, not {len(found)}")
    return sharing.parse_share(found[0])


def _newest(identity: Identity) -> Exhibit:
    for row in BlobHeader.objects.order_by("-blob").select_related("blob").iterator():
        if _opens(identity, bytes(row.header)):
            found = row.blob.exhibits.filter(state="sealed").order_by("-seq").first()
            if found is not None:
                return found
    raise NotForThisIdentity(
        "nothing is sealed to this recovery key yet: seal something, or `svitlo keys rewrap --all`"
    )


def _opens(identity: Identity, header: bytes) -> bool:
    try:
        age.unwrap(header, [identity])
    except NotForThisIdentity:
        return False
    return True


def _state_drill(node: Node, actor: Actor, tried: tuple[Exhibit, Identity], *, result: str) -> None:
    exhibit, identity = tried
    public = format_recipient(identity.recipient)
    happening = Happening(
        event=Event.VERIFY,
        subject=[exhibit.ident, _subject(public)],
        what="exhibit",
        result=result,
        extra={"method": "drill", "recipient": digest_of_recipient(public), "count": 1},
    )
    record(node, custody_statement(node, actor, happening))


def _subject(public: str) -> str:
    return f"key:{digest_of_recipient(public)[:16]}"
