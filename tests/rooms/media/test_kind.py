from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from svitlo.media.kind import ends_of, kind_of, others_in
from svitlo.media.signature import SIGNATURES


def kind(data: bytes) -> str:
    return kind_of(io.BytesIO(data), len(data)).mime


def picture(form: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, form)
    return out.getvalue()


def zipped(*names: str, first: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        if first:
            archive.writestr("mimetype", first)
        for name in names:
            archive.writestr(name, b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "mime"),
    [
        *(("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif")),
        *(("TIFF", "image/tiff"), ("WEBP", "image/webp"), ("AVIF", "image/avif")),
        *(("BMP", "image/bmp"), ("JPEG2000", "image/jp2"), ("PDF", "application/pdf")),
        *(("ICO", "image/vnd.microsoft.icon"), ("DDS", "image/vnd-ms.dds")),
    ],
)
def test_pictures_are_known_by_content(form: str, mime: str) -> None:
    assert kind(picture(form)) == mime


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (b"", "application/x-empty"),
        (b"hello\n", "text/plain"),
        ("привіт\n".encode(), "text/plain"),
        ("привіт\n".encode("windows-1251"), "text/plain"),
        ("привіт\n".encode("utf-16"), "text/plain"),
        (b"BMore words than a bitmap has", "text/plain"),
        (b'{"a": 1}', "application/json"),
        (b"<!DOCTYPE html><html></html>", "text/html"),
        (b'<?xml version="1.0"?><svg xmlns="x"></svg>', "image/svg+xml"),
        (b'<?xml version="1.0"?><gpx></gpx>', "application/gpx+xml"),
        (b'<?xml version="1.0"?><a></a>', "application/xml"),
        (b"From: a@b\r\nTo: c@d\r\nSubject: x\r\n\r\ny", "message/rfc822"),
        (b"From a@b Mon Jan  1 00:00:00 2024\nFrom: a@b\n", "application/mbox"),
        (b"WARC/1.0\r\nWARC-Type: warcinfo\r\n", "application/warc"),
        (gzip.compress(b"WARC/1.0\r\nWARC-Type: warcinfo\r\n"), "application/warc"),
        (gzip.compress(b"filedesc://x 0 0 text/plain 1\n"), "application/x-arc"),
        (gzip.compress(b"hello"), "application/gzip"),
        (b"\x1f\x8bnot gzip", "application/gzip"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0????", "application/octet-stream"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4"),
        (b"\0\0\0\x18ftypqt  \0\0\0\0qt  ", "video/quicktime"),
        (b"\0\0\0\x18ftyp3gp5\0\0\0\x003gp5isom", "video/3gpp"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x14ftypmif1\0\0\0\0mif1", "image/heic"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomheic", "image/heic"),
        (b"\0\0\0\x08moov", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x82\x88matroska", "video/x-matroska"),
        (b"ID3\x04\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(100), "audio/mpeg"),
        (b"G" + bytes(187) + b"G" + bytes(187) + b"G" + bytes(187), "video/mp2t"),
        (b"\x7fELF\x02\x01\x01", "application/x-elf"),
        (b"age-encryption.org/v1\n-> X25519 x\n", "application/age-encryption"),
        (b"\x00\x01\x02\x03 unknown", "application/octet-stream"),
        (b"\x01\xd9\x93\x81", "application/octet-stream"),
    ],
)
def test_kinds_are_known_by_content(data: bytes, mime: str) -> None:
    assert kind(data) == mime


@pytest.mark.parametrize(
    ("data", "extension"),
    [
        (zipped("a.txt"), "zip"),
        (zipped("word/document.xml", "[Content_Types].xml"), "docx"),
        (zipped("xl/workbook.xml"), "xlsx"),
        (zipped("ppt/presentation.xml"), "pptx"),
        (zipped("password/x", "a/word/x"), "zip"),
        (zipped("datapackage.json", "archive/data.warc.gz"), "wacz"),
        (zipped("AndroidManifest.xml", "classes.dex"), "apk"),
        (zipped("META-INF/MANIFEST.MF"), "jar"),
        (zipped("x", first=b"application/epub+zip"), "epub"),
        (zipped("content.xml", first=b"application/vnd.oasis.opendocument.text"), "odt"),
    ],
)
def test_archives_are_known_by_their_members(data: bytes, extension: str) -> None:
    assert kind_of(io.BytesIO(data), len(data)).extension == extension


def test_a_tar_archive_is_known_plain_and_compressed() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    assert kind(out.getvalue()) == "application/x-tar"
    squeezed = gzip.compress(out.getvalue())
    assert kind_of(io.BytesIO(squeezed), len(squeezed)).extension == "tar.gz"


def test_a_polyglot_shows_its_other_faces() -> None:
    data = picture("JPEG") + zipped("a.txt")
    found = kind_of(io.BytesIO(data), len(data))
    assert found.mime == "image/jpeg"
    assert others_in(found, *ends_of(io.BytesIO(data), len(data))) == ["application/zip"]
    hidden = b"GIF89a/*" + b"<script>alert(1)</script>%PDF-1.4"
    found = kind_of(io.BytesIO(hidden), len(hidden))
    assert others_in(found, hidden, hidden) == ["application/pdf", "text/html"]


def test_every_signature_leads_to_a_kind_with_a_usable_extension() -> None:
    for _, _, found in SIGNATURES:
        assert found.extension.isalnum()
        assert len(found.extension) <= 8


@given(st.binary(max_size=600))
def test_any_bytes_have_a_kind(data: bytes) -> None:
    assert "/" in kind(data)
