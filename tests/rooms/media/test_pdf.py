from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from svitlo.media.claim import Claims
from svitlo.media.pdf import note_pdf

if TYPE_CHECKING:
    from svitlo.media.claim import Value


def plain() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(
        out, "PDF", title="A title", author="\u0410\u0432\u0442\u043e\u0440"
    )
    return out.getvalue()


def noted(data: bytes) -> tuple[dict[str, Value], str]:
    claims = Claims()
    why = note_pdf(io.BytesIO(data), len(data), claims)
    return claims.found, why


def value(data: bytes, name: str) -> Value:
    claim = noted(data)[0][name]
    assert isinstance(claim, dict)
    return claim["value"]


def test_version_pages_and_texts_are_noted() -> None:
    found, why = noted(plain())
    assert why == ""
    assert found["pdf.title"] == {"value": "A title", "tag": "/Title"}
    assert found["pdf.author"] == {"value": "\u0410\u0432\u0442\u043e\u0440", "tag": "/Author"}
    assert found["pdf.pages"] == {"value": 1}
    assert found["pdf.revisions"] == {"value": 1}
    assert found["pdf.marks"] == {"value": []}


def test_an_update_adds_a_revision_and_bytes_behind_the_end_are_counted() -> None:
    data = plain() + b"1 0 obj <<>> endobj\nstartxref\n0\n%%EOF\n"
    assert value(data, "pdf.revisions") == 2
    assert value(data + b"hidden", "trailing.bytes") == 7


def test_active_content_is_found_plain_escaped_and_compressed() -> None:
    assert value(plain() + b"<</S /JavaScript /JS (app.alert)>>", "pdf.marks") == ["javascript"]
    assert value(plain() + b"<</S /Java#53cript>>", "pdf.marks") == ["javascript"]
    packed = zlib.compress(b"<</S /Launch /F (cmd.exe)>> /EmbeddedFile ")
    data = plain() + b"9 0 obj <</Type /ObjStm /Filter /FlateDecode>>\nstream\n" + packed
    assert value(data, "pdf.marks") == ["launch", "embedded_file"]


def test_an_encrypted_document_says_so() -> None:
    found, why = noted(plain() + b"trailer <</Encrypt 5 0 R>>")
    assert why == "encrypted"
    assert found["pdf.encrypted"] == {"value": True}


def test_times_keep_their_zone() -> None:
    data = b"%PDF-1.4 /CreationDate (D:20221010080509+03'00') /ModDate(D:20221011080509Z) %%EOF"
    assert value(data, "time.created") == "2022-10-10T08:05:09+03:00"
    assert value(data, "time.modified") == "2022-10-11T08:05:09Z"
    data = b"%PDF-1.4 <x:xmpmeta><xmp:CreateDate>2022-10-10T08:05:09</xmp:CreateDate></x:xmpmeta>"
    assert value(data, "time.xmp_created") == "2022-10-10T08:05:09"


def test_a_stream_that_inflates_without_end_is_cut_off() -> None:
    packed = zlib.compress(bytes(300 << 20), 1)
    data = b"%PDF-1.4 <</Filter /FlateDecode>>\nstream\n" + packed
    assert value(data, "pdf.marks") == []


@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_the_end(tail: bytes) -> None:
    noted(b"%PDF-1.7 /Title (" + tail + b"/Filter /FlateDecode >> stream\n" + tail)
