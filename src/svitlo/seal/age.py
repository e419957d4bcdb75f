"""Sealed files in the age format: the file key wrapped for recipients, and unwrapped again.

A sealed file is kept in two parts. The body (`seal.stream`, `seal.payload`) never changes; the
header (here) can be written anew for other recipients; to erase every copy of it erases the file.
`cat header body | age -d -i key` opens it without us.

age does not authenticate who sealed a file: authorship is the signature of the statement about it.
Source: the age specification (C2SP, age-encryption.org/v1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from svitlo.errors import AgeError, NotForThisIdentity
from svitlo.seal.header import Header, format_header, parse_header, split_file
from svitlo.seal.payload import FILE_KEY_BYTES, NONCE_BYTES, open_body
from svitlo.seal.recipients import HYBRID_KIND, Identity, Random, Recipient
from svitlo.seal.stream import seal_body

if TYPE_CHECKING:
    from collections.abc import Sequence


def wrap(file_key: bytes, recipients: Sequence[Recipient], random: Random) -> bytes:
    """A header that gives the file key to each recipient, in this order.

    Args:
        file_key: 16 bytes.
        recipients: all post-quantum, or none.
        random: draws the ephemeral secrets of X25519 stanzas, 32 bytes each, in order.

    Raises:
        AgeError: there is no recipient, or post-quantum and other recipients are mixed, which
            would leave the file to the weaker key.
    """
    if len(file_key) != FILE_KEY_BYTES:
        raise AgeError(f"a file key of 16 bytes was expected, {len(file_key)} were found")
    if not recipients:
        raise AgeError("at least one recipient was expected")
    if len({recipient.kind == HYBRID_KIND for recipient in recipients}) > 1:
        raise AgeError("post-quantum recipients and others cannot share one header")
    return format_header([recipient.wrap(file_key, random) for recipient in recipients], file_key)


def unwrap(header: bytes, identities: Sequence[Identity]) -> bytes:
    """The file key, by the first identity that a stanza is for.

    Raises:
        NotForThisIdentity: no stanza is for any of the identities.
        AgeError: the header is malformed, or its MAC does not hold.
    """
    return unwrap_parsed(parse_header(header), identities)


def unwrap_parsed(header: Header, identities: Sequence[Identity]) -> bytes:
    """The file key, from a header that was parsed before; raises as `unwrap` does."""
    for identity in identities:
        file_key = identity.unwrap(header.stanzas)
        if file_key is not None:
            header.check(file_key)
            return file_key
    kinds = sorted({stanza.kind[:40] for stanza in header.stanzas})
    raise NotForThisIdentity(
        f"none of {len(identities)} identities opens this file; it is for {len(header.stanzas)} "
        f"recipients of kind {', '.join(kinds[:4])}"
    )


def rewrap(
    header: bytes,
    identities: Sequence[Identity],
    recipients: Sequence[Recipient],
    random: Random,
) -> bytes:
    """A header with the same file key for other recipients; the body stays as it is.

    Whoever kept the old header and an identity of it can still open the body.

    Raises:
        NotForThisIdentity: no stanza is for any of the identities.
        AgeError: the header is malformed, or the recipients do not go together.
    """
    return wrap(unwrap(header, identities), recipients, random)


def seal_bytes(plaintext: bytes, recipients: Sequence[Recipient], random: Random) -> bytes:
    """A whole age file of bytes in memory, header and body.

    `random` draws the file key (16 bytes), the nonce (16), then what `wrap` needs.

    Raises:
        AgeError: the recipients do not go together.
    """
    file_key, nonce = random(FILE_KEY_BYTES), random(NONCE_BYTES)
    header = wrap(file_key, recipients, random)
    return header + seal_body(plaintext, file_key=file_key, nonce=nonce)


def open_bytes(content: bytes, identities: Sequence[Identity]) -> bytes:
    """The plaintext of a whole age file in memory.

    Raises:
        NotForThisIdentity: no stanza is for any of the identities.
        AgeError: the file is malformed, cut or changed.
    """
    header, body = split_file(content)
    return open_body(unwrap(header, identities), body)
