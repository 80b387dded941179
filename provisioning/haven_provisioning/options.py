"""Options and output that several commands share."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from haven_provisioning.api import ServerApi
from haven_provisioning.broker import INNER_PORT, PID_FILE
from haven_provisioning.installation import Installation

PASSPHRASE = "HAVEN_CA_PASSPHRASE"  # noqa: S105  # the variable's name
TOKEN = "HAVEN_TOKEN"  # noqa: S105  # the variable's name

console = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)

Folder = Annotated[Path, typer.Option("--dir", envvar="HAVEN_DIR", help="The folder that `init` made.")]
Server = Annotated[
    str | None,
    typer.Option("--server", envvar="HAVEN_SERVER", help=f"Dispatch server, https://host; its token in {TOKEN}."),
]
ServerAuthority = Annotated[
    Path | None, typer.Option("--server-ca", help="CA of the server's https, where the system does not know it.")
]
PidFile = Annotated[Path, typer.Option("--pid-file", help="Where the running broker's process id stands.")]
Inner = Annotated[str, typer.Option("--inner", help="The broker's inner listener, host:port.")]
DeviceId = Annotated[str, typer.Argument(metavar="ID", help="Device id: 1 to 32 of a-z, 0-9 and -.")]

DEFAULT_FOLDER = Path("/etc/haven")
DEFAULT_PID_FILE = PID_FILE
DEFAULT_INNER = f"127.0.0.1:{INNER_PORT}"


def now() -> datetime:
    """The one place where these commands read the clock."""
    return datetime.now(UTC)


def installation(folder: Path) -> Installation:
    """Installation in a folder; the passphrase of the authorities' keys comes from the environment."""
    return Installation(folder, os.environ.get(PASSPHRASE, "").encode() or None)


def server_api(url: str, authority: Path | None) -> ServerApi:
    """Server with the token of the environment."""
    return ServerApi(url=url, token=os.environ.get(TOKEN, ""), authority=authority)


def say(text: str) -> None:
    """A line for the person at the terminal, taken literally."""
    console.print(text, markup=False)


def done(text: str) -> None:
    """Something has been done."""
    console.print(f"[green]done[/] {_plain(text)}")


def failed(text: str) -> None:
    """Something has not been done: goes to stderr."""
    errors.print(f"[bold red]FAILED[/] {_plain(text)}")


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
