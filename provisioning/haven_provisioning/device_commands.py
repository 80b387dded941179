"""`haven-provision device ...`: boxes, from the certificate to the revocation."""

import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from haven_contract.errors import ContractError
from haven_contract.topics import check_device_id
from haven_provisioning import box_config, broker, options, revoke
from haven_provisioning.ca import Role
from haven_provisioning.errors import (
    NotThereError,
    ProvisioningError,
    ServerError,
    UnknownToServerError,
    WrongInputError,
)
from haven_provisioning.files import PUBLIC, write_file
from haven_provisioning.installation import LOCAL_NAMES, Credentials, Installation
from haven_provisioning.options import DeviceId, Folder, Inner, PidFile, Server, ServerAuthority
from haven_provisioning.takeover import Address, take_over

app = typer.Typer(help="Boxes: certificate, assignment to a site, revocation.", no_args_is_help=True)

Request = Annotated[
    Path | None,
    typer.Option("--csr", help="Certificate request made on the box; without it, a key is made here.", exists=True),
]


@app.command()
def add(
    device_id: DeviceId,
    *,
    site: Annotated[str, typer.Option("--site", help="Code of the site where the box hangs.")],
    label: Annotated[str | None, typer.Option("--label", help="Words for people: 'counter', '2nd floor'.")] = None,
    brokers: Annotated[
        list[str] | None, typer.Option("--broker", help="host:port for the box; default: the names in the certificate.")
    ] = None,
    request: Request = None,
    folder: Folder = options.DEFAULT_FOLDER,
    server: Server = None,
    server_ca: ServerAuthority = None,
) -> None:
    """Make what a new box needs, and assign it to its site at the server.

    May be run again: a box that has its certificate keeps it, and only the assignment is done anew.
    """
    there = options.installation(folder)
    _check(device_id)
    now = options.now()
    credentials = there.device(device_id)
    if _is_good(there, device_id, credentials, request, now):
        options.done(f"certificate of {device_id} was there already")
    else:
        there.issue_device(device_id, now, request.read_bytes() if request else None)
        options.done(f"certificate of {device_id}, good until {_end_of(credentials):%Y-%m-%d}")
    config = there.device_folder(device_id) / box_config.NAME
    if not config.exists():
        text = box_config.box_config(device_id, site, brokers or _broker_addresses(there))
        write_file(config, text.encode(), PUBLIC)
    options.say(f"     carry to the box: {there.device_folder(device_id)}")
    _assign(device_id, site, label, server, server_ca)


@app.command()
def renew(device_id: DeviceId, request: Request = None, folder: Folder = options.DEFAULT_FOLDER) -> None:
    """Fresh certificate for the key a box has: 90 days from now. The old one stays good until its date."""
    there = options.installation(folder)
    _check(device_id)
    if not _ever_issued(there, device_id):
        raise NotThereError(f"{device_id} has never had a certificate: `haven-provision device add` makes one")
    if request is None and not there.device(device_id).key.exists():
        raise NotThereError(f"the key of {device_id} is on the box and not here: bring its request with --csr FILE")
    credentials = there.issue_device(device_id, options.now(), request.read_bytes() if request else None)
    options.done(f"certificate of {device_id}, good until {_end_of(credentials):%Y-%m-%d}: {credentials.certificate}")


@app.command("revoke")
def revoke_device(
    device_id: DeviceId,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit trail.")] = "revoked by the technician",
    folder: Folder = options.DEFAULT_FOLDER,
    server: Server = None,
    server_ca: ServerAuthority = None,
    pid_file: PidFile = options.DEFAULT_PID_FILE,
    inner: Inner = options.DEFAULT_INNER,
) -> None:
    """Revoke and retire a box, now and for good: stolen, sold, replaced. May be run again."""
    there = options.installation(folder)
    _check(device_id)
    address = Address.parse(inner)
    now = options.now()

    def reload_broker() -> str:
        broker.reload(pid_file)
        return str(pid_file)

    def kick() -> str:
        take_over(address, there.server, device_id)
        return inner

    act = revoke.steps(
        mark_at_server=lambda: _mark_at_server(there, device_id, reason, server, server_ca),
        list_certificates=lambda: _list_certificates(there, device_id, reason, now),
        reload_broker=reload_broker,
        take_session_over=kick,
        pause=time.sleep,
    )
    outcomes = revoke.run(act)
    for outcome in outcomes:
        if outcome.ok:
            options.done(f"{outcome.title}: {outcome.detail}")
        else:
            options.failed(f"{outcome.title}: {outcome.detail}\n       {outcome.remedy}")
    if not all(outcome.ok for outcome in outcomes):
        raise typer.Exit(1)
    options.say(f"{device_id} is revoked and out.")


def _mark_at_server(
    there: Installation, device_id: str, reason: str, server: str | None, authority: Path | None
) -> str:
    if server is None:
        raise ServerError("no server named: --server https://... or HAVEN_SERVER")
    api = options.server_api(server, authority)
    try:
        api.revoke(device_id, reason)
    except UnknownToServerError:
        if not _ever_issued(there, device_id):
            raise
        # It has a certificate, so an alarm of it may be on its way, and would ring as one of an unknown box.
        api.assign(device_id, None, None)
        api.revoke(device_id, reason)
    return server


def _list_certificates(there: Installation, device_id: str, reason: str, now: datetime) -> str:
    with there.registry() as registry:
        count = registry.revoke_device(device_id, reason, now)
    there.renew_revocation_list(now)
    if not _ever_issued(there, device_id):
        return f"no certificate was ever issued for {device_id}: is the id right?"
    return f"{count} newly revoked" if count else "all revoked already"


def _assign(device_id: str, site: str, label: str | None, server: str | None, authority: Path | None) -> None:
    try:
        if server is None:
            raise ServerError("no server named: --server https://... or HAVEN_SERVER")
        options.server_api(server, authority).assign(device_id, site, label)
    except ProvisioningError as error:
        options.failed(
            f"assignment to site {site}: {error}\n       Until the server knows the site, an alarm of this box goes to"
            " the city's desk without an address. Mend it and run the same command again."
        )
        raise typer.Exit(1) from None
    options.done(f"{device_id} is assigned to site {site}")


def _check(device_id: str) -> None:
    try:
        check_device_id(device_id)
    except ContractError as error:
        raise WrongInputError(str(error)) from None


def _is_good(
    there: Installation, device_id: str, credentials: Credentials, request: Path | None, now: datetime
) -> bool:
    """Whether the box has a certificate that is good now. A request is always answered with a fresh one."""
    if request is not None or not credentials.certificate.exists():
        return False
    with there.registry() as registry:
        return not registry.is_retired(device_id) and _end_of(credentials) > now


def _ever_issued(there: Installation, device_id: str) -> bool:
    with there.registry() as registry:
        return bool(registry.issued(Role.DEVICE, device_id))


def _end_of(credentials: Credentials) -> datetime:
    return x509.load_pem_x509_certificate(credentials.certificate.read_bytes()).not_valid_after_utc


def _broker_addresses(there: Installation) -> list[str]:
    """Under which the broker's certificate says it is reached, loopback aside."""
    certificate = x509.load_pem_x509_certificate(there.broker_certificate_file.read_bytes())
    names: list[str] = []
    with suppress(x509.ExtensionNotFound):
        for name in certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value:
            text = str(name.value)
            if text not in LOCAL_NAMES:
                names.append(f"[{text}]:{broker.OUTER_PORT}" if ":" in text else f"{text}:{broker.OUTER_PORT}")
    if not names:
        raise WrongInputError("the broker's certificate has no name but loopback: say --broker host:port")
    return names
