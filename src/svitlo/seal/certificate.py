"""X.509 certificates, and the BER they are written in: as much as time stamps need.

Lengths are read as BER allows them; `Element.is_der` tells what is not DER. A certificate issues
another when its name is the other's issuer, its key has signed it, and it may.

X.690 sections 8 and 10, RFC 5280 sections 4 and 6. Python 3.9: the court's verifier carries this
module.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from svitlo.errors import SealError, SignatureError, TimestampError
from svitlo.seal.curve import P256, P384, verify_ecdsa, verify_rsa

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

BOOLEAN, INTEGER, BITS, OCTETS, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, TIME, WIDE_TEXT, SEQUENCE, SET = 0x17, 0x18, 0x1E, 0x30, 0x31
TAGGED_0, TAGGED_1, TAGGED_3 = 0xA0, 0xA1, 0xA3
CONSTRUCTED = 0x20
"""The tags of the elements that stamps and certificates are made of."""

HASHES = {
    "608648016503040201": "sha256",
    "608648016503040202": "sha384",
    "608648016503040203": "sha512",
}
"""The digests that are trusted, by their object identifiers."""

RSA = "2a864886f70d010101"
_EC = "2a8648ce3d0201"
_CURVES = {"2a8648ce3d030107": P256, "2b81040022": P384}
SIGNATURES = {
    "2a864886f70d01010b": "sha256",
    "2a864886f70d01010c": "sha384",
    "2a864886f70d01010d": "sha512",
    "2a8648ce3d040302": "sha256",
    "2a8648ce3d040303": "sha384",
    "2a8648ce3d040304": "sha512",
}
"""The digest that shaNWithRSAEncryption and ecdsa-with-SHAn sign, by their object identifiers."""

_BASIC, _KEY_USAGE, _EXTENDED_USAGE, _POLICIES = "551d13", "551d0f", "551d25", "551d20"
_UNDERSTOOD = {_BASIC, _KEY_USAGE, _EXTENDED_USAGE, _POLICIES}
_TIME_STAMPING = "2b06010505070308"
_MAX_DEPTH = 24
_MAX_PATH = 8
_MAX_PATHS = 4
"""Nobody needs more authorities above one another, or more ways up; more would only take time."""


def expect(claim: object, fact: str) -> None:
    """The claim holds.

    Raises:
        TimestampError: it does not; the fact says what is the case instead.
    """
    if not claim:
        raise TimestampError(f"a time stamp does not hold: {fact}")


@dataclass(frozen=True)
class Element:
    """A BER element: its tag, its content, and all its bytes."""

    tag: int
    body: bytes
    raw: bytes

    def parts(self) -> list[Element]:
        """The elements inside this one."""
        parts, at = [], 0
        while at < len(self.body):
            part, at = _read(self.body, at, 0)
            parts.append(part)
        return parts

    def only(self) -> Element:
        """The one element inside this one."""
        parts = self.parts()
        expect(len(parts) == 1, f"there are {len(parts)} elements where one belongs")
        return parts[0]

    def hex(self) -> str:
        """The content in hex: for object identifiers, which are compared only."""
        return self.body.hex()

    def number(self) -> int:
        """The value of an INTEGER."""
        return int.from_bytes(self.body, "big", signed=True)

    def octets(self) -> bytes:
        """The content of an OCTET STRING, joined where it comes in pieces."""
        expect(self.tag & ~CONSTRUCTED == OCTETS, "there is no octet string")
        return b"".join(map(Element.octets, self.parts())) if self.tag != OCTETS else self.body

    def is_der(self, depth: int = 0) -> bool:
        """Whether every length inside is written in its shortest form, and every number too."""
        if depth > _MAX_DEPTH or self.raw != der(self.tag, self.body):
            return False
        if self.tag & CONSTRUCTED:
            return all(part.is_der(depth + 1) for part in self.parts())
        return self.tag != INTEGER or self.body[:2].hex() not in _PADDED or len(self.body) == 1


_PADDED = {f"00{byte:02x}" for byte in range(128)} | {f"ff{byte:02x}" for byte in range(128, 256)}


def whole(encoded: bytes) -> Element:
    """The one element that these bytes are.

    Raises:
        TimestampError: they are not one element.
    """
    element, end = _read(encoded, 0, 0)
    expect(end == len(encoded), "bytes are left over")
    return element


def _read(encoded: bytes, at: int, depth: int) -> tuple[Element, int]:
    """The element that begins at a place, and where it ends."""
    expect(at + 2 <= len(encoded) and encoded[at] & 31 != 31, "an element is cut off")  # noqa: PLR2004 - a longer tag
    tag, size, start = encoded[at], encoded[at + 1], at + 2
    if size == 0x80:  # noqa: PLR2004 - it ends at two zero bytes
        expect(tag & CONSTRUCTED and depth < _MAX_DEPTH, "an element has no end")
        end = start
        while encoded[end : end + 2] != b"\0\0":
            _, end = _read(encoded, end, depth + 1)
        return Element(tag, encoded[start:end], encoded[at : end + 2]), end + 2
    if size > 0x80:  # noqa: PLR2004 - as many bytes of length follow
        start += size & 127
        size = int.from_bytes(encoded[at + 2 : start], "big")
    end = start + size
    expect(end <= len(encoded), "an element is cut off")
    return Element(tag, encoded[start:end], encoded[at:end]), end


def der(tag: int, body: bytes) -> bytes:
    """The element in DER."""
    size = len(body)
    if size < 0x80:  # noqa: PLR2004 - a short length
        return bytes((tag, size)) + body
    wide = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(wide))) + wide + body


class Fields:
    """The parts of a constructed element, taken one by one in their order."""

    def __init__(self, element: Element) -> None:
        expect(element.tag & CONSTRUCTED, "an element has no parts")
        self._parts = element.parts()[::-1]

    def take(self, tag: int) -> Element:
        """The next part, which has this tag.

        Raises:
            TimestampError: it has another.
        """
        expect(self._parts and self._parts[-1].tag == tag, f"an element {tag:#04x} is missing")
        return self._parts.pop()

    def inner(self, tag: int = SEQUENCE) -> Fields:
        """The parts of the next part."""
        return Fields(self.take(tag))

    def optional(self, tag: int) -> Element | None:
        """The next part, when it has this tag."""
        return self.take(tag) if self._parts and self._parts[-1].tag == tag else None

    def flag(self) -> bool:
        """The value of a BOOLEAN that may stand here; without it, false."""
        found = self.optional(BOOLEAN)
        return found is not None and found.body != b"\0"

    def rest(self) -> list[Element]:
        """The parts not taken."""
        return self._parts[::-1]


def time_of(element: Element) -> datetime:
    """A UTCTime or GeneralizedTime, in UTC.

    Raises:
        TimestampError: it is not one, or not in UTC.
    """
    text = element.body.decode("ascii", "replace")
    if element.tag == UTC_TIME:
        text = ("19" if text >= "5" else "20") + text
    found = re.fullmatch(r"([0-9]{14})(?:\.([0-9]{1,9}))?Z", text)
    if element.tag not in (UTC_TIME, TIME) or found is None:
        raise TimestampError("a time stamp does not hold: a time is not in UTC")
    try:
        seconds = datetime.strptime(found[1] + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        raise TimestampError("a time stamp does not hold: a time that never is") from None
    return seconds.replace(microsecond=int((found[2] or "")[:6].ljust(6, "0")))


def extensions_of(parts: Sequence[Element]) -> dict[str, tuple[bool, bytes]]:
    """The extensions by their object identifiers: whether critical, and the value."""
    found: dict[str, tuple[bool, bytes]] = {}
    for part in parts:
        fields = Fields(part)
        name = fields.take(OID).hex()
        expect(name not in found, "an extension stands twice")
        found[name] = (fields.flag(), fields.take(OCTETS).body)
    return found


class Certificate:
    """A certificate, from its bytes in DER.

    Raises:
        TimestampError: it is malformed.
    """

    def __init__(self, raw: bytes) -> None:
        outer = Fields(whole(raw))
        self.raw, self._signed = raw, outer.take(SEQUENCE)
        self._algorithm = outer.inner().take(OID).hex()
        self._signature = outer.take(BITS).body[1:]
        fields = Fields(self._signed)
        fields.optional(TAGGED_0)
        self.serial = fields.take(INTEGER).number()
        fields.take(SEQUENCE)
        self.issuer = fields.take(SEQUENCE).raw
        times = fields.take(SEQUENCE).parts()
        expect(len(times) == 2, "a certificate is valid from one time to another")  # noqa: PLR2004
        self.not_before, self.not_after = time_of(times[0]), time_of(times[1])
        self.subject = fields.take(SEQUENCE).raw
        self._key = fields.take(SEQUENCE)
        more = [part for part in fields.rest() if part.tag == TAGGED_3]
        self._extensions = extensions_of(more[0].only().parts() if more else [])

    def holder(self) -> str:
        """The organisation and the name of the holder."""
        found: dict[str, str] = {}
        for part in whole(self.subject).parts():
            fields = Fields(part).inner()
            name, text = fields.take(OID).hex(), (fields.rest() or [part])[0]
            words = text.body.decode("utf-16-be" if text.tag == WIDE_TEXT else "utf-8", "replace")
            found.setdefault(name, "".join(letter for letter in words if letter.isprintable()))
        return ", ".join(found[name] for name in ("55040a", "550403") if found.get(name))

    def check_signature(self, hash_name: str, message: bytes, signature: bytes) -> None:
        """The key of this certificate has signed the message.

        Raises:
            SealError: it has not, or by an algorithm that is not checked here.
        """
        fields = Fields(self._key)
        algorithm, key = fields.inner(), fields.take(BITS).body[1:]
        kind = algorithm.take(OID).hex() if hash_name else ""
        curve = _CURVES.get(algorithm.take(OID).hex()) if kind == _EC else None
        if curve is None and kind != RSA:
            raise SignatureError("a signature by an algorithm that is not checked here")
        digest = hashlib.new(hash_name, message).digest()
        if curve is not None:
            verify_ecdsa(curve, key, digest, signature)
        else:
            modulus, exponent = (part.number() for part in _two(whole(key)))
            verify_rsa(modulus, exponent, digest, signature)

    def has_issued(self, other: Certificate) -> bool:
        """Whether the other names this one as its issuer, and this one has signed it."""
        name = SIGNATURES.get(other._algorithm, "")
        try:
            self.check_signature(name, other._signed.raw, other._signature)
        except SealError:
            return False
        return other.issuer == self.subject

    def is_valid(self, at: datetime) -> bool:
        """Whether the time lies in the validity, and every critical extension is understood."""
        critical = {name for name, (flag, _) in self._extensions.items() if flag}
        return self.not_before <= at <= self.not_after and critical <= _UNDERSTOOD

    def authorities_below(self) -> int:
        """How many authorities may stand between this one and a leaf; -1 if this is none."""
        _, value = self._extensions.get(_BASIC, (False, b"\x30\0"))
        fields = Fields(whole(value))
        if not fields.flag() or not self._may(5):
            return -1
        limit = fields.optional(INTEGER)
        return _MAX_PATH if limit is None else limit.number()

    def is_for_stamps(self) -> bool:
        """Whether this is a leaf whose key may sign stamps and nothing else (RFC 3161, 2.3)."""
        critical, value = self._extensions.get(_EXTENDED_USAGE, (False, b"\x30\0"))
        uses = [use.hex() for use in whole(value).parts()]
        leaf = self.authorities_below() < 0 and (self._may(0) or self._may(1))
        return critical and uses == [_TIME_STAMPING] and leaf

    def _may(self, bit: int) -> bool:
        """Whether the key usage has this bit, or none is stated."""
        _, value = self._extensions.get(_KEY_USAGE, (False, b"\x03\x02\0\xff"))
        return bool(int.from_bytes(whole(value).body[1:2], "big") & 0x80 >> bit)


def _two(element: Element) -> tuple[Element, Element]:
    fields = Fields(element)
    return fields.take(INTEGER), fields.take(INTEGER)


def path_to_root(
    leaf: Certificate, pool: Sequence[Certificate], roots: Collection[bytes], at: datetime
) -> list[Certificate]:
    """The certificates from above the leaf up to a pinned root (DER), all valid at that time.

    Raises:
        TimestampError: there is no such path.
    """
    paths = [[leaf]]
    for below in range(_MAX_PATH):
        above: list[list[Certificate]] = []
        for path in paths:
            usable = [one for one in pool if one.is_valid(at) and one.authorities_below() >= below]
            issuers = [one for one in usable if one not in path and one.subject == path[-1].issuer]
            above += [[*path, one] for one in issuers if one.has_issued(path[-1])]
        for path in above:
            if path[-1].raw in roots:
                return path[1:]
        paths = above[:_MAX_PATHS]
    raise TimestampError("no path leads from the authority to a pinned root valid at that time")


def certificates_of(pem: bytes) -> list[bytes]:
    """The certificates of a PEM file, in DER.

    Raises:
        TimestampError: one is not base64.
    """
    blocks = re.findall(b"-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----", pem)
    try:
        return [base64.b64decode(b"".join(block.split()), validate=True) for block in blocks]
    except ValueError:
        raise TimestampError("a certificate in a PEM file is not base64") from None


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 fingerprint of a certificate in DER, as authorities publish it."""
    return hashlib.sha256(certificate).hexdigest()
