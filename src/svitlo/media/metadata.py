"""What a file says of itself: kind, claims, provenance, preview and fingerprint.

The reader is chosen by content. What is known is reported early, so that a file which kills its
reader later still leaves its kind and its tags. A reason why something was not read is a result:
`too_large`, `unsupported`, `encrypted` here; `time`, `memory`, `crashed` and `bad_reply` are found
by the parent.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from svitlo.media import (
    archive,
    mail,
    pdf,
    perceptual,
    photo,
    preview,
    provenance,
    video,
    wacz,
    warc,
)
from svitlo.media.claim import Claims
from svitlo.media.kind import ends_of, kind_of, others_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from svitlo.media.signature import Kind

FRAME_BYTES = 512 * 1024
FINGERPRINT_PIXELS = 50_000_000
"""PDQ needs twelve bytes a pixel beside the picture itself."""

_LIBRARIES = ("pillow", "pillow-heif", "av", "pyexiv2", "c2pa-python", "pdqhash", "puremagic")
_SAME_EXTENSION = (
    *({"jpg", "jpeg", "jpe", "jfif", "mpo"}, {"tif", "tiff", "dng", "nef", "arw"}, {"htm", "html"}),
    *({"mp4", "m4v", "m4a", "mov"}, {"3gp", "3g2", "3gpp"}, {"heic", "heif", "hif"}),
    *(
        {"mpg", "mpeg"},
        {"ts", "mts", "m2ts"},
        {"ogg", "oga", "ogv", "opus"},
        {"gz", "tgz", "tar.gz"},
    ),
    *({"warc.gz", "warc", "gz"}, {"arc.gz", "arc", "gz"}, {"doc", "xls", "ppt", "msg", "msi"}),
    *({"exe", "dll", "sys", "scr"}, {"jp2", "j2k", "jpx", "jpf", "j2c"}, {"mkv", "mka", "webm"}),
    *({"bmp", "dib"}, {"sgi", "rgb", "rgba", "bw"}, {"fli", "flc"}, {"wmv", "asf", "wma"}),
)
_ANY_TEXT = frozenset({"text/plain", "text/x-script"})


def load() -> dict[str, str]:
    """Make every reader ready; comes back with the versions of their libraries."""
    photo.load()
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What has been found in one file; readers fill it."""

    kind: Kind
    claims: Claims
    answer: dict[str, Any]
    frames: dict[str, bytes]
    report: Callable[[], None]

    def skip(self, why: str) -> None:
        """Say why something was not read; the first reason stays, and no reason changes nothing."""
        if why:
            self.answer.setdefault("skipped", why)


def describe(
    stream: BinaryIO, request: Mapping[str, Any], so_far: Callable[[dict[str, Any]], None]
) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """The answer for one file, and its frames.

    They are the preview, the raw provenance report, and the signed part of a web archive.

    `request` holds size, name, pixels, anchors, trust_list; `so_far` takes early answers.
    """
    size = request["size"]
    kind = kind_of(stream, size)
    claims = Claims()
    answer: dict[str, Any] = {
        "kind": {"mime": kind.mime, "extension": kind.extension},
        "fields": claims.found,
        "provenance": {} if kind.mime in provenance.MIMES else {"verdict": "none"},
        "fingerprint": {},
        "has": [],
    }
    _note_name(kind, request["name"], claims)
    others = others_in(kind, *ends_of(stream, size))
    if others:
        claims.add("kind.also", [*others])
    so_far(answer)
    finding = Finding(
        kind=kind, claims=claims, answer=answer, frames={}, report=lambda: so_far(answer)
    )
    _READERS.get(kind.group, _unsupported)(stream, request, finding)
    answer["has"] = list(finding.frames)
    return answer, tuple(finding.frames.values())


def _note_name(kind: Kind, name: str, claims: Claims) -> None:
    """Flag an extension that does not belong to the content."""
    given = PurePosixPath(name.lower()).suffix.lstrip(".")
    if not given or given == kind.extension or kind.mime in _ANY_TEXT:
        return
    if any({given, kind.extension} <= same for same in _SAME_EXTENSION):
        return
    if kind.mime != "application/octet-stream":
        claims.add("kind.extension_differs", given)


