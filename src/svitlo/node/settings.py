"""The settings of one node: `svitlo.toml` in its folder, then `SVITLO_<FIELD>`.

Each field has a default, a unit where it is a measure, and one line of help. Unknown keys are
errors. `SVITLO_NODE` names the node's folder; `SVITLO_REQUIRE` and `SVITLO_TEST_PG` belong to the
tests. Secrets are never settings: they are files in `keys/`.
"""

import math
import os
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from svitlo.errors import SettingsError
from svitlo.store.log.heads import write_durably

FILE_NAME = "svitlo.toml"
NOT_FIELDS = frozenset({"SVITLO_NODE", "SVITLO_REQUIRE", "SVITLO_TEST_PG"})


def _setting(default: Any, text: str, unit: str = "") -> Any:  # noqa: ANN401 - as dataclasses.field
    return field(default=default, metadata={"help": text, "unit": unit})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoritySetting:
    """A time stamp authority: `name`, `url`, and `roots`, a PEM file of the roots to trust.

    With `policy` (an object identifier, such as 1.2.3.4) a stamp by another policy is refused.
    """

    name: str
    url: str
    roots: str
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessSetting:
    """A witness on this machine: `vkey`, its key line, and `node`, the folder of its node."""

    vkey: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set, with what it is when nothing is said."""

    state: str = _setting("", "Country code of the state or name of the organisation")
    name: str = _setting("", "Name of the contact point, as people read it")
    origin: str = _setting("", "Permanent origin of the node's logs, a lower-case DNS name")
    person: str = _setting("", "The person who acts when a command names nobody")
    purpose: str = _setting("preservation", "Code of the purpose when a command names none")
    basis: str = _setting("led.8", "Code of the legal basis when a command names none")
    case: str = _setting("general", "Case that exhibits go to when a command names none")
    passphrase_file: str = _setting("", "File with the passphrase of the keys; empty: asked for")
    authorities: tuple[AuthoritySetting, ...] = _setting((), "Time stamp authorities (RFC 3161)")
    witnesses: tuple[WitnessSetting, ...] = _setting((), "Witnesses that cosign checkpoints")
    quorum: int = _setting(0, "Cosignatures that a checkpoint should have", "witnesses")
    log_epoch_cap: int = _setting(65_536, "Most entries that one epoch adds", "entries")
    segment_member_max: int = _setting(
        16 << 20, "Largest exhibit that is packed in a segment", "bytes"
    )
    segment_max: int = _setting(256 << 20, "Largest segment", "bytes")
    group_items: int = _setting(4096, "Most items made durable together", "items")
    group_seconds: float = _setting(1.0, "Longest time that a group stays open", "s")
    second_place: str = _setting("", "Folder of a second copy of all sealed bytes; empty: none")
    fixity_days: int = _setting(90, "Longest time between two checks of a sealed body", "days")
    disposal_days: int = _setting(7, "Time between proposal and approval of a disposal", "days")
    credential_anchors: str = _setting("", "PEM file of roots to trust in Content Credentials")
    archive_roots: str = _setting("", "PEM file of roots to trust in signed web archives")
    cage_seconds: int = _setting(60, "Longest time that reading one file may take", "s")
    cage_memory_mib: int = _setting(1024, "Most memory that reading one file may take", "MiB")
    stamp_timeout_s: float = _setting(20.0, "Longest wait for a time stamp authority", "s")


def load_settings(folder: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the node in `folder`, or the defaults where there is none.

    Raises:
        SettingsError: a key is unknown or a value does not fit; the message names it.
    """
    values: dict[str, Any] = {}
    if folder is not None and (folder / FILE_NAME).is_file():
        try:
            values = tomllib.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{FILE_NAME} is not TOML: {error}") from error
    for key, text in environ.items():
        if key.startswith("SVITLO_") and key not in NOT_FIELDS:
            values[key.removeprefix("SVITLO_").lower()] = text
    return parse_settings(values)


def parse_settings(values: Mapping[str, Any]) -> Settings:
    """Settings of plain values.

    Raises:
        SettingsError: a key is unknown or a value does not fit.
    """
    known = {item.name: item for item in fields(Settings)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise SettingsError(f"unknown settings: {', '.join(unknown)}")
    return Settings(
        **{key: _fitted(key, value, known[key].default) for key, value in values.items()}
    )


def _fitted(key: str, value: Any, default: Any) -> Any:  # noqa: ANN401 - what TOML gives
    if key == "authorities":
        return tuple(_record(AuthoritySetting, key, item) for item in _list(key, value))
    if key == "witnesses":
        return tuple(_record(WitnessSetting, key, item) for item in _list(key, value))
    kind = type(default)
    if kind in {int, float}:
        return _number(key, value, kind)
    if isinstance(value, kind):
        return value
    raise SettingsError(f"{key} should be {kind.__name__}, found {value!r}")


def _number(key: str, value: object, kind: type[int] | type[float]) -> int | float:
    """The number that a text or a TOML number gives; never cut, never negative, never infinite."""
    found = SettingsError(f"{key} should be a number that is not negative, found {value!r}")
    if isinstance(value, bool) or not isinstance(value, (str, int, kind)):
        raise found
    try:
        number = kind(value)
    except ValueError:
        raise found from None
    if not 0 <= number < math.inf:
        raise found
    return number


def _list(key: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise SettingsError(f"{key} should be a list of tables ([[{key}]]) in {FILE_NAME}")
    return value


def _record(kind: type, key: str, value: object) -> Any:  # noqa: ANN401 - one of the two above
    known = {item.name for item in fields(kind)}
    needed = {item.name for item in fields(kind) if item.default is MISSING}
    if not isinstance(value, dict) or not needed <= set(value) <= known:
        more = f", and may have {sorted(known - needed)}" if known - needed else ""
        raise SettingsError(f"each of {key} has the members {sorted(needed)}{more}")
    if not all(isinstance(item, str) for item in value.values()):
        raise SettingsError(f"the members of {key} are texts")
    return kind(**value)


def write_settings(folder: Path, settings: Settings) -> None:
    """Leave `svitlo.toml` in the folder with every value that is not the default.

    Raises:
        SettingsError: a text holds what TOML cannot.
    """
    lines = []
    for item in fields(Settings):
        value = getattr(settings, item.name)
        if value != item.default and not isinstance(value, tuple):
            lines += [f"# {item.metadata['help']}", f"{item.name} = {_toml(value)}"]
    for item in fields(Settings):
        for record in (
            getattr(settings, item.name) if item.name in {"authorities", "witnesses"} else ()
        ):
            lines += ["", f"[[{item.name}]]"]
            lines += [
                f"{part.name} = {_toml(getattr(record, part.name))}"
                for part in fields(record)
                if getattr(record, part.name) != part.default
            ]
    write_durably(folder / FILE_NAME, ("\n".join(lines) + "\n").encode())


def _toml(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in escaped):
            raise SettingsError(f"settings hold no control characters, as {value!r} does")
        return f'"{escaped}"'
    return str(value)
