"""The program: `svitlo <noun> <verb>`; a noun's module is loaded when it is called.

Help loads no Django and no library that a command alone needs, so it answers at once.
"""

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from svitlo.cli.errors import INCOMPLETE, exit_code
from svitlo.errors import InvalidInput, SvitloError

if TYPE_CHECKING:
    from svitlo.node.opening import Node

COMMANDS = {
    "init": "init:founding",
    "exhibit": "exhibit:exhibits",
    "log": "log:logs",
    "dossier": "dossier:dossiers",
    "hold": "hold:holds",
    "disposal": "disposal:disposals",
    "vault": "vault:vault_commands",
    "keys": "keys:key_commands",
    "settings": "settings:setting_list",
    "doctor": "doctor:examination",
    "demo": "demo:demonstration",
}
"""Each command, and the module of `svitlo.cli` and object in it that carry it out."""


@dataclass
class Door:
    """What every command has: the folder of the node it works on."""

    folder: Path | None

    @cached_property
    def node(self) -> "Node":
        """The node, opened.

        Raises:
            InvalidInput: no folder was named.
        """
        from svitlo.node.opening import open_node

        if self.folder is None:
            raise InvalidInput("name the node's folder: svitlo --node DIR ..., or set SVITLO_NODE")
        return open_node(self.folder, ask=_ask if sys.stdin.isatty() else None)


def _ask() -> str:
    return str(click.prompt("Passphrase", hide_input=True, err=True))


class Program(click.Group):
    """The group of all nouns; SvitloError becomes words on stderr and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found: click.Command = getattr(importlib.import_module(f"svitlo.cli.{module}"), name)
        return found

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever a command returns
        try:
            return super().invoke(ctx)
        except SvitloError as error:
            click.echo(f"svitlo: {error}", err=True)
            ctx.exit(exit_code(error))
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                ctx.exit(INCOMPLETE)
            click.echo(f"svitlo: {error.strerror or error}: {error.filename or ''}", err=True)
            ctx.exit(INCOMPLETE)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--node",
    "folder",
    envvar="SVITLO_NODE",
    type=click.Path(path_type=Path),
    help="The node's folder; without it, SVITLO_NODE names the folder.",
)
@click.version_option(package_name="svitlo")
@click.pass_context
def main(ctx: click.Context, folder: Path | None) -> None:
    """Prove attacks on civilian infrastructure: seal, log, stamp, export, verify.

    Example: svitlo --node my-node exhibit add photos/
    """
    ctx.obj = Door(folder)


def pass_door(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command gets the `Door` as its first argument."""
    return click.make_pass_decorator(Door)(command)
