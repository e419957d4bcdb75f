"""The marks by which kinds of files are known: about eighty signatures, RIFF forms and ISO brands.

Sources: the formats' own specifications; IANA media types; ISO 14496-12 brands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAR_MAGIC_AT = 257


@dataclass(frozen=True, slots=True)
class Kind:
    """A media type, the extension that goes with it, and the group that reads it."""

    mime: str
    extension: str
    group: str = "other"


UNKNOWN = Kind("application/octet-stream", "bin")
EMPTY = Kind("application/x-empty", "bin", "empty")
TEXT = Kind("text/plain", "txt", "text")
ZIP = Kind("application/zip", "zip", "archive")

SIGNATURES: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\xff\xd8\xff", Kind("image/jpeg", "jpg", "photo")),
    (0, b"\x89PNG\r\n\x1a\n", Kind("image/png", "png", "photo")),
    (0, b"GIF87a", Kind("image/gif", "gif", "photo")),
    (0, b"GIF89a", Kind("image/gif", "gif", "photo")),
    (0, b"II\x2a\x00\x10\x00\x00\x00CR", Kind("image/x-canon-cr2", "cr2", "photo")),
    (0, b"II\x2a\x00", Kind("image/tiff", "tif", "photo")),
    (0, b"MM\x00\x2a", Kind("image/tiff", "tif", "photo")),
    (0, b"II\x2b\x00", Kind("image/tiff", "tif", "photo")),
    (0, b"MM\x00\x2b", Kind("image/tiff", "tif", "photo")),
    (0, b"BM", Kind("image/bmp", "bmp", "photo")),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind("image/jp2", "jp2", "photo")),
    (0, b"\xff\x4f\xff\x51", Kind("image/j2c", "j2k", "photo")),
    (0, b"\x00\x00\x01\x00", Kind("image/vnd.microsoft.icon", "ico")),
    (0, b"8BPS", Kind("image/vnd.adobe.photoshop", "psd")),
    (0, b"DDS ", Kind("image/vnd-ms.dds", "dds")),
    (0, b"BLP1", Kind("image/x-blp", "blp")),
    (0, b"BLP2", Kind("image/x-blp", "blp")),
    (0, b"\x01\xda", Kind("image/x-sgi", "sgi")),
    (0, b"\xff\x0a", Kind("image/jxl", "jxl")),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", Kind("image/jxl", "jxl")),
    (4, b"\x11\xaf", Kind("video/x-fli", "fli")),
    (4, b"\x12\xaf", Kind("video/x-fli", "flc")),
    (0, b"FUJIFILMCCD-RAW", Kind("image/x-fuji-raf", "raf")),
    (0, b"%PDF-", Kind("application/pdf", "pdf", "pdf")),
    (0, b"{\\rtf", Kind("application/rtf", "rtf", "text")),
    (0, b"%!PS", Kind("application/postscript", "ps")),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"PK\x07\x08PK\x03\x04", ZIP),
    (0, b"\x1f\x8b", Kind("application/gzip", "gz", "archive")),
    (0, b"BZh", Kind("application/x-bzip2", "bz2", "archive")),
    (0, b"\xfd7zXZ\x00", Kind("application/x-xz", "xz", "archive")),
    (0, b"\x28\xb5\x2f\xfd", Kind("application/zstd", "zst")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("application/x-7z-compressed", "7z")),
    (0, b"Rar!\x1a\x07", Kind("application/vnd.rar", "rar")),
    (TAR_MAGIC_AT, b"ustar", Kind("application/x-tar", "tar", "archive")),
    (0, b"MSCF", Kind("application/vnd.ms-cab-compressed", "cab")),
    (0x8001, b"CD001", Kind("application/x-iso9660-image", "iso")),
    (0, b"WARC/", Kind("application/warc", "warc", "warc")),
    (0, b"filedesc://", Kind("application/x-arc", "arc", "warc")),
    (0, b"ID3", Kind("audio/mpeg", "mp3", "video")),
    (0, b"fLaC", Kind("audio/flac", "flac", "video")),
    (0, b"OggS", Kind("application/ogg", "ogg", "video")),
    (0, b"#!AMR", Kind("audio/amr", "amr", "video")),
    (0, b"FLV\x01", Kind("video/x-flv", "flv", "video")),
    (0, b"\x00\x00\x01\xba", Kind("video/mpeg", "mpg", "video")),
    (0, b"\x00\x00\x01\xb3", Kind("video/mpeg", "mpg", "video")),
    (0, b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", Kind("video/x-ms-asf", "wmv", "video")),
    (0, b"MThd", Kind("audio/midi", "mid")),
    (0, b"SQLite format 3\x00", Kind("application/vnd.sqlite3", "sqlite")),
    (0, b"\x7fELF", Kind("application/x-elf", "elf", "program")),
    (0, b"MZ", Kind("application/vnd.microsoft.portable-executable", "exe", "program")),
    (0, b"\xcf\xfa\xed\xfe", Kind("application/x-mach-binary", "macho", "program")),
    (0, b"\xca\xfe\xba\xbe", Kind("application/java-vm", "class", "program")),
    (0, b"dex\n", Kind("application/x-dex", "dex", "program")),
    (0, b"\x00asm", Kind("application/wasm", "wasm", "program")),
    (0, b"#!", Kind("text/x-script", "sh", "text")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind("application/x-ole-storage", "doc")),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", Kind("application/x-ms-shortcut", "lnk")),
    (0, b"!BDN", Kind("application/vnd.ms-outlook", "pst")),
    (0, b"\xd4\xc3\xb2\xa1", Kind("application/vnd.tcpdump.pcap", "pcap")),
    (0, b"\xa1\xb2\xc3\xd4", Kind("application/vnd.tcpdump.pcap", "pcap")),
    (0, b"\x0a\x0d\x0d\x0a", Kind("application/x-pcapng", "pcapng")),
    (0, b"wOFF", Kind("font/woff", "woff")),
    (0, b"age-encryption.org/v1\n", Kind("application/age-encryption", "age")),
    (0, b"-----BEGIN PGP ", Kind("application/pgp-encrypted", "asc", "text")),
    (0, b"-----BEGIN ", Kind("application/x-pem-file", "pem", "text")),
    (0, b"From ", Kind("application/mbox", "mbox", "mail")),
)

RIFF_FORMS = {
    b"WEBP": Kind("image/webp", "webp", "photo"),
    b"AVI ": Kind("video/x-msvideo", "avi", "video"),
    b"WAVE": Kind("audio/wav", "wav", "video"),
}

_HEIC = Kind("image/heic", "heic", "photo")
_AVIF = Kind("image/avif", "avif", "photo")
BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc"), _HEIC),
    b"crx ": Kind("image/x-canon-cr3", "cr3"),
    b"qt  ": Kind("video/quicktime", "mov", "video"),
    b"M4A ": Kind("audio/mp4", "m4a", "video"),
}
GENERAL_BRANDS = {b"mif1": _HEIC, b"msf1": _HEIC}
"""Shared by several codecs: asked last."""

MP4 = Kind("video/mp4", "mp4", "video")
THREE_GP = Kind("video/3gpp", "3gp", "video")

MATROSKA = Kind("video/x-matroska", "mkv", "video")
WEBM = Kind("video/webm", "webm", "video")

_SAMPLE_RATES = bytes(byte for byte in range(0x10, 0xF0) if byte >> 2 & 3 != 3)  # noqa: PLR2004 - reserved
SHAPES: tuple[tuple[re.Pattern[bytes], Kind], ...] = (
    (
        re.compile(rb"\xff[\xfb\xfa\xf3\xf2][" + re.escape(_SAMPLE_RATES) + rb"]"),
        Kind("audio/mpeg", "mp3", "video"),
    ),
    (re.compile(rb"G.{187}G.{187}G", re.DOTALL), Kind("video/mp2t", "ts", "video")),
)
"""Known by a pattern: MPEG audio (ISO 11172-3, 2.4.1.3), transport streams (ISO 13818-1)."""
