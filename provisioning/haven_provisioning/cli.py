"""`haven-provision`: keys and certificates, boxes, and what the broker has to be told."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from haven_contract.topics import SERVER_USER
from haven_provisioning import broker, device_commands, options
from haven_provisioning.errors import ProvisioningError, WrongInputError
from haven_provisioning.installation import DEVICE_CA, SERVER_CA, Installation
from haven_provisioning.options import Folder, Inner, PidFile
from haven_provisioning.status import (
    Finding,
    Urgency,
    authority_finding,
    certificate_findings,
    revocation_list_finding,
)
from haven_provisioning.takeover import Address, take_over

app = typer.Typer(
    help="Haven's certificates, boxes and broker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a passphrase or token must not stand in a trace
)
app.add_typer(device_commands.app, name="device")
crl_app = typer.Typer(help="The list of revoked boxes.", no_args_is_help=True)
app.add_typer(crl_app, name="crl")
broker_app = typer.Typer(help="The broker's configuration and certificate.", no_args_is_help=True)
app.add_typer(broker_app, name="broker")
server_app = typer.Typer(help="The dispatch servers' certificate.", no_args_is_help=True)
app.add_typer(server_app, name="server")

BrokerNames = Annotated[
    list[str],
    typer.Option("--broker-name", help="Host name or address by which boxes reach the broker; repeatable."),
]


@app.command()
def init(
    broker_names: BrokerNames,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where everything goes.")] = options.DEFAULT_FOLDER,
) -> None:
    """Make the two authorities, the certificates of broker and servers, and an empty revocation list."""
    there = options.installation(folder)
    there.create(broker_names, options.now())
    options.done(f"authorities, broker and server certificates in {folder}")
    if there.passphrase is None:
        options.say(f"     {there.authorities} is not protected by a passphrase: whoever reads it can make boxes")
    options.say(f"     keep a copy of {there.authorities} in a safe: without it every box has to be enrolled anew")


@crl_app.command("renew")
def renew_revocation_list(
    folder: Folder = options.DEFAULT_FOLDER, pid_file: PidFile = options.DEFAULT_PID_FILE
) -> None:
    """Fresh revocation list, good for 30 days, and the broker reads it. A timer does this daily."""
    fresh = options.installation(folder).renew_revocation_list(options.now())
    options.done(f"revocation list with {len(fresh)} entries, good until {fresh.next_update_utc:%Y-%m-%d}")
    broker.reload(pid_file)
    options.done("the broker has been told")


@broker_app.command("renew")
def renew_broker(broker_names: BrokerNames, folder: Folder = options.DEFAULT_FOLDER) -> None:
    """Make a new key and certificate for the broker, which takes them at its next restart."""
    options.installation(folder).issue_broker(broker_names, options.now())
    options.done("broker certificate; restart the broker")


@broker_app.command("config")
def broker_config(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for configuration, data and log.")],
    folder: Folder = options.DEFAULT_FOLDER,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="For the boxes.")] = broker.OUTER_PORT,
    inner_port: Annotated[int, typer.Option("--inner-port", min=1, max=65535, help="For servers.")] = broker.INNER_PORT,
    inner_host: Annotated[str, typer.Option("--inner-host", help="Loopback, or a private address.")] = "127.0.0.1",
    user: Annotated[str | None, typer.Option("--user", help="Whom the broker becomes; default: you.")] = None,
) -> None:
    """Write the shipped configuration with other paths and ports, for a broker beside the system's."""
    settings = broker.BrokerSettings(
        folder=out.resolve(),
        certificates=options.installation(folder.resolve()).broker_folder,
        outer_port=port,
        inner_port=inner_port,
        inner_host=inner_host,
        user=user or broker.own_user(),
    )
    options.done(f"mosquitto -c {broker.write_config(settings)}")


@server_app.command("renew")
def renew_server(folder: Folder = options.DEFAULT_FOLDER) -> None:
    """Make a new key and certificate for the dispatch servers, which take them when they connect next."""
    credentials = options.installation(folder).issue_server(options.now())
    options.done(f"server certificate: {credentials.certificate}")


@server_app.command("forget")
def forget_server(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT-ID", help="As in the broker's log: dispatch/...")],
    folder: Folder = options.DEFAULT_FOLDER,
    inner: Inner = options.DEFAULT_INNER,
) -> None:
    """Delete the session of a server that is gone for good, so that the broker no longer queues for it.

    A server that still runs is thrown out, loses what waits for it, and comes back.
    """
    if not client_id.startswith(SERVER_USER):
        raise WrongInputError(f"{client_id!r} is no server's client id: those begin with {SERVER_USER}")
    take_over(Address.parse(inner), options.installation(folder).server, client_id)
    options.done(f"session of {client_id} deleted")


@app.command()
def status(folder: Folder = options.DEFAULT_FOLDER) -> None:
    """What ends when. Exit code 0: all well; 1: something ends soon; 2: something has ended, or cannot be looked at."""
    try:
        findings = _findings(options.installation(folder), options.now())
    except (ProvisioningError, OSError) as error:
        options.failed(str(error))
        raise typer.Exit(Urgency.NOW) from None
    table = Table("", "what", "ends", "to do", box=None, pad_edge=False)
    marks = {Urgency.GOOD: "[green]good[/]", Urgency.SOON: "[yellow]soon[/]", Urgency.NOW: "[bold red]ENDED[/]"}
    for finding in findings:
        table.add_row(marks[finding.urgency], finding.what, f"{finding.ends_at:%Y-%m-%d %H:%M} UTC", finding.remedy)
    options.console.print(table)
    raise typer.Exit(max(finding.urgency for finding in findings))


def _findings(there: Installation, now: datetime) -> list[Finding]:
    there.check()
    findings = [revocation_list_finding(there.revocation_list_end(), now)]
    findings += [
        authority_finding(name, there.authority_certificate(name).not_valid_after_utc, now)
        for name in (DEVICE_CA, SERVER_CA)
    ]
    with there.registry() as registry:
        return findings + certificate_findings(registry.issued(), now)


def cli(arguments: Sequence[str] | None = None) -> None:
    """Run a command. What went wrong is said in words, with exit code 1."""
    try:
        app(args=arguments)
    except (ProvisioningError, OSError) as error:
        options.failed(str(error))
        sys.exit(1)
