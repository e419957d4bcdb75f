"""What a film or a recording says of itself, and its first frame.

The container's demuxer is chosen by the kind found, so that a file cannot choose one that opens
other files. Only the head, the index and the first frame are read. Edit lists are read from the
boxes themselves, since a player that follows them hides what they leave out.

Sources: ISO 14496-12 (8.6.6 edit list), QuickTime File Format, ISO 6709 annex H.
"""

from __future__ import annotations

import re
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import av
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from svitlo.media.claim import PARSER_ERRORS, clean_text, decimal, reason, time_of
from svitlo.media.exif import degrees_text
from svitlo.media.preview import in_colour

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from svitlo.media.claim import Claims, Value
    from svitlo.media.signature import Kind

_DEMUXERS = {
    **dict.fromkeys(("mp4", "mov", "3gp", "m4a"), "mov"),
    **dict.fromkeys(("mkv", "webm"), "matroska"),
    **{name: name for name in ("avi", "wav", "mp3", "flac", "ogg", "amr", "flv")},
    "mpg": "mpeg",
    "ts": "mpegts",
    "wmv": "asf",
}
_BOXES = frozenset({"mp4", "mov", "3gp", "m4a"})
_APPLE = "com.apple.quicktime."
_TAGS: dict[str, tuple[str, ...]] = {
    "camera.make": (_APPLE + "make", "make", "com.android.manufacturer"),
    "camera.model": (_APPLE + "model", "model", "com.android.model"),
    "media.software": (_APPLE + "software", "software", "encoder"),
    "media.android_version": ("com.android.version",),
    "media.title": ("title",),
    "media.author": (_APPLE + "author", "artist", "author"),
    "media.comment": ("comment", "description", _APPLE + "description"),
    "media.brand": ("major_brand",),
}
_PLACES = (_APPLE + "location.ISO6709", "location", "location-eng")
_TIMES = {
    "time.taken": (_APPLE + "creationdate", "date"),
    "time.created": ("creation_time",),
}
_NO_TIME = ("1904-01-01T00:00:00", "1970-01-01T00:00:00")
"""What a counter that was never set looks like."""

_ISO_6709 = re.compile(r"([+-]\d{2,6}(?:\.\d+)?)([+-]\d{3,7}(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")
_CODEC_DELAY = 4096
"""Units of the track's clock: AAC needs up to 2,112 samples, B frames two or three frames."""

_STREAMS = 32
_PARENTS = frozenset({b"moov", b"trak", b"edts"})
_BOXES_WALKED = 4096


def note_media(stream: BinaryIO, kind: Kind, claims: Claims, pixels: int) -> Image.Image | str:
    """Note container, streams and tags; the first frame in RGB upright, or why there is none.

    An empty reason means that there is nothing to see, as in a sound recording.
    """
    if kind.extension in _BOXES:
        _note_edit_lists(stream, claims)
    stream.seek(0)
    try:
        with av.open(
            stream, "r", format=_DEMUXERS.get(kind.extension), metadata_errors="replace"
        ) as container:
            _note_container(container, claims)
            return _first_frame(container, claims, pixels)
    except (*PARSER_ERRORS, FFmpegError) as error:
        claims.add("media.unreadable", reason(error))
        return ""


def iso_6709(text: str) -> tuple[dict[str, Value], str] | str:
    """Position and altitude of an ISO 6709 string, or the name of what is wrong with it."""
    found = _ISO_6709.match(text.strip())
    if not found:
        return "not_a_position"
    latitude = _angle(found.group(1), 2)
    longitude = _angle(found.group(2), 3)
    if abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004 - degrees
        return "out_of_range"
    if latitude == longitude == 0:
        return "null_island"
    position: dict[str, Value] = {"lat": degrees_text(latitude), "lon": degrees_text(longitude)}
    return position, found.group(3) or ""


def _angle(text: str, digits: int) -> Fraction:
    """Degrees from +DD.D, +DDMM.M or +DDMMSS.S (annex H.5); longitudes have one digit more."""
    whole, _, rest = text[1:].partition(".")
    parts = [whole[:digits], *(whole[at : at + 2] for at in range(digits, len(whole), 2))]
    parts[-1] += f".{rest}" if rest else ""
    total = sum((Fraction(part) / 60**place for place, part in enumerate(parts)), Fraction(0))
    return -total if text[0] == "-" else total


def _note_container(container: av.container.InputContainer, claims: Claims) -> None:
    claims.add("media.container", container.format.name)
    if container.duration is not None:
        claims.add("media.duration_s", decimal(container.duration / 1_000_000, 3))
    streams: list[Value] = [_stream(stream) for stream in list(container.streams)[:_STREAMS]]
    claims.add("media.stream_count", len(container.streams))
    claims.add("media.streams", streams)
    if not streams:
        claims.add("media.unreadable", "no stream")
    tags = {str(name): str(text) for name, text in container.metadata.items()}
    for name, sources in _TAGS.items():
        for tag in sources:
            if tags.get(tag, "").strip():
                claims.add(name, tags[tag].strip(), tag=tag)
                break
    for name, sources in _TIMES.items():
        _note_time(tags, claims, name, sources)
    _note_place(tags, claims)


