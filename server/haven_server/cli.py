"""`haven-server`: run it, and what an operator does beside it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
import uvicorn

from haven_contract.messages import Alive, Command, Receipt
from haven_server.app import create_app
from haven_server.clock import SystemClock
from haven_server.core import Core
from haven_server.db.database import Database
from haven_server.db.migrate import migrate as migrate_database
from haven_server.db.opening import open_vault
from haven_server.desks.file_import import DeskImport, import_desks
from haven_server.importing import report_text
from haven_server.importing.reading import MAX_BYTES
from haven_server.logs import configure_logs
from haven_server.problems import Misconfigured, Problem
from haven_server.server import running
from haven_server.settings import Settings, load_settings
from haven_server.sites.file_import import SiteImport, import_sites
from haven_server.staff.access import Actor, Role
from haven_server.staff.tokens import create_token

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
tokens = typer.Typer(no_args_is_help=True, help="API tokens.")
sites = typer.Typer(no_args_is_help=True, help="Stores and homes.")
desks = typer.Typer(no_args_is_help=True, help="Police desks.")
app.add_typer(tokens, name="tokens")
app.add_typer(sites, name="sites")
app.add_typer(desks, name="desks")

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or .xlsx")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Report what would happen, and change nothing.")]
Language = Annotated[Literal["en", "ko"], typer.Option(help="Of the report.")]

OPERATOR = Actor("operator at the command line", Role.ADMIN)


class _Unconnected:
    """The command line beside the server: it writes to the database and speaks to no box."""

    def send_receipt(self, device_id: str, receipt: Receipt) -> None:
        """Leave it to the running server, which repeats receipts."""

    def send_alive(self, device_id: str, alive: Alive) -> None:
        """Leave it to the running server."""

    def send_command(self, device_id: str, command: Command) -> bool:  # noqa: ARG002 - as the port has it
        """Say that no broker is connected."""
        return False


@app.command()
def run() -> None:
    """Serve until told to stop. Settings come from HAVEN_* variables, see docs/operate.md."""
    settings = load_settings()
    configure_logs(as_json=settings.log_json)
    with running(settings) as server:
        application = create_app(server.core, server.not_ready)
        uvicorn.run(application, host=settings.http_host, port=settings.http_port, log_config=None, access_log=False)


@app.command()
def migrate() -> None:
    """Bring the database to this version. `run` does it too."""
    typer.echo(f"The database is at revision {migrate_database(load_settings().database)}.")


@tokens.command("create")
def create(name: str, role: Annotated[Role, typer.Option(help="What it may do.")] = Role.DISPATCHER) -> None:
    """Make an API token and print it. It is shown only now."""
    with _core(load_settings()) as core:
        typer.echo(create_token(core, OPERATOR, name, role))


@sites.command("import")
def import_sites_file(file: File, *, dry_run: DryRun = False, language: Language = "en") -> None:
    """Import stores and homes from a CSV or Excel file as it is, and report each doubtful value by row."""
    _import(import_sites, file, dry_run=dry_run, language=language)


@desks.command("import")
def import_desks_file(file: File, *, dry_run: DryRun = False, language: Language = "en") -> None:
    """Import police stations and boxes from a CSV or Excel file as it is."""
    _import(import_desks, file, dry_run=dry_run, language=language)


def _import(
    operation: Callable[..., SiteImport | DeskImport], file: Path, *, dry_run: bool, language: Language
) -> None:
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    with _core(load_settings()) as core:
        done = operation(core, OPERATOR, data, dry_run=dry_run)
    typer.echo("Dry run: nothing was changed." if dry_run else "Imported.")
    typer.echo(report_text(done.plan, language))


@contextmanager
def _core(settings: Settings) -> Iterator[Core]:
    settings.state.mkdir(parents=True, exist_ok=True)
    migrate_database(settings.database)
    with Database(settings.database) as database:
        vault = open_vault(database, settings.data_keys)
        yield Core(
            database=database, vault=vault, clock=SystemClock(), outbound=_Unconnected(), server=settings.server_name
        )


def cli() -> None:
    """Entry point: a mistake of the operator's is one clear line, not a traceback."""
    try:
        app()
    except (Misconfigured, Problem) as error:
        typer.echo(f"haven-server: {error}", err=True)
        sys.exit(2)