def _unsupported(_stream: BinaryIO, _request: Mapping[str, Any], finding: Finding) -> None:
    finding.skip("unsupported")


def _empty(_stream: BinaryIO, _request: Mapping[str, Any], _finding: Finding) -> None:
    """Nothing to read, and nothing skipped."""


def _photo(stream: BinaryIO, request: Mapping[str, Any], finding: Finding) -> None:
    size, claims = request["size"], finding.claims
    thumbnail = photo.note_tags(stream, size, finding.kind, claims)
    photo.note_ending(stream, size, finding.kind, claims)
    finding.report()
    _note_provenance(stream, request, finding)
    picture = photo.picture_of(stream, finding.kind, claims, request["pixels"])
    if isinstance(picture, str):
        finding.skip(picture)
        return
    _note_picture(picture, finding)
    if thumbnail and "ref" in finding.answer["fingerprint"]:
        photo.note_thumbnail(thumbnail, finding.answer["fingerprint"], claims)


def _video(stream: BinaryIO, request: Mapping[str, Any], finding: Finding) -> None:
    picture = video.note_media(stream, finding.kind, finding.claims, request["pixels"])
    finding.report()
    _note_provenance(stream, request, finding)
    if isinstance(picture, str):
        finding.skip(picture)
    else:
        finding.frames["preview"] = preview.preview_of(picture)


def _pdf(stream: BinaryIO, request: Mapping[str, Any], finding: Finding) -> None:
    finding.skip(pdf.note_pdf(stream, request["size"], finding.claims))
    finding.report()
    _note_provenance(stream, request, finding)


def _archive(stream: BinaryIO, request: Mapping[str, Any], finding: Finding) -> None:
    finding.skip(archive.note_archive(stream, request["size"], finding.kind, finding.claims))


def _warc(stream: BinaryIO, _request: Mapping[str, Any], finding: Finding) -> None:
    warc.note_warc(stream, finding.kind, finding.claims)


def _wacz(stream: BinaryIO, request: Mapping[str, Any], finding: Finding) -> None:
    signed = wacz.note_wacz(stream, request["size"], finding.claims)
    if 0 < len(signed) <= FRAME_BYTES:
        finding.frames["signed"] = signed
    finding.report()
    finding.skip(archive.note_archive(stream, request["size"], finding.kind, finding.claims))


def _mail(stream: BinaryIO, request: Mapping[str, Any], finding: Finding) -> None:
    finding.skip(mail.note_mail(stream, request["size"], finding.kind, finding.claims))


def _text(stream: BinaryIO, request: Mapping[str, Any], finding: Finding) -> None:
    mail.note_text(stream, request["size"], finding.claims)
    if finding.kind.mime in provenance.MIMES:
        _note_provenance(stream, request, finding)


def _note_picture(picture: photo.Picture, finding: Finding) -> None:
    finding.frames["preview"] = preview.preview_of(picture.image, picture.turn)
    if picture.image.width * picture.image.height <= FINGERPRINT_PIXELS:
        finding.answer["fingerprint"] = perceptual.fingerprint(picture.image)
    else:
        finding.claims.add("fingerprint.missing", "too_large")


def _note_provenance(stream: BinaryIO, request: Mapping[str, Any], finding: Finding) -> None:
    verdict, report = provenance.read_provenance(
        stream,
        finding.kind.mime,
        request["size"],
        anchors=request["anchors"],
        trust_list=request["trust_list"],
    )
    if report:
        verdict["report_sha256"] = hashlib.sha256(report).hexdigest()
        verdict["report_bytes"] = len(report)
        if len(report) <= FRAME_BYTES:
            finding.frames["report"] = report
    finding.answer["provenance"] = verdict
    finding.report()


_READERS: dict[str, Callable[[BinaryIO, Mapping[str, Any], Finding], None]] = {
    "empty": _empty,
    "photo": _photo,
    "video": _video,
    "pdf": _pdf,
    "archive": _archive,
    "warc": _warc,
    "wacz": _wacz,
    "mail": _mail,
    "text": _text,
}
