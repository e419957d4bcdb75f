from __future__ import annotations

import io
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.media.claim import Claims
from svitlo.media.kind import kind_of
from svitlo.media.mail import encoding_of, note_mail, note_text
from svitlo.media.signature import Kind

if TYPE_CHECKING:
    from svitlo.media.claim import Value

MAIL = Kind("message/rfc822", "eml", "mail")


def message() -> EmailMessage:
    made = EmailMessage()
    made["From"] = "\u041e\u043b\u0435\u043d\u0430 <olena@example.org>"
    made["To"] = "desk@example.org"
    made["Subject"] = "\u0424\u043e\u0442\u043e"
    made["Date"] = "Mon, 10 Oct 2022 08:05:09 +0300"
    made["Received"] = "from a by b; Mon, 10 Oct 2022 08:05:10 +0300"
    made["DKIM-Signature"] = "v=1; a=rsa-sha256"
    made.set_content("see attached")
    made.add_attachment(b"\xff\xd8", "image", "jpeg", filename="one.jpg")
    return made


def noted(data: bytes) -> dict[str, Value]:
    claims = Claims()
    stream = io.BytesIO(data)
    found = kind_of(stream, len(data))
    note_mail(stream, len(data), found if found.group == "mail" else MAIL, claims)
    return claims.found


def value(found: dict[str, Value], name: str) -> Value:
    claim = found[name]
    assert isinstance(claim, dict)
    return claim["value"]


def test_headers_and_parts_are_noted() -> None:
    found = noted(message().as_bytes())
    assert value(found, "mail.subject") == "\u0424\u043e\u0442\u043e"
    assert value(found, "time.sent") == "2022-10-10T08:05:09+03:00"
    assert value(found, "mail.dkim_signature") == "present, not verified"
    assert value(found, "mail.parts") == [
        {"mime": "text/plain", "size_bytes": 13},
        {"mime": "image/jpeg", "name": "one.jpg", "size_bytes": 2},
    ]
    received = value(found, "mail.received")
    assert received == ["from a by b; Mon, 10 Oct 2022 08:05:10 +0300"]


def test_a_mailbox_is_counted_and_its_first_message_read() -> None:
    one = b"From a Mon Oct 10 08:05:09 2022\n" + message().as_bytes() + b"\n"
    found = noted(one * 3)
    assert value(found, "mail.messages") == 3
    assert value(found, "mail.to") == "desk@example.org"


def test_signed_mail_is_said_to_be_signed_but_not_verified() -> None:
    made = message()
    made.add_attachment(b"x", "application", "pgp-signature", filename="s.asc")
    assert value(noted(made.as_bytes()), "mail.signature") == "present, not verified"


@given(st.binary(max_size=400))
def test_any_bytes_are_read_as_mail(data: bytes) -> None:
    noted(b"From: a\r\nTo: b\r\nDate: " + data + b"\r\nContent-Type: multipart/mixed;" + data)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"plain", "ascii"),
        ("\u0456\u0457".encode(), "utf-8"),
        (b"\xef\xbb\xbfa", "utf-8"),
        ("\u0456".encode("utf-16"), "utf-16-le"),
        ("\u0456".encode("utf-16-be").join((b"\xfe\xff", b"")), "utf-16-be"),
        (
            "\u0442\u0435\u043a\u0441\u0442 \u0456 \u0457\u0436\u0430".encode("windows-1251"),
            "windows-1251",
        ),
        (b"\x80\x81\x98", "unknown-8bit"),
    ],
)
def test_encodings_are_found_without_guessing(data: bytes, encoding: str) -> None:
    assert encoding_of(data) == encoding


def test_a_character_cut_in_two_is_still_utf_8() -> None:
    assert encoding_of("\u0456".encode()[:1], is_cut=True) == "utf-8"
    assert encoding_of("a\u0456".encode()[:2]) == "windows-1251"


def test_line_ends_and_lines_are_counted() -> None:
    claims = Claims()
    note_text(io.BytesIO(b"a\r\nb\nc"), 6, claims)
    assert value(claims.found, "text.line_ends") == ["crlf", "lf"]
    assert value(claims.found, "text.lines") == 3
