"""Taking in: what is offered is sealed or rejected, and the receipt says so."""

from __future__ import annotations

import hashlib
from pathlib import Path

from svitlo.node.acting import Actor
from svitlo.node.opening import Node


def offered(*paths: Path) -> tuple[bytes, ...]:
    return tuple(bytes(path) for path in paths)


def test_a_folder_is_sealed_whole(node: Node, actor: Actor, tmp_path: Path) -> None:
    from svitlo.node.journeys.intake import Offer, take_in
    from svitlo.node.unsealing import Vault
    from svitlo.store.models import Exhibit

    (tmp_path / "in").mkdir()
    contents = {f"f{n}": bytes([n]) * n * 1000 for n in range(30)}
    for name, content in contents.items():
        (tmp_path / "in" / name).write_bytes(content)

    receipt = take_in(node, actor, Offer(paths=offered(tmp_path / "in")))

    assert receipt.value["offered"] == receipt.value["sealed"] == 30
    with Vault(node) as vault:
        for exhibit in Exhibit.objects.all():
            content = b"".join(vault.blocks(exhibit))
            assert content == contents[Path(bytes(exhibit.path).decode()).name]
            assert hashlib.sha256(content).digest() == bytes(exhibit.sha256)
