"""Two time stamp authorities of different operators on the loopback, for tests that ask them."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from svitlo.node.demo import authority
from tests.conftest import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class RunningAuthority:
    """An authority: its files lie in `folder`, it answers at `url`, its root is `roots_pem`."""

    name: str
    folder: Path
    url: str
    roots_pem: bytes


@pytest.fixture(scope="session")
def authorities(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningAuthority, RunningAuthority]]:
    """Two running authorities, the first with keys on P-256, the second with RSA keys."""
    if shutil.which("openssl") is None:
        lacking("openssl", "there is no such program on the PATH")
    folder = tmp_path_factory.mktemp("authorities")
    with ExitStack() as stack:

        def running(name: str, kind: authority.KeyKind) -> RunningAuthority:
            authority.make_authority(folder / kind, name, kind)
            served = stack.enter_context(authority.AuthorityServer(folder / kind))
            return RunningAuthority(name, folder / kind, served.url, served.roots_pem)

        yield running("Time desk A", "ec"), running("Time desk B", "rsa")
