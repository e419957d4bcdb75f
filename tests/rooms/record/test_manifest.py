"""Manifests: the lines of the tools that people use, and every other line a fault."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svitlo.record.manifest import DIGITS, FAULTS, examine_manifest
from tests.conftest import lacking

SHA256 = hashlib.sha256(b"").hexdigest()
MD5 = hashlib.md5(b"", usedforsecurity=False).hexdigest()


def read(content: bytes, named: bytes = b"list") -> list[tuple[bytes, tuple[str, ...], str]]:
    claims, faults = examine_manifest(content, named)
    assert faults == []
    return [(claim.name, claim.algorithms, claim.digest) for claim in claims]


def faults_of(content: bytes, named: bytes = b"list") -> list[tuple[str, int]]:
    return [(fault.code, fault.number) for fault in examine_manifest(content, named)[1]]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"%b  a b", b"a b"),
        (b"%b *a", b"a"),
        (b"%b a", b"a"),
        (b"%b   a", b" a"),
        (b"%b  *a", b"*a"),
        (b"\\%b  a\\nb\\\\c\\rd", b"a\nb\\c\rd"),
        (b"%b  a\\nb", b"a\\nb"),
        (b"%b  \xff\xe9", b"\xff\xe9"),
        (b"%b  a\r", b"a"),
    ],
)
def test_a_listed_line_gives_its_name_byte_for_byte(line: bytes, name: bytes) -> None:
    content = line % MD5.encode() + b"\n"

    assert read(content) == [(name, ("md5",), MD5)]


@pytest.mark.parametrize(
    ("line", "name", "algorithm"),
    [
        (f"SHA256 (a) = {SHA256}", b"a", "sha256"),
        (f"SHA256 (a (1) = b) = {SHA256}", b"a (1) = b", "sha256"),
        (f"\\SHA256 (a\\nb) = {SHA256}", b"a\nb", "sha256"),
        (f"SHA2-256(a)= {SHA256}", b"a", "sha256"),
        (f"BLAKE3 (a) = {SHA256}", b"a", "blake3"),
        (f"MD5 (a) = {MD5}", b"a", "md5"),
    ],
)
def test_a_tagged_line_says_its_algorithm(line: str, name: bytes, algorithm: str) -> None:
    ((found, algorithms, _),) = read(line.encode())

    assert (found, algorithms) == (name, (algorithm,))


@pytest.mark.parametrize(
    ("named", "algorithms"),
    [
        (b"list", ("sha256", "blake3")),
        (b"web3.txt", ("sha256", "blake3")),
        (b"SHA256SUMS", ("sha256",)),
        (b"photos.sha256", ("sha256",)),
        (b"B3SUMS", ("blake3",)),
        (b"a.b3", ("blake3",)),
    ],
)
def test_the_name_of_the_manifest_says_what_64_digits_are_of(
    named: bytes, algorithms: tuple[str, ...]
) -> None:
    assert read(f"{SHA256}  a".encode(), named) == [(b"a", algorithms, SHA256)]


def test_digits_in_capitals_are_the_same_digest() -> None:
    assert read(f"{MD5.upper()}  a".encode())[0][2] == MD5


def test_a_manifest_of_bagit_has_percent_codes_and_any_blanks() -> None:
    content = f"{SHA256}\t data/a%0Ab%25%20\n".encode()

    assert read(content, b"manifest-sha256.txt") == [(b"data/a\nb%%20", ("sha256",), SHA256)]


def test_blank_lines_comments_and_a_byte_order_mark_say_nothing() -> None:
    content = f"\ufeff# by the phone\n\n{MD5}  a\n \n".encode()

    assert [name for name, _, _ in read(content)] == [b"a"]


@pytest.mark.parametrize(
    ("line", "named", "code"),
    [
        ("hello", "list", "malformed_line"),
        (MD5, "list", "malformed_line"),
        (f"{MD5}  ", "list", "malformed_line"),
        (f"{MD5}  a\0b", "list", "malformed_line"),
        (f"\\{MD5}  a\\tb", "list", "malformed_line"),
        (f"{SHA256[:60]}  a", "SHA256SUMS", "malformed_line"),
        (f"SHA256 (a) = {MD5}", "list", "malformed_line"),
        (MD5, "manifest-md5.txt", "malformed_line"),
        ("0badcafe  a", "list", "unknown_algorithm"),
        (f"WHIRLPOOL (a) = {MD5}", "list", "unknown_algorithm"),
        ("SIZE (a) = 12", "list", "unknown_algorithm"),
    ],
)
def test_a_line_that_cannot_be_read_is_a_fault_of_that_line(
    line: str, named: str, code: str
) -> None:
    content = f"{MD5 if 'SHA' not in named else SHA256}  first\n{line}\n".encode()

    assert faults_of(content, named.encode()) == [(code, 2)]


def test_a_bagit_manifest_of_an_unknown_algorithm_is_a_fault_as_a_whole() -> None:
    assert faults_of(b"00  data/a\n", b"manifest-sha3512.txt") == [("unknown_algorithm", 0)]


@given(st.binary(max_size=300), st.sampled_from([b"list", b"SHA256SUMS", b"manifest-md5.txt"]))
def test_any_bytes_are_lines_or_faults(content: bytes, named: bytes) -> None:
    claims, faults = examine_manifest(content, named)

    assert all(len(c.digest) == DIGITS[name] for c in claims for name in c.algorithms)
    assert all(b"\0" not in claim.name and claim.name for claim in claims)
    assert {fault.code for fault in faults} <= set(FAULTS)
    said = [n for n, t in enumerate(content.split(b"\n"), 1) if t.strip() and t[:1] != b"#"]
    if not content.startswith(b"\xef\xbb\xbf"):
        assert sorted([c.number for c in claims] + [f.number for f in faults]) == said


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "\\", "SHA256 (", "MD5(", "xx"]),
            st.sampled_from([MD5, SHA256, "00", ""]),
            st.sampled_from(["  ", " *", " ", "\t", ") = "]),
            st.text(max_size=8),
        ).map("".join),
        max_size=5,
    )
)
def test_lines_that_are_almost_right_raise_nothing(lines: list[str]) -> None:
    content = "\n".join(lines).encode()

    for named in (b"list", b"MD5SUMS", b"manifest-sha256.txt"):
        examine_manifest(content, named)


@given(st.binary(min_size=1, max_size=80).filter(lambda name: not {0} & set(name)))
def test_every_name_survives_as_the_tools_escape_it(name: bytes) -> None:
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    mark = b"\\" if escaped != name else b""

    assert read(b"%b%b *%b\n" % (mark, MD5.encode(), escaped))[0][0] == name


@pytest.mark.parametrize("words", [["sha256sum"], ["md5sum"], ["sha512sum", "--tag"], ["sha1sum"]])
def test_what_the_tools_of_the_system_write_is_read(tmp_path: Path, words: list[str]) -> None:
    if shutil.which(words[0]) is None:
        lacking("coreutils", f"there is no {words[0]} on the PATH")
    names = ["plain", "with space", "back\\slash", "new\nline", "(x) = y", "é"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())

    written = subprocess.run(
        [*words, "--", *names], cwd=tmp_path, check=True, capture_output=True
    ).stdout

    algorithm = words[0].removesuffix("sum")
    for content, algorithms, digest in read(written):
        assert algorithm in algorithms
        assert digest == hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
    assert [name.decode() for name, _, _ in read(written)] == names