def _stream(stream: av.stream.Stream) -> dict[str, Value]:
    found: dict[str, Value] = {"type": clean_text(str(stream.type), 20)}
    context = getattr(stream, "codec_context", None)
    if context is not None:
        found["codec"] = clean_text(context.name, 100)
    if isinstance(context, VideoCodecContext):
        found |= {"width_px": context.width, "height_px": context.height}
        if stream.average_rate:
            found["frames_per_s"] = decimal(float(stream.average_rate), 3)
    if isinstance(context, AudioCodecContext):
        found |= {"rate_hz": context.sample_rate, "channels": context.channels}
    if stream.duration and stream.time_base:
        found["duration_s"] = decimal(float(stream.duration * stream.time_base), 3)
    made = time_of(str(stream.metadata.get("creation_time", "")))
    if made and not made.startswith(_NO_TIME):
        found["created"] = made
    return found


def _note_time(
    tags: Mapping[str, str], claims: Claims, name: str, sources: tuple[str, ...]
) -> None:
    for tag in sources:
        value = time_of(tags.get(tag, ""))
        if value and not value.startswith(_NO_TIME):
            claims.add(name, value, raw=tags[tag], tag=tag)
            return


def _note_place(tags: Mapping[str, str], claims: Claims) -> None:
    for tag in _PLACES:
        if tag not in tags:
            continue
        found = iso_6709(tags[tag])
        if isinstance(found, str):
            claims.add("place.problem", found, raw=tags[tag], tag=tag)
        else:
            claims.add("place.position", found[0], raw=tags[tag], tag=tag)
            if found[1]:
                claims.add("place.altitude_m", decimal(float(found[1]), 2), tag=tag)
        return


def _first_frame(
    container: av.container.InputContainer, claims: Claims, pixels: int
) -> Image.Image | str:
    films = container.streams.video
    if not films:
        return ""
    context = films[0].codec_context
    if context.width * context.height > pixels:
        return "too_large"
    films[0].thread_type = "NONE"
    try:
        frame = next(iter(container.decode(films[0])))
    except StopIteration:
        claims.add("media.unreadable", "no frame")
        return ""
    turn = getattr(frame, "rotation", 0)
    if turn:
        claims.add("media.rotation_deg", int(turn))
    picture = in_colour(Image.fromarray(frame.to_ndarray(format="rgb24")))
    return picture.rotate(turn, expand=True) if turn else picture


def _note_edit_lists(stream: BinaryIO, claims: Claims) -> None:
    """Note each track's edits: (length, start) in the units of movie and track; start -1 waits."""
    edits: list[Value] = []
    try:
        edits += [_edits(body) for body in _boxes(stream, b"elst")]
    except PARSER_ERRORS as error:
        claims.add("media.boxes_unreadable", reason(error))
    if any(isinstance(track, list) and len(track) > 1 for track in edits) or _starts_late(edits):
        claims.add("media.edit_lists", edits[:_STREAMS], tag="elst")


def _starts_late(edits: list[Value]) -> bool:
    """Whether a track leaves out its beginning, by more than a codec's own delay may need."""
    for track in edits:
        if isinstance(track, list) and track:
            first = track[0]
            if isinstance(first, list) and isinstance(first[1], int) and first[1] > _CODEC_DELAY:
                return True
    return False


def _edits(body: bytes) -> list[Value]:
    layout = struct.Struct(">Qqhh" if body[:1] == b"\x01" else ">Iihh")
    count = min(int.from_bytes(body[4:8], "big"), (len(body) - 8) // layout.size, 64)
    rows = (layout.unpack_from(body, 8 + layout.size * number) for number in range(count))
    return [[length, start] for length, start, _, _ in rows]


def _boxes(stream: BinaryIO, wanted: bytes) -> Iterator[bytes]:
    """The bodies of all boxes of one type below moov."""
    stream.seek(0, 2)
    waiting = [(0, stream.tell())]
    walked = 0
    while waiting and walked < _BOXES_WALKED:
        at, end = waiting.pop()
        walked += 1
        if at + 8 > end:
            continue
        stream.seek(at)
        head = stream.read(16)
        length, name, start = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), at + 16
        stop = end if length == 0 else min(at + length, end)
        if stop < start:
            return
        waiting.append((stop, end))
        if name in _PARENTS:
            waiting.append((start, stop))
        elif name == wanted:
            stream.seek(start)
            yield stream.read(min(stop - start, 64 * 1024))
