from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Executable, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from haven_server.models import Base


def insert_or_ignore(session: Session, model: type[Base], values: Mapping[str, Any]) -> int | None:
    """Insert a row and give its `id`, or None if a unique constraint says that it is there already.

    With two servers at PostgreSQL the second waits here until the first has committed, so one of them gets the id.
    """
    statement = _insert_or_ignore(session.get_bind().dialect.name, model)
    found: int | None = session.connection().execute(statement, dict(values)).scalar()
    return found


def upsert(session: Session, model: type[Base], rows: list[dict[str, Any]], changes: tuple[str, ...]) -> None:
    """Insert rows; where the primary key is there already, set the columns in `changes` instead."""
    if rows:
        session.connection().execute(_upsert(session.get_bind().dialect.name, model, changes), rows)


@cache
def _insert_or_ignore(dialect: str, model: type[Base]) -> Executable:
    statement: Executable = _insert(dialect, model).on_conflict_do_nothing().returning(inspect(model).c.id)
    return statement


@cache
def _upsert(dialect: str, model: type[Base], changes: tuple[str, ...]) -> Executable:
    insert = _insert(dialect, model)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=list(inspect(model).primary_key), set_={name: insert.excluded[name] for name in changes}
    )
    return statement


def _insert(dialect: str, model: type[Base]) -> Any:
    return (postgresql if dialect == "postgresql" else sqlite).insert(inspect(model).local_table)
