from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from haven_server.db.engines import make_engine
from haven_server.db.writer import Writer


class Database:
    """Reads on connections of their own, writes through the one Writer. A context manager; migrated by `migrate`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._write_engine = make_engine(url, writes=True)
        self._read_engine = make_engine(url, writes=False)
        self._urgent_engine = make_engine(url, writes=False)
        self.writer = Writer(self._write_engine)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.writer)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._write_engine.dispose()
        self._read_engine.dispose()
        self._urgent_engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Session for reading."""
        with Session(self._read_engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def read_urgently(self) -> Iterator[Session]:
        """Session for reading on the way of an alarm: on connections that no request to the API can take away."""
        with Session(self._urgent_engine, expire_on_commit=False) as session:
            yield session

    def answers(self) -> bool:
        """Whether the database can be read now."""
        try:
            with self.read() as session:
                return session.execute(text("SELECT 1")).scalar() == 1
        except SQLAlchemyError:
            return False


def lock_for_transaction(session: Session, name: str) -> None:
    """Let one server at a time past here until it commits.

    SQLite needs nothing: whoever writes holds the lock of the whole file since BEGIN IMMEDIATE.
    """
    lock_connection(session.connection(), name)


def lock_all_for_transaction(session: Session, names: Iterable[str]) -> None:
    """Lock several, always in the same order, so that no two servers wait for each other."""
    for name in sorted(set(names)):
        lock_for_transaction(session, name)


def lock_connection(connection: Connection, name: str) -> None:
    """Lock like `lock_for_transaction`, for a connection that is in a transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
