"""A secret key in shares: any two of three people together have it, one alone has nothing.

Shamir's scheme, byte by byte over GF(2^8) with the polynomial of AES (x^8 + x^4 + x^3 + x + 1). A
share is printed as Bech32, so that a typing error is found; it names its number, the threshold and
the first bytes of the digest of the *public* key. Joining compares that digest with the key that
came out, so shares of different keys, or of different splittings, never pass as a key.

Source: A. Shamir, "How to share a secret", Communications of the ACM 22 (1979) 612; the field is
that of FIPS 197 section 4.2.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from svitlo.errors import AgeError
from svitlo.seal import bech32
from svitlo.seal.recipients import HybridIdentity, Identity, Random, X25519Identity

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "svitlo-share-"
KINDS: tuple[type[Identity], ...] = (HybridIdentity, X25519Identity)
"""What a share's first byte counts from 1: the kind of identity that was split."""

SECRET_BYTES = 32
KEY_ID_BYTES = 8
MIN_THRESHOLD = 2
"""With one share enough, the share would be the key."""
MAX_SHARES = 255
_FIELD_POLYNOMIAL = 0x11B


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One share: point `number` of the polynomials whose value at 0 is the secret."""

    kind: int
    threshold: int
    number: int
    key_id: bytes
    value: bytes = field(repr=False)


def split_identity(
    identity: Identity, random: Random, *, threshold: int = 2, count: int = 3
) -> tuple[Share, ...]:
    """Shares of the identity, any `threshold` of which join to it.

    `random` draws `threshold - 1` times 32 bytes, the coefficients from the first power on.

    Raises:
        AgeError: the threshold is not 2 to `count`, or `count` is more than 255.
    """
    if not MIN_THRESHOLD <= threshold <= count <= MAX_SHARES:
        raise AgeError(f"a threshold of 2 to {count} and at most {MAX_SHARES} shares were expected")
    polynomial = [identity.secret, *(random(SECRET_BYTES) for _ in range(threshold - 1))]
    return tuple(
        Share(
            kind=1 + KINDS.index(type(identity)),
            threshold=threshold,
            number=number,
            key_id=_key_id(identity),
            value=_evaluate(polynomial, number),
        )
        for number in range(1, count + 1)
    )


def join_identity(shares: Sequence[Share]) -> Identity:
    """The identity that the shares were split from.

    Raises:
        AgeError: there are too few, one comes twice, or they do not belong together.
    """
    numbers = {share.number for share in shares}
    if not shares or len({(s.kind, s.threshold, s.key_id) for s in shares}) > 1:
        raise AgeError("shares of one key were expected")
    first = shares[0]
    if len(numbers) != len(shares) or len(shares) < first.threshold:
        raise AgeError(
            f"{first.threshold} different shares were expected, {len(numbers)} were found"
        )
    identity = KINDS[first.kind - 1](_at_zero(shares))
    if _key_id(identity) != first.key_id:
        raise AgeError("these shares do not join to their key: they are of different splittings")
    return identity


def format_share(share: Share) -> str:
    """The share as text to print, `SVITLO-SHARE-1...`."""
    content = bytes((share.kind, share.threshold, share.number)) + share.key_id + share.value
    return bech32.encode(PREFIX, content).upper()


def parse_share(text: str) -> Share:
    """The share that a text is, in upper or lower case.

    Raises:
        AgeError: it is no share, or was mistyped; the message does not quote it.
    """
    prefix, content = bech32.decode(text)
    if prefix != PREFIX or len(content) != 3 + KEY_ID_BYTES + SECRET_BYTES:
        raise AgeError("a share was expected; it begins with SVITLO-SHARE-1")
    kind, threshold, number = content[:3]
    if not 1 <= kind <= len(KINDS) or threshold < MIN_THRESHOLD or not number:
        raise AgeError("a share of an unknown kind, or one that no splitting makes, was found")
    key_id, value = content[3 : 3 + KEY_ID_BYTES], content[3 + KEY_ID_BYTES :]
    return Share(kind=kind, threshold=threshold, number=number, key_id=key_id, value=value)


def multiply(left: int, right: int) -> int:
    """The product of two elements of GF(2^8), 0 to 255 each."""
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = left << 1 ^ (_FIELD_POLYNOMIAL if left & 0x80 else 0)
        right >>= 1
    return product


def _inverse(element: int) -> int:
    """The element whose product with this one is 1: its 254th power."""
    power = 1
    for _ in range(254):
        power = multiply(power, element)
    return power


def _evaluate(polynomial: Sequence[bytes], at: int) -> bytes:
    """The values at one point of one polynomial a byte, lowest power first (Horner)."""
    value = bytes(SECRET_BYTES)
    for coefficients in reversed(polynomial):
        value = bytes(multiply(v, at) ^ c for v, c in zip(value, coefficients, strict=True))
    return value


def _at_zero(shares: Sequence[Share]) -> bytes:
    """The polynomials' values at 0 (Lagrange)."""
    secret = bytes(SECRET_BYTES)
    for share in shares:
        weight = 1
        for other in shares:
            if other is not share:
                quotient = multiply(other.number, _inverse(other.number ^ share.number))
                weight = multiply(weight, quotient)
        secret = bytes(s ^ multiply(v, weight) for s, v in zip(secret, share.value, strict=True))
    return secret


def _key_id(identity: Identity) -> bytes:
    return hashlib.sha256(identity.recipient.public).digest()[:KEY_ID_BYTES]
