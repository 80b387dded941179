"""Whose fault it is when a job fails: the database's, which passes, or the job's own."""

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from haven_server.problems import Busy

_TURNED_AWAY = frozenset({"40001", "40P01"})
"""PostgreSQL: serialization failure and deadlock. Of two that wait for each other, one is sent back to begin again."""


def is_database_fault(error: BaseException) -> bool:
    """Whether the database refuses whatever it is asked: away, locked, read-only, its disk full. Later it may work."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError | InternalError)
    return isinstance(error, TimeoutError | PoolTimeoutError | Busy)


def was_turned_away(error: BaseException) -> bool:
    """Whether the job only has to be run again, at once."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _TURNED_AWAY
