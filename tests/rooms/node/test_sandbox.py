from __future__ import annotations

import io
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from svitlo.dossier.report import document_of
from svitlo.errors import CagedProgramFailed, SandboxError, StorageError
from svitlo.node import sandbox
from svitlo.node.sandbox import Cage, CageLimits
from tests.conftest import lacking
from tests.rooms.dossier.sample import make_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from svitlo.node.description import Description


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    with Cage.open() as built:
        yield built


def described(cage: Cage, data: bytes, name: str = "file") -> Description:
    return cage.describe(lambda offset, length: data[offset : offset + length], len(data), name)


def jpeg(width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def test_a_photograph_is_described(cage: Cage) -> None:
    found = described(cage, jpeg(), "a.jpg")
    assert found.kind == {"mime": "image/jpeg", "extension": "jpg"}
    assert found.fields["photo.width_px"] == {"value": 64}
    assert found.skipped is None
    assert found.preview is not None


@pytest.mark.shared
def test_the_published_hash_is_found(cage: Cage, shared: Path) -> None:
    folder = shared / "near-duplicates/threatexchange/pdq/data/reg-test-input/dih"
    found = described(cage, (folder / "bridge-1-original.jpg").read_bytes())
    assert found.fingerprint == {
        "method": "svitlo-perceptual/1",
        "ref": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22",
        "quality": 100,
    }


def test_the_cage_goes_on_when_its_zygote_was_killed() -> None:
    before = children()
    with Cage.open() as cage:
        (zygote,) = children() - before
        os.kill(zygote, signal.SIGKILL)
        assert described(cage, jpeg()).skipped is None


def children() -> set[int]:
    text = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    return {int(word) for word in text.split()}


def test_too_many_pixels_are_not_decoded() -> None:
    with Cage.open(CageLimits(pixels=1000)) as cage:
        found = described(cage, jpeg())
        assert found.skipped == "too_large"
        assert found.preview is None
        assert found.fields["photo.width_px"] == {"value": 64}


HOSTILE = """
import ctypes, json, os, sys, time
import svitlo.media.__main__ as zygote

def send(line, place, text, *frames):
    for part in (text, *frames):
        line.sendall(zygote._HEAD.pack(place, len(part)) + part)

def reply(**members):
    kind = {'mime': 'image/png', 'extension': 'png'}
    empty = {'fields': {}, 'provenance': {}, 'fingerprint': {}, 'has': [], 'frames': 0}
    return json.dumps({'kind': kind, **empty, **members}).encode()

def hostile(line, request):
    exec(request['name'], globals() | {'line': line})

zygote._PROGRAMS['describe'] = hostile
sys.exit(zygote.main())
"""


@pytest.fixture(scope="module")
def hostile_cage() -> Iterator[Cage]:
    """A cage whose child runs the name of the file as a program, within the walls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "ZYGOTE", ("-I", "-c", HOSTILE))
        built = Cage.open(CageLimits(wall_s=2, cpu_s=1))
    with built:
        yield built


@pytest.mark.parametrize(
    ("body", "skipped"),
    [
        ("time.sleep(60)", "time"),
        ("while True: pass", "time"),
        ("os.abort()", "crashed"),
        ("ctypes.string_at(0)", "crashed"),
        ("raise KeyError", "crashed"),
        ("os._exit(0)", "crashed"),
        ("bytearray(2 << 30)", "memory"),
        ("os.kill(os.getpid(), 9)", "memory"),
        ("send(line, 4096, b'')", "bad_reply"),
        ("line.sendall(zygote._HEAD.pack(0, 2**20))", "bad_reply"),
        ("line.sendall(zygote._HEAD.pack(2**64 - 1, 2**31))", "bad_reply"),
        ("send(line, 2**64 - 1, b'not json')", "bad_reply"),
        ("send(line, 2**64 - 1, b'[1]')", "bad_reply"),
        ("send(line, 2**64 - 1, b'[' * 500000)", "bad_reply"),
        ("send(line, 2**64 - 1, reply(extra=1))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(fields={'a': 1.5}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(fields={'a': None}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(fields={'A b': 1}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(fields={'a': 2**60}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(fields={'a': 'x' * 5000}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(fields={'a': chr(0xd800)}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(fields={str(n): 1 for n in range(3000)}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(fields=[]))", "bad_reply"),
        ('send(line, 2**64 - 1, b\'{"kind":1,"kind":2,"frames":0}\')', "bad_reply"),
        ("send(line, 2**64 - 1, reply(kind={'mime': '<b>', 'extension': 'x'}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(kind=[]))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(provenance={'verdict': 'genuine'}))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(skipped='bored'))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(frames=-1))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(frames=10**6))", "bad_reply"),
        ("send(line, 2**64 - 1, reply(has=['shell'], frames=1), b'x')", "bad_reply"),
        ("send(line, 2**64 - 1, reply(has=[], frames=1), b'x')", "bad_reply"),
        ("send(line, 2**64 - 1, reply(has=['preview'], frames=1), b'GIF89a')", "bad_reply"),
        ("send(line, 2**64 - 1, reply(has=['preview'], frames=1), b'x' * 2**20)", "bad_reply"),
        (
            "send(line, 2**64 - 1, reply(has=['preview'], frames=1)); send(line, 0, b'')",
            "bad_reply",
        ),
    ],
)
def test_a_hostile_child_costs_its_file_the_description(
    hostile_cage: Cage, body: str, skipped: str
) -> None:
    found = described(hostile_cage, b"x" * 1000, body)
    assert found.skipped == skipped
    assert found.kind["mime"] == "application/octet-stream"
    assert found.preview is None


def test_what_was_known_before_the_end_is_kept(hostile_cage: Cage) -> None:
    body = "send(line, 2**64 - 2, reply(fields={'a': {'value': 1}}))\nos.abort()"
    found = described(hostile_cage, b"x", body)
    assert (found.kind["mime"], found.fields, found.skipped) == (
        "image/png",
        {"a": {"value": 1}},
        "crashed",
    )


def test_early_answers_without_end_are_cut_off(hostile_cage: Cage) -> None:
    body = "while True: send(line, 2**64 - 2, b'x' * 2**20)"
    assert described(hostile_cage, b"x", body).skipped == "bad_reply"


def test_errors_of_the_reader_come_through_and_the_cage_goes_on(cage: Cage) -> None:
    def broken(offset: int, length: int) -> bytes:
        raise StorageError("the object is damaged")

    with pytest.raises(StorageError, match="damaged"):
        cage.describe(broken, 1000, "a.jpg")
    with pytest.raises(StorageError, match="gave 3 of 1000 bytes"):
        cage.describe(lambda _offset, _length: b"abc", 1000, "a.jpg")
    assert described(cage, jpeg()).skipped is None


def test_names_of_any_kind_are_passed(cage: Cage) -> None:
    for name in ("a\udc80.jpg", "-rf", "\u202egpj.exe", "a\nb.jpg", "x" * 255, ""):
        assert described(cage, jpeg(), name).kind["mime"] == "image/jpeg"


def test_an_empty_file_has_a_kind(cage: Cage) -> None:
    found = described(cage, b"")
    assert (found.kind["mime"], found.skipped) == ("application/x-empty", None)


def test_the_description_says_what_made_it(cage: Cage) -> None:
    found = described(cage, jpeg())
    assert found.tool == "svitlo.media"
    assert found.version
    assert found.params["pixels"] == 100_000_000
    libraries = found.params["libraries"]
    assert isinstance(libraries, dict)
    assert libraries["pillow"]


def test_the_same_file_is_described_the_same_way(cage: Cage) -> None:
    assert described(cage, jpeg()) == described(cage, jpeg())


def test_the_zygote_has_no_environment_and_no_open_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    script = (  # it tells itself: behind its walls nobody but root may look at it
        "import os, sys\nfrom svitlo.media import __main__ as zygote\n"
        "links = [os.path.realpath(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')]\n"
        f"open({str(seen)!r}, 'w').write(repr([*os.environ, *links]))\nsys.exit(zygote.main())"
    )
    monkeypatch.setattr(sandbox, "ZYGOTE", ("-I", "-c", script))
    monkeypatch.setenv("SVITLO_SECRET", "1")
    with (tmp_path / "key").open("w") as kept:
        os.set_inheritable(kept.fileno(), True)
        with Cage.open():
            pass
    assert "/dev/null" in seen.read_text()
    assert "SVITLO_SECRET" not in seen.read_text()
    assert str(tmp_path / "key") not in seen.read_text()


def test_a_child_is_refused_whatever_it_tries(cage: Cage) -> None:
    assert cage.attempt() == dict.fromkeys(sandbox.ATTEMPTS, True)


def test_walls_that_do_not_hold_are_found_out(monkeypatch: pytest.MonkeyPatch, cage: Cage) -> None:
    if not cage.walls["namespaces"]:
        lacking("namespaces", "this kernel gives none")
    script = (
        "import sys\nfrom svitlo.media import calls, walls, __main__ as zygote\n"
        "walls.fence_files = calls.refuse_calls = lambda *_: False\nsys.exit(zygote.main())"
    )
    monkeypatch.setattr(sandbox, "ZYGOTE", ("-I", "-c", script))
    with Cage.open() as poorer:
        assert poorer.walls == {"namespaces": True, "landlock": False, "calls": False}
        found = poorer.attempt()
        assert not found["read"]
        assert not found["run"]
        assert found["network"]


def test_closing_twice_is_the_same_as_once() -> None:
    cage = Cage.open()
    cage.close()
    cage.close()


def test_a_zygote_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "ZYGOTE", ("-I", "-c", "raise SystemExit(1)"))
    with pytest.raises(SandboxError, match="did not start"):
        Cage.open()


@pytest.mark.parametrize("word", ["leave_the_world", "fence_files"])
def test_one_of_the_outer_walls_is_enough(
    monkeypatch: pytest.MonkeyPatch, cage: Cage, word: str
) -> None:
    for wall in ("namespaces", "landlock"):
        if not cage.walls[wall]:
            lacking(wall, "this kernel has only one of the outer walls")
    script = (
        "import sys\nfrom svitlo.media import walls, __main__ as zygote\n"
        f"walls.{word} = lambda *_: False\nsys.exit(zygote.main())"
    )
    monkeypatch.setattr(sandbox, "ZYGOTE", ("-I", "-c", script))
    with Cage.open() as poorer:
        assert described(poorer, jpeg()).skipped is None
        assert sum(poorer.walls.values()) == sum(cage.walls.values()) - 1


def test_without_any_outer_wall_there_is_no_cage(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import sys\nfrom svitlo.media import walls, __main__ as zygote\n"
        "walls.leave_the_world = walls.fence_files = lambda *_: False\nsys.exit(zygote.main())"
    )
    monkeypatch.setattr(sandbox, "ZYGOTE", ("-I", "-c", script))
    with pytest.raises(SandboxError, match="neither namespaces nor Landlock"):
        Cage.open()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import sys\nfrom svitlo.media import __main__ as zygote\n"
        "sys.modules['pdqhash'] = None\nsys.exit(zygote.main())"
    )
    monkeypatch.setattr(sandbox, "ZYGOTE", ("-I", "-c", script))
    with pytest.raises(SandboxError, match="pdqhash"):
        Cage.open()


def typesetting_cage(monkeypatch: pytest.MonkeyPatch, body: str) -> Cage:
    """A cage in which `body` stands for the program that typesets."""
    script = (
        "import sys, types\nfrom svitlo.errors import DossierError\n"
        "from svitlo.media import __main__ as zygote\n"
        f"def typeset(document):\n    {body}\n"
        "sys.modules['svitlo.dossier.report'] = types.SimpleNamespace(typeset=typeset)\n"
        "sys.exit(zygote.main())"
    )
    monkeypatch.setattr(sandbox, "ZYGOTE", ("-I", "-c", script))
    return Cage.open()


def test_a_long_document_comes_back_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with typesetting_cage(monkeypatch, "return b'%PDF-1.7 ' + document * 2") as cage:
        assert cage.typeset(b"x" * 3_000_000) == b"%PDF-1.7 " + b"x" * 6_000_000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise DossierError('no title')", "no title"),
        ("raise KeyError('x')", "crashed"),
        ("return b'<html>'", "bad_reply"),
        ("bytearray(2 << 30)", "memory"),
    ],
)
def test_a_failed_typesetting_says_why(
    monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    with (
        typesetting_cage(monkeypatch, body) as cage,
        pytest.raises(CagedProgramFailed, match=message),
    ):
        cage.typeset(b"{}")


def test_a_picture_is_redacted_in_the_cage(cage: Cage) -> None:
    data = jpeg(2000, 1500)

    def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    with Image.open(io.BytesIO(cage.redact(read, len(data), [(10, 20, 30, 40)]))) as made:
        assert made.size == (2000, 1500)
        assert made.crop((10, 20, 40, 60)).getextrema() == ((0, 0), (0, 0), (0, 0))
    with pytest.raises(CagedProgramFailed, match="leaves the picture of 2000 x 1500"):
        cage.redact(read, len(data), [(1990, 0, 11, 1)])


def test_the_report_of_a_dossier_is_typeset_in_the_cage(cage: Cage) -> None:
    document = document_of(make_sample().dossier, b"{}")
    made = cage.typeset(document)
    assert made.startswith(b"%PDF-")
    assert made == cage.typeset(document)
    with pytest.raises(CagedProgramFailed, match="cannot be typeset"):
        cage.typeset(b"{}")
