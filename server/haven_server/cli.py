"""`haven-server`: run it, and what an operator does beside it."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import structlog
import typer
import uvicorn
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from haven_server.app import create_app
from haven_server.command_line import desks, tokens
from haven_server.command_line.imports import import_sites_file
from haven_server.command_line.output import say
from haven_server.db.migrate import migrate as migrate_database
from haven_server.logs import configure_logs
from haven_server.problems import Misconfigured, Problem
from haven_server.server import running
from haven_server.settings import load_settings
from haven_server.startup import check_papers, fault_in_words, http_socket, prepare_folders

log = structlog.get_logger()

ONLY_OWNER = 0o077
"""Database and key are nobody else's to read, whoever starts the program."""

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(tokens.app, name="tokens")
app.add_typer(desks.app, name="desks")
sites = typer.Typer(no_args_is_help=True, help="Stores and homes.")
sites.command("import")(import_sites_file)
app.add_typer(sites, name="sites")


@app.command()
def run() -> None:
    """Serve until told to stop. Settings come from HAVEN_* variables, see docs/operate.md."""
    settings = load_settings()
    configure_logs(as_json=settings.log_json)
    check_papers(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: everything that was begun is ended in order
    # The port first: a second server ends here, before it has thrown the first one out of the broker.
    with http_socket(settings) as listening, running(settings) as server:
        log.info("listening", http=f"{settings.http_host}:{listening.getsockname()[1]}")
        application = create_app(server.core, server.not_ready)
        web = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False))
        with suppress(KeyboardInterrupt):
            web.run(sockets=[listening])


@app.command()
def migrate() -> None:
    """Bring the database to this version. `run` does it too."""
    settings = load_settings()
    prepare_folders(settings)
    say(f"The database is at revision {migrate_database(settings.database)}.")


def cli(arguments: Sequence[str] | None = None) -> None:
    """Entry point: a mistake of the operator's, or what database and system refuse, is one line and no traceback."""
    os.umask(ONLY_OWNER)
    try:
        app(args=arguments)
    except (Misconfigured, Problem) as error:
        _end(str(error))
    except (SQLAlchemyError, CommandError, OSError) as error:
        _end(fault_in_words(error, load_settings().database))


def _end(reason: str) -> NoReturn:
    typer.echo(f"haven-server: {reason}", err=True)
    sys.exit(2)
