"""What a file's Content Credentials (C2PA) are worth, as one of five values and never a tick.

`none`, `unreadable`, `invalid`, `intact_untrusted`, `trusted`. Nothing is fetched: a remote
manifest would tell its server who looks at what. A broken ingredient leaves the file itself intact,
so its findings stand beside the verdict. C2PA does not cover every byte: integrity is our digest.

Source: C2PA 2.2, 15 (validation) and 15.12 (status codes); the library's settings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

import c2pa

from svitlo.media.claim import PARSER_ERRORS, clean_text, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from svitlo.media.claim import Value

TOOL = "c2pa-rs"
MIMES = frozenset(
    (
        *("image/jpeg", "image/png", "image/gif", "image/tiff", "image/webp", "image/avif"),
        *("image/heic", "image/svg+xml", "video/mp4", "video/quicktime", "video/x-msvideo"),
        *("audio/mp4", "audio/mpeg", "audio/wav", "application/pdf"),
    )
)
SIZE_BYTES = 256 << 20
"""The library needs as much memory as the file is long."""

_VERDICTS = {"Invalid": "invalid", "Valid": "intact_untrusted", "Trusted": "trusted"}
_ENTRIES = 40
_INGREDIENT_BYTES = 6 * 1024
"""Room in a statement; the raw report has them all."""


def read_provenance(
    stream: BinaryIO, mime: str, size: int, *, anchors: str = "", trust_list: str = ""
) -> tuple[dict[str, Value], bytes]:
    """The verdict with its findings, and the library's raw report.

    `anchors` are PEM certificates of the trust list named `trust_list`.
    """
    verdict: dict[str, Value] = {"tool": TOOL, "version": c2pa.sdk_version()}
    if trust_list:
        verdict["trust_list"] = trust_list
    if mime not in MIMES:
        return {**verdict, "verdict": "none"}, b""
    if size > SIZE_BYTES:
        return {**verdict, "verdict": "unreadable", "reason": "too_large"}, b""
    settings: dict[str, object] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True}
    }
    if anchors:
        settings["trust"] = {"user_anchors": anchors}
    stream.seek(0)
    try:
        context = c2pa.Context.from_dict(settings)
        report = c2pa.Reader(mime, stream, context=context).json()
        return {**verdict, **_findings(json.loads(report))}, report.encode()
    except c2pa.C2paError as error:
        return {**verdict, **_failure(error)}, b""
    except PARSER_ERRORS as error:
        return {**verdict, "verdict": "unreadable", "reason": reason(error)}, b""


def _failure(error: c2pa.C2paError) -> dict[str, Value]:
    text = str(error)
    if text.startswith("ManifestNotFound"):
        return {"verdict": "none"}
    return {"verdict": "unreadable", "reason": clean_text(text, 300)}


def _findings(report: Mapping[str, object]) -> dict[str, Value]:
    """The verdict, failure codes, what the ingredients add, and what the signer says."""
    results = _object(report.get("validation_results"))
    found: dict[str, Value] = {
        "verdict": _VERDICTS.get(str(report.get("validation_state")), "unreadable"),
        "codes": _codes(_object(results.get("activeManifest")).get("failure")),
        "ingredient_codes": _delta_codes(results.get("ingredientDeltas")),
    }
    manifest = _object(_object(report.get("manifests")).get(str(report.get("active_manifest"))))
    _add_ingredients(found, manifest.get("ingredients"))
    signature = _object(manifest.get("signature_info"))
    texts = {
        "generator": manifest.get("claim_generator") or _generator(manifest),
        **{f"signature_{name}": signature.get(name) for name in ("issuer", "common_name", "time")},
    }
    return found | {name: clean_text(str(text), 200) for name, text in texts.items() if text}


def _add_ingredients(found: dict[str, Value], listed: object) -> None:
    """Title, relationship and findings of each ingredient, whose breaking leaves the file valid."""
    entries: list[Value] = []
    room_bytes = _INGREDIENT_BYTES
    for ingredient in map(_object, _array(listed)):
        entry: dict[str, Value] = {
            name: clean_text(str(ingredient[name]), 200)
            for name in ("title", "relationship")
            if ingredient.get(name)
        }
        entry["codes"] = _codes(ingredient.get("validation_status"))
        room_bytes -= len(json.dumps(entry))
        if room_bytes < 0:
            found["ingredients_cut"] = True
            break
        entries.append(entry)
    if entries:
        found["ingredients"] = entries


def _delta_codes(deltas: object) -> list[Value]:
    found: list[Value] = []
    for delta in map(_object, _array(deltas)):
        found += _codes(_object(delta.get("validationDeltas")).get("failure"))
    return found[:_ENTRIES]


def _codes(statuses: object) -> list[Value]:
    return [clean_text(str(_object(status).get("code")), 100) for status in _array(statuses)]


def _generator(manifest: Mapping[str, object]) -> object:
    listed = _array(manifest.get("claim_generator_info"))
    return _object(listed[0]).get("name") if listed else None


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _array(value: object) -> list[object]:
    return value[:_ENTRIES] if isinstance(value, list) else []
