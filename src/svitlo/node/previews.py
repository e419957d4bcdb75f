"""Previews and raw reports of the cage: kept sealed beside the vault, never part of a statement.

A preview shows what the evidence shows, so it is sealed to the same recipients and goes when the
exhibit is disposed of. It can be made again at any time.
"""

import os
from pathlib import Path

from svitlo.errors import NotFound
from svitlo.node.keyring import read_recipients
from svitlo.node.opening import Node
from svitlo.record.ulid import check_identifier
from svitlo.seal import age

KINDS = {"preview": "jpg", "report": "json"}
"""What is kept of an exhibit, and the ending of the opened file."""


def keep_sealed(node: Node, ident: str, what: str, content: bytes) -> None:
    """The preview or report of an exhibit is kept, in the place of an older one."""
    path = _path(node, ident, what)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(age.seal_bytes(content, read_recipients(node.folder), os.urandom))
    part.replace(path)


def open_sealed(node: Node, ident: str, what: str) -> bytes:
    """The preview (JPEG) or report (JSON) of an exhibit, opened.

    Raises:
        NotFound: none is kept, or this node holds no identity that opens it.
        AgeError: it is damaged.
    """
    try:
        content = _path(node, ident, what).read_bytes()
    except FileNotFoundError:
        words = f"no {what} of {ident} is kept: `svitlo exhibit read` makes one where there is any"
        raise NotFound(words) from None
    return age.open_bytes(content, node.keyring.identities())


def drop_previews(node: Node, ident: str) -> None:
    """Neither preview nor report of the exhibit is kept any more."""
    for what in KINDS:
        _path(node, ident, what).unlink(missing_ok=True)


def _path(node: Node, ident: str, what: str) -> Path:
    return node.folder / "previews" / f"{check_identifier(ident, 'x-')}.{KINDS[what]}.age"
