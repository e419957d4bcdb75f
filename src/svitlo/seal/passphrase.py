"""Age files under a passphrase: how secret keys lie on disk.

The wrapping key is scrypt (RFC 7914) of the passphrase; it needs `128 * 8 * 2**work_factor` bytes
of memory, 256 MiB at 18. Files that ask for more than 20 are refused: they could exhaust us.
Source: the age specification, "The scrypt recipient type".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from svitlo.errors import AgeError, NotForThisIdentity
from svitlo.seal.header import (
    Header,
    Stanza,
    decode_base64,
    encode_base64,
    format_header,
    parse_header,
    split_file,
)
from svitlo.seal.payload import FILE_KEY_BYTES, NONCE_BYTES, open_body
from svitlo.seal.recipients import FIXED_NONCE, WRAPPED_BYTES, Random
from svitlo.seal.stream import seal_body

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRYPT_KIND = "scrypt"
SCRYPT_LABEL = b"age-encryption.org/v1/scrypt"
SALT_BYTES = 16
WORK_FACTOR = 18
"""Base-2 logarithm of the cost; about a second."""
MAX_WORK_FACTOR = 20
DECIMAL = re.compile(r"[1-9][0-9]?")


def seal_with_passphrase(
    plaintext: bytes, passphrase: str, random: Random, *, work_factor: int = WORK_FACTOR
) -> bytes:
    """A whole age file of bytes in memory that the passphrase opens.

    `random` draws the file key, the nonce and the salt, 16 bytes each.

    Raises:
        AgeError: the passphrase is empty or no text, or the work factor is not 1 to 20.
    """
    file_key, nonce, salt = random(FILE_KEY_BYTES), random(NONCE_BYTES), random(SALT_BYTES)
    if not 1 <= work_factor <= MAX_WORK_FACTOR:
        raise AgeError(f"a work factor of 1 to {MAX_WORK_FACTOR} was expected")
    key = _wrapping_key(passphrase, salt, work_factor)
    body = ChaCha20Poly1305(key).encrypt(FIXED_NONCE, file_key, None)
    stanza = Stanza(SCRYPT_KIND, (encode_base64(salt), str(work_factor)), body)
    header = format_header([stanza], file_key)
    return header + seal_body(plaintext, file_key=file_key, nonce=nonce)


def open_with_passphrase(content: bytes, passphrase: str) -> bytes:
    """The plaintext of a whole age file in memory.

    Raises:
        NotForThisIdentity: the file has no passphrase, or another one.
        AgeError: the file is malformed, cut or changed, or asks for too much work.
    """
    header, body = split_file(content)
    return open_body(unwrap_with_passphrase(parse_header(header), passphrase), body)


def unwrap_with_passphrase(header: Header, passphrase: str) -> bytes:
    """The file key.

    Raises:
        NotForThisIdentity: the header has no passphrase, or another one.
        AgeError: the stanza is malformed, asks for too much work, or the MAC does not hold.
    """
    file_key = _unwrap(header.stanzas, passphrase)
    header.check(file_key)
    return file_key


def _unwrap(stanzas: Sequence[Stanza], passphrase: str) -> bytes:
    stanza = stanzas[0]
    if stanza.kind != SCRYPT_KIND:
        raise NotForThisIdentity("this file is for keys, not for a passphrase")
    try:
        salt_text, factor = stanza.arguments
    except ValueError:
        raise AgeError("a salt and a work factor were expected in an scrypt stanza") from None
    salt = decode_base64(salt_text)
    if len(salt) != SALT_BYTES or len(stanza.body) != WRAPPED_BYTES:
        raise AgeError("a salt of 16 and a body of 32 bytes were expected in an scrypt stanza")
    if not DECIMAL.fullmatch(factor) or int(factor) > MAX_WORK_FACTOR:
        raise AgeError(f"a work factor of 1 to {MAX_WORK_FACTOR} was expected")
    key = _wrapping_key(passphrase, salt, int(factor))
    try:
        return ChaCha20Poly1305(key).decrypt(FIXED_NONCE, stanza.body, None)
    except InvalidTag:
        raise NotForThisIdentity("the passphrase does not open this file") from None


def _wrapping_key(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    try:
        secret = passphrase.encode()
    except UnicodeEncodeError:
        raise AgeError("a passphrase is text that UTF-8 can write") from None
    if not secret:
        raise AgeError("a passphrase that is not empty was expected")
    return Scrypt(SCRYPT_LABEL + salt, 32, 1 << work_factor, 8, 1).derive(secret)
