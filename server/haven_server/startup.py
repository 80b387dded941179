"""What is looked at before anything starts, so that a mistake of the operator's is one clear line that names it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from haven_server.problems import Misconfigured
from haven_server.settings import Settings

HTTP_BACKLOG = 2048
"""Calls that wait while the server starts."""


def check_papers(settings: Settings) -> None:
    """Misconfigured names the first of the files for the brokers that cannot be read."""
    for variable, path in (
        ("HAVEN_MQTT_CA", settings.mqtt_ca),
        ("HAVEN_MQTT_CERT", settings.mqtt_cert),
        ("HAVEN_MQTT_KEY", settings.mqtt_key),
    ):
        try:
            path.open("rb").close()
        except OSError as error:
            raise Misconfigured(f"{variable}: {path} cannot be read: {error.strerror}") from None


def prepare_folders(settings: Settings) -> None:
    """Make the folder of the state. Misconfigured if that is not possible, or if that of an SQLite file is missing."""
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"HAVEN_STATE: the folder {settings.state} cannot be used: {error.strerror}") from None
    file = sqlite_file(settings.database)
    if file is not None and not file.parent.is_dir():
        raise Misconfigured(f"HAVEN_DATABASE_URL: the folder {file.parent} is not there")


def sqlite_file(database: str) -> Path | None:
    """File of an SQLite database; None for another kind."""
    url = make_url(database)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


@contextmanager
def http_socket(settings: Settings) -> Iterator[socket.socket]:
    """Take the HTTP port; Misconfigured if it cannot be had. It listens at once, so that nobody else can have it."""
    host, port = settings.http_host, settings.http_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        taken = socket.create_server((host, port), family=family, backlog=HTTP_BACKLOG)
    except OSError as error:
        reason = str(error) if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise Misconfigured(
            f"HAVEN_HTTP_HOST, HAVEN_HTTP_PORT: {host}:{port} cannot be used ({reason});"
            " another server may run here already"
        ) from None
    with taken:
        yield taken


def fault_in_words(error: SQLAlchemyError | CommandError | OSError, database: str) -> str:
    """One sentence on what the database or the system refuses; nothing secret of the database's address is in it."""
    match error:
        case TimeoutError():
            return f"the database {_shown(database)} does not answer in time; try again in a moment"
        case OSError():
            return f"{error.filename}: {error.strerror}" if error.filename else str(error)
        case DBAPIError():
            reason = " ".join(str(error.orig).split())
            if sqlite_file(database) is not None:
                reason += " (is there room on the disk, and may this user write the file?)"
        case _:
            reason = " ".join(str(error).split())
    password = make_url(database).password
    if password:
        reason = reason.replace(str(password), "***")
    return f"the database {_shown(database)} refuses: {reason}"


def _shown(database: str) -> str:
    """Address with the password hidden, and without its options, of which one may be a password too."""
    return make_url(database).set(query={}).render_as_string(hide_password=True)
