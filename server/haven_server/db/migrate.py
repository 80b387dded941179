"""Brings a database to the present version. Runs at every start of the server; a second run does nothing."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from haven_server.db.database import lock_connection
from haven_server.db.engines import make_engine

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(url: str) -> str:
    """Upgrade and give the revision that the database is at. Servers that start together take turns."""
    engine = make_engine(url, writes=True)
    try:
        with engine.begin() as connection:
            lock_connection(connection, "migrations")
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return MigrationContext.configure(connection).get_current_revision() or ""
    finally:
        engine.dispose()


def newest_revision() -> str:
    """Revision that this version of the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
