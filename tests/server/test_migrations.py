"""The migrations make the tables that the code expects, and may be run by several servers at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from haven_server.db.engines import make_engine
from haven_server.db.migrate import migrate, newest_revision
from haven_server.models import Base


def test_a_migrated_database_has_the_tables_of_the_models(database_url: str) -> None:
    engine = make_engine(database_url, writes=False)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert differences == []


def test_servers_that_start_together_take_turns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'haven.db'}"
    with ThreadPoolExecutor(4) as pool:
        revisions = list(pool.map(lambda _: migrate(url), range(4)))
    assert revisions == [newest_revision()] * 4
