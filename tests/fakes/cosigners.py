"""Cosigners with keys made from their names, as keys, members and cosignatures."""

from __future__ import annotations

from hashlib import sha256

from svitlo.seal import policy, signature
from svitlo.seal.cosignature import Cosigned


def key(name: str, kind: int = 4, seed: int | None = None) -> signature.SigningKey:
    text = f"{name} {kind}" if seed is None else f"{seed}"
    return signature.SigningKey(name=name, kind=kind, seed=sha256(text.encode()).digest())


def cosigned(*keys: signature.SigningKey) -> list[Cosigned]:
    lines = [made.verifier_line for made in keys]
    return [Cosigned(line.name, line.key_id, line.kind, 100) for line in lines]


def member(name: str, bloc: str = "", kinds: tuple[int, ...] = (4,)) -> policy.Member:
    return policy.Member(name, tuple(key(name, kind).verifier_line for kind in kinds), bloc)
