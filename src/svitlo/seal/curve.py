"""Signatures checked in plain Python: Ed25519, ECDSA on P-256 and P-384, RSA with PKCS#1 v1.5.

For the court's verifier, which has the standard library only; elsewhere `seal.signature` checks
the same with a library. Nothing here is secret, so nothing takes constant time. Ed25519 compares
the bytes of R, refuses s >= L and keys of small order; a key used often gets a table of its
multiples, as the base point has one.

RFC 8032 section 5.1, FIPS 186-5 section 6.4, RFC 8017 section 8.2.2. Python 3.9: the court's
verifier carries this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha512

from svitlo.errors import SignatureError, VerifierKeyError
from svitlo.seal.note import (
    KIND_COSIGNATURE,
    KIND_ED25519,
    Verifier,
    VerifierLine,
    check_ed25519,
)

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)
_OFTEN = 4
"""Uses of a key before its table of 960 multiples is made: it costs as much as four checks."""

_Point = tuple[int, int, int, int]
_Row = list[_Point]
_IDENTITY: _Point = (0, 1, 1, 0)


def verifier(line: VerifierLine) -> Verifier:
    """What checks the signatures of a public key, in plain Python.

    Raises:
        VerifierKeyError: the key is weak, or signatures of its kind are not checked here.
    """
    if line.kind not in (KIND_ED25519, KIND_COSIGNATURE):
        raise VerifierKeyError(f"signatures of the kind of {line.name}'s key are not checked here")
    _ed25519_key(line.public)
    return Verifier(line.name, line.key_id, line.kind, partial(_holds, line.public))


def _holds(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        verify_ed25519(public, message, signature)
    except SignatureError:
        return False
    return True


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> None:
    """The key has signed the message.

    Raises:
        VerifierKeyError: the key is malformed, or too weak to trust.
        SignatureError: it has not.
    """
    key = _ed25519_key(public)
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= _L:  # noqa: PLR2004 - two numbers of 32 bytes
        raise SignatureError("an Ed25519 signature has 64 bytes, and its number is below the order")
    k = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % _L
    x, y, z, _ = _sum_of_rows(_base_rows(), s, key.times(k))
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    if (y | (x & 1) << 255).to_bytes(32, "little") != signature[:32]:
        raise SignatureError("an Ed25519 signature does not verify")


class _Ed25519Key:
    """The negative of a public point: with its small multiples, or all rows once used often."""

    def __init__(self, public: bytes) -> None:
        check_ed25519(public)
        x, y = _decoded(public)
        self._point = (-x % _P, y, 1, -x * y % _P)
        self._small = _multiples(self._point)[0]
        self._rows: list[_Row] = []
        self._uses = 0

    def times(self, scalar: int) -> _Point:
        self._uses += 1
        if self._uses == _OFTEN:
            self._rows = _all_rows(self._point)
        if self._rows:
            return _sum_of_rows(self._rows, scalar, _IDENTITY)
        x, y, z, t = _IDENTITY
        for digit in f"{scalar:064x}":
            for _ in range(4):
                a, b, c = x * x % _P, y * y % _P, 2 * z * z
                e, g = (x + y) * (x + y) - a - b, b - a
                f, h = (g - c) % _P, -a - b
                e %= _P
                x, y, z, t = e * f % _P, g * h % _P, f * g % _P, e * h
            x, y, z, t = _added((x, y, z, t % _P), self._small[int(digit, 16)])
        return x, y, z, t


_ed25519_key = lru_cache(maxsize=64)(_Ed25519Key)


@lru_cache(maxsize=1)
def _base_rows() -> list[_Row]:
    x, y = _decoded((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    return _all_rows((x, y, 1, x * y % _P))


def _decoded(public: bytes) -> tuple[int, int]:
    """The coordinates of an encoded point (RFC 8032 section 5.1.3)."""
    y = int.from_bytes(public, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    u, v = y * y - 1, _D * y * y + 1
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P:
        x = x * _SQRT_OF_MINUS_1 % _P
    if (v * x * x - u) % _P:
        raise VerifierKeyError("an Ed25519 key is not a point of its curve")
    return (x if x & 1 == sign else _P - x), y


def _prepared(point: _Point) -> _Point:
    """A point as `_added` takes its second one: y - x, y + x, 2dt, 2z."""
    x, y, z, t = point
    return y - x, y + x, 2 * _D * t % _P, 2 * z


def _added(point: _Point, prepared: _Point) -> _Point:
    x, y, z, t = point
    minus, plus, t2, z2 = prepared
    a, b, c, d = (y - x) * minus % _P, (y + x) * plus % _P, t * t2 % _P, z * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiples(point: _Point) -> tuple[_Row, _Point]:
    """The multiples 0 to 15 of a point, prepared, and its multiple 16."""
    step, reached, row = _prepared(point), _IDENTITY, []
    for _ in range(16):
        row.append(_prepared(reached))
        reached = _added(reached, step)
    return row, reached


def _all_rows(point: _Point) -> list[_Row]:
    """A row of multiples for each of the 64 hexadecimal digits of a scalar, the lowest first."""
    rows = []
    for _ in range(64):
        row, point = _multiples(point)
        rows.append(row)
    return rows


def _sum_of_rows(rows: list[_Row], scalar: int, reached: _Point) -> _Point:
    for row in rows:
        reached = _added(reached, row[scalar & 15])
        scalar >>= 4
    return reached


@dataclass(frozen=True)
class Curve:
    """A curve y^2 = x^3 - 3x + b over the numbers modulo p, with a base point of order n."""

    name: str
    size_bytes: int
    p: int
    b: int
    n: int
    base: tuple[int, int]


P256 = Curve(
    "P-256",
    32,
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
)
P384 = Curve(
    "P-384",
    48,
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    (
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    ),
)


def verify_ecdsa(curve: Curve, public: bytes, digest: bytes, signature: bytes) -> None:
    """The key, an uncompressed point, has signed the digest; the signature is in DER.

    Raises:
        VerifierKeyError: the key is not a point of the curve.
        SignatureError: it has not.
    """
    size, p, n = curve.size_bytes, curve.p, curve.n
    x, y = int.from_bytes(public[1 : 1 + size], "big"), int.from_bytes(public[1 + size :], "big")
    if len(public) != 1 + 2 * size or public[0] != 4 or max(x, y) >= p:  # noqa: PLR2004 - SEC 1
        raise VerifierKeyError(f"a key of {curve.name} is an uncompressed point")
    if (y * y - x * x * x + 3 * x - curve.b) % p:
        raise VerifierKeyError(f"the key is not a point of {curve.name}")
    r, s = _two_numbers(signature)
    if not (0 < r < n and 0 < s < n):
        raise SignatureError("the numbers of an ECDSA signature lie between 0 and the order")
    e, w = int.from_bytes(digest[:size], "big"), pow(s, -1, n)
    reached, _, z = _two_products(curve, e * w % n, (x, y), r * w % n)
    if not z or (reached * pow(z, -2, p) % p) % n != r:
        raise SignatureError("an ECDSA signature does not verify")


def _two_numbers(signature: bytes) -> tuple[int, int]:
    """The two INTEGERs of a DER SEQUENCE below 128 bytes, in their one canonical form."""
    numbers, at = [], 2
    while at + 1 < len(signature) and signature[at] == 2:  # noqa: PLR2004 - the tag of INTEGER
        end = at + 2 + signature[at + 1]
        numbers.append(int.from_bytes(signature[at + 2 : end], "big", signed=True))
        at = end
    body = b"".join(_der_integer(number) for number in numbers)
    if len(numbers) != 2 or signature != bytes((0x30, len(body) & 127)) + body:  # noqa: PLR2004
        raise SignatureError("an ECDSA signature is a SEQUENCE of two INTEGERs in DER")
    return numbers[0], numbers[1]


def _der_integer(number: int) -> bytes:
    size = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return bytes((2, size & 255)) + number.to_bytes(size, "big", signed=True)


_Jacobian = tuple[int, int, int]


def _two_products(curve: Curve, u: int, public: tuple[int, int], v: int) -> _Jacobian:
    """The sum u * base + v * public, by the hexadecimal digits of both."""
    p, tables = curve.p, []
    for point in (curve.base, public):
        row: list[_Jacobian] = [(1, 1, 0), (*point, 1)]
        while len(row) < 16:  # noqa: PLR2004 - a hexadecimal digit
            row.append(_jacobian_sum(row[-1], row[1], p))
        tables.append(row)
    reached: _Jacobian = (1, 1, 0)
    digits = 2 * curve.size_bytes
    for one, other in zip(f"{u:0{digits}x}", f"{v:0{digits}x}"):
        for _ in range(4):
            reached = _jacobian_double(reached, p)
        reached = _jacobian_sum(reached, tables[0][int(one, 16)], p)
        reached = _jacobian_sum(reached, tables[1][int(other, 16)], p)
    return reached


def _jacobian_double(point: _Jacobian, p: int) -> _Jacobian:
    x, y, z = point
    delta, gamma = z * z % p, y * y % p
    beta, alpha = x * gamma % p, 3 * (x - delta) * (x + delta) % p
    x3 = (alpha * alpha - 8 * beta) % p
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % p, 2 * y * z % p


def _jacobian_sum(point: _Jacobian, other: _Jacobian, p: int) -> _Jacobian:
    (x, y, z), (x2, y2, z2) = point, other
    if not z or not z2:
        return other if not z else point
    square, square2 = z * z % p, z2 * z2 % p
    u, s = x * square2 % p, y * square2 * z2 % p
    h, r = (x2 * square - u) % p, (y2 * square * z - s) % p
    if not h:
        return (1, 1, 0) if r else _jacobian_double(point, p)
    hh = h * h % p
    hhh, v = h * hh % p, u * hh % p
    x3 = (r * r - hhh - 2 * v) % p
    return x3, (r * (v - x3) - s * hhh) % p, z * z2 * h % p


_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
_DIGEST_INFO = {
    32: bytes.fromhex("3031300d060960864801650304020105000420"),
    48: bytes.fromhex("3041300d060960864801650304020205000430"),
    64: bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""What stands before a SHA-256, SHA-384 or SHA-512 digest (RFC 8017 section 9.2)."""


def verify_rsa(modulus: int, exponent: int, digest: bytes, signature: bytes) -> None:
    """The key has signed the digest (SHA-256, SHA-384 or SHA-512) by PKCS#1 v1.5.

    Raises:
        VerifierKeyError: the key has below 2,048 or above 8,192 bits, or an unusual exponent.
        SignatureError: it has not.
    """
    if not _MIN_RSA_BITS <= modulus.bit_length() <= _MAX_RSA_BITS:
        raise VerifierKeyError(f"an RSA key of {modulus.bit_length()} bits is not trusted")
    if not 1 < exponent < 1 << 33 or not exponent & modulus & 1:
        raise VerifierKeyError("an RSA key has an odd modulus and a small odd exponent")
    size = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus or len(digest) not in _DIGEST_INFO:
        raise SignatureError("an RSA signature has the length of its key, over a SHA-2 digest")
    wanted = b"\x00" + _DIGEST_INFO[len(digest)] + digest
    wanted = b"\x00\x01" + b"\xff" * (size - 2 - len(wanted)) + wanted
    if pow(number, exponent, modulus).to_bytes(size, "big") != wanted:
        raise SignatureError("an RSA signature does not verify")
