from collections.abc import Iterator

import pytest

from server.databases import database_url, postgres_cluster, sqlite_template
from server.scenario import Dispatch, dispatching

__all__ = ["database_url", "postgres_cluster", "sqlite_template"]


@pytest.fixture
def dispatch(database_url: str) -> Iterator[Dispatch]:
    """A server whose time passes only when told, on SQLite and on PostgreSQL."""
    with dispatching(database_url) as server:
        yield server
