"""Engines. SQLite has one that writes (BEGIN IMMEDIATE) and one that reads; PostgreSQL needs no such difference."""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from haven_server.problems import Misconfigured

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a receipt says that the alarm is on the disk, so it must be
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",  # milliseconds; the command line writes beside the running server
)


_NOTICE_A_DEAD_LINK = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Seconds, the last in milliseconds. By its own rules TCP would let an alarm wait for a quarter of an hour."""


def make_engine(url: str, *, writes: bool) -> Engine:
    """Engine for `sqlite:///file` or `postgresql://…`; Misconfigured for anything else."""
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise Misconfigured("HAVEN_DATABASE_URL: SQLite needs a file, like sqlite:////var/lib/haven/haven.db")
            engine = create_engine(
                parsed, connect_args={"check_same_thread": False}, pool_size=1 if writes else 8, hide_parameters=True
            )
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_immediate if writes else _begin)
            return engine
        case "postgresql":
            return create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                pool_size=8,
                hide_parameters=True,  # an error's text goes into logs, where no address may stand
                connect_args=_NOTICE_A_DEAD_LINK,
            )
        case other:
            raise Misconfigured(f"HAVEN_DATABASE_URL: {other} is not supported; use sqlite:/// or postgresql://")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, see _begin_immediate
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
