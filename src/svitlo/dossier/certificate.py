"""The draft of a certificate of authenticity, in four languages; a qualified person signs it.

Guided by rules 902(13) and 902(14) of the United States Federal Rules of Evidence: who certifies,
what was copied from what, by which process and tool, and that the digest of the original equals
that of the copy. Every number in it can be recomputed from the dossier; the last line of each text
is those numbers as canonical JSON. The node never signs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from svitlo.seal.canonical import dumps

LANGUAGES = ("en", "uk", "fr", "de")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a certificate says beside its numbers; `version` is that of svitlo, times are UTC."""

    dossier: str
    title: str
    node: str
    organisation: str
    exported_at: str
    recipient: str
    version: str
    index_sha256: str


def certificate_json(facts: Facts, figures: Mapping[str, Any]) -> bytes:
    """The certificate's content as canonical JSON with its line end."""
    value = {
        "v": 1,
        "draft": True,
        "dossier": facts.dossier,
        "title": facts.title,
        "node": facts.node,
        "organisation": facts.organisation,
        "exported_at": facts.exported_at,
        "recipient": facts.recipient,
        "tool": {"name": "svitlo", "version": facts.version},
        "guided_by": ["FRE 902(13)", "FRE 902(14)"],
        "index_sha256": facts.index_sha256,
        "figures": dict(figures),
    }
    return dumps(value) + b"\n"


def certificate_text(facts: Facts, figures: Mapping[str, Any], language: str) -> bytes:
    """The draft in one language (`en`, `uk`, `fr`, `de`), its last line the numbers as JSON."""
    words = resources.files("svitlo.dossier").joinpath(f"templates/certificate.{language}.txt")
    stamps = ", ".join(f"{stamp['authority']} {stamp['time']}" for stamp in figures["stamps"])
    values = {
        "dossier": facts.dossier,
        "title": _one_line(facts.title),
        "node": _one_line(facts.node),
        "organisation": _one_line(facts.organisation),
        "recipient": _one_line(facts.recipient),
        "exported_at": facts.exported_at,
        "version": facts.version,
        "index": facts.index_sha256,
        **{name: figures[name] for name in figures if name != "stamps"},
        "stamps": stamps or "-",
    }
    text = words.read_text(encoding="utf-8").format_map(values)
    return text.encode() + dumps(dict(figures)) + b"\n"


def _one_line(text: str) -> str:
    """The text without line ends and control characters: it cannot add a line of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
