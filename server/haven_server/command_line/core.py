"""The core that the command line works with, beside the running server or before there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.migration import MigrationContext
from cryptography.fernet import Fernet
from sqlalchemy import select

from haven_contract.messages import Alive, Command, Receipt
from haven_server.clock import SystemClock
from haven_server.core import Core
from haven_server.db.database import Database
from haven_server.db.engines import make_engine
from haven_server.db.migrate import migrate, newest_revision
from haven_server.db.opening import open_vault
from haven_server.models import SealedProof
from haven_server.problems import Misconfigured
from haven_server.settings import Settings
from haven_server.staff.access import Actor, Role
from haven_server.startup import prepare_folders, sqlite_file
from haven_server.vault import Vault

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


@contextmanager
def open_core(settings: Settings) -> Iterator[Core]:
    """Core on the database of the settings, which is made, or brought to this version, where needed."""
    prepare_folders(settings)
    migrate(settings.database)
    with Database(settings.database) as database:
        yield _core(database, open_vault(database, settings.data_keys), settings)


@contextmanager
def core_for_dry_run(settings: Settings) -> Iterator[tuple[Core, bool]]:
    """Core to look with, and whether the database is there; neither it nor its key is made or changed.

    Where it is not there, the core has an empty one that is thrown away. Misconfigured if it is of another version.
    """
    revision = _present_revision(settings.database)
    if revision is None:
        with TemporaryDirectory(prefix="haven-dry-run-") as folder:
            nowhere = {"state": Path(folder), "database_url": None, "data_keys_file": None}
            with open_core(settings.model_copy(update=nowhere)) as core:
                yield core, False
        return
    if revision != newest_revision():
        raise Misconfigured(
            f"the database is at version {revision} and this program at {newest_revision()}: run `haven-server migrate`"
            " first, for a dry run changes nothing"
        )
    with Database(settings.database) as database:
        with database.read() as session:
            has_sealed = session.scalars(select(SealedProof)).first() is not None
        vault = open_vault(database, settings.data_keys) if has_sealed else Vault([Fernet.generate_key()])
        yield _core(database, vault, settings), True


def _core(database: Database, vault: Vault, settings: Settings) -> Core:
    return Core(
        database=database, vault=vault, clock=SystemClock(), outbound=_Unconnected(), server=settings.server_name
    )


def _present_revision(url: str) -> str | None:
    """Revision of the database; None if it is not there, or empty."""
    file = sqlite_file(url)
    if file is not None and not file.exists():  # to connect would make it
        return None
    engine = make_engine(url, writes=False)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
